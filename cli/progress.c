/* cli/progress.c - see the header. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/fit.h"
#include "cli/number.h"
#include "cli/terminal.h"

enum { PROGRESS_AFTER_MS = 500, PROGRESS_EVERY_MS = 100, BAR_CELLS = 30, BESIDE_WHAT = BAR_CELLS + 12 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cli_progress_init(cli_progress *progress, const char *what)
{
    *progress = (cli_progress){.what = what, .started_ns = now_ns()};
}

/* A line that is wider than the terminal could not be written anew. */
static void print_what(const char *what)
{
    size_t columns = cli_terminal_columns(stderr), len = 0;
    char *escaped = cli_escaped(stderr, what, strlen(what), &len);
    if (escaped != NULL && (columns == 0 || columns > BESIDE_WHAT))
        cli_print_fitted(stderr, escaped, len, columns == 0 ? len : columns - BESIDE_WHAT);
    free(escaped);
}

void cli_progress_step(void *arg, uint64_t done, uint64_t total)
{
    cli_progress *progress = arg;
    uint64_t now = now_ns();
    char bytes[32];

    if (!cli_terminal_moves(stderr) || now - progress->started_ns < PROGRESS_AFTER_MS * UINT64_C(1000000) ||
        now - progress->shown_ns < PROGRESS_EVERY_MS * UINT64_C(1000000))
        return;
    progress->shown_ns = now;
    fputs("\r\033[K", stderr);
    print_what(progress->what);
    if (total == 0) {
        cli_format_bytes(bytes, sizeof bytes, (int64_t)done);
        fprintf(stderr, "  %s", bytes);
    } else {
        int percent = (int)((double)(done < total ? done : total) * 100 / (double)total), cells = percent * BAR_CELLS / 100;
        fprintf(stderr, "  [%.*s%*s] %3d %%", cells, "##############################", BAR_CELLS - cells, "", percent);
    }
    fflush(stderr);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->shown_ns != 0)
        fputs("\r\033[K", stderr);
    progress->shown_ns = 0;
}
