/* events.h - learn from the interpreter that the program ends, and that a MemoryError was
 * raised, without a change in the program.
 *
 * The end: a function that atexit calls, registered before the program can register any, and
 * so called after all of the program's own; nothing is taken apart yet.
 *
 * MemoryError: the type's own functions for making and freeing an instance tell. An instance is
 * made (up to 3.11, and by who raises it in Python) or freed (from 3.12 on, where C code raises
 * one that was made in advance) while the traceback still holds the frames that ran out of
 * memory. It costs nothing until then. */
#ifndef HTRAIL_CAPTURE_PYTHON_EVENTS_H
#define HTRAIL_CAPTURE_PYTHON_EVENTS_H

/* With the GIL held, on the main thread. NULL: not wanted. Both are called with the GIL held, and may let
 * others have it meanwhile. 0: it is too early, the interpreter cannot import yet. */
int htrail__events_tell(void (*at_exit)(void), void (*memory_error)(void));

#endif
