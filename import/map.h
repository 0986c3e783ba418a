/* import/map.h - 64-bit keys to 32-bit numbers. The hash is salted, so that no file can put all its keys in one place. */
#ifndef HTRAIL_IMPORT_MAP_H
#define HTRAIL_IMPORT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTRAIL__MAP_NONE UINT32_MAX

typedef struct htrail__map {
    struct htrail__map_entry { uint64_t key; uint32_t value; bool is_used; } *entries;
    size_t used, cap;
    uint64_t salt;
} htrail__map;

void htrail__map_init(htrail__map *map);
void htrail__map_release(htrail__map *map);
/* The place of the key's number; a new key has HTRAIL__MAP_NONE. NULL: out of memory. Valid until the next put. */
uint32_t *htrail__map_put(htrail__map *map, uint64_t key);
/* HTRAIL__MAP_NONE: it is not there. */
uint32_t htrail__map_get(const htrail__map *map, uint64_t key);

#endif
