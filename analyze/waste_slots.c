/* analyze/waste_slots.c - instances that would be smaller if their class had __slots__. */
#include "analyze/waste_build.h"

#include <stdlib.h>

/* What every object begins with; and what a class statement adds: a word for a dict and one for weak references. */
enum { OBJECT_BYTES = 16, WORD_BYTES = 8, PLAIN_BYTES = OBJECT_BYTES + 2 * WORD_BYTES };

typedef struct of_type {
    uint32_t names, slots;
    bool is_inline;
} of_type;

/* How many names the attributes of each class have; past the most that slots are thought of it does not matter. */
static htrail_status count_names(htrail__waste *w, of_type *types)
{
    htrail__key_set names = {.width = 2}, slots = {.width = 2};
    htrail_status status = HTRAIL_OK;
    for (uint32_t i = 0; i < w->attributes.count && status == HTRAIL_OK; i++) {
        const uint64_t *key = htrail__key_set_get(&w->attributes, i);
        uint32_t type = (uint32_t)key[0], code = (uint32_t)key[1], text, number;
        bool is_new;
        if (type >= w->type_count || types[type].names > HTRAIL__WASTE_SLOTS_MAX)
            continue;
        if ((status = htrail__waste_label(w, code, &text)) != HTRAIL_OK)
            break;
        const uint64_t name[] = {type, text};
        if ((status = htrail__key_set_add(&names, name, &number, &is_new)) != HTRAIL_OK)
            break;
        types[type].names += is_new;
        types[type].is_inline |= key[1] >> HTRAIL__WASTE_INLINE_SHIFT != 0;
        if (htrail__waste_ref_kind(code) == HTRAIL_REF_SLOT && (status = htrail__key_set_add(&slots, name, &number, &is_new)) == HTRAIL_OK)
            types[type].slots += is_new;
    }
    if (status == HTRAIL_E_NOMEM || status == HTRAIL_E_LIMIT)
        htrail__waste_fail(w, status, NULL);
    htrail__key_set_release(&names);
    htrail__key_set_release(&slots);
    return status;
}

static htrail_status add_instance(htrail__waste *w, const of_type *types, uint32_t number)
{
    uint32_t id = w->instances.ids[number];
    const htrail__waste_object *o = &w->objects[id], *dict = htrail__waste_object_at(w, w->dicts[number]);
    const of_type *of = o->type < w->type_count ? &types[o->type] : NULL;
    if (of == NULL || of->names == 0 || of->names > HTRAIL__WASTE_SLOTS_MAX || w->types[o->type].basic_size - WORD_BYTES * (int64_t)of->slots > PLAIN_BYTES ||
        (dict == NULL && !of->is_inline))
        return HTRAIL_OK;
    int64_t need = w->list_head + OBJECT_BYTES + WORD_BYTES * (int64_t)(dict != NULL ? of->names : of->slots), size = o->size + (dict == NULL ? 0 : dict->size);
    return size > need ? htrail__waste_add(w, HTRAIL__WASTE_SLOTS, id, size, size - need) : HTRAIL_OK;
}

htrail_status htrail__waste_find_slots(htrail__waste *w)
{
    of_type *types = calloc((size_t)w->type_count + 1, sizeof *types);
    htrail_status status = types == NULL ? htrail__waste_fail(w, HTRAIL_E_NOMEM, NULL) : count_names(w, types);
    for (uint32_t i = 0; htrail__waste_is_known(w->list_head) && i < w->instances.count && status == HTRAIL_OK; i++)
        status = add_instance(w, types, i);
    free(types);
    return status;
}
