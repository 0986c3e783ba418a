/* cli/why_to.c - `heaptrail why --to`: the chain from the nearest referrer for which an expression holds. */
#include <stdlib.h>

#include "analyze/nearest.h"
#include "cli/progress.h"
#include "cli/why.h"

/* The steps as rows; --json prints them, --show-sql the query. */
static int prepare_rows(const cli_why_page *w, const uint64_t *chain, size_t count, sqlite3_stmt **out)
{
    sqlite3_str *sql = sqlite3_str_new(htrail__store_db(w->store));
    sqlite3_str_appendall(sql, "WITH step(number, id) AS (VALUES ");
    for (size_t i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%s(%llu, %llu)", i > 0 ? ", " : "", (unsigned long long)i, (unsigned long long)chain[i]);
    sqlite3_str_appendall(sql, ")\nSELECT step.number AS step, o.id, o.address, o.type, o.name, o.length, o.size,\n"
                               "  (SELECT r.kind FROM step up JOIN reference r ON r.src = up.id WHERE up.number = step.number - 1 AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) AS kind,\n"
                               "  (SELECT r.label FROM step up JOIN reference r ON r.src = up.id WHERE up.number = step.number - 1 AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) AS label\n"
                               "FROM step JOIN object o ON o.id = step.id ORDER BY step.number");
    char *text = sqlite3_str_finish(sql);
    if (text == NULL)
        return cli_fail(w->arguments, "out of memory");
    int result = cli_prepare(w->arguments, htrail__store_db(w->store), text, out);
    sqlite3_free(text);
    return result;
}

static int print_chain(cli_why_page *w, uint64_t *chain, size_t count)
{
    cli_why_chain steps;
    htrail__independent_chain found = {.target = chain[count - 1], .count = count - 1};
    w->independent.objects = chain;
    htrail_status status = cli_why_chain_of(&steps, w, &found);
    if (status == HTRAIL_OK)
        cli_why_chain_print(w, &steps, CLI_WHY_WHOLE);
    cli_why_chain_release(&steps);
    w->independent.objects = NULL;
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_why_fail(w, status);
}

int cli_why_to(cli_why_page *w)
{
    char message[HTRAIL__MESSAGE_BYTES];
    const char *expression = cli_option_value(w->arguments, "to");
    htrail__object_query *query = NULL;
    sqlite3_stmt *statement = NULL;
    uint64_t *chain = NULL;
    size_t count = 0;
    cli_progress progress;
    int result = CLI_EXIT_OK;
    htrail_status status = htrail__object_query_open(&query, htrail__store_db(w->store), expression, message, sizeof message);

    if (status != HTRAIL_OK) {
        result = status == HTRAIL_E_MISUSE ? cli_usage(w->arguments, "--to: %s", message) : cli_fail(w->arguments, "%s", message);
        goto done;
    }
    cli_progress_init(&progress, "looking at referrers");
    status = htrail__nearest_find(&chain, &count, w->lookup, query, w->selection.ids, w->selection.count, cli_progress_step, &progress);
    cli_progress_end(&progress);
    if (status == HTRAIL_E_NOT_FOUND) {
        cli_warn(w->arguments, "no object for which this holds leads to %s: %s", w->selection.count == 1 ? "it" : "one of them", expression);
        result = CLI_EXIT_FOUND;
    } else if (status != HTRAIL_OK) {
        const char *failure = htrail__object_query_failed(query);
        result = failure != NULL ? cli_fail(w->arguments, "cannot ask '%s': %s", htrail__store_path(w->store), failure) : cli_why_fail(w, status);
    } else {
        bool as_rows = cli_option_given(w->arguments, "json");
        if (as_rows || cli_option_given(w->arguments, "show-sql"))
            result = prepare_rows(w, chain, count, &statement);
        if (result == CLI_EXIT_OK)
            result = as_rows ? cli_print_query(w->arguments, statement, NULL, 0) : print_chain(w, chain, count);
    }
done:
    sqlite3_finalize(statement);
    htrail__object_query_free(query);
    free(chain);
    return result;
}
