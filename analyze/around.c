/* analyze/around.c - see the header. Level by level: the neighbours of all members of a level are the next one, and are
 * given their shapes together, since how many names there are decides whether names tell them apart. */
#include "analyze/around.h"

#include <stdlib.h>

#include "analyze/chain.h"
#include "analyze/depending.h"
#include "analyze/grow.h"
#include "analyze/holders_search.h"
#include "analyze/mapping.h"
#include "analyze/str.h"

enum { TITLE_BYTES_MAX = 1 << 16, NAMES_APART_MAX = 3, COUNTED_MAX = 64, HOLDERS_MAX = 32, FURTHER_SHARE = 4 };
enum { NOT_LOOKED_AT, ALONE, NOT_ALONE };

/* How a member was met. */
typedef struct arrival {
    uint32_t via;         /* member, or HTRAIL__NO_MEMBER */
    uint32_t kind, label; /* of that reference */
    uint32_t general, whole; /* texts: its title without names and with them */
    uint64_t unseen;      /* neighbours past too_many */
    uint64_t looked_at;   /* neighbours up to it, where there are more */
    bool is_partly_searched; /* a bound left neighbours out that are not in unseen */
    unsigned char alone;
    bool is_root;         /* sys.modules and frames are roots: one card, not two */
} arrival;

typedef struct reference {
    uint32_t from, to; /* members; of a root: its shape */
    uint32_t kind, label;
    bool is_root;
} reference;

typedef struct around {
    htrail__holders_search s;
    htrail__around_opts opts;
    arrival *arrivals; /* by member */
    size_t arrival_room;
    reference *references;
    size_t reference_count, reference_room;
    uint32_t *order;
    size_t looked_at, counted;
} around;

void htrail__around_opts_init(htrail__around_opts *opts)
{
    *opts = (htrail__around_opts){.depth_max = 3, .too_many = 1000, .targets_max = 20000, .looked_at_max = 20000, .references_max = 200000};
}

static htrail_status add_text(around *a, htrail__text *text, uint32_t *out)
{
    htrail_status status = text->failed ? HTRAIL_E_NOMEM
                                        : htrail__texts_add(htrail__lookup_texts(a->s.lookup), (htrail_str){htrail__text_string(text), text->len}, out);
    htrail__text_clear(text);
    return status;
}

/* Both titles of an object. Only what a dict is called depends on who holds it. */
static htrail_status give_titles(around *a, const htrail__found_object *object, arrival *to)
{
    htrail__texts *texts = htrail__lookup_texts(a->s.lookup);
    htrail_str type = htrail__texts_get(texts, object->type), none = {0};
    htrail__found_object holder = {0};
    htrail_status status = HTRAIL_OK;
    htrail__text text;
    htrail__text_init(&text, TITLE_BYTES_MAX);
    if (object->holder != 0 && htrail__str_is(type, "dict") && (status = htrail__lookup_object(a->s.lookup, object->holder, &holder)) != HTRAIL_OK)
        goto done;
    bool held = holder.id != 0;
    htrail__found_root root = {0};
    if (object->root != 0 && object->holder == 0 && (status = htrail__lookup_root(a->s.lookup, object->root, &root)) != HTRAIL_OK)
        goto done;
    if (htrail__holders_is_root_itself(&a->s, root.kind, object)) {
        to->is_root = true;
        htrail__chain_root_text(&text, htrail__texts_get(texts, root.kind_text), htrail__texts_get(texts, root.name));
        if ((status = add_text(a, &text, &to->whole)) == HTRAIL_OK)
            to->general = to->whole;
        goto done;
    }
#define TEXT(number) htrail__texts_get(texts, number)
    htrail__chain_object_text(&text, TEXT(object->type), TEXT(object->name), TEXT(object->module), held ? TEXT(holder.type) : none,
                              held ? TEXT(holder.name) : none, TEXT(object->holder_label));
    if ((status = add_text(a, &text, &to->whole)) != HTRAIL_OK)
        goto done;
    if (htrail__chain_is_class(TEXT(object->type), TEXT(object->name)))
        htrail__text_add_string(&text, "class");
    else
        htrail__text_add(&text, TEXT(object->type).data, TEXT(object->type).len);
#undef TEXT
    status = add_text(a, &text, &to->general);
done:
    htrail__text_release(&text);
    return status;
}

