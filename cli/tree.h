/* cli/tree.h - heaptrail top --tree: the dominator tree from the roots, or from chosen objects, down; packages
 * and kinds of roots unfolded. */
#ifndef HTRAIL_CLI_TREE_H
#define HTRAIL_CLI_TREE_H

#include "analyze/select.h"
#include "cli/command.h"

#define CLI_TREE_OPTIONS                                                                          \
    {"tree", 't', NULL, "unfold: the tree of dominators; with --by package or root what is in each"}, \
    {"depth", 'd', "N", "with --tree: at most N levels (default 4, on a terminal 8)"},                                \
    {"min", 0, "PERCENT", "with --tree: only what has so much of the heap (default 1; with --by 0)"}

typedef struct cli_tree_limits {
    uint64_t depth, lines; /* levels, and lines of one parent; 0: all */
    double percent_min;    /* negative: as is best */
} cli_tree_limits;

/* CLI_EXIT_OK, or the exit code of a wrong use that was said. */
int cli_tree_options(const cli_arguments *arguments, cli_tree_limits *limits);

/* Both NULL: from the roots; otherwise from the objects that selector means. */
int cli_tree_dominators(const cli_arguments *arguments, sqlite3 *db, const htrail__selector *selector, const htrail__selection *from, const cli_tree_limits *limits);

/* by: package or root; sort: the order of siblings, as "bytes DESC, ", before the usual one. */
int cli_tree_groups(const cli_arguments *arguments, sqlite3 *db, const char *by, const char *sort, const cli_tree_limits *limits);

/* Print what statement gives: columns depth, key, count, bytes, retained and maybe more, the key
 * indented by the depth. */
int cli_tree_print(const cli_arguments *arguments, sqlite3_stmt *statement, const char *blank);

#endif
