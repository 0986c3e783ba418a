/* cli/graph.c - `heaptrail graph`: draw the reference chains of objects, up to the roots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/chain.h"
#include "analyze/holders.h"
#include "analyze/select.h"
#include "analyze/text.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/whole_file.h"
#include "viz/dot.h"
#include "viz/model.h"
#include "viz/numbers.h"
#include "viz/png.h"
#include "viz/render.h"
#include "viz/svg.h"
#include "viz/tree.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

static const cli_option options[] = {
    {"output", 'o', "OUT", "write OUT: .svg, .dot or .png by its name; - is standard output"},
    {"format", 'f', "FORMAT", "svg, dot or png, whatever OUT is called"},
    {"max-depth", 0, "N", "draw at most N references up from the objects (default: all)"},
    {"too-many", 0, "N", "look at no more than N holders of one object (default 1000)"},
    {"theme", 0, "THEME", "light, dark, or auto: as the viewer is set (the default of .svg)"},
    {NULL, 0, NULL, NULL},
};

static const char help[] =
    "OBJECT is one of 0xADDRESS, id:N, type:NAME, module:NAME, where:SQL, as for 'heaptrail why'.\n"
    "Where there are stale copies of a module, the one in sys.modules is left out.\n"
    "\n"
    "Objects that are held in the same way are one card. An arrow leads from the holder to\n"
    "what it holds: thick where it is the only holder, dashed where it is one of several.\n"
    "A picture has at most 40 cards; what is left out is counted.";

typedef enum graph_format { FORMAT_SVG, FORMAT_DOT, FORMAT_PNG, FORMAT_NONE } graph_format;

typedef struct graph {
    const cli_arguments *arguments;
    graph_format format;
    htrail__theme theme;
    unsigned long long depth_max, too_many;
    htrail__store *store;
    htrail__lookup *lookup;
    htrail__selection selection;
    htrail__selector selector; /* the last one */
    size_t *group_ends;        /* of each selector in the selection */
    htrail__holders *holders;
    htrail__picture picture;
} graph;

static graph_format format_named(const char *name)
{
    return strcmp(name, "svg") == 0 ? FORMAT_SVG : strcmp(name, "dot") == 0 || strcmp(name, "gv") == 0 ? FORMAT_DOT : strcmp(name, "png") == 0 ? FORMAT_PNG : FORMAT_NONE;
}

static int read_options(graph *g)
{
    const cli_arguments *arguments = g->arguments;
    const char *out = cli_option_value(arguments, "output"), *name = cli_option_value(arguments, "format"), *theme = cli_option_value(arguments, "theme");
    if (out == NULL || out[0] == '\0')
        return cli_usage(arguments, "where to? -o OUT, with a name that ends in .svg, .dot or .png");
    if (name != NULL) {
        g->format = format_named(name);
        if (g->format == FORMAT_NONE)
            return cli_usage(arguments, "'%s' is no format: svg, dot or png", name);
    } else if (strcmp(out, "-") != 0) {
        const char *dot = strrchr(out, '.');
        g->format = dot != NULL && strchr(dot, '/') == NULL ? format_named(dot + 1) : FORMAT_NONE;
        if (g->format == FORMAT_NONE)
            return cli_usage(arguments, "'%s' ends in none of .svg, .dot and .png: name one with --format", out);
    }
    if (theme != NULL && strcmp(theme, "auto") != 0 && strcmp(theme, "light") != 0 && strcmp(theme, "dark") != 0)
        return cli_usage(arguments, "'%s' is no theme: light, dark or auto", theme);
    g->theme = theme == NULL || strcmp(theme, "auto") == 0 ? (g->format == FORMAT_PNG ? HTRAIL__THEME_LIGHT : HTRAIL__THEME_AUTO)
               : strcmp(theme, "dark") == 0                ? HTRAIL__THEME_DARK
                                                           : HTRAIL__THEME_LIGHT;
    static const char *const numbers[] = {"max-depth", "too-many"};
    unsigned long long *const into[] = {&g->depth_max, &g->too_many};
    for (size_t i = 0; i < 2; i++) {
        const char *text = cli_option_value(arguments, numbers[i]);
        if (text != NULL && (!cli_parse_number(text, into[i]) || *into[i] == 0 || *into[i] > 1000000))
            return cli_usage(arguments, "--%s takes a number from 1 to 1,000,000, not '%s'", numbers[i], text);
    }
    return CLI_EXIT_OK;
}

