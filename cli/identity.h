/* cli/identity.h - diff by object: which are new, which are gone, which are still there. */
#ifndef HTRAIL_CLI_IDENTITY_H
#define HTRAIL_CLI_IDENTITY_H

#include <stdint.h>

#include "cli/command.h"

#define CLI_OPTION_SURVIVORS {"survivors", 0, NULL, "object by object: how many of each type are new, gone, still there, and how sure that is"}
#define CLI_OPTION_OBJECTS {"objects", 0, "FATE", "list the objects that are new, gone, certain, likely or unsure (see docs/identity.md)"}

/* Of the two operands; they print and return the exit code. */
int cli_identity_table(const cli_arguments *arguments, uint64_t limit);
int cli_identity_objects(const cli_arguments *arguments, const char *fate, uint64_t limit);

#endif
