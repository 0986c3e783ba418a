/* stack.h - how much is on the value stack of a frame that runs. */
#ifndef HTRAIL_STACK_H
#define HTRAIL_STACK_H

#include "capture/python/walk.h"

/* Items on the stack before the instruction at which the frame is, worked out from its
 * code; 0 where that cannot be told. */
int htrail__stack_depth(htrail__walk *k, const struct _PyInterpreterFrame *frame);

#endif
