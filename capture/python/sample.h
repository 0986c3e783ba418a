/* sample.h - the sampler in a CPython: hooks under PyMem_Malloc and PyObject_Malloc. */
#ifndef HTRAIL_PYTHON_SAMPLE_H
#define HTRAIL_PYTHON_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum { HTRAIL__SAMPLE_DEPTH = 16 };

/* Sample from here on, about once in interval_bytes; 0: no more. Before the interpreter is up,
 * or with the GIL held. seed 0: another sample each time. False: no memory, or this
 * Python (2.7) has no such hooks. */
bool htrail__sample_start(uint64_t interval_bytes, uint64_t seed, unsigned depth);

/* With the GIL held, once the interpreter is up: it may have put its own allocators (PYTHONMALLOC)
 * in place of hooks that were there before; then they are put in again. */
void htrail__sample_confirm(void);

#endif
