/* analyze/load_sums.c - ids of modules and names, and how many objects and bytes there are
 * of each module, name, type, size and length. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "analyze/loader.h"
#include "analyze/resident.h"
#include "analyze/schema.h"

enum { PREFETCH_OBJECTS = 8 };

static unsigned bucket_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static uint32_t id_of_text(uint32_t *of_text, uint32_t *texts, uint32_t *count, uint32_t text)
{
    if (of_text[text] == 0) {
        texts[(*count)++] = text;
        of_text[text] = *count;
    }
    return of_text[text];
}

uint32_t htrail__loader_name_text(const htrail__loader *l, uint32_t object)
{
    uint32_t name = l->graph->name_of[object];
    return name == 0 || l->naming.is_text[l->graph->objects[object].type] ? 0 : l->naming.full_name[name - 1];
}

/* SQL has numbers of 63 bits, and a file may claim more of every object. */
static uint64_t sum_of(uint64_t left, uint64_t right)
{
    return right < INT64_MAX - left ? left + right : INT64_MAX;
}

void htrail__sums_add(htrail__sums *to, uint64_t bytes, uint64_t shared)
{
    to->count++;
    to->bytes = sum_of(to->bytes, bytes);
    to->shared = sum_of(to->shared, shared);
}

/* The sums that an object counts in, one a table. */
typedef struct kinds_of_sum {
    htrail__sums *type, *type_name, *module, *name, *size, *length;
} kinds_of_sum;

static kinds_of_sum sums_of(htrail__loader *l, uint32_t object)
{
    const htrail__graph_object *o = &l->graph->objects[object];
    return (kinds_of_sum){
        .type = &l->type_sums[o->type],
        .type_name = &l->type_name_sums[l->type_named[o->type]],
        .module = &l->module_sums[id_of_text(l->module_of_text, l->module_texts, &l->module_count, l->naming.module_of[object]) - 1],
        .name = &l->name_sums[id_of_text(l->name_of_text, l->name_texts, &l->name_count, htrail__loader_name_text(l, object)) - 1],
        .size = &l->size_sums[bucket_of(o->size_bytes)],
        .length = &l->length_sums[o->flags & HTRAIL_OBJECT_LENGTH ? bucket_of(o->length) : HTRAIL__LOADER_NO_LENGTH],
    };
}

/* module_of_text is filled later; until then its room serves to find types of one name. */
static void name_types(htrail__loader *l)
{
    for (uint32_t i = l->graph->type_count; i > 0; i--)
        l->module_of_text[l->graph->types[i - 1].full_name] = i - 1;
    for (uint32_t i = 0; i < l->graph->type_count; i++)
        l->type_named[i] = l->module_of_text[l->graph->types[i].full_name];
    for (uint32_t i = 0; i < l->graph->type_count; i++)
        l->module_of_text[l->graph->types[i].full_name] = 0;
}

void htrail__sums_add_retained(htrail__sums *to, uint32_t place, uint32_t end, uint64_t retained)
{
    if (place < to->covered)
        return;
    to->covered = end;
    to->retained = sum_of(to->retained, retained);
}

/* ---- what the objects of a row hold together (joint.h) ---- */

enum { BY_TYPE, BY_TYPE_NAME, BY_MODULE, BY_NAME, BY_SIZE, BY_LENGTH, BYS };

static const htrail__graph_object *object_at(const htrail__loader *l, uint32_t number) { return &l->graph->objects[l->reach.object_of[number - 1]]; }

static uint32_t type_of(const void *arg, uint32_t number) { return object_at(arg, number)->type; }

static uint32_t type_named_of(const void *arg, uint32_t number)
{
    const htrail__loader *l = arg;
    return l->type_named[object_at(l, number)->type];
}

static uint32_t module_of(const void *arg, uint32_t number)
{
    const htrail__loader *l = arg;
    return l->module_of_text[l->naming.module_of[l->reach.object_of[number - 1]]] - 1;
}

static uint32_t name_of(const void *arg, uint32_t number)
{
    const htrail__loader *l = arg;
    return l->name_of_text[htrail__loader_name_text(l, l->reach.object_of[number - 1])] - 1;
}

