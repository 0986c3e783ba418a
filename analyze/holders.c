/* analyze/holders.c - see the header.
 *
 * members: every object met, with its shape. An object's shape is that of its holder and
 * one step more; a chain is climbed until a known object, then shapes are given downwards,
 * so that each object is looked up once and nothing is recursive. */
#include "analyze/holders.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"

#define NO_MEMBER UINT32_MAX
/* So many names tell more than their number does. */
enum { NAMES_APART_MAX = 3, SEARCH_SHARE = 8, PROGRESS_EVERY = 4096 };

typedef struct member {
    htrail__found_object object;
    uint32_t holder; /* member, or NO_MEMBER */
    uint32_t nameless; /* its shape among those without names of objects */
    uint32_t shape;    /* HTRAIL__NO_SHAPE until the names on the chains of all targets are counted */
    uint32_t seen;   /* number of the search that last met it */
    bool used;       /* on a chain that is kept */
    bool target;
} member;

/* A holder of a node's object, other than its chain's. */
typedef struct other {
    uint32_t shape, ref_kind, label; /* of the holder, and of its reference */
    uint32_t member;                 /* the holder; NO_MEMBER: a root */
    uint32_t root_name;
} other;

typedef struct search {
    htrail__holders *out;
    htrail__lookup *lookup;
    htrail__holders_opts opts;
    member *members;
    uint32_t member_count, member_room;
    uint32_t *slots; /* member + 1 */
    uint32_t slot_count;
    uint32_t *stack;
    size_t stack_room;
    htrail__shapes nameless;
    uint32_t *nameless_names; /* how many names there are, by nameless shape */
    uint32_t nameless_counted;
    bool names_counted;
    uint32_t *node_of; /* by shape */
    uint32_t node_of_room, node_room, link_room;
    other *others;
    size_t other_count, other_room;
    uint32_t *queue;
    size_t queue_room;
    uint32_t searches; /* the number of the present search */
    size_t looked_at, looked_at_max; /* objects: so far, and until the present search ends */
} search;

void htrail__holders_opts_init(htrail__holders_opts *opts)
{
    *opts = (htrail__holders_opts){
        .targets_max = 500000, .too_many = 1000, .searches_max = 100000, .others_max = 3, .others_all_max = 6};
}

static bool grow32(void *array, uint32_t *room, uint32_t count, size_t size)
{
    size_t wide = *room;
    if (count == UINT32_MAX || !htrail__grow(array, &wide, count, size))
        return false;
    *room = (uint32_t)wide;
    return true;
}

/* Members by id. */

static uint32_t slot_of(const search *s, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (s->slot_count - 1);
}

static uint32_t find_member(const search *s, uint64_t id)
{
    for (uint32_t slot = slot_of(s, id); s->slots[slot] != 0; slot = (slot + 1) & (s->slot_count - 1))
        if (s->members[s->slots[slot] - 1].object.id == id)
            return s->slots[slot] - 1;
    return NO_MEMBER;
}

static void put_slot(search *s, uint32_t index)
{
    uint32_t slot = slot_of(s, s->members[index].object.id);
    while (s->slots[slot] != 0)
        slot = (slot + 1) & (s->slot_count - 1);
    s->slots[slot] = index + 1;
}

static htrail_status add_member(search *s, const htrail__found_object *object, uint32_t *out)
{
    if (!grow32(&s->members, &s->member_room, s->member_count, sizeof *s->members))
        return HTRAIL_E_NOMEM;
    if (s->member_count * 2 >= s->slot_count) {
        uint32_t *slots = calloc((size_t)s->slot_count * 2, sizeof *slots);
        if (slots == NULL)
            return HTRAIL_E_NOMEM;
        free(s->slots);
        s->slots = slots;
        s->slot_count *= 2;
        for (uint32_t i = 0; i < s->member_count; i++)
            put_slot(s, i);
    }
    s->members[s->member_count] = (member){.object = *object, .holder = NO_MEMBER, .shape = HTRAIL__NO_SHAPE};
    put_slot(s, s->member_count);
    *out = s->member_count++;
    return HTRAIL_OK;
}

/* Shapes. */

