/* cli/top.c - heaptrail top: what there is most of, of all objects (the sums are in the database)
 * or of those that an OBJECT means (summed now); as a table, or unfolded as a tree (cli/tree.c). */
#include <string.h>

#include "analyze/select.h"
#include "analyze/text.h"
#include "cli/gist.h"
#include "cli/query.h"
#include "cli/sites.h"
#include "cli/totals.h"
#include "cli/tree.h"

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
    if (strcmp(by, "owner") == 0)
        return "owner_module";
    if (strcmp(by, "package") == 0)
        return "CASE WHEN substr(owner_module, 2) LIKE '%.%' THEN substr(owner_module, 1, instr(substr(owner_module, 2), '.')) ELSE owner_module END";
    if (strcmp(by, "thread") == 0)
        return "coalesce((SELECT t.key FROM root r JOIN thread t ON t.tid = r.thread WHERE r.id = object.root), '(no thread)')";
    if (strcmp(by, "root") == 0)
        return "coalesce((SELECT r.key FROM root r WHERE r.id = object.root), '(garbage)')";
    return strcmp(by, "size") == 0 ? POWERS("size") : strcmp(by, "length") == 0 ? POWERS("length") : by;
#undef POWERS
}

/* What one OBJECT means; the argument is checked, and that there is one. */
static int parse_selector(const cli_arguments *arguments, sqlite3 *db, htrail__selector *selector, htrail__selection *selection)
{
    char *const *operands = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES];
    htrail_status status = htrail__selector_parse(selector, operands[1], message, sizeof message);
    if (status == HTRAIL_OK)
        status = htrail__select(selection, db, selector, message, sizeof message);
    if (status == HTRAIL_OK)
        return CLI_EXIT_OK;
    return status == HTRAIL_E_MISUSE ? cli_usage(arguments, "%s", message) : cli_fail(arguments, "'%s': %s", operands[0], message);
}

/* The largest first by what was asked for; then by what orders tables without --sort. */
#define ORDER_BYTES "bytes DESC, count DESC, key"

/* The statement with its values bound. A row's members that lie below others of it in the tree of dominators
 * retain nothing that those do not. */
static int prepare_selected(const cli_arguments *arguments, sqlite3 *db, const char *by, const char *sort, sqlite3_stmt **out)
{
    htrail__selector selector;
    htrail__text query;
    htrail__selection selection = {0};
    bool held = strcmp(by, "c-refs") == 0;
    int result = parse_selector(arguments, db, &selector, &selection);

    htrail__selection_release(&selection); /* for its sentences: there is none, it is no expression */
    if (result != CLI_EXIT_OK)
        return result;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    htrail__text_add_string(&query, "WITH RECURSIVE power(low) AS (SELECT 1 UNION ALL SELECT low * 2 FROM power WHERE low < 1 << 61)\n");
    if (held)
        htrail__text_format(&query, "SELECT %s AS key, sum(c_reference.count) AS count, CAST(total(size) AS INTEGER) AS bytes FROM object\n"
                            "JOIN c_reference ON c_reference.object = id AND NOT is_own WHERE id IN (SELECT id FROM (\n", key_of(by));
    else
        htrail__text_format(&query, "SELECT key, count(*) AS count, CAST(total(size) AS INTEGER) AS bytes,\n"
                            "  CAST(total(CASE WHEN covered IS NULL OR covered < tree_first THEN retained END) AS INTEGER) AS retained,\n"
                            "  CAST(total(shared) AS INTEGER) AS shared FROM (SELECT key, size, retained, shared, tree_first,\n"
                            "  max(tree_last) OVER (PARTITION BY key ORDER BY tree_first, tree_last DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered\n"
                            "FROM (SELECT %s AS key, size, retained, shared, tree_first, tree_last FROM object WHERE id IN (SELECT id FROM (\n", key_of(by));
    htrail__selector_query(&selector, &query);
    htrail__text_format(&query, "\n))%s GROUP BY 1 ORDER BY %s" ORDER_BYTES, held ? "" : "))", sort);
    result = query.failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, db, htrail__text_string(&query), out);
    if (result == CLI_EXIT_OK)
        htrail__selector_bind(&selector, *out);
    htrail__text_release(&query);
    return result;
}

