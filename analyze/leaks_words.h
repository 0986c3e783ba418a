/* analyze/leaks_words.h - a verdict in words: one sentence that names the place, what gathers there, how fast, how
 * much would come back, who holds it and how sure it is; and the chain that is the evidence.
 *
 *     keep.leak (list) grew by 10,000 Records in each of 3 intervals: +18.6 MiB retained, held from sys.modules['__main__'].keep; confidence high
 *
 * Errors: HTRAIL_E_NOMEM, or the lookup's own. Release in either case. */
#ifndef HTRAIL_ANALYZE_LEAKS_WORDS_H
#define HTRAIL_ANALYZE_LEAKS_WORDS_H

#include "analyze/leaks.h"
#include "analyze/lookup.h"

/* A step of the chain to what gathers. */
typedef struct htrail__leak_step {
    char *reference; /* "['users']"; "" of what a root holds */
    char *type, *name; /* type of the objects, "app.User"; name of the one where there is one object with a name */
    uint64_t objects; /* in the last snapshot */
} htrail__leak_step;

typedef struct htrail__leak_words {
    char *sentence, *place, *place_type, *holder, *type, *root, *also, *expression, *carries; /* carries: the program's own type that most of the bytes below hang on; "" none or type itself;
                                                 expression: Python's for the container; "" none */
    htrail__leak_step *steps;
    size_t step_count;
} htrail__leak_words;

/* lookup: of the last snapshot. */
HTRAIL_MUST_CHECK htrail_status htrail__leak_words_make(htrail__leak_words *out, const htrail__leaks *leaks, const htrail__leak *leak, htrail__lookup *lookup);
void htrail__leak_words_release(htrail__leak_words *words);

#endif
