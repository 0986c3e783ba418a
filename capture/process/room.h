/* room.h - how much more memory this process may take before something gets tight: what the
 * machine has left (MemAvailable) and what each control group above the process still allows
 * (v2: memory.max and memory.high, v1: memory.limit_in_bytes), whichever is least. File cache that
 * a group could drop counts as free. Read with open and read alone, nothing is allocated. */
#ifndef HTRAIL_PROCESS_ROOM_H
#define HTRAIL_PROCESS_ROOM_H

#include <stdbool.h>
#include <stdint.h>

enum { HTRAIL__ROOM_BY_CAP = 160 };

typedef struct htrail__room {
    uint64_t bytes;                 /* UINT64_MAX: nothing is known */
    char by[HTRAIL__ROOM_BY_CAP];   /* what sets it: "MemAvailable", "memory.max of /a/b" */
} htrail__room;

/* root is put before every path: "" but in tests. false: nothing could be read. */
bool htrail__room_read(const char *root, htrail__room *room);

/* Resident memory of the process that is not of files and is its own to write to: what a copy of
 * it costs at most. */
bool htrail__room_anonymous(const char *root, uint64_t *bytes);

#endif
