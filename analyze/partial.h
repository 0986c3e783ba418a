/* analyze/partial.h - the file that a database is written to until it is whole: DB.PID.partial, locked
 * (flock) by who writes it. One that nobody locks was left by a load that was killed. */
#ifndef HTRAIL_ANALYZE_PARTIAL_H
#define HTRAIL_ANALYZE_PARTIAL_H

#include <stddef.h>

/* Make path, readable by its owner alone, and lock it. A descriptor that holds the lock until it is
 * closed; -1 and errno. */
int htrail__partial_make(const char *path);
/* Remove what killed loads of db_path left beside it. Those that are under way stay. */
void htrail__partial_remove_stale(const char *db_path);

#endif
