/* The nearest object that all chains to a set lead through. */
#include "tests/unit/text_heap.h"

#include "analyze/common_dominator.h"

/*  1 modules -> 2 module -> 3 -> 4, 5;  4 -> 6, 7;  5 -> 8;  9 from 4 and 5;  10 from 2 and another root, which holds 11 */
static const char lines[] = "1 dict - : value app 2\n2 module app : field __dict__ 3, index - 10\n3 dict - : value a 4, value b 5\n4 list - : index - 6, index - 7, index - 9\n"
                            "5 list - : index - 8, index - 9\n6 app.A -\n7 app.A - : attr b 12\n8 app.A -\n9 app.A -\n10 app.B -\n11 list - : index - 10, index - 13\n12 app.B -\n"
                            "13 app.B -\n20 app.C - : attr a 21, attr b 22\n21 app.C -\n22 app.C - : attr c 20\nroot 1 1 modules\nroot 11 11 x\n";

static void expect(const uint64_t *numbers, size_t count, uint64_t dominator, bool is_member)
{
    text_heap heap;
    uint64_t ids[8], found = 99;
    bool member = !is_member;
    text_heap_open(&heap, lines);
    for (size_t i = 0; i < count; i++)
        ids[i] = text_heap_id(&heap, numbers[i]);
    cr_assert_eq(htrail__common_dominator_find(&found, &member, heap.lookup, ids, count), HTRAIL_OK, "%s", htrail__lookup_error(heap.lookup));
    cr_expect_eq(found, dominator != 0 ? text_heap_id(&heap, dominator) : 0, "of %llu: id %llu", (unsigned long long)numbers[0], (unsigned long long)found);
    cr_expect_eq(member, is_member);
    text_heap_close(&heap);
}
#define EXPECT(dominator, is_member, ...) expect((const uint64_t[]){__VA_ARGS__}, sizeof(uint64_t[]){__VA_ARGS__} / sizeof(uint64_t), dominator, is_member)

Test(common_dominator, leaves_of_one_holder_have_it)
{
    EXPECT(4, false, 6, 7);
    EXPECT(4, false, 6, 12);
}

Test(common_dominator, leaves_of_two_have_what_is_above_both)
{
    EXPECT(3, false, 6, 8);
    EXPECT(3, false, 9, 6);
    EXPECT(3, false, 9, 12, 8);
}

Test(common_dominator, a_member_that_dominates_all_others_is_it)
{
    EXPECT(4, true, 4, 6, 12);
    EXPECT(2, true, 12, 2, 9);
    EXPECT(7, true, 7);
    EXPECT(6, true, 6);
}

Test(common_dominator, what_two_roots_hold_has_none)
{
    EXPECT(0, false, 6, 10);
    EXPECT(0, false, 10, 13);
    EXPECT(0, false, 6, 13);
}

Test(common_dominator, garbage_has_its_own)
{
    EXPECT(0, false, 6, 21);
    EXPECT(20, false, 21, 22);
    EXPECT(20, true, 21, 20);
}
