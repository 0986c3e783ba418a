/* cli/report_targets.h - the objects that a verdict is about, for the picture of who holds them. */
#ifndef HTRAIL_CLI_REPORT_TARGETS_H
#define HTRAIL_CLI_REPORT_TARGETS_H

#include "analyze/leaks_objects.h"
#include "analyze/select.h"
#include "cli/command.h"

/* Of modules that are loaded again the stale copies of the one that is named first, else what was found of the verdict. targets begins as all
 * zero and is released by the caller; what: how the question calls them ("650 app.Image objects"). */
int cli_report_targets(const cli_arguments *arguments, sqlite3 *db, const char *kind, int64_t example, const htrail__leak_objects *found,
                       htrail__selection *targets, htrail__text *what);

#endif