static int prepare_all(const cli_arguments *arguments, sqlite3 *db, const char *by, const char *sort, sqlite3_stmt **out)
{
    htrail__text query;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    htrail__text_format(&query, "SELECT key, count, bytes%s FROM total WHERE \"by\" = ? ORDER BY %s" ORDER_BYTES,
                        strcmp(by, "c-refs") == 0 ? "" : ", retained, shared", sort);
    int result = query.failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, db, htrail__text_string(&query), out);
    if (result == CLI_EXIT_OK)
        sqlite3_bind_text(*out, 1, by, -1, SQLITE_STATIC);
    htrail__text_release(&query);
    return result;
}

/* Sums that a load could not finish: its file has sets without end. */
static int warn_of_sets(const cli_arguments *arguments, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, "SELECT 1 FROM snapshot WHERE key = 'sets_at_least'", &statement);
    if (result == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW && !cli_option_given(arguments, "show-sql"))
        cli_warn(arguments, "of this heap 'retained' is of what each object holds alone: what the objects of a row hold together was too much to find out");
    sqlite3_finalize(statement);
    return result;
}

/* sort: what stands before the usual order, "" for it alone. */
static int sort_option(const cli_arguments *arguments, const char *by, const char **sort)
{
    static const struct { const char *name, *order; } known[] = {
        {"bytes", ""}, {"count", "count DESC, "}, {"retained", "retained DESC, "}, {"shared", "shared DESC, "}};
    const char *asked = cli_option_value(arguments, "sort");
    *sort = "";
    if (asked == NULL)
        return CLI_EXIT_OK;
    if (strcmp(by, "site") == 0)
        return cli_usage(arguments, "sites stand in tracemalloc's order: --sort is not for --by site");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(asked, known[i].name) == 0) {
            if (strcmp(by, "c-refs") == 0 && i >= 2)
                break;
            *sort = known[i].order;
            return CLI_EXIT_OK;
        }
    return cli_usage(arguments, "cannot sort by '%s'; it is count, bytes%s", asked, strcmp(by, "c-refs") == 0 ? "" : ", retained or shared");
}

static int run_tree(const cli_arguments *arguments, const char *by, const char *sort, const cli_tree_limits *limits)
{
    htrail__store *store = NULL;
    htrail__selector selector;
    htrail__selection from = {0};
    bool has_object = cli_operand_count(arguments) > 1, has_by = cli_option_given(arguments, "by");
    int result;

    if (has_by && strcmp(by, "package") != 0 && strcmp(by, "root") != 0)
        return cli_usage(arguments, "--tree is of dominators (without --by), packages and roots");
    if (has_by && has_object)
        return cli_usage(arguments, "--tree with --by is of all objects, and takes no OBJECT");
    if (!has_by && cli_option_given(arguments, "sort"))
        return cli_usage(arguments, "the tree of dominators is sorted by what they retain");
    if ((result = cli_open_heap(arguments, cli_operands(arguments)[0], &store)) == CLI_EXIT_OK && has_object)
        result = parse_selector(arguments, htrail__store_db(store), &selector, &from);
    if (result == CLI_EXIT_OK && has_by)
        result = cli_tree_groups(arguments, htrail__store_db(store), by, sort, limits);
    else if (result == CLI_EXIT_OK)
        result = cli_tree_dominators(arguments, htrail__store_db(store), has_object ? &selector : NULL, has_object ? &from : NULL, limits);
    htrail__selection_release(&from);
    htrail__store_free(store);
    return result;
}

