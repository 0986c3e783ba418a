/* analyze/report.h - what the report shows of a series of snapshots, as one JSON text.
 *
 * The figures are gathered in a database without a file: tables report_snapshot, report_group, report_stack and
 * report_tree, which the JSON is a query over; and `leaks`, attached and empty, for the tables of
 * analyze/leaks_tables.h.
 *
 * Order of calls: open, add for each snapshot (the oldest first), verdicts into htrail__report_db, then json; free.
 * Errors: sticky; the sentence is htrail__report_error. */
#ifndef HTRAIL_ANALYZE_REPORT_H
#define HTRAIL_ANALYZE_REPORT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <htrail/status.h>

#include "analyze/text.h"

typedef struct htrail__report htrail__report;

HTRAIL_MUST_CHECK htrail_status htrail__report_open(htrail__report **out);
/* path: the database of a snapshot; file: what the user calls it. */
HTRAIL_MUST_CHECK htrail_status htrail__report_add(htrail__report *report, const char *path, const char *file);
/* The connection, with `leaks` attached. Owned by the report. */
sqlite3 *htrail__report_db(const htrail__report *report);

typedef struct htrail__report_opts {
    const char *version;        /* of heaptrail */
    const char *no_verdicts;    /* why leaks were not looked for; NULL: they were */
} htrail__report_opts;

/* Adds the JSON to out. */
HTRAIL_MUST_CHECK htrail_status htrail__report_json(htrail__report *report, const htrail__report_opts *opts, htrail__text *out);
/* What the page is called: the program's name. Borrowed until the report is freed. */
const char *htrail__report_title(htrail__report *report);
const char *htrail__report_error(const htrail__report *report);
void htrail__report_free(htrail__report *report);

#endif
