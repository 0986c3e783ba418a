/* cli/assertion.c - see the header. */
#include "cli/assertion.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/expression.h"
#include "analyze/near.h"
#include "analyze/text.h"
#include "cli/assertion_example.h"
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/growth.h"
#include "cli/series.h"
#include "cli/terminal.h"
#include "cli/why.h"

enum { QUERY_BYTES_MAX = 1 << 16, TEXT_BYTES_MAX = 1 << 20, BY_BYTES = 16 };

/* What is measured: the word, and the column of the table total. */
static const struct { const char *word, *column; } measures[] = {
    {" bytes", "bytes"}, {" count", "count"}, {" objects", "count"}, {" retained", "retained"}, {" shared", "shared"}};

typedef struct assertion {
    const char *text;  /* as it was given; borrowed */
    char by[BY_BYTES]; /* "" for total */
    const char *key;   /* of the text: key_bytes of it */
    size_t key_bytes;
    const char *op;    /* "<=" ... */
    const char *column; /* of the table total: what is measured */
    bool is_change, is_percent;
    bool by_last_part; /* the key is the last part of a type's name, and no type is called so as a whole */
    bool is_unknown;   /* no snapshot has such a row */
    int64_t bound;
} assertion;

/* A string of SQL. */
static void add_literal(htrail__text *out, const char *text, size_t len)
{
    htrail__text_add_string(out, "'");
    for (size_t i = 0; i < len; i++)
        htrail__text_add(out, text[i] == '\'' ? "''" : text + i, text[i] == '\'' ? 2 : 1);
    htrail__text_add_string(out, "'");
}

static bool parse_bound(const char *text, assertion *out)
{
    const char *end;
    uint64_t amount;
    bool is_less;

    text += strspn(text, " ");
    is_less = *text == '-';
    out->is_change = is_less || *text == '+';
    if (!cli_growth_amount(text + out->is_change, &end, &amount))
        return false;
    out->is_percent = *end == '%' && out->is_change;
    end += out->is_percent;
    out->bound = is_less ? -(int64_t)amount : (int64_t)amount;
    return end[strspn(end, " ")] == '\0';
}

/* The operator is the last one: '<' and '>' are in names too. */
static bool parse(const char *text, assertion *out)
{
    static const char *const operators[] = {"<=", ">=", "==", "<", ">"};
    size_t at = strlen(text), subject;
    bool is_apart;

    *out = (assertion){.text = text, .column = "count"};
    while (at > 0 && strchr("<>=", text[at - 1]) == NULL)
        at--;
    if (at == 0 || !parse_bound(text + at, out))
        return false;
    at -= at > 1 && text[at - 1] == '=' ? 2 : 1;
    for (size_t i = 0; i < sizeof operators / sizeof *operators && out->op == NULL; i++)
        if (strncmp(text + at, operators[i], strlen(operators[i])) == 0)
            out->op = operators[i];
    for (subject = at; subject > 0 && text[subject - 1] == ' ';)
        subject--;
    is_apart = subject < at; /* from what may end with one itself: "name:app.f.<lambda> <= +0" */
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        size_t len = strlen(measures[i].word);
        if (subject > len && strncmp(text + subject - len, measures[i].word, len) == 0) {
            subject -= len;
            out->column = measures[i].column;
            break;
        }
    }
    if (out->op == NULL || subject == 0 || (!is_apart && strchr("<>=", text[subject - 1]) != NULL))
        return false;
    if (subject == strlen("total") && strncmp(text, "total", subject) == 0) /* which is no sum of what is retained */
        return strcmp(out->column, "count") == 0 || strcmp(out->column, "bytes") == 0;
    const char *colon = memchr(text, ':', subject);
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof out->by)
        return false;
    memcpy(out->by, text, (size_t)(colon - text));
    out->key = colon + 1;
    out->key_bytes = subject - (size_t)(colon + 1 - text);
    return true;
}

/* Whether the key is that of a row: of total, or (column) of objects. */
static void add_condition(htrail__text *query, const assertion *a, const char *column)
{
    if (!a->by_last_part) {
        htrail__text_format(query, "%s = ", column);
        add_literal(query, a->key, a->key_bytes);
        return;
    }
    htrail__text_format(query, "substr(%s, -1 - length(", column);
    add_literal(query, a->key, a->key_bytes);
    htrail__text_add_string(query, ")) = '.' || ");
    add_literal(query, a->key, a->key_bytes);
}

