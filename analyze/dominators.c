/* analyze/dominators.c - see the header. Below, a vertex is its number in the order of the
 * search, 1 .. count, unless it is called a vertex of the graph. */
#include "analyze/dominators.h"

#include "analyze/bits.h"
#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { STEPS_A_VERTEX = 8, PREFETCH = 8, PREFETCH_TARGETS = 16, BACKS_FIRST = 1 << 16 };

typedef struct frame {
    uint32_t vertex, place, end;
} frame;

typedef struct back {
    uint32_t source, next; /* next: place in backs, 0 for none */
} back;

typedef struct link {
    uint32_t ancestor; /* above it on its path, shortened as it is used */
    uint32_t label;    /* the best so far between it and its ancestor */
} link;

typedef struct work {
    htrail__dominators_graph *graph;
    htrail__dominators *out;
    uint32_t count, live; /* live: 0 while the live ones are searched */
    uint32_t *parent, *semi, *first_back;
    frame *frames;
    back *backs;
    uint32_t back_count, back_room;
    link *links;
    uint32_t *path, *next;
} work;

#define RELEASE(array) (htrail__mapping_free(array), (array) = NULL)

htrail_status htrail__dominators_graph_init(htrail__dominators_graph *graph, uint32_t count, uint32_t targets)
{
    *graph = (htrail__dominators_graph){.count = count};
    graph->vertices = htrail__mapping_new((size_t)count + 2, sizeof *graph->vertices);
    graph->targets = htrail__mapping_new(targets, sizeof *graph->targets);
    graph->is_root = htrail__mapping_new((size_t)count / 64 + 1, sizeof *graph->is_root);
    return graph->vertices == NULL || graph->targets == NULL || graph->is_root == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

void htrail__dominators_graph_release(htrail__dominators_graph *graph)
{
    RELEASE(graph->vertices);
    RELEASE(graph->targets);
    RELEASE(graph->is_root);
}

/* The search. */

static htrail_status add_back(work *w, uint32_t source, uint32_t target)
{
    if (w->back_count + 1 >= w->back_room) {
        uint32_t room = w->back_room > UINT32_MAX / 2 ? UINT32_MAX : w->back_room * 2;
        back *grown = room > w->back_room ? htrail__mapping_grow(w->backs, (size_t)room * sizeof *grown) : NULL;
        if (grown == NULL)
            return HTRAIL_E_NOMEM;
        w->backs = grown;
        w->back_room = room;
    }
    w->backs[++w->back_count] = (back){source, w->first_back[target]};
    w->first_back[target] = w->back_count;
    return HTRAIL_OK;
}

/* Number a vertex of the graph. Whether there is something to follow from it. */
static bool enter(work *w, uint32_t vertex, uint32_t parent, frame *to)
{
    const htrail__dominators_vertex *at = &w->graph->vertices[vertex];
    uint32_t number = ++w->count, end = at[1].first, ahead = end - at->first > PREFETCH_TARGETS ? at->first + PREFETCH_TARGETS : end;

    htrail__resident_step(number);
    w->graph->vertices[vertex].order = number;
    w->out->order[number] = vertex;
    w->parent[number] = w->semi[number] = parent;
    *to = (frame){number, at->first, end};
    for (uint32_t place = at->first; place < ahead; place++)
        __builtin_prefetch(&w->graph->vertices[w->graph->targets[place]]);
    return at->first < end;
}

static htrail_status search_from(work *w, uint32_t start)
{
    const uint32_t *targets = w->graph->targets;
    const htrail__dominators_vertex *vertices = w->graph->vertices;
    uint32_t depth = 0;

    depth = enter(w, start, 0, &w->frames[0]);
    while (depth > 0) {
        frame *at = &w->frames[depth - 1];
        if (at->place == at->end) {
            depth--;
            continue;
        }
        if (at->end - at->place > PREFETCH_TARGETS)
            __builtin_prefetch(&vertices[targets[at->place + PREFETCH_TARGETS]]);
        uint32_t target = targets[at->place++], number = vertices[target].order;
        if (number == 0) {
            depth += enter(w, target, at->vertex, at + 1);
        } else if (number > at->vertex) {
            if (at->vertex < w->semi[number])
                w->semi[number] = at->vertex;
        } else if (number > w->live && number != at->vertex) {
            htrail_status status = add_back(w, at->vertex, number);
            if (status != HTRAIL_OK)
                return status;
        }
    }
    return HTRAIL_OK;
}

/* From all vertices of the graph that were not met and are (not) marked, smallest number first. */
static htrail_status search_from_marked(work *w, const uint64_t *bits, bool wanted)
{
    htrail_status status = HTRAIL_OK;
    for (uint32_t vertex = 1; vertex <= w->graph->count && w->count < w->graph->count && status == HTRAIL_OK; vertex++)
        if (w->graph->vertices[vertex].order == 0 && htrail__bit(bits, vertex) == wanted)
            status = search_from(w, vertex);
    return status;
}

static htrail_status search(work *w)
{
    const htrail__dominators_graph *graph = w->graph;
    htrail_status status = search_from_marked(w, graph->is_root, true);

    w->live = w->out->live_count = w->count;
    if (status != HTRAIL_OK || w->live == graph->count)
        return status;
    for (uint32_t vertex = 1; vertex <= graph->count; vertex++)
        if (graph->vertices[vertex].order == 0)
            for (uint32_t at = graph->vertices[vertex].first; at < graph->vertices[vertex + 1].first; at++)
                if (graph->targets[at] != vertex)
                    htrail__set_bit(graph->is_root, graph->targets[at]); /* roots are done with: now, what is referred to */
    status = search_from_marked(w, graph->is_root, false);
    return status == HTRAIL_OK ? search_from_marked(w, graph->is_root, true) : status;
}

/* Semidominators: the smallest vertex from which a way leads to this one over greater ones only. */

/* The smallest label between vertex and the one of its ancestors that is not past done. */
static uint32_t smallest_label(work *w, uint32_t vertex, uint32_t done)
{
    link *links = w->links, *below;
    uint32_t depth = 0;

    for (; links[vertex].ancestor > done; vertex = links[vertex].ancestor)
        w->path[depth++] = vertex;
    for (below = &links[vertex]; depth > 0;) {
        link *at = &links[w->path[--depth]];
        if (below->label < at->label)
            at->label = below->label;
        at->ancestor = below->ancestor;
        below = at;
    }
    return below->label;
}

static void find_semidominators(work *w)
{
    for (uint32_t vertex = w->count; vertex > 0; vertex--) {
        uint32_t semi = w->semi[vertex];
        htrail__resident_step(vertex);
        if (vertex > PREFETCH) {
            __builtin_prefetch(&w->backs[w->first_back[vertex - PREFETCH]]);
            __builtin_prefetch(&w->links[w->backs[w->first_back[vertex - PREFETCH / 2]].source]);
        }
        for (uint32_t at = w->first_back[vertex]; at != 0; at = w->backs[at].next) {
            uint32_t label = smallest_label(w, w->backs[at].source, vertex);
            if (label < semi)
                semi = label;
        }
        w->semi[vertex] = semi;
        w->links[vertex] = (link){w->parent[vertex], semi};
    }
}

/* The tree. */

/* Up the tree that is there so far, to the first that is not past the semidominator. Labels are
 * no longer needed: dominators take their place. False: more steps than the budget has. */
static bool find_by_climbing(work *w, uint64_t steps_max)
{
    uint64_t steps = 0;
    for (uint32_t vertex = 1; vertex <= w->count; vertex++) {
        uint32_t at = w->parent[vertex], semi = w->semi[vertex];
        htrail__resident_step(vertex);
        for (; at > semi; at = w->links[at].label)
            steps++;
        w->links[vertex].label = at;
        if (steps > steps_max)
            return false;
    }
    return true;
}

/* The vertex with the smallest semidominator between vertex and the last of its ancestors. */
static uint32_t smallest_semi(work *w, uint32_t vertex, uint32_t done)
{
    link *links = w->links, *below;
    uint32_t depth = 0;

    for (; links[vertex].ancestor >= done; vertex = links[vertex].ancestor)
        w->path[depth++] = vertex;
    for (below = &links[vertex]; depth > 0;) {
        link *at = &links[w->path[--depth]];
        if (w->semi[below->label] < w->semi[at->label])
            at->label = below->label;
        at->ancestor = below->ancestor;
        below = at;
    }
    return below->label;
}

/* Lengauer and Tarjan: those of one semidominator wait in a list until the way up to it is linked. */
static htrail_status find_by_waiting(work *w)
{
    uint32_t *first = w->first_back, *dominator;

    RELEASE(w->backs);
    w->next = htrail__mapping_new((size_t)w->count + 1, sizeof *w->next);
    dominator = htrail__mapping_new((size_t)w->count + 1, sizeof *dominator);
    if (w->next == NULL || dominator == NULL) {
        htrail__mapping_free(dominator);
        return HTRAIL_E_NOMEM;
    }
    for (uint32_t vertex = 0; vertex <= w->count; vertex++)
        first[vertex] = 0;
    for (uint32_t vertex = w->count; vertex > 0; vertex--) {
        uint32_t parent = w->parent[vertex], semi = w->semi[vertex];
        dominator[vertex] = parent;
        if (semi != parent) {
            w->next[vertex] = first[semi];
            first[semi] = vertex;
        }
        w->links[vertex] = (link){parent, vertex};
        for (uint32_t at = first[parent]; at != 0; at = w->next[at]) {
            uint32_t best = smallest_semi(w, at, vertex);
            dominator[at] = w->semi[best] < w->semi[at] ? best : parent;
        }
        first[parent] = 0;
    }
    for (uint32_t vertex = 1; vertex <= w->count; vertex++) {
        if (dominator[vertex] != w->semi[vertex])
            dominator[vertex] = w->links[dominator[vertex]].label;
        w->links[vertex].label = dominator[vertex];
    }
    htrail__mapping_free(dominator);
    return HTRAIL_OK;
}

/* What is asked for. */

static uint64_t sum_of(uint64_t left, uint64_t right)
{
    return left < INT64_MAX && right < INT64_MAX - left ? left + right : INT64_MAX;
}

/* From numbers to vertices of the graph. ancestor is no longer needed and counts what is below. */
static htrail_status say_by_vertex(work *w)
{
    htrail__dominators *out = w->out;
    uint32_t *vertex_of = out->order, *next;

    next = htrail__mapping_new((size_t)w->count + 1, sizeof *next);
    out->dominator = htrail__mapping_new((size_t)w->count + 1, sizeof *out->dominator);
    out->below = htrail__mapping_new((size_t)w->count + 1, sizeof *out->below);
    if (next == NULL || out->dominator == NULL || out->below == NULL) {
        htrail__mapping_free(next);
        return HTRAIL_E_NOMEM;
    }
    vertex_of[0] = 0;
    for (uint32_t number = 0; number <= w->count; number++)
        w->links[number].ancestor = 1;
    for (uint32_t number = w->count; number > 0; number--) {
        if (number > PREFETCH) {
            uint32_t ahead = vertex_of[number - PREFETCH];
            __builtin_prefetch(&out->retained[ahead]);
            __builtin_prefetch(&out->dominator[ahead], 1);
            __builtin_prefetch(&out->below[ahead], 1);
            __builtin_prefetch(&vertex_of[w->links[number - PREFETCH].label]);
        }
        uint32_t vertex = vertex_of[number], above = w->links[number].label, dominator = vertex_of[above];
        htrail__resident_step(number);
        out->dominator[vertex] = dominator;
        out->below[vertex] = w->links[number].ancestor;
        out->retained[dominator] = sum_of(out->retained[dominator], out->retained[vertex]);
        w->links[above].ancestor += w->links[number].ancestor;
    }
    /* Each takes its place and leaves room for what is below it; next is where the next below it goes. */
    out->below[0] = w->count;
    out->order = htrail__mapping_new((size_t)w->count + 1, sizeof *out->order);
    if (out->order != NULL) {
        next[0] = 1;
        for (uint32_t number = 1; number <= w->count; number++) {
            uint32_t above = w->links[number].label, place = next[above];
            htrail__resident_step(number);
            next[above] += w->links[number].ancestor;
            next[number] = place + 1;
            out->order[place] = vertex_of[number];
        }
    }
    htrail__mapping_free(next);
    htrail__mapping_free(vertex_of);
    return out->order == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

static void release(work *w)
{
    RELEASE(w->parent);
    RELEASE(w->semi);
    RELEASE(w->first_back);
    RELEASE(w->frames);
    RELEASE(w->backs);
    RELEASE(w->links);
    RELEASE(w->path);
    RELEASE(w->next);
}

htrail_status htrail__dominators_find(htrail__dominators *out, htrail__dominators_graph *graph, uint64_t *retained,
                                      htrail__dominators_method method)
{
    size_t count = (size_t)graph->count + 1;
    work w = {.graph = graph, .out = out, .back_room = BACKS_FIRST};
    htrail_status status = HTRAIL_E_NOMEM;

    *out = (htrail__dominators){.count = graph->count, .retained = retained};
    out->retained[0] = 0;
    out->order = htrail__mapping_new(count, sizeof *out->order);
    w.parent = htrail__mapping_new(count, sizeof *w.parent);
    w.semi = htrail__mapping_new(count, sizeof *w.semi);
    w.first_back = htrail__mapping_new(count, sizeof *w.first_back);
    w.frames = htrail__mapping_new(count, sizeof *w.frames);
    w.backs = htrail__mapping_new(w.back_room, sizeof *w.backs);
    if (out->order == NULL || w.parent == NULL || w.semi == NULL || w.first_back == NULL || w.frames == NULL ||
        w.backs == NULL)
        goto done;
    if ((status = search(&w)) != HTRAIL_OK)
        goto done;
    htrail__dominators_graph_release(graph);
    RELEASE(w.frames);
    status = HTRAIL_E_NOMEM;
    w.links = htrail__mapping_new(count, sizeof *w.links);
    w.path = htrail__mapping_new(count, sizeof *w.path);
    if (w.links == NULL || w.path == NULL)
        goto done;
    find_semidominators(&w);
    uint64_t steps_max = method == HTRAIL__DOMINATORS_SEMI_NCA ? UINT64_MAX : STEPS_A_VERTEX * (uint64_t)count;
    if (method == HTRAIL__DOMINATORS_LENGAUER_TARJAN || !find_by_climbing(&w, steps_max)) {
        out->is_fallback = true;
        if ((status = find_by_waiting(&w)) != HTRAIL_OK)
            goto done;
    }
    RELEASE(w.parent);
    RELEASE(w.semi);
    RELEASE(w.first_back);
    RELEASE(w.backs);
    RELEASE(w.path);
    RELEASE(w.next);
    status = say_by_vertex(&w);
done:
    htrail__dominators_graph_release(graph);
    release(&w);
    return status;
}

void htrail__dominators_release(htrail__dominators *dominators)
{
    htrail__mapping_free(dominators->dominator);
    htrail__mapping_free(dominators->retained);
    htrail__mapping_free(dominators->order);
    htrail__mapping_free(dominators->below);
    *dominators = (htrail__dominators){0};
}
