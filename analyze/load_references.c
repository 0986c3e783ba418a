/* analyze/load_references.c - references as the database has them: a label code each, and
 * those that hold nobody on a shortest chain sorted by source, target and label. */
#include <stdlib.h>

#include "analyze/loader.h"

enum {
    INSERTION_MAX = 32,
    PREFETCH_OBJECTS = 8,
    PAYLOAD_MAX = UINT32_MAX >> HTRAIL__LABEL_TAG_BITS
};

typedef struct edge {
    uint32_t dst, code;
} edge;

/* Labels: one row for each kind and text. */

static htrail_status add_label(htrail__loader *l, uint32_t kind, uint32_t text, uint64_t repeat, uint32_t *label)
{
    if (l->label_count == l->label_room) {
        uint32_t room = l->label_room ? l->label_room * 2 : 1024;
        htrail__label_text *labels = room > PAYLOAD_MAX ? NULL : realloc(l->labels, (size_t)room * sizeof *labels);
        if (labels == NULL)
            return htrail__loader_no_memory(l);
        l->labels = labels;
        l->label_room = room;
    }
    l->labels[l->label_count] = (htrail__label_text){kind, text, repeat};
    *label = l->label_count++;
    return HTRAIL_OK;
}

static htrail_status label_for(htrail__loader *l, uint32_t kind, uint32_t text, uint32_t *label)
{
    if (kind >= HTRAIL__LOADER_KINDS)
        kind = HTRAIL_REF_PLAIN; /* a kind of a later version */
    uint32_t **of_text = &l->label_of_text[kind];
    if (*of_text == NULL && (*of_text = calloc((size_t)l->graph->texts.count + 1, sizeof **of_text)) == NULL)
        return htrail__loader_no_memory(l);
    if ((*of_text)[text] == 0) {
        htrail_status status = add_label(l, kind, text, 0, label);
        if (status != HTRAIL_OK)
            return status;
        (*of_text)[text] = *label + 1;
    }
    *label = (*of_text)[text] - 1;
    return HTRAIL_OK;
}

htrail_status htrail__loader_label_atoms(htrail__loader *l)
{
    htrail_status status = HTRAIL_OK;
    l->label_of_atom = malloc(((size_t)l->graph->atom_count + 1) * sizeof *l->label_of_atom);
    if (l->label_of_atom == NULL)
        return htrail__loader_no_memory(l);
    for (uint32_t i = 0; i < l->graph->atom_count && status == HTRAIL_OK; i++)
        status = label_for(l, l->graph->atoms[i].kind, l->graph->atoms[i].text, &l->label_of_atom[i]);
    return status;
}

/* The code of the database for the reference at place: see analyze/schema.c. */
static htrail_status code_of(htrail__loader *l, uint32_t place, uint32_t *code)
{
    const htrail__graph *graph = l->graph;
    uint32_t raw = graph->labels[place], label, key, text = 0;
    htrail_status status;

    if (HTRAIL__LABEL_TAG(raw) == HTRAIL__LABEL_ATOM) {
        *code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, l->label_of_atom[HTRAIL__LABEL_PAYLOAD(raw)]);
        return HTRAIL_OK;
    }
    *code = raw;
    if (HTRAIL__LABEL_TAG(raw) != HTRAIL__LABEL_UNDER_KEY)
        return HTRAIL_OK;
    key = graph->targets[place - 1];
    if (key != HTRAIL__NO_ID) {
        uint32_t name = graph->name_of[key], number = l->reach.number_of[key];
        if (name != 0 && l->naming.is_text[graph->objects[key].type]) {
            text = graph->names[name - 1].name;
        } else if (number <= PAYLOAD_MAX) {
            *code = HTRAIL__LABEL(HTRAIL__LABEL_UNDER_KEY, number);
            return HTRAIL_OK;
        }
    }
    if ((status = label_for(l, HTRAIL_REF_VALUE, text, &label)) == HTRAIL_OK)
        *code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, label);
    return status;
}

