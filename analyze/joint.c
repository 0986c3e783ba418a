/* analyze/joint.c - see the header. The graph is kept without what has no part in it: left are objects that more than their
 * dominator refers to, what refers to these, and the dominators of both. */
#include "analyze/joint.h"

#include <stdlib.h>

#include "analyze/bits.h"
#include "analyze/group_sets.h"
#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { VISITS_A_VERTEX = 64, STEPS_A_VERTEX = 16, LEAST = 1 << 22 };

typedef struct corner {
    uint32_t number;
    uint32_t above; /* its dominator's vertex; 0: the roots together */
    uint32_t first; /* in targets; those of a vertex end where those of the next begin */
} corner;

typedef struct met {
    uint32_t vertex, place; /* in the order of dominators */
} met;

struct htrail__joint {
    corner *vertices; /* 1 .. count, by number; [count + 1].first is the end */
    uint32_t count;
    uint32_t *targets; /* vertices that are joint */
    uint64_t *is_joint; /* a bit a vertex: its dominator does not refer to it */
    met *joints;        /* these, by place */
    uint32_t joint_count;
};

/* Bits by number, and then vertices by number. */
typedef struct parts {
    uint64_t *is_live, *is_joint, *has_part;
    uint32_t *vertex_of;
    uint32_t *edges, edge_count, edge_room; /* places of those that lead to joint ones */
} parts;

static bool leads_to_joint(const htrail__joint_heap *heap, const parts *p, uint32_t edge)
{
    return htrail__bit(p->is_joint, heap->dsts[edge]) && heap->srcs[edge] != heap->dsts[edge] && htrail__bit(p->is_live, heap->srcs[edge]) &&
           heap->is_strong(heap->arg, edge);
}

static htrail_status find_parts(parts *p, htrail__joint *j, const htrail__joint_heap *heap)
{
    const htrail__dominators *tree = heap->dominators;

    for (uint32_t place = 1; place <= tree->live_count; place++) {
        htrail__resident_step(place);
        htrail__set_bit(p->is_live, tree->order[place]);
    }
    for (uint32_t number = 1; number <= tree->count; number++) {
        htrail__resident_step(number);
        if (tree->dominator[number] != heap->holder[number - 1] && !htrail__bit(heap->is_root, number) && htrail__bit(p->is_live, number)) {
            htrail__set_bit(p->is_joint, number);
            htrail__set_bit(p->has_part, number);
            j->joint_count++;
        }
    }
    for (uint32_t edge = 0; edge < heap->edge_count; edge++) {
        htrail__resident_step(edge);
        if (!leads_to_joint(heap, p, edge))
            continue;
        if (p->edge_count == p->edge_room) {
            uint32_t room = p->edge_room < heap->edge_count / 2 ? p->edge_room * 2 + 1024 : heap->edge_count;
            uint32_t *grown = htrail__mapping_grow(p->edges, (size_t)room * sizeof *grown);
            if (grown == NULL)
                return HTRAIL_E_NOMEM;
            p->edges = grown;
            p->edge_room = room;
        }
        p->edges[p->edge_count++] = edge;
        htrail__set_bit(p->has_part, heap->srcs[edge]);
    }
    for (uint32_t number = tree->count; number > 0; number--) {
        htrail__resident_step(number);
        if (htrail__bit(p->has_part, number)) {
            j->count++;
            htrail__set_bit(p->has_part, tree->dominator[number]);
        }
    }
    return HTRAIL_OK;
}

static void fill(htrail__joint *j, const htrail__joint_heap *heap, const parts *p)
{
    const htrail__dominators *tree = heap->dominators;
    uint32_t vertex = 0, at = 0;

    for (uint32_t number = 1; number <= tree->count; number++)
        if (htrail__bit(p->has_part, number)) {
            htrail__resident_step(++vertex);
            p->vertex_of[number] = vertex;
            j->vertices[vertex] = (corner){.number = number, .above = p->vertex_of[tree->dominator[number]]};
            if (htrail__bit(p->is_joint, number))
                htrail__set_bit(j->is_joint, vertex);
        }
    for (vertex = 1; vertex <= j->count; vertex++) {
        uint32_t number = j->vertices[vertex].number;
        htrail__resident_step(vertex);
        j->vertices[vertex].first = at;
        for (; at < p->edge_count && heap->srcs[p->edges[at]] == number; at++)
            j->targets[at] = p->vertex_of[heap->dsts[p->edges[at]]];
    }
    j->vertices[j->count + 1].first = at;
    at = 0;
    for (uint32_t place = 1; place <= tree->live_count; place++) {
        htrail__resident_step(place);
        if (htrail__bit(p->is_joint, tree->order[place]))
            j->joints[at++] = (met){p->vertex_of[tree->order[place]], place};
    }
}

