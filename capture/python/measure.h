/* measure.h - shallow sizes, equal to sys.getsizeof but for what docs/capture.md lists, and
 * lengths. Read from structures: __sizeof__ and __len__ may be anybody's code. */
#ifndef HTRAIL_MEASURE_H
#define HTRAIL_MEASURE_H

#include "capture/python/walk.h"

/* The way to measure objects of a type, by what the type derives from. */
htrail__measure *htrail__measure_of(PyTypeObject *type);

#endif