/* Two references of one object to another with the same label are told apart by a number. */
static htrail_status code_of_repeat(htrail__loader *l, edge *at, uint64_t repeat)
{
    uint32_t tag = HTRAIL__LABEL_TAG(at->code), payload = HTRAIL__LABEL_PAYLOAD(at->code), label;
    uint32_t kind = tag == HTRAIL__LABEL_ATOM ? l->labels[payload].kind : tag == HTRAIL__LABEL_INDEX ? HTRAIL_REF_INDEX
                  : tag == HTRAIL__LABEL_STACK ? HTRAIL_REF_STACK : HTRAIL_REF_VALUE;
    htrail_status status = add_label(l, kind, tag == HTRAIL__LABEL_ATOM ? l->labels[payload].text : 0, repeat, &label);
    at->code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, label);
    return status;
}

/* References. */

static int by_target(const void *left, const void *right)
{
    const edge *a = left, *b = right;
    if (a->dst != b->dst)
        return a->dst < b->dst ? -1 : 1;
    return a->code < b->code ? -1 : a->code > b->code;
}

static void sort_edges(edge *edges, uint32_t count)
{
    if (count > INSERTION_MAX) {
        qsort(edges, count, sizeof *edges, by_target);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        edge moved = edges[i];
        uint32_t at = i;
        for (; at > 0 && (edges[at - 1].dst > moved.dst || (edges[at - 1].dst == moved.dst && edges[at - 1].code > moved.code)); at--)
            edges[at] = edges[at - 1];
        edges[at] = moved;
    }
}

/* The rows of one object, in the order of the table; holding references go to codes. */
static htrail_status collect_edges(htrail__loader *l, uint32_t object, uint32_t *next_child, edge *edges, uint32_t *count)
{
    const htrail__graph_object *o = &l->graph->objects[object];
    htrail_status status = HTRAIL_OK;
    uint32_t repeats = 0;

    *count = 0;
    for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count && status == HTRAIL_OK; at++) {
        uint32_t target = l->graph->targets[at], code;
        if (target == HTRAIL__NO_ID)
            continue;
        if ((status = code_of(l, at, &code)) != HTRAIL_OK)
            break;
        if (htrail__reach_is_holding(&l->reach, at))
            l->codes[(*next_child)++] = code;
        else
            edges[(*count)++] = (edge){l->reach.number_of[target], code};
    }
    sort_edges(edges, *count);
    for (uint32_t i = 1, first = 0; i < *count && status == HTRAIL_OK; i++) {
        if (by_target(&edges[i], &edges[first]) != 0) {
            first = i;
            continue;
        }
        repeats++;
        status = code_of_repeat(l, &edges[i], i - first + 1);
    }
    if (repeats > 0)
        sort_edges(edges, *count);
    return status;
}

htrail_status htrail__loader_encode_references(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    const htrail__reach *reach = &l->reach;
    uint32_t most = 0, next_child = 0, room = (uint32_t)graph->references;
    edge *edges;
    htrail_status status = HTRAIL_OK;

    for (uint32_t i = 0; i < graph->object_count; i++)
        if (graph->objects[i].ref_count > most)
            most = graph->objects[i].ref_count;
    edges = malloc(((size_t)most + 1) * sizeof *edges);
    l->codes = malloc(((size_t)graph->object_count + 1) * sizeof *l->codes);
    l->srcs = malloc(((size_t)room + 1) * sizeof *l->srcs);
    l->dsts = malloc(((size_t)room + 1) * sizeof *l->dsts);
    l->edge_codes = malloc(((size_t)room + 1) * sizeof *l->edge_codes);
    if (edges == NULL || l->codes == NULL || l->srcs == NULL || l->dsts == NULL || l->edge_codes == NULL) {
        status = htrail__loader_no_memory(l);
        goto done;
    }
    for (uint32_t place = 0; place < graph->object_count; place++) {
        uint32_t count;
        if (place + PREFETCH_OBJECTS < graph->object_count)
            __builtin_prefetch(&graph->objects[reach->object_of[place + PREFETCH_OBJECTS]]);
        /* Children of the objects so far come next; objects that roots hold are in between. */
        while (next_child < graph->object_count && reach->holder[next_child] == 0)
            l->codes[next_child++] = 0;
        if ((status = collect_edges(l, reach->object_of[place], &next_child, edges, &count)) != HTRAIL_OK)
            goto done;
        for (uint32_t i = 0; i < count; i++) {
            l->srcs[l->edge_count] = place + 1;
            l->dsts[l->edge_count] = edges[i].dst;
            l->edge_codes[l->edge_count++] = edges[i].code;
        }
    }
done:
    free(edges);
    return status;
}
