/* analyze/key_set.h - keys of a few numbers each, every one once: key -> number, number -> key.
 *
 * Numbers run from 0 in the order of first addition. What analyze/texts.h is for texts. Begins as {.width = N};
 * release frees it, on failure too. */
#ifndef HTRAIL_ANALYZE_KEY_SET_H
#define HTRAIL_ANALYZE_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__key_set {
    size_t width; /* numbers in a key */
    uint64_t *keys;
    uint32_t count;
    size_t room;
    uint32_t *slots; /* number + 1, 0 empty */
    size_t slot_count;
} htrail__key_set;

/* key: width of them, copied. *is_new may be NULL. HTRAIL_E_NOMEM, HTRAIL_E_LIMIT: 2^32 of them. */
HTRAIL_MUST_CHECK htrail_status htrail__key_set_add(htrail__key_set *set, const uint64_t *key, uint32_t *number, bool *is_new);
static inline const uint64_t *htrail__key_set_get(const htrail__key_set *set, uint32_t number) { return set->keys + number * set->width; }
void htrail__key_set_release(htrail__key_set *set);

#endif
