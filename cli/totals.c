/* cli/totals.c - see the header. */
#include "cli/totals.h"

#include <string.h>

#include "cli/query.h"

int cli_totals_options(const cli_arguments *arguments, const char *own, const char **by, uint64_t *limit)
{
    static const char *const known[] = {"type", "module", "owner", "package", "size", "name", "length", "site", "thread", "root", "c-refs"};
    const char *asked = cli_option_value(arguments, "by");
    int result = cli_limit_option(arguments, limit);

    if (result != CLI_EXIT_OK)
        return result;
    *by = "type";
    if (cli_option_given(arguments, "traceback") && (asked == NULL || strcmp(asked, "site") != 0))
        return cli_usage(arguments, "--traceback is for --by site");
    if (asked == NULL)
        return CLI_EXIT_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(asked, known[i]) == 0) {
            *by = known[i];
            return CLI_EXIT_OK;
        }
    if (own != NULL && strcmp(asked, own) == 0) {
        *by = own;
        return CLI_EXIT_OK;
    }
    return cli_usage(arguments, "cannot group by '%s'; it is type, module, owner, package, name, size, length, site, thread, root%s c-refs%s%s", asked,
                     own != NULL ? "," : " or", own != NULL ? " or " : "", own != NULL ? own : "");
}

const char *cli_totals_blank(const char *by)
{
    if (strcmp(by, "owner") == 0 || strcmp(by, "package") == 0)
        return "(nobody's)";
    return strcmp(by, "module") == 0 ? "(no module)" : "(no name)";
}
