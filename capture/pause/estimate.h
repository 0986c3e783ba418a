/* estimate.h - what a snapshot is going to cost, said before it is taken: without a walk, without the
 * interpreter's lock. From resident memory, less what malloc has of it and Python's small objects
 * have not; the first time by figures of many heaps (docs/capture.md), after that by what the
 * snapshot before was of this very process. */
#ifndef HTRAIL_CAPTURE_PAUSE_ESTIMATE_H
#define HTRAIL_CAPTURE_PAUSE_ESTIMATE_H

#include <stdint.h>

#include <htrail/capture.h>

typedef struct htrail__estimate {
    uint64_t objects, file_bytes;
    uint64_t in_place_ns, fork_ns; /* the pause, by mode */
    uint64_t memory_bytes;         /* of the snapshot itself */
    uint64_t copy_bytes;           /* with fork: that pages there twice take at most */
} htrail__estimate;

/* process: a look at this process, or NULL. */
void htrail__estimate_make(htrail__estimate *estimate, const htrail_process *process, const htrail_writer_opts *writer_opts);

/* What it came to. fork_ns 0: it was in place, and took took_ns; else the copy did. */
void htrail__estimate_learn(const htrail_process *process, uint64_t objects, uint64_t file_bytes, uint64_t took_ns, uint64_t fork_ns);

#endif
