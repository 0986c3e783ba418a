/* cli/graph.c - `heaptrail graph`: draw the reference chains of objects, up to the roots. */
#include "cli/command.h"

static const cli_option options[] = {
    {"output", 'o', "OUT", "write OUT: .svg, .dot or .png by its name; - is standard output"},
    {"format", 0, "FORMAT", "svg, dot or png, whatever OUT is called"},
    {"max-depth", 0, "N", "draw at most N references up from the objects"},
    {"too-many", 0, "N", "look at no more than N holders of one object (default 1000)"},
    {"theme", 0, "THEME", "light, dark, or auto (default: as the viewer is set; PNG: light)"},
    {NULL, 0, NULL, NULL},
};

static int run(const cli_arguments *arguments)
{
    return cli_fail(arguments, "this build has no analysis");
}

const cli_command cli_graph = {
    .name = "graph",
    .usage = "[OPTIONS] FILE OBJECT... -o OUT",
    .summary = "draw the chains of references that keep objects alive",
    .help = NULL,
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
