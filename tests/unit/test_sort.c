/* In order, in reverse, almost so, and neither: always sorted, nothing lost. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/sort.h"

enum { COUNT_MAX = 50 };

typedef struct item {
    unsigned key;
    char rest[7]; /* no size that is a power of two */
} item;

static unsigned compared;

static int by_key(const void *left, const void *right)
{
    const item *a = left, *b = right;
    compared++;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void expect_sorted(const item *before, size_t count)
{
    item sorted[COUNT_MAX], expected[COUNT_MAX];
    memcpy(sorted, before, count * sizeof *sorted);
    memcpy(expected, before, count * sizeof *expected);
    qsort(expected, count, sizeof *expected, by_key);
    compared = 0;
    htrail__sort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; i < count; i++)
        cr_assert(sorted[i].key == expected[i].key && sorted[i].rest[0] == (char)sorted[i].key);
}

Test(sort, any_order_is_sorted)
{
    item items[COUNT_MAX];
    for (unsigned kind = 0; kind < 6; kind++) {
        for (size_t count = 0; count <= COUNT_MAX; count++) {
            for (unsigned i = 0; i < count; i++) {
                unsigned keys[] = {i, (unsigned)count - i, i / 3, ((unsigned)count - i) / 3, i * 7919 % 31, i + 1 == count ? 0 : i + 1};
                memset(&items[i], 0, sizeof items[i]);
                items[i].key = keys[kind];
                items[i].rest[0] = (char)keys[kind];
            }
            expect_sorted(items, count);
            if (kind < 2)
                cr_assert_leq(compared, count + 1, "%u of %zu", compared, count);
        }
    }
    htrail__sort(NULL, 0, sizeof *items, by_key);
}
