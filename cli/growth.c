/* cli/growth.c - see the header. */
#include "cli/growth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/text.h"
#include "cli/gist.h"
#include "cli/series.h"
#include "cli/spark.h"
#include "cli/terminal.h"
#include "cli/totals.h"

enum { QUERY_BYTES_MAX = 1 << 16, NAME_BYTES = 32 };

static const struct { const char *name, *order; } orders[] = {
    {"bytes", "bytes_change DESC, count_change DESC, key"},
    {"count", "count_change DESC, bytes_change DESC, key"},
    {"change", "abs(bytes_change) DESC, abs(count_change) DESC, key"},
    {"after", "bytes_after DESC, count_after DESC, key"},
    {"key", "key"},
};

typedef struct growth_opts {
    const char *order;
    uint64_t bytes_min, count_min;
} growth_opts;

bool cli_growth_amount(const char *text, const char **end, uint64_t *out)
{
    static const char units[] = "kmgt";
    unsigned shift = 0;
    char *after;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &after, 10);
    const char *unit = *after == '\0' ? NULL : strchr(units, *after | 0x20);
    if (unit != NULL) {
        shift = 10 * (unsigned)(unit - units + 1);
        after += after[1] == 'i' && after[2] == 'B' ? 3 : after[1] == 'B' ? 2 : 1;
    } else if (*after == 'B') {
        after++;
    }
    if (errno != 0 || number > (uint64_t)INT64_MAX >> shift)
        return false;
    *end = after;
    *out = (uint64_t)number << shift;
    return true;
}

static int amount_option(const cli_arguments *arguments, const char *name, uint64_t *out)
{
    const char *text = cli_option_value(arguments, name), *end;
    if (text != NULL && (!cli_growth_amount(text, &end, out) || *end != '\0'))
        return cli_usage(arguments, "'%s' is no amount for --%s", text, name);
    return CLI_EXIT_OK;
}

static int read_options(const cli_arguments *arguments, growth_opts *opts)
{
    const char *sort = cli_option_value(arguments, "sort");
    int result;

    *opts = (growth_opts){.order = orders[0].order};
    if ((result = amount_option(arguments, "min-bytes", &opts->bytes_min)) != CLI_EXIT_OK ||
        (result = amount_option(arguments, "min-count", &opts->count_min)) != CLI_EXIT_OK || sort == NULL)
        return result;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(sort, orders[i].name) == 0) {
            opts->order = orders[i].order;
            return CLI_EXIT_OK;
        }
    return cli_usage(arguments, "cannot sort by '%s'; it is bytes, count, change, after or key", sort);
}

/* "count_before", "count_2", ..., "count_after" */
static const char *column_name(char *out, const char *what, size_t i, size_t count)
{
    if (i == 0 || i + 1 == count)
        snprintf(out, NAME_BYTES, "%s_%s", what, i == 0 ? "before" : "after");
    else
        snprintf(out, NAME_BYTES, "%s_%zu", what, i + 1);
    return out;
}

static void add_columns(htrail__text *query, const char *what, size_t count)
{
    char name[NAME_BYTES];
    for (size_t i = 0; i < count; i++)
        htrail__text_format(query, "%s, ", column_name(name, what, i, count));
    htrail__text_format(query, "%s_after - %s_before AS %s_change", what, what, what);
}

/* The rows of one snapshot, with its numbers at its place and nothing at those of the others. */
static void add_snapshot(htrail__text *query, const cli_series *series, const char *by, size_t at)
{
    static const char *const measures[] = {"count", "bytes"};
    char name[NAME_BYTES];

    htrail__text_add_string(query, at == 0 ? "  SELECT key" : "\n  UNION ALL SELECT key");
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < series->count; i++)
            if (at == 0)
                htrail__text_format(query, ", %s AS %s", i == at ? measures[m] : "0", column_name(name, measures[m], i, series->count));
            else
                htrail__text_format(query, ", %s", i == at ? measures[m] : "0");
    if (strcmp(by, "site") == 0)
        htrail__text_format(query, " FROM (SELECT file || ':' || line AS key, CAST(round(sum(count)) AS INTEGER) AS count, "
                            "CAST(round(sum(bytes)) AS INTEGER) AS bytes FROM %ssite WHERE blocks > 0 GROUP BY file, line)", series->prefixes[at]);
    else if (strcmp(by, "path") == 0)
        htrail__text_format(query, " FROM %spath WHERE count > 0", series->prefixes[at]);
    else
        htrail__text_format(query, " FROM %stotal WHERE \"by\" = '%s'", series->prefixes[at], by);
}

