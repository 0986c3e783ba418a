/* cli/why.c - `heaptrail why`: the shortest chain of references from a root to an object, one line
 * a step, and as one Python expression where there is one; then what else must let go of it
 * before it is free. Of a set of objects: through what they come, and the same of all together. */
#include "cli/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/expression.h"
#include "analyze/str.h"
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/progress.h"
#include "cli/terminal.h"

/* Things that hold a set, and weak references that are listed. */
enum { WAYS_LISTED = 8, WEAK_LISTED = 3, SHORT_AT_TOP = 4, SHORT_AT_END = 3 };

static const cli_option options[] = {
    {"number", 'n', "N", "print N ways to reach the objects, where there are several (default 1)"},
    {"all", 'a', NULL, "print all ways"},
    {"to", 0, "SQL", "print the chain from the nearest referrer for which this expression holds; exit 1 where there is none"},
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
    "A line of the chain is a reference and what it leads to. A * stands where every chain to the\n"
    "object leads through: it is free once one of these lets go. A line that begins with ^ says\n"
    "why the step above it should not be there, where that can be known. Grey is what library\n"
    "code owns. Independent chains share no object: each must let go.\n"
    "\n"
    "Weak references hold nothing. Of several objects that are reached in the same way, by\n"
    "the same types and fields, the first one's chain is printed, and the way of most objects\n"
    "comes first. Where there are more than three, names of objects are no different ways.";

int cli_why_fail(const cli_why_page *w, htrail_status status)
{
    const char *error = htrail__lookup_error(w->lookup);
    return cli_fail(w->arguments, "cannot follow the chain in '%s': %s", htrail__store_path(w->store),
                    error[0] != '\0' ? error : htrail_status_text(status));
}

/* Stale copies first, then most objects. Of ways with as many the shorter: objects are numbered
 * from the roots on. */
static int by_objects(const void *left, const void *right)
{
    const cli_why_way *a = left, *b = right;
    if (a->stale != b->stale)
        return a->stale ? -1 : 1;
    if (a->objects != b->objects)
        return a->objects > b->objects ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int find_ways(cli_why_page *w)
{
    htrail__holders_opts opts;
    cli_progress progress;
    /* One object comes one way, which may be a million steps long. */
    if (w->selection.count == 1) {
        if ((w->ways = calloc(1, sizeof *w->ways)) == NULL)
            return cli_fail(w->arguments, "out of memory");
        w->ways[w->way_count++] = (cli_why_way){.node = HTRAIL__NO_SHAPE, .first = w->selection.ids[0], .objects = 1};
        return CLI_EXIT_OK;
    }
    htrail__holders_opts_init(&opts);
    opts.searches_max = opts.others_max = 0;
    cli_progress_init(&progress, "following chains");
    opts.progress = cli_progress_step;
    opts.progress_arg = &progress;
    htrail_status status = htrail__holders_find(&w->holders, w->lookup, w->selection.ids, w->selection.count, &opts);
    cli_progress_end(&progress);
    if (status != HTRAIL_OK)
        return cli_why_fail(w, status);
    uint32_t *way_of = calloc((size_t)w->holders->node_count + 1, sizeof *way_of);
    w->ways = calloc((size_t)w->holders->node_count + 1, sizeof *w->ways);
    if (way_of == NULL || w->ways == NULL) {
        free(way_of);
        return cli_fail(w->arguments, "out of memory");
    }
    for (size_t i = 0; i < w->holders->targets_followed; i++) {
        uint32_t node = w->holders->target_nodes[i];
        if (way_of[node] == 0) {
            w->ways[w->way_count] = (cli_why_way){.node = node, .first = w->selection.ids[i], .stale = i < w->selection.stale};
            way_of[node] = (uint32_t)++w->way_count;
        }
        w->ways[way_of[node] - 1].objects++;
    }
    free(way_of);
    qsort(w->ways, w->way_count, sizeof *w->ways, by_objects);
    return CLI_EXIT_OK;
}

htrail_str cli_why_text(const cli_why_page *w, uint32_t text) { return htrail__texts_get(htrail__lookup_texts(w->lookup), text); }

/* What stands for a chain in a sentence, by its labels: "keep.leak", "app.tasks['x']", "frame run at server.py:65 local x". */
static htrail_status add_short(const cli_why_page *w, htrail__text *out, uint64_t id)
{
    htrail__chain chain;
    bool of_names = false;
    htrail_status status = htrail__chain_find(&chain, w->lookup, id);
    size_t first = 1;
    if (status == HTRAIL_OK && chain.garbage) {
        htrail__text_add_string(out, "garbage");
    } else if (status == HTRAIL_OK && chain.root.kind == HTRAIL_ROOT_MODULES && chain.step_count > 1) {
        /* What is in __main__ needs no module. */
        htrail_str module = cli_why_text(w, chain.steps[1].holder_label);
        if (chain.step_count <= 3 || !htrail__str_is(module, "__main__"))
            htrail__text_add(out, module.data, module.len);
        first = 2;
    } else if (status == HTRAIL_OK) {
        htrail__chain_root_text(out, cli_why_text(w, chain.root.kind_text), cli_why_text(w, chain.root.name));
    }
    for (size_t i = first; status == HTRAIL_OK && i < chain.step_count; i++) {
        const htrail__found_object *step = &chain.steps[i];
        htrail_str label = cli_why_text(w, step->holder_label);
        if (i == first + SHORT_AT_TOP && chain.step_count - i > SHORT_AT_END + 1) {
            htrail__text_add_string(out, " ... ");
            i = chain.step_count - SHORT_AT_END - 1;
            continue;
        }
        bool was_of_names = of_names, is_word = step->holder_kind == HTRAIL_REF_FIELD || step->holder_kind == HTRAIL_REF_LOCAL;
        of_names = step->holder_kind == HTRAIL_REF_FIELD && htrail__str_is(label, "__dict__");
        if (of_names)
            continue;
        if (was_of_names && step->holder_kind == HTRAIL_REF_VALUE && label.len > 0 && !htrail__chain_is_unrecorded(label)) {
            htrail__text_add_string(out, out->len > 0 ? "." : "");
            htrail__text_add(out, label.data, label.len);
            continue;
        }
        htrail__text_add_string(out, is_word && out->len > 0 ? " " : "");
        htrail__chain_label(out, step->holder_kind, label, step->holder_position);
    }
    htrail__chain_release(&chain);
    return status;
}

/* What the chains of a way share: an object, or their root. Adds its name. */
static htrail_status find_shared(const cli_why_page *w, cli_why_way *way, htrail__text *out)
{
    const htrail__holder_node *nodes = w->holders->nodes;
    uint32_t at = nodes[way->node].parent, top = way->node;
    while (at != HTRAIL__NO_SHAPE && nodes[at].objects != 1)
        at = nodes[at].parent;
    if (at != HTRAIL__NO_SHAPE) {
        way->through = nodes[at].example;
        return add_short(w, out, way->through);
    }
    while (nodes[top].parent != HTRAIL__NO_SHAPE)
        top = nodes[top].parent;
    const htrail__shape *shape = &w->holders->shapes.shapes[nodes[top].shape];
    if (shape->root_kind == HTRAIL__ROOT_GARBAGE) {
        htrail__text_add_string(out, "garbage");
        return HTRAIL_OK;
    }
    htrail__chain_root_text(out, cli_why_text(w, shape->type), cli_why_text(w, shape->name));
    htrail__text_add_string(out, nodes[top].root_names > 1 && shape->root_kind != HTRAIL_ROOT_FRAME ? "s" : "");
    /* What of the root: "atexit callbacks, function logging.shutdown". */
    for (at = way->node; at != top && nodes[at].parent != top;)
        at = nodes[at].parent;
    shape = &w->holders->shapes.shapes[nodes[at].shape];
    if (at != way->node) {
        htrail_str none = {0};
        htrail__text_add_string(out, ", ");
        htrail__chain_object_text(out, cli_why_text(w, shape->type), cli_why_text(w, shape->name), cli_why_text(w, shape->module), none, none, none);
    }
    return HTRAIL_OK;
}

/* The last object that a way's all come through. */
static htrail_status find_through(const cli_why_page *w, cli_why_way *way)
{
    htrail__text text;
    htrail__found_object first;
    htrail_status status = htrail__lookup_object(w->lookup, way->first, &first);
    if (status != HTRAIL_OK)
        return status;
    htrail__text_init(&text, CLI_WHY_TEXT_BYTES_MAX);
    way->type = first.type;
    way->through = first.holder;
    if (w->holders != NULL) {
        way->through = 0;
        status = find_shared(w, way, &text);
    } else if (cli_option_given(w->arguments, "json") || cli_option_given(w->arguments, "show-sql")) {
        status = add_short(w, &text, first.holder != 0 ? first.holder : first.id);
    }
    if (status == HTRAIL_OK && ((way->through_text = strdup(htrail__text_string(&text))) == NULL || text.failed))
        status = HTRAIL_E_NOMEM;
    htrail__text_release(&text);
    return status;
}

/* What comes back when all that was asked for goes. Of one object that is a column. */
static int find_retained(cli_why_page *w)
{
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__found_object only;
    if (w->selection.count > 1) {
        if (htrail__retained_set_find(&w->retained, htrail__store_db(w->store), w->selection.ids, w->selection.count, 0, message, sizeof message) != HTRAIL_OK)
            return cli_fail(w->arguments, "'%s': %s", htrail__store_path(w->store), message);
        return CLI_EXIT_OK;
    }
    htrail_status status = htrail__lookup_object(w->lookup, w->ways[0].first, &only);
    w->retained.bytes = only.retained_bytes;
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_why_fail(w, status);
}

static void add_number(htrail__text *out, uint64_t number)
{
    char text[32];
    cli_format_number(text, sizeof text, (int64_t)number);
    htrail__text_add_string(out, text);
}

static void add_str(htrail__text *out, htrail_str str) { htrail__text_add(out, str.data, str.len); }

/* Where objects on the way have several names, the nearest of them: the chain shows one. */
static void add_names(const cli_why_page *w, htrail__text *out, uint32_t node)
{
    const htrail__holder_node *nodes = w->holders->nodes;
    while (node != HTRAIL__NO_SHAPE && nodes[node].names < 2)
        node = nodes[node].parent;
    if (node == HTRAIL__NO_SHAPE)
        return;
    htrail_str type = cli_why_text(w, w->holders->shapes.shapes[nodes[node].shape].type);
    htrail__text_add_string(out, ", by ");
    add_number(out, nodes[node].names);
    htrail__text_add_string(out, " names of ");
    if (htrail__chain_is_class(type, cli_why_text(w, nodes[node].name)))
        htrail__text_add_string(out, "class");
    else
        add_str(out, type);
}

/* "990 come through keep.leak"; objects of several types are called by them. */
static void add_comes(const cli_why_page *w, htrail__text *out, const cli_why_way *way, bool has_types)
{
    if (has_types) {
        htrail__text_add_string(out, " ");
        add_str(out, cli_why_text(w, way->type));
    }
    htrail__text_add_string(out, way->objects == 1 ? " comes through " : " come through ");
    htrail__text_add_string(out, way->through_text);
    if (way->through != 0) {
        htrail__text_add_string(out, ", ");
        cli_why_add_object(w, out, way->through);
    }
    add_names(w, out, way->node);
}

/* "of 1,000 objects, retaining 27.0 MiB together" */
static void add_set(const cli_why_page *w, htrail__text *out)
{
    char bytes[32];
    htrail__text_add_string(out, "of ");
    if (w->holders->targets_followed < w->holders->targets) {
        htrail__text_add_string(out, "the first ");
        add_number(out, w->holders->targets_followed);
        htrail__text_add_string(out, " of ");
    }
    add_number(out, w->selection.count);
    htrail__text_add_string(out, " objects");
    if (w->selection.stale > 0 && w->selection.stale < w->selection.count) {
        htrail__text_add_string(out, " (");
        add_number(out, w->selection.stale);
        htrail__text_add_string(out, " are stale)");
    }
    cli_format_bytes(bytes, sizeof bytes, (int64_t)w->retained.bytes);
    htrail__text_format(out, ", retaining %s together", bytes);
}

/* "of 1,000 objects, 990 come through keep.leak" */
static void print_set(const cli_why_page *w)
{
    size_t listed = w->way_shown > WAYS_LISTED ? w->way_shown : WAYS_LISTED, width = 0;
    bool has_types = false;
    char number[32];
    htrail__text line;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    add_set(w, &line);
    if (listed > w->way_count || listed + 1 == w->way_count)
        listed = w->way_count;
    for (size_t i = 0; i < listed; i++) {
        cli_format_number(number, sizeof number, (int64_t)w->ways[i].objects);
        width = strlen(number) > width ? strlen(number) : width;
        has_types |= w->ways[i].type != w->ways[0].type;
    }
    if (listed > 1) {
        htrail__text_add_string(&line, ":");
        cli_why_say(&line, CLI_STYLE_BOLD, 2);
    }
    for (size_t i = 0; i < listed; i++) {
        cli_format_number(number, sizeof number, (int64_t)w->ways[i].objects);
        if (listed == 1)
            htrail__text_format(&line, ", %s", number);
        else
            htrail__text_format(&line, "  %*s", (int)width, number);
        add_comes(w, &line, &w->ways[i], has_types);
        cli_why_say(&line, listed == 1 ? CLI_STYLE_BOLD : CLI_STYLE_NONE, listed == 1 ? 2 : width + 3);
    }
    if (listed < w->way_count) {
        uint64_t rest = 0;
        for (size_t i = listed; i < w->way_count; i++)
            rest += w->ways[i].objects;
        htrail__text_format(&line, "  %*s and ", (int)width, "");
        add_number(&line, rest);
        htrail__text_add_string(&line, " in ");
        add_number(&line, w->way_count - listed);
        htrail__text_add_string(&line, " other ways: --all prints them");
        cli_why_say(&line, CLI_STYLE_NONE, width + 3);
    }
    htrail__text_release(&line);
}

/* On a terminal the answer comes first: "app.Session id:4711 retains 4.1 KiB; 2 independent chains keep it alive". */
static void print_one(const cli_why_page *w)
{
    const htrail__independent *found = &w->independent;
    char bytes[32];
    htrail__text line;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    cli_why_add_object(w, &line, w->ways[0].first);
    cli_format_bytes(bytes, sizeof bytes, (int64_t)w->retained.bytes);
    htrail__text_format(&line, " retains %s; ", bytes);
    if (w->is_garbage)
        htrail__text_add_string(&line, "nothing keeps it alive");
    else if (found->chain_count < 2)
        htrail__text_add_string(&line, found->complete ? "one chain keeps it alive" : "this keeps it alive");
    else
        htrail__text_format(&line, "%s%zu independent chains keep it alive", found->complete ? "" : "at least ", found->chain_count);
    cli_why_say(&line, CLI_STYLE_BOLD, 2);
    htrail__text_release(&line);
}

/* Each row is added to the line, and may say it; what is left of it is said at the end. */
typedef void (*row_words)(const cli_why_page *w, htrail__text *line, sqlite3_stmt *row, size_t number);

static int print_query(const cli_why_page *w, const char *sql, uint64_t object, row_words add_row)
{
    sqlite3_stmt *statement = NULL;
    int stepped, result = cli_prepare(w->arguments, htrail__store_db(w->store), sql, &statement);
    size_t number = 0;
    htrail__text line;
    if (result != CLI_EXIT_OK)
        return result;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)object);
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW)
        add_row(w, &line, statement, number++);
    if (stepped != SQLITE_DONE)
        result = cli_fail(w->arguments, "cannot read '%s': %s", htrail__store_path(w->store), sqlite3_errmsg(htrail__store_db(w->store)));
    if (line.len > 0)
        cli_why_say(&line, CLI_STYLE_NONE, 2);
    sqlite3_finalize(statement);
    htrail__text_release(&line);
    return result;
}

