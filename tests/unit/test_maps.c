/* What /proc/self/maps says of this process: where malloc's and mmap's memory is, and what is no such. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "capture/process/maps.h"

enum { MOST = 256, PAGE = 4096 };

static int variable = 1;
static const int constant = 1;

Test(maps, private_is_what_malloc_and_mmap_give_and_no_code_or_constant)
{
    htrail__maps_range ranges[MOST];
    char local = 0;
    void *block = malloc(100);
    uintptr_t mapped = (uintptr_t)mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_eq(mprotect((void *)(mapped + PAGE), PAGE, PROT_READ), 0);
    size_t count = htrail__maps_private(ranges, MOST);
    cr_assert_gt(count, 0);
    cr_assert_lt(count, MOST);
    cr_expect(htrail__maps_within(ranges, count, (uintptr_t)block));
    cr_expect(htrail__maps_within(ranges, count, (uintptr_t)&local));
    cr_expect(htrail__maps_within(ranges, count, mapped));
    cr_expect(htrail__maps_within(ranges, count, mapped + PAGE - 1));
    cr_expect_not(htrail__maps_within(ranges, count, mapped + PAGE));
    cr_expect(htrail__maps_within(ranges, count, mapped + 2 * PAGE));
    cr_expect_not(htrail__maps_within(ranges, count, (uintptr_t)&constant));
    cr_expect_not(htrail__maps_within(ranges, count, (uintptr_t)&variable), "a file's data");
    cr_expect_not(htrail__maps_within(ranges, count, 0));
    cr_expect_not(htrail__maps_within(ranges, count, UINTPTR_MAX));
    for (size_t i = 1; i < count; i++)
        cr_expect_gt(ranges[i].start, ranges[i - 1].end);
    munmap((void *)mapped, 3 * PAGE);
    free(block);
}

Test(maps, what_is_beyond_the_room_is_within_the_last_range)
{
    htrail__maps_range all[MOST], few[2];
    size_t count = htrail__maps_private(all, MOST);
    cr_assert_gt(count, 2);
    cr_assert_eq(htrail__maps_private(few, 2), 2);
    cr_expect_eq(few[0].start, all[0].start);
    cr_expect_eq(few[1].end, all[count - 1].end);
    for (size_t i = 0; i < count; i++)
        cr_expect(htrail__maps_within(few, 2, all[i].start));
}
