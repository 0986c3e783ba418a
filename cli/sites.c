/* cli/sites.c - see the header. */
#include "cli/sites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/gist.h"
#include "cli/query.h"

enum { CALLER_HANG = 6, ONE_LINE_COLUMNS = 120 /* in fewer a row takes two lines */ };

/* Lines, or stacks: the innermost first, one line each. %s: the database. */
#define LINES(db) \
    "SELECT file || ':' || line AS key, file, line, sum(blocks) AS blocks, sum(count) AS count, sum(bytes) AS bytes, " \
    "sum(count_error * count_error) AS count_variance, sum(bytes_error * bytes_error) AS bytes_variance " \
    "FROM " db "site WHERE blocks > 0 GROUP BY file, line"
#define STACKS(db) \
    "SELECT stacks.key AS key, max(file) AS file, max(line) AS line, sum(blocks) AS blocks, sum(count) AS count, sum(bytes) AS bytes, " \
    "sum(count_error * count_error) AS count_variance, sum(bytes_error * bytes_error) AS bytes_variance " \
    "FROM (WITH RECURSIVE down(id, key) AS (SELECT id, " FRAME("") " FROM " db "site WHERE caller IS NULL UNION ALL " \
    "SELECT s.id, " FRAME("s.") " || char(10) || down.key FROM down JOIN " db "site s ON s.caller = down.id) SELECT * FROM down) stacks " \
    "JOIN " db "site USING (id) WHERE blocks > 0 GROUP BY stacks.key"
/* What the objects of a line or stack retain, and their part: of samples estimates, as their bytes. keys: id and key of sites. */
#define HELD(keys) \
    "(SELECT key, CAST(total(CASE WHEN covered IS NULL OR covered < tree_first THEN retained * weight END) AS INTEGER) AS retained, " \
    "CAST(total(shared * weight) AS INTEGER) AS shared FROM (SELECT key, weight, retained, shared, tree_first, " \
    "max(tree_last) OVER (PARTITION BY key ORDER BY tree_first, tree_last DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered " \
    "FROM (SELECT k.key, s.weight, o.retained, o.shared, o.tree_first, o.tree_last FROM object_site s JOIN (" keys ") k ON k.id = s.site " \
    "JOIN object o ON o.id = s.object)) GROUP BY key)"
#define LINE_KEYS "SELECT id, file || ':' || line AS key FROM site"
#define STACK_KEYS \
    "WITH RECURSIVE down(id, key) AS (SELECT id, " FRAME("") " FROM site WHERE caller IS NULL UNION ALL " \
    "SELECT s.id, " FRAME("s.") " || char(10) || down.key FROM down JOIN site s ON s.caller = down.id) SELECT * FROM down"
#define FRAME(of) of "file || ':' || " of "line || CASE WHEN " of "function <> '' THEN ' ' || " of "function ELSE '' END"

/* Equals in the order of tracemalloc's statistics, which is its last first. */
#define TOP(of, keys) \
    "SELECT t.key, file, line, blocks, count, bytes, coalesce(retained, 0) AS retained, coalesce(shared, 0) AS shared, " \
    "sqrt(count_variance) AS count_error, sqrt(bytes_variance) AS bytes_error FROM (" of ") t LEFT JOIN " HELD(keys) " h ON h.key = t.key " \
    "ORDER BY bytes DESC, count DESC, file DESC, line DESC, t.key"
/* In the order of tracemalloc's Snapshot.compare_to: what changed most, in either direction. Not a FULL JOIN: SQLite makes
 * no index for one, and would compare every line with every other. */
#define DIFF(a, b) \
    "WITH b AS MATERIALIZED (" b "), a AS MATERIALIZED (" a ") SELECT coalesce(a.key, b.key) AS key, coalesce(a.file, b.file) AS file, coalesce(a.line, b.line) AS line, coalesce(b.count, 0) AS count_before, coalesce(a.count, 0) AS count_after, " \
    "coalesce(a.count, 0) - coalesce(b.count, 0) AS count_change, coalesce(b.bytes, 0) AS bytes_before, coalesce(a.bytes, 0) AS bytes_after, " \
    "coalesce(a.bytes, 0) - coalesce(b.bytes, 0) AS bytes_change, coalesce(a.blocks, 0) + coalesce(b.blocks, 0) AS blocks, " \
    "sqrt(coalesce(a.count_variance, 0) + coalesce(b.count_variance, 0)) AS count_error, " \
    "sqrt(coalesce(a.bytes_variance, 0) + coalesce(b.bytes_variance, 0)) AS bytes_error FROM (SELECT key FROM b UNION SELECT key FROM a) both LEFT JOIN b ON b.key = both.key LEFT JOIN a ON a.key = both.key " \
    "WHERE coalesce(a.count, 0) <> coalesce(b.count, 0) OR coalesce(a.bytes, 0) <> coalesce(b.bytes, 0) " \
    "ORDER BY abs(bytes_change) DESC, bytes_after DESC, abs(count_change) DESC, count_after DESC, file DESC, line DESC, key"

