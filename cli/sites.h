/* cli/sites.h - top and diff by the line that asked for the memory, in the words of tracemalloc. */
#ifndef HTRAIL_CLI_SITES_H
#define HTRAIL_CLI_SITES_H

#include <stdint.h>

#include "cli/command.h"

#define CLI_OPTION_TRACEBACK {"traceback", 0, NULL, "with --by site: whole stacks instead of lines"}

/* The one of them that --by site is of; they print and return the exit code. */
int cli_sites_top(const cli_arguments *arguments, uint64_t limit);
int cli_sites_diff(const cli_arguments *arguments, uint64_t limit);

#endif
