/* viz/pdf.h - an SVG as a PDF of one page of its size, through librsvg and cairo. */
#ifndef HTRAIL_VIZ_PDF_H
#define HTRAIL_VIZ_PDF_H

#include <stddef.h>
#include <stdio.h>
#include <htrail/status.h>

/* No date is in it: the same SVG gives the same bytes. message (always NUL-terminated) has the cause of a failure. */
HTRAIL_MUST_CHECK htrail_status htrail__pdf_write(const char *svg, size_t len, FILE *stream, char *message, size_t message_cap);

#endif
