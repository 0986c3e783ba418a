/* analyze/sort.h - qsort for what is often in order already, or in its reverse: objects by their ids are, as chains go up or
 * as tables are read. A look at each then, instead of twenty comparisons. */
#ifndef HTRAIL_ANALYZE_SORT_H
#define HTRAIL_ANALYZE_SORT_H

#include <stddef.h>

/* As qsort; items may be NULL where count is 0. What compares equal is in no particular order. */
void htrail__sort(void *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *));

#endif
