/* cli/identity.c - see the header. */
#include "cli/identity.h"

#include <string.h>

#include "analyze/identity.h"
#include "analyze/text.h"
#include "cli/query.h"

enum { QUERY_BYTES_MAX = 1 << 16 };

/* total(): a sum of sizes past 2^63, which a file can claim, would be an error. */
static const char table_sql[] =
    "SELECT type AS key, count(id_before) AS count_before, count(id) AS count_after, sum(verdict = 'new') AS new, sum(verdict = 'gone') AS gone,\n"
    "  sum(verdict = 'certain') AS certain, sum(verdict = 'likely') AS likely, sum(verdict = 'unsure') AS unsure,\n"
    "  CAST(total(size) FILTER (WHERE verdict = 'new') AS INTEGER) AS bytes_new, CAST(total(size_before) FILTER (WHERE verdict = 'gone') AS INTEGER) AS bytes_gone,\n"
    "  CAST(total(size - size_before) FILTER (WHERE verdict IN ('certain', 'likely')) AS INTEGER) AS bytes_grown\n"
    "FROM fate GROUP BY type ORDER BY bytes_new DESC, new DESC, gone DESC, count_after DESC, key";

static const char objects_sql[] =
    "SELECT o.id, printf('0x%%x', o.address) AS address, o.type, o.name, o.length, o.size, coalesce(o.holder_label, '') AS held_as\n"
    "FROM fate JOIN %s.object o ON o.id = fate.%s WHERE verdict = '%s' ORDER BY o.size DESC, o.id";

static int ask(const cli_arguments *arguments, const char *sql, const cli_query_column *columns, uint64_t limit)
{
    char *const *files = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES] = "";
    htrail__store *before = NULL, *after = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    if (cli_operand_count(arguments) != 2) {
        result = cli_usage(arguments, "objects are compared one by one between two snapshots, not %zu", cli_operand_count(arguments));
        goto done;
    }
    if ((result = cli_open_heap(arguments, files[0], &before)) != CLI_EXIT_OK || (result = cli_open_heap(arguments, files[1], &after)) != CLI_EXIT_OK ||
        (result = cli_open_pair(arguments, before, after, &db)) != CLI_EXIT_OK)
        goto done;
    if (htrail__identity_check(db, files[0], files[1], message, sizeof message) != HTRAIL_OK) {
        result = cli_fail(arguments, "%s", message);
        goto done;
    }
    htrail__text_add_string(&query, htrail__identity_sql);
    htrail__text_add_string(&query, sql);
    if (query.failed)
        result = cli_fail(arguments, "out of memory");
    else if ((result = cli_prepare(arguments, db, htrail__text_string(&query), &statement)) == CLI_EXIT_OK)
        result = cli_print_query(arguments, statement, columns, limit);
done:
    sqlite3_finalize(statement);
    sqlite3_close(db);
    htrail__store_free(before);
    htrail__store_free(after);
    htrail__text_release(&query);
    return result;
}

int cli_identity_table(const cli_arguments *arguments, uint64_t limit)
{
    static const cli_query_column columns[] = {
        {.name = "key", .kind = CLI_COLUMN_TEXT},
        {.name = "count_before", .kind = CLI_COLUMN_NUMBER, .head = "before", .spare = 1},
        {.name = "count_after", .kind = CLI_COLUMN_NUMBER, .head = "after", .spare = 1},
        {.name = "new", .kind = CLI_COLUMN_NUMBER},
        {.name = "gone", .kind = CLI_COLUMN_NUMBER},
        {.name = "certain", .kind = CLI_COLUMN_NUMBER},
        {.name = "likely", .kind = CLI_COLUMN_NUMBER},
        {.name = "unsure", .kind = CLI_COLUMN_NUMBER},
        {.name = "bytes_new", .kind = CLI_COLUMN_BYTES, .head = "+bytes"},
        {.name = "bytes_gone", .kind = CLI_COLUMN_BYTES, .head = "-bytes", .spare = 1},
        {.name = "bytes_grown", .kind = CLI_COLUMN_BYTES_CHANGE, .head = "grown", .spare = 1},
        {.name = NULL}};
    return ask(arguments, table_sql, columns, limit);
}

int cli_identity_objects(const cli_arguments *arguments, const char *fate, uint64_t limit)
{
    static const char *const known[] = {"new", "gone", "certain", "likely", "unsure"};
    static const cli_query_column columns[] = {
        {.name = "id", .kind = CLI_COLUMN_PLAIN, .spare = 1},
        {.name = "address", .kind = CLI_COLUMN_TEXT},
        {.name = "type", .kind = CLI_COLUMN_TEXT},
        {.name = "name", .kind = CLI_COLUMN_TEXT},
        {.name = "length", .kind = CLI_COLUMN_NUMBER},
        {.name = "size", .kind = CLI_COLUMN_BYTES},
        {.name = "held_as", .kind = CLI_COLUMN_TEXT},
        {.name = NULL}};
    char sql[sizeof objects_sql + 64];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(fate, known[i]) == 0) {
            bool is_gone = strcmp(fate, "gone") == 0;
            snprintf(sql, sizeof sql, objects_sql, is_gone ? "before" : "after", is_gone ? "id_before" : "id", fate);
            return ask(arguments, sql, columns, limit);
        }
    return cli_usage(arguments, "'%s' is nothing that becomes of an object; it is new, gone, certain, likely or unsure", fate);
}
