/* analyze/addresses.h - address in the target -> dense id, in the order of addition.
 *
 * One bit per 8 bytes of address space, kept in blocks of 1 KiB that a hash finds, and
 * a rank per block: 5 bytes an object on real heaps where a hash of addresses needs 24,
 * and one cache line a lookup. Memory is bounded by 64 bytes an object however the
 * addresses lie: nothing is sized by an address.
 *
 *     address  ..kkkkkkkkkkkkkk bbbbbbb lll     block key k, bit b, low bits l
 *     entry    [key: k and l][128 bits][rank of the first bit]
 *
 * Addresses that are no multiple of 8 (hostile files, 32-bit targets) are told apart by l
 * in the key and cost nothing where there are none.
 *
 * Order of calls: init, add for every object, freeze, then find. Added twice: DUPLICATE. */
#ifndef HTRAIL_ANALYZE_ADDRESSES_H
#define HTRAIL_ANALYZE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>

#define HTRAIL__NO_ID UINT32_MAX

typedef struct htrail__address_block {
    uint64_t key;
    uint64_t bits[2];
    uint32_t rank;
    uint16_t rank_high; /* bits set in bits[0] */
    uint16_t used;      /* 0: empty */
} htrail__address_block;

typedef struct htrail__addresses {
    htrail__address_block *blocks;
    size_t capacity, block_count; /* capacity is a power of two */
    uint64_t multiplier;          /* random and odd: no file can aim its addresses at one slot */
    uint32_t *ids;                /* by rank; after freeze */
    uint32_t count;
} htrail__addresses;

htrail_status htrail__addresses_init(htrail__addresses *map);
/* HTRAIL_OK: new. HTRAIL_END: was there. HTRAIL_E_NOMEM. */
htrail_status htrail__addresses_add(htrail__addresses *map, uint64_t address);
bool htrail__addresses_has(const htrail__addresses *map, uint64_t address);
/* addresses[i] gets the id i; they are those that were added, count of them. Or in two steps, so
 * that threads can share the second: rank, then place for every range of ids. */
htrail_status htrail__addresses_freeze(htrail__addresses *map, const uint64_t *addresses, size_t stride_bytes,
                                       uint32_t count);
htrail_status htrail__addresses_rank(htrail__addresses *map);
void htrail__addresses_place(htrail__addresses *map, const uint64_t *addresses, size_t stride_bytes, uint32_t first, uint32_t end);
void htrail__addresses_release(htrail__addresses *map);

/* Inline: the compiler's own is a call where the machine need not have the instruction. */
static inline uint32_t htrail__bit_count(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(bits * UINT64_C(0x0101010101010101) >> 56);
}

static inline uint64_t htrail__address_key(uint64_t address)
{
    return (address >> 10) << 3 | (address & 7);
}

/* Neighbouring blocks stay neighbours in the table: walks are local. */
static inline size_t htrail__address_slot(const htrail__addresses *map, uint64_t key)
{
    return (((key >> 6) * map->multiplier >> 32) + ((key & 7) << 5) + (key >> 3 & 7)) & (map->capacity - 1);
}

static inline const htrail__address_block *htrail__address_find_block(const htrail__addresses *map, uint64_t address)
{
    uint64_t key = htrail__address_key(address);
    for (size_t slot = htrail__address_slot(map, key);; slot = (slot + 1) & (map->capacity - 1)) {
        const htrail__address_block *block = &map->blocks[slot];
        if (!block->used)
            return NULL;
        if (block->key == key)
            return block;
    }
}

/* Objects before bit in the order of blocks and bits. */
static inline uint32_t htrail__address_rank_of(const htrail__address_block *block, unsigned bit)
{
    uint64_t below = block->bits[bit >> 6] & ((UINT64_C(1) << (bit & 63)) - 1);
    return block->rank + htrail__bit_count(below) + (bit >= 64 ? block->rank_high : 0);
}

/* Where find will look: for loops that know what comes. */
static inline void htrail__addresses_prefetch(const htrail__addresses *map, uint64_t address)
{
    __builtin_prefetch(&map->blocks[htrail__address_slot(map, htrail__address_key(address))]);
}

/* The place in ids, or HTRAIL__NO_ID. find in two steps, so that the second can be asked for ahead. */
static inline uint32_t htrail__addresses_find_rank(const htrail__addresses *map, uint64_t address)
{
    const htrail__address_block *block = htrail__address_find_block(map, address);
    unsigned bit = (unsigned)(address >> 3) & 127;
    if (block == NULL || !(block->bits[bit >> 6] >> (bit & 63) & 1))
        return HTRAIL__NO_ID;
    return htrail__address_rank_of(block, bit);
}

/* The id, or HTRAIL__NO_ID for an address that is no object of the snapshot. */
static inline uint32_t htrail__addresses_find(const htrail__addresses *map, uint64_t address)
{
    uint32_t rank = htrail__addresses_find_rank(map, address);
    return rank == HTRAIL__NO_ID ? HTRAIL__NO_ID : map->ids[rank];
}

#endif