static uint32_t size_of(const void *arg, uint32_t number) { return bucket_of(object_at(arg, number)->size_bytes); }

static uint32_t length_of(const void *arg, uint32_t number)
{
    const htrail__graph_object *o = object_at(arg, number);
    return o->flags & HTRAIL_OBJECT_LENGTH ? bucket_of(o->length) : HTRAIL__LOADER_NO_LENGTH;
}

static const struct {
    uint32_t (*class_of)(const void *arg, uint32_t number);
} bys[BYS] = {{type_of}, {type_named_of}, {module_of}, {name_of}, {size_of}, {length_of}};

static bool is_strong(const void *arg, uint32_t edge)
{
    const htrail__loader *l = arg;
    return (l->edge_codes[edge] & HTRAIL__CODE_KIND_MASK) != HTRAIL_REF_WEAK;
}

typedef struct together {
    const htrail__loader *l;
    htrail__joint_rows rows[BYS];
    bool are_types_alike; /* each has a name of its own */
    atomic_uint next;
    atomic_bool has_failed;
} together;

/* One key after the other, as long as there are any: so two threads share them. */
static void *find_together(void *arg)
{
    together *t = arg;
    for (unsigned by; (by = atomic_fetch_add(&t->next, 1)) < BYS;)
        if ((by != BY_TYPE_NAME || !t->are_types_alike) && htrail__joint_find(t->l->joint, &(htrail__joint_classes){.class_of = bys[by].class_of, .arg = t->l}, &t->rows[by]) != HTRAIL_OK)
            atomic_store(&t->has_failed, true);
    return NULL;
}