/* As tracemalloc writes sizes: three digits below 100, whole ones up to 10240. */
static const char *size_text(char *out, size_t cap, double size, bool has_sign)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (;; unit++, size /= 1024) {
        bool is_small = fabs(size) < 100 && unit > 0;
        if (is_small || fabs(size) < 10 * 1024 || unit + 1 == sizeof units / sizeof *units) {
            snprintf(out, cap, has_sign ? "%+.*f %s" : "%.*f %s", is_small ? 1 : 0, size, units[unit]);
            return out;
        }
    }
}

/* A stack's first line is what the sentence is about; those that called it follow the sentence. */
static void print_callers(const char *at)
{
    while (at != NULL && *at == '\n') {
        const char *end = strchr(at + 1, '\n');
        cli_flow flow;
        cli_flow_begin(&flow, stdout, (size_t)printf("    "), CALLER_HANG);
        cli_flow_text(&flow, at + 1, end == NULL ? strlen(at + 1) : (size_t)(end - at - 1));
        cli_flow_end(&flow);
        at = end;
    }
}

static void print_row(sqlite3_stmt *statement, bool is_diff)
{
    const char *key = (const char *)sqlite3_column_text(statement, 0), *end;
    int64_t count = cli_query_number(statement, is_diff ? "count_after" : "count");
    int64_t bytes = cli_query_number(statement, is_diff ? "bytes_after" : "bytes");
    double error = sqlite3_column_double(statement, cli_query_column_at(statement, "bytes_error"));
    char text[64];
    cli_flow flow;

    key = key == NULL ? "" : key;
    end = strchr(key, '\n');
    cli_flow_begin(&flow, stdout, 0, 4);
    cli_flow_style(&flow, CLI_STYLE_BOLD);
    cli_flow_text(&flow, key, end == NULL ? strlen(key) : (size_t)(end - key));
    cli_flow_style(&flow, CLI_STYLE_NONE);
    cli_flow_more(&flow, ":", 1);
    cli_flow_format(&flow, "size=%s", size_text(text, sizeof text, (double)bytes, false));
    if (is_diff)
        cli_flow_format(&flow, "(%s)", size_text(text, sizeof text, (double)cli_query_number(statement, "bytes_change"), true));
    cli_flow_more(&flow, ",", 1);
    cli_flow_format(&flow, "count=%lld", (long long)count);
    if (is_diff)
        cli_flow_format(&flow, "(%+lld)", (long long)cli_query_number(statement, "count_change"));
    if (count > 0) {
        cli_flow_more(&flow, ",", 1);
        cli_flow_format(&flow, "average=%s", size_text(text, sizeof text, (double)bytes / (double)count, false));
    }
    if (error > 0) {
        cli_flow_more(&flow, ",", 1);
        cli_flow_format(&flow, "error=%s, samples=%lld", size_text(text, sizeof text, error, false), (long long)cli_query_number(statement, "blocks"));
    }
    cli_flow_end(&flow);
    print_callers(end);
}

