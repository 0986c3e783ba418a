/* analyze/library.h - which steps of a chain library code owns: those are seldom where a leak is.
 *
 * Each object has an owner (object.owner_module); where that is nobody, or the maker of
 * everybody's containers (collections, functools), it is that of the step above.
 * A module is the library's where it is in the standard library, or where a file of its package
 * lies below site-packages or dist-packages as far as the snapshot tells. */
#ifndef HTRAIL_ANALYZE_LIBRARY_H
#define HTRAIL_ANALYZE_LIBRARY_H

#include <stdbool.h>

#include "analyze/lookup.h"

typedef struct htrail__library htrail__library;

/* *out is NULL unless the status is OK. */
HTRAIL_MUST_CHECK htrail_status htrail__library_open(htrail__library **out, sqlite3 *db);
/* Whether a module is a library's: "logging.handlers", "numpy". */
bool htrail__library_has(const htrail__library *library, htrail_str module);
/* is_library[i] of each of the steps of a chain, from the root on. */
void htrail__library_mark(const htrail__library *library, htrail__lookup *lookup, const htrail__found_object *steps, size_t count, bool *is_library);
void htrail__library_free(htrail__library *library);

#endif
