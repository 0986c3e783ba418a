/* analyze/holders_others.c - the other holders of a node's objects, that do not depend on what they hold. */
#include <stdlib.h>

#include "analyze/depending.h"
#include "analyze/grow.h"
#include "analyze/holders_search.h"

/* No node takes more of all searches than one in so many. What is not looked at is counted all the same: a thousand methods that are
 * bound to what holds them are no further holders of it. */
enum { SEARCH_SHARE = 8, COUNTED_MAX = 50000 };

static htrail_status add_other(htrail__holders_search *s, uint32_t shape, uint32_t kind, uint32_t label, uint32_t holder, uint32_t root_name, uint32_t held)
{
    if (!htrail__grow(&s->others, &s->other_room, s->other_count, sizeof *s->others))
        return HTRAIL_E_NOMEM;
    s->others[s->other_count++] =
        (htrail__holders_other){.shape = shape, .ref_kind = kind, .label = label, .member = holder, .root_name = root_name, .held = held};
    return HTRAIL_OK;
}

static bool is_garbage(const htrail__holders_search *s, uint32_t shape)
{
    while (s->out->shapes.shapes[shape].parent != HTRAIL__NO_SHAPE)
        shape = s->out->shapes.shapes[shape].parent;
    return s->out->shapes.shapes[shape].root_kind == HTRAIL__ROOT_GARBAGE;
}

/* Whether what depends on shape by its shortest chain (the members in queue from *at on) is held
 * from elsewhere too. Everything that holds an object which only shape keeps alive is itself
 * kept alive by shape alone: the search stays among those, or finds the way out. */
static htrail_status find_way_out(htrail__holders_search *s, uint32_t shape, size_t *at, size_t *end, bool *complete, bool *found)
{
    htrail_status status = HTRAIL_OK;
    while (*at < *end && !*found) {
        const htrail__found_holder *holders;
        size_t count;
        bool more;
        uint64_t id = s->members[s->queue[(*at)++]].object.id;
        if (s->looked_at >= s->looked_at_max) {
            *complete = false;
            return HTRAIL_OK;
        }
        s->looked_at++;
        if ((status = htrail__lookup_holders(s->lookup, id, s->opts.too_many, &holders, &count, &more)) != HTRAIL_OK)
            return status;
        *complete &= !more;
        for (size_t i = 0; i < count && !*found; i++) {
            uint32_t holder;
            if ((status = htrail__holders_resolve(s, holders[i].id, &holder)) != HTRAIL_OK)
                return status;
            htrail__holders_member *m = &s->members[holder];
            if (m->seen == s->searches || m->shape == shape)
                continue;
            m->seen = s->searches;
            if (!htrail__shapes_is_below(&s->out->shapes, m->shape, shape)) {
                *found = !is_garbage(s, m->shape);
                continue;
            }
            if (!htrail__grow(&s->queue, &s->queue_room, *end, sizeof *s->queue))
                return HTRAIL_E_NOMEM;
            s->queue[(*end)++] = holder;
        }
    }
    return status;
}

/* The roots that hold an object, but for the one of its chain. */
static htrail_status look_at_roots(htrail__holders_search *s, uint32_t index)
{
    const htrail__found_root *roots;
    size_t count;
    htrail_status status = htrail__lookup_roots_of(s->lookup, s->members[index].object.id, &roots, &count);
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        uint32_t shape;
        if (roots[i].kind == HTRAIL_ROOT_INTERNED || (s->members[index].holder == HTRAIL__NO_MEMBER && roots[i].id == s->members[index].object.root))
            continue;
        if ((status = htrail__holders_root_shape(s, &s->out->shapes, &roots[i], &shape)) == HTRAIL_OK)
            status = add_other(s, shape, HTRAIL_REF_PLAIN, 0, HTRAIL__NO_MEMBER, roots[i].name, index);
    }
    return status;
}

/* Of more holders than are looked at, those past the ones that are: *others of them do not depend on the object, and *more says
 * that they may be more. */
static htrail_status count_unseen(htrail__holders_search *s, uint32_t index, const htrail__found_holder *holders, size_t count, uint64_t *others, bool *more)
{
    const htrail__found_object object = s->members[index].object;
    uint64_t all;
    htrail_status status = htrail__count_other_holders(s->lookup, &object, object.holder, COUNTED_MAX, others, more);
    if (status != HTRAIL_OK)
        return status;
    if (*more) {
        status = htrail__lookup_holder_count(s->lookup, object.id, &all);
        *others = status == HTRAIL_OK && all > count ? all - count : 0;
        return status;
    }
    for (size_t i = 0; i < count && status == HTRAIL_OK && *others > 0; i++) {
        htrail__found_object holder;
        if (holders[i].id == object.holder || (i > 0 && holders[i].id == holders[i - 1].id))
            continue;
        status = htrail__lookup_object(s->lookup, holders[i].id, &holder);
        *others -= status == HTRAIL_OK && !htrail__is_depending(&object, &holder);
    }
    *more = *others > 0;
    return status;
}

