/* cli/series.h - two snapshots or more as attached databases of one connection, the oldest first.
 *
 * They are called before, s2, s3, ..., after: in the query that --show-sql prints, and in a shell. */
#ifndef HTRAIL_CLI_SERIES_H
#define HTRAIL_CLI_SERIES_H

#include "cli/query.h"

enum { CLI_SERIES_MAX = 10 }; /* as many as SQLite attaches */

typedef struct cli_series {
    size_t count;
    htrail__store *stores[CLI_SERIES_MAX];
    char names[CLI_SERIES_MAX][8];
    sqlite3 *db;
} cli_series;

/* Open and attach all operands. Returns CLI_EXIT_OK, else what to return from main, said. Release in either case. */
int cli_series_open(const cli_arguments *arguments, cli_series *series);
void cli_series_release(cli_series *series);

/* *is_same: all are of one process. Where they are not, one line on standard error says which processes they are of. */
int cli_series_process(const cli_arguments *arguments, const cli_series *series, bool *is_same);

#endif
