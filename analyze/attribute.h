/* analyze/attribute.h - what the class of an object answers to a name, from the snapshot: whether
 * x.name is what stands in x's own dict, whether x[i] is what x holds.
 *
 * Only classes made by a class statement have their dicts in a snapshot; of one of C nothing is
 * found in them, and of an object without a known class there is no mro at all.
 *
 * Errors: those of the lookup, which has the sentence. */
#ifndef HTRAIL_ANALYZE_ATTRIBUTE_H
#define HTRAIL_ANALYZE_ATTRIBUTE_H

#include "analyze/lookup.h"

enum { HTRAIL__MRO_MAX = 64 };

typedef struct htrail__mro {
    uint64_t classes[HTRAIL__MRO_MAX]; /* ids, the object's own class first */
    size_t count;                      /* 0: not known */
} htrail__mro;

HTRAIL_MUST_CHECK htrail_status htrail__mro_of(htrail__mro *out, htrail__lookup *lookup, uint64_t object);
/* The type of what the first of the first `count` classes that has the name has under it;
 * *found is false where none has. name and *type are texts. */
HTRAIL_MUST_CHECK htrail_status htrail__mro_find(const htrail__mro *mro, size_t count, htrail__lookup *lookup, uint32_t name, bool *found,
                                                 uint32_t *type);
/* The place of the first class with one of the full names (the last is NULL), count where there
 * is none; *name is that name. */
HTRAIL_MUST_CHECK htrail_status htrail__mro_place(const htrail__mro *mro, htrail__lookup *lookup, const char *const *names, size_t *place,
                                                  const char **name);

#endif