/* On a terminal: "9.7 MiB (+6.1 MiB) in 1,912 blocks, of 3 lines". */
static int say_all(const cli_arguments *arguments, sqlite3_stmt *statement, bool is_diff)
{
    int64_t bytes = 0, change = 0, count = 0, rows = 0;
    char number[32];
    cli_flow flow;
    int step;
    for (; (step = sqlite3_step(statement)) == SQLITE_ROW; rows++) {
        bytes += cli_query_number(statement, is_diff ? "bytes_after" : "bytes");
        count += cli_query_number(statement, is_diff ? "count_after" : "count");
        change += cli_query_number(statement, "bytes_change");
    }
    if (step != SQLITE_DONE)
        return cli_fail(arguments, "%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
    if (rows < 2)
        return CLI_EXIT_OK;
    cli_flow_begin(&flow, stdout, 0, 2);
    cli_flow_style(&flow, CLI_STYLE_BOLD);
    cli_flow_format(&flow, "%s", cli_gist_bytes(number, bytes, false));
    if (is_diff)
        cli_flow_format(&flow, "(%s)", cli_gist_bytes(number, change, true));
    cli_flow_format(&flow, "in %s blocks", cli_gist_number(number, count, false));
    cli_flow_style(&flow, CLI_STYLE_NONE);
    cli_flow_format(&flow, "of %s %s", cli_gist_number(number, rows, false), cli_option_given(arguments, "traceback") ? "stacks" : is_diff ? "lines that changed" : "lines");
    cli_flow_end(&flow);
    return CLI_EXIT_OK;
}

/* Nothing can be told where no site is. */
static int expect_sites(const cli_arguments *arguments, sqlite3 *db, const char *sql, const char *file)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, sql, &statement);
    if (result == CLI_EXIT_OK && sqlite3_step(statement) != SQLITE_ROW)
        result = cli_fail(arguments, "'%s' does not say where memory was asked for: tracemalloc was not tracing, and the program "
                                     "was not run with --sample", file);
    sqlite3_finalize(statement);
    return result;
}

static int print(const cli_arguments *arguments, sqlite3 *db, const char *sql, bool is_diff, uint64_t limit)
{
    sqlite3_stmt *statement = NULL;
    uint64_t printed = 0, more = 0;
    int step, result = cli_prepare(arguments, db, sql, &statement);

    if (result != CLI_EXIT_OK)
        return result;
    if (cli_option_given(arguments, "json")) {
        result = cli_print_query(arguments, statement, NULL, limit);
        goto done;
    }
    if (cli_is_terminal(stdout) && (result = say_all(arguments, statement, is_diff)) != CLI_EXIT_OK)
        goto done;
    if (cli_terminal_columns(stdout) > 0 && cli_terminal_columns(stdout) < ONE_LINE_COLUMNS && !cli_option_given(arguments, "limit"))
        limit = limit / 2 + 1;
    cli_show_sql(arguments, statement, limit);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (limit > 0 && printed == limit) {
            more++;
            continue;
        }
        print_row(statement, is_diff);
        printed++;
    }
    if (step != SQLITE_DONE) {
        result = cli_fail(arguments, "%s", sqlite3_errmsg(db));
    } else if (more > 0) {
        cli_print_more(more);
    } else if (printed == 0) {
        printf("nothing differs by site\n");
    }
done:
    sqlite3_finalize(statement);
    return result;
}

int cli_sites_top(const cli_arguments *arguments, uint64_t limit)
{
    const char *file = cli_operands(arguments)[0];
    htrail__store *store = NULL;
    int result = cli_open_store(arguments, file, &store);
    if (result == CLI_EXIT_OK)
        result = expect_sites(arguments, htrail__store_db(store), "SELECT 1 FROM site WHERE blocks > 0", file);
    if (result == CLI_EXIT_OK)
        result = print(arguments, htrail__store_db(store),
                       cli_option_given(arguments, "traceback") ? TOP(STACKS(""), STACK_KEYS) : TOP(LINES(""), LINE_KEYS), false, limit);
    htrail__store_free(store);
    return result;
}

int cli_sites_diff(const cli_arguments *arguments, uint64_t limit)
{
    char *const *files = cli_operands(arguments);
    htrail__store *before = NULL, *after = NULL;
    sqlite3 *db = NULL;
    int result;

    if ((result = cli_open_store(arguments, files[0], &before)) == CLI_EXIT_OK && (result = cli_open_store(arguments, files[1], &after)) == CLI_EXIT_OK &&
        (result = cli_open_pair(arguments, before, after, &db)) == CLI_EXIT_OK &&
        (result = expect_sites(arguments, db, "SELECT 1 FROM before.site WHERE blocks > 0", files[0])) == CLI_EXIT_OK &&
        (result = expect_sites(arguments, db, "SELECT 1 FROM after.site WHERE blocks > 0", files[1])) == CLI_EXIT_OK)
        result = print(arguments, db,
                       cli_option_given(arguments, "traceback") ? DIFF(STACKS("after."), STACKS("before."))
                                                                : DIFF(LINES("after."), LINES("before.")), true, limit);
    sqlite3_close(db);
    htrail__store_free(before);
    htrail__store_free(after);
    return result;
}
