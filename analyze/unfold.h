/* analyze/unfold.h - the tree of dominators as lines: what is held under the same label and of the same type by objects of
 * one line is one line below it.
 *
 * What the lines are is said by the SQL of htrail__unfold_sql, which makes the same rows level by level; what stands here takes a tenth
 * of the time, and no more for a chain of a million levels than for a million objects beside each other. */
#ifndef HTRAIL_ANALYZE_UNFOLD_H
#define HTRAIL_ANALYZE_UNFOLD_H

#include <sqlite3.h>
#include <htrail/status.h>

#include "analyze/select.h"
#include "analyze/text.h"

typedef struct htrail__unfold_opts {
    uint64_t depth_max, lines_max; /* levels, and lines of one parent; 0: all */
    double percent_min;            /* of the heap; what retains less is in the line of the rest */
} htrail__unfold_opts;

/* from NULL: from the roots. *lines is a statement over a temporary table of db, the caller's to step and finalize: depth,
 * key, kind ('more': the rest), label, type, count, bytes, retained, percent; parents first. Once a connection.
 * *levels: so many there are. */
HTRAIL_MUST_CHECK htrail_status htrail__unfold(sqlite3_stmt **lines, uint64_t *levels, sqlite3 *db, const htrail__selection *from, const htrail__unfold_opts *opts,
                                               char *message, size_t message_cap);

/* What the plain sqlite3 shell makes the same rows of: all but the last statement, which is that of *lines. */
HTRAIL_MUST_CHECK htrail_status htrail__unfold_sql(htrail__text *out, sqlite3 *db, const htrail__selector *from, uint64_t levels, const htrail__unfold_opts *opts);

/* What is no line of its own though it is of the first: of a parent, labels of one kind and type that are more, where what is held so
 * retains less of the heap. */
enum { HTRAIL__UNFOLD_LABELS_MAX = 8, HTRAIL__UNFOLD_PERCENT_OWN_LINE = 1 };

/* The percentages that the two rules go by, as they stand in the SQL: "%.6f". */
double htrail__unfold_percent(const htrail__unfold_opts *opts);

#endif
