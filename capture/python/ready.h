/* ready.h - what has to be true before a walk, and what has to be done in the process itself
 * where a copy of it is going to be walked. Knows no Python.h, so that the agent can ask. */
#ifndef HTRAIL_READY_H
#define HTRAIL_READY_H

#include <stdbool.h>

#include <htrail/capture.h>

/* With the GIL: COLLECT_FIRST is done here, and what outlives a copy (the key of the hashes) is
 * made. HTRAIL_OK, or a status and why: a sentence, static. */
htrail_status htrail__cpython_ready(const htrail_cpython_opts *opts, const char **why);

/* Python is up, of a version that is known, and the calling thread holds its lock. */
bool htrail__cpython_has_lock(void);

#endif
