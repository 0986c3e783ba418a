/* cli/why.c - `heaptrail why`: the shortest chain of references from a root to an object,
 * one line a step, then the same as one Python expression where there is one. */
#include <stdlib.h>
#include <string.h>

#include "analyze/chain.h"
#include "analyze/expression.h"
#include "analyze/holders.h"
#include "analyze/select.h"
#include "analyze/text.h"
#include "cli/command.h"
#include "cli/query.h"

/* Of a long chain (a linked list) the ends are printed; --json has all of it. */
enum { STEPS_AT_TOP = 24, STEPS_AT_END = 16, LABEL_COLUMNS_MAX = 32, TEXT_BYTES_MAX = 1 << 20 };

static const cli_option options[] = {
    {"number", 'n', "N", "print N ways to reach the objects, where there are several (default 1)"},
    {"all", 'a', NULL, "print all ways"},
    CLI_OPTION_JSON,
    CLI_OPTION_SHOW_SQL,
    {NULL, 0, NULL, NULL},
};

static const char help[] =
    "OBJECT is one of\n"
    "  0x7f31c0de1230     the object at this address\n"
    "  id:4711            by its id in the database\n"
    "  type:Logger        all of the type, by its full name or else by the last part of it\n"
    "  module:logging     the modules of this name and their namespaces, stale copies first\n"
    "  where:EXPRESSION   SQL over the object table: \"where:type = 'dict' AND length > 1000\"\n"
    "\n"
    "Weak references hold nothing. Of several objects that are reached in the same way, by\n"
    "the same types and fields, the first one's chain is printed, and the way of most objects\n"
    "comes first. Where there are more than three, names of objects are no different ways.";

/* One way to reach some of the objects. */
typedef struct way {
    uint32_t node;
    uint64_t first; /* object */
    uint64_t objects;
    bool stale; /* some of them are stale copies of a module */
} way;

typedef struct why {
    const cli_arguments *arguments;
    htrail__store *store;
    htrail__lookup *lookup;
    htrail__selection selection;
    htrail__holders *holders;
    way *ways;
    size_t way_count, way_shown;
    bool utf8;
} why;

static int fail_lookup(const why *w, htrail_status status)
{
    const char *error = htrail__lookup_error(w->lookup);
    return cli_fail(w->arguments, "cannot follow the chain in '%s': %s", htrail__store_path(w->store),
                    error[0] != '\0' ? error : htrail_status_text(status));
}

/* Stale copies first, then most objects. Of ways with as many the shorter: objects are numbered
 * from the roots on. */
