/* Numbers of several snapshots: do they grow, and will they go on to? */
#include <criterion/criterion.h>

#include "analyze/leaks_build.h"

#define VALUES(...) ((const uint64_t[]){__VA_ARGS__}), sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static const char *steady(const uint64_t *values, unsigned count)
{
    uint64_t steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    return htrail__leaks_steady(values, count, 3, HTRAIL__LEAKS_STEADY, steps);
}

Test(leaks_growth, what_grows_in_every_interval_is_steady)
{
    cr_expect_null(steady(VALUES(10, 20, 30, 40)));
    cr_expect_null(steady(VALUES(0, 100, 130, 200)));
    cr_expect_null(steady(VALUES(0, 3)));
    cr_expect_null(steady(VALUES(0, 100, 160, 210)), "slower, but over half of the first");
}

Test(leaks_growth, what_does_not_says_why)
{
    cr_expect_str_eq(steady(VALUES(10, 20, 20, 40)), "not in every interval");
    cr_expect_str_eq(steady(VALUES(10, 20, 19, 40)), "not in every interval");
    cr_expect_str_eq(steady(VALUES(10, 12, 14, 16)), "too little in an interval");
    cr_expect_str_eq(steady(VALUES(0, 100, 160, 200)), "slows down");
    cr_expect_str_eq(steady(VALUES(0, 10, 20, 121)), "by jumps");
}

Test(leaks_growth, steps_are_given_of_each_interval)
{
    uint64_t steps[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    cr_assert_null(htrail__leaks_steady((const uint64_t[]){5, 15, 30}, 3, 1, HTRAIL__LEAKS_STEADY, steps));
    cr_expect_eq(steps[0], 10);
    cr_expect_eq(steps[1], 15);
}

Test(leaks_growth, growths_go_together_where_one_is_a_multiple_of_the_other)
{
    cr_expect(htrail__leaks_together((const uint64_t[]){10, 20, 30}, (const uint64_t[]){30, 60, 90}, 3));
    cr_expect(htrail__leaks_together((const uint64_t[]){10, 20, 30}, (const uint64_t[]){11, 20, 33}, 3));
    cr_expect_not(htrail__leaks_together((const uint64_t[]){10, 20, 30}, (const uint64_t[]){30, 20, 10}, 3));
    cr_expect_not(htrail__leaks_together((const uint64_t[]){10, 20, 30}, (const uint64_t[]){0, 20, 30}, 3));
}
