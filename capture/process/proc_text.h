/* proc_text.h - what a small file of /proc or /sys says. Read with open and read alone. */
#ifndef HTRAIL_PROCESS_PROC_TEXT_H
#define HTRAIL_PROCESS_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much of the file as fits, NUL-terminated. false: not there, or empty. */
bool htrail__proc_read(const char *path, char *text, size_t text_cap);

/* The number that text begins with, blanks apart: "max" is none. */
bool htrail__proc_number(const char *text, uint64_t *value);

/* The number behind key ("VmRSS:"), which begins a line of text. */
bool htrail__proc_number_of(const char *text, const char *key, uint64_t *value);

#endif
