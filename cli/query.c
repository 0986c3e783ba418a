/* cli/query.c - see the header. */
#include "cli/number.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROWS_DEFAULT = 20,
    ROWS_LEAST = 5,
    LINES_BESIDE = 5 /* of a terminal: two of a sentence, the heads, how many more, and what one types next */
};

static int open_store(const cli_arguments *arguments, const char *file, bool needs_objects, htrail__store **out)
{
    char message[HTRAIL__MESSAGE_BYTES] = "", what[HTRAIL__MESSAGE_BYTES];
    cli_progress progress;
    htrail__store_opts opts = {.progress = cli_progress_step, .progress_arg = &progress, .needs_objects = needs_objects};

    if (htrail__store_memory_limit(&opts.memory_max_bytes, message, sizeof message) != HTRAIL_OK)
        return cli_usage(arguments, "%s", message);
    snprintf(what, sizeof what, "loading '%s'", file);
    cli_progress_init(&progress, what);
    htrail_status status = htrail__store_open(out, file, &opts, message, sizeof message);
    cli_progress_end(&progress);
    if (status != HTRAIL_OK)
        return cli_fail(arguments, "%s", message);
    if (htrail__store_warning(*out) != NULL)
        cli_warn(arguments, "%s", htrail__store_warning(*out));
    return CLI_EXIT_OK;
}

int cli_open_store(const cli_arguments *arguments, const char *file, htrail__store **out) { return open_store(arguments, file, false, out); }
int cli_open_heap(const cli_arguments *arguments, const char *file, htrail__store **out) { return open_store(arguments, file, true, out); }

int cli_attach(const cli_arguments *arguments, sqlite3 *db, const char *sql, const htrail__store *store)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_text(statement, 1, htrail__store_path(store), -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        result = cli_fail(arguments, "cannot open '%s': %s", htrail__store_path(store), sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return result;
}

int cli_open_pair(const cli_arguments *arguments, const htrail__store *before, const htrail__store *after, sqlite3 **out)
{
    int result;
    if (sqlite3_open(":memory:", out) != SQLITE_OK)
        return cli_fail(arguments, "cannot open a database: %s", sqlite3_errmsg(*out));
    if ((result = cli_attach(arguments, *out, "ATTACH ? AS before", before)) != CLI_EXIT_OK)
        return result;
    return cli_attach(arguments, *out, "ATTACH ? AS after", after);
}

/* "ATTACH 'b.htrail.db' AS after;" for each that the connection has beside its own. */
static void show_attached(sqlite3 *db)
{
    sqlite3_stmt *list = NULL;
    if (sqlite3_prepare_v2(db, "SELECT printf('ATTACH %Q AS %s;', file, name) FROM pragma_database_list WHERE name NOT IN ('main', 'temp') ORDER BY seq",
                           -1, &list, NULL) == SQLITE_OK)
        while (sqlite3_step(list) == SQLITE_ROW)
            fprintf(stderr, "%s\n", (const char *)sqlite3_column_text(list, 0));
    sqlite3_finalize(list);
}

void cli_show_sql(const cli_arguments *arguments, sqlite3_stmt *statement, uint64_t row_limit)
{
    if (!cli_option_given(arguments, "show-sql"))
        return;
    char *expanded = sqlite3_expanded_sql(statement);
    const char *sql = expanded == NULL ? sqlite3_sql(statement) : expanded, *last = strrchr(sql, '\n');
    size_t len = strlen(sql);
    show_attached(sqlite3_db_handle(statement));
    fputs(sql, stderr);
    if (row_limit > 0)
        fprintf(stderr, "\nLIMIT %llu", (unsigned long long)row_limit);
    /* A query of the user's own may end in a semicolon or a comment. */
    if (len == 0 || sql[len - 1] != ';')
        fputs(strstr(last == NULL ? sql : last, "--") != NULL ? "\n;" : ";", stderr);
    fputs("\n", stderr);
    sqlite3_free(expanded);
}

int cli_prepare(const cli_arguments *arguments, sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    *out = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL) != SQLITE_OK)
        return cli_fail(arguments, "%s", sqlite3_errmsg(db));
    return CLI_EXIT_OK;
}

static const cli_query_column *column_named(const cli_query_column *columns, const char *name)
{
    static const cli_query_column plain = {.kind = CLI_COLUMN_ANY};
    for (; columns != NULL && columns->name != NULL; columns++)
        if (strcmp(columns->name, name) == 0)
            return columns;
    return &plain;
}

static void add_value(cli_rows *rows, sqlite3_stmt *statement, int column, const char *blank, size_t level)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: cli_rows_number(rows, sqlite3_column_int64(statement, column)); break;
    case SQLITE_FLOAT: cli_rows_real(rows, sqlite3_column_double(statement, column)); break;
    case SQLITE_NULL: cli_rows_null(rows); break;
    default: {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        size_t len = text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column);
        if (len == 0 && blank != NULL) {
            text = blank;
            len = strlen(blank);
        }
        if (level > 0)
            cli_rows_branch(rows, level, text == NULL ? "" : text, len);
        else
            cli_rows_text(rows, text == NULL ? "" : text, len);
    }
    }
}

static bool is_left_out(const cli_query_column *about, bool json) { return !json && (about->is_hidden || about->is_indent); }

