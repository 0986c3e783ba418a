/* cli/totals.h - what top and diff have in common: by what to group, how many rows. */
#ifndef HTRAIL_CLI_TOTALS_H
#define HTRAIL_CLI_TOTALS_H

#include <stdint.h>

#include "cli/command.h"
#include "cli/query.h"

#define CLI_TOTALS_OPTIONS                                                                \
    {"by", 'b', "KEY", "type (the default), module, owner, package, name, size, length, site, thread, root or c-refs"},     \
    CLI_OPTION_LIMIT("rows")

#define CLI_TOTALS_HELP                                                                   \
    "--by type    types, by their full name\n"                                            \
    "     module  the module that an object says it belongs to\n"                         \
    "     owner   the module that its nearest dominator says it belongs to: so that strings and\n" \
    "             dicts are somebody's\n"                                                  \
    "     package that module's first part: flask.app is flask's\n"                        \
    "     size    bytes of one object, in powers of two\n"                                \
    "     name    functions, classes and modules of the same name\n"                      \
    "     length  items or characters, in powers of two; none: what has no length\n"  \
    "     site    lines that asked for memory which is still in use, where tracemalloc traces or the\n" \
    "             program was run with --sample; of samples also the standard error, in bytes\n" \
    "     thread  the thread where the shortest chain to an object begins, and where it stands\n" \
    "     root    kind and name of the root where that chain begins\n"                     \
    "     c-refs  references that C code holds, less those of the interpreter's own variables"

/* own: a key that this command alone has, or NULL. Returns CLI_EXIT_OK, or the exit code of a wrong use that was said. */
int cli_totals_options(const cli_arguments *arguments, const char *own, const char **by, uint64_t *limit);

/* What a table shows where the key is the empty text: "(no name)". */
const char *cli_totals_blank(const char *by);

#endif
