/* cli/series.c - see the header. */
#include "cli/series.h"

#include <string.h>

#include "cli/escape.h"
#include "cli/process.h"

static int run_sql(const cli_arguments *arguments, sqlite3 *db, const char *format, const char *name, const char *table)
{
    char *sql = sqlite3_mprintf(format, name, table, name, table);
    if (sql == NULL)
        return cli_fail(arguments, "out of memory");
    int result = CLI_EXIT_OK;
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        result = cli_fail(arguments, "cannot copy a table: %s", sqlite3_errmsg(db));
    else if (cli_option_given(arguments, "show-sql"))
        fprintf(stderr, "%s;\n", sql);
    sqlite3_free(sql);
    return result;
}

/* s2.total becomes s2_total, and the place of s2 is free again. */
static int copy_table(const cli_arguments *arguments, cli_series *series, const char *name, const char *table, size_t i)
{
    if (cli_option_given(arguments, "show-sql")) {
        char *sql = sqlite3_mprintf("ATTACH %Q AS %s;", htrail__store_path(series->stores[i]), name);
        if (sql == NULL)
            return cli_fail(arguments, "out of memory");
        fprintf(stderr, "%s\n", sql);
        sqlite3_free(sql);
    }
    int result = run_sql(arguments, series->db, "CREATE TEMP TABLE %s_%s AS SELECT * FROM %s.%s", name, table);
    return result == CLI_EXIT_OK ? run_sql(arguments, series->db, "DETACH %s", name, table) : result;
}

int cli_series_open(const cli_arguments *arguments, cli_series *series, const char *table)
{
    char *const *files = cli_operands(arguments);
    char name[8], sql[32];
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
        bool is_copied = series->count > CLI_SERIES_ATTACHED_MAX && i > 0 && i + 1 < series->count;
        snprintf(name, sizeof name, i == 0 ? "before" : i + 1 == series->count ? "after" : "s%zu", i + 1);
        snprintf(series->prefixes[i], sizeof series->prefixes[i], "%s%c", name, is_copied ? '_' : '.');
        snprintf(sql, sizeof sql, "ATTACH ? AS %s", name);
        result = cli_attach(arguments, series->db, sql, series->stores[i]);
        if (result == CLI_EXIT_OK && is_copied)
            result = copy_table(arguments, series, name, table, i);
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

int cli_series_process(const cli_arguments *arguments, const cli_series *series, bool *is_same)
{
    cli_process first, other = {0};
    int result = cli_process_read(arguments, htrail__store_db(series->stores[0]), &first);

    *is_same = true;
    for (size_t i = 1; i < series->count && result == CLI_EXIT_OK && *is_same; i++) {
        result = cli_process_read(arguments, htrail__store_db(series->stores[i]), &other);
        *is_same = cli_process_is_same(&first, &other);
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
