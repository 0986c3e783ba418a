/* cli/tree.c - see the header. */
#include "cli/tree.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/unfold.h"
#include "cli/gist.h"

enum {
    DEPTH_DEFAULT = 4,
    DEPTH_TERMINAL = 8, /* where the smallest lines are left out again */
    LINES_DEFAULT = 5,
    PERCENT_DEFAULT = 1,
    SQL_BYTES_MAX = 1 << 20
};

int cli_tree_options(const cli_arguments *arguments, cli_tree_limits *limits)
{
    const char *depth = cli_option_value(arguments, "depth"), *lines = cli_option_value(arguments, "limit"), *least = cli_option_value(arguments, "min");
    unsigned long long number;
    char *end = NULL;

    *limits = (cli_tree_limits){.depth = cli_is_terminal(stdout) && !cli_option_given(arguments, "json") ? DEPTH_TERMINAL : DEPTH_DEFAULT, .lines = LINES_DEFAULT, .percent_min = -1};
    if (!cli_option_given(arguments, "tree"))
        return depth != NULL || least != NULL ? cli_usage(arguments, "--%s is for --tree", depth != NULL ? "depth" : "min") : CLI_EXIT_OK;
    if (depth != NULL) {
        if (!cli_parse_number(depth, &number))
            return cli_usage(arguments, "'%s' is not a number of levels", depth);
        limits->depth = number;
    }
    if (lines != NULL) {
        if (!cli_parse_number(lines, &number))
            return cli_usage(arguments, "'%s' is not a number of rows", lines);
        limits->lines = number;
    }
    if (least != NULL) {
        limits->percent_min = strtod(least, &end);
        if (end == least || (*end != '\0' && strcmp(end, "%") != 0) || !(limits->percent_min >= 0 && limits->percent_min <= 100))
            return cli_usage(arguments, "'%s' is not a percentage", least);
    }
    return CLI_EXIT_OK;
}

int cli_tree_dominators(const cli_arguments *arguments, sqlite3 *db, const htrail__selector *selector, const htrail__selection *from, const cli_tree_limits *limits)
{
    char message[HTRAIL__MESSAGE_BYTES];
    sqlite3_stmt *lines = NULL;
    uint64_t levels;
    htrail__text sql;
    int result = CLI_EXIT_OK;
    const htrail__unfold_opts opts = {.depth_max = limits->depth, .lines_max = limits->lines, .percent_min = limits->percent_min < 0 ? PERCENT_DEFAULT : limits->percent_min};

    if (htrail__unfold(&lines, &levels, db, from, &opts, message, sizeof message) != HTRAIL_OK)
        return cli_fail(arguments, "%s", message);
    htrail__text_init(&sql, SQL_BYTES_MAX);
    if (cli_option_given(arguments, "show-sql")) {
        if (htrail__unfold_sql(&sql, db, selector, levels, &opts) != HTRAIL_OK)
            result = cli_fail(arguments, "%s", sql.failed ? "out of memory" : sqlite3_errmsg(db));
        else
            fputs(htrail__text_string(&sql), stderr);
    }
    if (result == CLI_EXIT_OK)
        result = cli_tree_print(arguments, lines, NULL);
    htrail__text_release(&sql);
    sqlite3_finalize(lines);
    return result;
}

/* What has most at the top. */
typedef struct largest {
    char *key;
    const char *blank;
    double percent;
} largest;

static void see(void *arg, sqlite3_stmt *row)
{
    static const char more[] = " more)";
    largest *found = arg;
    const char *key = (const char *)sqlite3_column_text(row, cli_query_column_at(row, "key"));
    double percent = sqlite3_column_double(row, cli_query_column_at(row, "percent"));
    size_t len = key == NULL ? 0 : strlen(key);
    bool is_rest = len >= sizeof more && key[0] == '(' && strcmp(key + len - sizeof more + 1, more) == 0;
    if (cli_query_number(row, "depth") != 0 || percent <= found->percent || is_rest)
        return;
    free(found->key);
    found->key = strdup(len > 0 || found->blank == NULL ? (key == NULL ? "" : key) : found->blank);
    found->percent = percent;
}

/* "(several roots) dict __main__ holds 73 % of the heap" */
static void say(void *arg, cli_flow *flow)
{
    const largest *found = arg;
    if (found->key == NULL)
        return;
    cli_flow_style(flow, CLI_STYLE_BOLD);
    cli_flow_name(flow, found->key);
    cli_flow_format(flow, "holds %.0f %% of the heap", found->percent);
    cli_flow_style(flow, CLI_STYLE_NONE);
}

int cli_tree_print(const cli_arguments *arguments, sqlite3_stmt *statement, const char *blank)
{
    const cli_query_column columns[] = {{.name = "depth", .is_indent = true},
                                        {.name = "key", .kind = CLI_COLUMN_TEXT, .blank = blank},
                                        {.name = "kind", .is_hidden = true},
                                        {.name = "label", .is_hidden = true},
                                        {.name = "type", .is_hidden = true},
                                        {.name = "count", .kind = CLI_COLUMN_NUMBER},
                                        {.name = "bytes", .kind = CLI_COLUMN_BYTES},
                                        {.name = "retained", .kind = CLI_COLUMN_BYTES},
                                        {.name = "shared", .kind = CLI_COLUMN_BYTES, .spare = 1},
                                        {.name = "percent", .kind = CLI_COLUMN_TENTHS},
                                        {.name = NULL}};
    largest found = {.blank = blank};
    const cli_query_told told = {.row = see, .say = say, .arg = &found, .largest_by = "retained", .how = "-n 5 shows them",
                                 .rows_max = cli_option_given(arguments, "limit") ? 0 : cli_terminal_rows()};
    int result = cli_print_query_told(arguments, statement, columns, 0, &told);
    free(found.key);
    return result;
}
