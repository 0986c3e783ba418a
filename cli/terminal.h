/* cli/terminal.h - what the terminal can do: colour, UTF-8, its width. */
#ifndef HTRAIL_CLI_TERMINAL_H
#define HTRAIL_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum cli_style {
    CLI_STYLE_NONE,
    CLI_STYLE_BOLD,
    CLI_STYLE_DIM,
    CLI_STYLE_RED,
    CLI_STYLE_GREEN,
    CLI_STYLE_YELLOW,
    CLI_STYLE_BLUE
} cli_style;

/* The escape sequence to begin a style, "" where stream has no colour: no terminal,
 * NO_COLOR, TERM=dumb. CLI_STYLE_NONE ends it. */
const char *cli_styled(FILE *stream, cli_style style);
/* Whether stream is a terminal whose locale is UTF-8: arrows and boxes are safe. */
bool cli_is_utf8(FILE *stream);
/* Columns of the terminal on standard output, or what COLUMNS says of it; 0: no terminal,
 * so no limit. */
size_t cli_terminal_columns(void);

#endif
