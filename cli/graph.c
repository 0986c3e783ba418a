/* cli/graph.c - `heaptrail graph`: draw the reference chains of objects, up to the roots, or what is around them. */
#include <stdlib.h>
#include <string.h>

#include "analyze/text.h"
#include "cli/graph.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/terminal.h"
#include "cli/whole_file.h"
#include "viz/around.h"
#include "viz/dot.h"
#include "viz/model.h"
#include "viz/pdf.h"
#include "viz/png.h"
#include "viz/render.h"
#include "viz/tree.h"

/* A chain that is alone may be longer than one of several. So many objects are looked at in 2 s, and of those that are
 * not merged only the first are drawn anyway. */
enum { CHAIN_RUN_MAX = 36, TARGETS_MAX = 200000, RAW_TARGETS_MAX = 1000, STEPS = 3 };

static const cli_option options[] = {
    {"output", 'o', "OUT", "write OUT: .svg, .dot, .png, .pdf or .txt by its name; - is standard output"},
    {"format", 'f', "FORMAT", "svg, dot, png, pdf or txt, whatever OUT is called"},
    {"chain", 0, NULL, "draw the shortest chain from a root to one of the objects alone"},
    {"backrefs", 0, NULL, "draw all that refers to the objects, 3 steps up"},
    {"refs", 0, NULL, "draw all that the objects refer to, 3 steps down"},
    {"raw", 0, NULL, "draw a card for each object: nothing is merged"},
    {"since", 0, "EARLIER", "mark what is not in the earlier snapshot EARLIER as NEW"},
    {"max-depth", 0, "N", "draw at most N references from the objects (default: all; 3 with --backrefs and --refs)"},
    {"too-many", 0, "N", "look at no more than N holders of one object (default 1000; 10 with --raw)"},
    {"filter", 0, "SQL", "with --backrefs and --refs: draw only objects for which this expression holds"},
    {"extra-ignore", 0, "OBJECT", "with --backrefs and --refs: leave these objects out; may be repeated"},
    {"highlight", 0, "SQL", "make cards yellow that have an object for which this expression holds"},
    {"info", 0, "SQL", "write what this expression gives as one more line into each card"},
    {"attr", 0, "NAME=SQL", "give each card the attribute NAME (.dot), data-NAME (.svg); may be repeated"},
    {"refcounts", 0, NULL, "write reference counts into the cards, not into the tooltips alone"},
    {"long-names", 0, NULL, "do not cut names of cards and arrows at 34 columns"},
    {"theme", 0, "THEME", "light, dark, or auto: as the viewer is set (the default of .svg)"},
    {NULL, 0, NULL, NULL},
};

static const char help[] =
    "OBJECT is one of 0xADDRESS, id:N, type:NAME, module:NAME, where:SQL, as for 'heaptrail why'.\n"
    "Where there are stale copies of a module, the one in sys.modules is left out. An SQL expression\n"
    "is one over the object table: --highlight \"length > 1000\".\n"
    "\n"
    "Objects that are held in the same way are one card. An arrow leads from the holder to\n"
    "what it holds: thick where it is the only holder, dashed where it is one of several.\n"
    "A picture has at most 40 cards, and 6 or 7 side by side; what is left out is counted.";

typedef enum graph_format { FORMAT_SVG, FORMAT_DOT, FORMAT_PNG, FORMAT_PDF, FORMAT_TEXT, FORMAT_NONE } graph_format;

static graph_format format_named(const char *name)
{
    static const struct {
        const char *name;
        graph_format format;
    } formats[] = {{"svg", FORMAT_SVG}, {"dot", FORMAT_DOT}, {"gv", FORMAT_DOT}, {"png", FORMAT_PNG}, {"pdf", FORMAT_PDF}, {"txt", FORMAT_TEXT}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0)
            return formats[i].format;
    return FORMAT_NONE;
}

static int read_format(cli_graph_page *g)
{
    const cli_arguments *arguments = g->arguments;
    const char *out = cli_option_value(arguments, "output"), *name = cli_option_value(arguments, "format"), *theme = cli_option_value(arguments, "theme");
    if (out == NULL || out[0] == '\0')
        return cli_usage(arguments, "where to? -o OUT, with a name that ends in .svg, .dot, .png, .pdf or .txt");
    if (name != NULL) {
        g->format = format_named(name);
        if (g->format == FORMAT_NONE)
            return cli_usage(arguments, "'%s' is no format: svg, dot, png, pdf or txt", name);
    } else if (strcmp(out, "-") != 0) {
        const char *dot = strrchr(out, '.');
        g->format = dot != NULL && strchr(dot, '/') == NULL ? format_named(dot + 1) : FORMAT_NONE;
        if (g->format == FORMAT_NONE)
            return cli_usage(arguments, "'%s' ends in none of .svg, .dot, .png, .pdf and .txt: name one with --format", out);
    }
    if (theme != NULL && strcmp(theme, "auto") != 0 && strcmp(theme, "light") != 0 && strcmp(theme, "dark") != 0)
        return cli_usage(arguments, "'%s' is no theme: light, dark or auto", theme);
    /* A medium without a setting of its own is light. */
    g->theme = theme == NULL || strcmp(theme, "auto") == 0 ? (g->format == FORMAT_SVG ? HTRAIL__THEME_AUTO : HTRAIL__THEME_LIGHT)
               : strcmp(theme, "dark") == 0                ? HTRAIL__THEME_DARK
                                                           : HTRAIL__THEME_LIGHT;
    return CLI_EXIT_OK;
}

