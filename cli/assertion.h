/* cli/assertion.h - diff --assert: what must hold between the first snapshot of a series and the last. */
#ifndef HTRAIL_CLI_ASSERTION_H
#define HTRAIL_CLI_ASSERTION_H

#include "cli/command.h"

#define CLI_OPTION_ASSERT {"assert", 0, "WHAT", "exit with 1 unless it holds: 'type:Record <= +0', 'total bytes <= +5%'; several"}, \
                          {"strict", 0, NULL, "an --assert of what no snapshot has is a wrong use (exit 2): it does not just hold"}

#define CLI_ASSERTION_HELP                                                                                    \
    "--assert takes SUBJECT [MEASURE] OPERATOR BOUND: SUBJECT is total, or a key and one of its rows, type:app.Record (or\n" \
    "type:Record), package:flask, root:frame; MEASURE count (the default), bytes, retained or shared; OPERATOR <= < == > >=; BOUND a change with its sign, +0 +1MiB -10 +5%, or the number in the\n" \
    "last snapshot, 100. For each that does not hold the shortest chain of a new object of the subject is printed."

/* All that were given. Returns CLI_EXIT_FOUND where one does not hold, else as run. */
int cli_assertions(const cli_arguments *arguments);

#endif