static int by_objects(const void *left, const void *right)
{
    const way *a = left, *b = right;
    if (a->stale != b->stale)
        return a->stale ? -1 : 1;
    if (a->objects != b->objects)
        return a->objects > b->objects ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int find_ways(why *w)
{
    htrail__holders_opts opts;
    cli_progress progress;
    htrail__holders_opts_init(&opts);
    opts.searches_max = opts.others_max = 0;
    cli_progress_init(&progress, "following chains");
    opts.progress = cli_progress_step;
    opts.progress_arg = &progress;
    htrail_status status = htrail__holders_find(&w->holders, w->lookup, w->selection.ids, w->selection.count, &opts);
    cli_progress_end(&progress);
    if (status != HTRAIL_OK)
        return fail_lookup(w, status);
    uint32_t *way_of = calloc((size_t)w->holders->node_count + 1, sizeof *way_of);
    w->ways = calloc((size_t)w->holders->node_count + 1, sizeof *w->ways);
    if (way_of == NULL || w->ways == NULL) {
        free(way_of);
        return cli_fail(w->arguments, "out of memory");
    }
    for (size_t i = 0; i < w->holders->targets_followed; i++) {
        uint32_t node = w->holders->target_nodes[i];
        if (way_of[node] == 0) {
            w->ways[w->way_count] = (way){.node = node, .first = w->selection.ids[i], .stale = i < w->selection.stale};
            way_of[node] = (uint32_t)++w->way_count;
        }
        w->ways[way_of[node] - 1].objects++;
    }
    free(way_of);
    qsort(w->ways, w->way_count, sizeof *w->ways, by_objects);
    return CLI_EXIT_OK;
}

static htrail_str text_of(const why *w, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(w->lookup), text);
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void add_label(const why *w, htrail__text *out, const htrail__found_object *step)
{
    htrail__text_clear(out);
    htrail__chain_label(out, step->holder_kind, text_of(w, step->holder_label), step->holder_position);
}

static void print_escaped(const htrail__text *text)
{
    cli_print_escaped(stdout, htrail__text_string(text), text->len);
}

/* "  ─['tasks']──→ list, 1,000 items  8.1 KiB  id:4711" */
static void print_step(const why *w, const htrail__found_object *holder, const htrail__found_object *step, size_t label_columns,
                       uint32_t root_kind, bool is_held)
{
    htrail__text text;
    char bytes[32], number[32];
    htrail__text_init(&text, TEXT_BYTES_MAX);
    if (is_held) {
        if (holder != NULL)
            add_label(w, &text, step);
        else
            htrail__chain_root_label(&text, root_kind);
        size_t pad = columns_of(htrail__text_string(&text));
        pad = pad < label_columns ? label_columns - pad : 0;
        printf("  %s", w->utf8 ? "─" : "-");
        print_escaped(&text);
        while (pad-- > 0)
            fputs(w->utf8 ? "─" : "-", stdout);
        fputs(w->utf8 ? "→ " : "-> ", stdout);
    } else {
        fputs("  ", stdout);
    }
    htrail__text_clear(&text);
    htrail__chain_object_text(&text, text_of(w, step->type), text_of(w, step->name), text_of(w, step->module),
                              holder != NULL ? text_of(w, holder->type) : (htrail_str){0},
                              holder != NULL ? text_of(w, holder->name) : (htrail_str){0}, text_of(w, step->holder_label));
    fputs(cli_styled(stdout, CLI_STYLE_BOLD), stdout);
    print_escaped(&text);
    fputs(cli_styled(stdout, CLI_STYLE_NONE), stdout);
    if (step->length != HTRAIL__NO_LENGTH) {
        cli_format_number(number, sizeof number, (int64_t)step->length);
        printf(", length %s", number);
    }
    cli_format_bytes(bytes, sizeof bytes, (int64_t)step->size_bytes);
    printf("%s  %s, ", cli_styled(stdout, CLI_STYLE_DIM), bytes);
    if (step->refcount > 0)
        printf("refcount %llu, ", (unsigned long long)step->refcount);
    printf("id:%llu%s\n", (unsigned long long)step->id, cli_styled(stdout, CLI_STYLE_NONE));
    htrail__text_release(&text);
}

static void print_chain(const why *w, const htrail__chain *chain)
{
    htrail__text text;
    size_t columns = 0;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    if (chain->garbage) {
        printf("nothing: no root reaches it, it waits for the garbage collector\n");
    } else {
        htrail__chain_root_text(&text, text_of(w, chain->root.kind_text), text_of(w, chain->root.name));
        fputs(cli_styled(stdout, CLI_STYLE_GREEN), stdout);
        print_escaped(&text);
        printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
    }
    /* The dict of sys.modules is the root itself, and so is a frame. */
    size_t first = !chain->garbage && chain->step_count > 1 && (chain->root.kind == HTRAIL_ROOT_MODULES || chain->root.kind == HTRAIL_ROOT_FRAME);
    for (size_t i = first; i < chain->step_count; i++) {
        if (i > 0) {
            add_label(w, &text, &chain->steps[i]);
        } else {
            htrail__text_clear(&text);
            htrail__chain_root_label(&text, chain->root.kind);
        }
        size_t wide = columns_of(htrail__text_string(&text));
        if (wide > columns && wide <= LABEL_COLUMNS_MAX)
            columns = wide;
    }
    for (size_t i = first; i < chain->step_count; i++) {
        if (i == first + STEPS_AT_TOP && chain->step_count - i > STEPS_AT_END + 1) {
            size_t left_out = chain->step_count - i - STEPS_AT_END;
            printf("  ... %zu more steps ...\n", left_out);
            i += left_out;
        }
        print_step(w, i > 0 ? &chain->steps[i - 1] : NULL, &chain->steps[i], columns, chain->root.kind, !chain->garbage);
    }
    htrail__text_release(&text);
}

/* References that no object shows, and whose they are: "held 2 times from C code". */
static int print_c_references(const why *w, uint64_t object)
{
    sqlite3_stmt *statement = NULL;
    int stepped, result = cli_prepare(w->arguments, htrail__store_db(w->store),
                                      "SELECT holder, count FROM c_reference WHERE object = ?1 ORDER BY holder", &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)object);
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *holder = (const char *)sqlite3_column_text(statement, 0);
        char times[32];
        sqlite3_int64 count = sqlite3_column_int64(statement, 1);
        cli_format_number(times, sizeof times, count);
        printf("held %s time%s from C code", times, count == 1 ? "" : "s");
        if (holder != NULL && holder[0] != '\0') {
            printf(", by the static variable at ");
            cli_print_escaped(stdout, holder, strlen(holder));
        }
        putchar('\n');
    }
    if (stepped != SQLITE_DONE)
        result = cli_fail(w->arguments, "cannot read '%s': %s", htrail__store_path(w->store), sqlite3_errmsg(htrail__store_db(w->store)));
    sqlite3_finalize(statement);
    return result;
}

