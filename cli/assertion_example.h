/* cli/assertion_example.h - an object that should not be there, for an assertion that does not hold. */
#ifndef HTRAIL_CLI_ASSERTION_EXAMPLE_H
#define HTRAIL_CLI_ASSERTION_EXAMPLE_H

#include "cli/series.h"

/* of_before, of_after: whether `o`, a row of the view object of that snapshot, or `fate` of analyze/identity.h is of the
 * subject. *example: its id in the last snapshot; 0: there is none. */
int cli_assertion_example(const cli_arguments *arguments, const cli_series *series, const char *of_before, const char *of_after, bool has_column,
                          int64_t *example);

#endif
