/* analyze/expression.h - a chain as Python would write it: sys.modules['__main__'].keep.leak[500].
 *
 * What it says was tried: tests/viz evaluates expressions in the program that they are of. */
#ifndef HTRAIL_ANALYZE_EXPRESSION_H
#define HTRAIL_ANALYZE_EXPRESSION_H

#include "analyze/chain.h"

/* One Python expression for the object at the end of the chain. False, and nothing added,
 * where there is none: a reference from C, the local variable of a frame, an attribute of a
 * class with its own __getattribute__; *missing (may be NULL) is the step that has none, 0 where
 * Python does not know the root. What has no name (a key that was not recorded, an item of a
 * set) is found by its address. A module that is in sys.modules is named so, however the chain came to it. */
HTRAIL_MUST_CHECK htrail_status htrail__expression_of_chain(htrail__text *out, bool *exists, size_t *missing, htrail__lookup *lookup,
                                                            const htrail__chain *chain);

#endif
