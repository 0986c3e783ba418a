/* analyze/texts.c - see the header. */
#include "analyze/texts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

enum { INITIAL_SLOTS = 1 << 10, INITIAL_TEXTS = 256, INITIAL_BYTES = 4096 };

static uint32_t hash_of(htrail_str text)
{
    uint64_t hash = text.len * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = 0;
    for (uint64_t word; i + 8 <= text.len; i += 8) {
        memcpy(&word, text.data + i, 8);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    for (; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
    return (uint32_t)(hash ^ hash >> 32);
}

htrail_str htrail__texts_get(const htrail__texts *texts, uint32_t number)
{
    return (htrail_str){texts->bytes + texts->starts[number], (size_t)(texts->starts[number + 1] - texts->starts[number])};
}

static uint32_t *slot_for(const htrail__texts *texts, htrail_str text, uint32_t hash)
{
    for (size_t slot = hash & (texts->slot_count - 1);; slot = (slot + 1) & (texts->slot_count - 1)) {
        uint32_t *at = &texts->slots[slot];
        if (*at == 0)
            return at;
        if (texts->hashes[*at - 1] == hash) {
            htrail_str other = htrail__texts_get(texts, *at - 1);
            if (other.len == text.len && (text.len == 0 || memcmp(other.data, text.data, text.len) == 0))
                return at;
        }
    }
}

static htrail_status grow_slots(htrail__texts *texts)
{
    size_t count = texts->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return HTRAIL_E_NOMEM;
    for (uint32_t i = 0; i < texts->count; i++) {
        size_t slot = texts->hashes[i] & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = i + 1;
    }
    free(texts->slots);
    texts->slots = slots;
    texts->slot_count = count;
    return HTRAIL_OK;
}

static htrail_status reserve(htrail__texts *texts, size_t len)
{
    if (len > texts->bytes_max - texts->used)
        return HTRAIL_E_LIMIT;
    if (len > texts->capacity - texts->used) {
        size_t capacity = texts->capacity * 2;
        if (capacity < texts->used + len)
            capacity = texts->used + len;
        char *bytes = realloc(texts->bytes, capacity);
        if (bytes == NULL)
            return HTRAIL_E_NOMEM;
        texts->bytes = bytes;
        texts->capacity = capacity;
    }
    if (texts->count == texts->room) {
        if (texts->room > UINT32_MAX / 2 - 1)
            return HTRAIL_E_LIMIT;
        uint32_t room = texts->room * 2;
        uint64_t *starts = realloc(texts->starts, ((size_t)room + 1) * sizeof *starts);
        if (starts == NULL)
            return HTRAIL_E_NOMEM;
        texts->starts = starts;
        uint32_t *hashes = realloc(texts->hashes, (size_t)room * sizeof *hashes);
        if (hashes == NULL)
            return HTRAIL_E_NOMEM;
        texts->hashes = hashes;
        texts->room = room;
    }
    return texts->count >= texts->slot_count / 2 ? grow_slots(texts) : HTRAIL_OK;
}

static htrail_status add_clean(htrail__texts *texts, htrail_str text, uint32_t *number)
{
    uint32_t hash = hash_of(text);
    uint32_t *slot = slot_for(texts, text, hash);
    if (*slot == 0) {
        htrail_status status = reserve(texts, text.len);
        if (status != HTRAIL_OK)
            return status;
        slot = slot_for(texts, text, hash);
        if (text.len > 0)
            memcpy(texts->bytes + texts->used, text.data, text.len);
        texts->used += text.len;
        texts->hashes[texts->count] = hash;
        *slot = ++texts->count;
        texts->starts[texts->count] = texts->used;
    }
    *number = *slot - 1;
    return HTRAIL_OK;
}

htrail_status htrail__texts_add(htrail__texts *texts, htrail_str text, uint32_t *number)
{
    htrail_status status;
    char *escaped;

    if (htrail__utf8_is_clean(text))
        return add_clean(texts, text, number);
    if (text.len > texts->bytes_max / HTRAIL__UTF8_ESCAPED_BYTES)
        return HTRAIL_E_LIMIT;
    escaped = malloc(text.len * HTRAIL__UTF8_ESCAPED_BYTES);
    if (escaped == NULL)
        return HTRAIL_E_NOMEM;
    status = add_clean(texts, (htrail_str){escaped, htrail__utf8_escape(escaped, text)}, number);
    free(escaped);
    return status;
}

htrail_status htrail__texts_find(const htrail__texts *texts, htrail_str text, uint32_t *number)
{
    uint32_t slot = *slot_for(texts, text, hash_of(text));
    if (slot == 0)
        return HTRAIL_E_NOT_FOUND;
    *number = slot - 1;
    return HTRAIL_OK;
}

htrail_status htrail__texts_init(htrail__texts *texts, size_t bytes_max)
{
    uint32_t number;
    *texts = (htrail__texts){.capacity = INITIAL_BYTES, .room = INITIAL_TEXTS, .slot_count = INITIAL_SLOTS, .bytes_max = bytes_max};
    texts->bytes = malloc(texts->capacity);
    texts->starts = calloc((size_t)texts->room + 1, sizeof *texts->starts);
    texts->hashes = malloc((size_t)texts->room * sizeof *texts->hashes);
    texts->slots = calloc(texts->slot_count, sizeof *texts->slots);
    if (texts->bytes == NULL || texts->starts == NULL || texts->hashes == NULL || texts->slots == NULL)
        return HTRAIL_E_NOMEM;
    return htrail__texts_add(texts, (htrail_str){"", 0}, &number);
}

void htrail__texts_release(htrail__texts *texts)
{
    free(texts->bytes);
    free(texts->starts);
    free(texts->hashes);
    free(texts->slots);
    *texts = (htrail__texts){0};
}