/* References that no object shows, and whose they are: "held 2 times from C code". */
static void add_c_reference(const cli_why_page *w, htrail__text *line, sqlite3_stmt *row, size_t number)
{
    const char *holder = (const char *)sqlite3_column_text(row, 1);
    sqlite3_int64 count = sqlite3_column_int64(row, 2);
    (void)w;
    if (number == 0)
        putchar('\n');
    htrail__text_add_string(line, "held ");
    add_number(line, (uint64_t)count);
    htrail__text_format(line, " time%s from C code", count == 1 ? "" : "s");
    if (holder != NULL && holder[0] != '\0')
        htrail__text_format(line, ", by the static variable at %s", holder);
    cli_why_say(line, CLI_STYLE_NONE, 2);
}

static void add_weak(const cli_why_page *w, htrail__text *line, sqlite3_stmt *row, size_t number)
{
    sqlite3_int64 all = sqlite3_column_int64(row, 1);
    if (number == 0) {
        putchar('\n');
        add_number(line, (uint64_t)all);
        htrail__text_add_string(line, all == 1 ? " weak reference, which holds nothing: " : " weak references, which hold nothing: ");
    }
    if (number >= WEAK_LISTED)
        return;
    htrail__text_add_string(line, number > 0 ? ", " : "");
    cli_why_add_object(w, line, (uint64_t)sqlite3_column_int64(row, 0));
    if (number + 1 == WEAK_LISTED && (sqlite3_int64)number + 1 < all)
        htrail__text_add_string(line, ", ...");
}

