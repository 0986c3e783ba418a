/* analyze/alone.c - see the header. */
#include "analyze/alone.h"

#include "analyze/mapping.h"

enum { PREFETCH = 12 };

/* Colours: 0 nothing yet, then the groups, then the upper groups, then COMMON. */
#define FIXED (UINT32_C(1) << 31)
#define QUEUED (UINT32_C(1) << 30)
#define COLOUR (QUEUED - 1)

typedef struct search {
    const htrail__graph *graph;
    const htrail__alone_group *groups;
    uint32_t group_count, common;
    uint32_t *colours; /* by object */
    uint32_t *queue;   /* a ring: an object is in it once at a time */
    uint64_t head, tail;
} search;

static uint32_t upper_of(const search *s, uint32_t colour)
{
    return colour <= s->group_count ? s->groups[colour - 1].upper : colour - s->group_count - 1;
}

static uint32_t joined(const search *s, uint32_t left, uint32_t right)
{
    if (left == 0 || left == right)
        return right;
    if (left == s->common || right == s->common || upper_of(s, left) != upper_of(s, right))
        return s->common;
    return s->group_count + 1 + upper_of(s, left);
}

static void enqueue(search *s, uint32_t object)
{
    if (s->colours[object] & QUEUED)
        return;
    s->colours[object] |= QUEUED;
    s->queue[s->tail++ % s->graph->object_count] = object;
}

static void reach(search *s, uint32_t object, uint32_t colour)
{
    uint32_t now = s->colours[object], then;
    if (now & FIXED || (now & COLOUR) == s->common || (then = joined(s, now & COLOUR, colour)) == (now & COLOUR))
        return;
    s->colours[object] = then | (now & ~COLOUR);
    enqueue(s, object);
}

static void follow(search *s)
{
    const htrail__graph *graph = s->graph;
    while (s->head < s->tail) {
        uint32_t source = s->queue[s->head++ % graph->object_count];
        s->colours[source] &= ~QUEUED;
        uint32_t colour = s->colours[source] & COLOUR;
        const htrail__graph_object *object = &graph->objects[source];
        if (s->head + PREFETCH < s->tail)
            __builtin_prefetch(&graph->objects[s->queue[(s->head + PREFETCH) % graph->object_count]]);
        uint32_t end = object->first_ref + object->ref_count;
        for (uint32_t at = object->first_ref; at < end; at++) {
            if (at + PREFETCH < end && graph->targets[at + PREFETCH] != HTRAIL__NO_ID)
                __builtin_prefetch(&s->colours[graph->targets[at + PREFETCH]]);
            if (graph->targets[at] != HTRAIL__NO_ID && htrail__graph_ref_kind(graph, at) != HTRAIL_REF_WEAK)
                reach(s, graph->targets[at], colour);
        }
    }
}

static void add(htrail__alone_group *group, uint64_t objects, uint64_t bytes)
{
    group->objects += objects;
    group->bytes = bytes < INT64_MAX - group->bytes ? group->bytes + bytes : INT64_MAX;
}

static void sum_up(const search *s, htrail__alone_group *groups, htrail__alone_group *uppers)
{
    for (uint32_t i = 0; i < s->graph->object_count; i++) {
        uint32_t colour = s->colours[i] & COLOUR;
        if (colour == 0 || colour == s->common)
            continue;
        add(&uppers[upper_of(s, colour)], 1, s->graph->objects[i].size_bytes);
        if (colour <= s->group_count)
            add(&groups[colour - 1], 1, s->graph->objects[i].size_bytes);
    }
}

htrail_status htrail__alone_find(htrail__alone_group *groups, uint32_t group_count, htrail__alone_group *uppers, uint32_t upper_count,
                                 const htrail__graph *graph, const htrail__alone_root *roots, uint32_t root_count)
{
    search s = {.graph = graph, .groups = groups, .group_count = group_count, .common = group_count + upper_count + 1};
    htrail_status status = HTRAIL_E_NOMEM;

    if (s.common > COLOUR)
        return HTRAIL_E_LIMIT;
    s.colours = htrail__mapping_new(graph->object_count, sizeof *s.colours);
    s.queue = htrail__mapping_new(graph->object_count, sizeof *s.queue);
    if (s.colours == NULL || s.queue == NULL)
        goto done;
    for (uint32_t i = 0; i < root_count; i++)
        if (roots[i].flags & HTRAIL__ALONE_FIXED)
            s.colours[roots[i].object] = FIXED | (roots[i].group + 1);
    for (int of_groups = 0; of_groups < 2; of_groups++) {
        for (uint32_t i = 0; i < root_count; i++) {
            if ((roots[i].group != HTRAIL__ALONE_COMMON) != of_groups)
                continue;
            if (roots[i].flags & HTRAIL__ALONE_FIXED)
                enqueue(&s, roots[i].object);
            else
                reach(&s, roots[i].object, of_groups ? roots[i].group + 1 : s.common);
        }
        follow(&s);
    }
    sum_up(&s, groups, uppers);
    status = HTRAIL_OK;
done:
    htrail__mapping_free(s.colours);
    htrail__mapping_free(s.queue);
    return status;
}