/* Eight levels between the least and the most of a row; what stays the same is all low. is_whole: a cell for each snapshot. */
static void add_trend(htrail__text *query, size_t count, bool is_utf8, bool is_whole)
{
    char name[NAME_BYTES];

    htrail__text_add_string(query, ",\n  ");
    for (size_t i = 1; i < count; i++)
        htrail__text_format(query, "%s(%s > ", i > 1 ? " + " : "", column_name(name, "bytes", i, count)),
        htrail__text_format(query, "%s)", column_name(name, "bytes", i - 1, count));
    htrail__text_add_string(query, " AS grew,\n  ");
    for (size_t i = 0; i < (is_whole ? count : cli_spark_cells(count)); i++)
        htrail__text_format(query, "%ssubstr('%s', 1 + (%s - least) * 7 / max(most - least, 1), 1)", i > 0 ? " || " : "", cli_spark_levels(is_utf8),
                            column_name(name, "bytes", is_whole ? i : cli_spark_value(i, count), count));
    htrail__text_add_string(query, " AS trend");
}

static void add_bounds(htrail__text *query, size_t count)
{
    char name[NAME_BYTES];
    for (size_t bound = 0; bound < 2; bound++) {
        htrail__text_add_string(query, bound == 0 ? ", min(" : ", max(");
        for (size_t i = 0; i < count; i++)
            htrail__text_format(query, "%ssum(%s)", i > 0 ? ", " : "", column_name(name, "bytes", i, count));
        htrail__text_add_string(query, bound == 0 ? ") AS least" : ") AS most");
    }
}

static void add_query(htrail__text *query, const cli_series *series, const char *by, const growth_opts *opts, bool is_utf8, bool is_whole)
{
    static const char *const measures[] = {"count", "bytes"};
    size_t count = series->count;
    char name[NAME_BYTES];

    htrail__text_add_string(query, "SELECT key, ");
    add_columns(query, "count", count);
    htrail__text_add_string(query, ", ");
    add_columns(query, "bytes", count);
    if (count > 2)
        add_trend(query, count, is_utf8, is_whole);
    htrail__text_add_string(query, "\nFROM (SELECT key");
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < count; i++) {
            column_name(name, measures[m], i, count);
            htrail__text_format(query, ", sum(%s) AS %s", name, name);
        }
    if (count > 2)
        add_bounds(query, count);
    htrail__text_add_string(query, " FROM (\n");
    for (size_t i = 0; i < count; i++)
        add_snapshot(query, series, by, i);
    htrail__text_add_string(query, ") GROUP BY key)\nWHERE (");
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 1; i < count; i++)
            htrail__text_format(query, "%s%s <> %s_before", m + i > 1 ? " OR " : "", column_name(name, measures[m], i, count), measures[m]);
    htrail__text_add_string(query, ")");
    if (opts->bytes_min > 0)
        htrail__text_format(query, " AND abs(bytes_change) >= %" PRIu64, opts->bytes_min);
    if (opts->count_min > 0)
        htrail__text_format(query, " AND abs(count_change) >= %" PRIu64, opts->count_min);
    htrail__text_format(query, "\nORDER BY %s", opts->order);
}

/* On a narrow terminal the ends, the change and the trend stay. */
static size_t describe_columns(cli_query_column *columns, char (*names)[NAME_BYTES], const char *by, size_t count)
{
    static const char *const measures[] = {"count", "bytes"};
    size_t used = 0;

    columns[used++] = (cli_query_column){.name = "key", .kind = CLI_COLUMN_TEXT, .blank = cli_totals_blank(by)};
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < count; i++, used++)
            columns[used] = (cli_query_column){.name = column_name(names[used], measures[m], i, count), .kind = m == 0 ? CLI_COLUMN_NUMBER : CLI_COLUMN_BYTES,
                                               .head = names[used] + strlen("count_"), .spare = i + 1 == count ? 0 : i == 0 ? 1 : 2};
        snprintf(names[used], NAME_BYTES, "%s_change", measures[m]);
        columns[used] = (cli_query_column){.name = names[used], .kind = m == 0 ? CLI_COLUMN_CHANGE : CLI_COLUMN_BYTES_CHANGE, .head = "change"};
        used++;
    }
    columns[used++] = (cli_query_column){.name = "grew", .kind = CLI_COLUMN_NUMBER, .spare = 2};
    columns[used++] = (cli_query_column){.name = "trend", .kind = CLI_COLUMN_TEXT};
    columns[used] = (cli_query_column){.name = NULL};
    return used;
}

