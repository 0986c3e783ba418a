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

/* With the GIL held, once the interpreter is up: where somebody put other allocators in place of the hooks
 * (PYTHONMALLOC at the start, tracemalloc.stop()) they are put in again, and sampling begins anew. */
void htrail__sample_confirm(void);

/* Whether the hooks still stand: tracemalloc.stop() puts back what it found, without those that came
 * while it traced. What is kept is then worth nothing. */
bool htrail__sample_is_in(void);

#endif