static int ask_number(const cli_arguments *arguments, sqlite3 *db, const htrail__text *query, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int result = query->failed ? cli_fail(arguments, "out of memory") : cli_prepare(arguments, db, htrail__text_string(query), &statement);
    *out = 0;
    if (result == CLI_EXIT_OK) {
        int step = sqlite3_step(statement);
        if (step == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
        else if (step != SQLITE_DONE)
            result = cli_fail(arguments, "%s", sqlite3_errmsg(db));
    }
    sqlite3_finalize(statement);
    return result;
}

/* Whether a snapshot has such a row, or (any_key) any of the grouping. */
static int is_there(const cli_arguments *arguments, const cli_series *series, const assertion *a, bool any_key, int64_t *found)
{
    htrail__text query;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    for (size_t i = 0; i < series->count; i++) {
        htrail__text_format(&query, "%sSELECT 1 FROM %stotal WHERE \"by\" = '%s'", i > 0 ? " UNION ALL " : "", series->prefixes[i], a->by);
        if (!any_key) {
            htrail__text_add_string(&query, " AND ");
            add_condition(&query, a, "key");
        }
    }
    int result = ask_number(arguments, series->db, &query, found);
    htrail__text_release(&query);
    return result;
}

/* "type:Record retaned": what follows the last space is a measure that there is not. */
static int refuse_measure(const cli_arguments *arguments, const cli_series *series, const assertion *a, bool *refused)
{
    assertion shorter = *a;
    int64_t found = 0;
    int result = CLI_EXIT_OK;
    const char *space = memrchr(a->key, ' ', a->key_bytes);
    if (space == NULL)
        return CLI_EXIT_OK;
    shorter.key_bytes = (size_t)(space - a->key);
    for (int last_part = 0; last_part < 2 && found == 0 && result == CLI_EXIT_OK; last_part++) {
        shorter.by_last_part = last_part == 1 && strcmp(a->by, "type") == 0;
        result = is_there(arguments, series, &shorter, false, &found);
    }
    *refused = found != 0;
    if (result == CLI_EXIT_OK && *refused)
        result = cli_usage(arguments, "'%s': '%.*s' is no measure; it is count (or objects), bytes, retained or shared", a->text,
                           (int)(a->key_bytes - shorter.key_bytes - 1), space + 1);
    return result;
}

/* A key that no snapshot has holds any upper bound: most likely it is misspelt. */
static int say_unknown(const cli_arguments *arguments, const cli_series *series, assertion *a)
{
    char key[HTRAIL__NEAR_BYTES_MAX], like[HTRAIL__NEAR_BYTES_MAX * 5] = "";
    htrail__near near = {.wanted = key};
    bool refused = false;
    int result = refuse_measure(arguments, series, a, &refused);
    if (result != CLI_EXIT_OK || refused)
        return result;
    a->is_unknown = true;
    snprintf(key, sizeof key, "%.*s", (int)(a->key_bytes < sizeof key ? a->key_bytes : 0), a->key);
    if (a->key_bytes > 0 && a->key[a->key_bytes - 1] == '*' && a->key_bytes < sizeof key) /* what begins so is near */
        key[a->key_bytes - 1] = '\0';
    for (size_t i = 0; i < series->count; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT key FROM %stotal WHERE \"by\" = ?1", series->prefixes[i]);
        htrail__near_look_in(&near, series->db, sql, a->by);
    }
    htrail__near_append(&near, like, sizeof like);
    if (cli_option_given(arguments, "strict"))
        return cli_usage(arguments, "'%s': no snapshot has such a %s%s", a->text, a->by, like);
    cli_warn(arguments, "'%s': no snapshot has such a %s%s", a->text, a->by, like);
    return CLI_EXIT_OK;
}

/* Groupings within groupings: the kinds of roots, and packages in packages. */
static const struct { const char *by, *nested; } groupings[] = {{"root", "root kind"}, {"package", "subpackage"}};

