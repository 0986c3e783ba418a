/* analyze/fingerprint.c - see the header. */
#include "analyze/fingerprint.h"

#include <stdlib.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"
#include "analyze/str.h"

enum { PREFETCH_OBJECTS = 8 };

/* What is fixed in the objects of a type. */
enum type_fixed {
    FIXED_LENGTH = 1 << 0,
    FIXED_ITEMS = 1 << 1,
    FIXED_NAME = 1 << 2,
    UNORDERED = 1 << 3, /* positions of its items say nothing */
    IS_DICT = 1 << 4
};

typedef struct work {
    const htrail__graph *graph;
    const htrail__reach *reach;
    const htrail__naming *naming;
    uint8_t *fixed;   /* by type */
    uint64_t *labels; /* by atom */
    htrail__fingerprints *out;
} work;

static uint64_t mix(uint64_t left, uint64_t right)
{
    uint64_t both = (left ^ (right + 0x9e3779b97f4a7c15u + (left << 6) + (left >> 2))) * 0xff51afd7ed558ccdu;
    return both ^ both >> 32;
}

/* The size is no part of it: that of a string grows when its UTF-8 is asked for. Nor is a string's text: it is in
 * the file from the day on which the string serves as a name. */
static uint8_t fixed_of(htrail_str name)
{
    static const struct { const char *name; uint8_t fixed; } kinds[] = {
        {"str", FIXED_LENGTH}, {"unicode", FIXED_LENGTH}, {"bytes", FIXED_LENGTH}, {"tuple", FIXED_LENGTH | FIXED_ITEMS},
        {"frozenset", FIXED_LENGTH | FIXED_ITEMS | UNORDERED}, {"set", UNORDERED}, {"dict", IS_DICT | UNORDERED}, {"range", FIXED_LENGTH},
        {"slice", FIXED_ITEMS}, {"method", FIXED_ITEMS}, {"builtin_function_or_method", FIXED_NAME | FIXED_ITEMS}, {"mappingproxy", FIXED_ITEMS},
        {"function", FIXED_NAME}, {"type", FIXED_NAME}, {"classobj", FIXED_NAME}, {"module", FIXED_NAME}, {"code", FIXED_NAME},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (htrail__str_is(name, kinds[i].name))
            return kinds[i].fixed;
    return 0;
}

static uint64_t text_hash(const htrail__graph *graph, uint32_t text) { return mix(graph->texts.hashes[text], text == 0); }

/* Of a label, the same in every snapshot of the process. */
static uint64_t label_of(const work *w, uint32_t place, bool is_ordered)
{
    const htrail__graph *graph = w->graph;
    uint32_t code = graph->labels[place], payload = HTRAIL__LABEL_PAYLOAD(code), key, name;

    switch (HTRAIL__LABEL_TAG(code)) {
    case HTRAIL__LABEL_INDEX: return mix(HTRAIL_REF_INDEX, is_ordered ? payload : 0);
    case HTRAIL__LABEL_STACK: return mix(HTRAIL_REF_STACK, payload);
    case HTRAIL__LABEL_UNDER_KEY:
        key = graph->targets[place - 1];
        if (key == HTRAIL__NO_ID)
            return mix(HTRAIL_REF_VALUE, 0);
        name = graph->name_of[key];
        if (name != 0 && w->naming->is_text[graph->objects[key].type])
            return mix(HTRAIL_REF_VALUE, text_hash(graph, graph->names[name - 1].name));
        return mix(HTRAIL_REF_VALUE, graph->objects[key].address);
    default: return w->labels[payload];
    }
}

static uint64_t what_of(const work *w, uint32_t object, uint64_t holds)
{
    const htrail__graph_object *o = &w->graph->objects[object];
    const htrail__graph_type *type = &w->graph->types[o->type];
    uint8_t fixed = w->fixed[o->type];
    uint32_t name = w->graph->name_of[object];
    uint64_t what = mix(text_hash(w->graph, type->full_name), type->address);

    if (fixed & FIXED_LENGTH && o->flags & HTRAIL_OBJECT_LENGTH)
        what = mix(what, o->length);
    if (fixed & FIXED_ITEMS)
        what = mix(what, holds);
    if (fixed & FIXED_NAME && name != 0)
        what = mix(what, text_hash(w->graph, w->naming->full_name[name - 1]));
    return what;
}

/* Numbers grow along the chains, so that what is said of a holder is known before it is asked for. */
static void look_at(work *w, uint32_t number, uint64_t *places)
{
    const htrail__graph *graph = w->graph;
    uint32_t object = w->reach->object_of[number - 1];
    const htrail__graph_object *o = &graph->objects[object];
    uint8_t fixed = w->fixed[o->type];
    bool is_anchor = o->flags & HTRAIL_OBJECT_TRACKED && !(fixed & IS_DICT);
    uint64_t holds = 0, place = places[number - 1], from = is_anchor ? o->address : mix(o->address, place);

    if (w->reach->holder[number - 1] == 0) {
        uint32_t root = w->reach->root[number - 1];
        if (root != 0) {
            place = mix(w->reach->roots[root - 1].kind, text_hash(graph, w->reach->roots[root - 1].name));
            from = is_anchor ? o->address : mix(o->address, place);
        }
    }
    for (uint32_t at = o->first_ref; at < o->first_ref + o->ref_count; at++) {
        uint32_t target = graph->targets[at];
        if (target == HTRAIL__NO_ID || htrail__graph_ref_kind(graph, at) == HTRAIL_REF_WEAK)
            continue;
        uint64_t label = label_of(w, at, !(fixed & UNORDERED));
        holds += mix(label, graph->objects[target].address); /* a sum: the order in which they stand says nothing */
        if (htrail__reach_is_holding(w->reach, at))
            places[w->reach->number_of[target] - 1] = mix(from, label);
    }
    w->out->of[number - 1] = (uint32_t)(mix(what_of(w, object, holds), 0) >> 16 << 16) | (uint32_t)(mix(place, 1) >> 8 & 0xff) << 8 |
                             (uint32_t)(mix(holds, o->ref_count == 0) >> 8 & 0xff);
}

static uint64_t number_fact(const htrail__graph *graph, const char *key)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < graph->meta_count; i++)
        if (htrail__str_is(htrail__texts_get(&graph->texts, graph->metas[i].key), key)) {
            htrail_str value = htrail__texts_get(&graph->texts, graph->metas[i].value);
            number = 0;
            for (size_t at = 0; at < value.len && value.data[at] >= '0' && value.data[at] <= '9' && number < UINT32_MAX; at++)
                number = number * 10 + (uint64_t)(value.data[at] - '0');
        }
    return number;
}

