/* cli/query.c - see the header. */
#include "cli/query.h"

#include <string.h>

static int open_store(const cli_arguments *arguments, const char *file, bool needs_objects, htrail__store **out)
{
    char message[HTRAIL__MESSAGE_BYTES] = "", what[HTRAIL__MESSAGE_BYTES];
    cli_progress progress;
    htrail__store_opts opts = {.progress = cli_progress_step, .progress_arg = &progress, .needs_objects = needs_objects};

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

static int attach(const cli_arguments *arguments, sqlite3 *db, const char *name, const htrail__store *store)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, name, &statement);
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
    if ((result = attach(arguments, *out, "ATTACH ? AS before", before)) != CLI_EXIT_OK)
        return result;
    return attach(arguments, *out, "ATTACH ? AS after", after);
}

void cli_show_sql(const cli_arguments *arguments, sqlite3_stmt *statement)
{
    if (!cli_option_given(arguments, "show-sql"))
        return;
    char *sql = sqlite3_expanded_sql(statement);
    fprintf(stderr, "%s\n", sql == NULL ? sqlite3_sql(statement) : sql);
    sqlite3_free(sql);
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

static void add_value(cli_rows *rows, sqlite3_stmt *statement, int column, const char *blank)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: cli_rows_number(rows, sqlite3_column_int64(statement, column)); break;
    case SQLITE_FLOAT: cli_rows_real(rows, sqlite3_column_double(statement, column)); break;
    case SQLITE_NULL: cli_rows_null(rows); break;
    default: {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        size_t len = text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column);
        if (len == 0 && blank != NULL)
            cli_rows_text(rows, blank, strlen(blank));
        else
            cli_rows_text(rows, text == NULL ? "" : text, len);
    }
    }
}

int cli_print_query(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit)
{
    bool json = cli_option_given(arguments, "json");
    uint64_t more = 0;
    char number[32];
    int step, count = sqlite3_column_count(statement);

    cli_show_sql(arguments, statement);
    cli_rows *rows = cli_rows_open(cli_command_name(arguments), json);
    if (columns == NULL)
        cli_rows_keep_heads(rows);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(statement, i);
        const cli_query_column *about = column_named(columns, name);
        cli_rows_column(rows, name, about->kind);
        cli_rows_column_narrow(rows, about->head, about->is_spare);
    }
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (row_limit > 0 && cli_rows_count(rows) == row_limit) {
            more++;
            continue;
        }
        for (int i = 0; i < count; i++)
            add_value(rows, statement, i, json ? NULL : column_named(columns, sqlite3_column_name(statement, i))->blank);
    }
    if (step != SQLITE_DONE) {
        int result = cli_fail(arguments, "%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
        cli_rows_discard(rows);
        return result;
    }
    cli_rows_close(rows);
    if (more > 0 && !json) {
        cli_format_number(number, sizeof number, (int64_t)more);
        printf("%s... and %s more%s\n", cli_styled(stdout, CLI_STYLE_DIM), number, cli_styled(stdout, CLI_STYLE_NONE));
    }
    return CLI_EXIT_OK;
}