/* The step that Python has no expression for. */
static void print_missing(const cli_why_page *w, const htrail__found_object *holder, const htrail__found_object *step)
{
    htrail__text line;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    htrail__text_add_string(&line, "no expression: Python has no sure way from ");
    add_str(&line, cli_why_text(w, holder->type));
    htrail__text_add_string(&line, " to ");
    size_t before = line.len;
    htrail__chain_label(&line, step->holder_kind, cli_why_text(w, step->holder_label), step->holder_position);
    if (line.len == before)
        htrail__text_add_string(&line, "what it holds");
    putchar('\n');
    cli_why_say(&line, CLI_STYLE_NONE, 2);
    htrail__text_release(&line);
}

static int print_expression(const cli_why_page *w, const htrail__chain *chain)
{
    htrail__text expression;
    bool exists = false;
    size_t missing = 0;
    htrail__text_init(&expression, CLI_WHY_TEXT_BYTES_MAX);
    htrail_status status = htrail__expression_of_chain(&expression, &exists, &missing, w->lookup, chain);
    if (status == HTRAIL_OK && exists) {
        printf("\n%s", cli_styled(stdout, CLI_STYLE_BLUE));
        cli_print_escaped(stdout, htrail__text_string(&expression), expression.len);
        printf("%s\n", cli_styled(stdout, CLI_STYLE_NONE));
    } else if (status == HTRAIL_OK && missing > 0) {
        print_missing(w, &chain->steps[missing - 1], &chain->steps[missing]);
    }
    htrail__text_release(&expression);
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_why_fail(w, status);
}