/* The step that Python has no expression for. */
static void print_missing(const why *w, const htrail__found_object *holder, const htrail__found_object *step)
{
    htrail__text text;
    htrail__text_init(&text, TEXT_BYTES_MAX);
    add_label(w, &text, step);
    printf("\nno expression: Python has no sure way from ");
    cli_print_escaped(stdout, text_of(w, holder->type).data, text_of(w, holder->type).len);
    printf(" to ");
    if (text.len > 0)
        print_escaped(&text);
    else
        printf("what it holds");
    putchar('\n');
    htrail__text_release(&text);
}

static int print_way(const why *w, const way *shown)
{
    htrail__chain chain;
    htrail__text expression;
    bool exists = false;
    size_t missing = 0;
    int result = CLI_EXIT_OK;
    htrail__text_init(&expression, TEXT_BYTES_MAX);
    htrail_status status = htrail__chain_find(&chain, w->lookup, shown->first);
    if (status == HTRAIL_OK)
        status = htrail__expression_of_chain(&expression, &exists, &missing, w->lookup, &chain);
    if (status == HTRAIL_OK) {
        print_chain(w, &chain);
        result = print_c_references(w, shown->first);
        if (exists) {
            printf("\n%s", cli_styled(stdout, CLI_STYLE_BLUE));
            print_escaped(&expression);
            printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
        } else if (missing > 0) {
            print_missing(w, &chain.steps[missing - 1], &chain.steps[missing]);
        }
    }
    htrail__chain_release(&chain);
    htrail__text_release(&expression);
    return status == HTRAIL_OK ? result : fail_lookup(w, status);
}

static void print_number(uint64_t number)
{
    char text[32];
    cli_format_number(text, sizeof text, (int64_t)number);
    fputs(text, stdout);
}

/* Where objects on the way have several names, the nearest of them: the chain shows one. */
static void print_names(const why *w, uint32_t node)
{
    const htrail__holder_node *nodes = w->holders->nodes;
    while (node != HTRAIL__NO_SHAPE && nodes[node].names < 2)
        node = nodes[node].parent;
    if (node == HTRAIL__NO_SHAPE)
        return;
    htrail_str type = text_of(w, w->holders->shapes.shapes[nodes[node].shape].type);
    printf(", by ");
    print_number(nodes[node].names);
    printf(" names of ");
    if (htrail__chain_is_class(type, text_of(w, nodes[node].name)))
        printf("class");
    else
        cli_print_escaped(stdout, type.data, type.len);
}

/* The steps of a way as rows: those of htrail__chain_sql, and which way it is. */
static int prepare_way(const why *w, size_t number, sqlite3_stmt **out)
{
    htrail__text query;
    htrail__text_init(&query, TEXT_BYTES_MAX);
    htrail__text_format(&query, "SELECT %zu AS way, %llu AS objects, * FROM (\n%s)", number + 1, (unsigned long long)w->ways[number].objects, htrail__chain_sql);
    int result = query.failed ? cli_fail(w->arguments, "out of memory") : cli_prepare(w->arguments, htrail__store_db(w->store), htrail__text_string(&query), out);
    if (result == CLI_EXIT_OK)
        sqlite3_bind_int64(*out, 1, (sqlite3_int64)w->ways[number].first);
    htrail__text_release(&query);
    return result;
}

