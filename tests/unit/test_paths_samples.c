/* Samples of two snapshots side by side. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "analyze/paths_build.h"

enum { COUNT = 5000 };

static htrail__path_sample one[COUNT], other[COUNT];

static void check_sorted(uint64_t mask, unsigned shift)
{
    uint64_t random = 12345;
    for (uint32_t i = 0; i < COUNT; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        one[i] = (htrail__path_sample){(random >> 20 & mask) << shift, i, i};
    }
    const htrail__path_sample *sorted = htrail__paths_sort_samples(one, other, COUNT);
    uint64_t sum = sorted[0].path;
    for (size_t i = 1; i < COUNT; i++) {
        cr_assert(sorted[i - 1].address < sorted[i].address || (sorted[i - 1].address == sorted[i].address && sorted[i - 1].path < sorted[i].path), "%zu", i);
        sum += sorted[i].path;
    }
    cr_assert_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
}

Test(paths_samples, are_sorted_by_address_and_equal_ones_stay_as_they_are)
{
    check_sorted(UINT64_MAX, 0);
    check_sorted(UINT64_MAX, 20);
    check_sorted(0xfff, 0);
    check_sorted(0xffff, 48);
    check_sorted(0, 0);
    cr_assert_eq(htrail__paths_sort_samples(one, other, 0), one);
    cr_assert_eq(htrail__paths_sort_samples(one, other, 1), one);
}

Test(paths_samples, say_what_stayed_and_what_came)
{
    enum { KIND = 0x10000, HOLDS = 1 };
    htrail__path_sample before[] = {{16, KIND, 0}, {32, KIND, 0}, {48, KIND, 0}, {64, KIND | HOLDS, 0}, {80, KIND, 3}};
    htrail__path_sample after[] = {{16, KIND, 0}, {32, 2 * KIND, 0}, {48, KIND, 1}, {64, KIND, 1}, {72, KIND, 1}, {80, KIND, 2}};
    htrail__path_count counts_before[4] = {{0}}, counts_after[4] = {{0}};
    htrail__paths_snapshot a = {.counts = counts_before, .samples = before, .sample_count = 5}, b = {.counts = counts_after, .samples = after, .sample_count = 6};
    const uint32_t new_path[] = {0, 1, 2, 2}; /* the last two are one in the end */
    cr_assert_eq(htrail__paths_compare_samples(&a, &b), HTRAIL_OK);
    htrail__paths_settle_moves(&a, &b, new_path);
    cr_assert_eq(counts_before[0].stayed, 1);                    /* 16 */
    cr_assert_eq(counts_after[0].fresh, 1, "another kind");      /* 32 */
    cr_assert_eq(counts_after[1].moved, 1);                      /* 48 */
    cr_assert_eq(counts_after[1].fresh, 2, "72, and 64 which holds something else");
    cr_assert_eq(counts_before[2].stayed, 1);                    /* 80 */
    free(b.moves);
}
