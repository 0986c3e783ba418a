/* cli/series.c - see the header. */
#include "cli/escape.h"
#include "cli/series.h"

#include <string.h>

/* The start is worked out from two clocks, and differs by as much as those were set. */
static const char process_sql[] =
    "SELECT coalesce(max(value) FILTER (WHERE key = 'pid'), ''), coalesce(max(value) FILTER (WHERE key = 'boot_id'), ''), "
    "CAST(max(value) FILTER (WHERE key = 'start_time_ns') AS INTEGER), "
    "coalesce(max(value) FILTER (WHERE key = 'runtime'), 'another runtime') || ', pid ' || coalesce(max(value) FILTER (WHERE key = 'pid'), '?') || "
    "coalesce(' on ' || max(value) FILTER (WHERE key = 'host'), '') FROM snapshot";
enum { START_DIFFERS_NS_MAX = 2000000000 };

typedef struct process {
    char pid[32], boot[64], text[192];
    int64_t start_ns;
} process;

int cli_series_open(const cli_arguments *arguments, cli_series *series)
{
    char *const *files = cli_operands(arguments);
    char sql[32];
    int result = CLI_EXIT_OK;

    *series = (cli_series){.count = cli_operand_count(arguments)};
    if (series->count > CLI_SERIES_MAX) {
        series->count = 0;
        return cli_usage(arguments, "at most %d snapshots are compared at once", CLI_SERIES_MAX);
    }
    for (size_t i = 0; i < series->count && result == CLI_EXIT_OK; i++)
        result = cli_open_heap(arguments, files[i], &series->stores[i]);
    if (result == CLI_EXIT_OK && sqlite3_open(":memory:", &series->db) != SQLITE_OK)
        result = cli_fail(arguments, "cannot open a database: %s", sqlite3_errmsg(series->db));
    for (size_t i = 0; i < series->count && result == CLI_EXIT_OK; i++) {
        snprintf(series->names[i], sizeof series->names[i], i == 0 ? "before" : i + 1 == series->count ? "after" : "s%zu", i + 1);
        snprintf(sql, sizeof sql, "ATTACH ? AS %s", series->names[i]);
        result = cli_attach(arguments, series->db, sql, series->stores[i]);
    }
    return result;
}

void cli_series_release(cli_series *series)
{
    sqlite3_close(series->db);
    for (size_t i = 0; i < series->count; i++)
        htrail__store_free(series->stores[i]);
    *series = (cli_series){0};
}

static int read_process(const cli_arguments *arguments, const htrail__store *store, process *out)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, htrail__store_db(store), process_sql, &statement);
    if (result == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(out->pid, sizeof out->pid, "%s", (const char *)sqlite3_column_text(statement, 0));
        snprintf(out->boot, sizeof out->boot, "%s", (const char *)sqlite3_column_text(statement, 1));
        out->start_ns = sqlite3_column_int64(statement, 2);
        snprintf(out->text, sizeof out->text, "%s", (const char *)sqlite3_column_text(statement, 3));
    }
    sqlite3_finalize(statement);
    return result;
}

int cli_series_process(const cli_arguments *arguments, const cli_series *series, bool *is_same)
{
    process first = {0}, other = {0};
    int result = read_process(arguments, series->stores[0], &first);

    *is_same = true;
    for (size_t i = 1; i < series->count && result == CLI_EXIT_OK && *is_same; i++) {
        result = read_process(arguments, series->stores[i], &other);
        int64_t apart = first.start_ns > other.start_ns ? first.start_ns - other.start_ns : other.start_ns - first.start_ns;
        *is_same = strcmp(first.pid, other.pid) == 0 && strcmp(first.boot, other.boot) == 0 && apart <= START_DIFFERS_NS_MAX;
    }
    if (result == CLI_EXIT_OK && !*is_same && cli_option_given(arguments, "show-sql")) { /* what stands there is for a shell */
        fprintf(stderr, "-- the processes differ: ");
        cli_print_escaped(stderr, first.text, strlen(first.text));
        fprintf(stderr, ", and ");
        cli_print_escaped(stderr, other.text, strlen(other.text));
        fprintf(stderr, "\n");
    } else if (result == CLI_EXIT_OK && !*is_same) {
        cli_warn(arguments, "the processes differ: %s, and %s", first.text, other.text);
    }
    return result;
}
