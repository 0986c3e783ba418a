/* thread.h - what the file says of the interpreter's threads and of their frames. Nothing here
 * asks the kernel: the walk may run in a process that is a copy, with one thread alone. */
#ifndef HTRAIL_THREAD_H
#define HTRAIL_THREAD_H

#include "capture/python/walk.h"

/* The kernel's number of a thread; 0 where it cannot be told. From 3.11 on the thread state has
 * it; before it has the address of glibc's structure of the thread alone, which has it at an
 * offset that is looked up in the calling thread's own. */
uint64_t htrail__thread_tid(htrail__walk *k, const PyThreadState *thread);

/* A thread state is a THREAD row, and so is what threading knows: its number there, name, daemon. */
void htrail__thread_add(htrail__walk *k, const PyThreadState *thread);
void htrail__thread_add_names(htrail__walk *k);

/* A running frame: the root that object is, named "function at file:line", and its FRAME row. The
 * line is that of the code where line is not above 0. */
void htrail__thread_add_frame(htrail__walk *k, const PyThreadState *thread, const PyCodeObject *code, int line, htrail_id object, uint32_t depth);

/* What else a thread state holds. */
void htrail__thread_add_root(htrail__walk *k, const PyThreadState *thread, uint32_t kind, PyObject *o, const char *name);

#endif
