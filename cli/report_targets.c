/* cli/report_targets.c - see the header. */
#include "cli/report_targets.h"

#include <stdlib.h>
#include <string.h>

#include "cli/query.h"
#include "viz/numbers.h"

/* "the stale copies of module logging" */
static int find_modules(const cli_arguments *arguments, sqlite3 *db, int64_t example, htrail__selection *targets, htrail__text *what)
{
    char message[HTRAIL__MESSAGE_BYTES];
    sqlite3_stmt *statement = NULL;
    htrail__selector selector = {.kind = HTRAIL__SELECT_MODULE};
    int result = cli_prepare(arguments, db, "SELECT CASE WHEN type = 'module' THEN name ELSE module END FROM object WHERE id = ?1", &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, example);
    if (sqlite3_step(statement) == SQLITE_ROW && (selector.text = (const char *)sqlite3_column_text(statement, 0)) != NULL &&
        htrail__select(targets, db, &selector, message, sizeof message) == HTRAIL_OK && targets->stale > 0) {
        targets->count = targets->stale;
        htrail__text_format(what, "the stale copies of module %s", selector.text);
    }
    if (what->len == 0)
        targets->count = 0;
    sqlite3_finalize(statement);
    return CLI_EXIT_OK;
}

/* "2,800 app.Image objects" */
static void add_what(htrail__text *what, const htrail__leak_objects *found)
{
    if (found->all == 1)
        htrail__text_add_string(what, "this");
    else
        htrail__numbers_add(what, found->all);
    if (found->type[0] != '\0')
        htrail__text_format(what, " %s", found->type);
    htrail__text_add_string(what, found->all == 1 ? " object" : " objects");
}

int cli_report_targets(const cli_arguments *arguments, sqlite3 *db, const char *kind, int64_t example, const htrail__leak_objects *found,
                       htrail__selection *targets, htrail__text *what)
{
    int result = strcmp(kind, "modules") == 0 ? find_modules(arguments, db, example, targets, what) : CLI_EXIT_OK;
    if (result != CLI_EXIT_OK || targets->count > 0 || found->count == 0)
        return result;
    htrail__selection_release(targets);
    *targets = (htrail__selection){.ids = malloc(found->count * sizeof *targets->ids)};
    if (targets->ids == NULL)
        return cli_fail(arguments, "out of memory");
    memcpy(targets->ids, found->ids, found->count * sizeof *targets->ids);
    targets->count = found->count;
    add_what(what, found);
    return CLI_EXIT_OK;
}