size_t htrail__root_name_general(const char *name, size_t len, char *out, size_t cap)
{
    /* Numbers stand between blanks: "callback 3 of 20"; "run at server.py:65" is one name. */
    size_t used = 0;
    bool after_digits = false;
    for (size_t i = 0; i < len;) {
        size_t end = i;
        bool digits = true;
        while (end < len && name[end] != ' ')
            digits &= isdigit((unsigned char)name[end]) || name[end] == ',', end++;
        bool of = end - i == 2 && memcmp(name + i, "of", 2) == 0 && after_digits;
        if (end > i && !digits && !of) {
            if (used > 0 && used < cap)
                out[used++] = ' ';
            for (size_t at = i; at < end && used < cap; at++)
                out[used++] = name[at];
        }
        after_digits = digits && end > i;
        i = end + 1;
    }
    return used;
}

static htrail_status root_shape(search *s, htrail__shapes *shapes, const htrail__found_root *root, uint32_t *out)
{
    char general[256];
    htrail__shape key = {.parent = HTRAIL__NO_SHAPE, .root_kind = root->kind, .type = root->kind_text};
    htrail__texts *texts = htrail__lookup_texts(s->lookup);
    htrail_str name = htrail__texts_get(texts, root->name);
    size_t len = root->kind == HTRAIL_ROOT_FRAME ? 0 : htrail__root_name_general(name.data, name.len, general, sizeof general);
    key.name = root->name;
    if (root->kind != HTRAIL_ROOT_FRAME) {
        htrail_status status = htrail__texts_add(texts, (htrail_str){general, len}, &key.name);
        if (status != HTRAIL_OK)
            return status;
    }
    return htrail__shapes_intern(shapes, &key, out);
}

static htrail_status step_shape(htrail__shapes *shapes, uint32_t parent, uint32_t kind, uint32_t label, const htrail__found_object *object,
                                uint32_t name, uint32_t *out)
{
    htrail__shape key = {.parent = parent, .ref_kind = kind, .label = label, .type = object->type, .name = name, .module = object->module};
    return htrail__shapes_intern(shapes, &key, out);
}

/* The sys.modules dict and a frame are their roots: one card, not two. */
static bool root_is_object(uint32_t kind)
{
    return kind == HTRAIL_ROOT_MODULES || kind == HTRAIL_ROOT_FRAME;
}

static htrail_status top_shape(search *s, htrail__shapes *shapes, const htrail__found_object *object, uint32_t name, uint32_t *out)
{
    htrail__found_root root = {.kind = HTRAIL__ROOT_GARBAGE};
    htrail_status status = HTRAIL_OK;
    if (object->root != 0)
        status = htrail__lookup_root(s->lookup, object->root, &root);
    if (status == HTRAIL_OK)
        status = root_shape(s, shapes, &root, out);
    if (status != HTRAIL_OK || root_is_object(root.kind))
        return status;
    return step_shape(shapes, *out, HTRAIL_REF_PLAIN, 0, object, name, out);
}

static htrail_status give_nameless(search *s, member *m)
{
    if (m->holder == NO_MEMBER)
        return top_shape(s, &s->nameless, &m->object, 0, &m->nameless);
    return step_shape(&s->nameless, s->members[m->holder].nameless, m->object.holder_kind, m->object.holder_label, &m->object, 0, &m->nameless);
}

/* The holder has its shape. */
static htrail_status give_shape(search *s, member *m)
{
    bool merged = m->nameless < s->nameless_counted && s->nameless_names[m->nameless] > NAMES_APART_MAX;
    uint32_t name = merged ? 0 : m->object.name;
    if (m->holder == NO_MEMBER)
        return top_shape(s, &s->out->shapes, &m->object, name, &m->shape);
    return step_shape(&s->out->shapes, s->members[m->holder].shape, m->object.holder_kind, m->object.holder_label, &m->object, name, &m->shape);
}

/* The member with this id, its chain followed. */
static htrail_status resolve(search *s, uint64_t id, uint32_t *out)
{
    htrail_status status = HTRAIL_OK;
    size_t depth = 0;
    uint32_t below = find_member(s, id);

    if (below != NO_MEMBER) {
        *out = below;
        return HTRAIL_OK;
    }
    for (uint64_t at = id; at != 0;) {
        htrail__found_object object;
        uint32_t known = find_member(s, at), added;
        if (known != NO_MEMBER) {
            below = known;
            break;
        }
        if ((status = htrail__lookup_object(s->lookup, at, &object)) != HTRAIL_OK ||
            (status = add_member(s, &object, &added)) != HTRAIL_OK)
            return status;
        if (!htrail__grow(&s->stack, &s->stack_room, depth, sizeof *s->stack))
            return HTRAIL_E_NOMEM;
        s->stack[depth++] = added;
        at = object.holder;
    }
    while (depth-- > 0) {
        member *m = &s->members[s->stack[depth]];
        m->holder = m->object.holder == 0 ? NO_MEMBER : below;
        status = give_nameless(s, m);
        if (status == HTRAIL_OK && s->names_counted)
            status = give_shape(s, m);
        if (status != HTRAIL_OK)
            return status;
        below = s->stack[depth];
    }
    *out = below;
    return HTRAIL_OK;
}

