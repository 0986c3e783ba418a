/* analyze/load_references.c - references as the database has them: a label code each, sorted
 * by source, target and label; and the code of the one that holds each object. */
#include <stdlib.h>

#include "analyze/loader.h"
#include "analyze/mapping.h"
#include "analyze/resident.h"
#include "analyze/schema.h"

enum {
    INSERTION_MAX = 32,
    PREFETCH_OBJECTS = 8
};

typedef struct edge {
    uint32_t dst, code;
} edge;

/* Labels: one row a text. */

static htrail_status add_label(htrail__loader *l, htrail__label_text added, uint32_t *label)
{
    if (l->label_count == l->label_room) {
        uint32_t room = l->label_room ? l->label_room * 2 : 1024;
        if (l->label_count > HTRAIL__CODE_PAYLOAD_MAX)
            return htrail__loader_fail(l, HTRAIL_E_LIMIT, "cannot load '%s': more than %u different labels", l->source->name, l->label_count);
        htrail__label_text *labels = realloc(l->labels, (size_t)room * sizeof *labels);
        if (labels == NULL)
            return htrail__loader_no_memory(l);
        l->labels = labels;
        l->label_room = room;
    }
    l->labels[l->label_count] = added;
    *label = l->label_count++;
    return HTRAIL_OK;
}

static htrail_status label_for(htrail__loader *l, uint32_t text, uint32_t *label)
{
    if (l->label_of_text[text] == 0) {
        htrail_status status = add_label(l, (htrail__label_text){.text = text}, label);
        if (status != HTRAIL_OK)
            return status;
        l->label_of_text[text] = *label + 1;
    }
    *label = l->label_of_text[text] - 1;
    return HTRAIL_OK;
}

/* The text that is the label of a value under this key; false: the key itself is. */
static bool text_of_key(const htrail__loader *l, uint32_t key, uint32_t *text)
{
    uint32_t name = l->graph->name_of[key];
    if (name == 0 || !l->naming.is_text[l->graph->objects[key].type])
        return false;
    *text = l->graph->names[name - 1].name;
    return true;
}

typedef struct label_use {
    uint32_t text, count;
} label_use;

static int compare_uses(const void *left_item, const void *right_item)
{
    const label_use *left = left_item, *right = right_item;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return left->text < right->text ? -1 : left->text > right->text;
}

/* The most frequent labels have the smallest numbers, which are the shortest: each reference stands in two tables. */
htrail_status htrail__loader_label_atoms(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    htrail_status status = HTRAIL_OK;
    size_t texts = (size_t)graph->texts.count + 1, used = 0;
    label_use *uses = calloc(texts, sizeof *uses);
    uint32_t label;

    l->label_of_atom = malloc(((size_t)graph->atom_count + 1) * sizeof *l->label_of_atom);
    l->label_of_text = calloc(texts, sizeof *l->label_of_text);
    if (uses == NULL || l->label_of_atom == NULL || l->label_of_text == NULL) {
        status = htrail__loader_no_memory(l);
        goto done;
    }
    for (uint32_t i = 0; i < texts; i++)
        uses[i].text = i;
    for (uint32_t i = 0; i < graph->ref_count; i++) {
        uint32_t raw = graph->labels[i], text = 0;
        if (HTRAIL__LABEL_TAG(raw) == HTRAIL__LABEL_ATOM)
            uses[graph->atoms[HTRAIL__LABEL_PAYLOAD(raw)].text].count++;
        else if (HTRAIL__LABEL_TAG(raw) == HTRAIL__LABEL_UNDER_KEY && i > 0 && graph->targets[i - 1] != HTRAIL__NO_ID && text_of_key(l, graph->targets[i - 1], &text))
            uses[text].count++;
    }
    for (size_t i = 0; i < texts; i++)
        if (uses[i].count > 0)
            uses[used++] = uses[i];
    qsort(uses, used, sizeof *uses, compare_uses);
    for (size_t i = 0; i < used && status == HTRAIL_OK; i++)
        status = label_for(l, uses[i].text, &label);
    for (uint32_t i = 0; i < graph->atom_count && status == HTRAIL_OK; i++)
        status = label_for(l, graph->atoms[i].text, &l->label_of_atom[i]);
done:
    free(uses);
    return status;
}