/* "the first of the 990 that come through keep.leak:" */
static void print_which(const cli_why_way *way)
{
    htrail__text line;
    htrail__text_init(&line, CLI_WHY_TEXT_BYTES_MAX);
    htrail__text_add_string(&line, way->objects == 1 ? "the one" : "the first of the ");
    if (way->objects > 1)
        add_number(&line, way->objects);
    htrail__text_format(&line, " that come%s through %s:", way->objects == 1 ? "s" : "", way->through_text);
    putchar('\n');
    cli_why_say(&line, CLI_STYLE_NONE, 2);
    htrail__text_release(&line);
}

static int print_way(const cli_why_page *w, size_t number)
{
    static const char c_references[] = "SELECT object, holder, count FROM c_reference WHERE object = ?1 ORDER BY holder";
    static const char weak[] = "SELECT src, count(*) OVER () FROM (SELECT DISTINCT src FROM\n"
                               "  (SELECT src, label FROM heap_reference WHERE dst = ?1 LIMIT 20000) WHERE label & 15 = 12 ORDER BY src)";
    const cli_why_way *way = &w->ways[number];
    cli_why_chain chain;
    int result = CLI_EXIT_OK;
    htrail_status status = cli_why_chain_find(&chain, w, way->first);
    if (status == HTRAIL_OK) {
        if (w->selection.count > 1)
            print_which(way);
        if (chain.chain.garbage)
            printf("nothing: no root reaches it, it waits for the garbage collector\n");
        cli_why_chain_print(w, &chain, CLI_WHY_WHOLE);
        result = print_expression(w, &chain.chain);
        if (result == CLI_EXIT_OK && number == 0 && w->selection.count == 1)
            result = cli_why_independent_print(w, &chain);
        if (result == CLI_EXIT_OK)
            result = print_query(w, c_references, way->first, add_c_reference);
        if (result == CLI_EXIT_OK)
            result = print_query(w, weak, way->first, add_weak);
        if (result == CLI_EXIT_OK && w->selection.count > 1 && number + 1 == w->way_shown)
            result = cli_why_independent_print(w, &chain);
    }
    cli_why_chain_release(&chain);
    return status == HTRAIL_OK ? result : cli_why_fail(w, status);
}

