/* analyze/sort.c - see the header. */
#include "analyze/sort.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_BYTES_MAX = 256 };

/* How many items from the first on are in order; or, direction -1, in strictly falling order. */
static size_t run_of(const char *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *), int direction)
{
    size_t at = 1;
    while (at < count && (direction > 0 ? compare(items + (at - 1) * item_bytes, items + at * item_bytes) <= 0
                                        : compare(items + (at - 1) * item_bytes, items + at * item_bytes) > 0))
        at++;
    return at;
}

void htrail__sort(void *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *))
{
    char kept[ITEM_BYTES_MAX], *low = items;
    if (count < 2 || run_of(items, count, item_bytes, compare, 1) == count)
        return;
    if (item_bytes > sizeof kept || run_of(items, count, item_bytes, compare, -1) < count) {
        qsort(items, count, item_bytes, compare);
        return;
    }
    for (char *high = low + (count - 1) * item_bytes; low < high; low += item_bytes, high -= item_bytes) {
        memcpy(kept, low, item_bytes);
        memcpy(low, high, item_bytes);
        memcpy(high, kept, item_bytes);
    }
}
