/* cli/waste.c - heaptrail waste: memory that a program could do without, and the field that holds it. */
#include "analyze/waste.h"
#include "cli/query.h"

enum { QUERY_BYTES_MAX = 1 << 16, ROWS_DEFAULT = 20 };

static int run(const cli_arguments *arguments)
{
    static const cli_query_column columns[] = {{.name = "kind", .kind = CLI_COLUMN_TEXT},
                                               {.name = "type", .kind = CLI_COLUMN_TEXT},
                                               {.name = "held_by", .kind = CLI_COLUMN_TEXT},
                                               {.name = "owner", .kind = CLI_COLUMN_TEXT, .blank = "(nobody)"},
                                               {.name = "objects", .kind = CLI_COLUMN_NUMBER},
                                               {.name = "bytes", .kind = CLI_COLUMN_BYTES},
                                               {.name = "back", .kind = CLI_COLUMN_BYTES},
                                               {.name = "example", .kind = CLI_COLUMN_PLAIN, .is_spare = true},
                                               {.name = NULL}};
    const char *file = cli_operands(arguments)[0], *kind = cli_option_value(arguments, "kind"), *by = cli_option_value(arguments, "by"),
               *rows = cli_option_value(arguments, "limit");
    unsigned long long limit = cli_option_given(arguments, "json") ? 0 : ROWS_DEFAULT;
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    if (rows != NULL && !cli_parse_number(rows, &limit)) {
        result = cli_usage(arguments, "'%s' is not a number of rows", rows);
        goto done;
    }
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
    /* With --show-sql what is on standard error is for a shell to run. */
    if ((kind == NULL || *kind == 'd') && !cli_option_given(arguments, "show-sql") && !htrail__waste_has_hashes(htrail__store_db(store)))
        cli_warn(arguments, "'%s' has no hashes: equal str and bytes are not known, and of equal tuples only those that hold the same objects; snap --hashes tells", file);
    if (htrail__waste_query(&query, htrail__store_db(store), kind, by != NULL ? by : "field") != HTRAIL_OK) {
        result = cli_fail(arguments, "cannot ask '%s': %s", file, query.failed ? "out of memory" : sqlite3_errmsg(htrail__store_db(store)));
        goto done;
    }
    if ((result = cli_prepare(arguments, htrail__store_db(store), htrail__text_string(&query), &statement)) != CLI_EXIT_OK)
        goto done;
    result = cli_print_query(arguments, statement, columns, limit);
done:
    sqlite3_finalize(statement);
    htrail__text_release(&query);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {{"by", 'b', "KEY", "field (the default), type, owner or kind"},
                                     {"kind", 'k', "KIND", "only duplicate, empty, nearly-empty, over-allocated or slots"},
                                     {"limit", 'n', "N", "at most N rows; 0: all; default 20, with --json all"},
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
