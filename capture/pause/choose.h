/* choose.h - fork or in place: by free memory against what a copy of the process can cost. */
#ifndef HTRAIL_CAPTURE_PAUSE_CHOOSE_H
#define HTRAIL_CAPTURE_PAUSE_CHOOSE_H

#include <stdbool.h>

#include <htrail/capture.h>

enum { HTRAIL__REASON_CAP = 320 };

typedef struct htrail__choice {
    htrail_capture_mode mode; /* FORK or IN_PLACE */
    char reason[HTRAIL__REASON_CAP]; /* why: a sentence without a full stop */
} htrail__choice;

typedef struct htrail__choose_opts {
    htrail_capture_mode wanted;
    uint64_t max_pause_ns, max_memory_bytes; /* 0: none */
    const char *root; /* before every path that is read: "" but in tests */
} htrail__choose_opts;

/* What is wanted where it can be had. false: fork was asked for and cannot be (or would break a
 * limit), reason says why. Takes some 0.1 ms; needs no GIL, allocates nothing. */
bool htrail__choose(htrail__choice *choice, const htrail__choose_opts *opts);

/* fork was chosen by AUTO, and clone failed with error. */
void htrail__choose_again(htrail__choice *choice, int error);

/* How long clone is expected to stop the program, by the memory whose tables it copies. */
uint64_t htrail__choose_fork_ns(uint64_t anonymous_bytes);

#endif
