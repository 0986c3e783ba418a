/* analyze/reach.c - see the header. */
#include "analyze/reach.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { PREFETCH_OBJECTS = 8, PREFETCH_REFS = 12, NAMESPACE_DEPTH = 2 };

const char *htrail__root_kind_text(uint32_t kind)
{
    switch (kind) {
#define X(name, number, text) case number: return text;
        HTRAIL_ROOT_MAP(X)
#undef X
    case HTRAIL__ROOT_CUT: return "cut off";
    }
    return "unknown kind of root";
}

static bool by_kind(const htrail__graph_root *left, const htrail__graph_root *right)
{
    return left->kind <= right->kind;
}

/* A stable merge sort of places: qsort promises no order of equals. */
static void sort_roots(const htrail__graph_root *roots, uint32_t *places, uint32_t *other, uint32_t count)
{
    for (uint32_t width = 1; width < count; width = width > count / 2 ? count : width * 2) {
        for (uint32_t start = 0; start < count;) {
            uint32_t middle = count - start > width ? start + width : count;
            uint32_t end = count - middle > width ? middle + width : count;
            for (uint32_t left = start, right = middle, at = start; at < end; at++)
                other[at] = left < middle && (right == end || by_kind(&roots[places[left]], &roots[places[right]])) ? places[left++] : places[right++];
            start = end;
        }
        memcpy(places, other, (size_t)count * sizeof *places);
    }
}

/* All roots but the C_GLOBALs that own nothing, by kind. */
static htrail_status copy_roots(htrail__reach *reach, const htrail__graph *graph)
{
    htrail_status status = HTRAIL_E_NOMEM;
    uint32_t count = 0;
    uint32_t *places = malloc(((size_t)graph->root_count + 1) * sizeof *places), *other = malloc(((size_t)graph->root_count + 1) * sizeof *other);
    bool *owns = calloc((size_t)graph->root_count + 1, sizeof *owns);

    reach->roots = malloc(((size_t)graph->root_count + 1) * sizeof *reach->roots);
    if (places == NULL || other == NULL || owns == NULL || reach->roots == NULL)
        goto done;
    for (uint32_t i = 0; i < reach->c.count; i++)
        if (reach->c.rows[i].root != HTRAIL__NO_ID)
            owns[reach->c.rows[i].root] = true;
    for (uint32_t i = 0; i < graph->root_count; i++)
        if (owns[i] || graph->roots[i].kind != HTRAIL_ROOT_C_GLOBAL)
            places[count++] = i;
    sort_roots(graph->roots, places, other, count);
    for (uint32_t i = 0; i < count; i++) {
        const htrail__graph_root *root = &graph->roots[places[i]];
        reach->roots[i] = (htrail__reach_root){.object = root->object, .kind = root->kind, .depth = root->depth,
                                               .name = root->name, .thread_id = root->thread_id};
    }
    reach->root_count = count;
    status = HTRAIL_OK;
done:
    free(places);
    free(other);
    free(owns);
    return status;
}

static void count_references(htrail__reach *reach, const htrail__graph *graph)
{
    for (uint32_t i = 0; i < graph->object_count; i++) {
        const htrail__graph_object *object = &graph->objects[i];
        htrail__resident_step(i);
        for (uint32_t at = object->first_ref; at < object->first_ref + object->ref_count; at++)
            if (graph->targets[at] != HTRAIL__NO_ID && htrail__graph_ref_kind(graph, at) != HTRAIL_REF_WEAK)
                reach->counted[graph->targets[at]]++;
    }
}

static void meet(htrail__reach *reach, uint32_t object, uint32_t holder, uint32_t ref, uint32_t depth, uint32_t root)
{
    uint32_t place = reach->reached_count++;
    reach->number_of[object] = place + 1;
    reach->object_of[place] = object;
    reach->holder[place] = holder;
    reach->holder_ref[place] = ref;
    reach->depth[place] = depth;
    reach->root[place] = root;
}

/* Follow references from the objects at place on, until there are none or one is depth_max deep. Returns
 * the place of that one. */
static uint32_t search(htrail__reach *reach, const htrail__graph *graph, uint32_t place, uint32_t depth_max)
{
    for (; place < reach->reached_count && reach->depth[place] < depth_max; place++) {
        const htrail__graph_object *object = &graph->objects[reach->object_of[place]];
        htrail__resident_step(place);
        if (place + PREFETCH_OBJECTS < reach->reached_count)
            __builtin_prefetch(&graph->objects[reach->object_of[place + PREFETCH_OBJECTS]]);
        if (place + PREFETCH_OBJECTS / 2 < reach->reached_count) {
            uint32_t next = graph->objects[reach->object_of[place + PREFETCH_OBJECTS / 2]].first_ref;
            __builtin_prefetch(&graph->targets[next]);
            __builtin_prefetch(&graph->labels[next]);
        }
        uint32_t end = object->first_ref + object->ref_count;
        for (uint32_t at = object->first_ref; at < end; at++) {
            uint32_t target = graph->targets[at];
            if (at + PREFETCH_REFS < end && graph->targets[at + PREFETCH_REFS] != HTRAIL__NO_ID)
                __builtin_prefetch(&reach->number_of[graph->targets[at + PREFETCH_REFS]]);
            if (target != HTRAIL__NO_ID && reach->number_of[target] == 0 && htrail__graph_ref_kind(graph, at) != HTRAIL_REF_WEAK) {
                reach->is_holding[at >> 6] |= UINT64_C(1) << (at & 63);
                meet(reach, target, place + 1, at, reach->depth[place] + 1, reach->root[place]);
            }
        }
    }
    return place;
}

