/* cli/top.c - heaptrail top: what there is most of. */
#include "cli/query.h"
#include "cli/totals.h"

static int run(const cli_arguments *arguments)
{
    cli_query_column columns[] = {{.name = "key", .kind = CLI_COLUMN_TEXT},
                                  {.name = "count", .kind = CLI_COLUMN_NUMBER},
                                  {.name = "bytes", .kind = CLI_COLUMN_BYTES},
                                  {.name = NULL}};
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    const char *by;
    uint64_t limit;
    int result;

    if ((result = cli_totals_options(arguments, &by, &limit)) != CLI_EXIT_OK ||
        (result = cli_open_heap(arguments, cli_operands(arguments)[0], &store)) != CLI_EXIT_OK)
        goto done;
    result = cli_prepare(arguments, htrail__store_db(store),
                         "SELECT key, count, bytes FROM total WHERE \"by\" = ? ORDER BY bytes DESC, count DESC, key", &statement);
    if (result != CLI_EXIT_OK)
        goto done;
    sqlite3_bind_text(statement, 1, by, -1, SQLITE_STATIC);
    columns[0].blank = cli_totals_blank(by);
    result = cli_print_query(arguments, statement, columns, limit);
done:
    sqlite3_finalize(statement);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {CLI_TOTALS_OPTIONS, CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_top = {
    .name = "top",
    .usage = "[--by type|module|size|name|length] [-n N] FILE",
    .summary = "show what there is most of",
    .help = CLI_TOTALS_HELP,
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
