/* analyze/holders_members.c - every object that the search for holders met: by its id, with the chain above
 * it and its shape. */
#include <stdlib.h>

#include "analyze/grow.h"
#include "analyze/holders_search.h"
#include "analyze/mapping.h"
#include "analyze/root_name.h"
#include "analyze/str.h"

/* So many names tell more than their number does. */
enum { NAMES_APART_MAX = 3, FIRST_MEMBERS = 64 };

/* Of a longer chain nobody sees the middle. */
enum { APART_ENDS = 200 };

bool htrail__holders_grow(void *array, uint32_t *room, uint32_t count, size_t size)
{
    size_t wide = *room;
    if (count == UINT32_MAX || !htrail__grow(array, &wide, count, size))
        return false;
    *room = (uint32_t)wide;
    return true;
}

/* Objects of a chain often stand side by side, and so do the slots of sixteen of them: one line of the cache. */
static uint32_t slot_of(const htrail__holders_search *s, uint64_t id)
{
    uint64_t block = (id >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return (uint32_t)(block << 4 | (id & 15)) & (s->slot_count - 1);
}

uint32_t htrail__holders_find_member(const htrail__holders_search *s, uint64_t id)
{
    for (uint32_t slot = slot_of(s, id); s->slots[slot] != 0; slot = (slot + 1) & (s->slot_count - 1))
        if (s->members[s->slots[slot] - 1].object.id == id)
            return s->slots[slot] - 1;
    return HTRAIL__NO_MEMBER;
}

static void put_slot(htrail__holders_search *s, uint32_t index)
{
    uint32_t slot = slot_of(s, s->members[index].object.id);
    while (s->slots[slot] != 0)
        slot = (slot + 1) & (s->slot_count - 1);
    s->slots[slot] = index + 1;
}

htrail_status htrail__holders_add_member(htrail__holders_search *s, const htrail__found_object *object, uint32_t *out)
{
    if (s->member_count == s->member_room) {
        uint32_t room = s->member_room != 0 ? s->member_room * 2 : FIRST_MEMBERS;
        htrail__holders_member *larger = room > s->member_room ? htrail__mapping_grow(s->members, room * sizeof *larger) : NULL;
        if (larger == NULL)
            return HTRAIL_E_NOMEM;
        s->members = larger;
        s->member_room = room;
    }
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
    s->members[s->member_count] = (htrail__holders_member){.object = *object, .holder = HTRAIL__NO_MEMBER, .shape = HTRAIL__NO_SHAPE};
    put_slot(s, s->member_count);
    *out = s->member_count++;
    return HTRAIL_OK;
}

htrail_status htrail__holders_root_shape(htrail__holders_search *s, htrail__shapes *shapes, const htrail__found_root *root, uint32_t *out)
{
    char general[256];
    htrail__shape key = {.parent = HTRAIL__NO_SHAPE, .root_kind = root->kind, .type = root->kind_text};
    htrail__texts *texts = htrail__lookup_texts(s->lookup);
    htrail_str name = htrail__texts_get(texts, root->name);
    bool is_whole = root->kind == HTRAIL_ROOT_FRAME || s->opts.apart;
    size_t len = is_whole ? 0 : htrail__root_name_general(name.data, name.len, general, sizeof general);
    key.name = root->name;
    key.object = s->opts.apart && htrail__holders_root_is_object(root->kind) ? root->id : 0; /* the card is that of the object */
    if (!is_whole) {
        htrail_status status = htrail__texts_add(texts, (htrail_str){general, len}, &key.name);
        if (status != HTRAIL_OK)
            return status;
    }
    return htrail__shapes_intern(shapes, &key, out);
}

static htrail_status step_shape(const htrail__holders_search *s, htrail__shapes *shapes, uint32_t parent, uint32_t kind, uint32_t label, const htrail__holders_member *m,
                                uint32_t name, uint32_t *out)
{
    htrail__shape key = {.parent = parent, .ref_kind = kind, .label = label, .type = m->object.type, .name = name, .module = m->object.module,
                         .object = s->opts.apart && !m->merged ? (uint32_t)m->object.id : 0};
    return htrail__shapes_intern(shapes, &key, out);
}

bool htrail__holders_root_is_object(uint32_t kind)
{
    return kind == HTRAIL_ROOT_MODULES || kind == HTRAIL_ROOT_FRAME;
}

bool htrail__holders_is_root_itself(const htrail__holders_search *s, uint32_t root_kind, const htrail__found_object *object)
{
    if (root_kind == HTRAIL_ROOT_FRAME)
        return htrail__str_is(htrail__texts_get(htrail__lookup_texts(s->lookup), object->type), "frame");
    return htrail__holders_root_is_object(root_kind);
}

static htrail_status top_shape(htrail__holders_search *s, htrail__shapes *shapes, const htrail__holders_member *m, uint32_t name, uint32_t *out)
{
    const htrail__found_object *object = &m->object;
    htrail__found_root root = {.kind = HTRAIL__ROOT_GARBAGE};
    htrail_status status = HTRAIL_OK;
    if (object->root != 0)
        status = htrail__lookup_root(s->lookup, object->root, &root);
    if (status == HTRAIL_OK)
        status = htrail__holders_root_shape(s, shapes, &root, out);
    if (status != HTRAIL_OK || htrail__holders_is_root_itself(s, root.kind, object))
        return status;
    return step_shape(s, shapes, *out, HTRAIL_REF_PLAIN, 0, m, name, out);
}

static htrail_status give_nameless(htrail__holders_search *s, htrail__holders_member *m)
{
    if (m->holder == HTRAIL__NO_MEMBER)
        return top_shape(s, &s->nameless, m, 0, &m->nameless);
    return step_shape(s, &s->nameless, s->members[m->holder].nameless, m->object.holder_kind, m->object.holder_label, m, 0, &m->nameless);
}

/* The holder has its shape. */
htrail_status htrail__holders_give_shape(htrail__holders_search *s, htrail__holders_member *m)
{
    bool merged = m->nameless < s->nameless_counted && s->nameless_names[m->nameless] > NAMES_APART_MAX;
    uint32_t name = merged ? 0 : m->object.name;
    if (m->holder == HTRAIL__NO_MEMBER)
        return top_shape(s, &s->out->shapes, m, name, &m->shape);
    return step_shape(s, &s->out->shapes, s->members[m->holder].shape, m->object.holder_kind, m->object.holder_label, m, name, &m->shape);
}

/* The member with this id, its chain followed. */
htrail_status htrail__holders_resolve(htrail__holders_search *s, uint64_t id, uint32_t *out)
{
    htrail_status status = HTRAIL_OK;
    size_t depth = 0;
    uint32_t below = htrail__holders_find_member(s, id);

    if (below != HTRAIL__NO_MEMBER) {
        *out = below;
        return HTRAIL_OK;
    }
    for (uint64_t at = id; at != 0;) {
        htrail__found_object object;
        uint32_t known = htrail__holders_find_member(s, at), added;
        if (known != HTRAIL__NO_MEMBER) {
            below = known;
            break;
        }
        if ((status = htrail__lookup_object(s->lookup, at, &object)) != HTRAIL_OK ||
            (status = htrail__holders_add_member(s, &object, &added)) != HTRAIL_OK)
            return status;
        if (!htrail__grow(&s->stack, &s->stack_room, depth, sizeof *s->stack))
            return HTRAIL_E_NOMEM;
        s->stack[depth++] = added;
        at = object.holder;
    }
    for (size_t length = depth; depth-- > 0;) {
        htrail__holders_member *m = &s->members[s->stack[depth]];
        m->merged = depth >= APART_ENDS && depth + APART_ENDS < length;
        m->holder = m->object.holder == 0 ? HTRAIL__NO_MEMBER : below;
        status = give_nameless(s, m);
        if (status == HTRAIL_OK && s->names_counted)
            status = htrail__holders_give_shape(s, m);
        if (status != HTRAIL_OK)
            return status;
        below = s->stack[depth];
    }
    *out = below;
    return HTRAIL_OK;
}