/* What gc.freeze() set aside stands last in the file, and is the oldest. */
static void number_ages(work *w)
{
    const htrail__graph *graph = w->graph;
    uint64_t frozen = number_fact(graph, "gc_frozen");
    uint32_t tracked = 0, met = 0;

    if (!graph->complete || graph->stopped[0] != '\0')
        return;
    for (uint32_t i = 0; i < graph->object_count; i++)
        tracked += graph->objects[i].flags & HTRAIL_OBJECT_TRACKED;
    if (frozen > tracked)
        frozen = 0;
    for (uint32_t i = 0; i < graph->object_count; i++)
        if (graph->objects[i].flags & HTRAIL_OBJECT_TRACKED) {
            uint32_t listed = tracked - (uint32_t)frozen;
            w->out->age[w->reach->number_of[i] - 1] = met < listed ? met + (uint32_t)frozen + 1 : met - listed + 1;
            met++;
        }
}

htrail_status htrail__fingerprints_build(htrail__fingerprints *fingerprints, const htrail__graph *graph, const htrail__reach *reach,
                                         const htrail__naming *naming)
{
    work w = {.graph = graph, .reach = reach, .naming = naming, .out = fingerprints};
    uint64_t *places = htrail__mapping_new(graph->object_count, sizeof *places);
    htrail_status status = HTRAIL_E_NOMEM;

    fingerprints->of = htrail__mapping_new(graph->object_count, sizeof *fingerprints->of);
    fingerprints->age = htrail__mapping_new(graph->object_count, sizeof *fingerprints->age);
    w.fixed = calloc((size_t)graph->type_count + 1, sizeof *w.fixed);
    w.labels = malloc(((size_t)graph->atom_count + 1) * sizeof *w.labels);
    if (places == NULL || fingerprints->of == NULL || fingerprints->age == NULL || w.fixed == NULL || w.labels == NULL)
        goto done;
    for (uint32_t i = 0; i < graph->type_count; i++)
        w.fixed[i] = fixed_of(htrail__texts_get(&graph->texts, graph->types[i].full_name));
    for (uint32_t i = 0; i < graph->atom_count; i++)
        w.labels[i] = mix(graph->atoms[i].kind, text_hash(graph, graph->atoms[i].text));
    for (uint32_t number = 1; number <= graph->object_count; number++) {
        htrail__resident_step(number);
        if (number + PREFETCH_OBJECTS <= graph->object_count)
            __builtin_prefetch(&graph->objects[reach->object_of[number + PREFETCH_OBJECTS - 1]]);
        look_at(&w, number, places);
    }
    number_ages(&w);
    status = HTRAIL_OK;
done:
    htrail__mapping_free(places);
    free(w.fixed);
    free(w.labels);
    return status;
}

void htrail__fingerprints_release(htrail__fingerprints *fingerprints)
{
    htrail__mapping_free(fingerprints->of);
    htrail__mapping_free(fingerprints->age);
    *fingerprints = (htrail__fingerprints){0};
}
