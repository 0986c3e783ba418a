/* analyze/grow.h - an array that doubles when it is full. */
#ifndef HTRAIL_ANALYZE_GROW_H
#define HTRAIL_ANALYZE_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Room for one item more after count. array is the address of the pointer to the items; false, and all as
 * it was, where memory is out. */
static inline bool htrail__grow(void *array, size_t *room, size_t count, size_t item_bytes)
{
    void *old, *larger;
    size_t more = *room ? *room * 2 : 64;
    if (count < *room)
        return true;
    memcpy(&old, array, sizeof old);
    larger = realloc(old, more * item_bytes);
    if (larger == NULL)
        return false;
    memcpy(array, &larger, sizeof larger);
    *room = more;
    return true;
}

#endif
