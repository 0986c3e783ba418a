/* cli/verdicts.c - see the header. */
#include "cli/verdicts.h"

#include <stdlib.h>

#include "cli/query.h"

static int make_words(cli_verdicts *v, const cli_arguments *arguments, sqlite3 *last)
{
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__lookup *lookup = NULL;
    htrail_status status = htrail__lookup_open(&lookup, last, message, sizeof message);
    if (status != HTRAIL_OK)
        return cli_fail(arguments, "%s", message);
    v->words = calloc(v->leaks->count + 1, sizeof *v->words);
    v->suppressed = calloc(v->leaks->count + 1, sizeof *v->suppressed);
    if (v->words == NULL || v->suppressed == NULL)
        status = HTRAIL_E_NOMEM;
    for (size_t i = 0; i < v->leaks->count && status == HTRAIL_OK; i++)
        status = htrail__leak_words_make(&v->words[i], v->leaks, &v->leaks->leaks[i], lookup);
    const char *error = htrail__lookup_error(lookup);
    int result = status == HTRAIL_OK ? CLI_EXIT_OK : cli_fail(arguments, "cannot name a leak: %s", error[0] != '\0' ? error : "out of memory");
    htrail__lookup_free(lookup);
    return result;
}

int cli_verdicts_find(cli_verdicts *out, const cli_arguments *arguments, sqlite3 *const *dbs, unsigned count, bool with_noise)
{
    char message[HTRAIL__MESSAGE_BYTES];
    cli_progress progress;

    *out = (cli_verdicts){0};
    cli_progress_init(&progress, "looking for what grows");
    htrail_status status = htrail__leaks_find(&out->leaks, dbs, count, with_noise, cli_progress_step, &progress, message, sizeof message);
    cli_progress_end(&progress);
    return status == HTRAIL_OK ? make_words(out, arguments, dbs[count - 1]) : cli_fail(arguments, "%s", message);
}

void cli_verdicts_release(cli_verdicts *verdicts)
{
    for (size_t i = 0; verdicts->words != NULL && i < verdicts->leaks->count; i++)
        htrail__leak_words_release(&verdicts->words[i]);
    free(verdicts->words);
    free(verdicts->suppressed);
    htrail__leaks_free(verdicts->leaks);
    *verdicts = (cli_verdicts){0};
}
