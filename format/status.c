/* format/status.c - the texts of htrail/status.h. */
#include <htrail/status.h>

const char *htrail_status_text(htrail_status status)
{
    switch (status) {
#define X(name, number, text) case HTRAIL_##name: return text;
        HTRAIL_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}
