/* tools/banned.h - calls that do not compile here, because each has been the cause of
 * somebody's hole: unbounded writes, hidden static state. Put in front of every source
 * by the Makefile. Use snprintf, memcpy, strtok_r, gmtime_r. */
#ifndef HTRAIL_BANNED_H
#define HTRAIL_BANNED_H

/* First the headers that declare them: a macro must not meet a declaration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HTRAIL_BANNED(name) name##_is_banned_see_tools_banned_h
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef atoi
#undef atol
#undef tmpnam
#undef mktemp
#define strcpy(to, from) HTRAIL_BANNED(strcpy)
#define strcat(to, from) HTRAIL_BANNED(strcat)
#define strncpy(to, from, n) HTRAIL_BANNED(strncpy)
#define strncat(to, from, n) HTRAIL_BANNED(strncat)
#define sprintf(...) HTRAIL_BANNED(sprintf)
#define vsprintf(...) HTRAIL_BANNED(vsprintf)
#define strtok(text, set) HTRAIL_BANNED(strtok)
#define gmtime(time) HTRAIL_BANNED(gmtime)
#define localtime(time) HTRAIL_BANNED(localtime)
#define ctime(time) HTRAIL_BANNED(ctime)
#define asctime(time) HTRAIL_BANNED(asctime)
#define atoi(text) HTRAIL_BANNED(atoi)
#define atol(text) HTRAIL_BANNED(atol)
#define tmpnam(to) HTRAIL_BANNED(tmpnam)
#define mktemp(to) HTRAIL_BANNED(mktemp)

#endif
