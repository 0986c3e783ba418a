/* cli/query.h - open the FILE of a command as a database, and print what a query gives:
 * a printed table is a result set, its heads the column names of the SQL. */
#ifndef HTRAIL_CLI_QUERY_H
#define HTRAIL_CLI_QUERY_H

#include <stdbool.h>

#include "analyze/store.h"
#include "cli/command.h"
#include "cli/flow.h"
#include "cli/output.h"

/* Open FILE with a progress bar; a snapshot that is not whole is said on standard error.
 * Returns CLI_EXIT_OK and *out (the caller frees it), else what to return from main, said. */
int cli_open_store(const cli_arguments *arguments, const char *file, htrail__store **out);

/* The same for a question about objects: a snapshot that holds none has failed, since nothing
 * can be told from the answer. */
int cli_open_heap(const cli_arguments *arguments, const char *file, htrail__store **out);

/* Both as attached databases, before and after, of one connection without a file: the names in the query
 * that --show-sql prints are those that one would give in a shell. *out is the caller's to close, on failure too. */
int cli_open_pair(const cli_arguments *arguments, const htrail__store *before, const htrail__store *after, sqlite3 **out);

/* sql: "ATTACH ? AS name", with the database of the store in its place. */
int cli_attach(const cli_arguments *arguments, sqlite3 *db, const char *sql, const htrail__store *store);

/* The query on standard error, where --show-sql was given: whole, so that the plain sqlite3 shell gives the same
 * rows for it. Other databases of the connection are attached first, values are in their places, row_limit (0: none)
 * is a LIMIT. A table of several queries has the rows of the first one first. */
void cli_show_sql(const cli_arguments *arguments, sqlite3_stmt *statement, uint64_t row_limit);

typedef struct cli_query_column {
    const char *name; /* as in the SQL */
    cli_column_kind kind;
    const char *head;  /* shorter, for a narrow terminal; NULL: none */
    unsigned spare;    /* 1 left out on a terminal that is narrower still, 2 before those; 0 never */
    const char *blank; /* what a table shows for the empty text; NULL: nothing. Borrowed */
    bool is_hidden;    /* for JSON alone */
    bool is_indent;    /* a level: in a table the column after it is a line of a tree instead */
} cli_query_column;

/* Print the rows of a prepared statement (the caller binds before and finalizes after) as
 * --json asks. columns says how to show those that are not plain; NULL: a query of the
 * user's own, whose heads are printed also where there is no row.
 * row_limit 0: all; otherwise a last line says how many more there are. */
int cli_print_query(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns,
                    uint64_t row_limit);

/* What is said above a table on a terminal: row sees each row, also those past the limit, and say then says it. */
typedef struct cli_query_told {
    sqlite3_stmt *shown; /* what --show-sql prints, where the rows were found without it; NULL: the statement itself */
    void (*row)(void *arg, sqlite3_stmt *row);
    void (*say)(void *arg, cli_flow *flow);
    void *arg;
    /* Of a tree: the largest so many (0: all) by this column, and how to see the others: cli_rows_keep_largest. */
    uint64_t rows_max;
    const char *largest_by, *how;
} cli_query_told;

/* The same; told may be NULL. */
int cli_print_query_told(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit,
                         const cli_query_told *told);

/* Rows that a terminal has room for; 0: it is none. */
uint64_t cli_terminal_rows(void);
/* How many rows by --limit, else as many as the terminal has room for, else 20; with --json all. Returns CLI_EXIT_OK, or
 * the exit code of a wrong use that was said. */
int cli_limit_option(const cli_arguments *arguments, uint64_t *limit);
/* "... and 12 more", and on a terminal how to see them. */
void cli_print_more(uint64_t more);

/* Of a row: which column has the name (-1: none), and the number in it (0: none). */
int cli_query_column_at(sqlite3_stmt *row, const char *name);
int64_t cli_query_number(sqlite3_stmt *row, const char *name);

/* The same in steps, for a table of several queries with the same columns: open rows with the columns of the
 * first, add the rows of each, then cli_rows_close. cli_query_rows_add returns what cli_fail does where it fails. */
cli_rows *cli_query_rows_open(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns);
void cli_query_rows_next(cli_rows *rows, const char *name, sqlite3_stmt *statement); /* cli_rows_next, with its columns */
int cli_query_rows_add(const cli_arguments *arguments, cli_rows *rows, sqlite3_stmt *statement);

/* Prepare, with a sentence and CLI_EXIT_FAILED where that fails; prints the query on
 * standard error first where --show-sql was given. */
int cli_prepare(const cli_arguments *arguments, sqlite3 *db, const char *sql, sqlite3_stmt **out);

#define CLI_OPTION_LIMIT(what) {"limit", 'n', "N", "at most N " what "; 0: all; default as many as the terminal shows, in a pipe 20, with --json all"}
#define CLI_OPTION_JSON {"json", 0, NULL, "print one JSON object instead of a table"}
#define CLI_OPTION_SHOW_SQL {"show-sql", 0, NULL, "print the query on standard error first"}
/* Of a command that reads a snapshot without a database. */
#define CLI_OPTION_SHOW_SQL_LOADED {"show-sql", 0, NULL, "answer from the database, loaded first if need be, and print the query on standard error"}

#endif
