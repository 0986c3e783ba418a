/* analyze/leaks_tables.h - verdicts and what they rest on as tables: docs/leaks.md. */
#ifndef HTRAIL_ANALYZE_LEAKS_TABLES_H
#define HTRAIL_ANALYZE_LEAKS_TABLES_H

#include "analyze/leaks.h"
#include "analyze/leaks_words.h"

typedef struct htrail__leaks_file {
    const char *file, *database; /* as the user named it; what it was loaded into */
} htrail__leaks_file;

/* Into the database that is attached to db as `leaks`, which is empty. words and suppressed (the pattern; NULL: none) are
 * by leak. with_paths: also every path and its figures. The sentence of a failure is sqlite3_errmsg(db). */
HTRAIL_MUST_CHECK htrail_status htrail__leaks_write_tables(sqlite3 *db, const htrail__leaks *leaks, const htrail__leak_words *words, const char *const *suppressed,
                                                           const htrail__leaks_file *files, bool with_paths);

#endif
