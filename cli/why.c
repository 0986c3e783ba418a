/* cli/why.c - `heaptrail why`: the shortest chain of references from a root to an object. */
#include "cli/command.h"

static const cli_option options[] = {
    {"number", 'n', "N", "print the chains of the first N objects (default 1)"},
    {"all", 'a', NULL, "print the chain of every object"},
    {"json", 0, NULL, "one JSON object on standard output"},
    {NULL, 0, NULL, NULL},
};

static int run(const cli_arguments *arguments)
{
    return cli_fail(arguments, "this build has no analysis");
}

const cli_command cli_why = {
    .name = "why",
    .usage = "[OPTIONS] FILE OBJECT",
    .summary = "print the shortest chain of references that keeps an object alive",
    .help = NULL,
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
