/* analyze/c_references.h - how many references to each object C code holds: what its reference
 * count says, less the references that the snapshot shows, less the roots that own one.
 *
 * A root of kind C_GLOBAL is a word of static data that may own what it points to or may merely
 * know it. It is taken to own one reference as long as the count has one left for it; what is
 * left after that is held from memory that nothing describes: a reference that was never given
 * back, a C structure. Immortal objects, pseudo objects, static objects (types, None, small
 * integers of old versions) have no count that means something. In a snapshot that was cut the difference
 * is there too, and means nothing.
 *
 * Agreement of this difference on real heaps: docs/capture.md. */
#ifndef HTRAIL_ANALYZE_C_REFERENCES_H
#define HTRAIL_ANALYZE_C_REFERENCES_H

#include "analyze/graph.h"

typedef struct htrail__c_reference {
    uint32_t object;
    uint32_t root;  /* place in the graph's roots of the C_GLOBAL that holds it; HTRAIL__NO_ID: nobody knows who does */
    uint64_t count; /* 1 with a root */
} htrail__c_reference;

typedef struct htrail__c_references {
    htrail__c_reference *rows; /* by object, globals first in the order of the file */
    uint32_t count;
} htrail__c_references;

/* counted: by object, strong references that lead to it. HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status
htrail__c_references_build(htrail__c_references *c, const htrail__graph *graph, const uint32_t *counted);
void htrail__c_references_release(htrail__c_references *c);

#endif
