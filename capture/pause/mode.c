/* mode.c - see mode.h. */
#include "capture/pause/mode.h"

#include <string.h>

enum { MODES = 3 };

static const char *const names[MODES] = {[HTRAIL_CAPTURE_IN_PLACE] = "in-place", [HTRAIL_CAPTURE_FORK] = "fork",
                                         [HTRAIL_CAPTURE_AUTO] = "auto"};

const char *htrail__mode_name(htrail_capture_mode mode) { return (unsigned)mode < MODES ? names[mode] : "?"; }

bool htrail__mode_parse(const char *name, htrail_capture_mode *mode)
{
    for (int i = 0; i < MODES; i++)
        if (strcmp(name, names[i]) == 0) {
            *mode = (htrail_capture_mode)i;
            return true;
        }
    return false;
}
