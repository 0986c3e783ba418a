/* analyze/suspect.h - the step of a chain that should not be there, where that can be known.
 *
 * Known, each from what the snapshot holds:
 *   - code of a module that was loaded again: a module, its namespace, a class or function of it
 *     that is not what sys.modules leads to now; registered with atexit or os.register_at_fork it
 *     is never let go
 *   - many callbacks alike in one of those registries
 *   - a traceback of an exception that nobody handles any more: it holds frames that have ended
 *   - functools.lru_cache(maxsize=None): a cache without a bound
 *   - a logger with ten handlers or more: one was added again and again
 * The step nearest to the root is named; those below follow from it. All else is not marked. */
#ifndef HTRAIL_ANALYZE_SUSPECT_H
#define HTRAIL_ANALYZE_SUSPECT_H

#include "analyze/chain.h"

#define HTRAIL__NO_STEP SIZE_MAX

/* *step: the index in the chain, HTRAIL__NO_STEP where none is known; reason: a short sentence, added. */
HTRAIL_MUST_CHECK htrail_status htrail__suspect_find(sqlite3 *db, htrail__lookup *lookup, const htrail__chain *chain, size_t *step, htrail__text *reason);

#endif
