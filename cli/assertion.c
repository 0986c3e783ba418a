/* cli/assertion.c - see the header. */
#include "cli/assertion.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/expression.h"
#include "analyze/identity.h"
#include "analyze/text.h"
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/growth.h"
#include "cli/series.h"
#include "cli/terminal.h"
#include "cli/why.h"

enum { QUERY_BYTES_MAX = 1 << 16, TEXT_BYTES_MAX = 1 << 20, BY_BYTES = 16 };

typedef struct assertion {
    const char *text;  /* as it was given; borrowed */
    char by[BY_BYTES]; /* "" for total */
    const char *key;   /* of the text: key_bytes of it */
    size_t key_bytes;
    const char *op;    /* "<=" ... */
    bool of_bytes, is_change, is_percent;
    bool by_last_part; /* the key is the last part of a type's name, and no type is called so as a whole */
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
    static const char *const operators[] = {"<=", ">=", "==", "<", ">"}, *const measures[] = {" bytes", " count", " objects"};
    size_t at = strlen(text), subject;

    *out = (assertion){.text = text};
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
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        size_t len = strlen(measures[i]);
        if (subject > len && strncmp(text + subject - len, measures[i], len) == 0) {
            subject -= len;
            out->of_bytes = i == 0;
            break;
        }
    }
    if (out->op == NULL || subject == 0 || strchr("<>=", text[subject - 1]) != NULL)
        return false;
    if (subject == strlen("total") && strncmp(text, "total", subject) == 0)
        return true;
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

/* A key that no snapshot has holds any bound: most likely it is misspelt. */
static int resolve_key(const cli_arguments *arguments, const cli_series *series, assertion *a)
{
    htrail__text query;
    int64_t found = 0;
    int result = CLI_EXIT_OK;

    if (a->by[0] == '\0')
        return CLI_EXIT_OK;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    for (int attempt = 0; attempt < 3 && found == 0 && result == CLI_EXIT_OK; attempt++) {
        a->by_last_part = attempt == 1;
        htrail__text_clear(&query);
        for (size_t i = 0; i < series->count; i++) {
            htrail__text_format(&query, "%sSELECT 1 FROM %stotal WHERE \"by\" = '%s'", i > 0 ? " UNION ALL " : "", series->prefixes[i], a->by);
            if (attempt < 2) {
                htrail__text_add_string(&query, " AND ");
                add_condition(&query, a, "key");
            }
        }
        if (attempt == 1 && strcmp(a->by, "type") != 0)
            continue;
        result = ask_number(arguments, series->db, &query, &found);
        if (result == CLI_EXIT_OK && found != 0 && attempt == 2)
            cli_warn(arguments, "'%s': no snapshot has such a %s", a->text, a->by);
    }
    if (result == CLI_EXIT_OK && found == 0)
        result = cli_usage(arguments, "'%s': objects are not grouped by '%s'", a->text, a->by);
    htrail__text_release(&query);
    return result;
}

static void add_value(htrail__text *query, const assertion *a, const char *database)
{
    htrail__text_format(query, "(SELECT CAST(total(%s) AS INTEGER) FROM %s.total WHERE \"by\" = '%s'", a->of_bytes ? "bytes" : "count", database,
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
    htrail__text_format(query, "after%s %s bound AS holds, ", a->is_change ? " - before" : "", a->op);
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

/* column: NULL of the total, which stands for the type that has most new bytes. */
static void add_subject(htrail__text *query, const assertion *a, const char *column)
{
    if (column != NULL)
        add_condition(query, a, column);
    else
        htrail__text_add_string(query, "fate.type = (SELECT type FROM fate WHERE verdict = 'new' GROUP BY type ORDER BY total(size) DESC, type LIMIT 1)");
}

/* An object of the subject that is new: the nearest to a root (ids are in that order) of those held by what gained most, so
 * that none is shown of a container whose objects come and go. Where that can't be told, the nearest of all. */
static int find_example(const cli_arguments *arguments, const cli_series *series, const assertion *a, int64_t *example)
{
    static const struct { const char *by, *column; } columns[] = {
        {"type", "o.type"}, {"module", "o.module"}, {"owner", "o.owner_module"}, {"name", "o.name"}};
    char *const *files = cli_operands(arguments);
    char message[HTRAIL__MESSAGE_BYTES];
    const char *column = NULL;
    htrail__text query;
    int result = CLI_EXIT_OK;

    *example = 0;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcmp(a->by, columns[i].by) == 0)
            column = columns[i].column;
    if (a->by[0] != '\0' && column == NULL)
        return CLI_EXIT_OK;
    htrail__text_init(&query, QUERY_BYTES_MAX);
    if (htrail__identity_check(series->db, files[0], files[series->count - 1], message, sizeof message) == HTRAIL_OK) {
        htrail__text_format(&query, "%s, subject(id, holder, change) AS (\n"
                            "  SELECT o.id, o.holder, verdict = 'new' FROM fate JOIN after.object o ON o.id = fate.id WHERE verdict IN ('new', 'unsure') AND ", htrail__identity_sql);
        add_subject(&query, a, column);
        htrail__text_add_string(&query, "\n  UNION ALL SELECT NULL, later.id, -1 FROM fate JOIN before.object o ON o.id = fate.id_before\n"
                                "  LEFT JOIN later ON later.id_before = o.holder AND later.verdict <> 'new' WHERE fate.verdict = 'gone' AND ");
        add_subject(&query, a, column);
        htrail__text_add_string(&query, ")\nSELECT min(id) FROM subject GROUP BY holder HAVING min(id) IS NOT NULL ORDER BY sum(change) DESC, min(id) LIMIT 1");
        result = ask_number(arguments, series->db, &query, example);
    }
    if (result == CLI_EXIT_OK && *example == 0 && column != NULL) {
        htrail__text_clear(&query);
        htrail__text_add_string(&query, "SELECT o.id FROM after.object o WHERE ");
        add_condition(&query, a, column);
        htrail__text_add_string(&query, " ORDER BY o.id LIMIT 1");
        result = ask_number(arguments, series->db, &query, example);
    }
    htrail__text_release(&query);
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
    printf("%s%s%s  ", cli_styled(stdout, holds ? CLI_STYLE_GREEN : CLI_STYLE_RED), holds ? "ok  " : "FAIL", cli_styled(stdout, CLI_STYLE_NONE));
    cli_print_escaped(stdout, a->text, strlen(a->text));
    printf(": ");
    print_amount(sqlite3_column_int64(row, 1), a->of_bytes, false);
    printf(" -> ");
    print_amount(sqlite3_column_int64(row, 2), a->of_bytes, false);
    printf(", ");
    print_amount(sqlite3_column_int64(row, 3), a->of_bytes, true);
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
