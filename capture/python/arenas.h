/* arenas.h - what Python's allocator of small objects took from the kernel, and how much of it is in
 * use. Left out where the program runs with another one (PYTHONMALLOC). */
#ifndef HTRAIL_ARENAS_H
#define HTRAIL_ARENAS_H

#include "capture/process/process.h"
#include "capture/python/walk.h"

/* Sets pymalloc_* in the metadata, and tells process, unless it is NULL, where the arenas are. */
void htrail__arenas_write(htrail__walk *k, htrail_process *process);

#endif
