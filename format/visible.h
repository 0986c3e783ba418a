/* format/visible.h - characters of a heap's text that are written as they are, and what stands for the others.
 *
 * Controls, line separators, what turns the direction of text, what no one sees and what is no character: a name must not be
 * able to rewrite the line that it stands in, nor to look like another. They become \n, \t, \r, \x1b, \u202e, \U000e0020.
 * The terminal, pictures and exported stacks ask here; viz/report/page.js has the same set, and a test compares them. */
#ifndef HTRAIL_FORMAT_VISIBLE_H
#define HTRAIL_FORMAT_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTRAIL__VISIBLE_BYTES = 12 /* the longest escape, and a NUL */ };

bool htrail__visible_is(uint32_t point);
/* What stands for a character: "\u202e". */
void htrail__visible_escape(char out[HTRAIL__VISIBLE_BYTES], uint32_t point);
/* The first character of data (len > 0) as it is written; how many bytes of data that is. A byte that is no UTF-8 is its \xNN. */
size_t htrail__visible_next(char out[HTRAIL__VISIBLE_BYTES], const char *data, size_t len);

#endif
