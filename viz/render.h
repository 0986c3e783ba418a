/* viz/render.h - place the cards and arrows of a picture with libgvc.
 *
 * A layout cannot be interrupted, and a fault in it would take the command with it: it
 * runs in a child process with a limit on its processor time. The bounds of viz/model
 * keep pictures far below that limit, so what is drawn never depends on the clock. */
#ifndef HTRAIL_VIZ_RENDER_H
#define HTRAIL_VIZ_RENDER_H

#include <htrail/status.h>
#include "viz/picture.h"

/* Cards must have their sizes (htrail__picture_size_cards). HTRAIL_E_LIMIT: the layout took
 * too long or failed; the picture is unchanged. HTRAIL_E_NOMEM; HTRAIL_E_IO: no process or
 * pipe could be had. */
HTRAIL_MUST_CHECK htrail_status htrail__render_layout(htrail__picture *picture);

#endif
