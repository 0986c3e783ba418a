/* analyze/independent.c - see the header.
 *
 * Each object is two states, IN (met from what it holds) and OUT (its holders may be looked
 * at), joined by a passage for one chain. What was found is a flow from the target upwards:
 * up and down of each object that a chain leads through. A search pops the state with the
 * smallest id: objects are numbered from the roots on (analyze/reach.h), so that it runs
 * straight up as long as nothing is in its way. */
#include "analyze/independent.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"

#define NONE UINT32_MAX
#define TARGET 0u          /* the node that stands for all that was asked for */
#define PASSAGE (NONE - 1) /* reached through the object's own passage */

enum { IN, OUT };

typedef struct node {
    uint64_t id;
    uint64_t top;         /* root that its chain begins with; where end: of that object */
    uint32_t up, down;    /* of its chain: NONE above: the chain begins here, at top or at the end `end` */
    uint32_t end;         /* the node where its chain begins, which chains may share; NONE: none */
    uint32_t from[2];     /* what the present search came from */
    uint32_t seen[2];     /* number of the search */
    size_t first_holder;
    uint32_t holder_count;
    bool flows;           /* a chain leads through it */
    bool is_expanded, is_end;
    bool is_target;       /* one of those that were asked for: TARGET stands for it */
    bool is_listed;       /* among the holders of TARGET */
    uint64_t root;        /* that holds it; 0: none */
} node;

/* A chain whose first step is the target itself. */
typedef struct start {
    uint64_t root;   /* that holds a target; or, where 0 and end set, what chains share does */
    uint32_t end;
    uint64_t target;
} start;

typedef struct state {
    uint64_t id;
    uint32_t node, side;
} state;

typedef struct flow {
    htrail__independent *out;
    htrail__lookup *lookup;
    htrail__independent_opts opts;
    node *nodes;
    uint32_t node_count;
    size_t node_room;
    uint32_t *slots; /* node + 1 */
    size_t slot_count;
    uint32_t *holders; /* of all expanded nodes */
    size_t holder_count, holder_room;
    uint64_t *below;   /* for the holders of TARGET: which of the objects asked for it holds */
    size_t below_room;
    start *starts;
    size_t start_count, start_room;
    state *heap;
    size_t heap_count, heap_room;
    uint32_t searches;
    size_t chains;
    bool stopped, target_stopped; /* a bound was reached: anywhere, of the holders of TARGET */
} flow;

void htrail__independent_opts_init(htrail__independent_opts *opts)
{
    *opts = (htrail__independent_opts){.chains_max = 8, .holders_max = 1000, .searches_max = 4000};
}

/* Nodes by id. */