htrail_status htrail__joint_open(htrail__joint **out, const htrail__joint_heap *heap)
{
    size_t count = heap->dominators->count, words = count / 64 + 1;
    parts p = {0};
    htrail__joint *j = calloc(1, sizeof *j);
    htrail_status status = HTRAIL_E_NOMEM;

    *out = j;
    p.is_live = htrail__mapping_new(words, sizeof *p.is_live);
    p.is_joint = htrail__mapping_new(words, sizeof *p.is_joint);
    p.has_part = htrail__mapping_new(words, sizeof *p.has_part);
    p.vertex_of = htrail__mapping_new(count + 1, sizeof *p.vertex_of);
    if (j == NULL || p.is_live == NULL || p.is_joint == NULL || p.has_part == NULL || p.vertex_of == NULL)
        goto done;
    if (find_parts(&p, j, heap) != HTRAIL_OK)
        goto done;
    j->vertices = htrail__mapping_new((size_t)j->count + 2, sizeof *j->vertices);
    j->targets = htrail__mapping_new(p.edge_count, sizeof *j->targets);
    j->is_joint = htrail__mapping_new((size_t)j->count / 64 + 1, sizeof *j->is_joint);
    j->joints = htrail__mapping_new(j->joint_count, sizeof *j->joints);
    if (j->vertices == NULL || j->targets == NULL || j->is_joint == NULL || j->joints == NULL)
        goto done;
    fill(j, heap, &p);
    status = HTRAIL_OK;
done:
    htrail__mapping_free(p.is_live);
    htrail__mapping_free(p.is_joint);
    htrail__mapping_free(p.has_part);
    htrail__mapping_free(p.vertex_of);
    htrail__mapping_free(p.edges);
    if (status != HTRAIL_OK) {
        htrail__joint_free(j);
        *out = NULL;
    }
    return status;
}

void htrail__joint_free(htrail__joint *j)
{
    if (j == NULL)
        return;
    htrail__mapping_free(j->vertices);
    htrail__mapping_free(j->targets);
    htrail__mapping_free(j->is_joint);
    htrail__mapping_free(j->joints);
    free(j);
}

/* By vertex: its class; the sets that its referrers have in common, so far; and all, that with its own groups or what its dominator
 * has with them: from. */
typedef struct work {
    const htrail__joint *joint;
    const htrail__joint_classes *classes;
    htrail__group_sets *sets;
    uint32_t *class, *common, *from, *all;
    uint32_t start; /* of the next round: no vertex before it became smaller */
} work;

static htrail_status with_own(work *w, uint32_t vertex, uint32_t set, uint32_t *out)
{
    uint32_t class = w->class[vertex];
    if (w->classes->starts == NULL)
        return htrail__group_sets_add(w->sets, set, class, &class, 1, out);
    return htrail__group_sets_add(w->sets, set, class, w->classes->groups + w->classes->starts[class],
                                  w->classes->starts[class + 1] - w->classes->starts[class], out);
}

/* From the roots on. What is smaller than it was is told to all that it refers to. */
static htrail_status go_round(work *w)
{
    const htrail__joint *j = w->joint;
    uint32_t first = w->start, last = 0; /* last: the vertex before; those that one object holds are mostly alike */

    w->start = j->count + 1;
    for (uint32_t vertex = first; vertex <= j->count; vertex++) {
        uint32_t above = htrail__bit(j->is_joint, vertex) ? w->common[vertex] : w->all[j->vertices[vertex].above], all;
        htrail_status status;
        htrail__resident_step(vertex);
        if (above == w->from[vertex])
            continue;
        w->from[vertex] = above;
        if (last != 0 && w->from[last] == above && w->class[last] == w->class[vertex])
            all = w->all[last];
        else if ((status = with_own(w, vertex, above, &all)) != HTRAIL_OK)
            return status;
        last = vertex;
        if (all == w->all[vertex])
            continue;
        w->all[vertex] = all;
        for (uint32_t at = j->vertices[vertex].first; at < j->vertices[vertex + 1].first; at++) {
            uint32_t target = j->targets[at], before = w->common[target];
            if (before == all || before == 0)
                continue;
            if ((status = htrail__group_sets_intersect(w->sets, before, all, &w->common[target])) != HTRAIL_OK)
                return status;
            if (target < w->start && target < vertex && w->common[target] != before)
                w->start = target;
        }
    }
    return HTRAIL_OK;
}

