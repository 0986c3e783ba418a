/* analyze/leaks_objects.h - the objects that a verdict is about, in the last snapshot, for a picture of them: what gathers and what
 * that carries.
 *
 *     writer.buffer['tasks'] -[i]-> dict x1,700 -['args']-> tuple -[0]-> app.Image x1,700        the Images
 *
 * Where the program's own type gathers, its objects; of Python's own type what most of the bytes hang on, down to the
 * program's type that the verdict names, if it names one. Of threads and of modules that are loaded again and again down to
 * where no one path carries half any more. */
#ifndef HTRAIL_ANALYZE_LEAKS_OBJECTS_H
#define HTRAIL_ANALYZE_LEAKS_OBJECTS_H

#include "analyze/leaks.h"

typedef struct htrail__leak_objects {
    char *type;         /* of them; "" where they are of several */
    uint64_t *ids;      /* the smallest first */
    size_t count;
    uint64_t all;       /* how many there are: more than count where there are more than count_max */
} htrail__leak_objects;

/* carries: as of htrail__leak_words. HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__leak_objects_find(htrail__leak_objects *out, const htrail__leaks *leaks, const htrail__leak *leak, const char *carries,
                                                          size_t count_max);
void htrail__leak_objects_release(htrail__leak_objects *objects);

#endif
