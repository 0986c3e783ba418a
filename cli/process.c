/* cli/process.c - see the header. */
#include "cli/process.h"

#include <stdio.h>
#include <string.h>

#include "cli/query.h"

static const char process_sql[] =
    "SELECT coalesce(max(value) FILTER (WHERE key = 'pid'), ''), coalesce(max(value) FILTER (WHERE key = 'boot_id'), ''), "
    "coalesce(max(value) FILTER (WHERE key = 'host'), ''), "
    "coalesce(max(value) FILTER (WHERE key = 'runtime'), 'another runtime') || coalesce(', pid ' || max(value) FILTER (WHERE key = 'pid'), '') || "
    "coalesce(' on ' || max(value) FILTER (WHERE key = 'host'), ''), "
    "CAST(max(value) FILTER (WHERE key = 'start_time_ns') AS INTEGER), CAST(max(value) FILTER (WHERE key = 'created_ns') AS INTEGER) FROM snapshot";

/* The start is worked out from two clocks, and differs by as much as those were set. */
enum { START_DIFFERS_NS_MAX = 2000000000 };

int cli_process_read(const cli_arguments *arguments, sqlite3 *db, cli_process *out)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, process_sql, &statement);
    *out = (cli_process){0};
    if (result == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(out->pid, sizeof out->pid, "%s", (const char *)sqlite3_column_text(statement, 0));
        snprintf(out->boot, sizeof out->boot, "%s", (const char *)sqlite3_column_text(statement, 1));
        snprintf(out->host, sizeof out->host, "%s", (const char *)sqlite3_column_text(statement, 2));
        snprintf(out->text, sizeof out->text, "%s", (const char *)sqlite3_column_text(statement, 3));
        out->start_ns = sqlite3_column_int64(statement, 4);
        out->created_ns = sqlite3_column_int64(statement, 5);
    }
    sqlite3_finalize(statement);
    return result;
}

bool cli_process_is_same(const cli_process *a, const cli_process *b)
{
    uint64_t apart = a->start_ns > b->start_ns ? (uint64_t)a->start_ns - (uint64_t)b->start_ns : (uint64_t)b->start_ns - (uint64_t)a->start_ns;
    return strcmp(a->pid, b->pid) == 0 && strcmp(a->boot, b->boot) == 0 && strcmp(a->host, b->host) == 0 && apart <= START_DIFFERS_NS_MAX;
}

int cli_process_check(const cli_arguments *arguments, sqlite3 *const *dbs, size_t count, bool is_across, const char *hint)
{
    char *const *files = cli_operands(arguments);
    cli_process before = {0}, now;
    int result = CLI_EXIT_OK;
    for (size_t i = 0; i < count && result == CLI_EXIT_OK; i++, before = now) {
        if ((result = cli_process_read(arguments, dbs[i], &now)) != CLI_EXIT_OK || i == 0)
            continue;
        if (!cli_process_is_same(&before, &now) && is_across)
            cli_warn(arguments, "'%s' and '%s' are of different processes (%s, and %s)", files[i - 1], files[i], before.text, now.text);
        else if (!cli_process_is_same(&before, &now))
            result = cli_fail(arguments, "'%s' and '%s' are of different processes (%s, and %s)%s", files[i - 1], files[i], before.text, now.text, hint);
        else if (now.created_ns < before.created_ns)
            result = cli_fail(arguments, "'%s' was taken before '%s'; the oldest comes first", files[i], files[i - 1]);
    }
    return result;
}
