/* cli/escape.h - text of a heap made safe for a terminal and for JSON. */
#ifndef HTRAIL_CLI_ESCAPE_H
#define HTRAIL_CLI_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Text of a heap for a terminal: control characters, invalid UTF-8, bidirectional overrides and characters that
 * nobody sees are escaped; on a terminal that knows no UTF-8 all that is not ASCII. */
void cli_print_escaped(FILE *stream, const char *data, size_t len);
/* A JSON string, quotes included; invalid UTF-8 becomes U+FFFD. */
void cli_print_json_text(FILE *stream, const char *data, size_t len);

/* The same in memory of its own, which the caller frees; NULL: out of memory. */
char *cli_escaped(FILE *stream, const char *data, size_t len, size_t *out_len);

#endif
