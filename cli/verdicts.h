/* cli/verdicts.h - what leaks, in words: for `leaks`, which prints it, and `report`, which shows it on a page. */
#ifndef HTRAIL_CLI_VERDICTS_H
#define HTRAIL_CLI_VERDICTS_H

#include "analyze/leaks_words.h"
#include "cli/command.h"

typedef struct cli_verdicts {
    htrail__leaks *leaks;
    htrail__leak_words *words;   /* by leak */
    const char **suppressed;     /* by leak: the pattern, borrowed; NULL: none. For the caller to fill */
} cli_verdicts;

/* dbs: of one process, the oldest first. Returns CLI_EXIT_OK, or what went wrong, said; release in either case. */
int cli_verdicts_find(cli_verdicts *out, const cli_arguments *arguments, sqlite3 *const *dbs, unsigned count, bool with_noise);
void cli_verdicts_release(cli_verdicts *verdicts);

#endif
