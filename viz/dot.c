/* viz/dot.c - a picture as a graph of libcgraph. Strings reach libcgraph as values of
 * attributes alone, escaped; names of nodes and edges are numbers. */
#include "viz/dot.h"

#include <graphviz/cgraph.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/text.h"
#include "viz/escape.h"

enum { TEXT_MAX = 1 << 16, POINTS_PER_INCH = 72 };

static const char *const colours[HTRAIL__CARD_KIND_COUNT] = {
    [HTRAIL__CARD_ROOT] = "#0f7b6c",      [HTRAIL__CARD_MODULE] = "#2f6fde",    [HTRAIL__CARD_TYPE] = "#9b59b6",
    [HTRAIL__CARD_FUNCTION] = "#7a5af8",  [HTRAIL__CARD_FRAME] = "#0e9384",     [HTRAIL__CARD_CONTAINER] = "#667085",
    [HTRAIL__CARD_VALUE] = "#b54708",     [HTRAIL__CARD_INSTANCE] = "#475467",  [HTRAIL__CARD_MORE] = "#98a2b3",
};

/* libcgraph's parameters are not const, though it changes none of them. */
static char *loose(const char *text)
{
    char *out;
    memcpy(&out, &text, sizeof out);
    return out;
}

static void declare(Agraph_t *graph, int kind, const char *name, const char *value)
{
    agattr(graph, kind, loose(name), loose(value));
}

static void set(void *of, const char *name, const char *value)
{
    agset(of, loose(name), loose(value));
}

static Agraph_t *new_graph(const htrail__picture *picture, Agnode_t **nodes)
{
    char name[32];
    Agraph_t *graph = agopen(loose("heaptrail"), Agdirected, NULL);
    if (graph == NULL)
        return NULL;
    declare(graph, AGRAPH, "rankdir", "TB");
    for (size_t i = 0; i < picture->card_count; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        nodes[i] = agnode(graph, name, 1);
    }
    return graph;
}

static Agedge_t *new_edge(Agraph_t *graph, Agnode_t **nodes, const htrail__picture *picture, size_t index)
{
    char name[32];
    snprintf(name, sizeof name, "e%zu", index);
    return agedge(graph, nodes[picture->arrows[index].from], nodes[picture->arrows[index].to], name, 1);
}

static void set_inches(void *of, const char *name, double points)
{
    htrail__text text;
    htrail__text_init(&text, 64);
    /* Thousandths of an inch, whatever the decimal point of the locale. */
    long thousandths = (long)(points * 1000 / POINTS_PER_INCH + 0.5);
    htrail__text_format(&text, "%ld.%03ld", thousandths / 1000, thousandths % 1000);
    set(of, name, htrail__text_string(&text));
    htrail__text_release(&text);
}

Agraph_t *htrail__dot_boxes(const htrail__picture *picture)
{
    enum { LABEL_HEIGHT = 15, LABEL_PAD = 13 };
    char label[160];
    Agnode_t **nodes = calloc(picture->card_count + 1, sizeof *nodes);
    bool *held = calloc(picture->card_count + 1, sizeof *held);
    Agraph_t *graph = nodes == NULL || held == NULL ? NULL : new_graph(picture, nodes);
    if (graph == NULL)
        goto done;
    /* look.md: splines=ortho hangs, and these limits bound the network simplex. */
    declare(graph, AGRAPH, "splines", "true");
    declare(graph, AGRAPH, "nslimit", "2");
    declare(graph, AGRAPH, "nslimit1", "2");
    declare(graph, AGRAPH, "mclimit", "0.5");
    declare(graph, AGRAPH, "nodesep", "0.32");
    declare(graph, AGRAPH, "ranksep", "0.36");
    declare(graph, AGNODE, "shape", "box");
    declare(graph, AGNODE, "fixedsize", "true");
    declare(graph, AGNODE, "label", "");
    declare(graph, AGNODE, "width", "1");
    declare(graph, AGNODE, "height", "1");
    declare(graph, AGEDGE, "label", "");
    declare(graph, AGEDGE, "weight", "1");
    declare(graph, AGEDGE, "arrowsize", "0.8");
    for (size_t i = 0; i < picture->card_count; i++) {
        set_inches(nodes[i], "width", picture->cards[i].width);
        set_inches(nodes[i], "height", picture->cards[i].height);
    }
    /* All roots stand side by side, at the top. */
    Agraph_t *roots = agsubg(graph, loose("roots"), 1);
    declare(graph, AGRAPH, "rank", "");
    set(roots, "rank", "min");
    for (size_t i = 0; i < picture->card_count; i++)
        held[i] = picture->cards[i].kind != HTRAIL__CARD_ROOT;
    for (size_t i = 0; i < picture->arrow_count; i++)
        held[picture->arrows[i].to] = true; /* a frame that another one holds stays below it */
    for (size_t i = 0; i < picture->card_count; i++)
        if (!held[i])
            agsubnode(roots, nodes[i], 1);
    for (size_t i = 0; i < picture->arrow_count; i++) {
        Agedge_t *edge = new_edge(graph, nodes, picture, i);
        if (picture->arrows[i].hold == HTRAIL__HOLD_ONLY)
            set(edge, "weight", "4"); /* what dominates stands above what it holds */
        if (picture->arrows[i].label[0] == '\0')
            continue;
        snprintf(label, sizeof label,
                 "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLPADDING=\"0\" CELLSPACING=\"0\"><TR><TD FIXEDSIZE=\"TRUE\" "
                 "WIDTH=\"%d\" HEIGHT=\"%d\"></TD></TR></TABLE>",
                 (int)htrail__picture_label_width(picture->arrows[i].label) + LABEL_PAD, LABEL_HEIGHT);
        char *html = agstrdup_html(graph, label);
        agset(edge, loose("label"), html);
        agstrfree(graph, html);
    }
done:
    free(held);
    free(nodes);
    return graph;
}