static int show_way(const why *w, size_t number)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_option_given(w->arguments, "show-sql") ? prepare_way(w, number, &statement) : CLI_EXIT_OK;
    if (statement != NULL)
        cli_show_sql(w->arguments, statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static int print_ways(const why *w)
{
    int result = CLI_EXIT_OK;
    for (size_t i = 0; i < w->way_shown && result == CLI_EXIT_OK; i++) {
        if (i > 0)
            putchar('\n');
        result = show_way(w, i);
        if (result == CLI_EXIT_OK)
            result = print_way(w, &w->ways[i]);
        if (result != CLI_EXIT_OK || w->selection.count == 1)
            continue;
        printf("\nof ");
        if (w->holders->targets_followed < w->holders->targets) {
            printf("the first ");
            print_number(w->holders->targets_followed);
            printf(" of ");
        }
        print_number(w->selection.count);
        printf(" objects, ");
        print_number(w->ways[i].objects);
        printf(w->ways[i].objects == 1 ? " comes this way" : " come this way");
        print_names(w, w->ways[i].node);
        if (i == 0 && w->selection.stale > 0 && w->selection.stale < w->selection.count) {
            printf("; ");
            print_number(w->selection.stale);
            printf(" are stale");
        }
        putchar('\n');
    }
    if (result == CLI_EXIT_OK && w->way_shown < w->way_count) {
        printf("\n");
        print_number(w->way_count - w->way_shown);
        printf(w->way_count - w->way_shown == 1 ? " other way: --all prints it\n" : " other ways: -n N or --all prints them\n");
    }
    return result;
}

static int print_json(const why *w)
{
    htrail__chain chain;
    htrail__text expression;
    cli_rows *rows = NULL;
    bool exists = false;
    int result = CLI_EXIT_OK;
    htrail__text_init(&expression, TEXT_BYTES_MAX);
    htrail_status status = htrail__chain_find(&chain, w->lookup, w->ways[0].first);
    if (status == HTRAIL_OK)
        status = htrail__expression_of_chain(&expression, &exists, NULL, w->lookup, &chain);
    if (status != HTRAIL_OK)
        result = fail_lookup(w, status);
    for (size_t i = 0; i < w->way_shown && result == CLI_EXIT_OK; i++) {
        sqlite3_stmt *statement = NULL;
        if ((result = prepare_way(w, i, &statement)) == CLI_EXIT_OK) {
            if (rows == NULL)
                rows = cli_query_rows_open(w->arguments, statement, NULL);
            cli_show_sql(w->arguments, statement, 0);
            result = cli_query_rows_add(w->arguments, rows, statement);
        }
        sqlite3_finalize(statement);
    }
    if (result != CLI_EXIT_OK) {
        if (rows != NULL)
            cli_rows_discard(rows);
        goto done;
    }
    cli_rows_member(rows, "expression", exists ? htrail__text_string(&expression) : NULL);
    cli_rows_close(rows);
done:
    htrail__chain_release(&chain);
    htrail__text_release(&expression);
    return result;
}

static int run(const cli_arguments *arguments)
{
    why w = {.arguments = arguments, .utf8 = cli_is_utf8(stdout)};
    char *const *operands = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES];
    unsigned long long number = 1;
    htrail__selector selector;
    htrail_status status;
    int result;

    if (cli_option_given(arguments, "number") && (!cli_parse_number(cli_option_value(arguments, "number"), &number) || number == 0))
        return cli_usage(arguments, "'%s' is no number of ways", cli_option_value(arguments, "number"));
    if (htrail__selector_parse(&selector, operands[1], message, sizeof message) != HTRAIL_OK)
        return cli_usage(arguments, "%s", message);
    result = cli_open_heap(arguments, operands[0], &w.store);
    if (result != CLI_EXIT_OK)
        return result;
    status = htrail__select(&w.selection, htrail__store_db(w.store), &selector, message, sizeof message);
    if (status == HTRAIL_OK)
        status = htrail__lookup_open(&w.lookup, htrail__store_db(w.store), message, sizeof message);
    if (status != HTRAIL_OK) {
        result = status == HTRAIL_E_MISUSE ? cli_usage(arguments, "%s", message) : cli_fail(arguments, "'%s': %s", operands[0], message);
        goto done;
    }
    result = find_ways(&w);
    if (result != CLI_EXIT_OK)
        goto done;
    w.way_shown = cli_option_given(arguments, "all") || number > w.way_count ? w.way_count : (size_t)number;
    result = cli_option_given(arguments, "json") ? print_json(&w) : print_ways(&w);
done:
    free(w.ways);
    htrail__holders_free(w.holders);
    htrail__lookup_free(w.lookup);
    htrail__selection_release(&w.selection);
    htrail__store_free(w.store);
    return result;
}

const cli_command cli_why = {
    .name = "why",
    .usage = "[OPTIONS] FILE OBJECT",
    .summary = "print the shortest chain of references that keeps an object alive",
    .help = help,
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
