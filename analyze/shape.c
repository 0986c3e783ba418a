/* analyze/shape.c - see the header. */
#include "analyze/shape.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 1024 };

htrail_status htrail__shapes_init(htrail__shapes *shapes)
{
    *shapes = (htrail__shapes){.slot_count = FIRST_SLOTS, .fold_steps = HTRAIL__SHAPE_FOLD_STEPS};
    shapes->slots = malloc(FIRST_SLOTS * sizeof *shapes->slots);
    if (shapes->slots == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < FIRST_SLOTS; i++)
        shapes->slots[i] = HTRAIL__NO_SHAPE;
    return HTRAIL_OK;
}

static bool same_object(const htrail__shape *a, const htrail__shape *b)
{
    return a->root_kind == b->root_kind && a->type == b->type && a->name == b->name && a->module == b->module && a->object == b->object;
}

static bool same_step(const htrail__shape *a, const htrail__shape *b)
{
    return same_object(a, b) && a->ref_kind == b->ref_kind && a->label == b->label;
}

static bool is_exactly(const htrail__shape *shape, const htrail__shape *key) { return shape->parent == key->parent && same_step(shape, key); }

static uint32_t slot_of(const htrail__shapes *shapes, const htrail__shape *key)
{
    const uint32_t parts[] = {key->parent, key->root_kind, key->ref_kind, key->label, key->type, key->name, key->module, key->object};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash = (hash ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32) & (shapes->slot_count - 1);
}

/* The step above that key repeats: the same step, under the same kind of holder. */
static uint32_t repeated(htrail__shapes *shapes, const htrail__shape *key)
{
    uint32_t above = key->object != 0 ? HTRAIL__NO_SHAPE : key->parent;
    for (uint32_t steps = 0; steps < shapes->fold_steps && above != HTRAIL__NO_SHAPE; steps++) {
        const htrail__shape *at = &shapes->shapes[above];
        if (at->parent == HTRAIL__NO_SHAPE)
            break;
        if (same_step(at, key) && same_object(&shapes->shapes[key->parent], &shapes->shapes[at->parent]))
            return above;
        above = at->parent;
    }
    return HTRAIL__NO_SHAPE;
}

static htrail_status grow(htrail__shapes *shapes)
{
    if (shapes->count == shapes->room) {
        uint32_t room = shapes->room ? shapes->room * 2 : 256;
        htrail__shape *larger = room > shapes->room ? realloc(shapes->shapes, (size_t)room * sizeof *larger) : NULL;
        if (larger == NULL)
            return HTRAIL_E_NOMEM;
        shapes->shapes = larger;
        shapes->room = room;
    }
    if (shapes->count < shapes->slot_count)
        return HTRAIL_OK;
    uint32_t *slots = malloc((size_t)shapes->slot_count * 2 * sizeof *slots);
    if (slots == NULL)
        return HTRAIL_E_NOMEM;
    free(shapes->slots);
    shapes->slots = slots;
    shapes->slot_count *= 2;
    for (uint32_t i = 0; i < shapes->slot_count; i++)
        slots[i] = HTRAIL__NO_SHAPE;
    for (uint32_t i = 0; i < shapes->count; i++) {
        uint32_t slot = slot_of(shapes, &shapes->shapes[i]);
        shapes->shapes[i].next = slots[slot];
        slots[slot] = i;
    }
    return HTRAIL_OK;
}

htrail_status htrail__shapes_intern(htrail__shapes *shapes, const htrail__shape *key, uint32_t *out)
{
    if (shapes->guess < shapes->count && is_exactly(&shapes->shapes[shapes->guess], key)) {
        *out = shapes->guess++;
        return HTRAIL_OK;
    }
    uint32_t slot = slot_of(shapes, key);
    for (uint32_t at = shapes->slots[slot]; at != HTRAIL__NO_SHAPE; at = shapes->shapes[at].next) {
        if (is_exactly(&shapes->shapes[at], key)) {
            *out = at;
            shapes->guess = at < shapes->guess ? shapes->guess : at + 1;
            return HTRAIL_OK;
        }
    }
    uint32_t above = repeated(shapes, key);
    if (above != HTRAIL__NO_SHAPE) {
        shapes->shapes[above].folded = true;
        *out = above;
        return HTRAIL_OK;
    }
    htrail_status status = grow(shapes);
    if (status != HTRAIL_OK)
        return status;
    slot = slot_of(shapes, key);
    shapes->shapes[shapes->count] = *key;
    shapes->shapes[shapes->count].folded = false;
    shapes->shapes[shapes->count].next = shapes->slots[slot];
    shapes->slots[slot] = shapes->count;
    *out = shapes->count++;
    return HTRAIL_OK;
}

bool htrail__shapes_is_below(const htrail__shapes *shapes, uint32_t shape, uint32_t ancestor)
{
    /* A parent has the smaller number. */
    while (shape != HTRAIL__NO_SHAPE && shape > ancestor)
        shape = shapes->shapes[shape].parent;
    return shape == ancestor;
}

void htrail__shapes_release(htrail__shapes *shapes)
{
    free(shapes->shapes);
    free(shapes->slots);
    *shapes = (htrail__shapes){0};
}
