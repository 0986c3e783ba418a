/* analyze/joint.h - what the objects of a set hold together and none of them alone.
 *
 * What one object retains hangs below it in the tree of dominators. A set retains more than its members do: a record that
 * two dicts hold, and nobody else, is below neither, and goes with "all dicts". For a partition of the heap into groups
 * (types, modules), every object has the groups without which no root would lead to it:
 *
 *     all(root) = its group        all(w) = its group + what all(r) of all its strong referrers r have in common
 *
 * the largest solution of which is the exact one (dominators are the case of one object a group). Where an object's
 * dominator refers to it, that is its dominator's with its own group; the search from the roots gives such an object its dominator
 * as the holder. So only the others, a few percent of real heaps, need their referrers looked at. Sets of
 * groups are few and kept once each (group_sets.h). They are found from the roots on, what comes later in the search
 * counting as everything, and again until none becomes smaller: two or three times.
 *
 * In the order of the tree of dominators, an object that a group holds together then counts as a member of that group does:
 * it adds what it retains, unless it lies below one that is counted.
 *
 * What no root reaches is left out: nobody holds it. */
#ifndef HTRAIL_ANALYZE_JOINT_H
#define HTRAIL_ANALYZE_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dominators.h"

/* Objects by number, in the order of the search: a dominator's is smaller than those below it. */
typedef struct htrail__joint_heap {
    const htrail__dominators *dominators;
    const uint32_t *holder;  /* by number - 1; 0 for none */
    const uint64_t *is_root; /* a bit a number */
    const uint32_t *srcs, *dsts;
    uint32_t edge_count; /* sorted by source */
    bool (*is_strong)(const void *arg, uint32_t edge);
    const void *arg;
} htrail__joint_heap;

/* Groups 0 .. of each object: those of its class. */
typedef struct htrail__joint_classes {
    uint32_t (*class_of)(const void *arg, uint32_t number);
    const void *arg;
    const uint32_t *starts, *groups; /* by class: where its groups begin, ascending, and where those of the last end; NULL: a class is its own group */
} htrail__joint_classes;

/* An object that a group holds, and none of its members alone. */
typedef struct htrail__joint_row {
    uint32_t place, group; /* place: in the order of dominators */
} htrail__joint_row;

typedef struct htrail__joint_rows {
    htrail__joint_row *rows; /* by place, then group */
    size_t count, room, next; /* next: of who goes through them */
    bool is_exact;           /* false: too much to find out, and there are none */
} htrail__joint_rows;

typedef struct htrail__joint htrail__joint;

/* HTRAIL_OK or HTRAIL_E_NOMEM. heap is needed no longer than the call. */
HTRAIL_MUST_CHECK htrail_status htrail__joint_open(htrail__joint **out, const htrail__joint_heap *heap);
void htrail__joint_free(htrail__joint *joint);

/* May be called by several threads at once. HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__joint_find(const htrail__joint *joint, const htrail__joint_classes *classes, htrail__joint_rows *out);
void htrail__joint_rows_release(htrail__joint_rows *rows);

#endif