/* Nodes: shapes that are used. */

static htrail_status node_for(search *s, uint32_t shape, uint32_t *out)
{
    htrail__holders *o = s->out;
    uint32_t fresh = 0, bottom = shape;
    size_t depth = 0;

    while (s->node_of_room < o->shapes.count) {
        uint32_t old = s->node_of_room;
        if (!grow32(&s->node_of, &s->node_of_room, s->node_of_room, sizeof *s->node_of))
            return HTRAIL_E_NOMEM;
        for (uint32_t i = old; i < s->node_of_room; i++)
            s->node_of[i] = HTRAIL__NO_SHAPE;
    }
    for (uint32_t at = shape; at != HTRAIL__NO_SHAPE && s->node_of[at] == HTRAIL__NO_SHAPE; at = o->shapes.shapes[at].parent) {
        if (!htrail__grow(&s->stack, &s->stack_room, depth, sizeof *s->stack))
            return HTRAIL_E_NOMEM;
        s->stack[depth++] = at;
    }
    while (depth-- > 0) {
        shape = s->stack[depth];
        uint32_t parent = o->shapes.shapes[shape].parent;
        if (!grow32(&o->nodes, &s->node_room, o->node_count, sizeof *o->nodes))
            return HTRAIL_E_NOMEM;
        fresh = o->node_count++;
        s->node_of[shape] = fresh;
        o->nodes[fresh] = (htrail__holder_node){
            .shape = shape, .name = o->shapes.shapes[shape].name, .names = 1, .parent = parent == HTRAIL__NO_SHAPE ? HTRAIL__NO_SHAPE : s->node_of[parent], .other = true,
            .length_min = HTRAIL__NO_LENGTH, .length_max = HTRAIL__NO_LENGTH, .refcount_min = UINT64_MAX};
    }
    *out = s->node_of[bottom];
    return HTRAIL_OK;
}

static void count_object(htrail__holder_node *node, const htrail__found_object *object)
{
    if (node->example == 0 || object->id < node->example)
        node->example = object->id;
    node->objects++;
    node->size_bytes += object->size_bytes;
    if (object->length != HTRAIL__NO_LENGTH) {
        if (node->length_min == HTRAIL__NO_LENGTH || object->length < node->length_min)
            node->length_min = object->length;
        if (node->length_max == HTRAIL__NO_LENGTH || object->length > node->length_max)
            node->length_max = object->length;
    }
    if (object->refcount < node->refcount_min)
        node->refcount_min = object->refcount;
    if (object->refcount > node->refcount_max)
        node->refcount_max = object->refcount;
}

static htrail_status note_root_name(search *s, uint32_t shape, uint32_t name)
{
    uint32_t node;
    htrail_status status = node_for(s, shape, &node);
    if (status == HTRAIL_OK && s->out->nodes[node].root_names++ == 0)
        s->out->nodes[node].root_name = name;
    return status;
}

/* Count the chain of a member, up to what was counted before. other: it is the chain of a
 * further holder. */
static htrail_status use(search *s, uint32_t index, bool is_other)
{
    htrail_status status = HTRAIL_OK;
    while (index != NO_MEMBER && !s->members[index].used) {
        member *m = &s->members[index];
        uint32_t node;
        if ((status = node_for(s, m->shape, &node)) != HTRAIL_OK)
            return status;
        m->used = true;
        s->out->nodes[node].references++;
        count_object(&s->out->nodes[node], &m->object);
        for (uint32_t at = node; !is_other && at != HTRAIL__NO_SHAPE && s->out->nodes[at].other; at = s->out->nodes[at].parent)
            s->out->nodes[at].other = false;
        if (m->holder == NO_MEMBER && m->object.root != 0) {
            htrail__found_root root;
            uint32_t top = m->shape;
            while (s->out->shapes.shapes[top].parent != HTRAIL__NO_SHAPE)
                top = s->out->shapes.shapes[top].parent;
            if ((status = htrail__lookup_root(s->lookup, m->object.root, &root)) != HTRAIL_OK ||
                (status = note_root_name(s, top, root.name)) != HTRAIL_OK)
                return status;
        }
        index = m->holder;
    }
    return status;
}

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

