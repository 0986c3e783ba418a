/* analyze/load_pages.c - the large tables and their indexes, as pages: objects in the order of
 * their numbers, references by source and by target. */
#include <pthread.h>
#include <stdlib.h>

#include "analyze/loader.h"
#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { PREFETCH_OBJECTS = 8, STEP_OBJECTS = 1 << 16 };

/* Of the objects that dominate others, by number: the place in the tree, and how many of them are below. */
typedef struct positions {
    uint32_t *place, *below;
} positions;

static void positions_release(positions *p)
{
    htrail__mapping_free(p->place);
    htrail__mapping_free(p->below);
}

static bool positions_find(positions *p, const htrail__dominators *tree)
{
    uint32_t place = 0;
    p->place = htrail__mapping_new((size_t)tree->count + 1, sizeof *p->place);
    p->below = htrail__mapping_new((size_t)tree->count + 1, sizeof *p->below);
    if (p->place == NULL || p->below == NULL)
        return false;
    for (uint32_t i = 1; i <= tree->count; i++)
        if (tree->below[tree->order[i]] > 1)
            p->place[tree->order[i]] = ++place;
    for (uint32_t i = tree->count; i > 0; i--) {
        uint32_t number = tree->order[i];
        if (p->place[number] != 0)
            p->below[tree->dominator[number]] += p->below[number] + 1;
    }
    return true;
}

/* NULL where it is nothing. */
static int64_t or_null(uint64_t value) { return value != 0 ? (int64_t)value : HTRAIL__BTREE_NULL; }