static int resolve_key(const cli_arguments *arguments, const cli_series *series, assertion *a)
{
    int64_t found = 0;
    int result = CLI_EXIT_OK;
    char by[BY_BYTES];

    if (a->by[0] == '\0')
        return CLI_EXIT_OK;
    if ((result = is_there(arguments, series, a, true, &found)) != CLI_EXIT_OK)
        return result;
    if (found == 0)
        return cli_usage(arguments, "'%s': objects are not grouped by '%s'; they are by type, module, owner, package, name, size, length, site, thread, root and c-refs",
                         a->text, a->by);
    if ((result = is_there(arguments, series, a, false, &found)) != CLI_EXIT_OK || found != 0)
        return result;
    memcpy(by, a->by, sizeof by);
    for (size_t i = 0; i < sizeof groupings / sizeof *groupings && found == 0 && result == CLI_EXIT_OK; i++) {
        if (strcmp(by, groupings[i].by) != 0)
            continue;
        snprintf(a->by, sizeof a->by, "%s", groupings[i].nested);
        result = is_there(arguments, series, a, false, &found);
    }
    if (found == 0)
        memcpy(a->by, by, sizeof by);
    if (result == CLI_EXIT_OK && found == 0 && strcmp(a->by, "type") == 0) {
        a->by_last_part = true;
        result = is_there(arguments, series, a, false, &found);
        a->by_last_part = found != 0;
    }
    return result == CLI_EXIT_OK && found == 0 ? say_unknown(arguments, series, a) : result;
}

static void add_value(htrail__text *query, const assertion *a, const char *database)
{
    htrail__text_format(query, "(SELECT CAST(total(%s) AS INTEGER) FROM %s.total WHERE \"by\" = '%s'", a->column, database,
                        a->by[0] == '\0' ? "type" : a->by);
    if (a->by[0] != '\0') {
        htrail__text_add_string(query, " AND ");
        add_condition(query, a, "key");
    }
    htrail__text_add_string(query, ")");
}

/* example: of the last snapshot, 0: none. */
static void add_query(htrail__text *query, const assertion *a, int64_t example)
{
    htrail__text_add_string(query, "SELECT ");
    add_literal(query, a->text, strlen(a->text));
    htrail__text_add_string(query, " AS assertion, before, after, after - before AS change, bound, ");
    htrail__text_format(query, "after%s %s bound AS holds, %d AS known, ", a->is_change ? " - before" : "", a->op, !a->is_unknown);
    if (example > 0)
        htrail__text_format(query, "%" PRId64 " AS example\n", example);
    else
        htrail__text_add_string(query, "NULL AS example\n");
    htrail__text_format(query, "FROM (SELECT before, after, %" PRId64 "%s AS bound FROM (SELECT ", a->bound, a->is_percent ? " * before / 100.0" : "");
    add_value(query, a, "before");
    htrail__text_add_string(query, " AS before, ");
    add_value(query, a, "after");
    htrail__text_add_string(query, " AS after))");
}

/* Which objects are of the subject: of a snapshot's `o`. False: it is no grouping of objects. Of the total: of the type that
 * has most new bytes. */
