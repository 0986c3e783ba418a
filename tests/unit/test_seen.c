#include <criterion/criterion.h>

#include "capture/python/seen.c" /* the walker is in no archive: it is built once a version of Python */

static htrail__seen seen;

static void open_seen(void)
{
    cr_assert(htrail__seen_init(&seen));
}

static void close_seen(void)
{
    htrail__seen_release(&seen);
}

TestSuite(seen, .init = open_seen, .fini = close_seen);

Test(seen, says_what_was_set_before_and_keeps_neighbours_apart)
{
    cr_assert_eq(htrail__seen_set(&seen, 0x7f0000001230, SEEN_MET), 0);
    cr_assert_eq(htrail__seen_set(&seen, 0x7f0000001230, SEEN_NOTED), SEEN_MET);
    cr_assert_eq(htrail__seen_bits(&seen, 0x7f0000001230), SEEN_MET | SEEN_NOTED);
    cr_assert_eq(htrail__seen_bits(&seen, 0x7f0000001240), 0);
    cr_assert_eq(htrail__seen_bits(&seen, 0x7f0000001220), 0);
    cr_assert_eq(htrail__seen_bits(&seen, 0x7f0000001238), SEEN_MET | SEEN_NOTED, "one granule is one object");
}

Test(seen, asking_maps_nothing)
{
    uint64_t mapped = seen.mapped_bytes;
    for (uintptr_t a = 1 << 20; a < (uintptr_t)1 << 47; a *= 2)
        cr_assert_eq(htrail__seen_bits(&seen, a), 0);
    cr_assert_eq(seen.mapped_bytes, mapped);
}

Test(seen, memory_is_one_64th_of_a_full_address_range_and_a_slab)
{
    uint64_t before = seen.mapped_bytes;
    for (uintptr_t a = 0x7f0000000000; a < 0x7f0000000000 + (256 << 20); a += 4096)
        htrail__seen_set(&seen, a, SEEN_MET);
    cr_assert_leq(seen.mapped_bytes - before, (256 << 20) / 64 + SLAB_BYTES + SEEN_TABLE_ENTRIES * 8);
}

Test(seen, finds_every_noted_granule_that_is_not_met_in_order)
{
    const uintptr_t noted[] = {0x10, 0xffff0, 0x100000, 0x3fffffff0, 0x400000000, 0x7f0000000000, 0x7ffffffffff0};
    uint64_t position = 0;
    for (int i = 0; i < 7; i++)
        htrail__seen_set(&seen, noted[i], SEEN_NOTED);
    htrail__seen_set(&seen, 0x20, SEEN_MET);
    htrail__seen_set(&seen, 0x30, SEEN_MET | SEEN_NOTED);
    for (int i = 0; i < 7; i++)
        cr_assert_eq(htrail__seen_next_noted(&seen, &position), noted[i]);
    cr_assert_eq(htrail__seen_next_noted(&seen, &position), 0);
}

Test(seen, a_page_is_readable_where_something_in_it_was_met)
{
    htrail__seen_set(&seen, 0x7f0000001ff0, SEEN_MET);
    htrail__seen_set(&seen, 0x7f0000003000, SEEN_NOTED);
    cr_assert(htrail__seen_page(&seen, 0x7f0000001000));
    cr_assert(!htrail__seen_page(&seen, 0x7f0000002000));
    cr_assert(!htrail__seen_page(&seen, 0x7f0000003000), "noted is not met");
    cr_assert(!htrail__seen_page(&seen, 0x1000));
}

Test(seen, an_address_beyond_48_bits_is_a_failure_that_is_told)
{
    htrail__seen_set(&seen, (uintptr_t)1 << 50, SEEN_MET);
    cr_assert(seen.failed);
}
