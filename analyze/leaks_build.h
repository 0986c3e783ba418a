/* analyze/leaks_build.h - what analyze/leaks*.c share; nobody else includes it. */
#ifndef HTRAIL_ANALYZE_LEAKS_BUILD_H
#define HTRAIL_ANALYZE_LEAKS_BUILD_H

#include "analyze/leaks.h"

/* docs/leaks.md says what each was measured on. */
enum {
    HTRAIL__LEAKS_STEP_OBJECTS_MIN = 3,   /* more objects in each interval */
    HTRAIL__LEAKS_STEP_LARGE_MIN = 1024,  /* or one with that many bytes */
    HTRAIL__LEAKS_STEP_BYTES_MIN = 512,   /* and bytes on the average of an interval */
    HTRAIL__LEAKS_HEAP_SHARE = 100,       /* at least one such part of the heap's own growth */
    HTRAIL__LEAKS_SAMPLES_MIN = 4         /* of fewer, where not all are sampled, nothing is said about how many stayed */
};
#define HTRAIL__LEAKS_STEADY 0.1  /* the smallest step is at least this part of the largest */
#define HTRAIL__LEAKS_SLOWING 0.5 /* steps that become smaller each time, to under this part of the first, will end */
#define HTRAIL__LEAKS_STAYED 0.6  /* so much of what was there stays */
#define HTRAIL__LEAKS_NEW 0.5     /* so much of the growth is growth of the type in the whole heap */
#define HTRAIL__LEAKS_REGULAR 0.6 /* as STEADY, where no object can be asked whether it stayed */

/* Whether values grow in every interval and go on to; the reason why not, else NULL. steps: of each interval. */
const char *htrail__leaks_steady(const uint64_t *values, unsigned count, uint64_t step_min, double regular, uint64_t *steps);
/* Whether two growths go together: the one a multiple of the other in every interval. */
bool htrail__leaks_together(const uint64_t *a, const uint64_t *b, unsigned steps);

/* Figures of a path: in a snapshot; bytes more below it in the last than in the first; the smallest part of its objects that stayed in an
 * interval, 1 where there was none to ask. */
const htrail__path_count *htrail__leaks_count(const htrail__leaks *leaks, unsigned snapshot, uint32_t path);
int64_t htrail__leaks_grown(const htrail__leaks *leaks, uint32_t path);
double htrail__leaks_stayed(const htrail__leaks *leaks, uint32_t path);
/* Less than that is no leak. */
int64_t htrail__leaks_bytes_min(const htrail__leaks *leaks);

/* Fills paths. message holds a sentence where the status is not HTRAIL_OK. */
htrail_status htrail__leaks_read(htrail__leaks *leaks, sqlite3 *const *dbs, uint64_t objects_max, htrail__leaks_progress progress, void *arg, char *message,
                                 size_t message_cap);
/* Whether nobody collects garbage: no collection between the snapshots, and one is overdue. */
bool htrail__leaks_is_uncollected(sqlite3 *const *dbs, unsigned count);
/* Fills what is known of types and of the whole heap. */
htrail_status htrail__leaks_sum_heap(htrail__leaks *leaks);

/* Of one leak, in this order: which of its parts says most, how much it is, how sure, and one of its objects. */
void htrail__leaks_choose_main(htrail__leaks *leaks, htrail__leak *leak);
void htrail__leaks_measure(htrail__leaks *leaks, htrail__leak *leak);
void htrail__leaks_judge(htrail__leaks *leaks, htrail__leak *leak);
htrail_status htrail__leaks_find_example(htrail__leaks *leaks, htrail__leak *leak, sqlite3 *last);

/* How much a path says of a leak: its bytes; keys say less than what is under them, and what is of no type of the program's
 * less than what is. */
int64_t htrail__leaks_weight(const htrail__leaks *leaks, uint32_t path);
htrail__leak *htrail__leaks_add(htrail__leaks *leaks, htrail__leak_kind kind);
bool htrail__leaks_add_part(htrail__leak *leak, uint32_t path);
bool htrail__leaks_add_joint(htrail__leak *leak, uint32_t path);
bool htrail__leaks_add_also(htrail__leak *leak, uint32_t path);
/* from's parts are into's; from is empty afterwards, with nothing to say. */
bool htrail__leaks_absorb(htrail__leaks *leaks, htrail__leak *into, htrail__leak *from);
void htrail__leaks_drop_empty(htrail__leaks *leaks);
void htrail__leak_release(htrail__leak *leak);

/* Each looks at what was found so far, adds its own verdict, and takes what belongs to it. */
htrail_status htrail__leaks_find_threads(htrail__leaks *leaks, sqlite3 *const *dbs, char *message, size_t message_cap);
htrail_status htrail__leaks_find_modules(htrail__leaks *leaks, sqlite3 *const *dbs, char *message, size_t message_cap);
/* Verdicts about the same objects become one. */
htrail_status htrail__leaks_join_holders(htrail__leaks *leaks, sqlite3 *last, char *message, size_t message_cap);
/* Fills sites of all, in their last order. */
htrail_status htrail__leaks_find_sites(htrail__leaks *leaks, sqlite3 *last);

#endif
