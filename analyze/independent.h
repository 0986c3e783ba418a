/* analyze/independent.h - how many things must let go of an object before it is free.
 *
 * Chains that share no object between the roots and the object are independent: as many as
 * there are of them, so many things must let go (Menger). They are found as a flow, one
 * augmenting chain at a time, upwards from the object: what is looked at is what lies between
 * the object and where its chains meet, not the heap.
 *
 *     module app -> dict -> list a -+-> Record       two chains below the dict, and none of
 *                      \--> list b -+                them beside it: the dict is the gate
 *
 * sys.modules is where chains begin, not a thing that they share: it never lets go.
 *
 * Memory: htrail__independent_release frees what was found. Bounds are counts, never the
 * clock; where one was reached `complete` is false: "at least so many". */
#ifndef HTRAIL_ANALYZE_INDEPENDENT_H
#define HTRAIL_ANALYZE_INDEPENDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/lookup.h"

typedef struct htrail__independent_opts {
    uint64_t above;      /* chains begin at this object, which every chain goes through; 0: at the roots */
    size_t chains_max;   /* 8 */
    size_t holders_max;  /* of one object that are looked at: 1,000, those nearest to a root */
    size_t searches_max; /* objects whose holders are looked at: 4,000 */
} htrail__independent_opts;

void htrail__independent_opts_init(htrail__independent_opts *opts);

typedef struct htrail__independent_chain {
    uint64_t root;      /* that it begins with; 0: it begins at `above` */
    uint64_t target;    /* the object asked for that it ends at */
    size_t first, count; /* of its objects in `objects`: from the root to what holds the target; 0: the root itself does */
    uint64_t gate;      /* the object nearest to the target that must let go; 0: the root must, or not searched to the end */
} htrail__independent_chain;

typedef struct htrail__independent {
    htrail__independent_chain *chains; /* those nearest to the roots first */
    size_t chain_count;
    uint64_t *objects;
    bool complete; /* there are no more */
    size_t looked_at; /* objects */
} htrail__independent;

/* Chains to any of the objects: all of them together count as one. *out is released by the caller,
 * on failure too; the lookup has the sentence. opts NULL: defaults. */
HTRAIL_MUST_CHECK htrail_status htrail__independent_find(htrail__independent *out, htrail__lookup *lookup, const uint64_t *ids, size_t count,
                                                         const htrail__independent_opts *opts);
void htrail__independent_release(htrail__independent *independent);

#endif
