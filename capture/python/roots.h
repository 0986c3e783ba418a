/* roots.h - why objects live that no object holds: interpreter, threads, static types. */
#ifndef HTRAIL_ROOTS_H
#define HTRAIL_ROOTS_H

#include "capture/python/walk.h"

/* After the lists: what only roots hold is added with them. */
void htrail__roots_add(htrail__walk *k);
/* The version's own part of it: fields of the interpreter's state, and of a thread's. */
void htrail__roots_of_interpreter(htrail__walk *k);
void htrail__roots_of_thread(htrail__walk *k, PyThreadState *thread);
/* One object, or NULL; and what nothing else was seen to hold: caches, which mostly hold names that are held anyway. */
void htrail__roots_object(htrail__walk *k, uint32_t kind, PyObject *o, const char *name);
void htrail__roots_object_if_new(htrail__walk *k, PyObject *o, const char *name);
/* All frames of one thread, where they are objects: refs_frame_object.c, up to 3.10. */
void htrail__roots_add_frames(htrail__walk *k, PyThreadState *thread);
/* After everything else: static types and the table of interned strings. */
void htrail__roots_add_last(htrail__walk *k);

/* Static variables of the interpreter and of every library that point to objects which were met:
 * roots of kind C_GLOBAL, named "LIBRARY+0xOFFSET". Whether one owns what it points to only the
 * reference counts can tell. Static types are left out, and so is what is in objects. */
void htrail__globals_add(htrail__walk *k);

/* The dict of interned strings, which only a static variable of the interpreter holds; NULL
 * where it was not found. Looked for once a process. */
PyObject *htrail__interned_find(htrail__walk *k);

#endif