/* Sorted, and each pair once; returns how many. */
static size_t sort_once(named *pairs, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(pairs, count, sizeof *pairs, by_shape_and_name);
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
static htrail_status name_members(search *s)
{
    size_t room = (size_t)s->member_count + 1;
    named *pairs = malloc(room * sizeof *pairs);
    numbered *order = malloc(room * sizeof *order);
    htrail_status status = HTRAIL_E_NOMEM;

    s->nameless_names = calloc((size_t)s->nameless.count + 1, sizeof *s->nameless_names);
    if (pairs == NULL || order == NULL || s->nameless_names == NULL)
        goto done;
    for (uint32_t i = 0; i < s->member_count; i++) {
        pairs[i] = (named){s->members[i].nameless, s->members[i].object.name};
        order[i] = (numbered){s->members[i].object.id, i};
    }
    for (size_t i = 0, count = sort_once(pairs, s->member_count); i < count; i++)
        s->nameless_names[pairs[i].shape]++;
    s->nameless_counted = s->nameless.count;
    s->names_counted = true;
    /* A holder has the smaller id. */
    if (s->member_count > 0)
        qsort(order, s->member_count, sizeof *order, by_id);
    status = HTRAIL_OK;
    for (uint32_t i = 0; i < s->member_count && status == HTRAIL_OK; i++)
        status = give_shape(s, &s->members[order[i].member]);
done:
    free(pairs);
    free(order);
    return status;
}

/* How many names the objects of each node have. */
static htrail_status count_names(search *s)
{
    named *pairs = malloc(((size_t)s->member_count + 1) * sizeof *pairs);
    if (pairs == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < s->member_count; i++)
        pairs[i] = (named){s->members[i].shape, s->members[i].object.name};
    size_t count = sort_once(pairs, s->member_count);
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

static htrail_status follow_targets(search *s, const uint64_t *ids, size_t count)
{
    htrail_status status;
    s->out->targets = count;
    s->out->targets_followed = count < s->opts.targets_max ? count : s->opts.targets_max;
    s->out->target_nodes = malloc((s->out->targets_followed + 1) * sizeof *s->out->target_nodes);
    if (s->out->target_nodes == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < s->out->targets_followed; i++) {
        uint32_t index;
        if (i % PROGRESS_EVERY == 0 && s->opts.progress != NULL)
            s->opts.progress(s->opts.progress_arg, i, s->out->targets_followed);
        if ((status = resolve(s, ids[i], &index)) != HTRAIL_OK)
            return status;
    }
    if ((status = name_members(s)) != HTRAIL_OK)
        return status;
    for (size_t i = 0; i < s->out->targets_followed; i++) {
        uint32_t index, node;
        if ((status = resolve(s, ids[i], &index)) != HTRAIL_OK || (status = use(s, index, false)) != HTRAIL_OK ||
            (status = node_for(s, s->members[index].shape, &node)) != HTRAIL_OK)
            return status;
        if (!s->members[index].target)
            s->out->nodes[node].targets++;
        s->members[index].target = true;
        s->out->target_nodes[i] = node;
    }
    if ((status = count_names(s)) != HTRAIL_OK)
        return status;
    for (uint32_t i = s->out->node_count; i-- > 0;) {
        htrail__holder_node *node = &s->out->nodes[i];
        node->targets_below += node->targets;
        if (node->parent != HTRAIL__NO_SHAPE)
            s->out->nodes[node->parent].targets_below += node->targets_below;
    }
    return HTRAIL_OK;
}

/* Other holders. */

static htrail_status add_other(search *s, uint32_t shape, uint32_t kind, uint32_t label, uint32_t holder, uint32_t root_name)
{
    if (!htrail__grow(&s->others, &s->other_room, s->other_count, sizeof *s->others))
        return HTRAIL_E_NOMEM;
    s->others[s->other_count++] =
        (other){.shape = shape, .ref_kind = kind, .label = label, .member = holder, .root_name = root_name};
    return HTRAIL_OK;
}

static bool is_garbage(const search *s, uint32_t shape)
{
    while (s->out->shapes.shapes[shape].parent != HTRAIL__NO_SHAPE)
        shape = s->out->shapes.shapes[shape].parent;
    return s->out->shapes.shapes[shape].root_kind == HTRAIL__ROOT_GARBAGE;
}

/* Whether what depends on shape by its shortest chain (the members in queue from *at on) is held
 * from elsewhere too. Everything that holds an object which only shape keeps alive is itself
 * kept alive by shape alone: the search stays among those, or finds the way out. */
static htrail_status find_way_out(search *s, uint32_t shape, size_t *at, size_t *end, bool *complete, bool *found)
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
            if ((status = resolve(s, holders[i].id, &holder)) != HTRAIL_OK)
                return status;
            member *m = &s->members[holder];
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
static htrail_status look_at_roots(search *s, uint32_t index)
{
    const htrail__found_root *roots;
    size_t count;
    htrail_status status = htrail__lookup_roots_of(s->lookup, s->members[index].object.id, &roots, &count);
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        uint32_t shape;
        if (roots[i].kind == HTRAIL_ROOT_INTERNED || (s->members[index].holder == NO_MEMBER && roots[i].id == s->members[index].object.root))
            continue;
        if ((status = root_shape(s, &s->out->shapes, &roots[i], &shape)) == HTRAIL_OK)
            status = add_other(s, shape, HTRAIL_REF_PLAIN, 0, NO_MEMBER, roots[i].name);
    }
    return status;
}

/* The holders of one object of the node, but for the one of its chain. */
static htrail_status look_at(search *s, uint32_t shape, uint32_t index, htrail__holder_node *node, bool *complete, size_t *depending)
{
    const htrail__found_holder *holders;
    size_t count;
    bool more;
    htrail_status status = htrail__lookup_holders(s->lookup, s->members[index].object.id, s->opts.too_many, &holders, &count, &more);
    if (status != HTRAIL_OK)
        return status;
    if (more) {
        uint64_t all = 0;
        *complete = false;
        if ((status = htrail__lookup_holder_count(s->lookup, s->members[index].object.id, &all)) != HTRAIL_OK)
            return status;
        node->other_holders += all > count ? all - count : 0;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t holder;
        if (holders[i].id == s->members[index].object.holder)
            continue;
        if ((status = resolve(s, holders[i].id, &holder)) != HTRAIL_OK)
            return status;
        member *m = &s->members[holder];
        if (m->shape == shape || is_garbage(s, m->shape))
            continue;
        if (!htrail__shapes_is_below(&s->out->shapes, m->shape, shape)) {
            if ((status = add_other(s, m->shape, holders[i].kind, holders[i].label, holder, 0)) != HTRAIL_OK)
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
    const other *a = left, *b = right;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    if (a->ref_kind != b->ref_kind)
        return a->ref_kind < b->ref_kind ? -1 : 1;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return a->member < b->member ? -1 : a->member > b->member;
}

static bool same_kind(const other *a, const other *b)
{
    return a->shape == b->shape && a->ref_kind == b->ref_kind && a->label == b->label;
}

static htrail_status keep_other(search *s, uint32_t to, size_t start, size_t end)
{
    htrail__holders *o = s->out;
    htrail_status status = HTRAIL_OK;
    uint32_t from;
    for (size_t i = start; i < end && status == HTRAIL_OK; i++)
        status = s->others[i].member != NO_MEMBER ? use(s, s->others[i].member, true)
                                                  : note_root_name(s, s->others[i].shape, s->others[i].root_name);
    if (status != HTRAIL_OK || (status = node_for(s, s->others[start].shape, &from)) != HTRAIL_OK)
        return status;
    if (!grow32(&o->links, &s->link_room, o->link_count, sizeof *o->links))
        return HTRAIL_E_NOMEM;
    o->links[o->link_count++] = (htrail__holder_link){.from = from, .to = to, .ref_kind = s->others[start].ref_kind,
                                                      .label = s->others[start].label, .references = end - start};
    return HTRAIL_OK;
}

/* Group what was found by kind, keep the most frequent kinds. */
static htrail_status keep_others(search *s, uint32_t index, size_t kept_max)
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
            s->out->nodes[index].other_kinds += kinds;
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
static htrail_status search_node(search *s, uint32_t index, const uint32_t *list, size_t count, size_t kept_max)
{
    htrail__holder_node *node = &s->out->nodes[index];
    htrail_status status = HTRAIL_OK;
    uint32_t shape = node->shape;
    bool complete = true, found = false;
    size_t depending = 0, at = 0;

    s->searches++;
    s->other_count = 0;
    /* No node takes it all: the last ones to be searched are those next to the roots. */
    s->looked_at_max = s->looked_at + s->opts.searches_max / SEARCH_SHARE;
    if (s->looked_at_max > s->opts.searches_max)
        s->looked_at_max = s->opts.searches_max;
    for (size_t i = 0; i < count; i++) {
        /* The one count is that of its chain. */
        if (s->members[list[i]].object.refcount == 1 && s->members[list[i]].holder != NO_MEMBER)
            continue;
        if (s->looked_at >= s->looked_at_max) {
            complete = false;
            break;
        }
        s->looked_at++;
        if ((status = look_at(s, shape, list[i], node, &complete, &depending)) != HTRAIL_OK)
            return status;
    }
    if (s->other_count == 0 && complete && (status = find_way_out(s, shape, &at, &depending, &complete, &found)) != HTRAIL_OK)
        return status;
    node->held = s->other_count > 0 || found ? HTRAIL__HELD_SEVERAL : complete ? HTRAIL__HELD_ONLY : HTRAIL__HELD_UNKNOWN;
    node->held_from_below = found;
    return keep_others(s, index, kept_max);
}

/* Members on kept chains, those of one node side by side. */
static htrail_status list_members(const search *s, uint32_t nodes, uint32_t **starts_out, uint32_t **list_out)
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

/* The chains that were asked for first, from the objects upwards; then the chains of other
 * holders, of which nothing more is added. */
static htrail_status search_nodes(search *s, bool others)
{
    uint32_t *starts = NULL, *list = NULL, nodes = s->out->node_count;
    size_t left = s->opts.others_all_max;
    htrail_status status = list_members(s, nodes, &starts, &list);
    for (uint32_t i = nodes; i-- > 0 && status == HTRAIL_OK;) {
        htrail__holder_node *node = &s->out->nodes[i];
        if (node->other != others || (node->parent == HTRAIL__NO_SHAPE && s->out->shapes.shapes[node->shape].root_kind != 0))
            continue;
        size_t kept = others || is_listed_module(s->out, i) ? 0 : left < s->opts.others_max ? left : s->opts.others_max;
        uint32_t links = s->out->link_count;
        status = search_node(s, i, list + starts[i], starts[i + 1] - starts[i], kept);
        left -= s->out->link_count - links;
        if (others || is_listed_module(s->out, i))
            s->out->nodes[i].other_kinds = s->out->nodes[i].other_holders = 0;
    }
    free(starts);
    free(list);
    return status;
}

htrail_status htrail__holders_find(htrail__holders **out, htrail__lookup *lookup, const uint64_t *ids, size_t count,
                                   const htrail__holders_opts *opts)
{
    search s = {.lookup = lookup, .slot_count = 1024};
    htrail_status status = HTRAIL_E_NOMEM;

    *out = NULL;
    htrail__holders_opts_init(&s.opts);
    if (opts != NULL)
        s.opts = *opts;
    s.out = calloc(1, sizeof *s.out);
    s.slots = calloc(s.slot_count, sizeof *s.slots);
    if (s.out == NULL || s.slots == NULL || (status = htrail__shapes_init(&s.out->shapes)) != HTRAIL_OK ||
        (status = htrail__shapes_init(&s.nameless)) != HTRAIL_OK)
        goto done;
    if ((status = follow_targets(&s, ids, count)) != HTRAIL_OK || (status = search_nodes(&s, false)) != HTRAIL_OK ||
        (status = search_nodes(&s, true)) != HTRAIL_OK)
        goto done;
    *out = s.out;
    s.out = NULL;
done:
    htrail__holders_free(s.out);
    htrail__shapes_release(&s.nameless);
    free(s.nameless_names);
    free(s.members);
    free(s.slots);
    free(s.stack);
    free(s.node_of);
    free(s.others);
    free(s.queue);
    return status;
}

void htrail__holders_free(htrail__holders *holders)
{
    if (holders == NULL)
        return;
    htrail__shapes_release(&holders->shapes);
    free(holders->nodes);
    free(holders->links);
    free(holders->target_nodes);
    free(holders);
}
