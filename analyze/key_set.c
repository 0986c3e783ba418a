/* analyze/key_set.c - see the header. */
#include "analyze/key_set.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"

enum { FIRST_SLOTS = 1024 };

static size_t hash_of(const uint64_t *key, size_t width)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < width; i++) {
        hash = (hash ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (size_t)hash;
}

static bool make_slots(htrail__key_set *set)
{
    size_t count = set->slot_count ? set->slot_count * 2 : FIRST_SLOTS;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < set->count; i++) {
        size_t at = hash_of(htrail__key_set_get(set, i), set->width) & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
    return true;
}

htrail_status htrail__key_set_add(htrail__key_set *set, const uint64_t *key, uint32_t *number, bool *is_new)
{
    size_t bytes = set->width * sizeof *key;
    if (set->count == UINT32_MAX - 1)
        return HTRAIL_E_LIMIT;
    if (2 * (size_t)set->count >= set->slot_count && !make_slots(set))
        return HTRAIL_E_NOMEM;
    size_t at = hash_of(key, set->width) & (set->slot_count - 1);
    while (set->slots[at] != 0 && memcmp(htrail__key_set_get(set, set->slots[at] - 1), key, bytes) != 0)
        at = (at + 1) & (set->slot_count - 1);
    if (is_new != NULL)
        *is_new = set->slots[at] == 0;
    if (set->slots[at] == 0) {
        if (!htrail__grow(&set->keys, &set->room, set->count, bytes))
            return HTRAIL_E_NOMEM;
        memcpy(set->keys + set->count * set->width, key, bytes);
        set->slots[at] = ++set->count;
    }
    *number = set->slots[at] - 1;
    return HTRAIL_OK;
}

void htrail__key_set_release(htrail__key_set *set)
{
    free(set->keys);
    free(set->slots);
    *set = (htrail__key_set){.width = set->width};
}
