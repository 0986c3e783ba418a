/* cli/terminal.h - what the terminal can do: colour, UTF-8, its size; and what --width and --color say of it. */
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

/* Options of every command: --width N, a number of columns for a terminal and a pipe (0: no limit), and --color auto, always
 * or never. False: it is none of these. */
bool cli_terminal_set_width(const char *text);
bool cli_terminal_set_color(const char *text);

bool cli_is_terminal(FILE *stream);
/* The escape sequence to begin a style, CLI_STYLE_NONE to end it; "" where stream has no colour: by --color, else where
 * it is no terminal, NO_COLOR is set or TERM is dumb. What a colour says stands there in words too. */
const char *cli_styled(FILE *stream, cli_style style);
/* Whether a line that is written can be written anew: a terminal, and no dumb one. */
bool cli_terminal_moves(FILE *stream);
/* Whether stream is a terminal whose locale is UTF-8: arrows and boxes are safe. */
bool cli_is_utf8(FILE *stream);
/* Whether it is a terminal of another locale: ASCII alone is safe. */
bool cli_is_ascii(FILE *stream);

/* Columns to keep to: by --width, else those of the terminal, or what COLUMNS says of it; 0: no limit. */
size_t cli_terminal_columns(FILE *stream);
/* Lines of the terminal on standard output, or what LINES says of it; 0: no terminal, so no limit. */
size_t cli_terminal_lines(void);

#endif