/* The holders of one object of the node, but for the one of its chain. */
static htrail_status look_at(htrail__holders_search *s, uint32_t shape, uint32_t index, htrail__holder_node *node, bool *complete, size_t *depending)
{
    const htrail__found_holder *holders;
    size_t count;
    bool more;
    htrail_status status = htrail__lookup_holders(s->lookup, s->members[index].object.id, s->opts.too_many, &holders, &count, &more);
    if (status != HTRAIL_OK)
        return status;
    if (more) {
        uint64_t all = 0;
        if ((status = count_unseen(s, index, holders, count, &all, &more)) != HTRAIL_OK)
            return status;
        *complete &= !more;
        node->other_holders += all;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t holder;
        if (holders[i].id == s->members[index].object.holder)
            continue;
        if ((status = htrail__holders_resolve(s, holders[i].id, &holder)) != HTRAIL_OK)
            return status;
        htrail__holders_member *m = &s->members[holder];
        if (m->shape == shape || is_garbage(s, m->shape))
            continue;
        if (!htrail__shapes_is_below(&s->out->shapes, m->shape, shape)) {
            if ((status = add_other(s, m->shape, holders[i].kind, holders[i].label, holder, 0, index)) != HTRAIL_OK)
                return status;
        } else if (m->seen != s->searches) {
            m->seen = s->searches;
            if (!htrail__grow(&s->queue, &s->queue_room, *depending, sizeof *s->queue))
                return HTRAIL_E_NOMEM;
            s->queue[(*depending)++] = holder;
        }
    }
    return look_at_roots(s, index);
}

static int by_shape(const void *left, const void *right)
{
    const htrail__holders_other *a = left, *b = right;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    if (a->ref_kind != b->ref_kind)
        return a->ref_kind < b->ref_kind ? -1 : 1;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->held != b->held)
        return a->held < b->held ? -1 : 1;
    return a->member < b->member ? -1 : a->member > b->member;
}

static bool same_kind(const htrail__holders_other *a, const htrail__holders_other *b)
{
    return a->shape == b->shape && a->ref_kind == b->ref_kind && a->label == b->label;
}

static htrail_status keep_other(htrail__holders_search *s, uint32_t to, size_t start, size_t end)
{
    htrail__holders *o = s->out;
    htrail_status status = HTRAIL_OK;
    uint32_t from;
    uint64_t objects = 0;
    for (size_t i = start; i < end; i++)
        objects += i == start || s->others[i].held != s->others[i - 1].held;
    for (size_t i = start; i < end && status == HTRAIL_OK; i++)
        status = s->others[i].member != HTRAIL__NO_MEMBER ? htrail__holders_use(s, s->others[i].member, true)
                                                  : htrail__holders_note_root_name(s, s->others[i].shape, s->others[i].root_name);
    if (status != HTRAIL_OK || (status = htrail__holders_node_for(s, s->others[start].shape, &from)) != HTRAIL_OK)
        return status;
    if (!htrail__holders_grow(&o->links, &s->link_room, o->link_count, sizeof *o->links))
        return HTRAIL_E_NOMEM;
    o->links[o->link_count++] = (htrail__holder_link){.from = from, .to = to, .ref_kind = s->others[start].ref_kind,
                                                      .label = s->others[start].label, .references = end - start, .objects = objects};
    return HTRAIL_OK;
}

/* Group what was found by kind, keep the most frequent kinds. */
static htrail_status keep_others(htrail__holders_search *s, uint32_t index, size_t kept_max)
{
    htrail_status status = HTRAIL_OK;
    size_t kept = 0;
    if (s->other_count > 0) /* qsort takes no NULL, not even for nothing */
        qsort(s->others, s->other_count, sizeof *s->others, by_shape);
    for (;;) {
        size_t best = 0, best_end = 0, kinds = 0, holders = 0;
        for (size_t i = 0, end; i < s->other_count; i = end) {
            for (end = i + 1; end < s->other_count && same_kind(&s->others[i], &s->others[end]); end++)
                ;
            if (s->others[i].shape == HTRAIL__NO_SHAPE)
                continue;
            kinds++;
            holders += end - i;
            if (end - i > best_end - best) {
                best = i;
                best_end = end;
            }
        }
        if (kinds == 0 || kept == kept_max) {
            s->out->nodes[index].other_holders += holders;
            return status;
        }
        if ((status = keep_other(s, index, best, best_end)) != HTRAIL_OK)
            return status;
        kept++;
        for (size_t i = best; i < best_end; i++)
            s->others[i].shape = HTRAIL__NO_SHAPE;
    }
}

/* A module that is in sys.modules, and its dict: that others import it explains nothing. */
static bool is_listed_module(const htrail__holders *o, uint32_t node)
{
    for (int steps = 0; steps < 2; steps++) {
        uint32_t parent = o->nodes[node].parent;
        if (parent == HTRAIL__NO_SHAPE)
            return false;
        if (o->shapes.shapes[o->nodes[parent].shape].root_kind == HTRAIL_ROOT_MODULES)
            return true;
        node = parent;
    }
    return false;
}

