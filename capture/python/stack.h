/* stack.h - how much is on the value stack of a frame that runs. */
#ifndef HTRAIL_STACK_H
#define HTRAIL_STACK_H

#include "capture/python/walk.h"

/* Items on the stack before the instruction at which the frame is, worked out from its
 * code; 0 where that cannot be told. */
#if PY_VERSION_HEX >= 0x030b0000
int htrail__stack_depth(htrail__walk *k, const struct _PyInterpreterFrame *frame);
#else
int htrail__stack_depth(htrail__walk *k, const PyFrameObject *frame);
#endif

#endif