static int read_options(cli_graph_page *g)
{
    static const struct {
        const char *name;
        cli_graph_view view;
    } views[] = {{"chain", CLI_GRAPH_CHAIN}, {"backrefs", CLI_GRAPH_BACKREFS}, {"refs", CLI_GRAPH_REFS}};
    static const char *const numbers[] = {"max-depth", "too-many"}, *const around[] = {"filter", "extra-ignore"};
    const cli_arguments *arguments = g->arguments;
    unsigned long long *const into[] = {&g->depth_max, &g->too_many};
    int result = read_format(g);
    if (result != CLI_EXIT_OK)
        return result;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        if (!cli_option_given(arguments, views[i].name))
            continue;
        if (g->view != CLI_GRAPH_CHAINS)
            return cli_usage(arguments, "one of --chain, --backrefs and --refs at a time");
        g->view = views[i].view;
    }
    bool is_around = g->view == CLI_GRAPH_BACKREFS || g->view == CLI_GRAPH_REFS;
    for (size_t i = 0; i < 2; i++) {
        const char *text = cli_option_value(arguments, numbers[i]);
        if (text != NULL && (!cli_parse_number(text, into[i]) || *into[i] == 0 || *into[i] > 1000000))
            return cli_usage(arguments, "--%s takes a number from 1 to 1,000,000, not '%s'", numbers[i], text);
        if (!is_around && cli_option_given(arguments, around[i]))
            return cli_usage(arguments, "--%s is for --backrefs and --refs: a chain has the holders that it has", around[i]);
    }
    if (is_around && g->depth_max == 0)
        g->depth_max = STEPS;
    g->is_raw = cli_option_given(arguments, "raw");
    return CLI_EXIT_OK;
}

static int select_objects(cli_graph_page *g)
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

static htrail_status find_chains(cli_graph_page *g, htrail__model_opts *model)
{
    htrail__holders_opts opts;
    cli_progress progress;
    bool is_chain = g->view == CLI_GRAPH_CHAIN;
    htrail__holders_opts_init(&opts);
    if (g->too_many != 0)
        opts.too_many = (size_t)g->too_many;
    opts.apart = model->apart = g->is_raw || is_chain;
    opts.targets_max = TARGETS_MAX;
    if (g->is_raw) {
        opts.targets_max = RAW_TARGETS_MAX;
        model->fold_below_one_in = 0;
    }
    if (is_chain) {
        opts.targets_max = 1; /* objects are numbered from the roots on */
        opts.others_all_max = 0;
        model->run_max = CHAIN_RUN_MAX;
    }
    model->depth_max = (size_t)g->depth_max;
    model->group_ends = g->group_ends;
    model->group_count = cli_operand_count(g->arguments) - 1;
    cli_progress_init(&progress, "following chains");
    opts.progress = cli_progress_step;
    opts.progress_arg = &progress;
    htrail_status status = htrail__holders_find(&g->holders, g->lookup, g->selection.ids, g->selection.count, &opts);
    cli_progress_end(&progress);
    return status;
}

static htrail_status find_around(cli_graph_page *g)
{
    htrail__around_opts opts;
    htrail__around_opts_init(&opts);
    opts.downwards = g->view == CLI_GRAPH_REFS;
    opts.apart = g->is_raw;
    opts.depth_max = (size_t)g->depth_max;
    if (g->too_many != 0)
        opts.too_many = (size_t)g->too_many;
    else if (g->is_raw)
        opts.too_many = HTRAIL__AROUND_RAW_TOO_MANY;
    opts.admits = g->asked.filter != NULL || g->asked.has_ignored ? cli_graph_admits : NULL;
    opts.admits_arg = &g->asked;
    return htrail__around_find(&g->holders, g->lookup, g->selection.ids, g->selection.count, &opts);
}

static int build_picture(cli_graph_page *g)
{
    htrail__model_opts model;
    htrail__text question, subtitle;
    char message[HTRAIL__MESSAGE_BYTES];
    bool is_around = g->view == CLI_GRAPH_BACKREFS || g->view == CLI_GRAPH_REFS;

    htrail__text_init(&question, CLI_GRAPH_TEXT_BYTES_MAX);
    htrail__text_init(&subtitle, CLI_GRAPH_TEXT_BYTES_MAX);
    htrail__model_opts_init(&model);
    htrail_status status = htrail__lookup_open(&g->lookup, htrail__store_db(g->store), message, sizeof message);
    if (status != HTRAIL_OK)
        return cli_fail(g->arguments, "'%s': %s", htrail__store_path(g->store), message);
    status = is_around ? find_around(g) : find_chains(g, &model);
    model.cards = cli_graph_cards_opts(g);
    if (status == HTRAIL_OK)
        status = cli_graph_add_subtitle(g, &subtitle);
    if (status == HTRAIL_OK) {
        cli_graph_add_question(g, &question);
        status = (is_around ? htrail__around_build : htrail__model_build)(&g->picture, g->lookup, g->holders, htrail__text_string(&question),
                                                                          htrail__text_string(&subtitle), &model);
    }
    htrail__text_release(&question);
    htrail__text_release(&subtitle);
    if (status == HTRAIL_OK)
        return cli_graph_asked_check(g);
    const char *error = htrail__lookup_error(g->lookup);
    return cli_fail(g->arguments, "cannot follow the chains in '%s': %s", htrail__store_path(g->store), error[0] != '\0' ? error : htrail_status_text(status));
}

