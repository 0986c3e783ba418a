/* sites.h - where memory was asked for, into the file: from tracemalloc's own tables where it
 * traces, else from our sampler where that runs. */
#ifndef HTRAIL_PYTHON_SITES_H
#define HTRAIL_PYTHON_SITES_H

#include "capture/python/walk.h"

/* The rows of sites and blocks, and what the metadata say of them (docs/sites.md). Where a table cannot
 * be read the snapshot goes on without it, and says so. */
void htrail__sites_add_all(htrail__walk *k);

/* tracemalloc's traces; false: it does not trace, and nothing was written. wrong: why what was
 * written is not all, or NULL. */
bool htrail__traces_write(htrail__walk *k, uint64_t *blocks, const char **wrong);

#endif
