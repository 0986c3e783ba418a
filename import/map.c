/* import/map.c - see the header. Open addressing, at most half full. */
#include "import/map.h"

#include <stdlib.h>
#include <sys/random.h>

enum { CAP_MIN = 64 };

void htrail__map_init(htrail__map *map)
{
    *map = (htrail__map){0};
    if (getrandom(&map->salt, sizeof map->salt, GRND_NONBLOCK) != sizeof map->salt)
        map->salt = 0x9e3779b97f4a7c15;
}

void htrail__map_release(htrail__map *map)
{
    free(map->entries);
    map->entries = NULL;
    map->used = map->cap = 0;
}

static size_t slot_of(const htrail__map *map, uint64_t key)
{
    uint64_t mixed = (key ^ map->salt) * 0x9e3779b97f4a7c15;
    size_t at = (mixed ^ mixed >> 32) & (map->cap - 1);
    while (map->entries[at].is_used && map->entries[at].key != key)
        at = (at + 1) & (map->cap - 1);
    return at;
}

static bool grow(htrail__map *map)
{
    htrail__map larger = {.cap = map->cap ? map->cap * 2 : CAP_MIN, .used = map->used, .salt = map->salt};
    larger.entries = calloc(larger.cap, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->cap; i++)
        if (map->entries[i].is_used)
            larger.entries[slot_of(&larger, map->entries[i].key)] = map->entries[i];
    free(map->entries);
    *map = larger;
    return true;
}

uint32_t *htrail__map_put(htrail__map *map, uint64_t key)
{
    if (map->used >= map->cap / 2 && !grow(map))
        return NULL;
    size_t at = slot_of(map, key);
    if (!map->entries[at].is_used) {
        map->entries[at] = (struct htrail__map_entry){.key = key, .value = HTRAIL__MAP_NONE, .is_used = true};
        map->used++;
    }
    return &map->entries[at].value;
}

uint32_t htrail__map_get(const htrail__map *map, uint64_t key)
{
    if (map->cap == 0)
        return HTRAIL__MAP_NONE;
    size_t at = slot_of(map, key);
    return map->entries[at].is_used ? map->entries[at].value : HTRAIL__MAP_NONE;
}