/* "945,138 objects of 136.0 MiB; 35 % are dict" */
static void say_most(cli_flow *flow, const cli_gist *gist)
{
    char count[32], bytes[32], share[32];
    cli_flow_style(flow, CLI_STYLE_BOLD);
    cli_flow_format(flow, "%s %s of %s", cli_gist_number(count, gist->counts, false), strcmp(gist->arg, "c-refs") == 0 ? "references from C code to objects" : gist->counts == 1 ? "object" : "objects",
                    cli_gist_bytes(bytes, gist->sum, false));
    cli_flow_style(flow, CLI_STYLE_NONE);
    if (gist->rows < 2)
        return;
    cli_flow_format(flow, "in %s rows by %s: %s of it in", cli_gist_number(count, gist->rows, false), (const char *)gist->arg, cli_gist_share(share, gist->most_bytes, gist->sum));
    const char *name = gist->most[0] != '\0' ? gist->most : cli_totals_blank(gist->arg);
    cli_flow_name(flow, name);
}

static int run(const cli_arguments *arguments)
{
    cli_query_column columns[] = {{.name = "key", .kind = CLI_COLUMN_TEXT},
                                  {.name = "count", .kind = CLI_COLUMN_NUMBER},
                                  {.name = "bytes", .kind = CLI_COLUMN_BYTES},
                                  {.name = "retained", .kind = CLI_COLUMN_BYTES},
                                  {.name = "shared", .kind = CLI_COLUMN_BYTES, .spare = 1},
                                  {.name = NULL}};
    cli_tree_limits limits;
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    const char *by, *sort;
    uint64_t limit;
    int result;

    if ((result = cli_totals_options(arguments, NULL, &by, &limit)) != CLI_EXIT_OK || (result = sort_option(arguments, by, &sort)) != CLI_EXIT_OK ||
        (result = cli_tree_options(arguments, &limits)) != CLI_EXIT_OK)
        return result;
    if (cli_option_given(arguments, "tree"))
        return run_tree(arguments, by, sort, &limits);
    if (strcmp(by, "site") == 0 && cli_operand_count(arguments) == 1)
        return cli_sites_top(arguments, limit);
    if (cli_option_given(arguments, "traceback"))
        return cli_usage(arguments, "--traceback is of all blocks, and takes no OBJECT");
    if ((result = cli_open_heap(arguments, cli_operands(arguments)[0], &store)) != CLI_EXIT_OK)
        goto done;
    if (cli_operand_count(arguments) > 1)
        result = prepare_selected(arguments, htrail__store_db(store), by, sort, &statement);
    else if ((result = warn_of_sets(arguments, htrail__store_db(store))) == CLI_EXIT_OK)
        result = prepare_all(arguments, htrail__store_db(store), by, sort, &statement);
    if (result != CLI_EXIT_OK)
        goto done;
    columns[0].blank = cli_totals_blank(by);
    cli_gist gist = {.key = "key", .count = "count", .bytes = "bytes", .say = say_most, .arg = by};
    result = cli_print_gist(arguments, statement, columns, limit, &gist);
done:
    sqlite3_finalize(statement);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {CLI_TOTALS_OPTIONS, {"sort", 's', "COLUMN", "count, bytes (the default), retained or shared"}, CLI_TREE_OPTIONS,
                                     CLI_OPTION_TRACEBACK, CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_top = {
    .name = "top",
    .usage = "[--by type|module|owner|package|name|size|length|site|thread|root|c-refs] [--sort COLUMN] [-n N] [--tree] FILE [OBJECT]",
    .summary = "show what there is most of",
    .help = CLI_TOTALS_HELP "\n\n"
            "bytes     of the objects themselves\n"
            "retained  bytes that would come back if all objects of the row went: what they hold alone or together\n"
            "          and nobody else does, nothing twice. Of a root or thread: what it alone holds. With OBJECT\n"
            "          what each holds alone; why OBJECT tells of all together\n"
            "shared    bytes of what they hold, split evenly among all who hold it: adds up to the heap\n\n"
            "--tree unfolds the tree of dominators from the roots, or from OBJECT: objects of one label and type\n"
            "are one line, -n N of them (default 5) below each. With --by package a package unfolds into its\n"
            "modules, with --by root a kind of root into its names\n\n"
            "Of the objects that OBJECT means alone (see why --help): top --by module FILE type:dict",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
