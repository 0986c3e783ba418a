/* analyze/paths_samples.c - which objects were there before: samples of a snapshot beside those of the next.
 *
 * By address both are read from the front. What hangs on names that are data is put together only when all was read; so of an object
 * whose path became another it is written down from which to which, and counted then. */
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/paths_build.h"

/* By address, DIGIT_BITS at a time from the lowest that differs; digits that are the same in all are passed over. Comparing takes six times
 * as long. */
enum { DIGIT_BITS = 12, DIGITS = 1 << DIGIT_BITS };

htrail__path_sample *htrail__paths_sort_samples(htrail__path_sample *samples, htrail__path_sample *other, size_t count)
{
    size_t starts[DIGITS];
    uint64_t differs = 0;
    unsigned shift = 0;
    for (size_t i = 1; i < count; i++)
        differs |= samples[i].address ^ samples[0].address;
    while (differs != 0 && (differs >> shift) % 2 == 0)
        shift++;
    for (; shift < 64 && differs >> shift != 0; shift += DIGIT_BITS) {
        if ((differs >> shift) % DIGITS == 0)
            continue;
        memset(starts, 0, sizeof starts);
        for (size_t i = 0; i < count; i++)
            starts[(samples[i].address >> shift) % DIGITS]++;
        for (size_t digit = 0, at = 0; digit < DIGITS; digit++) {
            size_t here = starts[digit];
            starts[digit] = at;
            at += here;
        }
        for (size_t i = 0; i < count; i++)
            other[starts[(samples[i].address >> shift) % DIGITS]++] = samples[i];
        htrail__path_sample *sorted = other;
        other = samples;
        samples = sorted;
    }
    return samples;
}

/* Parts of a fingerprint (analyze/fingerprint.h). */
enum { WHAT = 0xffff0000u, HOLDS = 0xffu };

static bool note_move(htrail__paths_snapshot *after, uint32_t from, uint32_t to, bool holds_same)
{
    if (!htrail__grow(&after->moves, &after->move_room, after->move_count, sizeof *after->moves))
        return false;
    after->moves[after->move_count++] = (htrail__path_move){from, to, holds_same};
    return true;
}

htrail_status htrail__paths_compare_samples(htrail__paths_snapshot *before, htrail__paths_snapshot *after)
{
    size_t i = 0;
    for (size_t k = 0; k < after->sample_count; k++) {
        const htrail__path_sample *now = &after->samples[k];
        while (i < before->sample_count && before->samples[i].address < now->address)
            i++;
        bool known = i < before->sample_count && before->samples[i].address == now->address;
        uint32_t differs = known ? before->samples[i].fingerprint ^ now->fingerprint : WHAT;
        if (differs & WHAT)
            after->counts[now->path].fresh++;
        else if (before->samples[i].path == now->path)
            before->counts[now->path].stayed++;
        else if (!note_move(after, before->samples[i].path, now->path, !(differs & HOLDS)))
            return HTRAIL_E_NOMEM;
    }
    return HTRAIL_OK;
}

void htrail__paths_settle_moves(htrail__paths_snapshot *before, htrail__paths_snapshot *after, const uint32_t *new_path)
{
    for (size_t i = 0; i < after->move_count; i++) {
        const htrail__path_move *move = &after->moves[i];
        uint32_t from = new_path[move->from], to = new_path[move->to];
        if (from == to)
            before->counts[from].stayed++;
        /* One of its kind may stand where it stood: what it holds tells, which seldom changes when it goes elsewhere. */
        else if (move->holds_same)
            after->counts[to].moved++;
        else
            after->counts[to].fresh++;
    }
}

void htrail__paths_release_samples(htrail__paths_snapshot *snapshot)
{
    free(snapshot->samples);
    free(snapshot->moves);
    snapshot->samples = NULL;
    snapshot->moves = NULL;
    snapshot->sample_count = snapshot->sample_room = snapshot->move_count = snapshot->move_room = 0;
}