static int select_objects(graph *g)
{
    char message[HTRAIL__MESSAGE_BYTES];
    char *const *operands = cli_operands(g->arguments);
    g->group_ends = calloc(cli_operand_count(g->arguments), sizeof *g->group_ends);
    if (g->group_ends == NULL)
        return cli_fail(g->arguments, "out of memory");
    for (size_t i = 1; i < cli_operand_count(g->arguments); i++) {
        size_t before = g->selection.count;
        htrail_status status = htrail__selector_parse(&g->selector, operands[i], message, sizeof message);
        if (status == HTRAIL_OK)
            status = htrail__select(&g->selection, htrail__store_db(g->store), &g->selector, message, sizeof message);
        if (status == HTRAIL_E_MISUSE)
            return cli_usage(g->arguments, "%s", message);
        if (status != HTRAIL_OK)
            return cli_fail(g->arguments, "'%s': %s", operands[0], message);
        if (g->selection.stale > 0)
            g->selection.count = before + g->selection.stale;
        g->group_ends[i - 1] = g->selection.count;
    }
    return CLI_EXIT_OK;
}

static htrail_str text_of(const graph *g, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(g->lookup), text);
}

static void add_question(const graph *g, htrail__text *out)
{
    htrail__chain chain;
    bool one = cli_operand_count(g->arguments) == 2;
    htrail__text_add_string(out, "What keeps ");
    if (one && g->selector.kind == HTRAIL__SELECT_MODULE) {
        htrail__text_format(out, "%smodule %s alive?", g->selection.stale > 1 ? "the stale copies of " : g->selection.stale == 1 ? "the stale copy of " : "", g->selector.text);
    } else if (one && g->selector.kind == HTRAIL__SELECT_TYPE) {
        htrail__numbers_add(out, g->selection.count);
        htrail__text_format(out, " %s object%s alive?", g->selector.text, g->selection.count == 1 ? "" : "s");
    } else if (g->selection.count > 1) {
        htrail__text_add_string(out, "these ");
        htrail__numbers_add(out, g->selection.count);
        htrail__text_add_string(out, " objects alive?");
    } else {
        htrail__text_add_string(out, "this ");
        if (htrail__chain_find(&chain, g->lookup, g->selection.ids[0]) == HTRAIL_OK) {
            const htrail__found_object *step = &chain.steps[chain.step_count - 1], *holder = chain.step_count > 1 ? step - 1 : NULL;
            htrail__chain_object_text(out, text_of(g, step->type), text_of(g, step->name), text_of(g, step->module), holder ? text_of(g, holder->type) : (htrail_str){0},
                                      holder ? text_of(g, holder->name) : (htrail_str){0}, text_of(g, step->holder_label));
        }
        htrail__chain_release(&chain);
        htrail__text_add_string(out, " alive?");
    }
}

static htrail_status add_subtitle(const graph *g, htrail__text *out)
{
    uint64_t objects, bytes;
    htrail_status status = htrail__lookup_totals(g->lookup, &objects, &bytes);
    htrail__numbers_add(out, g->selection.count);
    htrail__text_add_string(out, g->selection.count == 1 ? " object" : " objects");
    if (g->holders->targets_followed < g->holders->targets) {
        htrail__text_add_string(out, ", the first ");
        htrail__numbers_add(out, g->holders->targets_followed);
        htrail__text_add_string(out, " drawn");
    }
    htrail__text_add_string(out, " · shortest chains from the roots, merged · heap: ");
    htrail__numbers_add(out, objects);
    htrail__text_add_string(out, " objects, ");
    htrail__numbers_add_bytes(out, bytes);
    return status;
}

