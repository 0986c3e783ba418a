/* analyze/fingerprint.h - what tells an object from another one at the same address in another
 * snapshot. docs/identity.md says how two are compared, and what was measured.
 *
 *     what(16)  place(8)  holds(8)
 *
 * what    its type, and what cannot change of it: name, length and items of those of fixed
 *         kinds. Another: it is another object.
 * place   who holds it on the chain of its number, and under which label. Of what the collector
 *         does not know (and of dicts, which it forgets and finds again): up to the first holder
 *         that it does know.
 * holds   all that it refers to, and under which labels.
 *
 * The last two may change while it lives. Where nothing else can be told, that both are the same
 * speaks for it, and nothing more.
 *
 * age is the place in the collector's lists, the oldest first, from 1 on: a collection moves
 * objects to the back and never to the front, and new ones come last. 0: the collector does not
 * know it, or the snapshot was cut, so that its place is not known. */
#ifndef HTRAIL_ANALYZE_FINGERPRINT_H
#define HTRAIL_ANALYZE_FINGERPRINT_H

#include "analyze/graph.h"
#include "analyze/naming.h"
#include "analyze/reach.h"

typedef struct htrail__fingerprints {
    uint32_t *of, *age; /* by number - 1 */
} htrail__fingerprints;

/* HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__fingerprints_build(htrail__fingerprints *fingerprints, const htrail__graph *graph,
                                                           const htrail__reach *reach, const htrail__naming *naming);
void htrail__fingerprints_release(htrail__fingerprints *fingerprints);

#endif
