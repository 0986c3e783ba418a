/* cli/flow.h - text in lines that fit the terminal: sentences, and what is drawn with arrows. Tables: cli/output.h.
 *
 * Begin, add words, end. A word that does not fit begins a new line; one that is longer than a line runs on, and the
 * terminal breaks it: it can still be copied whole. Where there is no limit it is all one line. Everything is escaped. */
#ifndef HTRAIL_CLI_FLOW_H
#define HTRAIL_CLI_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/terminal.h"

typedef struct cli_flow {
    FILE *stream;
    size_t limit, hang, column; /* hang: blanks before all lines but the first */
    bool is_line_empty;
} cli_flow;

/* column: what stands on the line already. */
void cli_flow_begin(cli_flow *flow, FILE *stream, size_t column, size_t hang);
/* What is not to be broken; a blank goes before it, unless it begins a line. */
void cli_flow_word(cli_flow *flow, const char *text, size_t len);
/* The same without a blank, and without a break before it: punctuation. */
void cli_flow_more(cli_flow *flow, const char *text, size_t len);
/* A word, cut in the middle where it would take more than half of a line. */
void cli_flow_name(cli_flow *flow, const char *text);
/* An arrow and what it leads to: parted only where they fit on no line together; then what is led to is a name. */
void cli_flow_pair(cli_flow *flow, const char *arrow, const char *name);
/* Its words; a control character is none that parts them. */
void cli_flow_text(cli_flow *flow, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void cli_flow_format(cli_flow *flow, const char *format, ...);
/* Begin or end a style; a blank that is still to come is not in it. */
void cli_flow_style(cli_flow *flow, cli_style style);
void cli_flow_end(cli_flow *flow);

/* What stands in a list behind its name, which took so many columns. */
void cli_print_described(size_t column, const char *text);

/* A text of several lines for standard output, as help is, each in lines that fit: they begin where its last column does. */
void cli_flow_lines(const char *text);

#endif
