/* analyze/addresses.c - see the header. */
#include "analyze/addresses.h"

#include <sys/random.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"

enum { INITIAL_CAPACITY = 1 << 12, PREFETCH = 16 };

htrail_status htrail__addresses_init(htrail__addresses *map)
{
    *map = (htrail__addresses){.capacity = INITIAL_CAPACITY, .multiplier = UINT64_C(0x9e3779b97f4a7c15)};
    uint64_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) == (ssize_t)sizeof random)
        map->multiplier = random | 1;
    map->blocks = htrail__mapping_new(map->capacity, sizeof *map->blocks);
    return map->blocks == NULL ? HTRAIL_E_NOMEM : HTRAIL_OK;
}

static htrail__address_block *block_for(htrail__addresses *map, uint64_t key)
{
    size_t slot = htrail__address_slot(map, key);
    while (map->blocks[slot].used && map->blocks[slot].key != key)
        slot = (slot + 1) & (map->capacity - 1);
    return &map->blocks[slot];
}

static htrail_status grow(htrail__addresses *map)
{
    htrail__addresses larger = *map;
    if (map->capacity > SIZE_MAX / 2 / sizeof *map->blocks)
        return HTRAIL_E_NOMEM;
    larger.capacity = map->capacity * 2;
    larger.blocks = htrail__mapping_new(larger.capacity, sizeof *larger.blocks);
    if (larger.blocks == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->blocks[i].used)
            *block_for(&larger, map->blocks[i].key) = map->blocks[i];
    htrail__mapping_free(map->blocks);
    *map = larger;
    return HTRAIL_OK;
}

htrail_status htrail__addresses_add(htrail__addresses *map, uint64_t address)
{
    uint64_t key = htrail__address_key(address);
    htrail__address_block *block = block_for(map, key);
    unsigned bit = (unsigned)(address >> 3) & 127;

    if (!block->used) {
        if (map->block_count >= map->capacity / 2) {
            htrail_status status = grow(map);
            if (status != HTRAIL_OK)
                return status;
            block = block_for(map, key);
        }
        block->used = 1;
        block->key = key;
        map->block_count++;
    }
    if (block->bits[bit >> 6] >> (bit & 63) & 1)
        return HTRAIL_END;
    block->bits[bit >> 6] |= UINT64_C(1) << (bit & 63);
    map->count++;
    return HTRAIL_OK;
}

bool htrail__addresses_has(const htrail__addresses *map, uint64_t address)
{
    const htrail__address_block *block = htrail__address_find_block(map, address);
    unsigned bit = (unsigned)(address >> 3) & 127;
    return block != NULL && (block->bits[bit >> 6] >> (bit & 63) & 1);
}

htrail_status htrail__addresses_rank(htrail__addresses *map)
{
    uint32_t rank = 0;
    map->ids = htrail__mapping_new(map->count, sizeof *map->ids);
    if (map->ids == NULL)
        return HTRAIL_E_NOMEM;
    for (size_t i = 0; i < map->capacity; i++) {
        htrail__address_block *block = &map->blocks[i];
        if (!block->used)
            continue;
        block->rank = rank;
        block->rank_high = (uint16_t)htrail__bit_count(block->bits[0]);
        rank += block->rank_high + htrail__bit_count(block->bits[1]);
    }
    return HTRAIL_OK;
}

/* The ranks' places hold nothing yet: found as find does, without reading ids. */
void htrail__addresses_place(htrail__addresses *map, const uint64_t *addresses, size_t stride_bytes, uint32_t first, uint32_t end)
{
    const char *at = (const char *)addresses + first * stride_bytes;
    for (uint32_t id = first; id < end; id++, at += stride_bytes) {
        uint64_t address = *(const uint64_t *)at;
        htrail__resident_step(id);
        if (end - id > PREFETCH)
            htrail__addresses_prefetch(map, *(const uint64_t *)(at + PREFETCH * stride_bytes));
        const htrail__address_block *block = htrail__address_find_block(map, address);
        map->ids[htrail__address_rank_of(block, (unsigned)(address >> 3) & 127)] = id;
    }
}

htrail_status htrail__addresses_freeze(htrail__addresses *map, const uint64_t *addresses, size_t stride_bytes, uint32_t count)
{
    htrail_status status = htrail__addresses_rank(map);
    if (status == HTRAIL_OK)
        htrail__addresses_place(map, addresses, stride_bytes, 0, count);
    return status;
}

void htrail__addresses_release(htrail__addresses *map)
{
    htrail__mapping_free(map->blocks);
    htrail__mapping_free(map->ids);
    *map = (htrail__addresses){0};
}
