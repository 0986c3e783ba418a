/* lines.h - a file of /proc, line by line: read alone, no memory is taken. Each read is of few lines, so
 * that the kernel holds the lock that such a file needs for no longer than they take. */
#ifndef HTRAIL_PROCESS_LINES_H
#define HTRAIL_PROCESS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct htrail__lines {
    int fd; /* the caller's */
    size_t used, filled;
    char buffer[4096];
} htrail__lines;

/* The next line, NUL-terminated, in line (cut where it is longer); false at the end. */
bool htrail__lines_next(htrail__lines *lines, char *line, size_t cap);

/* Hexadecimal digits; the first character behind them. */
const char *htrail__lines_hex(const char *text, uintptr_t *value);

#endif
