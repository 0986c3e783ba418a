/* cli/fit.h - how wide a text is on a terminal, and text cut to fit. */
#ifndef HTRAIL_CLI_FIT_H
#define HTRAIL_CLI_FIT_H

#include <stddef.h>
#include <stdio.h>

/* Columns on a terminal: wide characters (East Asian, emoji) take two, combining ones none. */
size_t cli_width(const char *text, size_t len);
/* What is wider is cut in the middle, since the ends of a qualified name say most. Returns the
 * columns that it took: one less than there were where half a wide character was left. */
size_t cli_print_fitted(FILE *stream, const char *text, size_t len, size_t columns);

#endif