static htrail_status write_objects(htrail__loader *l)
{
    positions inner = {0};
    const htrail__graph *graph = l->graph;
    const htrail__reach *reach = &l->reach;
    const htrail__dominators *tree = &l->dominators;
    uint32_t count = graph->object_count;
    htrail_status status = htrail__btree_begin(&l->tree, &l->file, false, l->object_root, count);

    if (status == HTRAIL_OK && !positions_find(&inner, tree))
        status = HTRAIL_E_NOMEM;
    for (uint32_t place = 0; place < count && status == HTRAIL_OK; place++) {
        uint32_t object = reach->object_of[place];
        htrail__resident_step(place);
        const htrail__graph_object *o = &graph->objects[object];
        int64_t module = l->module_of_text[l->naming.module_of[object]], owner = l->owner[place + 1] == 0 ? 0 : l->module_of_text[l->owner[place + 1]];
        bool pseudo = o->flags & HTRAIL_OBJECT_PSEUDO, reached = reach->root[place] != 0;
        if (place + PREFETCH_OBJECTS < count) {
            __builtin_prefetch(&graph->objects[reach->object_of[place + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&graph->name_of[reach->object_of[place + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->naming.module_of[reach->object_of[place + PREFETCH_OBJECTS]]);
        }
        int64_t row[] = {
            HTRAIL__BTREE_NULL, /* the rowid */
            (int64_t)o->address,
            (int64_t)o->type + 1,
            (int64_t)o->size_bytes,
            reached ? (int64_t)reach->depth[place] : HTRAIL__BTREE_NULL,
            reach->holder[place] ? (int64_t)reach->holder[place] : HTRAIL__BTREE_NULL,
            reach->holder[place] ? (int64_t)l->codes[place] : HTRAIL__BTREE_NULL,
            (int32_t)l->fingerprints.of[place],
            owner == module ? HTRAIL__BTREE_NULL : owner,
            o->flags & HTRAIL_OBJECT_LENGTH ? (int64_t)o->length : HTRAIL__BTREE_NULL,
            or_null(l->fingerprints.age[place]),
            tree->retained[place + 1] == o->size_bytes ? HTRAIL__BTREE_NULL : (int64_t)tree->retained[place + 1],
            or_null(inner.place[place + 1]),
            reach->counted[object] == 1 ? HTRAIL__BTREE_NULL : reach->counted[object],
            or_null(inner.below[place + 1]),
            or_null(l->shared[place + 1]),
            o->flags == l->type_flags[o->type] ? HTRAIL__BTREE_NULL : o->flags,
            l->naming.module_of[object] == graph->types[o->type].module ? HTRAIL__BTREE_NULL : module,
            tree->dominator[place + 1] == reach->holder[place] ? HTRAIL__BTREE_NULL : (int64_t)tree->dominator[place + 1],
            pseudo || o->refcount == reach->counted[object] ? HTRAIL__BTREE_NULL : (int64_t)o->refcount,
            reached && reach->root[place] != 1 ? (int64_t)reach->root[place] : HTRAIL__BTREE_NULL,
            (int64_t)l->name_of_text[htrail__loader_name_text(l, object)] - 1,
        };
        /* What is left off at the end reads as the column's default. */
        size_t columns = sizeof row / sizeof *row;
        if (row[columns - 1] == 0)
            columns--;
        while (columns < sizeof row / sizeof *row && row[columns - 1] == HTRAIL__BTREE_NULL)
            columns--;
        status = htrail__btree_add(&l->tree, (int64_t)place + 1, row, columns);
        if (place % STEP_OBJECTS == 0)
            htrail__loader_step(l, place, count);
    }
    positions_release(&inner);
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    return status == HTRAIL_OK ? status : htrail__loader_pages_failed(l, status);
}

static htrail_status write_references(htrail__loader *l)
{
    htrail_status status = htrail__btree_begin(&l->tree, &l->file, true, l->reference_root, l->edge_count);
    for (uint32_t i = 0; i < l->edge_count && status == HTRAIL_OK; i++)
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){l->srcs[i], l->dsts[i], l->edge_codes[i]}, 3);
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    return status == HTRAIL_OK ? status : htrail__loader_pages_failed(l, status);
}

/* A stable counting sort: places[i] is the place of the i-th in the order of keys. */
static uint32_t *sorted_places(const uint32_t *keys, uint32_t count, uint32_t key_max)
{
    uint32_t *starts = htrail__mapping_new((size_t)key_max + 1, sizeof *starts), *places = htrail__mapping_new(count, sizeof *places);
    if (starts != NULL && places != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            htrail__resident_step(i);
            starts[keys[i] + 1]++;
        }
        for (uint32_t key = 0; key <= key_max; key++)
            starts[key + 1] += starts[key];
        for (uint32_t i = 0; i < count; i++) {
            htrail__resident_step(i);
            places[starts[keys[i]]++] = i;
        }
    } else {
        htrail__mapping_free(places);
        places = NULL;
    }
    htrail__mapping_free(starts);
    return places;
}

/* Half a second of ten million objects, of waiting for memory: a thread does it while objects are written, unless memory is
 * what there is too little of. */
typedef struct sorting {
    const htrail__loader *l;
    uint32_t *places;
    pthread_t thread;
    bool is_begun;
} sorting;

static void *sort_by_target(void *arg)
{
    sorting *s = arg;
    s->places = sorted_places(s->l->dsts, s->l->edge_count, s->l->graph->object_count);
    return NULL;
}

static void begin_sorting(sorting *s, const htrail__loader *l)
{
    *s = (sorting){.l = l};
    s->is_begun = !htrail__resident_is_limited && pthread_create(&s->thread, NULL, sort_by_target, s) == 0;
}

static uint32_t *end_sorting(sorting *s)
{
    if (s->is_begun)
        pthread_join(s->thread, NULL);
    else
        sort_by_target(s);
    return s->places;
}

static htrail_status write_referrers(htrail__loader *l, uint32_t *places)
{
    htrail_status status;

    if (places == NULL)
        return htrail__loader_no_memory(l);
    status = htrail__btree_begin(&l->tree, &l->file, true, l->referrer_index_root, l->edge_count);
    for (uint32_t i = 0; i < l->edge_count && status == HTRAIL_OK; i++) {
        if (i + PREFETCH_OBJECTS < l->edge_count) {
            __builtin_prefetch(&l->srcs[places[i + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->dsts[places[i + PREFETCH_OBJECTS]]);
            __builtin_prefetch(&l->edge_codes[places[i + PREFETCH_OBJECTS]]);
        }
        uint32_t at = places[i];
        htrail__resident_step(i);
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){l->dsts[at], l->srcs[at], l->edge_codes[at]}, 3);
    }
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
    return status == HTRAIL_OK ? status : htrail__loader_pages_failed(l, status);
}

/* The index of what is dominated by another than its holder, and not by the roots alone. */
static htrail_status write_dominated(htrail__loader *l)
{
    const htrail__dominators *tree = &l->dominators;
    uint32_t *dominators = htrail__mapping_new(tree->count, sizeof *dominators), *numbers = htrail__mapping_new(tree->count, sizeof *numbers);
    uint32_t *places = NULL, count = 0;
    htrail_status status = HTRAIL_E_NOMEM;

    if (dominators == NULL || numbers == NULL)
        goto done;
    for (uint32_t number = 1; number <= tree->count; number++)
        if (tree->dominator[number] != 0 && tree->dominator[number] != l->reach.holder[number - 1]) {
            dominators[count] = tree->dominator[number];
            numbers[count++] = number;
        }
    if ((places = sorted_places(dominators, count, tree->count)) == NULL)
        goto done;
    status = htrail__btree_begin(&l->tree, &l->file, true, l->dominated_index_root, count);
    for (uint32_t i = 0; i < count && status == HTRAIL_OK; i++)
        status = htrail__btree_add(&l->tree, 0, (int64_t[]){dominators[places[i]], numbers[places[i]]}, 2);
    if (status == HTRAIL_OK)
        status = htrail__btree_end(&l->tree);
done:
    htrail__mapping_free(dominators);
    htrail__mapping_free(numbers);
    htrail__mapping_free(places);
    return status == HTRAIL_OK ? status : htrail__loader_pages_failed(l, status);
}

htrail_status htrail__loader_write_pages(htrail__loader *l)
{
    sorting by_target;
    htrail_status status = htrail__btree_file_open(&l->file, l->partial);
    if (status != HTRAIL_OK)
        return htrail__loader_pages_failed(l, status);
    begin_sorting(&by_target, l);
    if ((status = write_objects(l)) == HTRAIL_OK)
        status = write_references(l);
    uint32_t *places = end_sorting(&by_target);
    if (status == HTRAIL_OK && (status = write_referrers(l, places)) == HTRAIL_OK)
        status = write_dominated(l);
    htrail__mapping_free(places);
    if (status != HTRAIL_OK)
        return status;
    status = htrail__btree_file_close(&l->file);
    return status == HTRAIL_OK ? status : htrail__loader_pages_failed(l, status);
}
