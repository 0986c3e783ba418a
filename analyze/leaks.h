/* analyze/leaks.h - what grows from snapshot to snapshot, one verdict for each leak.
 *
 * A leak is a place in the heap where objects gather: the topmost path (analyze/paths.h) whose objects become
 * more in every interval while what holds them does not. What grows below it, and beside it for the same reason, belongs to
 * the same verdict. docs/leaks.md has the rules, why they are so, and what was measured.
 *
 * Order of calls: find, then read, then free. The databases stay open and attached as long as find runs.
 * Errors: *out is NULL unless the status is HTRAIL_OK; message then holds one sentence. */
#ifndef HTRAIL_ANALYZE_LEAKS_H
#define HTRAIL_ANALYZE_LEAKS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <htrail/status.h>

#include "analyze/paths.h"
#include "analyze/text.h"

enum { HTRAIL__LEAKS_SNAPSHOTS_MAX = 64, HTRAIL__LEAK_SITES_MAX = 3 };

typedef enum htrail__leak_kind {
    HTRAIL__LEAK_CONTAINER, /* one container */
    HTRAIL__LEAK_SPREAD,    /* many that are held alike */
    HTRAIL__LEAK_LINKED,    /* objects that hold each other: a linked list, a tree */
    HTRAIL__LEAK_LENGTH,    /* items that are no new objects, or one object that becomes longer */
    HTRAIL__LEAK_ROOT,      /* held by a root itself */
    HTRAIL__LEAK_C_CODE,    /* held by what no snapshot shows */
    HTRAIL__LEAK_GARBAGE, /* cycles, where the collector is off */
    HTRAIL__LEAK_THREADS,
    HTRAIL__LEAK_MODULES    /* loaded again and again */
} htrail__leak_kind;
/* "container", "spread", ...: static. */
const char *htrail__leak_kind_text(htrail__leak_kind kind);

typedef enum htrail__leak_confidence { HTRAIL__LEAK_LOW, HTRAIL__LEAK_MEDIUM, HTRAIL__LEAK_HIGH } htrail__leak_confidence;

/* A line that asked for memory of what leaks. Texts are owned. */
typedef struct htrail__leak_site {
    char *file, *function;
    int64_t line;
    uint64_t objects, bytes; /* in the last snapshot; of samples, what they stand for */
    double share;            /* of the objects whose line is known */
} htrail__leak_site;

typedef struct htrail__leak {
    htrail__leak_kind kind;
    htrail__leak_confidence confidence;
    const char *noisy;        /* why it is no verdict; NULL: it is one. Static */
    uint32_t at, grows;       /* paths: where it gathers, and what gathers there */
    uint32_t *parts;          /* all paths that grow there, grows first */
    uint32_t part_count;
    uint32_t *joint;          /* paths that hold the same objects, or a part of them */
    uint32_t joint_count;
    uint32_t *also;           /* paths of other containers that hold what grows, all of it */
    uint32_t also_count;
    uint64_t *objects, *bytes, *items; /* of grows, and retained in all, in each snapshot; items: the length of at, or of grows */
    int64_t bytes_growth;     /* retained, from the first to the last snapshot; at most the heap's own */
    bool has_figures;         /* THREADS: objects, bytes and steps are of the stacks where more and more threads stand */
    bool is_exact;            /* bytes are from dominators: one place holds most of it */
    uint64_t *steps;          /* objects (LENGTH: items; THREADS: threads; MODULES: copies) more in each interval */
    double stayed;            /* the smallest part of the objects that stayed in an interval; 1 where there was none to ask */
    uint64_t example, container; /* ids in the last snapshot: one of the newest objects, and what holds it; 0: none */
    uint64_t holders;         /* how many objects at has in the last snapshot */
    char *what;               /* THREADS: where they stand; MODULES: their names. Owned */
    uint64_t names;           /* MODULES: how many */
    htrail__leak_site sites[HTRAIL__LEAK_SITES_MAX]; /* the most bytes first */
    size_t site_count;        /* 0: the last snapshot knows of none */
} htrail__leak;

typedef struct htrail__leaks {
    htrail__paths paths;
    unsigned snapshot_count;
    htrail__leak *leaks;      /* verdicts first, the largest first; then what is noisy: all of it where that was asked for, else what carries half of the
                               * growth of a heap that grew much and of which verdicts say less than half */
    size_t count, verdict_count;
    int64_t heap_growth, heap_change, heap_rise; /* bytes: set off against what went in every interval; last less first; the most between any two */
    bool is_uncollected;      /* the collector is off: what is garbage stays */
    /* Private: by text of the type, objects and what their lengths add up to. */
    uint64_t (*type_objects)[HTRAIL__LEAKS_SNAPSHOTS_MAX], (*type_lengths)[HTRAIL__LEAKS_SNAPSHOTS_MAX];
} htrail__leaks;

typedef void (*htrail__leaks_progress)(void *arg, uint64_t done, uint64_t total);

/* Databases of one process, oldest first. with_noise: also what grew, and not steadily. */
HTRAIL_MUST_CHECK htrail_status htrail__leaks_find(htrail__leaks **out, sqlite3 *const *dbs, unsigned count, bool with_noise, htrail__leaks_progress progress,
                                                   void *arg, char *message, size_t message_cap);
void htrail__leaks_free(htrail__leaks *leaks);
/* Whether the heap grew by so much, from the first snapshot to the last, that it is no good news without a verdict either. */
bool htrail__leaks_is_large(const htrail__leaks *leaks);

/* "sys.modules -['app']-> module -__dict__-> dict -['users']-> dict -[...]-> app.User", for people and for patterns. */
void htrail__leaks_path_text(htrail__text *out, const htrail__paths *paths, uint32_t path);

#endif
