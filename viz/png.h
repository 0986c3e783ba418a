/* viz/png.h - an SVG as a PNG, through librsvg and cairo. */
#ifndef HTRAIL_VIZ_PNG_H
#define HTRAIL_VIZ_PNG_H

#include <stddef.h>
#include <stdio.h>
#include <htrail/status.h>

/* Two pixels a point, fewer where the picture would be larger than cairo can be. message
 * (always NUL-terminated) has the cause of a failure. */
HTRAIL_MUST_CHECK htrail_status htrail__png_write(const char *svg, size_t len, FILE *stream, char *message, size_t message_cap);

#endif
