/* cli/threads.c - heaptrail threads: what threads there are, by where they stand, and from one
 * snapshot to another how many more there are. */
#include <inttypes.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/gist.h"
#include "cli/query.h"

enum { LINES_OF_STACK = 3 }; /* on a terminal, or so */

/* Of a database that has the tables thread, stack and frame: which states its threads are in, and all of a
 * stack. Two stacks are the same where their hash is. */
#define STACKS(schema)                                                                                              \
    "SELECT hash, text, threads, retained_bytes, retained_objects, "                                               \
    "(SELECT group_concat(n || ' ' || word, ', ') FROM (SELECT count(*) AS n, CASE state WHEN 'R' THEN 'running' "   \
    "WHEN 'S' THEN 'sleeping' WHEN 'D' THEN 'waiting for a device' WHEN 'T' THEN 'stopped' WHEN 't' THEN 'traced' "  \
    "WHEN 'Z' THEN 'ended' WHEN '' THEN 'in no known state' ELSE 'in state ' || state END AS word "                  \
    "FROM " schema "thread t WHERE t.stack = s.id GROUP BY word ORDER BY n DESC, word)) AS states, "                \
    "(SELECT count(*) FROM " schema "thread t WHERE t.stack = s.id AND t.is_daemon) AS daemons, "                   \
    "(SELECT group_concat(file || ':' || coalesce(line, '?') || ' ' || function, char(10)) FROM (SELECT file, line, function " \
    "FROM " schema "frame f WHERE f.thread = (SELECT min(id) FROM " schema "thread t WHERE t.stack = s.id) ORDER BY depth)) AS frames " \
    "FROM " schema "stack s"

static const char one_sql[] =
    "SELECT threads, retained_bytes, retained_objects, states, daemons, text AS stack, frames, hash FROM (" STACKS("") ") "
    "ORDER BY threads DESC, retained_bytes DESC, stack, hash";

static const char two_sql[] =
    "SELECT threads, threads_before, threads - threads_before AS threads_change, retained_bytes, retained_before, "
    "retained_bytes - retained_before AS retained_change, retained_objects, states, daemons, stack, frames, hash FROM ("
    "SELECT coalesce(a.threads, 0) AS threads, coalesce(b.threads, 0) AS threads_before, coalesce(a.retained_bytes, 0) AS retained_bytes, "
    "coalesce(b.retained_bytes, 0) AS retained_before, coalesce(a.retained_objects, 0) AS retained_objects, a.states AS states, "
    "coalesce(a.daemons, 0) AS daemons, coalesce(a.text, b.text) AS stack, coalesce(a.frames, b.frames) AS frames, "
    "coalesce(a.hash, b.hash) AS hash "
    "FROM (" STACKS("before.") ") b FULL JOIN (" STACKS("after.") ") a ON a.hash = b.hash) "
    "WHERE threads <> threads_before OR retained_bytes <> retained_before "
    "ORDER BY threads_change DESC, retained_change DESC, threads DESC, stack, hash";

static const char each_sql[] =
    "SELECT tid, CASE WHEN name <> '' THEN name ELSE comm END AS name, state, "
    "max(0.0, round((start_ns - (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'start_time_ns')) / 1e9, 2)) AS started, "
    "round((user_ns + system_ns) / 1e9, 2) AS cpu, CASE WHEN is_daemon THEN 'daemon' ELSE '' END AS daemon, wait, "
    "(SELECT text FROM stack WHERE id = stack) AS stack FROM thread ORDER BY started, tid";

static const char no_threads[] = "'%s' holds no threads: another tool's heap, a snapshot of format 1.0, or one that ends before them";