static htrail_status find_all_together(together *t, htrail__loader *l)
{
    const htrail__joint_heap heap = {.dominators = &l->dominators, .holder = l->reach.holder, .is_root = l->is_root, .srcs = l->srcs, .dsts = l->dsts,
                                     .edge_count = l->edge_count, .is_strong = is_strong, .arg = l};
    pthread_t other;
    htrail_status status = htrail__joint_open(&l->joint, &heap);

    if (status != HTRAIL_OK)
        return status;
    t->l = l;
    t->are_types_alike = true;
    for (uint32_t i = 0; i < l->graph->type_count; i++)
        t->are_types_alike &= l->type_named[i] == i;
    bool is_two = pthread_create(&other, NULL, find_together, t) == 0;
    find_together(t);
    if (is_two)
        pthread_join(other, NULL);
    for (unsigned by = 0; by < BYS; by++)
        l->sets_at_least |= !t->rows[by].is_exact && !(by == BY_TYPE_NAME && t->are_types_alike);
    return atomic_load(&t->has_failed) ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

void htrail__sums_add_together(htrail__sums *sums, htrail__joint_rows *rows, uint32_t place, uint32_t end, uint64_t retained)
{
    for (; rows->next < rows->count && rows->rows[rows->next].place == place; rows->next++)
        htrail__sums_add_retained(&sums[rows->rows[rows->next].group], place, end, retained);
}

/* In the order of the tree of dominators: what is below an object comes directly after it. */
static void sum_up_retained(htrail__loader *l, together *t)
{
    const htrail__dominators *tree = &l->dominators;
    htrail__sums *const sums_by[BYS] = {l->type_sums, l->type_name_sums, l->module_sums, l->name_sums, l->size_sums, l->length_sums};
    for (uint32_t place = 1; place <= tree->count; place++) {
        htrail__resident_step(place);
        if (place + PREFETCH_OBJECTS <= tree->count) {
            uint32_t ahead = l->reach.object_of[tree->order[place + PREFETCH_OBJECTS] - 1];
            __builtin_prefetch(&l->graph->objects[ahead]);
            __builtin_prefetch(&l->naming.module_of[ahead]);
            __builtin_prefetch(&l->graph->name_of[ahead]);
            __builtin_prefetch(&tree->retained[tree->order[place + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&tree->below[tree->order[place + PREFETCH_OBJECTS]]);
        }
        if (place + 2 * PREFETCH_OBJECTS <= tree->count)
            __builtin_prefetch(&l->reach.object_of[tree->order[place + 2 * PREFETCH_OBJECTS] - 1]);
        uint32_t number = tree->order[place], end = place + tree->below[number];
        uint64_t retained = tree->retained[number];
        kinds_of_sum sums = sums_of(l, l->reach.object_of[number - 1]);
        htrail__sums_add_retained(sums.type, place, end, retained);
        htrail__sums_add_retained(sums.type_name, place, end, retained);
        htrail__sums_add_retained(sums.module, place, end, retained);
        htrail__sums_add_retained(sums.name, place, end, retained);
        htrail__sums_add_retained(sums.size, place, end, retained);
        htrail__sums_add_retained(sums.length, place, end, retained);
        for (unsigned by = 0; by < BYS; by++)
            htrail__sums_add_together(sums_by[by], &t->rows[by], place, end, retained);
    }
    if (t->are_types_alike)
        for (uint32_t i = 0; i < l->graph->type_count; i++)
            l->type_name_sums[i].retained = l->type_sums[i].retained;
}

/* Majority by pairing off votes: Boyer and Moore, MJRTY, 1981. */
static void vote(htrail__loader *l, uint32_t type, uint32_t flags)
{
    if (l->type_votes[type] == 0)
        l->type_flags[type] = flags;
    if (l->type_flags[type] == flags)
        l->type_votes[type]++;
    else
        l->type_votes[type]--;
}

htrail_status htrail__loader_sum_up(htrail__loader *l)
{
    const htrail__graph *graph = l->graph;
    size_t texts = (size_t)graph->texts.count + 1;

    l->module_of_text = calloc(texts, sizeof(uint32_t));
    l->name_of_text = calloc(texts, sizeof(uint32_t));
    l->module_texts = malloc(texts * sizeof(uint32_t));
    l->name_texts = malloc(texts * sizeof(uint32_t));
    l->module_sums = calloc(texts, sizeof(htrail__sums));
    l->name_sums = calloc(texts, sizeof(htrail__sums));
    l->type_sums = calloc((size_t)graph->type_count + 1, sizeof(htrail__sums));
    l->type_name_sums = calloc((size_t)graph->type_count + 1, sizeof(htrail__sums));
    l->type_named = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    l->type_first = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    l->type_flags = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    l->type_votes = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    l->type_last = calloc((size_t)graph->type_count + 1, sizeof(uint32_t));
    if (l->type_flags == NULL || l->type_votes == NULL || l->type_name_sums == NULL || l->type_named == NULL || l->type_first == NULL || l->type_last == NULL || l->module_of_text == NULL || l->name_of_text == NULL || l->module_texts == NULL || l->name_texts == NULL ||
        l->module_sums == NULL || l->name_sums == NULL || l->type_sums == NULL)
        return htrail__loader_no_memory(l);
    name_types(l);
    id_of_text(l->name_of_text, l->name_texts, &l->name_count, 0); /* id 1: no name */
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const htrail__graph_object *o = &graph->objects[i];
        uint32_t number = l->reach.number_of[i];
        htrail__resident_step(i);
        vote(l, o->type, o->flags);
        if (l->type_first[o->type] == 0 || number < l->type_first[o->type])
            l->type_first[o->type] = number;
        if (number > l->type_last[o->type])
            l->type_last[o->type] = number;
        kinds_of_sum sums = sums_of(l, i);
        htrail__sums_add(sums.type, o->size_bytes, l->shared[number]);
        htrail__sums_add(sums.type_name, o->size_bytes, l->shared[number]);
        htrail__sums_add(sums.module, o->size_bytes, l->shared[number]);
        htrail__sums_add(sums.name, o->size_bytes, l->shared[number]);
        htrail__sums_add(sums.size, o->size_bytes, l->shared[number]);
        htrail__sums_add(sums.length, o->size_bytes, l->shared[number]);
        l->total_bytes = sum_of(l->total_bytes, o->size_bytes);
    }
    together t = {0};
    htrail_status status = find_all_together(&t, l);
    if (status == HTRAIL_OK)
        sum_up_retained(l, &t);
    for (unsigned by = 0; by < BYS; by++)
        htrail__joint_rows_release(&t.rows[by]);
    return status == HTRAIL_OK ? status : htrail__loader_no_memory(l);
}