static int build_picture(graph *g)
{
    htrail__holders_opts opts;
    cli_progress progress;
    htrail__model_opts model;
    htrail__text question, subtitle;
    char message[HTRAIL__MESSAGE_BYTES];

    htrail__text_init(&question, TEXT_BYTES_MAX);
    htrail__text_init(&subtitle, TEXT_BYTES_MAX);
    htrail__holders_opts_init(&opts);
    htrail__model_opts_init(&model);
    if (g->too_many != 0)
        opts.too_many = (size_t)g->too_many;
    model.depth_max = (size_t)g->depth_max;
    model.group_ends = g->group_ends;
    model.group_count = cli_operand_count(g->arguments) - 1;
    htrail_status status = htrail__lookup_open(&g->lookup, htrail__store_db(g->store), message, sizeof message);
    if (status != HTRAIL_OK)
        return cli_fail(g->arguments, "'%s': %s", htrail__store_path(g->store), message);
    cli_progress_init(&progress, "following chains");
    opts.progress = cli_progress_step;
    opts.progress_arg = &progress;
    status = htrail__holders_find(&g->holders, g->lookup, g->selection.ids, g->selection.count, &opts);
    cli_progress_end(&progress);
    if (status == HTRAIL_OK)
        status = add_subtitle(g, &subtitle);
    if (status == HTRAIL_OK) {
        add_question(g, &question);
        status = htrail__model_build(&g->picture, g->lookup, g->holders, htrail__text_string(&question), htrail__text_string(&subtitle), &model);
    }
    htrail__text_release(&question);
    htrail__text_release(&subtitle);
    if (status == HTRAIL_OK)
        return CLI_EXIT_OK;
    const char *error = htrail__lookup_error(g->lookup);
    return cli_fail(g->arguments, "cannot follow the chains in '%s': %s", htrail__store_path(g->store), error[0] != '\0' ? error : htrail_status_text(status));
}

static htrail_status write_picture(void *context, FILE *stream, char *message, size_t message_bytes)
{
    const graph *g = context;
    htrail__text svg;
    htrail_status status;
    if (g->format == FORMAT_DOT)
        return htrail__dot_write(&g->picture, stream);
    htrail__text_init(&svg, HTRAIL__SVG_BYTES_MAX);
    htrail__svg_write(&svg, &g->picture, g->theme);
    status = svg.failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
    if (status == HTRAIL_OK && g->format == FORMAT_PNG)
        status = htrail__png_write(htrail__text_string(&svg), svg.len, stream, message, message_bytes);
    else if (status == HTRAIL_OK && fwrite(htrail__text_string(&svg), 1, svg.len, stream) != svg.len)
        status = HTRAIL_E_IO;
    htrail__text_release(&svg);
    return status;
}

static int run(const cli_arguments *arguments)
{
    graph g = {.arguments = arguments};
    char message[HTRAIL__MESSAGE_BYTES];
    const char *out;
    int result = read_options(&g);

    if (result != CLI_EXIT_OK)
        return result;
    for (size_t i = 1; i < cli_operand_count(arguments); i++)
        if (htrail__selector_parse(&g.selector, cli_operands(arguments)[i], message, sizeof message) != HTRAIL_OK)
            return cli_usage(arguments, "%s", message);
    out = cli_option_value(arguments, "output");
    result = cli_open_heap(arguments, cli_operands(arguments)[0], &g.store);
    if (result != CLI_EXIT_OK || (result = select_objects(&g)) != CLI_EXIT_OK || (result = build_picture(&g)) != CLI_EXIT_OK)
        goto done;
    if (g.format != FORMAT_DOT) {
        htrail_status status = htrail__render_layout(&g.picture);
        if (status == HTRAIL_E_LIMIT) {
            htrail__tree_write(&g.picture, stdout);
            result = cli_fail(arguments, "the layout of '%s' did not end in time: this is the picture as text; a .dot file needs no layout", out);
            goto done;
        }
        if (status != HTRAIL_OK) {
            result = cli_fail(arguments, "cannot lay out '%s': %s", out, htrail_status_text(status));
            goto done;
        }
    }
    result = cli_write_whole_file(arguments, out, write_picture, &g);
    if (result == CLI_EXIT_OK && strcmp(out, "-") != 0)
        printf("%s: %zu card%s, %zu arrow%s\n", out, g.picture.card_count, g.picture.card_count == 1 ? "" : "s", g.picture.arrow_count,
               g.picture.arrow_count == 1 ? "" : "s");
done:
    htrail__picture_release(&g.picture);
    htrail__holders_free(g.holders);
    htrail__lookup_free(g.lookup);
    htrail__selection_release(&g.selection);
    free(g.group_ends);
    htrail__store_free(g.store);
    return result;
}

const cli_command cli_graph = {
    .name = "graph",
    .usage = "[OPTIONS] FILE OBJECT... -o OUT",
    .summary = "draw the chains of references that keep objects alive",
    .help = help,
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
