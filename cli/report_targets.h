/* cli/report_targets.h - the objects that a verdict is about, for the picture of who holds them. */
#ifndef HTRAIL_CLI_REPORT_TARGETS_H
#define HTRAIL_CLI_REPORT_TARGETS_H

#include "analyze/select.h"
#include "cli/command.h"

typedef struct cli_report_suspect {
    const char *kind, *type, *carries; /* as docs/leaks.md has them; none may be NULL */
    int64_t container, example; /* objects; 0: there is none */
    uint64_t objects;        /* that the verdict counts */
} cli_report_suspect;

/* What grew in the verdict's container, or where most bytes hang on as many objects of the program's own type, those; of modules the stale copies of the one that is named first; of
 * threads what their frames hold most of, or else the frames. All of the type, or else one, where there is nothing such. No more than
 * `most`. targets begins as all zero and is released by the caller; what: how the question calls them ("650 app.Image objects"). */
int cli_report_targets(const cli_arguments *arguments, sqlite3 *db, const cli_report_suspect *suspect, size_t most, htrail__selection *targets, htrail__text *what);

#endif
