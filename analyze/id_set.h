/* analyze/id_set.h - a set of objects, by their ids: a bit each.
 *
 * Begins as all zero; release frees it, on failure too. */
#ifndef HTRAIL_ANALYZE_ID_SET_H
#define HTRAIL_ANALYZE_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

typedef struct htrail__id_set {
    uint64_t *words;
    size_t word_count;
    uint64_t count;
} htrail__id_set;

HTRAIL_MUST_CHECK htrail_status htrail__id_set_add(htrail__id_set *set, uint64_t id);
void htrail__id_set_release(htrail__id_set *set);

static inline bool htrail__id_set_has(const htrail__id_set *set, uint64_t id)
{
    return id >> 6 < set->word_count && (set->words[id >> 6] >> (id & 63) & 1);
}

#endif