static void add_line(htrail__text *text, const char *line)
{
    if (line[0] == '\0')
        return;
    if (text->len > 0)
        htrail__text_add_string(text, "\\n");
    htrail__escape_dot(text, line, strlen(line));
}

static void set_card(Agnode_t *node, const htrail__picture *picture, size_t index, htrail__text *text)
{
    const htrail__card *card = &picture->cards[index];
    htrail__text_clear(text);
    htrail__escape_dot(text, card->title, strlen(card->title));
    if (card->count[0] != '\0') {
        htrail__text_add_string(text, "  ");
        htrail__text_add_string(text, card->count);
    }
    if (card->fresh != NULL) {
        htrail__text_add_string(text, "  ");
        htrail__text_add_string(text, card->fresh);
    }
    add_line(text, card->detail);
    add_line(text, card->bytes);
    if (card->info != NULL)
        add_line(text, card->info);
    set(node, "label", htrail__text_string(text));
    htrail__text_clear(text);
    for (const char *line = card->whole; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (text->len > 0)
            htrail__text_add_string(text, "\\n");
        htrail__escape_dot(text, line, len);
        line += len + (line[len] == '\n');
    }
    set(node, "tooltip", htrail__text_string(text));
    set(node, "color", card->suspect ? "#d92d20" : colours[card->kind]);
    set(node, "fillcolor", card->suspect ? "#fef3f2" : card->kind == HTRAIL__CARD_ROOT ? "#ecfdf8" : "#ffffff");
    if (card->kind == HTRAIL__CARD_MORE)
        set(node, "style", "rounded,dashed");
    if (card->highlight)
        set(node, "fillcolor", "#fef9c3");
    if (card->suspect || card->highlight)
        set(node, "penwidth", "2");
    for (size_t i = 0; card->attributes != NULL && i < picture->attribute_count; i++) {
        htrail__text_clear(text);
        htrail__escape_dot(text, card->attributes[i], strlen(card->attributes[i]));
        set(node, picture->attribute_names[i], htrail__text_string(text));
    }
}

static void set_arrow(Agedge_t *edge, const htrail__arrow *arrow, htrail__text *text)
{
    htrail__text_clear(text);
    htrail__escape_dot(text, arrow->label, strlen(arrow->label));
    set(edge, "label", htrail__text_string(text));
    htrail__text_clear(text);
    htrail__escape_dot(text, arrow->whole, strlen(arrow->whole));
    set(edge, "tooltip", htrail__text_string(text));
    if (arrow->hold == HTRAIL__HOLD_ONLY)
        set(edge, "penwidth", "3");
    if (arrow->hold == HTRAIL__HOLD_SEVERAL) {
        set(edge, "style", "dashed");
        set(edge, "color", "#dc6803");
    }
}

htrail_status htrail__dot_write(const htrail__picture *picture, FILE *stream)
{
    htrail_status status = HTRAIL_E_NOMEM;
    htrail__text text;
    Agnode_t **nodes = calloc(picture->card_count + 1, sizeof *nodes);
    Agraph_t *graph = nodes == NULL ? NULL : new_graph(picture, nodes);
    htrail__text_init(&text, TEXT_MAX);
    if (graph == NULL)
        goto done;
    declare(graph, AGRAPH, "label", "");
    declare(graph, AGRAPH, "labelloc", "t");
    declare(graph, AGRAPH, "labeljust", "l");
    declare(graph, AGRAPH, "fontname", "Helvetica");
    declare(graph, AGRAPH, "fontsize", "17");
    declare(graph, AGNODE, "shape", "box");
    declare(graph, AGNODE, "style", "rounded,filled");
    declare(graph, AGNODE, "label", "");
    declare(graph, AGNODE, "tooltip", "");
    declare(graph, AGNODE, "color", "#d0d5dd");
    declare(graph, AGNODE, "fillcolor", "#ffffff");
    declare(graph, AGNODE, "penwidth", "1");
    declare(graph, AGNODE, "fontname", "Helvetica");
    declare(graph, AGNODE, "fontsize", "12");
    declare(graph, AGEDGE, "label", "");
    declare(graph, AGEDGE, "tooltip", "");
    declare(graph, AGEDGE, "style", "solid");
    declare(graph, AGEDGE, "color", "#98a2b3");
    declare(graph, AGEDGE, "penwidth", "1.4");
    declare(graph, AGEDGE, "fontname", "Courier");
    declare(graph, AGEDGE, "fontsize", "11");
    for (size_t i = 0; i < picture->attribute_count; i++)
        if (agattr(graph, AGNODE, loose(picture->attribute_names[i]), NULL) == NULL)
            declare(graph, AGNODE, picture->attribute_names[i], "");
    declare(graph, AGRAPH, "comment", "thick arrow: the only holder, cut it and they go; dashed arrow: one of several holders; thin arrow: a holder, others may not be "
                                      "drawn; red: what was asked for; dashed box: counted, not drawn");
    add_line(&text, picture->question);
    add_line(&text, picture->subtitle);
    set(graph, "label", htrail__text_string(&text));
    for (size_t i = 0; i < picture->card_count; i++)
        set_card(nodes[i], picture, i, &text);
    for (size_t i = 0; i < picture->arrow_count; i++)
        set_arrow(new_edge(graph, nodes, picture, i), &picture->arrows[i], &text);
    status = text.failed ? HTRAIL_E_LIMIT : agwrite(graph, stream) == 0 && !ferror(stream) ? HTRAIL_OK : HTRAIL_E_IO;
done:
    htrail__text_release(&text);
    if (graph != NULL)
        agclose(graph);
    free(nodes);
    return status;
}