static htrail_status meet(around *a, uint64_t id, uint32_t via, uint32_t kind, uint32_t label, uint32_t *out)
{
    htrail__found_object object;
    htrail_status status = htrail__lookup_object(a->s.lookup, id, &object);
    if (status == HTRAIL_OK)
        status = htrail__holders_add_member(&a->s, &object, out);
    if (status != HTRAIL_OK)
        return status;
    if (!htrail__grow(&a->arrivals, &a->arrival_room, *out, sizeof *a->arrivals))
        return HTRAIL_E_NOMEM;
    a->arrivals[*out] = (arrival){.via = via, .kind = kind, .label = label};
    a->s.members[*out].used = true;
    return give_titles(a, &object, &a->arrivals[*out]);
}

static htrail_status add_reference(around *a, reference found)
{
    if (!htrail__grow(&a->references, &a->reference_room, a->reference_count, sizeof *a->references))
        return HTRAIL_E_NOMEM;
    a->references[a->reference_count++] = found;
    return HTRAIL_OK;
}

static htrail_status look_at_roots(around *a, uint32_t member)
{
    const htrail__found_root *roots;
    size_t count;
    htrail_status status = htrail__lookup_roots_of(a->s.lookup, a->s.members[member].object.id, &roots, &count);
    for (size_t i = 0; i < count && status == HTRAIL_OK; i++) {
        uint32_t shape;
        if (roots[i].kind == HTRAIL_ROOT_INTERNED || (a->arrivals[member].is_root && htrail__holders_root_is_object(roots[i].kind)))
            continue;
        if ((status = htrail__holders_root_shape(&a->s, &a->s.out->shapes, &roots[i], &shape)) == HTRAIL_OK &&
            (status = htrail__holders_note_root_name(&a->s, shape, roots[i].name)) == HTRAIL_OK)
            status = add_reference(a, (reference){.from = shape, .to = member, .is_root = true});
    }
    return status;
}

/* Of a dict, what its value's label says already. */
static htrail_status is_shared_key(around *a, uint64_t dict, const htrail__found_holder *found, bool *out)
{
    htrail__found_object key;
    *out = false;
    if (!a->opts.downwards || a->opts.apart || found->kind != HTRAIL_REF_KEY)
        return HTRAIL_OK;
    htrail_status status = htrail__lookup_object(a->s.lookup, found->id, &key);
    *out = status == HTRAIL_OK && key.dominator != dict;
    return status;
}

static htrail_status look_at(around *a, uint32_t member)
{
    const htrail__found_holder *found;
    size_t count;
    bool more;
    uint64_t id = a->s.members[member].object.id;
    htrail__lookup *lookup = a->s.lookup;
    htrail_status status = (a->opts.downwards ? htrail__lookup_references : htrail__lookup_holders)(lookup, id, a->opts.too_many, &found, &count, &more);
    a->looked_at++;
    if (status == HTRAIL_OK && more) {
        /* Counting is a look at each: of most it is enough that there are more. */
        uint64_t all = count + 1;
        if (a->counted++ < COUNTED_MAX)
            status = (a->opts.downwards ? htrail__lookup_reference_count : htrail__lookup_holder_count)(lookup, id, &all);
        else if (a->opts.downwards && a->s.members[member].object.length != HTRAIL__NO_LENGTH && a->s.members[member].object.length > all)
            all = a->s.members[member].object.length;
        else
            a->arrivals[member].is_partly_searched = true;
        a->arrivals[member].unseen = all > count ? all - count : 1;
        a->arrivals[member].looked_at = count;
    }
    for (size_t i = 0; i < count && status == HTRAIL_OK && a->reference_count < a->opts.references_max; i++) {
        uint32_t other = htrail__holders_find_member(&a->s, found[i].id);
        bool is_left_out;
        if (a->opts.admits != NULL && !a->opts.admits(a->opts.admits_arg, found[i].id))
            continue;
        if ((status = is_shared_key(a, id, &found[i], &is_left_out)) != HTRAIL_OK)
            break;
        if (is_left_out) {
            a->s.out->keys++;
            continue;
        }
        if (other == HTRAIL__NO_MEMBER)
            status = meet(a, found[i].id, member, found[i].kind, found[i].label, &other);
        if (status == HTRAIL_OK)
            status = add_reference(a, (reference){.from = a->opts.downwards ? member : other, .to = a->opts.downwards ? other : member,
                                                  .kind = found[i].kind, .label = found[i].label});
    }
    a->arrivals[member].is_partly_searched |= a->reference_count >= a->opts.references_max;
    return status == HTRAIL_OK && !a->opts.downwards ? look_at_roots(a, member) : status;
}

