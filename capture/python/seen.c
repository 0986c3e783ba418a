/* seen.c - the bits of what was met; see seen.h. */
#include "capture/python/seen.h"

#include <sys/mman.h>

enum { REGION_BYTES = SEEN_REGION_WORDS * 8, SLAB_BYTES = 64 * REGION_BYTES };

static void *map(htrail__seen *seen, size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    seen->mapped_bytes += bytes;
    return p;
}

bool htrail__seen_init(htrail__seen *seen)
{
    *seen = (htrail__seen){0};
    seen->top = map(seen, SEEN_TABLE_ENTRIES * sizeof *seen->top);
    seen->lost = map(seen, REGION_BYTES);
    if (seen->top && seen->lost)
        return true;
    htrail__seen_release(seen);
    return false;
}

void htrail__seen_release(htrail__seen *seen)
{
    for (size_t i = 0; seen->top && i < SEEN_TABLE_ENTRIES; i++) {
        uint64_t **middle = seen->top[i];
        for (size_t j = 0; middle && j < SEEN_TABLE_ENTRIES; j++)
            if (middle[j])
                munmap(middle[j], REGION_BYTES);
        if (middle)
            munmap(middle, SEEN_TABLE_ENTRIES * sizeof *middle);
    }
    if (seen->spare_bytes)
        munmap(seen->spare, seen->spare_bytes);
    if (seen->lost)
        munmap(seen->lost, REGION_BYTES);
    if (seen->top)
        munmap(seen->top, SEEN_TABLE_ENTRIES * sizeof *seen->top);
    *seen = (htrail__seen){0};
}

uint64_t *htrail__seen_region(htrail__seen *seen, uintptr_t address)
{
    if (address >> SEEN_ADDRESS_BITS != 0) {
        seen->failed = true;
        return seen->lost;
    }
    uint64_t ***middle = &seen->top[address >> SEEN_MIDDLE_SHIFT];
    if (!*middle && !(*middle = map(seen, SEEN_TABLE_ENTRIES * sizeof **middle))) {
        seen->failed = true;
        return seen->lost;
    }
    uint64_t **region = &(*middle)[address >> SEEN_REGION_SHIFT & (SEEN_TABLE_ENTRIES - 1)];
    if (*region)
        return *region;
    if (!seen->spare_bytes) {
        seen->spare = map(seen, SLAB_BYTES);
        if (!seen->spare) {
            seen->failed = true;
            return seen->lost;
        }
        seen->spare_bytes = SLAB_BYTES;
    }
    *region = (uint64_t *)(void *)seen->spare;
    seen->spare += REGION_BYTES;
    seen->spare_bytes -= REGION_BYTES;
    return *region;
}

bool htrail__seen_page(const htrail__seen *seen, uintptr_t address)
{
    if (address >> SEEN_ADDRESS_BITS != 0 || !seen->top[address >> SEEN_MIDDLE_SHIFT])
        return false;
    const uint64_t *region = seen->top[address >> SEEN_MIDDLE_SHIFT][address >> SEEN_REGION_SHIFT & (SEEN_TABLE_ENTRIES - 1)];
    if (!region)
        return false;
    const uint64_t *page = region + ((address & 0xff000) >> 9); /* 256 granules, 8 words */
    for (int i = 0; i < 8; i++)
        if (page[i] & 0x5555555555555555)
            return true;
    return false;
}

uintptr_t htrail__seen_next_noted(const htrail__seen *seen, uint64_t *position)
{
    uint64_t granule = *position; /* the address / 16 */
    while (granule < (uint64_t)1 << (SEEN_ADDRESS_BITS - 4)) {
        uint64_t **middle = seen->top[granule >> (SEEN_MIDDLE_SHIFT - 4)];
        if (!middle) {
            granule = ((granule >> (SEEN_MIDDLE_SHIFT - 4)) + 1) << (SEEN_MIDDLE_SHIFT - 4);
            continue;
        }
        const uint64_t *region = middle[granule >> (SEEN_REGION_SHIFT - 4) & (SEEN_TABLE_ENTRIES - 1)];
        if (!region) {
            granule = ((granule >> (SEEN_REGION_SHIFT - 4)) + 1) << (SEEN_REGION_SHIFT - 4);
            continue;
        }
        uint64_t word = region[granule >> 5 & (SEEN_REGION_WORDS - 1)];
        uint64_t noted = word >> 1 & ~word & 0x5555555555555555 & ~(uint64_t)0 << (granule & 31) * 2;
        if (noted) {
            granule = (granule & ~(uint64_t)31) + (unsigned)__builtin_ctzll(noted) / 2;
            *position = granule + 1;
            return (uintptr_t)(granule << 4);
        }
        granule = (granule | 31) + 1;
    }
    *position = granule;
    return 0;
}
