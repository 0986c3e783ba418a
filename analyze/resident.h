/* analyze/resident.h - a heap that is larger than memory: the large arrays are files then.
 *
 * Without a limit they are memory for as long as it does for all of them, and what comes or grows
 * after that is a file; the kernel takes its pages back when memory runs short. With a limit
 * they are files from the beginning, and the process's resident memory is held below the limit even
 * where there is plenty: a thread looks often, and gives the pages of one array after the other
 * back, in turn; they are in the page cache or on disk and come again when touched. It works
 * for half the limit, since what a busy machine lets it look at late has grown meanwhile.
 *
 * One a process, for one load at a time; while none is begun nothing here happens. */
#ifndef HTRAIL_ANALYZE_RESIDENT_H
#define HTRAIL_ANALYZE_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTRAIL__RESIDENT_STEP = 1 << 8, HTRAIL__RESIDENT_LEAST = 64 << 20 /* what a load needs beside the arrays, with room */ };

/* For arrays that are made or grow from now on. limit: of resident memory, 0 for none; available: what there
 * is of memory, 0: enough. */
void htrail__resident_begin(uint64_t limit_bytes, uint64_t available_bytes);
void htrail__resident_end(void);
/* What the machine and the control group have left; 0: not known. */
uint64_t htrail__resident_available(void);

/* Called now and then by what goes through arrays, with how far it is: on a machine that is busy the thread comes late,
 * and who touches pages is the first to know. */
static inline void htrail__resident_step(uint32_t at);
void htrail__resident_look(void);
extern bool htrail__resident_is_limited;

/* Why there was no array to be had: "out of memory", or that there is no room for its file. Static. */
const char *htrail__resident_failure(void);

/* For analyze/mapping.c: whether an array of so many bytes should be a file; a file that has no name any
 * more, in $TMPDIR or /tmp, -1 and errno where there is none; and the arrays that are. */
bool htrail__resident_wants_file(size_t bytes);
int htrail__resident_file(char *name, size_t cap);
void htrail__resident_say_failure(size_t bytes, int failure);
void htrail__resident_in_memory(size_t bytes_before, size_t bytes); /* one has grown, come (before: 0) or gone */
bool htrail__resident_add(void *map, size_t bytes);
void htrail__resident_remove(void *map);

static inline void htrail__resident_step(uint32_t at)
{
    if (htrail__resident_is_limited && at % HTRAIL__RESIDENT_STEP == 0)
        htrail__resident_look();
}

#endif
