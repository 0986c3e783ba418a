/* cli/progress.h - a bar while something takes long. */
#ifndef HTRAIL_CLI_PROGRESS_H
#define HTRAIL_CLI_PROGRESS_H

#include <stdint.h>

/* A bar on standard error: on a terminal alone, and only on what takes over 0.5 s. */
typedef struct cli_progress {
    const char *what; /* "loading 'a.htrail'"; borrowed */
    uint64_t started_ns, shown_ns;
} cli_progress;

void cli_progress_init(cli_progress *progress, const char *what);
/* Fits htrail__progress; arg is the cli_progress. */
void cli_progress_step(void *arg, uint64_t done, uint64_t total);
void cli_progress_end(cli_progress *progress);

#endif