typedef enum root_turn { TURN_MODULES, TURN_LASTING, TURN_PASSING } root_turn;

static root_turn turn_of(uint32_t kind)
{
    switch (kind) {
    case HTRAIL_ROOT_MODULES: return TURN_MODULES;
    case HTRAIL_ROOT_FRAME:
    case HTRAIL_ROOT_EXCEPTION:
    case HTRAIL_ROOT_JNI_LOCAL:
    case HTRAIL_ROOT_NATIVE_STACK: return TURN_PASSING;
    default: return TURN_LASTING;
    }
}

static void meet_roots(htrail__reach *reach, root_turn turn)
{
    for (uint32_t i = 0; i < reach->root_count; i++)
        if (turn_of(reach->roots[i].kind) == turn && reach->number_of[reach->roots[i].object] == 0)
            meet(reach, reach->roots[i].object, 0, HTRAIL__NO_REF, 0, i + 1);
}

static htrail_status add_unshown_roots(htrail__reach *reach, const htrail__graph *graph)
{
    uint32_t known = reach->root_count, room = known, first = reach->reached_count;
    uint32_t kind = graph->complete && graph->stopped[0] == '\0' ? HTRAIL_ROOT_C_REFERENCE : HTRAIL__ROOT_CUT;

    for (uint32_t i = 0; i < reach->c.count; i++) {
        const htrail__c_reference *row = &reach->c.rows[i];
        if (reach->number_of[row->object] != 0 || row->root != HTRAIL__NO_ID)
            continue;
        if (reach->root_count == room) {
            room = room < 1024 ? 1024 : room > UINT32_MAX / 2 ? UINT32_MAX : room * 2;
            htrail__reach_root *roots = realloc(reach->roots, (size_t)room * sizeof *roots);
            if (roots == NULL)
                return HTRAIL_E_NOMEM;
            reach->roots = roots;
        }
        reach->roots[reach->root_count++] = (htrail__reach_root){.object = row->object, .kind = kind, .counts = row->count};
        meet(reach, row->object, 0, HTRAIL__NO_REF, 0, reach->root_count);
    }
    search(reach, graph, first, HTRAIL__NO_DEPTH);
    return HTRAIL_OK;
}

htrail_status htrail__reach_build(htrail__reach *reach, const htrail__graph *graph)
{
    *reach = (htrail__reach){0};
    reach->object_of = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->number_of = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->holder = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->holder_ref = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->depth = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->root = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->counted = htrail__mapping_new(graph->object_count, sizeof(uint32_t));
    reach->is_holding = htrail__mapping_new(graph->ref_count / 64, sizeof(uint64_t));
    if (reach->is_holding == NULL || reach->object_of == NULL || reach->number_of == NULL || reach->holder == NULL || reach->holder_ref == NULL ||
        reach->depth == NULL || reach->root == NULL || reach->counted == NULL)
        return HTRAIL_E_NOMEM;
    count_references(reach, graph);
    if (htrail__c_references_build(&reach->c, graph, reach->counted) != HTRAIL_OK || copy_roots(reach, graph) != HTRAIL_OK)
        return HTRAIL_E_NOMEM;

    meet_roots(reach, TURN_MODULES);
    uint32_t next = search(reach, graph, 0, NAMESPACE_DEPTH);
    meet_roots(reach, TURN_LASTING);
    next = search(reach, graph, next, HTRAIL__NO_DEPTH);
    meet_roots(reach, TURN_PASSING);
    search(reach, graph, next, HTRAIL__NO_DEPTH);
    if (add_unshown_roots(reach, graph) != HTRAIL_OK)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < graph->object_count; i++)
        if (reach->number_of[i] == 0)
            meet(reach, i, 0, HTRAIL__NO_REF, HTRAIL__NO_DEPTH, 0);
    return HTRAIL_OK;
}

void htrail__reach_release(htrail__reach *reach)
{
    htrail__mapping_free(reach->object_of);
    htrail__mapping_free(reach->number_of);
    htrail__mapping_free(reach->holder);
    htrail__mapping_free(reach->holder_ref);
    htrail__mapping_free(reach->depth);
    htrail__mapping_free(reach->root);
    htrail__mapping_free(reach->counted);
    htrail__mapping_free(reach->is_holding);
    htrail__c_references_release(&reach->c);
    free(reach->roots);
    *reach = (htrail__reach){0};
}