/* Codes: see analyze/schema.h. */

static uint32_t code_with(uint32_t kind, uint32_t flags, uint32_t payload)
{
    if (kind > HTRAIL_REF_WEAK)
        kind = HTRAIL_REF_PLAIN; /* a kind of a later version */
    return payload << HTRAIL__CODE_PAYLOAD_SHIFT | flags | kind;
}

static htrail_status code_of_value(htrail__loader *l, uint32_t key, uint32_t *code)
{
    uint32_t text = 0, label;

    if (key != HTRAIL__NO_ID && !text_of_key(l, key, &text)) {
        uint32_t number = l->reach.number_of[key];
        if (number <= HTRAIL__CODE_PAYLOAD_MAX) {
            *code = code_with(HTRAIL_REF_VALUE, HTRAIL__CODE_DIRECT, number);
            return HTRAIL_OK;
        }
    }
    htrail_status status = label_for(l, text, &label);
    *code = code_with(HTRAIL_REF_VALUE, 0, label);
    return status;
}

static htrail_status code_of(htrail__loader *l, uint32_t place, uint32_t *code)
{
    uint32_t raw = l->graph->labels[place], payload = HTRAIL__LABEL_PAYLOAD(raw), kind, label = 0;
    htrail_status status = HTRAIL_OK;

    switch (HTRAIL__LABEL_TAG(raw)) {
    case HTRAIL__LABEL_ATOM:
        *code = code_with(l->graph->atoms[payload].kind, 0, l->label_of_atom[payload]);
        return HTRAIL_OK;
    case HTRAIL__LABEL_UNDER_KEY:
        return code_of_value(l, l->graph->targets[place - 1], code);
    default:
        kind = HTRAIL__LABEL_TAG(raw) == HTRAIL__LABEL_INDEX ? HTRAIL_REF_INDEX : HTRAIL_REF_STACK;
        if (payload <= HTRAIL__CODE_PAYLOAD_MAX)
            label = payload;
        else
            status = add_label(l, (htrail__label_text){.is_number = true, .number = payload}, &label);
        *code = code_with(kind, payload <= HTRAIL__CODE_PAYLOAD_MAX ? HTRAIL__CODE_DIRECT : 0, label);
        return status;
    }
}

/* Two references of one object to another with the same label are told apart by a number. */
static htrail_status code_of_repeat(htrail__loader *l, edge *at, uint64_t repeat)
{
    uint32_t text = at->code & HTRAIL__CODE_DIRECT ? 0 : l->labels[at->code >> HTRAIL__CODE_PAYLOAD_SHIFT].text, label;
    htrail_status status = add_label(l, (htrail__label_text){.text = text, .number = repeat}, &label);
    at->code = code_with(at->code & HTRAIL__CODE_KIND_MASK, 0, label);
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

/* The rows of one object, in the order of the table. Objects that it holds are numbered one after
 * the other in the order of its references: next_child is the place of the first. */
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
    l->codes = htrail__mapping_new(graph->object_count, sizeof *l->codes);
    l->srcs = htrail__mapping_new(room, sizeof *l->srcs);
    l->dsts = htrail__mapping_new(room, sizeof *l->dsts);
    l->edge_codes = htrail__mapping_new(room, sizeof *l->edge_codes);
    if (edges == NULL || l->codes == NULL || l->srcs == NULL || l->dsts == NULL || l->edge_codes == NULL) {
        status = htrail__loader_no_memory(l);
        goto done;
    }
    for (uint32_t place = 0; place < graph->object_count; place++) {
        uint32_t count;
        htrail__resident_step(place);
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
