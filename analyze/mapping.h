/* analyze/mapping.h - arrays that grow to the size of a heap: each a mapping, grown by moving
 * its pages and not their contents, in large pages where the system has them.
 * malloc copies what it holds in its own heap: half the time of a load was first touches
 * of 4 KiB pages, most of them of copies.
 *
 * Where memory is to be limited (analyze/resident.h), those that are not small are files instead
 * that have no name any more, and what is resident of them goes back to the file now and then.
 *
 * Not for what is small: a mapping is a page at least. */
#ifndef HTRAIL_ANALYZE_MAPPING_H
#define HTRAIL_ANALYZE_MAPPING_H

#include <stddef.h>

/* data of at least bytes bytes with the contents of data (NULL: none); what is new is zero.
 * NULL: out of memory, or of room for the file (errno ENOSPC), and data is as it was. */
void *htrail__mapping_grow(void *data, size_t bytes);
/* Zeroed; item_count + 1 of them, so that none is empty. */
void *htrail__mapping_new(size_t item_count, size_t item_bytes);
/* NULL is allowed. */
void htrail__mapping_free(void *data);

#endif
