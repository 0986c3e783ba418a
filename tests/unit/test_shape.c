/* Steps that are alike are one shape, and a chain that repeats itself is folded. */
#include <criterion/criterion.h>

#include "analyze/shape.h"

enum { HEAD = 1, NEXT, NODE, OTHER, LEFT };

static uint32_t step(htrail__shapes *shapes, uint32_t parent, uint32_t label, uint32_t type)
{
    htrail__shape key = {.parent = parent, .ref_kind = 4, .label = label, .type = type};
    uint32_t shape;
    cr_assert_eq(htrail__shapes_intern(shapes, &key, &shape), HTRAIL_OK);
    return shape;
}

static uint32_t top(htrail__shapes *shapes, uint32_t name)
{
    htrail__shape key = {.parent = HTRAIL__NO_SHAPE, .root_kind = 1, .name = name};
    uint32_t shape;
    cr_assert_eq(htrail__shapes_intern(shapes, &key, &shape), HTRAIL_OK);
    return shape;
}

Test(shape, the_same_step_is_the_same_shape)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    uint32_t root = top(&shapes, 0);
    cr_expect_eq(step(&shapes, root, HEAD, NODE), step(&shapes, root, HEAD, NODE));
    cr_expect_neq(step(&shapes, root, HEAD, NODE), step(&shapes, root, HEAD, OTHER));
    cr_expect_neq(step(&shapes, root, HEAD, NODE), step(&shapes, top(&shapes, 1), HEAD, NODE));
    htrail__shapes_release(&shapes);
}

Test(shape, a_linked_list_is_its_head_and_the_rest)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    uint32_t head = step(&shapes, top(&shapes, 0), HEAD, NODE), rest = step(&shapes, head, NEXT, NODE), at = rest;
    cr_expect_neq(rest, head);
    for (int i = 0; i < 100000; i++)
        at = step(&shapes, at, NEXT, NODE);
    cr_expect_eq(at, rest);
    cr_expect_eq(shapes.count, 3);
    cr_expect(shapes.shapes[rest].folded);
    cr_expect_not(shapes.shapes[head].folded);
    htrail__shapes_release(&shapes);
}

Test(shape, a_tree_through_lists_is_folded_too)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    uint32_t at = step(&shapes, top(&shapes, 0), HEAD, NODE);
    for (int i = 0; i < 1000; i++)
        at = step(&shapes, step(&shapes, at, LEFT, OTHER), NEXT, NODE);
    cr_expect_leq(shapes.count, 5);
    htrail__shapes_release(&shapes);
}

Test(shape, the_same_field_of_another_holder_is_no_repetition)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    htrail__shape outer = {.parent = top(&shapes, 0), .ref_kind = 4, .label = HEAD, .type = NODE, .name = 1}, inner = outer;
    uint32_t first, second;
    cr_assert_eq(htrail__shapes_intern(&shapes, &outer, &first), HTRAIL_OK);
    uint32_t dict = step(&shapes, first, NEXT, OTHER);
    inner.parent = dict;
    inner.name = 2;
    cr_assert_eq(htrail__shapes_intern(&shapes, &inner, &second), HTRAIL_OK);
    cr_expect_neq(step(&shapes, second, NEXT, OTHER), dict, "the dict of class 2 is not that of class 1");
    htrail__shapes_release(&shapes);
}

Test(shape, below_means_through)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    uint32_t root = top(&shapes, 0), a = step(&shapes, root, HEAD, NODE), b = step(&shapes, a, LEFT, OTHER), c = step(&shapes, root, LEFT, OTHER);
    cr_expect(htrail__shapes_is_below(&shapes, b, a));
    cr_expect(htrail__shapes_is_below(&shapes, b, b));
    cr_expect_not(htrail__shapes_is_below(&shapes, a, b));
    cr_expect_not(htrail__shapes_is_below(&shapes, c, a));
    htrail__shapes_release(&shapes);
}

Test(shape, many_shapes_are_all_found_again)
{
    htrail__shapes shapes;
    cr_assert_eq(htrail__shapes_init(&shapes), HTRAIL_OK);
    uint32_t root = top(&shapes, 0);
    for (uint32_t i = 0; i < 5000; i++)
        cr_assert_eq(step(&shapes, root, HEAD, i), i + 1);
    for (uint32_t i = 0; i < 5000; i++)
        cr_assert_eq(step(&shapes, root, HEAD, i), i + 1);
    htrail__shapes_release(&shapes);
}
