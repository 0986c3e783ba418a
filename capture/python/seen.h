/* seen.h - which addresses the walk has met: two bits for each 16 bytes of address
 * space, in regions of 1 MiB that are mapped when an address in them comes first.
 *
 *     address  47        34 33        20 19          4 3  0
 *              [ top      ] [ middle   ] [ granule   ] [  ]
 *               table[2^14]  table[2^14]  2 bits of 16 KiB
 *
 * No object is shorter than 16 bytes, so no two begin in the same granule and a
 * granule's bits belong to one object, although some static objects begin at its
 * middle. Memory: 1/64 of the heap touched, and 128 KiB of tables for each 16 GiB. */
#ifndef HTRAIL_SEEN_H
#define HTRAIL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEN_REGION_SHIFT = 20,
    SEEN_MIDDLE_SHIFT = 34,
    SEEN_ADDRESS_BITS = 48,
    SEEN_REGION_WORDS = 2048,
    SEEN_TABLE_ENTRIES = 1 << 14
};

/* What the two bits of an object say. */
enum {
    SEEN_MET = 1,  /* it is, or is about to be, in the file */
    SEEN_NOTED = 2 /* a string: its name is written. A type: its row is written.
                      Anything else without MET: it was put off and is to be added later */
};

typedef struct htrail__seen {
    uint64_t ***top;      /* SEEN_TABLE_ENTRIES pointers to middle tables */
    uint64_t *lost;       /* a region for addresses that have none: no memory, or beyond 48 bits */
    uint8_t *spare;       /* mapped and not yet handed out */
    size_t spare_bytes;
    uint64_t mapped_bytes; /* all memory held */
    bool failed;          /* memory ran out: what went to `lost` is unknown */
} htrail__seen;

bool htrail__seen_init(htrail__seen *seen);
void htrail__seen_release(htrail__seen *seen);
uint64_t *htrail__seen_region(htrail__seen *seen, uintptr_t address); /* maps it; never NULL */

/* The word that holds an address's bits; *shift is where they are in it. */
static inline uint64_t *htrail__seen_word(htrail__seen *seen, uintptr_t address, unsigned *shift)
{
    uint64_t *region = NULL;
    if (address >> SEEN_ADDRESS_BITS == 0) {
        uint64_t **middle = seen->top[address >> SEEN_MIDDLE_SHIFT];
        if (middle)
            region = middle[address >> SEEN_REGION_SHIFT & (SEEN_TABLE_ENTRIES - 1)];
    }
    if (__builtin_expect(region == NULL, 0))
        region = htrail__seen_region(seen, address);
    unsigned granule = (unsigned)(address >> 4) & 0xffff;
    *shift = (granule & 31) * 2;
    return &region[granule >> 5];
}

/* The bits of an address, without mapping anything for it. */
static inline unsigned htrail__seen_bits(const htrail__seen *seen, uintptr_t address)
{
    if (address >> SEEN_ADDRESS_BITS != 0 || !seen->top[address >> SEEN_MIDDLE_SHIFT])
        return 0;
    const uint64_t *region = seen->top[address >> SEEN_MIDDLE_SHIFT][address >> SEEN_REGION_SHIFT & (SEEN_TABLE_ENTRIES - 1)];
    unsigned granule = (unsigned)(address >> 4) & 0xffff;
    return region ? (unsigned)(region[granule >> 5] >> (granule & 31) * 2) & 3 : 0;
}

/* Set bits; returns those that were set before. */
static inline unsigned htrail__seen_set(htrail__seen *seen, uintptr_t address, unsigned bits)
{
    unsigned shift;
    uint64_t *word = htrail__seen_word(seen, address, &shift);
    unsigned before = (unsigned)(*word >> shift) & 3;
    *word |= (uint64_t)bits << shift;
    return before;
}

/* True if some granule of the 4 KiB page at address has been met: then the page can be read. */
bool htrail__seen_page(const htrail__seen *seen, uintptr_t address);

/* The next granule at or after *position that is NOTED and not MET, as its address
 * (a multiple of 16); 0 at the end. *position starts at 0. */
uintptr_t htrail__seen_next_noted(const htrail__seen *seen, uint64_t *position);

#endif
