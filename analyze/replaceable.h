/* analyze/replaceable.h - may a database of ours take the place of what stands at a path? What a user keeps there - the
 * snapshot itself, a text, another program's database, a device - is not lost to a slip in -o. */
#ifndef HTRAIL_ANALYZE_REPLACEABLE_H
#define HTRAIL_ANALYZE_REPLACEABLE_H

#include <stdbool.h>

/* A table that every database of the kind has: of a load, and of 'leaks -o'. */
#define HTRAIL__TABLE_OF_LOADED "heap_object"
#define HTRAIL__TABLE_OF_LEAKS "leak"

/* True where nothing stands at path, an empty file, a database that has the table, or one that is damaged. */
bool htrail__replaceable(const char *path, const char *table);

#endif
