/* analyze/waste_containers.c - containers without an item, and those with more room than their items need. */
#include "analyze/waste_build.h"

/* All tables are powers of two. A dict's: indices, then entries of three words, since 3.11 of two where all keys are str. */
enum { BITS_MIN = 3, BITS_MAX = 40, WORDS_MIN = 2, WORDS_MAX = 3, TABLE_HEAD = 40, TABLE_HEAD_311 = 32, SET_ITEMS_WITHIN = 5, SET_ENTRY_BYTES = 16 };

typedef struct layout {
    int words_min; /* past WORDS_MAX: this interpreter's tables are not known */
    int64_t bytes[WORDS_MAX + 1][BITS_MAX + 1];
} layout;

static int64_t slots_of(int bits) { return (INT64_C(2) << bits) / 3; }

static void fill(layout *l, unsigned major, unsigned minor)
{
    bool is_compact = major == 3 && minor >= 6, has_words = major == 3 && minor >= 11;
    l->words_min = !is_compact ? WORDS_MAX + 1 : has_words ? 2 : 3;
    for (int words = WORDS_MIN; words <= WORDS_MAX; words++)
        for (int bits = BITS_MIN; bits <= BITS_MAX; bits++)
            l->bytes[words][bits] = (has_words ? TABLE_HEAD_311 : TABLE_HEAD) + (INT64_C(1) << bits) * (bits < 8 ? 1 : bits < 16 ? 2 : bits < 32 ? 4 : 8) + slots_of(bits) * 8 * words;
}

static htrail_status add_room(htrail__waste *w, uint32_t id, int64_t need)
{
    int64_t size = w->objects[id].size;
    htrail__waste_kind kind = need * 4 <= size ? HTRAIL__WASTE_NEARLY_EMPTY : HTRAIL__WASTE_OVER_ALLOCATED;
    return need < size || kind == HTRAIL__WASTE_NEARLY_EMPTY ? htrail__waste_add(w, kind, id, size, size - need) : HTRAIL_OK;
}

/* A table of the same words in each entry, as small as its items allow. */
static htrail_status add_dict(htrail__waste *w, const layout *l, uint32_t id, int64_t base)
{
    const htrail__waste_object *o = &w->objects[id];
    htrail_status status = HTRAIL_OK;
    for (int words = l->words_min; words <= WORDS_MAX; words++) {
        int is = BITS_MIN, least = BITS_MIN;
        while (is <= BITS_MAX && l->bytes[words][is] != o->size - base)
            is++;
        while (least <= BITS_MAX && slots_of(least) < o->length)
            least++;
        if (is <= BITS_MAX && least <= BITS_MAX && status == HTRAIL_OK)
            status = add_room(w, id, base + l->bytes[words][least]);
    }
    return status;
}

static htrail_status add_set(htrail__waste *w, uint32_t id)
{
    int64_t length = w->objects[id].length;
    int bits = BITS_MIN;
    if (length < SET_ITEMS_WITHIN)
        return add_room(w, id, w->set_base);
    while (bits <= BITS_MAX && INT64_C(1) << bits <= 2 * length)
        bits++;
    return bits > BITS_MAX ? HTRAIL_OK : add_room(w, id, w->set_base + (SET_ENTRY_BYTES << (int64_t)bits));
}

static htrail_status add_container(htrail__waste *w, const layout *l, uint32_t id)
{
    const htrail__waste_object *o = &w->objects[id];
    const htrail__waste_type *type = htrail__waste_type_at(w, o->type);
    if (!htrail__waste_is_known(o->length))
        return HTRAIL_OK;
    if (o->length == 0)
        return type->container == HTRAIL__WASTE_FROZENSET ? HTRAIL_OK : htrail__waste_add(w, HTRAIL__WASTE_EMPTY, id, o->size, o->size);
    switch (o->length < 0 ? HTRAIL__WASTE_OTHER : type->container) {
    case HTRAIL__WASTE_LIST: return htrail__waste_is_known(w->list_base) ? add_room(w, id, w->list_base + 8 * o->length) : HTRAIL_OK;
    case HTRAIL__WASTE_BYTEARRAY: return add_room(w, id, type->basic_size + o->length + 1);
    case HTRAIL__WASTE_SET:
    case HTRAIL__WASTE_FROZENSET: return htrail__waste_is_known(w->set_base) ? add_set(w, id) : HTRAIL_OK;
    case HTRAIL__WASTE_DICT: return htrail__waste_is_known(w->list_head) ? add_dict(w, l, id, type->basic_size + w->list_head) : HTRAIL_OK;
    case HTRAIL__WASTE_OTHER: break;
    }
    return HTRAIL_OK;
}

htrail_status htrail__waste_find_containers(htrail__waste *w, unsigned major, unsigned minor)
{
    layout l = {0};
    htrail_status status = HTRAIL_OK;
    fill(&l, major, minor);
    for (uint32_t i = 0; i < w->containers.count && status == HTRAIL_OK; i++)
        status = add_container(w, &l, w->containers.ids[i]);
    return status;
}
