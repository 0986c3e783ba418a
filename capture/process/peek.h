/* peek.h - memory of this process that may go away while it is read, or may be anything until it was
 * found to fit: the kernel copies it, and says so where it is not there. */
#ifndef HTRAIL_PEEK_H
#define HTRAIL_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTRAIL__PEEK_MAX = 512 };

/* False: not all of it is there. */
bool htrail__peek(void *to, uintptr_t from, size_t bytes);
/* No other thread is in this process, so that nothing can go away (a child made by fork; most scripts). */
bool htrail__peek_is_alone(void);

/* At most HTRAIL__PEEK_MAX things of the same size, one behind the other; those that are not there are
 * all zeros. False: the kernel does not copy for us at all. */
bool htrail__peek_many(void *to, const uintptr_t *from, size_t count, size_t bytes);

#endif
