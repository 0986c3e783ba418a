/* viz/svg.h - a placed picture as one SVG: no script, no link, no font, nothing fetched.
 * Several of them can stand in one page: every rule of style and every id is prefixed. */
#ifndef HTRAIL_VIZ_SVG_H
#define HTRAIL_VIZ_SVG_H

#include "analyze/text.h"
#include "viz/picture.h"

typedef enum htrail__theme {
    HTRAIL__THEME_AUTO, /* as the viewer is set */
    HTRAIL__THEME_LIGHT,
    HTRAIL__THEME_DARK
} htrail__theme;

enum { HTRAIL__SVG_BYTES_MAX = 16 << 20 };

/* Adds to out; out->failed says that memory or out's limit was not enough. */
void htrail__svg_write(htrail__text *out, const htrail__picture *picture, htrail__theme theme);

#endif
