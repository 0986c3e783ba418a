/* mode.h - the names of the modes, as options and files have them. */
#ifndef HTRAIL_CAPTURE_PAUSE_MODE_H
#define HTRAIL_CAPTURE_PAUSE_MODE_H

#include <stdbool.h>

#include <htrail/capture.h>

/* "in-place", "fork", "auto"; "?" for another number. */
const char *htrail__mode_name(htrail_capture_mode mode);

/* false: no mode is called so. */
bool htrail__mode_parse(const char *name, htrail_capture_mode *mode);

#endif