static const char *text_of(sqlite3_stmt *statement, const char *name)
{
    int at = cli_query_column_at(statement, name);
    const char *text = at < 0 ? NULL : (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

static void print_frames(sqlite3_stmt *statement)
{
    const char *text = text_of(statement, "frames"), *end;
    for (; *text != '\0'; text = *end == '\n' ? end + 1 : end) {
        end = text + strcspn(text, "\n");
        printf("        ");
        cli_print_escaped(stdout, text, (size_t)(end - text));
        printf("\n");
    }
}

/* "sse.py:6 events <- sse.py:56 do_GET": broken before an arrow. */
static void print_places(cli_flow *flow, const char *text)
{
    while (*text != '\0') {
        const char *arrow = strstr(text + 1, " <- ");
        size_t len = arrow == NULL ? strlen(text) : (size_t)(arrow - text);
        cli_flow_word(flow, text, len);
        text += len + (arrow != NULL);
    }
}

/* "57 threads (+37) at sse.py:6 events <- ...", and under it what they hold and do. */
static void print_stack(sqlite3_stmt *statement, bool is_change, bool with_frames)
{
    int64_t threads = cli_query_number(statement, "threads"), bytes_change = cli_query_number(statement, "retained_change"), objects = cli_query_number(statement, "retained_objects");
    int64_t threads_change = cli_query_number(statement, "threads_change"), daemons = cli_query_number(statement, "daemons");
    char count[32], size[32], change[32];
    cli_flow flow;
    cli_flow_begin(&flow, stdout, 0, 4);
    cli_flow_style(&flow, CLI_STYLE_BOLD);
    cli_flow_format(&flow, "%s thread%s", cli_gist_number(count, threads, false), threads == 1 ? "" : "s");
    if (is_change)
        cli_flow_format(&flow, "(%s%" PRId64 ")", threads_change > 0 ? "+" : "", threads_change);
    cli_flow_style(&flow, CLI_STYLE_NONE);
    cli_flow_format(&flow, "at");
    print_places(&flow, text_of(statement, "stack"));
    cli_flow_end(&flow);
    cli_flow_begin(&flow, stdout, (size_t)printf("    "), 4);
    cli_flow_format(&flow, "%s", cli_gist_bytes(size, cli_query_number(statement, "retained_bytes"), false));
    if (bytes_change != 0)
        cli_flow_format(&flow, "(%s)", cli_gist_bytes(change, bytes_change, true));
    cli_flow_format(&flow, "that they alone hold, in %s object%s", cli_gist_number(count, objects, false), objects == 1 ? "" : "s");
    if (threads > 0) {
        cli_flow_more(&flow, ";", 1);
        cli_flow_format(&flow, "%s", text_of(statement, "states"));
    }
    if (daemons > 0) {
        cli_flow_more(&flow, ";", 1);
        cli_flow_format(&flow, "%s%s", daemons == threads ? "" : "some ", daemons == 1 && threads == 1 ? "a daemon" : "daemons");
    }
    cli_flow_end(&flow);
    if (with_frames)
        print_frames(statement);
}

/* "29 threads (+15) in 4 places, 26 of them daemons": of all that print_stacks is to print. */
static int say_all(const cli_arguments *arguments, sqlite3_stmt *statement, bool is_change)
{
    int64_t threads = 0, more = 0, daemons = 0, places = 0;
    char number[32];
    cli_flow flow;
    int step;
    for (; (step = sqlite3_step(statement)) == SQLITE_ROW; places++) {
        threads += cli_query_number(statement, "threads");
        more += cli_query_number(statement, "threads_change");
        daemons += cli_query_number(statement, "daemons");
    }
    if (step != SQLITE_DONE)
        return cli_fail(arguments, "%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
    if (places < 2)
        return CLI_EXIT_OK;
    cli_flow_begin(&flow, stdout, 0, 2);
    cli_flow_style(&flow, CLI_STYLE_BOLD);
    if (is_change)
        cli_flow_format(&flow, "%s threads:", cli_gist_number(number, more, true));
    cli_flow_format(&flow, "%s", cli_gist_number(number, threads, false));
    cli_flow_format(&flow, is_change ? "in the %s places that changed" : "threads in %s places", cli_gist_number(number, places, false));
    cli_flow_style(&flow, CLI_STYLE_NONE);
    if (daemons > 0) {
        cli_flow_more(&flow, ",", 1);
        cli_flow_format(&flow, "%s of them %s", cli_gist_number(number, daemons, false), daemons == 1 ? "a daemon" : "daemons");
    }
    cli_flow_end(&flow);
    return CLI_EXIT_OK;
}

static int print_stacks(const cli_arguments *arguments, sqlite3_stmt *statement, bool is_change, uint64_t limit)
{
    uint64_t count = 0;
    int step, result = cli_is_terminal(stdout) ? say_all(arguments, statement, is_change) : CLI_EXIT_OK;
    if (result != CLI_EXIT_OK)
        return result;
    cli_show_sql(arguments, statement, limit);
    for (; (step = sqlite3_step(statement)) == SQLITE_ROW; count++)
        if (limit == 0 || count < limit)
            print_stack(statement, is_change, cli_option_given(arguments, "frames"));
    if (step != SQLITE_DONE)
        return cli_fail(arguments, "%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    if (limit > 0 && count > limit)
        cli_print_more(count - limit);
    if (is_change && count == 0)
        printf("no threads came or went, and those that are there hold what they held\n");
    return CLI_EXIT_OK;
}

static int check_threads(const cli_arguments *arguments, const htrail__store *store, const char *file)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, htrail__store_db(store), "SELECT 1 FROM thread", &statement);
    if (result == CLI_EXIT_OK && sqlite3_step(statement) != SQLITE_ROW)
        result = cli_fail(arguments, no_threads, file);
    sqlite3_finalize(statement);
    return result;
}

static int run(const cli_arguments *arguments)
{
    static const cli_query_column one[] = {{.name = "retained_bytes", .kind = CLI_COLUMN_BYTES}, {.name = NULL}};
    static const cli_query_column each[] = {
        {.name = "tid", .kind = CLI_COLUMN_PLAIN}, {.name = "name", .kind = CLI_COLUMN_TEXT}, {.name = "state", .kind = CLI_COLUMN_TEXT},
        {.name = "started", .kind = CLI_COLUMN_HUNDREDTHS}, {.name = "cpu", .kind = CLI_COLUMN_HUNDREDTHS}, {.name = "daemon", .kind = CLI_COLUMN_TEXT, .spare = 1},
        {.name = "wait", .kind = CLI_COLUMN_TEXT, .spare = 1}, {.name = "stack", .kind = CLI_COLUMN_TEXT}, {.name = NULL}};
    bool is_json = cli_option_given(arguments, "json"), is_each = cli_option_given(arguments, "each"), is_change = cli_operand_count(arguments) == 2;
    uint64_t limit;
    htrail__store *stores[2] = {NULL, NULL};
    sqlite3 *db = NULL, *pair = NULL;
    sqlite3_stmt *statement = NULL;
    int result = cli_limit_option(arguments, &limit);

    if (result != CLI_EXIT_OK)
        return result;
    if (is_each && is_change)
        return cli_usage(arguments, "--each is for one snapshot");
    for (size_t i = 0; i < cli_operand_count(arguments); i++)
        if ((result = cli_open_store(arguments, cli_operands(arguments)[i], &stores[i])) != CLI_EXIT_OK ||
            (result = check_threads(arguments, stores[i], cli_operands(arguments)[i])) != CLI_EXIT_OK)
            goto done;
    db = htrail__store_db(stores[0]);
    if (is_change) {
        if ((result = cli_open_pair(arguments, stores[0], stores[1], &pair)) != CLI_EXIT_OK)
            goto done;
        db = pair;
    }
    if ((result = cli_prepare(arguments, db, is_each ? each_sql : is_change ? two_sql : one_sql, &statement)) != CLI_EXIT_OK)
        goto done;
    if (!is_each && !is_json && !cli_option_given(arguments, "limit") && cli_is_terminal(stdout))
        limit = limit / LINES_OF_STACK + 1;
    result = is_json || is_each ? cli_print_query(arguments, statement, is_each ? each : one, limit) : print_stacks(arguments, statement, is_change, limit);
done:
    sqlite3_finalize(statement);
    sqlite3_close(pair);
    htrail__store_free(stores[0]);
    htrail__store_free(stores[1]);
    return result;
}

static const cli_option options[] = {
    {"each", 'e', NULL, "one row a thread: tid, name, state, start, processor time"},
    {"frames", 'f', NULL, "every frame of each stack, innermost first"},
    CLI_OPTION_LIMIT("stacks"),
    CLI_OPTION_JSON,
    CLI_OPTION_SHOW_SQL,
    {NULL, 0, NULL, NULL},
};

const cli_command cli_threads = {
    .name = "threads",
    .usage = "[--each] [--frames] [-n N] FILE | BEFORE AFTER",
    .summary = "show threads by where they stand, and how many more there are",
    .help = "Threads with the same stack (function, file and line of every frame) are one group, shown innermost frame first;\n"
            "... stands for frames left out, and what begins every thread is not shown. The memory is what these threads alone hold:\n"
            "what would go with them. Of two snapshots, groups come first that have the most threads more; those that did not\n"
            "change are left out. Times of --each are seconds: start since that of the process, cpu in user and kernel mode.",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
