/* format/utf8.h - texts of a snapshot are UTF-8 by intent and never trusted to be. What SQLite, JSON and a terminal are
 * handed is: bytes that are not valid UTF-8, and NULs, are written as \xNN. */
#ifndef HTRAIL_FORMAT_UTF8_H
#define HTRAIL_FORMAT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/types.h>

enum { HTRAIL__UTF8_ESCAPED_BYTES = 4 /* at most, for one */ };

/* Length of the valid UTF-8 sequence at data, 0 if it is none (or a NUL). */
size_t htrail__utf8_sequence(const unsigned char *data, size_t len);
/* The character that such a sequence of len bytes is. */
uint32_t htrail__utf8_point(const char *data, size_t len);
bool htrail__utf8_is_clean(htrail_str text);
/* Into out, which has room for HTRAIL__UTF8_ESCAPED_BYTES times the length; returns how many bytes. */
size_t htrail__utf8_escape(char *out, htrail_str text);
/* A clean copy that ends in a NUL, for free(); NULL: no memory. */
char *htrail__utf8_copy(htrail_str text);

#endif
