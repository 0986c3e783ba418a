/* analyze/holders_names.c - objects that are held alike and differ in their names alone: how many names there
 * are, so that few are told apart and many are one node. */
#include <stdlib.h>

#include "analyze/holders_search.h"
#include "analyze/sort.h"

typedef struct named {
    uint32_t shape, name;
} named;

static int by_shape_and_name(const void *left, const void *right)
{
    const named *a = left, *b = right;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    return a->name < b->name ? -1 : a->name > b->name;
}

/* Objects that stand side by side are often alike. */
static void add_pair(named *pairs, size_t *count, uint32_t shape, uint32_t name)
{
    if (*count == 0 || pairs[*count - 1].shape != shape || pairs[*count - 1].name != name)
        pairs[(*count)++] = (named){shape, name};
}

/* Sorted, and each pair once; returns how many. */
static size_t sort_once(named *pairs, size_t count)
{
    size_t kept = 0;
    htrail__sort(pairs, count, sizeof *pairs, by_shape_and_name);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_shape_and_name(&pairs[kept - 1], &pairs[i]) != 0)
            pairs[kept++] = pairs[i];
    return kept;
}

typedef struct numbered {
    uint64_t id;
    uint32_t member;
} numbered;

static int by_id(const void *left, const void *right)
{
    const numbered *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* All members have their nameless shapes: count the names in each, then give the shapes. */
htrail_status htrail__holders_name_members(htrail__holders_search *s)
{
    size_t room = (size_t)s->member_count + 1, pair_count = 0;
    named *pairs = malloc(room * sizeof *pairs);
    numbered *order = malloc(room * sizeof *order);
    htrail_status status = HTRAIL_E_NOMEM;

    s->nameless_names = calloc((size_t)s->nameless.count + 1, sizeof *s->nameless_names);
    if (pairs == NULL || order == NULL || s->nameless_names == NULL)
        goto done;
    for (uint32_t i = 0; i < s->member_count; i++) {
        add_pair(pairs, &pair_count, s->members[i].nameless, s->members[i].object.name);
        order[i] = (numbered){s->members[i].object.id, i};
    }
    pair_count = sort_once(pairs, pair_count);
    for (size_t i = 0; i < pair_count; i++)
        s->nameless_names[pairs[i].shape]++;
    s->nameless_counted = s->nameless.count;
    s->names_counted = true;
    /* A holder has the smaller id. */
    htrail__sort(order, s->member_count, sizeof *order, by_id);
    status = HTRAIL_OK;
    for (uint32_t i = 0; i < s->member_count && status == HTRAIL_OK; i++)
        status = htrail__holders_give_shape(s, &s->members[order[i].member]);
done:
    free(pairs);
    free(order);
    return status;
}

/* How many names the objects of each node have. */
htrail_status htrail__holders_count_names(htrail__holders_search *s)
{
    named *pairs = malloc(((size_t)s->member_count + 1) * sizeof *pairs);
    size_t count = 0;
    if (pairs == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < s->member_count; i++)
        add_pair(pairs, &count, s->members[i].shape, s->members[i].object.name);
    count = sort_once(pairs, count);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && pairs[end].shape == pairs[i].shape; end++)
            ;
        uint32_t node = pairs[i].shape < s->node_of_room ? s->node_of[pairs[i].shape] : HTRAIL__NO_SHAPE;
        if (node == HTRAIL__NO_SHAPE || end - i < 2)
            continue;
        s->out->nodes[node].names = end - i;
        s->out->nodes[node].name = pairs[end - 1].name; /* not the empty one */
    }
    free(pairs);
    return HTRAIL_OK;
}
