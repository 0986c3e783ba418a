/* analyze/unfold.h - the tree of dominators as lines: what is held under the same label and of the same type by objects of
 * one line is one line below it. */
#ifndef HTRAIL_ANALYZE_UNFOLD_H
#define HTRAIL_ANALYZE_UNFOLD_H

#include <sqlite3.h>
#include <htrail/status.h>

#include "analyze/select.h"

typedef struct htrail__unfold_opts {
    uint64_t depth_max, lines_max; /* levels, and lines of one parent; 0: all */
    double percent_min;            /* of the heap; what retains less is in the line of the rest */
    void (*show)(void *arg, sqlite3_stmt *statement); /* each statement before it runs; may be NULL */
    void *show_arg;
} htrail__unfold_opts;

/* selector NULL: from the roots. *lines is a statement over the temporary tables of db, the caller's to step and finalize: depth,
 * key, kind ('more': the rest), label, type, count, bytes, retained, percent; parents first. Once a connection.
 * HTRAIL_E_DATABASE: the sentence is sqlite3_errmsg. */
HTRAIL_MUST_CHECK htrail_status htrail__unfold(sqlite3_stmt **lines, sqlite3 *db, const htrail__selector *selector, const htrail__unfold_opts *opts);

#endif