/* Shapes of a level. */

static const around *sorted; /* qsort has no argument for it; no two run at once */

static int compare_kinds(uint32_t left, uint32_t right)
{
    const arrival *a = &sorted->arrivals[left], *b = &sorted->arrivals[right];
    uint32_t up = a->via == HTRAIL__NO_MEMBER ? 0 : sorted->s.members[a->via].shape, other = b->via == HTRAIL__NO_MEMBER ? 0 : sorted->s.members[b->via].shape;
    const uint32_t keys[][2] = {{up, other}, {a->kind, b->kind}, {a->label, b->label}, {a->general, b->general}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static int compare_members(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    int kinds = compare_kinds(*a, *b);
    if (kinds != 0)
        return kinds;
    if (sorted->arrivals[*a].whole != sorted->arrivals[*b].whole)
        return sorted->arrivals[*a].whole < sorted->arrivals[*b].whole ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

/* The members [first, end) were met from members that have their shapes. */
static htrail_status give_shapes(around *a, uint32_t first, uint32_t end)
{
    htrail_status status = HTRAIL_OK;
    uint32_t *order = realloc(a->order, ((size_t)end - first + 1) * sizeof *order);
    bool *whole = calloc((size_t)end - first + 1, sizeof *whole); /* by member */
    if (order != NULL)
        a->order = order;
    if (order == NULL || whole == NULL) {
        free(whole);
        return HTRAIL_E_NOMEM;
    }
    for (uint32_t i = first; i < end; i++)
        order[i - first] = i;
    sorted = a;
    qsort(order, end - first, sizeof *order, compare_members);
    for (uint32_t i = 0, k; i < end - first; i = k) {
        uint32_t names = 1;
        for (k = i + 1; k < end - first && compare_kinds(order[i], order[k]) == 0; k++)
            names += a->arrivals[order[k]].whole != a->arrivals[order[k - 1]].whole;
        for (uint32_t m = i; m < k; m++)
            whole[order[m] - first] = a->opts.apart || names <= NAMES_APART_MAX;
    }
    for (uint32_t i = first; i < end && status == HTRAIL_OK; i++) {
        const arrival *met = &a->arrivals[i];
        htrail__holders_member *m = &a->s.members[i];
        htrail__shape key = {.parent = met->via == HTRAIL__NO_MEMBER ? HTRAIL__NO_SHAPE : a->s.members[met->via].shape, .ref_kind = met->kind, .label = met->label,
                             .type = m->object.type, .name = whole[i - first] ? met->whole : met->general, .object = a->opts.apart ? (uint32_t)m->object.id : 0};
        uint32_t node;
        if ((status = htrail__shapes_intern(&a->s.out->shapes, &key, &m->shape)) != HTRAIL_OK)
            break;
        a->s.out->shapes.shapes[m->shape].is_titled = true;
        a->s.out->shapes.shapes[m->shape].is_root_object = met->is_root;
        if ((status = htrail__holders_node_for(&a->s, m->shape, &node)) != HTRAIL_OK)
            break;
        htrail__holder_node *n = &a->s.out->nodes[node];
        n->other = false;
        n->references++;
        n->targets += m->target;
        htrail__holders_count_object(n, &m->object);
    }
    free(whole);
    return status;
}

/* References between members as links between nodes. */

static htrail_status is_alone(around *a, uint32_t member, bool *out)
{
    const htrail__found_object *object = &a->s.members[member].object;
    unsigned char *known = &a->arrivals[member].alone;
    if (*known == NOT_LOOKED_AT) {
        uint64_t others;
        bool more;
        htrail_status status = htrail__count_other_holders(a->s.lookup, object, object->dominator, HOLDERS_MAX, &others, &more);
        if (status != HTRAIL_OK)
            return status;
        *known = others == 0 && !more ? ALONE : NOT_ALONE;
    }
    *out = *known == ALONE;
    return HTRAIL_OK;
}

static int compare_links(const void *left, const void *right)
{
    const htrail__holder_link *a = left, *b = right;
    const uint32_t keys[][2] = {{a->from, b->from}, {a->to, b->to}, {a->ref_kind, b->ref_kind}, {a->label, b->label}, {a->held, b->held}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

/* An object that objects of a node refer to. */
typedef struct held_object {
    uint32_t from, to; /* nodes */
    uint32_t member;
    bool is_alone;
} held_object;

static int compare_held(const void *left, const void *right)
{
    const held_object *a = left, *b = right;
    const uint32_t keys[][2] = {{a->from, b->from}, {a->to, b->to}, {a->member, b->member}, {b->is_alone, a->is_alone}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

/* Both are in the order of their nodes. */
static void count_held(htrail__holders *out, const held_object *held, size_t count)
{
    for (uint32_t i = 0, end; i < out->link_count; i = end) {
        uint32_t from = out->links[i].from, to = out->links[i].to;
        uint64_t objects = 0, alone = 0;
        const held_object *last = NULL;
        for (; count > 0 && held->from == from && held->to == to; last = held++, count--) {
            if (last != NULL && last->member == held->member)
                continue;
            objects++;
            alone += held->is_alone;
        }
        for (end = i; end < out->link_count && out->links[end].from == from && out->links[end].to == to; end++) {
            out->links[end].objects = objects;
            out->links[end].alone = alone;
        }
    }
}

static htrail_status link_nodes(around *a)
{
    htrail__holders *out = a->s.out;
    out->links = malloc((a->reference_count + 1) * sizeof *out->links);
    held_object *objects = malloc((a->reference_count + 1) * sizeof *objects);
    if (out->links == NULL || objects == NULL) {
        free(objects);
        return HTRAIL_E_NOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < a->reference_count; i++) {
        const reference *r = &a->references[i];
        const htrail__found_object *held = &a->s.members[r->to].object;
        uint32_t from = a->s.node_of[r->is_root ? r->from : a->s.members[r->from].shape], to = a->s.node_of[a->s.members[r->to].shape];
        if (from == to) {
            out->shapes.shapes[out->nodes[to].shape].folded |= !a->opts.apart;
            continue;
        }
        bool alone = false;
        if (!r->is_root && held->root != 0 && held->dominator == a->s.members[r->from].object.id) {
            htrail_status status = is_alone(a, r->to, &alone);
            if (status != HTRAIL_OK) {
                free(objects);
                return status;
            }
        }
        objects[count] = (held_object){.from = from, .to = to, .member = r->to, .is_alone = alone};
        htrail__held how = held->root == 0 ? HTRAIL__HELD_UNKNOWN : alone ? HTRAIL__HELD_ONLY : HTRAIL__HELD_SEVERAL;
        out->links[count++] = (htrail__holder_link){.from = from, .to = to, .ref_kind = r->kind, .label = r->label, .references = 1, .held = how};
    }
    qsort(out->links, count, sizeof *out->links, compare_links);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        htrail__holder_link *last = kept > 0 ? &out->links[kept - 1] : NULL, *link = &out->links[i];
        if (last != NULL && last->from == link->from && last->to == link->to && last->ref_kind == link->ref_kind && last->label == link->label) {
            last->references++;
            if (last->held != link->held)
                last->held = HTRAIL__HELD_SEVERAL;
        } else {
            out->links[kept++] = *link;
        }
    }
    out->link_count = kept;
    qsort(objects, count, sizeof *objects, compare_held);
    count_held(out, objects, count);
    free(objects);
    for (uint32_t i = 0; i < a->s.member_count; i++) {
        htrail__holder_node *node = &out->nodes[a->s.node_of[a->s.members[i].shape]];
        node->other_holders += a->arrivals[i].unseen;
        node->looked_at += a->arrivals[i].looked_at;
        node->is_partly_searched |= a->arrivals[i].is_partly_searched;
    }
    return HTRAIL_OK;
}

static bool is_followed(const around *a, uint32_t member)
{
    const htrail__found_object *object = &a->s.members[member].object;
    const htrail__texts *texts = htrail__lookup_texts(a->s.lookup);
    htrail_str type = htrail__texts_get(texts, object->type);
    return !htrail__str_is(type, "module") && !(a->opts.downwards && htrail__chain_is_class(type, htrail__texts_get(texts, object->name)));
}

static htrail_status search(around *a, const uint64_t *ids, size_t count)
{
    htrail_status status = HTRAIL_OK;
    htrail__holders *out = a->s.out;
    out->targets = count;
    out->downwards = a->opts.downwards;
    out->targets_followed = count < a->opts.targets_max ? count : a->opts.targets_max;
    for (size_t i = 0; i < out->targets_followed && status == HTRAIL_OK; i++) {
        uint32_t member;
        if ((status = meet(a, ids[i], HTRAIL__NO_MEMBER, 0, 0, &member)) == HTRAIL_OK)
            a->s.members[member].target = true;
    }
    uint32_t first = 0, end = a->s.member_count;
    if (status == HTRAIL_OK)
        status = give_shapes(a, first, end);
    for (size_t depth = 0; depth < a->opts.depth_max && first < end && status == HTRAIL_OK; depth++) {
        /* Many objects that were asked for leave something to look at for those around them. */
        size_t looked_at_max = depth > 0 ? a->looked_at + a->opts.looked_at_max / FURTHER_SHARE : a->opts.looked_at_max;
        if (looked_at_max < a->opts.looked_at_max)
            looked_at_max = a->opts.looked_at_max;
        for (uint32_t i = first; i < end && status == HTRAIL_OK; i++) {
            if (depth > 0 && !is_followed(a, i))
                out->not_followed++;
            else if (a->looked_at < looked_at_max && a->reference_count < a->opts.references_max)
                status = look_at(a, i);
            else
                a->arrivals[i].is_partly_searched = true;
        }
        first = end;
        end = a->s.member_count;
        if (status == HTRAIL_OK)
            status = give_shapes(a, first, end);
    }
    if (status == HTRAIL_OK)
        status = link_nodes(a);
    if (status == HTRAIL_OK)
        status = htrail__holders_count_names(&a->s);
    if (status == HTRAIL_OK)
        status = htrail__holders_sum_retained(&a->s);
    return status == HTRAIL_OK ? htrail__holders_list_ids(&a->s) : status;
}

htrail_status htrail__around_find(htrail__holders **out, htrail__lookup *lookup, const uint64_t *ids, size_t count, const htrail__around_opts *opts)
{
    around a = {.s = {.lookup = lookup, .slot_count = 1024}};
    htrail_status status = HTRAIL_E_NOMEM;

    *out = NULL;
    htrail__around_opts_init(&a.opts);
    if (opts != NULL)
        a.opts = *opts;
    a.s.opts.apart = a.opts.apart;
    if (a.opts.apart && a.opts.targets_max > 1000)
        a.opts.targets_max = 1000;
    a.s.out = calloc(1, sizeof *a.s.out);
    a.s.slots = calloc(a.s.slot_count, sizeof *a.s.slots);
    if (a.s.out == NULL || a.s.slots == NULL || (status = htrail__shapes_init(&a.s.out->shapes)) != HTRAIL_OK)
        goto done;
    a.s.out->shapes.fold_steps = 0;
    if ((status = search(&a, ids, count)) != HTRAIL_OK)
        goto done;
    *out = a.s.out;
    a.s.out = NULL;
done:
    htrail__holders_free(a.s.out);
    htrail__mapping_free(a.s.members);
    free(a.s.slots);
    free(a.s.stack);
    free(a.s.node_of);
    free(a.arrivals);
    free(a.references);
    free(a.order);
    return status;
}
