/* export/export.h - a loaded snapshot in the formats of other tools. docs/export.md says what is in each.
 *
 * All is asked of the database and written as it comes: memory grows with the texts, and of pprof and folded
 * with the objects (20 bytes each). The same database gives the same bytes. */
#ifndef HTRAIL_EXPORT_EXPORT_H
#define HTRAIL_EXPORT_EXPORT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <htrail/status.h>

struct htrail__export_job;

typedef struct htrail__export_format {
    const char *name, *text, *ending;
    bool is_binary;
    bool (*write)(struct htrail__export_job *job);
} htrail__export_format;

extern const htrail__export_format htrail__export_formats[]; /* ends in one without a name */

/* db and out are borrowed; a failed write is in ferror(out). message: why it failed, without a place. */
HTRAIL_MUST_CHECK htrail_status htrail__export(const htrail__export_format *format, sqlite3 *db, FILE *out, char *message, size_t message_cap);

#endif
