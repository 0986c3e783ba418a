/* stack_310.c - see stack.h. Up to CPython 3.10 the depth of a running frame is not worked out: 0. */
#include "capture/python/stack.h"

#if PY_VERSION_HEX >= 0x03000000 && PY_VERSION_HEX < 0x030b0000

int htrail__stack_depth(htrail__walk *k, const PyFrameObject *frame)
{
    (void)k, (void)frame;
    return 0;
}

#endif