static size_t slot_of(const flow *f, uint64_t id) { return (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (f->slot_count - 1); }

static void put_slot(flow *f, uint32_t index)
{
    size_t slot = slot_of(f, f->nodes[index].id);
    while (f->slots[slot] != 0)
        slot = (slot + 1) & (f->slot_count - 1);
    f->slots[slot] = index + 1;
}

static htrail_status add_node(flow *f, uint64_t id, uint32_t *out)
{
    if (f->node_count >= PASSAGE - 1 || !htrail__grow(&f->nodes, &f->node_room, f->node_count, sizeof *f->nodes))
        return HTRAIL_E_NOMEM;
    if ((size_t)f->node_count * 2 >= f->slot_count) {
        uint32_t *slots = calloc(f->slot_count * 2, sizeof *slots);
        if (slots == NULL)
            return HTRAIL_E_NOMEM;
        free(f->slots);
        f->slots = slots;
        f->slot_count *= 2;
        for (uint32_t i = 0; i < f->node_count; i++)
            put_slot(f, i);
    }
    f->nodes[f->node_count] = (node){.id = id, .up = NONE, .down = NONE, .end = NONE};
    put_slot(f, f->node_count);
    *out = f->node_count++;
    return HTRAIL_OK;
}

/* The node of an object; TARGET for those that were asked for, which point there from the start. */
static htrail_status node_of(flow *f, uint64_t id, uint32_t *out)
{
    for (size_t slot = slot_of(f, id); f->slots[slot] != 0; slot = (slot + 1) & (f->slot_count - 1))
        if (f->nodes[f->slots[slot] - 1].id == id) {
            *out = f->slots[slot] - 1;
            return HTRAIL_OK;
        }
    return add_node(f, id, out);
}

/* The states still to be looked at, smallest id first. */

static bool goes_before(const state *a, const state *b)
{
    return a->id != b->id ? a->id < b->id : a->node != b->node ? a->node < b->node : a->side > b->side;
}

static htrail_status push(flow *f, uint32_t index, uint32_t side, uint32_t from)
{
    state fresh = {f->nodes[index].id, index, side};
    if (f->nodes[index].seen[side] == f->searches)
        return HTRAIL_OK;
    f->nodes[index].seen[side] = f->searches;
    f->nodes[index].from[side] = from;
    if (!htrail__grow(&f->heap, &f->heap_room, f->heap_count, sizeof *f->heap))
        return HTRAIL_E_NOMEM;
    size_t at = f->heap_count++;
    for (; at > 0 && goes_before(&fresh, &f->heap[(at - 1) / 2]); at = (at - 1) / 2)
        f->heap[at] = f->heap[(at - 1) / 2];
    f->heap[at] = fresh;
    return HTRAIL_OK;
}

static state pop(flow *f)
{
    state first = f->heap[0], last = f->heap[--f->heap_count];
    size_t at = 0;
    for (size_t child; (child = at * 2 + 1) < f->heap_count; at = child) {
        if (child + 1 < f->heap_count && goes_before(&f->heap[child + 1], &f->heap[child]))
            child++;
        if (!goes_before(&f->heap[child], &last))
            break;
        f->heap[at] = f->heap[child];
    }
    if (f->heap_count > 0)
        f->heap[at] = last;
    return first;
}

/* The heap as it is. */

static bool is_holding(const htrail__found_root *root) { return root->kind != HTRAIL_ROOT_INTERNED; }

/* Whether chains begin at this object, and whether they may share it. */
static htrail_status ask_roots(flow *f, uint32_t index)
{
    const htrail__found_root *roots;
    size_t count;
    node *n = &f->nodes[index];
    if (f->opts.above != 0) {
        n->is_end = n->id == f->opts.above;
        return HTRAIL_OK;
    }
    htrail_status status = htrail__lookup_roots_of(f->lookup, n->id, &roots, &count);
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        if (roots[i].kind == HTRAIL_ROOT_MODULES && !n->is_end) {
            n->is_end = true;
            n->root = roots[i].id;
        } else if (n->root == 0 && is_holding(&roots[i])) {
            n->root = roots[i].id;
        }
    }
    return status;
}

static htrail_status add_holders(flow *f, uint64_t id, bool of_target)
{
    const uint64_t *ids;
    size_t count;
    bool more;
    htrail_status status = htrail__lookup_holder_ids(f->lookup, id, f->opts.holders_max, &ids, &count, &more);
    f->stopped |= more;
    f->target_stopped |= more && of_target;
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        uint32_t holder, known = f->node_count;
        if ((status = node_of(f, ids[i], &holder)) != HTRAIL_OK)
            return status;
        if (holder == known && (status = ask_roots(f, holder)) != HTRAIL_OK)
            return status;
        if (f->nodes[holder].is_target || ids[i] == id)
            continue;
        if (of_target) {
            if (f->nodes[holder].is_listed)
                continue;
            f->nodes[holder].is_listed = true;
            if (!htrail__grow(&f->below, &f->below_room, f->holder_count, sizeof *f->below))
                return HTRAIL_E_NOMEM;
            f->below[f->holder_count] = id;
        }
        if (!htrail__grow(&f->holders, &f->holder_room, f->holder_count, sizeof *f->holders))
            return HTRAIL_E_NOMEM;
        f->holders[f->holder_count++] = holder;
    }
    return status;
}

static htrail_status expand(flow *f, uint32_t index)
{
    htrail_status status = HTRAIL_OK;
    if (f->nodes[index].is_expanded)
        return HTRAIL_OK;
    if (f->out->looked_at >= f->opts.searches_max) {
        f->stopped = true;
        return HTRAIL_OK;
    }
    f->out->looked_at++;
    f->nodes[index].is_expanded = true;
    f->nodes[index].first_holder = f->holder_count;
    status = add_holders(f, f->nodes[index].id, false);
    f->nodes[index].holder_count = (uint32_t)(f->holder_count - f->nodes[index].first_holder);
    return status;
}

/* The objects asked for are one node. What they hold each other by is within it. */
static htrail_status set_target(flow *f, const uint64_t *ids, size_t count)
{
    htrail_status status;
    uint32_t index;
    if ((status = add_node(f, 0, &index)) != HTRAIL_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        if ((status = node_of(f, ids[i], &index)) != HTRAIL_OK)
            return status;
        f->nodes[index].is_target = true;
    }
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++)
        status = add_holders(f, ids[i], true);
    f->nodes[TARGET].is_expanded = true;
    f->nodes[TARGET].holder_count = (uint32_t)f->holder_count;
    return status;
}

