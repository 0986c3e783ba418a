/* analyze/reach.h - the shortest chain from a root to every object, and a numbering by it.
 *
 * A breadth-first search over strong references from all roots at once, roots in the
 * order of their kind, then of the file; but sys.modules is two steps ahead, so that the
 * namespace of a module is that of the module, and not the locals of the frame that runs it. What
 * lasts for a moment alone, the variables of frames, comes last: a `for` over a list is a nearer holder
 * of it than the module whose list it is, and in the next snapshot it is over. So an object is held by
 * a frame where nothing else holds it.
 * Each object gets the object that holds it on that chain, and the reference that does.
 * Objects are numbered as the search meets them, so that those held by one object have
 * consecutive numbers, and what lies together in the heap lies together in the database:
 *
 *     number   1        2   3   4      5   6
 *              modules  a   b   c      d   e        a, b, c are held by 1; d, e by 2
 *
 * A C_GLOBAL is a root where the count of its object has a reference left for it
 * (c_references.h). What no root reaches and has more counts than references is held by code
 * that no reference shows: it becomes a root of kind C_REFERENCE, and the search goes on from
 * there. In a snapshot that was cut such counts mean nothing: kind CUT. What is left
 * is garbage that waits for the collector; it comes last, in file order. */
#ifndef HTRAIL_ANALYZE_REACH_H
#define HTRAIL_ANALYZE_REACH_H

#include "analyze/c_references.h"
#include "analyze/graph.h"

enum {
    HTRAIL__NO_REF = UINT32_MAX,
    HTRAIL__ROOT_CUT = 255, /* of ours: the reference that holds it was lost with the rest of the file */
    HTRAIL__NO_DEPTH = UINT32_MAX
};

typedef struct htrail__reach_root {
    uint32_t object, kind, depth, name;
    uint64_t thread_id;
    uint64_t counts; /* C_REFERENCE, CUT: how many references nobody showed */
} htrail__reach_root;

/* Arrays by number - 1 are in the order of the search; by object in that of the file. */
typedef struct htrail__reach {
    uint32_t *object_of;  /* by number - 1 */
    uint32_t *number_of;  /* by object */
    uint32_t *holder;     /* by number - 1: the holder's number, 0 for none */
    uint32_t *holder_ref; /* by number - 1: place in the graph's arrays, or HTRAIL__NO_REF */
    uint32_t *depth;      /* by number - 1: references from the root; or HTRAIL__NO_DEPTH */
    uint32_t *root;       /* by number - 1: place in roots + 1, 0 for none */
    uint32_t *counted;    /* by object: strong references that lead to it */
    uint64_t *is_holding; /* by place in the graph's arrays, one bit: some object's holder_ref */
    htrail__reach_root *roots; /* sorted by kind, then as in the file */
    uint32_t root_count, reached_count;
    htrail__c_references c;
} htrail__reach;

static inline bool htrail__reach_is_holding(const htrail__reach *reach, uint32_t place)
{
    return reach->is_holding[place >> 6] >> (place & 63) & 1;
}

/* HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__reach_build(htrail__reach *reach, const htrail__graph *graph);
void htrail__reach_release(htrail__reach *reach);

/* Text of a root's kind, for people. Static. */
const char *htrail__root_kind_text(uint32_t kind);

#endif
