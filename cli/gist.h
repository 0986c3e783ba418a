/* cli/gist.h - the sentence above a table on a terminal: what its rows sum up to, and which of them is most of it.
 * Of all rows, also those that the screen has no room for. */
#ifndef HTRAIL_CLI_GIST_H
#define HTRAIL_CLI_GIST_H

#include <stdint.h>

#include "cli/flow.h"
#include "cli/query.h"

typedef struct cli_gist {
    const char *key, *count, *bytes; /* names of columns; NULL: the rows have none */
    void (*say)(cli_flow *flow, const struct cli_gist *gist);
    const void *arg; /* for say */
    sqlite3_stmt *shown; /* as of cli_query_told; NULL */
    int64_t rows, counts, sum;
    char *most; /* the key of the row with most bytes, or where the sum is negative with the least */
    int64_t most_bytes;
    char *least;
    int64_t least_bytes;
} cli_gist;

/* As cli_print_query; the sentence is said where there are rows. */
int cli_print_gist(const cli_arguments *arguments, sqlite3_stmt *statement, const cli_query_column *columns, uint64_t row_limit, cli_gist *gist);

/* "12,345", "+1.2 MiB", "45 %" for a sentence; out has room for 32. */
const char *cli_gist_number(char *out, int64_t number, bool has_sign);
const char *cli_gist_bytes(char *out, int64_t bytes, bool has_sign);
const char *cli_gist_share(char *out, int64_t part, int64_t all);
/* "8.0 h", "3.2 d" */
const char *cli_gist_time(char *out, int64_t ns);

#endif