static void add_row(cli_rows *rows, sqlite3_stmt *statement, const cli_query_column *columns, bool json)
{
    size_t level = 0;
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const cli_query_column *about = column_named(columns, sqlite3_column_name(statement, i));
        if (about->is_indent)
            level = json ? 0 : (size_t)sqlite3_column_int64(statement, i);
        if (is_left_out(about, json))
            continue;
        add_value(rows, statement, i, json ? NULL : about->blank, level);
        level = 0;
    }
}

cli_rows *cli_query_rows_open(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns)
{
    bool json = cli_option_given(arguments, "json");
    cli_rows *rows = cli_rows_open(cli_command_name(arguments), json);
    if (columns == NULL)
        cli_rows_keep_heads(rows);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *name = sqlite3_column_name(statement, i);
        const cli_query_column *about = column_named(columns, name);
        if (is_left_out(about, json))
            continue;
        cli_rows_column(rows, name, about->kind);
        cli_rows_column_narrow(rows, about->head, about->spare);
    }
    return rows;
}

/* more: of rows past row_limit (0: none). */
static int add_rows(const cli_arguments *arguments, cli_rows *rows, sqlite3_stmt *statement, const cli_query_column *columns,
                    uint64_t row_limit, uint64_t *more, const cli_query_told *told)
{
    bool json = cli_option_given(arguments, "json");
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (told != NULL)
            told->row(told->arg, statement);
        if (row_limit > 0 && cli_rows_count(rows) == row_limit) {
            ++*more;
            continue;
        }
        add_row(rows, statement, columns, json);
    }
    return step == SQLITE_DONE ? CLI_EXIT_OK : cli_fail(arguments, "%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
}

uint64_t cli_terminal_rows(void)
{
    size_t lines = cli_terminal_lines();
    return lines == 0 ? 0 : lines < LINES_BESIDE + ROWS_LEAST ? ROWS_LEAST : lines - LINES_BESIDE;
}

int cli_limit_option(const cli_arguments *arguments, uint64_t *limit)
{
    const char *rows = cli_option_value(arguments, "limit");
    unsigned long long number = cli_option_given(arguments, "json") ? 0 : cli_terminal_rows() > 0 ? cli_terminal_rows() : ROWS_DEFAULT;
    if (rows != NULL && !cli_parse_number(rows, &number))
        return cli_usage(arguments, "'%s' is not a number of rows", rows);
    *limit = number;
    return CLI_EXIT_OK;
}

void cli_print_more(uint64_t more)
{
    char number[32];
    cli_format_number(number, sizeof number, (int64_t)more);
    printf("%s... and %s more%s%s\n", cli_styled(stdout, CLI_STYLE_DIM), number, cli_is_terminal(stdout) ? ": -n 0 shows all" : "",
           cli_styled(stdout, CLI_STYLE_NONE));
}

int cli_query_column_at(sqlite3_stmt *row, const char *name)
{
    for (int i = 0; name != NULL && i < sqlite3_column_count(row); i++)
        if (strcmp(sqlite3_column_name(row, i), name) == 0)
            return i;
    return -1;
}

int64_t cli_query_number(sqlite3_stmt *row, const char *name)
{
    int at = cli_query_column_at(row, name);
    return at < 0 ? 0 : sqlite3_column_int64(row, at);
}

void cli_query_rows_next(cli_rows *rows, const char *name, sqlite3_stmt *statement)
{
    cli_rows_next(rows, name);
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        cli_rows_column(rows, sqlite3_column_name(statement, i), CLI_COLUMN_ANY);
}

int cli_query_rows_add(const cli_arguments *arguments, cli_rows *rows, sqlite3_stmt *statement)
{
    uint64_t more = 0;
    return add_rows(arguments, rows, statement, NULL, 0, &more, NULL);
}

static void print_smaller(uint64_t count, const char *how)
{
    char number[32];
    cli_format_number(number, sizeof number, (int64_t)count);
    printf("%s... and %s smaller: %s%s\n", cli_styled(stdout, CLI_STYLE_DIM), number, how, cli_styled(stdout, CLI_STYLE_NONE));
}

static void print_told(const cli_query_told *told)
{
    cli_flow flow;
    cli_flow_begin(&flow, stdout, 0, 2);
    told->say(told->arg, &flow);
    if (!flow.is_line_empty)
        cli_flow_end(&flow);
}

int cli_print_query_told(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit,
                         const cli_query_told *told)
{
    uint64_t more = 0;

    cli_show_sql(arguments, told != NULL && told->shown != NULL ? told->shown : statement, row_limit);
    if (!cli_is_terminal(stdout) || cli_option_given(arguments, "json"))
        told = NULL;
    cli_rows *rows = cli_query_rows_open(arguments, statement, columns);
    int result = add_rows(arguments, rows, statement, columns, row_limit, &more, told);
    if (result != CLI_EXIT_OK) {
        cli_rows_discard(rows);
        return result;
    }
    size_t smaller = told != NULL && told->rows_max > 0 ? cli_rows_keep_largest(rows, told->largest_by, told->rows_max) : 0;
    if (told != NULL)
        print_told(told);
    cli_rows_close(rows);
    if (smaller > 0)
        print_smaller(smaller, told->how);
    if (more > 0 && !cli_option_given(arguments, "json"))
        cli_print_more(more);
    return CLI_EXIT_OK;
}

int cli_print_query(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit)
{
    return cli_print_query_told(arguments, statement, columns, row_limit, NULL);
}