static bool add_subject(htrail__text *query, const assertion *a, const char *snapshot)
{
    static const struct { const char *by, *column; } columns[] = {
        {"type", "o.type"}, {"module", "o.module"}, {"owner", "o.owner_module"}, {"name", "o.name"},
        {"root", "(SELECT key FROM %s.root WHERE id = o.root)"}, {"root kind", "(SELECT kind FROM %s.root WHERE id = o.root)"},
        {"thread", "(SELECT t.key FROM %s.root JOIN %s.thread t ON t.tid = root.thread WHERE root.id = o.root)"}};
    if (a->by[0] == '\0') {
        htrail__text_add_string(query, "fate.type = (SELECT type FROM fate WHERE verdict = 'new' GROUP BY type ORDER BY total(size) DESC, type LIMIT 1)");
        return true;
    }
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char column[160];
        if (strcmp(a->by, columns[i].by) != 0)
            continue;
        snprintf(column, sizeof column, columns[i].column, snapshot, snapshot);
        add_condition(query, a, column);
        return true;
    }
    htrail__text key;
    htrail__text_init(&key, QUERY_BYTES_MAX);
    add_literal(&key, a->key, a->key_bytes);
    const char *text = htrail__text_string(&key);
    bool is_size = strcmp(a->by, "size") == 0, exists = true;
    if (strcmp(a->by, "package") == 0 || strcmp(a->by, "subpackage") == 0)
        htrail__text_format(query, "(o.owner_module = %s OR substr(o.owner_module, 1, length(%s) + 1) = %s || '.')", text, text, text);
    else if (strcmp(a->by, "length") == 0 && strcmp(text, "'none'") == 0)
        htrail__text_add_string(query, "o.length IS NULL");
    else if (is_size || strcmp(a->by, "length") == 0)
        htrail__text_format(query, "o.%s BETWEEN CAST(%s AS INTEGER) AND CAST(substr(%s, instr(%s, '-') + 1) AS INTEGER)", is_size ? "size" : "length", text, text, text);
    else if (strcmp(a->by, "c-refs") == 0)
        htrail__text_format(query, "o.id IN (SELECT c.object FROM %s.c_reference c JOIN %s.object p ON p.id = c.object WHERE NOT c.is_own AND\n"
                            "    p.type || coalesce(' ' || nullif(p.name, ''), '') || ' <- ' || coalesce(nullif(c.holder, ''), 'C code') = %s)", snapshot, snapshot, text);
    else
        exists = false;
    htrail__text_release(&key);
    return exists;
}

/* An object of the subject that is new. Of lines that asked for memory (site) none is known. */
static int find_example(const cli_arguments *arguments, const cli_series *series, const assertion *a, int64_t *example)
{
    htrail__text of_before, of_after;
    int result = CLI_EXIT_OK;
    *example = 0;
    htrail__text_init(&of_before, QUERY_BYTES_MAX);
    htrail__text_init(&of_after, QUERY_BYTES_MAX);
    if (add_subject(&of_before, a, "before") && add_subject(&of_after, a, "after"))
        result = cli_assertion_example(arguments, series, htrail__text_string(&of_before), htrail__text_string(&of_after), a->by[0] != '\0', example);
    htrail__text_release(&of_before);
    htrail__text_release(&of_after);
    return result;
}

/* As why prints it. */
static int print_chain(const cli_arguments *arguments, htrail__store *store, int64_t example)
{
    cli_why_page page = {.arguments = arguments, .store = store, .utf8 = cli_is_utf8(stdout)};
    char message[HTRAIL__MESSAGE_BYTES] = "";
    cli_why_chain chain = {0};
    htrail__text expression;
    bool has_expression = false;

    htrail__text_init(&expression, TEXT_BYTES_MAX);
    htrail_status status = htrail__lookup_open(&page.lookup, htrail__store_db(store), message, sizeof message);
    if (status == HTRAIL_OK)
        status = htrail__library_open(&page.library, htrail__store_db(store));
    if (status == HTRAIL_OK)
        status = cli_why_chain_find(&chain, &page, (uint64_t)example);
    if (status == HTRAIL_OK)
        status = htrail__expression_of_chain(&expression, &has_expression, NULL, page.lookup, &chain.chain);
    if (status == HTRAIL_OK) {
        cli_why_chain_print(&page, &chain, CLI_WHY_INSET);
        if (chain.chain.garbage)
            printf("  no root reaches it: it waits for the garbage collector\n");
        if (has_expression) {
            printf("  ");
            cli_print_escaped(stdout, htrail__text_string(&expression), expression.len);
            printf("\n");
        }
    }
    int result = status == HTRAIL_OK ? CLI_EXIT_OK : message[0] != '\0' ? cli_fail(arguments, "%s", message) : cli_why_fail(&page, status);
    cli_why_chain_release(&chain);
    htrail__library_free(page.library);
    htrail__lookup_free(page.lookup);
    htrail__text_release(&expression);
    return result;
}

static void print_amount(int64_t amount, bool of_bytes, bool has_sign)
{
    char text[32];
    (of_bytes ? cli_format_bytes : cli_format_number)(text, sizeof text, amount);
    printf("%s%s", has_sign && amount >= 0 ? "+" : "", text);
}

