/* analyze/paths_build.h - what analyze/paths*.c share; nobody else includes it. */
#ifndef HTRAIL_ANALYZE_PATHS_BUILD_H
#define HTRAIL_ANALYZE_PATHS_BUILD_H

#include "analyze/paths.h"

/* ref_kind of a path that stands for all that lies deeper than paths go. */
enum { HTRAIL__PATHS_DEEPER = 1001 };

/* Room for as many counts as there are shapes. */
htrail_status htrail__paths_begin_snapshot(htrail__paths *paths, htrail__paths_snapshot *snapshot);
htrail_status htrail__paths_intern(htrail__paths *paths, htrail__paths_snapshot *snapshot, const htrail__shape *key, uint32_t *out);

/* Of what a class, module or function has as a field: the name under which that is held, so that the dict of one class is not
 * taken for that of another further up. 0: none. */
uint32_t htrail__paths_owner_name(const htrail__shapes *shapes, const htrail__texts *texts, const htrail__shape *key);

/* An object of the path has more than HTRAIL__PATHS_NAMES_MAX items; whether one of the snapshot that is read has: what another says must
 * not matter, or the paths of a snapshot would depend on which was read before it. */
void htrail__paths_note_length(htrail__paths *paths, uint32_t path);
bool htrail__paths_has_many_names(const htrail__paths *paths, uint32_t path);

/* By address; as they were where those are equal. other has room for as many; the one of the two that holds them is returned. */
htrail__path_sample *htrail__paths_sort_samples(htrail__path_sample *samples, htrail__path_sample *other, size_t count);
/* Counts what stayed and what is new, and fills the moves of after. HTRAIL_OK or HTRAIL_E_NOMEM. */
htrail_status htrail__paths_compare_samples(htrail__paths_snapshot *before, htrail__paths_snapshot *after);
/* Counts those moves, when each path has become new_path[path]. */
void htrail__paths_settle_moves(htrail__paths_snapshot *before, htrail__paths_snapshot *after, const uint32_t *new_path);
void htrail__paths_release_samples(htrail__paths_snapshot *snapshot);

/* Gives back what snapshots were read with. */
void htrail__paths_end_reading(htrail__paths *paths);

static inline uint64_t htrail__paths_hash(uint64_t address)
{
    address = (address >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return address >> 32 ^ address >> 52;
}

#endif
