/* analyze/root_name.h - names of roots that differ in a number alone are one. */
#ifndef HTRAIL_ANALYZE_ROOT_NAME_H
#define HTRAIL_ANALYZE_ROOT_NAME_H

#include <stddef.h>

/* The text of a root's name without its numbers: "callback 3 of 20" -> "callback". Its length; not ended by a NUL. */
size_t htrail__root_name_general(const char *name, size_t len, char *out, size_t cap);

#endif
