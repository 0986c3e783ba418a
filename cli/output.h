/* cli/output.h - what commands print: rows as a table for people or as JSON.
 *
 * Rows: open, column for each column, then for each row one call a column in that
 * order; close prints what is left. A table is held back until close, so that its
 * columns fit; JSON is written as it comes:
 *     {"command": "top", "format": 1, "rows": [{"key": "dict", "count": 3}, ...]}
 *
 * Everything goes to standard output; main reports a failed write. */
#ifndef HTRAIL_CLI_OUTPUT_H
#define HTRAIL_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What stands around a table is written with these. */
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/progress.h"
#include "cli/terminal.h"

typedef enum cli_column_kind {
    CLI_COLUMN_TEXT,   /* left-aligned, cut in the middle where the terminal is narrow */
    CLI_COLUMN_NUMBER, /* right-aligned, 1,234,567 in a table */
    CLI_COLUMN_BYTES,  /* right-aligned, 1.2 MiB in a table; plain bytes in JSON */
    CLI_COLUMN_CHANGE, /* NUMBER with its sign, also + */
    CLI_COLUMN_BYTES_CHANGE,
    CLI_COLUMN_TENTHS, /* right-aligned, 12.3 in a table */
    CLI_COLUMN_HUNDREDTHS,
    CLI_COLUMN_PLAIN,  /* right-aligned, digits as they are: ids */
    CLI_COLUMN_JSON,   /* TEXT that is JSON already: an array, an object */
    CLI_COLUMN_ANY     /* PLAIN where there is no text in it, otherwise TEXT */
} cli_column_kind;

typedef struct cli_rows cli_rows;

/* command: the name in JSON; borrowed until close. Ends the program where memory is out. */
cli_rows *cli_rows_open(const char *command, bool json);
/* Two columns of one name are name and name_2 in JSON. */
void cli_rows_column(cli_rows *rows, const char *name, cli_column_kind kind);
/* Of the column added last: what to call it on a terminal where the table would not fit
 * otherwise (head NULL: the same), and whether it is left out where that is not enough: 0 never, 2 before those with 1.
 * A pipe and JSON always have every column by its name. head is borrowed until close. */
void cli_rows_column_narrow(cli_rows *rows, const char *head, unsigned spare);
/* Of the column added last, which holds sentences: where it would be cut they stand below their rows instead. */
void cli_rows_column_sentence(cli_rows *rows);
/* A table without rows prints its heads (otherwise nothing). */
void cli_rows_keep_heads(cli_rows *rows);
void cli_rows_text(cli_rows *rows, const char *data, size_t len);
/* The same for a line of a tree, so many levels below the top: on a terminal with branches, otherwise indented. Its parent
 * is the nearest row before it that has a level less. */
void cli_rows_branch(cli_rows *rows, size_t level, const char *data, size_t len);
void cli_rows_number(cli_rows *rows, int64_t number);
void cli_rows_real(cli_rows *rows, double number);
void cli_rows_null(cli_rows *rows);
size_t cli_rows_count(const cli_rows *rows);
/* JSON only: a further member after "rows" ("expression": "sys.modules[...]"). A NULL
 * text is null. Written at close. */
void cli_rows_member(cli_rows *rows, const char *key, const char *text);
void cli_rows_member_number(cli_rows *rows, const char *key, int64_t number);
/* JSON only: what is there is one table, and another begins, {"rows": [...], "name": [...]}, which has columns of its own. */
void cli_rows_next(cli_rows *rows, const char *name);
/* A table of a tree: of its rows so many at most, the largest by a column, by the one before it
 * where that is NULL. What stands above a row is never smaller, so that what is left is a tree. Returns how many went. */
size_t cli_rows_keep_largest(cli_rows *rows, const char *by, size_t count);
/* Print and release. A table with no rows prints nothing, unless its heads are kept. */
void cli_rows_close(cli_rows *rows);

/* Release without printing (JSON rows so far are out). */
void cli_rows_discard(cli_rows *rows);

#endif
