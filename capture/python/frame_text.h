/* frame_text.h - where the running thread is: file, function and line of its frames, copied
 * into tables of one's own. From within an allocator: nothing is allocated, nothing is made. */
#ifndef HTRAIL_FRAME_TEXT_H
#define HTRAIL_FRAME_TEXT_H

#include "capture/python/cpython.h"
#include "capture/sample/sampler.h"

/* The frames of the calling thread, the innermost first, at most depth; how many there are. 0: there
 * is no Python thread or no frame. */
unsigned htrail__frames_now(htrail__sites *sites, htrail__sampler_frame *frames, unsigned depth);

/* A str as a text of the tables; 0 where it is none. */
uint32_t htrail__frames_text(htrail__sites *sites, PyObject *string);

#endif
