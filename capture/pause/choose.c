/* choose.c - see choose.h. */
#include "capture/pause/choose.h"

#include <stdio.h>
#include <string.h>

#include "capture/pause/child.h"
#include "capture/process/room.h"

enum {
    FORK_FIXED_NS = 300 * 1000,
    FORK_NS_PER_MIB = 24 * 1000, /* docs/capture.md: measured with pages of 4 KiB */
};

uint64_t htrail__choose_fork_ns(uint64_t anonymous_bytes)
{
    return FORK_FIXED_NS + (anonymous_bytes >> 20) * FORK_NS_PER_MIB;
}

/* "128.5 MiB", "22.6 GiB": rounded down. */
static void amount(char *text, size_t cap, uint64_t bytes)
{
    unsigned shift = bytes < UINT64_C(1) << 30 ? 20 : 30;
    uint64_t tenths = (bytes >> (shift - 10)) * 10 >> 10;
    snprintf(text, cap, "%llu.%llu %s", (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10), shift == 20 ? "MiB" : "GiB");
}

/* Every page that the program writes to is there twice while the copy lives: in the worst case
 * all of them, with the copy's own memory and the page tables. An eighth more, because others
 * live on the machine as well. */
static uint64_t worst_case(uint64_t anonymous) { return anonymous + anonymous / 8 + (16u << 20); }

/* Why no fork; NULL: it may be. */
static const char *against_fork(const htrail__choose_opts *opts, char *text, size_t cap)
{
    htrail__room room;
    uint64_t anonymous;
    char need[40], have[40];
    const char *forbidden = htrail__child_forbidden();
    if (forbidden != NULL) {
        snprintf(text, cap, "%s", forbidden);
        return text;
    }
    if (!htrail__room_anonymous(opts->root, &anonymous)) { /* with no descriptor free the file will say so */
        if (opts->wanted == HTRAIL_CAPTURE_FORK && opts->max_pause_ns == 0)
            return NULL;
        return "the size of the process cannot be read from /proc";
    }
    uint64_t fork_ns = htrail__choose_fork_ns(anonymous);
    if (opts->max_pause_ns != 0 && fork_ns > opts->max_pause_ns) {
        snprintf(text, cap, "a fork would stop the program for about %llu.%llu ms, longer than allowed",
                 (unsigned long long)(fork_ns / 1000000), (unsigned long long)(fork_ns / 100000 % 10));
        return text;
    }
    if (opts->wanted == HTRAIL_CAPTURE_FORK)
        return NULL;
    amount(need, sizeof need, worst_case(anonymous));
    if (opts->max_memory_bytes != 0 && opts->max_memory_bytes < worst_case(anonymous)) {
        amount(have, sizeof have, opts->max_memory_bytes);
        snprintf(text, cap, "a copy may take up to %s, and %s are allowed", need, have);
        return text;
    }
    if (!htrail__room_read(opts->root, &room))
        return "how much memory is free cannot be read";
    amount(have, sizeof have, room.bytes);
    if (room.bytes < worst_case(anonymous)) {
        snprintf(text, cap, "a copy may take up to %s, and %s leaves %s", need, room.by, have);
        return text;
    }
    snprintf(text, cap, "a copy takes at most %s, and %s leaves %s", need, room.by, have);
    return NULL;
}

bool htrail__choose(htrail__choice *choice, const htrail__choose_opts *opts)
{
    char text[HTRAIL__REASON_CAP] = "";
    choice->mode = HTRAIL_CAPTURE_IN_PLACE;
    if (opts->wanted == HTRAIL_CAPTURE_IN_PLACE) {
        snprintf(choice->reason, sizeof choice->reason, "as asked for");
        return true;
    }
    const char *against = against_fork(opts, text, sizeof text);
    if (against == NULL)
        choice->mode = HTRAIL_CAPTURE_FORK;
    if (opts->wanted == HTRAIL_CAPTURE_FORK && against == NULL)
        snprintf(choice->reason, sizeof choice->reason, "as asked for");
    else
        snprintf(choice->reason, sizeof choice->reason, "%s", against != NULL ? against : text);
    return against == NULL || opts->wanted == HTRAIL_CAPTURE_AUTO;
}

void htrail__choose_again(htrail__choice *choice, int error)
{
    char text[128];
    choice->mode = HTRAIL_CAPTURE_IN_PLACE;
    snprintf(choice->reason, sizeof choice->reason, "fork failed: %s", strerror_r(error, text, sizeof text));
}