static htrail_status add_start(flow *f, uint64_t root, uint32_t end, uint64_t target)
{
    if (!htrail__grow(&f->starts, &f->start_room, f->start_count, sizeof *f->starts))
        return HTRAIL_E_NOMEM;
    f->starts[f->start_count++] = (start){root, end, target};
    f->chains++;
    return HTRAIL_OK;
}

/* Roots that hold what was asked for themselves, and what chains share that does: nothing is between. One
 * more than are asked for: then there are more. */
static htrail_status find_starts(flow *f, const uint64_t *ids, size_t count)
{
    htrail_status status = HTRAIL_OK;
    for (size_t i = 0; i < count && f->opts.above == 0; i++) {
        const htrail__found_root *roots;
        size_t root_count;
        if ((status = htrail__lookup_roots_of(f->lookup, ids[i], &roots, &root_count)) != HTRAIL_OK)
            return status;
        for (size_t r = 0; r < root_count && status == HTRAIL_OK; r++) {
            if (!is_holding(&roots[r]))
                continue;
            if (f->chains == f->opts.chains_max) {
                f->target_stopped = true;
                return HTRAIL_OK;
            }
            status = add_start(f, roots[r].id, NONE, ids[i]);
        }
    }
    for (size_t i = 0; i < f->holder_count && status == HTRAIL_OK; i++) {
        if (!f->nodes[f->holders[i]].is_end)
            continue;
        if (f->chains == f->opts.chains_max) {
            f->target_stopped = true;
            return HTRAIL_OK;
        }
        status = add_start(f, f->nodes[f->holders[i]].root, f->holders[i], f->below[i]);
    }
    return status;
}

/* The search ended at OUT of `at`: turn the way that it came into a chain. */
static void augment(flow *f, uint32_t at)
{
    while (at != TARGET) {
        node *n = &f->nodes[at];
        uint32_t below;
        if (n->from[OUT] == PASSAGE) {
            n->flows = true;
            below = n->from[IN];
        } else {
            /* Came down a chain that led from n on: that chain goes another way from here on. */
            at = n->from[OUT];
            while (f->nodes[at].from[IN] == PASSAGE) {
                f->nodes[at].flows = false;
                at = f->nodes[at].from[OUT];
            }
            below = f->nodes[at].from[IN];
        }
        f->nodes[at].down = below;
        if (below != TARGET) {
            f->nodes[below].up = at;
            f->nodes[below].end = NONE;
            f->nodes[below].top = 0;
        }
        at = below;
    }
}

/* Look at the holders of an object. *found: a chain begins there. */
static htrail_status look_up(flow *f, uint32_t index, bool *found)
{
    htrail_status status = expand(f, index);
    if (status != HTRAIL_OK)
        return status;
    node *n = &f->nodes[index];
    /* An object whose chain begins here is met at IN alone: OUT of what lies on a chain is come to from further up. */
    if (index != TARGET && n->root != 0) {
        n->up = NONE;
        n->top = n->root;
        n->end = NONE;
        *found = true;
        augment(f, index);
        return HTRAIL_OK;
    }
    for (uint32_t i = 0; i < n->holder_count; i++) {
        uint32_t holder = f->holders[n->first_holder + i];
        if (f->nodes[holder].is_end) {
            if (index == TARGET)
                continue; /* counted before (find_starts) */
            n->up = NONE;
            n->end = holder;
            n->top = f->nodes[holder].root;
            *found = true;
            augment(f, index);
            return HTRAIL_OK;
        }
        if ((status = push(f, holder, IN, index)) != HTRAIL_OK)
            return status;
        n = &f->nodes[index];
    }
    /* Came here against a chain: it may be led back through the passage too. */
    return n->flows && index != TARGET ? push(f, index, IN, PASSAGE) : HTRAIL_OK;
}

static htrail_status search(flow *f, bool *found)
{
    htrail_status status;
    f->searches++;
    f->heap_count = 0;
    *found = false;
    status = push(f, TARGET, OUT, NONE);
    while (status == HTRAIL_OK && f->heap_count > 0 && !*found) {
        state at = pop(f);
        if (at.side == OUT)
            status = look_up(f, at.node, found);
        else if (!f->nodes[at.node].flows)
            status = push(f, at.node, OUT, PASSAGE);
        else if (f->nodes[at.node].down != TARGET)
            status = push(f, f->nodes[at.node].down, OUT, at.node);
    }
    return status;
}

