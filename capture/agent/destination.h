/* capture/agent/destination.h - the file that `heaptrail snap` has a snapshot written to:
 * opened here, with the rights of who asks, as PATH.partial, and renamed when it is whole.
 * What is no regular file (a pipe, a device, standard output) is written in place.
 *
 * Order of calls: one open, then keep or drop.
 *
 * Errors: 0 or an errno value. */
#ifndef HTRAIL_CAPTURE_AGENT_DESTINATION_H
#define HTRAIL_CAPTURE_AGENT_DESTINATION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { HTRAIL__DESTINATION_CAP = PATH_MAX + 16 };

typedef struct htrail__destination {
    int fd;
    bool borrowed;                         /* fd is not ours to close */
    char path[HTRAIL__DESTINATION_CAP];    /* absolute; "-" for standard output */
    char partial[HTRAIL__DESTINATION_CAP]; /* what is there until keep; "" where written in place */
} htrail__destination;

/* path may be relative to the working folder; "-" is standard output. */
int htrail__destination_open(htrail__destination *destination, const char *path);

/* PREFIX-NNNN.htrail, NNNN from *sequence on, the first number that has no file yet. */
int htrail__destination_open_numbered(htrail__destination *destination, const char *prefix, uint32_t *sequence);

/* To disk, then under its name. */
int htrail__destination_keep(htrail__destination *destination);

/* Away with it. */
void htrail__destination_drop(htrail__destination *destination);

/* Close, and leave PATH.partial where anything was written. true: something is left. */
bool htrail__destination_leave(htrail__destination *destination);

#endif
