/* cli/series.h - two snapshots or more behind one connection, the oldest first.
 *
 * They are attached as before, s2, s3, ..., after: in the query that --show-sql prints, and in a shell. SQLite
 * attaches ten. Where there are more, a table of each of those in between is copied to a temporary one (s2_total)
 * and --show-sql begins with the statements that do so. */
#ifndef HTRAIL_CLI_SERIES_H
#define HTRAIL_CLI_SERIES_H

#include "cli/query.h"

enum { CLI_SERIES_MAX = 64, CLI_SERIES_ATTACHED_MAX = 10 };

typedef struct cli_series {
    size_t count;
    htrail__store *stores[CLI_SERIES_MAX];
    char prefixes[CLI_SERIES_MAX][16]; /* of its tables in a query: "before.", "s2_" */
    sqlite3 *db;
} cli_series;

/* Open all operands and attach the first, the last and, where SQLite can, those in between; of these only table
 * ("total", "path" or "site") is there by its prefix in either case. Returns CLI_EXIT_OK, else what to return from main, said. Release in either case. */
int cli_series_open(const cli_arguments *arguments, cli_series *series, const char *table);
void cli_series_release(cli_series *series);

/* *is_same: all are of one process. Where they are not, one line on standard error says which processes they are of. */
int cli_series_process(const cli_arguments *arguments, const cli_series *series, bool *is_same);

#endif
