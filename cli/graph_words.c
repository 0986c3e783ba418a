/* cli/graph_words.c - what stands above the picture. */
#include "analyze/chain.h"
#include "cli/graph.h"
#include "viz/numbers.h"

static htrail_str text_of(const cli_graph_page *g, uint32_t text)
{
    return htrail__texts_get(htrail__lookup_texts(g->lookup), text);
}

/* "this function app.run" */
static void add_one(const cli_graph_page *g, htrail__text *out, uint64_t id)
{
    htrail__found_object object, holder;
    htrail__text_add_string(out, "this ");
    if (htrail__lookup_object(g->lookup, id, &object) != HTRAIL_OK)
        return;
    bool held = object.holder != 0 && htrail__lookup_object(g->lookup, object.holder, &holder) == HTRAIL_OK;
    htrail__chain_object_text(out, text_of(g, object.type), text_of(g, object.name), text_of(g, object.module), held ? text_of(g, holder.type) : (htrail_str){0},
                              held ? text_of(g, holder.name) : (htrail_str){0}, text_of(g, object.holder_label));
}

/* What the question is about. */
static void add_objects(const cli_graph_page *g, htrail__text *out)
{
    bool one = cli_operand_count(g->arguments) == 2;
    if (g->view == CLI_GRAPH_CHAIN) {
        add_one(g, out, g->selection.ids[0]);
    } else if (one && g->selector.kind == HTRAIL__SELECT_MODULE) {
        htrail__text_format(out, "%smodule %s", g->selection.stale > 1 ? "the stale copies of " : g->selection.stale == 1 ? "the stale copy of " : "", g->selector.text);
    } else if (one && g->selector.kind == HTRAIL__SELECT_TYPE) {
        htrail__numbers_add(out, g->selection.count);
        htrail__text_format(out, " %s object%s", g->selector.text, g->selection.count == 1 ? "" : "s");
    } else if (g->selection.count > 1) {
        htrail__text_add_string(out, "these ");
        htrail__numbers_add(out, g->selection.count);
        htrail__text_add_string(out, " objects");
    } else {
        add_one(g, out, g->selection.ids[0]);
    }
}

/* "this x refers" and "12 x objects refer" */
static bool is_single(const cli_graph_page *g)
{
    bool module = cli_operand_count(g->arguments) == 2 && g->selector.kind == HTRAIL__SELECT_MODULE;
    return module ? g->selection.stale < 2 : g->selection.count == 1;
}

void cli_graph_add_question(const cli_graph_page *g, htrail__text *out)
{
    switch (g->view) {
    case CLI_GRAPH_BACKREFS:
        htrail__text_add_string(out, "Who refers to ");
        add_objects(g, out);
        break;
    case CLI_GRAPH_REFS:
        htrail__text_add_string(out, is_single(g) ? "What does " : "What do ");
        add_objects(g, out);
        htrail__text_add_string(out, " refer to");
        break;
    case CLI_GRAPH_CHAINS:
    case CLI_GRAPH_CHAIN:
        htrail__text_add_string(out, "What keeps ");
        add_objects(g, out);
        htrail__text_add_string(out, " alive");
        break;
    }
    htrail__text_add_string(out, "?");
}

htrail_status cli_graph_add_subtitle(const cli_graph_page *g, htrail__text *out)
{
    static const char *const views[] = {"shortest chains from the roots", "the shortest chain", "referrers", "references"};
    uint64_t objects, bytes;
    htrail_status status = htrail__lookup_totals(g->lookup, &objects, &bytes);
    htrail__numbers_add(out, g->selection.count);
    htrail__text_add_string(out, g->selection.count == 1 ? " object" : " objects");
    if (g->view == CLI_GRAPH_CHAIN && g->selection.count > 1) {
        htrail__text_add_string(out, ", the nearest to a root drawn");
    } else if (g->holders->targets_followed < g->holders->targets) {
        htrail__text_add_string(out, ", the first ");
        htrail__numbers_add(out, g->holders->targets_followed);
        htrail__text_add_string(out, " looked at");
    }
    htrail__text_format(out, " · %s", views[g->view]);
    if (g->view == CLI_GRAPH_BACKREFS || g->view == CLI_GRAPH_REFS)
        htrail__text_format(out, ", %llu step%s", g->depth_max, g->depth_max == 1 ? "" : "s");
    htrail__text_add_string(out, g->is_raw ? ", one card an object" : g->view == CLI_GRAPH_CHAIN ? "" : ", merged");
    if (g->holders->not_followed > 0) {
        htrail__text_add_string(out, " · ");
        htrail__numbers_add(out, g->holders->not_followed);
        htrail__text_format(out, g->view == CLI_GRAPH_REFS ? " module%s or class%s not followed" : " module%s not followed", g->holders->not_followed == 1 ? "" : "s",
                            g->holders->not_followed == 1 ? "" : "es");
    }
    if (g->holders->keys > 0) {
        htrail__text_add_string(out, " · ");
        htrail__numbers_add(out, g->holders->keys);
        htrail__text_add_string(out, g->holders->keys == 1 ? " shared key left out" : " shared keys left out");
    }
    static const char *const options[] = {"--filter", "--extra-ignore"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (g->asked.left_out[i].count == 0)
            continue;
        htrail__text_add_string(out, " · without ");
        htrail__numbers_add(out, g->asked.left_out[i].count);
        htrail__text_format(out, g->asked.left_out[i].count == 1 ? " object by %s" : " objects by %s", options[i]);
    }
    htrail__text_add_string(out, " · heap: ");
    htrail__numbers_add(out, objects);
    htrail__text_add_string(out, " objects, ");
    htrail__numbers_add_bytes(out, bytes);
    return g->asked.failed ? HTRAIL_E_NOMEM : status;
}