/* Who else holds the objects of a node. list: its members. */
static htrail_status search_node(htrail__holders_search *s, uint32_t index, const uint32_t *list, size_t count, size_t kept_max)
{
    htrail__holder_node *node = &s->out->nodes[index];
    htrail_status status = HTRAIL_OK;
    uint32_t shape = node->shape;
    bool complete = true, found = false, stopped = false;
    size_t depending = 0, at = 0, shared = 0;

    s->searches++;
    s->other_count = 0;
    /* No node takes it all: the last ones to be searched are those next to the roots. */
    s->looked_at_max = s->looked_at + s->opts.searches_max / SEARCH_SHARE;
    if (s->looked_at_max > s->opts.searches_max)
        s->looked_at_max = s->opts.searches_max;
    for (size_t i = 0; i < count; i++) {
        /* The one count is that of its chain. */
        if (s->members[list[i]].object.refcount == 1 && s->members[list[i]].holder != HTRAIL__NO_MEMBER)
            continue;
        if (s->looked_at >= s->looked_at_max) {
            complete = false;
            stopped = true;
            break;
        }
        s->looked_at++;
        size_t others = s->other_count;
        if ((status = look_at(s, shape, list[i], node, &complete, &depending)) != HTRAIL_OK)
            return status;
        shared += s->other_count > others;
    }
    bool few = htrail__holders_are_few(shared, count);
    if (few && complete && (status = find_way_out(s, shape, &at, &depending, &complete, &found)) != HTRAIL_OK)
        return status;
    node->held = found || (shared > 0 && !(few && complete)) ? HTRAIL__HELD_SEVERAL : complete ? HTRAIL__HELD_ONLY : HTRAIL__HELD_UNKNOWN;
    node->shared = node->held == HTRAIL__HELD_ONLY ? shared : 0;
    node->held_from_below = found;
    node->is_partly_searched = stopped;
    uint32_t links = s->out->link_count;
    status = keep_others(s, index, kept_max);
    for (; links < s->out->link_count; links++)
        s->out->links[links].is_partly_searched = stopped;
    return status;
}

htrail_status htrail__holders_list_members(const htrail__holders_search *s, uint32_t nodes, uint32_t **starts_out, uint32_t **list_out)
{
    uint32_t *starts = calloc((size_t)nodes + 2, sizeof *starts);
    uint32_t *list = malloc(((size_t)s->member_count + 1) * sizeof *list);
    *starts_out = starts;
    *list_out = list;
    if (starts == NULL || list == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < s->member_count; i++)
        if (s->members[i].used)
            starts[s->node_of[s->members[i].shape] + 2]++;
    for (uint32_t i = 0; i < nodes; i++)
        starts[i + 2] += starts[i + 1];
    for (uint32_t i = 0; i < s->member_count; i++)
        if (s->members[i].used)
            list[starts[s->node_of[s->members[i].shape] + 1]++] = i;
    return HTRAIL_OK;
}

htrail_status htrail__holders_list_ids(htrail__holders_search *s)
{
    uint32_t *starts = NULL, *list = NULL, nodes = s->out->node_count;
    htrail_status status = htrail__holders_list_members(s, nodes, &starts, &list);
    if (status != HTRAIL_OK)
        goto done;
    s->out->ids = malloc(((size_t)starts[nodes] + 1) * sizeof *s->out->ids);
    s->out->id_ends = malloc(((size_t)nodes + 1) * sizeof *s->out->id_ends);
    if (s->out->ids == NULL || s->out->id_ends == NULL) {
        status = HTRAIL_E_NOMEM;
        goto done;
    }
    for (uint32_t i = 0; i < starts[nodes]; i++)
        s->out->ids[i] = s->members[list[i]].object.id;
    for (uint32_t i = 0; i < nodes; i++)
        s->out->id_ends[i] = starts[i + 1];
done:
    free(starts);
    free(list);
    return status;
}

/* The chains that were asked for first, from the objects upwards; then the chains of other
 * holders, of which nothing more is added. */
htrail_status htrail__holders_search_others(htrail__holders_search *s, bool others)
{
    uint32_t *starts = NULL, *list = NULL, nodes = s->out->node_count;
    size_t left = s->opts.others_all_max;
    htrail_status status = htrail__holders_list_members(s, nodes, &starts, &list);
    for (uint32_t i = nodes; i-- > 0 && status == HTRAIL_OK;) {
        htrail__holder_node *node = &s->out->nodes[i];
        if (node->other != others || (node->parent == HTRAIL__NO_SHAPE && s->out->shapes.shapes[node->shape].root_kind != 0))
            continue;
        size_t kept = others || is_listed_module(s->out, i) ? 0 : left < s->opts.others_max ? left : s->opts.others_max;
        uint32_t links = s->out->link_count;
        status = search_node(s, i, list + starts[i], starts[i + 1] - starts[i], kept);
        left -= s->out->link_count - links;
    }
    free(starts);
    free(list);
    return status;
}
