/* viz/rsvg.h - an SVG in librsvg, for viz/png and viz/pdf. It fetches nothing: it is given no base address. */
#ifndef HTRAIL_VIZ_RSVG_H
#define HTRAIL_VIZ_RSVG_H

#include <librsvg/rsvg.h>
#include <stdio.h>
#include <htrail/status.h>

/* *out is the caller's to unref; width and height are points. On failure message has the cause. */
HTRAIL_MUST_CHECK htrail_status htrail__rsvg_open(RsvgHandle **out, const char *svg, size_t len, double *width, double *height, char *message,
                                                  size_t message_cap);
/* Drawn width by height large, from the canvas's upper left corner on. */
HTRAIL_MUST_CHECK htrail_status htrail__rsvg_draw(RsvgHandle *handle, cairo_t *canvas, double width, double height, char *message, size_t message_cap);
/* For cairo: arg is a FILE. */
cairo_status_t htrail__rsvg_write(void *arg, const unsigned char *data, unsigned len);
/* What cairo said after writing, with errno's text where there is one. */
HTRAIL_MUST_CHECK htrail_status htrail__rsvg_status(cairo_status_t drawn, char *message, size_t message_cap);

#endif