static htrail_status add_row(htrail__joint_rows *rows, htrail__joint_row row)
{
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 1024;
        htrail__joint_row *grown = htrail__mapping_grow(rows->rows, room * sizeof *grown);
        if (grown == NULL)
            return HTRAIL_E_NOMEM;
        rows->rows = grown;
        rows->room = room;
    }
    rows->rows[rows->count++] = row;
    return HTRAIL_OK;
}

/* What an object's referrers have in common and its dominator has not. */
static htrail_status add_rows(const work *w, htrail__joint_rows *rows)
{
    const htrail__joint *j = w->joint;
    htrail_status status = HTRAIL_OK;

    for (uint32_t i = 0; i < j->joint_count && status == HTRAIL_OK; i++) {
        uint32_t vertex = j->joints[i].vertex;
        htrail__group_set common = htrail__group_sets_get(w->sets, w->common[vertex]);
        htrail__group_set above = htrail__group_sets_get(w->sets, w->all[j->vertices[vertex].above]);
        htrail__resident_step(i);
        for (size_t at = 0, there = 0; at < common.count && status == HTRAIL_OK; at++) {
            while (there < above.count && above.members[there] < common.members[at])
                there++;
            if (there == above.count || above.members[there] != common.members[at])
                status = add_row(rows, (htrail__joint_row){j->joints[i].place, common.members[at]});
        }
    }
    return status;
}

htrail_status htrail__joint_find(const htrail__joint *j, const htrail__joint_classes *classes, htrail__joint_rows *out)
{
    work w = {.joint = j, .classes = classes};
    size_t count = (size_t)j->count + 1;
    htrail_status status = HTRAIL_E_NOMEM;

    *out = (htrail__joint_rows){0};
    w.class = htrail__mapping_new(count, sizeof *w.class);
    w.common = htrail__mapping_new(count, sizeof *w.common);
    w.from = htrail__mapping_new(count, sizeof *w.from);
    w.all = htrail__mapping_new(count, sizeof *w.all);
    if (w.class == NULL || w.common == NULL || w.from == NULL || w.all == NULL ||
        htrail__group_sets_open(&w.sets, STEPS_A_VERTEX * (uint64_t)count + LEAST) != HTRAIL_OK)
        goto done;
    for (uint32_t vertex = 1; vertex <= j->count; vertex++) {
        htrail__resident_step(vertex);
        w.class[vertex] = classes->class_of(classes->arg, j->vertices[vertex].number);
        w.common[vertex] = w.from[vertex] = w.all[vertex] = HTRAIL__GROUP_SETS_EVERYTHING;
    }
    status = HTRAIL_OK;
    w.start = 1;
    for (uint64_t left = VISITS_A_VERTEX * (uint64_t)count + LEAST; w.start <= j->count && status == HTRAIL_OK;) {
        uint64_t visits = j->count - w.start + 1;
        status = visits > left ? HTRAIL_E_LIMIT : go_round(&w);
        left -= visits;
    }
    if (status == HTRAIL_OK)
        status = add_rows(&w, out);
    out->is_exact = status == HTRAIL_OK;
    if (status == HTRAIL_E_LIMIT)
        status = HTRAIL_OK;
done:
    htrail__group_sets_free(w.sets);
    htrail__mapping_free(w.class);
    htrail__mapping_free(w.common);
    htrail__mapping_free(w.from);
    htrail__mapping_free(w.all);
    return status;
}

void htrail__joint_rows_release(htrail__joint_rows *rows)
{
    htrail__mapping_free(rows->rows);
    *rows = (htrail__joint_rows){0};
}
