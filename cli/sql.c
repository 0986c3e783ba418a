/* cli/sql.c - heaptrail sql: any question to a snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/query.h"

enum { QUERY_BYTES_MAX = 16 << 20 };

static char *read_query(const cli_arguments *arguments)
{
    size_t used = 0, room = 4096;
    char *text = malloc(room);
    while (text != NULL) {
        used += fread(text + used, 1, room - used - 1, stdin);
        if (used + 1 < room) {
            text[used] = '\0';
            break;
        }
        room *= 2;
        char *grown = room > QUERY_BYTES_MAX ? NULL : realloc(text, room);
        if (grown == NULL) {
            free(text);
            text = NULL;
        } else {
            text = grown;
        }
    }
    if (text == NULL)
        cli_fail(arguments, "the query on standard input is longer than %d bytes", QUERY_BYTES_MAX);
    else if (ferror(stdin)) {
        cli_fail(arguments, "cannot read standard input: %s", strerror(errno));
        free(text);
        text = NULL;
    }
    return text;
}

/* All of them are looked at before the first is run: a mistake in the last prints nothing. */
static int check_queries(const cli_arguments *arguments, sqlite3 *db, const char *queries)
{
    sqlite3_stmt *statement = NULL;
    int count = 0, result = CLI_EXIT_OK;
    const char *tail;

    for (const char *at = queries; *at != '\0' && result == CLI_EXIT_OK; at = tail) {
        if (sqlite3_prepare_v2(db, at, -1, &statement, &tail) != SQLITE_OK)
            result = cli_fail(arguments, "%s", sqlite3_errmsg(db));
        else if (statement != NULL && !sqlite3_stmt_readonly(statement))
            result = cli_fail(arguments, "a snapshot is read, not changed: '%s'", sqlite3_sql(statement));
        count += statement != NULL;
        sqlite3_finalize(statement);
        statement = NULL;
    }
    if (result == CLI_EXIT_OK && count == 0)
        return cli_usage(arguments, "the query is empty");
    if (result == CLI_EXIT_OK && count > 1 && cli_option_given(arguments, "json"))
        return cli_usage(arguments, "with --json one query at a time");
    return result;
}

static int run(const cli_arguments *arguments)
{
    char *const *operands = cli_operands(arguments);
    const char *rest = operands[1];
    char *read = NULL;
    htrail__store *store = NULL;
    sqlite3_stmt *statement = NULL;
    uint64_t limit = 0;
    int result, tables = 0;

    /* A pipe gets all rows that the query gives. */
    if ((cli_option_given(arguments, "limit") || cli_is_terminal(stdout)) && (result = cli_limit_option(arguments, &limit)) != CLI_EXIT_OK)
        return result;
    if (rest == NULL && strcmp(operands[0], "-") == 0)
        return cli_usage(arguments, "standard input cannot be both the snapshot and the query");
    if ((result = cli_open_store(arguments, operands[0], &store)) != CLI_EXIT_OK)
        goto done;
    if (rest == NULL && (rest = read = read_query(arguments)) == NULL) {
        result = CLI_EXIT_FAILED;
        goto done;
    }
    result = check_queries(arguments, htrail__store_db(store), rest);
    for (const char *tail; result == CLI_EXIT_OK && *rest != '\0'; rest = tail) {
        if (sqlite3_prepare_v2(htrail__store_db(store), rest, -1, &statement, &tail) != SQLITE_OK)
            result = cli_fail(arguments, "%s", sqlite3_errmsg(htrail__store_db(store)));
        else if (statement != NULL) {
            if (tables++ > 0)
                putchar('\n');
            result = cli_print_query(arguments, statement, NULL, limit);
        }
        sqlite3_finalize(statement);
        statement = NULL;
    }
done:
    sqlite3_finalize(statement);
    free(read);
    htrail__store_free(store);
    return result;
}

static const cli_option options[] = {{"limit", 'n', "N", "at most N rows; 0: all; default as many as the terminal shows, in a pipe and with --json all"}, CLI_OPTION_JSON, CLI_OPTION_SHOW_SQL, {NULL, 0, NULL, NULL}};

const cli_command cli_sql = {
    .name = "sql",
    .usage = "[-n N] FILE [QUERY]",
    .summary = "ask a snapshot in SQL",
    .help = "Without QUERY it is read from standard input. Tables: docs/schema.md.\n"
            "  heaptrail sql a.htrail \"SELECT type, count(*) FROM object GROUP BY type ORDER BY 2 DESC LIMIT 5\"",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
