/* analyze/paths.h - what a heap holds, by how it is held: all objects that are held in the same way
 * are one path, in one snapshot and over several.
 *
 *     sys.modules ['app'] module -> __dict__ dict -> ['users'] dict -> [] app.User x 5,000 -> .history list x 5,000
 *
 * A path is a shape (analyze/shape.h) of the shortest chains, by kind and name of each reference and
 * type of each object; positions, and keys that are no names, are left out. It needs no identity: no
 * address and no number of an object is in it, so that paths of different snapshots, and of
 * different processes, can be compared.
 *
 * Names that come and go are data and not names. Under one path they are put together:
 *   - those of a mapping that has many (over HTRAIL__PATHS_NAMES_MAX items, or over
 *     HTRAIL__PATHS_ALIKE_MAX under names), unless it is a namespace: what a field such as __dict__ leads
 *     to, and sys.modules;
 *   - under any path, those that some snapshot does not have, where there are three or more.
 *
 * Order of calls: init, read for each snapshot, join, release; or, to read several at once, in as many threads, the first ones into
 * what was made for all, those that follow into one made for them, then append of these, join, release: the result is the same. Memory:
 * 12 bytes an object of the largest snapshot and three times 16 for each of at most 2 million samples, for each thread, and a few words
 * for each path.
 *
 * Errors: the sentence is in message. */
#ifndef HTRAIL_ANALYZE_PATHS_H
#define HTRAIL_ANALYZE_PATHS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <htrail/status.h>

#include "analyze/shape.h"
#include "analyze/texts.h"

enum { HTRAIL__PATHS_NAMES_MAX = 64, HTRAIL__PATHS_ALIKE_MAX = 16 };

/* The objects of a path in one snapshot. */
typedef struct htrail__path_count {
    uint64_t objects, bytes, length; /* length: the sum of what len() says */
    uint64_t below;    /* bytes of these and of all that the shortest chains lead to through them */
    uint64_t retained; /* what would go with them: exact, from dominators; none is counted twice */
    uint32_t first;    /* id of the first object; 0: none */
    uint32_t last;     /* ... and the last */
    /* Of a sample of the objects, all where there are not too many: how many; how many of them are in this path in the
     * next snapshot; how many were in the one before under another path, and how many in none. */
    uint32_t sampled, stayed, moved, fresh;
} htrail__path_count;

/* A sampled object: its address and its fingerprint (analyze/fingerprint.h) tell whether it was there before. */
typedef struct htrail__path_sample {
    uint64_t address;
    uint32_t fingerprint, path;
} htrail__path_sample;

/* A sampled object that is under another path than in the snapshot before, until names are put together. */
typedef struct htrail__path_move {
    uint32_t from, to;
    bool holds_same;
} htrail__path_move;

/* A function of Python's: ids of its name and module in the tables `name` and `module`; 0: it has none. */
typedef struct htrail__path_function {
    uint32_t id, name, module;
} htrail__path_function;

/* What the last snapshot that was read says of a path: the number of that snapshot, from 1; 0: none did. */
typedef struct htrail__path_marks {
    unsigned char has_many; /* names below it are data; of all snapshots where any says so */
    unsigned char folded;   /* objects of it hold others of it */
} htrail__path_marks;

typedef struct htrail__paths_snapshot {
    htrail__path_count *counts;  /* by path */
    uint32_t counts_room;
    htrail__path_sample *samples;/* by address; of the first and the last that was read, until all are joined */
    size_t sample_count, sample_room;
    htrail__path_move *moves;
    size_t move_count, move_room;
    htrail__path_function *functions; /* by id: what is loaded again and again shows in them, and nobody need read all objects again for it */
    size_t function_count, function_room;
    uint32_t *path_of;           /* by id, of the last snapshot alone; else NULL */
    uint32_t object_count;
    uint64_t bytes;              /* of all objects that a root reaches */
} htrail__paths_snapshot;

typedef struct htrail__paths {
    htrail__texts texts;
    htrail__shapes shapes;  /* name and module are 0; a root's type is the text of its kind, its name without numbers */
    htrail__paths_snapshot *snapshots;
    unsigned snapshot_count, read_count;
    struct htrail__paths_reading *reading; /* private: what the next snapshot is read with */
    htrail__path_marks *marks; /* by path */
    uint32_t marks_room;
    uint64_t sample_mask;   /* an object is sampled where its hashed address has none of these bits */
} htrail__paths;

/* objects_max: of the largest snapshot. HTRAIL_OK or HTRAIL_E_NOMEM; release in either case. */
HTRAIL_MUST_CHECK htrail_status htrail__paths_init(htrail__paths *paths, unsigned snapshot_count, uint64_t objects_max);
/* The next snapshot, oldest first. */
HTRAIL_MUST_CHECK htrail_status htrail__paths_read(htrail__paths *paths, sqlite3 *db, char *message, size_t message_cap);
/* The snapshots of from, all that it was made for, as the next ones; from has nothing afterwards. Both were made with the same objects_max. */
HTRAIL_MUST_CHECK htrail_status htrail__paths_append(htrail__paths *paths, htrail__paths *from);
/* After the last. */
HTRAIL_MUST_CHECK htrail_status htrail__paths_join(htrail__paths *paths);
void htrail__paths_release(htrail__paths *paths);

static inline const htrail__path_count *htrail__paths_count(const htrail__paths *paths, unsigned snapshot, uint32_t path)
{
    return &paths->snapshots[snapshot].counts[path];
}

static inline bool htrail__path_is_root(const htrail__paths *paths, uint32_t path)
{
    return paths->shapes.shapes[path].parent == HTRAIL__NO_SHAPE;
}

#endif