static int print_page(const cli_why_page *w)
{
    int result = CLI_EXIT_OK;
    if (w->selection.count > 1)
        print_set(w);
    else if (cli_is_terminal(stdout))
        print_one(w);
    for (size_t i = 0; i < w->way_shown && result == CLI_EXIT_OK; i++)
        result = print_way(w, i);
    return result;
}

static int run(const cli_arguments *arguments)
{
    cli_why_page w = {.arguments = arguments, .utf8 = cli_is_utf8(stdout)};
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
    if (status == HTRAIL_OK && (status = htrail__library_open(&w.library, htrail__store_db(w.store))) != HTRAIL_OK)
        snprintf(message, sizeof message, "%s", htrail_status_text(status));
    if (status != HTRAIL_OK) {
        result = status == HTRAIL_E_MISUSE ? cli_usage(arguments, "%s", message) : cli_fail(arguments, "'%s': %s", operands[0], message);
        goto done;
    }
    if (cli_option_given(arguments, "to")) {
        result = cli_why_to(&w);
        goto done;
    }
    result = find_ways(&w);
    if (result != CLI_EXIT_OK)
        goto done;
    w.way_shown = cli_option_given(arguments, "all") || number > w.way_count ? w.way_count : (size_t)number;
    for (size_t i = 0; i < w.way_count && (i < w.way_shown || i < CLI_WHY_LISTED_MAX) && status == HTRAIL_OK; i++)
        status = find_through(&w, &w.ways[i]);
    if (status == HTRAIL_OK)
        status = cli_why_independent_find(&w);
    if (status == HTRAIL_OK && (result = find_retained(&w)) != CLI_EXIT_OK)
        goto done;
    result = status != HTRAIL_OK ? cli_why_fail(&w, status) : cli_why_tables(&w);
    if (result == CLI_EXIT_OK && !cli_option_given(arguments, "json"))
        result = print_page(&w);
done:
    for (size_t i = 0; i < w.way_count; i++)
        free(w.ways[i].through_text);
    free(w.ways);
    htrail__independent_release(&w.independent);
    htrail__library_free(w.library);
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
