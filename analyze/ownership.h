/* analyze/ownership.h - whose an object is, and how its bytes are shared out among those who hold it.
 *
 * A strict tree of dominators leaves what two modules hold to nobody. So each object's bytes,
 * its own and what it got, go in even parts to the strong referrers that lie nearer to a root
 * (have a smaller number), from the far end of the heap to the near one, until one that says a
 * module of itself keeps them; so do roots, and garbage that nothing before it refers to. The
 * rest of a division goes to the holder. Bytes are neither lost nor counted twice: the sum over
 * all objects is the size of the heap.
 *
 * Numbers are those of the search from the roots, 1 .. count. */
#ifndef HTRAIL_ANALYZE_OWNERSHIP_H
#define HTRAIL_ANALYZE_OWNERSHIP_H

#include <stdint.h>
#include <htrail/status.h>

#include "analyze/dominators.h"

/* shared: by number; in: the size of each, out: what stays with it. graph: of the strong references,
 * each vertex's in order and none twice; those into keepers may be missing. holder: by number - 1, 0 for
 * none. keeps: a bit a number. HTRAIL_OK or HTRAIL_E_NOMEM. */
HTRAIL_MUST_CHECK htrail_status htrail__ownership_share(uint64_t *shared, const htrail__dominators_graph *graph, const uint32_t *holder,
                                                        const uint64_t *keeps);

/* owner: by number; in: what each says of itself, 0 for nothing; out: the nearest that its dominators say. */
void htrail__ownership_inherit(uint32_t *owner, const htrail__dominators *dominators);

#endif
