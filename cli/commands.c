/* cli/commands.c - the table that main loops over. An edge build knows only what a
 * device needs. */
#include "cli/command.h"

extern const cli_command cli_run, cli_snap, cli_info, cli_check;
#ifndef HTRAIL_EDGE
extern const cli_command cli_load, cli_top, cli_diff, cli_leaks, cli_waste, cli_threads, cli_why, cli_graph, cli_report, cli_serve, cli_sql, cli_import, cli_export;
#endif

const cli_command *const cli_commands[] = {
    &cli_run,
    &cli_snap,
    &cli_info,
    &cli_check,
#ifndef HTRAIL_EDGE
    &cli_load,
    &cli_top,
    &cli_diff,
    &cli_leaks,
    &cli_waste,
    &cli_threads,
    &cli_why,
    &cli_graph,
    &cli_report,
    &cli_serve,
    &cli_sql,
    &cli_import,
    &cli_export,
#endif
    NULL,
};

const char *const cli_left_out[] = {
#ifdef HTRAIL_EDGE
    "load", "top", "diff", "leaks", "waste", "threads", "why", "graph", "report", "serve", "sql", "import", "export",
#endif
    NULL,
};