static htrail_status write_picture(void *context, FILE *stream, char *message, size_t message_bytes)
{
    const cli_graph_page *g = context;
    htrail__text svg;
    htrail_status status;
    if (g->format == FORMAT_DOT)
        return htrail__dot_write(&g->picture, stream);
    if (g->format == FORMAT_TEXT)
        return htrail__tree_write(&g->picture, &(htrail__tree_opts){.columns = stream == stdout ? cli_terminal_columns(stream) : 0, .is_ascii = cli_is_ascii(stream)}, stream);
    htrail__text_init(&svg, HTRAIL__SVG_BYTES_MAX);
    htrail__svg_write(&svg, &g->picture, g->theme);
    status = svg.failed ? HTRAIL_E_NOMEM : HTRAIL_OK;
    if (status == HTRAIL_OK && g->format == FORMAT_PNG)
        status = htrail__png_write(htrail__text_string(&svg), svg.len, stream, message, message_bytes);
    else if (status == HTRAIL_OK && g->format == FORMAT_PDF)
        status = htrail__pdf_write(htrail__text_string(&svg), svg.len, stream, message, message_bytes);
    else if (status == HTRAIL_OK && fwrite(htrail__text_string(&svg), 1, svg.len, stream) != svg.len)
        status = HTRAIL_E_IO;
    htrail__text_release(&svg);
    return status;
}

/* Where the layout takes too long the picture is written as text: as OUT.txt, for OUT is the name of another format. */
static int lay_out(cli_graph_page *g, const char *out)
{
    if (g->format == FORMAT_DOT || g->format == FORMAT_TEXT)
        return CLI_EXIT_OK;
    htrail_status status = htrail__render_layout(&g->picture);
    if (status == HTRAIL_OK)
        return CLI_EXIT_OK;
    if (status != HTRAIL_E_LIMIT)
        return cli_fail(g->arguments, "cannot lay out '%s': %s", out, htrail_status_text(status));
    g->format = FORMAT_TEXT;
    g->is_unplaced = true;
    return CLI_EXIT_OK;
}

static int run(const cli_arguments *arguments)
{
    cli_graph_page g = {.arguments = arguments};
    char message[HTRAIL__MESSAGE_BYTES];
    const char *out;
    char *text_out = NULL;
    int result = read_options(&g);

    if (result != CLI_EXIT_OK)
        return result;
    for (size_t i = 1; i < cli_operand_count(arguments); i++)
        if (htrail__selector_parse(&g.selector, cli_operands(arguments)[i], message, sizeof message) != HTRAIL_OK)
            return cli_usage(arguments, "%s", message);
    out = cli_option_value(arguments, "output");
    result = cli_open_heap(arguments, cli_operands(arguments)[0], &g.store);
    if (result != CLI_EXIT_OK || (result = select_objects(&g)) != CLI_EXIT_OK || (result = cli_graph_asked_open(&g)) != CLI_EXIT_OK ||
        (result = build_picture(&g)) != CLI_EXIT_OK || (result = lay_out(&g, out)) != CLI_EXIT_OK)
        goto done;
    if (g.is_unplaced && strcmp(out, "-") != 0) {
        if (asprintf(&text_out, "%s.txt", out) < 0) {
            text_out = NULL;
            result = cli_fail(arguments, "out of memory");
            goto done;
        }
        out = text_out;
    }
    result = cli_write_whole_file(arguments, out, write_picture, &g);
    if (result == CLI_EXIT_OK && g.is_unplaced)
        cli_warn(arguments, "the layout of '%s' did not end in time: the picture is a tree in '%s'; a .dot file needs no layout", cli_option_value(arguments, "output"), out);
    if (result == CLI_EXIT_OK && strcmp(out, "-") != 0)
        printf("%s: %zu card%s, %zu arrow%s\n", out, g.picture.card_count, g.picture.card_count == 1 ? "" : "s", g.picture.arrow_count,
               g.picture.arrow_count == 1 ? "" : "s");
done:
    htrail__picture_release(&g.picture);
    htrail__holders_free(g.holders);
    cli_graph_asked_release(&g.asked);
    htrail__lookup_free(g.lookup);
    htrail__selection_release(&g.selection);
    free(g.group_ends);
    htrail__store_free(g.store);
    free(text_out);
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
