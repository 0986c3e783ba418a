/* cli/diff.c - heaptrail diff: what grew from one snapshot to another. */
#include <string.h>

#include "cli/identity.h"
#include "cli/query.h"
#include "cli/sites.h"
#include "cli/totals.h"

/* Not a FULL JOIN: SQLite makes no index for one, and the names of two heaps would be compared one by one. */
static const char sql[] =
    "SELECT key, count_before, count_after, count_after - count_before AS count_change, "
    "bytes_before, bytes_after, bytes_after - bytes_before AS bytes_change FROM ("
    "SELECT key, sum(count_before) AS count_before, sum(count_after) AS count_after, sum(bytes_before) AS bytes_before, sum(bytes_after) AS bytes_after "
    "FROM (SELECT key, count AS count_before, 0 AS count_after, bytes AS bytes_before, 0 AS bytes_after FROM before.total WHERE \"by\" = ?1 UNION ALL "
    "SELECT key, 0, count, 0, bytes FROM after.total WHERE \"by\" = ?1) GROUP BY key) "
    "WHERE count_after <> count_before OR bytes_after <> bytes_before "
    "ORDER BY bytes_change DESC, count_change DESC, key";

static int run(const cli_arguments *arguments)
{
    cli_query_column columns[] = {
        {.name = "key", .kind = CLI_COLUMN_TEXT},
        {.name = "count_before", .kind = CLI_COLUMN_NUMBER, .head = "before", .is_spare = true},
        {.name = "count_after", .kind = CLI_COLUMN_NUMBER, .head = "after"},
        {.name = "count_change", .kind = CLI_COLUMN_CHANGE, .head = "change"},
        {.name = "bytes_before", .kind = CLI_COLUMN_BYTES, .head = "before", .is_spare = true},
        {.name = "bytes_after", .kind = CLI_COLUMN_BYTES, .head = "after"},
        {.name = "bytes_change", .kind = CLI_COLUMN_BYTES_CHANGE, .head = "change"},
        {.name = NULL}};
    htrail__store *before = NULL, *after = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *by;
    uint64_t limit;
    int result;

    if ((result = cli_totals_options(arguments, &by, &limit)) != CLI_EXIT_OK)
        return result;
    if (cli_option_given(arguments, "objects"))
        return cli_identity_objects(arguments, cli_option_value(arguments, "objects"), limit);
    if (cli_option_given(arguments, "survivors"))
        return cli_identity_table(arguments, limit);
    if (strcmp(by, "site") == 0)
        return cli_sites_diff(arguments, limit);
    if ((result = cli_open_heap(arguments, cli_operands(arguments)[0], &before)) != CLI_EXIT_OK ||
        (result = cli_open_heap(arguments, cli_operands(arguments)[1], &after)) != CLI_EXIT_OK)
        goto done;
    if ((result = cli_open_pair(arguments, before, after, &db)) != CLI_EXIT_OK ||
        (result = cli_prepare(arguments, db, sql, &statement)) != CLI_EXIT_OK)
        goto done;
    sqlite3_bind_text(statement, 1, by, -1, SQLITE_STATIC);
    columns[0].blank = cli_totals_blank(by);
    result = cli_print_query(arguments, statement, columns, limit);
    if (result == CLI_EXIT_OK && !cli_option_given(arguments, "json") && sqlite3_reset(statement) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE)
        printf("nothing differs by %s\n", by);
done:
    sqlite3_finalize(statement);
    sqlite3_close(db);
    htrail__store_free(before);
    htrail__store_free(after);
    return result;
}

static const cli_option options[] = {CLI_TOTALS_OPTIONS, CLI_OPTION_SURVIVORS, CLI_OPTION_OBJECTS, CLI_OPTION_TRACEBACK, CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_diff = {
    .name = "diff",
    .usage = "[--by type|module|size|name|length|site|c-refs] [--traceback] [-n N] BEFORE AFTER",
    .summary = "show what grew between two snapshots",
    .help = "What grew most in bytes comes first, what shrank last; what is the same is left out.\n"
            "On a narrow terminal the heads are before, after, change, or after and change alone; in a pipe and in JSON they are whole.\n\n" CLI_TOTALS_HELP,
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
