/* cli/top.c - heaptrail top: what there is most of, of all objects (the sums are in the database)
 * or of those that an OBJECT means (summed now). */
#include <string.h>

#include "analyze/select.h"
#include "analyze/text.h"
#include "cli/query.h"
#include "cli/sites.h"
#include "cli/totals.h"

enum { QUERY_BYTES_MAX = 1 << 20 };

/* The key of `total` for one object, as SQL. */
static const char *key_of(const char *by)
{
#define POWERS(column)                                                                                                             \
    "CASE WHEN " column " IS NULL THEN 'none' WHEN " column " < 2 THEN CAST(" column " AS TEXT)\n"                                  \
    "  ELSE (SELECT low || '-' || (low + (low - 1)) FROM power WHERE low <= " column " ORDER BY low DESC LIMIT 1) END"
    if (strcmp(by, "c-refs") == 0)
        return "type || CASE WHEN name <> '' THEN ' ' || name ELSE '' END || ' <- ' || CASE c_reference.holder WHEN '' THEN 'C code' ELSE c_reference.holder END";
    if (strcmp(by, "site") == 0)
        return "coalesce((SELECT file || ':' || line FROM site WHERE site.id = object.site), '(not known)')";
    return strcmp(by, "size") == 0 ? POWERS("size") : strcmp(by, "length") == 0 ? POWERS("length") : by;
#undef POWERS
}

/* The statement with its values bound. */
static int prepare_selected(const cli_arguments *arguments, sqlite3 *db, const char *by, sqlite3_stmt **out)
{
    char *const *operands = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selector selector;
    htrail__selection selection = {0};
    htrail__text query;
    bool held = strcmp(by, "c-refs") == 0;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    htrail_status status = htrail__selector_parse(&selector, operands[1], message, sizeof message);
    if (status == HTRAIL_OK) /* for its sentences: there is none, it is no expression */
        status = htrail__select(&selection, db, &selector, message, sizeof message);
    if (status != HTRAIL_OK) {
        result = status == HTRAIL_E_MISUSE ? cli_usage(arguments, "%s", message) : cli_fail(arguments, "'%s': %s", operands[0], message);
        goto done;
    }
    htrail__text_format(&query, "WITH RECURSIVE power(low) AS (SELECT 1 UNION ALL SELECT low * 2 FROM power WHERE low < 1 << 61)\n"
                        "SELECT %s AS key, %s AS count, CAST(total(size) AS INTEGER) AS bytes FROM object %sWHERE id IN (SELECT id FROM (\n",
                        key_of(by), held ? "sum(c_reference.count)" : "count(*)",
                        held ? "JOIN c_reference ON c_reference.object = id AND NOT is_own " : "");
    htrail__selector_query(&selector, &query);
    htrail__text_add_string(&query, "\n)) GROUP BY 1 ORDER BY bytes DESC, count DESC, key");
    result = query.failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, db, htrail__text_string(&query), out);
    if (result == CLI_EXIT_OK)
        htrail__selector_bind(&selector, *out);
done:
    htrail__selection_release(&selection);
    htrail__text_release(&query);
    return result;
}

static int prepare_all(const cli_arguments *arguments, sqlite3 *db, const char *by, sqlite3_stmt **out)
{
    int result = cli_prepare(arguments, db, "SELECT key, count, bytes FROM total WHERE \"by\" = ? ORDER BY bytes DESC, count DESC, key", out);
    if (result == CLI_EXIT_OK)
        sqlite3_bind_text(*out, 1, by, -1, SQLITE_STATIC);
    return result;
}

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

    if ((result = cli_totals_options(arguments, &by, &limit)) != CLI_EXIT_OK)
        return result;
    if (strcmp(by, "site") == 0 && cli_operand_count(arguments) == 1)
        return cli_sites_top(arguments, limit);
    if (cli_option_given(arguments, "traceback"))
        return cli_usage(arguments, "--traceback is of all blocks, and takes no OBJECT");
    if ((result = cli_open_heap(arguments, cli_operands(arguments)[0], &store)) != CLI_EXIT_OK)
        goto done;
    result = (cli_operand_count(arguments) > 1 ? prepare_selected : prepare_all)(arguments, htrail__store_db(store), by, &statement);
    if (result != CLI_EXIT_OK)
        goto done;
    columns[0].blank = cli_totals_blank(by);
    result = cli_print_query(arguments, statement, columns, limit);
done:
    sqlite3_finalize(statement);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {CLI_TOTALS_OPTIONS, CLI_OPTION_TRACEBACK, CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_top = {
    .name = "top",
    .usage = "[--by type|module|size|name|length|site|c-refs] [--traceback] [-n N] FILE [OBJECT]",
    .summary = "show what there is most of",
    .help = CLI_TOTALS_HELP "\n\n"
            "Of the objects that OBJECT means alone (see why --help): top --by module FILE type:dict",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
