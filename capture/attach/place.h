/* capture/attach/place.h - may the only thread of a process be made one of two, here?
 *
 * While a process has one thread, glibc takes no lock for its heap. A second thread may begin
 * only where the first one is not between two steps of the allocator; with two threads or more
 * there is nothing to look at, everything is locked already. */
#ifndef HTRAIL_CAPTURE_ATTACH_PLACE_H
#define HTRAIL_CAPTURE_ATTACH_PLACE_H

#include "capture/attach/objects.h"
#include "capture/attach/registers.h"

enum { HTRAIL__PLACE_RANGES = 20, HTRAIL__PLACE_RESTORERS = 8 };

/* What there is to know before the thread is stopped. */
typedef struct htrail__places {
    const htrail__objects *objects;
    bool own_allocator; /* of the program: malloc is not the C library's */
    size_t range_count, restorer_count;
    htrail__memory_range ranges[HTRAIL__PLACE_RANGES]; /* malloc and its like */
    htrail__memory_range core[3 * HTRAIL__SEGMENTS_CAP]; /* code of libc, the loader and the allocator */
    size_t core_count;
    uint64_t restorers[HTRAIL__PLACE_RESTORERS]; /* where a signal handler returns to */
} htrail__places;

void htrail__places_find(htrail__places *places, const htrail__objects *objects, const htrail__object *libc,
                         const htrail__object *loader);

/* true: it is in no allocator. What cannot be told is false. */
bool htrail__place_is_safe(const htrail__places *places, pid_t pid, pid_t tid, const htrail__registers *registers);

#endif
