/* Addresses to dense ids. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "analyze/addresses.h"

static uint64_t state = 1;
static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

Test(addresses, every_address_gets_the_number_of_its_addition)
{
    enum { COUNT = 200000 };
    uint64_t *all = malloc(COUNT * sizeof *all);
    htrail__addresses map;
    uint32_t count = 0, twice = 0;

    cr_assert_eq(htrail__addresses_init(&map), HTRAIL_OK);
    for (int i = 0; i < COUNT; i++) {
        /* Dense heaps, scattered ones, odd addresses, the ends of the address space. */
        uint64_t address = i % 4 == 0 ? random64() : i % 4 == 1 ? 0x7f0000000000 + random64() % (COUNT * 16) * 2
                         : i % 4 == 2 ? 0x7f0000000000 + 16 * (uint64_t)i : random64() % 4096;
        if (i < 2)
            address = i == 0 ? 0 : UINT64_MAX;
        htrail_status status = htrail__addresses_add(&map, address);
        twice += status == HTRAIL_END;
        if (status == HTRAIL_OK)
            all[count++] = address;
    }
    cr_assert_gt(twice, 0);
    cr_assert_eq(map.count, count);
    cr_assert_eq(htrail__addresses_freeze(&map, all, sizeof *all, count), HTRAIL_OK);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(htrail__addresses_find(&map, all[i]), i, "address %lx", (unsigned long)all[i]);
    htrail__addresses_release(&map);
    free(all);
}

Test(addresses, what_was_not_added_is_not_found)
{
    htrail__addresses map;
    uint64_t one = 0x7f0000001000;
    cr_assert_eq(htrail__addresses_init(&map), HTRAIL_OK);
    cr_assert_eq(htrail__addresses_add(&map, one), HTRAIL_OK);
    cr_assert_eq(htrail__addresses_add(&map, one), HTRAIL_END);
    cr_assert_eq(htrail__addresses_freeze(&map, &one, sizeof one, 1), HTRAIL_OK);
    for (uint64_t other = one - 2048; other < one + 2048; other++)
        cr_assert_eq(htrail__addresses_find(&map, other), other == one ? 0 : HTRAIL__NO_ID);
    htrail__addresses_release(&map);
}

Test(addresses, memory_is_bounded_by_the_number_of_objects_not_by_where_they_lie)
{
    htrail__addresses map;
    cr_assert_eq(htrail__addresses_init(&map), HTRAIL_OK);
    for (uint64_t i = 0; i < 100000; i++)
        cr_assert_eq(htrail__addresses_add(&map, i << 40 | i << 20), HTRAIL_OK);
    cr_assert_leq(map.capacity * sizeof *map.blocks, 100000 * 32 * 4);
    htrail__addresses_release(&map);
}
