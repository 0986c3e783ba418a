/* cli/waste.c - heaptrail waste: memory that a program could do without, and the field that holds it. */
#include "analyze/waste.h"
#include "cli/gist.h"
#include "cli/query.h"

#include <string.h>

enum { QUERY_BYTES_MAX = 1 << 16 };

static int64_t heap_bytes(const cli_arguments *arguments, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int64_t bytes = 0;
    if (cli_prepare(arguments, db, "SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'size_bytes'", &statement) == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW)
        bytes = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return bytes;
}

/* "23.6 KiB of 172.5 KiB could come back, 14 %" */
static void say_back(cli_flow *flow, const cli_gist *gist)
{
    char back[32], all[32], share[32];
    const int64_t *heap = gist->arg;
    cli_flow_style(flow, CLI_STYLE_BOLD);
    cli_flow_format(flow, "%s of %s could come back, %s", cli_gist_bytes(back, gist->sum, false), cli_gist_bytes(all, *heap, false), cli_gist_share(share, gist->sum, *heap));
    cli_flow_style(flow, CLI_STYLE_NONE);
}

static int run(const cli_arguments *arguments)
{
    static const cli_query_column columns[] = {{.name = "kind", .kind = CLI_COLUMN_TEXT},
                                               {.name = "type", .kind = CLI_COLUMN_TEXT},
                                               {.name = "held_by", .kind = CLI_COLUMN_TEXT},
                                               {.name = "owner", .kind = CLI_COLUMN_TEXT, .blank = "(nobody's)"},
                                               {.name = "objects", .kind = CLI_COLUMN_NUMBER},
                                               {.name = "bytes", .kind = CLI_COLUMN_BYTES, .spare = 1},
                                               {.name = "back", .kind = CLI_COLUMN_BYTES},
                                               {.name = "example", .kind = CLI_COLUMN_PLAIN, .spare = 2},
                                               {.name = NULL}};
    const char *file = cli_operands(arguments)[0], *kind = cli_option_value(arguments, "kind"), *by = cli_option_value(arguments, "by");
    uint64_t limit;
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL, *shown = NULL;
    char message[512];
    htrail__text query;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    if ((result = cli_limit_option(arguments, &limit)) != CLI_EXIT_OK)
        goto done;
    if (kind != NULL && !htrail__waste_is_kind(kind)) {
        result = cli_usage(arguments, "no kind of waste is '%s'; it is duplicate, empty, nearly-empty, over-allocated or slots", kind);
        goto done;
    }
    if (by != NULL && !htrail__waste_is_key(by)) {
        result = cli_usage(arguments, "cannot group by '%s'; it is field, type, owner or kind", by);
        goto done;
    }
    if ((result = cli_open_heap(arguments, file, &store)) != CLI_EXIT_OK)
        goto done;
    if (htrail__waste_query(&query, htrail__store_db(store), kind, by != NULL ? by : "field") != HTRAIL_OK) {
        result = cli_fail(arguments, "cannot ask '%s': %s", file, query.failed ? "out of memory" : sqlite3_errmsg(htrail__store_db(store)));
        goto done;
    }
    if (cli_option_given(arguments, "show-sql") && (result = cli_prepare(arguments, htrail__store_db(store), htrail__text_string(&query), &shown)) != CLI_EXIT_OK)
        goto done;
    if (htrail__waste_find(&statement, htrail__store_db(store), kind, by != NULL ? by : "field", message, sizeof message) != HTRAIL_OK) {
        result = cli_fail(arguments, "cannot find what '%s' wastes: %s", file, message);
        goto done;
    }
    /* With --show-sql what is on standard error is for a shell to run. */
    if ((kind == NULL || *kind == 'd') && !cli_option_given(arguments, "show-sql") && !htrail__waste_has_hashes(htrail__store_db(store)))
        cli_warn(arguments, "'%s' has no hashes: equal str and bytes are not known, and of equal tuples only those that hold the same objects; snap --hashes tells", file);
    const int64_t heap = heap_bytes(arguments, htrail__store_db(store));
    cli_gist gist = {.key = "kind", .count = "objects", .bytes = "back", .say = say_back, .arg = &heap, .shown = shown};
    result = cli_print_gist(arguments, statement, columns, limit, &gist);
done:
    sqlite3_finalize(statement);
    sqlite3_finalize(shown);
    htrail__text_release(&query);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {{"by", 'b', "KEY", "field (the default), type, owner or kind"},
                                     {"kind", 'k', "KIND", "only duplicate, empty, nearly-empty, over-allocated or slots"},
                                     CLI_OPTION_LIMIT("rows"),
                                     CLI_OPTION_JSON,
                                     CLI_OPTION_SHOW_SQL,
                                     {NULL, 0, NULL, NULL}};

const cli_command cli_waste = {
    .name = "waste",
    .usage = "[--by field|type|owner|kind] [--kind KIND] [-n N] FILE",
    .summary = "show what memory the program could do without, and who holds it",
    .help = "duplicate       str, bytes and tuples that are there more than once; the snapshot must have hashes (snap --hashes)\n"
            "empty           dicts, lists, sets, deques and bytearrays without an item\n"
            "nearly-empty    those that take four times what their items need, or more\n"
            "over-allocated  those that take more than their items need\n"
            "slots           instances that would be smaller if their class had __slots__\n"
            "\n"
            "back is what would come back: of a duplicate all of it, of a container what it has beyond a new one with the same items, of an\n"
            "instance what its dict costs. bytes is what they take now; example is the id of one: heaptrail why FILE id:N\n"
            "\n"
            "--by field   the attribute, variable or global that holds them; [] stands for an item of a container\n"
            "     type    their type\n"
            "     owner   the module whose they are\n"
            "     kind    in all",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
