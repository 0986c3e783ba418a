/* cli/commands.c - the table that main loops over. An edge build knows only what a
 * device needs. */
#include "cli/command.h"

extern const cli_command cli_run, cli_snap, cli_info, cli_check;
#ifndef HTRAIL_EDGE
extern const cli_command cli_load, cli_top, cli_diff, cli_why, cli_graph, cli_sql;
#endif

/* The command links while some of its files are still on their way. */
const cli_command *const cli_commands[] = {
#if __has_include("cli/run.c")
    &cli_run,
#endif
#if __has_include("cli/snap.c")
    &cli_snap,
#endif
#if __has_include("cli/info.c")
    &cli_info,
#endif
#if __has_include("cli/check.c")
    &cli_check,
#endif
#ifndef HTRAIL_EDGE
#if __has_include("cli/load.c")
    &cli_load,
#endif
#if __has_include("cli/top.c")
    &cli_top,
#endif
#if __has_include("cli/diff.c")
    &cli_diff,
#endif
#if __has_include("cli/why.c")
    &cli_why,
#endif
#if __has_include("cli/graph.c")
    &cli_graph,
#endif
#if __has_include("cli/sql.c")
    &cli_sql,
#endif
#endif
    NULL,
};