static int by_length(const void *left, const void *right)
{
    const htrail__independent_chain *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* The commonest case needs no search, however far away the roots are. */
static void take_only_holder(flow *f)
{
    node *n = &f->nodes[f->holders[0]];
    n->flows = true;
    n->down = TARGET;
    n->seen[IN] = f->searches;
    n->seen[OUT] = f->searches + 1;
    f->chains = 1;
    f->out->complete = true;
}

/* There are never more chains than the target has holders. */
static size_t holders_and_roots(const flow *f)
{
    size_t ends = 0;
    for (uint32_t i = 0; i < f->nodes[TARGET].holder_count; i++)
        ends += f->nodes[f->holders[i]].is_end;
    return f->nodes[TARGET].holder_count - ends + f->start_count;
}

/* The flow as chains. */
static htrail_status write_chains(flow *f, bool searched)
{
    size_t room = 0, used = 0;
    f->out->chains = calloc(f->chains + 1, sizeof *f->out->chains);
    if (f->out->chains == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < f->start_count; i++) {
        htrail__independent_chain *chain = &f->out->chains[f->out->chain_count++];
        *chain = (htrail__independent_chain){.root = f->starts[i].root, .target = f->starts[i].target, .first = used};
        if (f->starts[i].end == NONE)
            continue;
        if (!htrail__grow(&f->out->objects, &room, used, sizeof *f->out->objects))
            return HTRAIL_E_NOMEM;
        f->out->objects[used++] = f->nodes[f->starts[i].end].id;
        chain->count = 1;
    }
    for (uint32_t i = 0; i < f->nodes[TARGET].holder_count; i++) {
        uint32_t at = f->holders[i];
        if (!f->nodes[at].flows || f->nodes[at].down != TARGET)
            continue;
        htrail__independent_chain *chain = &f->out->chains[f->out->chain_count++];
        *chain = (htrail__independent_chain){.target = f->below[i], .first = used};
        for (uint32_t last = NONE; at != NONE; last = at, at = last == NONE ? NONE : f->nodes[last].up) {
            if (!htrail__grow(&f->out->objects, &room, used, sizeof *f->out->objects))
                return HTRAIL_E_NOMEM;
            f->out->objects[used++] = f->nodes[at].id;
            if (chain->gate == 0 && (searched ? f->nodes[at].seen[IN] == f->searches && f->nodes[at].seen[OUT] != f->searches : f->out->complete))
                chain->gate = f->nodes[at].id;
            chain->root = f->nodes[at].top;
            if (f->nodes[at].up == NONE && f->nodes[at].end != NONE) {
                if (!htrail__grow(&f->out->objects, &room, used, sizeof *f->out->objects))
                    return HTRAIL_E_NOMEM;
                f->out->objects[used++] = f->nodes[f->nodes[at].end].id;
            }
        }
        chain->count = used - chain->first;
        for (size_t a = chain->first, b = used; a + 1 < b; a++) {
            uint64_t id = f->out->objects[a];
            f->out->objects[a] = f->out->objects[--b];
            f->out->objects[b] = id;
        }
    }
    if (f->out->chain_count > 0)
        qsort(f->out->chains, f->out->chain_count, sizeof *f->out->chains, by_length);
    return HTRAIL_OK;
}

htrail_status htrail__independent_find(htrail__independent *out, htrail__lookup *lookup, const uint64_t *ids, size_t count, const htrail__independent_opts *opts)
{
    flow f = {.out = out, .lookup = lookup, .slot_count = 1024};
    htrail_status status = HTRAIL_E_NOMEM;
    bool found = true;

    *out = (htrail__independent){0};
    htrail__independent_opts_init(&f.opts);
    if (opts != NULL)
        f.opts = *opts;
    f.slots = calloc(f.slot_count, sizeof *f.slots);
    if (f.slots == NULL || (status = set_target(&f, ids, count)) != HTRAIL_OK || (status = find_starts(&f, ids, count)) != HTRAIL_OK)
        goto done;
    if (f.chains == 0 && f.nodes[TARGET].holder_count == 1 && !f.target_stopped) {
        take_only_holder(&f);
    } else {
        while (found && f.chains < f.opts.chains_max) {
            if ((status = search(&f, &found)) != HTRAIL_OK)
                goto done;
            f.chains += found;
        }
        out->complete = (!found && !f.stopped) || (f.chains >= holders_and_roots(&f) && !f.target_stopped);
    }
    status = write_chains(&f, !found && !f.stopped);
done:
    free(f.nodes);
    free(f.slots);
    free(f.holders);
    free(f.below);
    free(f.starts);
    free(f.heap);
    return status;
}

void htrail__independent_release(htrail__independent *independent)
{
    free(independent->chains);
    free(independent->objects);
    *independent = (htrail__independent){0};
}
