/* cli/diff.c - heaptrail diff: what grew from one snapshot to another, or over several. */
#include <string.h>

#include "cli/assertion.h"
#include "cli/growth.h"
#include "cli/identity.h"
#include "cli/query.h"
#include "cli/sites.h"
#include "cli/totals.h"

static int run(const cli_arguments *arguments)
{
    const char *by;
    uint64_t limit;
    int result = cli_totals_options(arguments, "path", &by, &limit);

    if (result != CLI_EXIT_OK)
        return result;
    if (cli_option_given(arguments, "assert"))
        return cli_assertions(arguments);
    if (cli_option_given(arguments, "objects"))
        return cli_identity_objects(arguments, cli_option_value(arguments, "objects"), limit);
    if (cli_option_given(arguments, "survivors"))
        return cli_identity_table(arguments, limit);
    bool is_plain = cli_operand_count(arguments) == 2 && !cli_option_given(arguments, "sort") && !cli_option_given(arguments, "min-bytes") &&
                    !cli_option_given(arguments, "min-count");
    if (strcmp(by, "site") == 0 && is_plain)
        return cli_sites_diff(arguments, limit);
    if (cli_option_given(arguments, "traceback"))
        return cli_usage(arguments, "--traceback is for two snapshots in the order of tracemalloc");
    return cli_growth_print(arguments, by, limit);
}

static const cli_option options[] = {CLI_TOTALS_OPTIONS, CLI_GROWTH_OPTIONS, CLI_OPTION_ASSERT, CLI_OPTION_SURVIVORS, CLI_OPTION_OBJECTS, CLI_OPTION_TRACEBACK,
                                     CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_diff = {
    .name = "diff",
    .usage = "[--by type|module|owner|package|name|size|length|site|thread|root|c-refs|path] [--sort KEY] [--min-bytes N] [-n N] BEFORE [BETWEEN...] AFTER",
    .summary = "show what grew between two snapshots or more",
    .help = "What grew most in bytes comes first, what shrank last; what is the same in all is left out. Of more than two the\n"
            "table has each one's numbers, in how many steps the bytes grew, and the trend of the bytes; changes are from\n"
            "the first to the last. Snapshots of different processes, hosts and Pythons can be compared too.\n"
            "On a narrow terminal the heads are before, after, change, or after and change alone; in a pipe and in JSON they are whole.\n\n" CLI_TOTALS_HELP "\n"
            "     path    labels and types on the shortest chain from a root; positions, keys of large mappings and what\n"
            "             repeats itself are put together. It needs no address, and can be compared between processes\n\n" CLI_ASSERTION_HELP,
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
