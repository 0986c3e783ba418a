/* analyze/around.h - what is around a set of objects: all that refers to them, some steps up, or all that they refer to,
 * some steps down. analyze/holders.h asks what keeps objects alive; here nothing is left out but by a bound.
 *
 * The result has the form of analyze/holders.h: a node's parent is the node through which its objects were first met,
 * and links are all references between nodes, those to the parent too. Objects that are met in the same way, by the same
 * field of the same type, are a node; where they have few names, one for each name. Roots are nodes as well. A module that
 * is met on the way is not followed: sys.modules and who imports it explain nothing, nor does what it defines; downwards a class
 * is not followed either, and a key that something else holds too is left out: it would stay if the entry went.
 *
 * What is searched is bounded by counts, never by the clock. */
#ifndef HTRAIL_ANALYZE_AROUND_H
#define HTRAIL_ANALYZE_AROUND_H

#include "analyze/holders.h"

enum { HTRAIL__AROUND_RAW_TOO_MANY = 10 };

typedef struct htrail__around_opts {
    bool downwards;
    bool apart;         /* a node for each object */
    size_t depth_max;   /* steps: 3 */
    size_t too_many;    /* neighbours looked at of one object: 1,000; a node's other_holders counts the rest */
    size_t targets_max; /* the first of those given: 20,000, and 1,000 where they are apart */
    size_t looked_at_max; /* objects whose neighbours are looked at: 20,000; on each further level a quarter of that in any case */
    size_t references_max; /* 200,000 */
    bool (*admits)(void *arg, uint64_t id); /* NULL: every object */
    void *admits_arg;
} htrail__around_opts;

void htrail__around_opts_init(htrail__around_opts *opts);

/* As htrail__holders_find. */
HTRAIL_MUST_CHECK htrail_status htrail__around_find(htrail__holders **out, htrail__lookup *lookup, const uint64_t *ids, size_t count,
                                                    const htrail__around_opts *opts);

#endif
