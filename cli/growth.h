/* cli/growth.h - what diff prints: a row for each key, its count and bytes in each snapshot of a
 * series, and how they changed from the first to the last. */
#ifndef HTRAIL_CLI_GROWTH_H
#define HTRAIL_CLI_GROWTH_H

#include <stdint.h>

#include "cli/command.h"

#define CLI_GROWTH_OPTIONS                                                                                  \
    {"sort", 's', "KEY", "bytes (the default), count, change (of bytes, either way), after (bytes) or key"},  \
    {"min-bytes", 0, "N", "leave out what changed by less: 4096, 64K, 1MiB"},                                 \
    {"min-count", 0, "N", "leave out what changed by fewer objects"}

/* by: a key of the table total, or site. */
int cli_growth_print(const cli_arguments *arguments, const char *by, uint64_t limit);

/* An amount in text, with an optional unit (K, KiB, kB, M...): *end is what follows it. False if there is none. */
bool cli_growth_amount(const char *text, const char **end, uint64_t *out);

#endif