typedef struct growth_gist {
    const char *by;
    int64_t elapsed_ns; /* 0: not known */
} growth_gist;

static int64_t elapsed_ns(const cli_arguments *arguments, sqlite3 *db)
{
    static const char sql[] = "SELECT CAST((SELECT value FROM after.snapshot WHERE key = 'created_ns') AS INTEGER) - "
                              "CAST((SELECT value FROM before.snapshot WHERE key = 'created_ns') AS INTEGER)";
    sqlite3_stmt *statement = NULL;
    int64_t elapsed = 0;
    if (cli_prepare(arguments, db, sql, &statement) == CLI_EXIT_OK && sqlite3_step(statement) == SQLITE_ROW)
        elapsed = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return elapsed > 0 ? elapsed : 0;
}

/* "+72.1 MiB, +617,257 objects in 8.0 h: most of it builtins, +67.2 MiB" */
static void say_growth(cli_flow *flow, const cli_gist *gist)
{
    const growth_gist *about = gist->arg;
    char bytes[32], count[32];
    bool is_less = gist->sum < 0;
    const char *name = is_less ? gist->least : gist->most;

    cli_flow_style(flow, CLI_STYLE_BOLD);
    cli_flow_format(flow, "%s, %s object%s", cli_gist_bytes(bytes, gist->sum, true), cli_gist_number(count, gist->counts, true), gist->counts == 1 || gist->counts == -1 ? "" : "s");
    cli_flow_style(flow, CLI_STYLE_NONE);
    if (about->elapsed_ns > 0)
        cli_flow_format(flow, "in %s", cli_gist_time(count, about->elapsed_ns));
    cli_flow_more(flow, is_less ? "; what shrank most:" : "; what grew most:", strlen(is_less ? "; what shrank most:" : "; what grew most:"));
    if (name[0] == '\0')
        name = cli_totals_blank(about->by);
    cli_flow_name(flow, name);
    cli_flow_more(flow, ",", 1);
    cli_gist_bytes(bytes, is_less ? gist->least_bytes : gist->most_bytes, true);
    cli_flow_word(flow, bytes, strlen(bytes));
}

int cli_growth_print(const cli_arguments *arguments, const char *by, uint64_t limit)
{
    char names[2 * (CLI_SERIES_MAX + 1) + 4][NAME_BYTES];
    cli_query_column columns[2 * (CLI_SERIES_MAX + 1) + 4];
    cli_series series = {0};
    growth_opts opts;
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    bool json = cli_option_given(arguments, "json"), is_same;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    if ((result = read_options(arguments, &opts)) != CLI_EXIT_OK || (result = cli_series_open(arguments, &series, strcmp(by, "site") == 0 || strcmp(by, "path") == 0 ? by : "total")) != CLI_EXIT_OK ||
        (result = cli_series_process(arguments, &series, &is_same)) != CLI_EXIT_OK)
        goto done;
    add_query(&query, &series, by, &opts, json || cli_is_utf8(stdout), json || !cli_is_terminal(stdout));
    describe_columns(columns, names, by, series.count);
    const growth_gist about = {.by = by, .elapsed_ns = elapsed_ns(arguments, series.db)};
    cli_gist gist = {.key = "key", .count = "count_change", .bytes = "bytes_change", .say = say_growth, .arg = &about};
    if (query.failed)
        result = cli_fail(arguments, "out of memory");
    else if ((result = cli_prepare(arguments, series.db, htrail__text_string(&query), &statement)) == CLI_EXIT_OK)
        result = cli_print_gist(arguments, statement, columns, limit, &gist);
    if (result == CLI_EXIT_OK && !json && sqlite3_reset(statement) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE)
        printf("nothing differs by %s\n", by);
done:
    sqlite3_finalize(statement);
    cli_series_release(&series);
    htrail__text_release(&query);
    return result;
}