static void print_row(const assertion *a, sqlite3_stmt *row, bool holds)
{
    bool of_bytes = strcmp(a->column, "count") != 0;
    printf("%s%s%s  ", cli_styled(stdout, holds ? CLI_STYLE_GREEN : CLI_STYLE_RED), holds ? "ok  " : "FAIL", cli_styled(stdout, CLI_STYLE_NONE));
    cli_print_escaped(stdout, a->text, strlen(a->text));
    printf(": ");
    print_amount(sqlite3_column_int64(row, 1), of_bytes, false);
    printf(" -> ");
    print_amount(sqlite3_column_int64(row, 2), of_bytes, false);
    printf(", ");
    print_amount(sqlite3_column_int64(row, 3), of_bytes, true);
    printf("\n");
}

/* all: the rows of all assertions as one query, to which that of this one is added. */
static int check_one(const cli_arguments *arguments, const cli_series *series, assertion *a, htrail__text *all, bool *failed)
{
    bool json = cli_option_given(arguments, "json"), holds = true;
    const char *file = cli_operands(arguments)[series->count - 1];
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    int64_t example = 0;
    int result;

    htrail__text_init(&query, QUERY_BYTES_MAX);
    if ((result = resolve_key(arguments, series, a)) != CLI_EXIT_OK)
        goto done;
    add_query(&query, a, 0);
    if ((result = cli_prepare(arguments, series->db, htrail__text_string(&query), &statement)) != CLI_EXIT_OK)
        goto done;
    if (sqlite3_step(statement) != SQLITE_ROW) {
        result = cli_fail(arguments, "%s", sqlite3_errmsg(series->db));
        goto done;
    }
    holds = sqlite3_column_int(statement, 5) != 0;
    *failed = *failed || !holds;
    if (!holds && a->op[0] != '>' && (result = find_example(arguments, series, a, &example)) != CLI_EXIT_OK)
        goto done;
    if (!json)
        print_row(a, statement, holds);
    if (all->len > 0)
        htrail__text_add_string(all, "\nUNION ALL\n");
    add_query(all, a, example);
    if (!json && example > 0) {
        printf("  heaptrail why ");
        cli_print_escaped(stdout, file, strlen(file));
        printf(" id:%" PRId64 "\n", example);
        result = print_chain(arguments, series->stores[series->count - 1], example);
    }
done:
    sqlite3_finalize(statement);
    htrail__text_release(&query);
    return result;
}

int cli_assertions(const cli_arguments *arguments)
{
    cli_series series = {0};
    sqlite3_stmt *statement = NULL;
    htrail__text all;
    assertion a;
    bool is_same, failed = false;
    int result = CLI_EXIT_OK;

    htrail__text_init(&all, TEXT_BYTES_MAX);
    for (size_t i = 0; cli_option_repeated(arguments, "assert", i) != NULL && result == CLI_EXIT_OK; i++)
        if (!parse(cli_option_repeated(arguments, "assert", i), &a))
            result = cli_usage(arguments, "'%s' is no assertion; it is like 'type:Record <= +0' or 'total bytes <= +5%%'", cli_option_repeated(arguments, "assert", i));
    if (result == CLI_EXIT_OK && (result = cli_series_open(arguments, &series, "total")) == CLI_EXIT_OK)
        result = cli_series_process(arguments, &series, &is_same);
    for (size_t i = 0; result == CLI_EXIT_OK && cli_option_repeated(arguments, "assert", i) != NULL; i++)
        if (parse(cli_option_repeated(arguments, "assert", i), &a))
            result = check_one(arguments, &series, &a, &all, &failed);
    if (result == CLI_EXIT_OK && all.failed)
        result = cli_fail(arguments, "out of memory");
    if (result == CLI_EXIT_OK && (result = cli_prepare(arguments, series.db, htrail__text_string(&all), &statement)) == CLI_EXIT_OK) {
        if (cli_option_given(arguments, "json"))
            result = cli_print_query(arguments, statement, NULL, 0);
        else
            cli_show_sql(arguments, statement, 0);
    }
    sqlite3_finalize(statement);
    cli_series_release(&series);
    htrail__text_release(&all);
    return result == CLI_EXIT_OK && failed ? CLI_EXIT_FOUND : result;
}
