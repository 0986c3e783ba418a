/* cli/leaks.c - heaptrail leaks: what leaks, one verdict for each leak, then its evidence. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/leaks_tables.h"
#include "analyze/partial.h"
#include "analyze/replaceable.h"
#include "analyze/suppress.h"
#include "cli/escape.h"
#include "cli/gist.h"
#include "cli/number.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/spark.h"
#include "cli/verdicts.h"
#include "cli/terminal.h"

enum { CHAIN_COLUMNS = 100, CHAIN_HANG = 6, NAME_COLUMNS = 13, NUMBER_COLUMNS = 12 };

static const char verdicts_sql[] =
    "SELECT id AS leak, kind, confidence, verdict, place, place_type, expression, holder, also, root, type, carries, retained, stayed, holders, container, example,\n"
    "  (SELECT json_group_array(json_object('reference', reference, 'type', type, 'name', name, 'objects', objects)) FROM\n"
    "    (SELECT * FROM leaks.leak_step WHERE leak = l.id ORDER BY step)) AS chain,\n"
    "  (SELECT json_group_array(json_object('objects', objects, 'items', items, 'retained', retained)) FROM\n"
    "    (SELECT * FROM leaks.leak_growth WHERE leak = l.id ORDER BY snapshot)) AS growth,\n"
    "  (SELECT json_group_array(json_object('file', file, 'line', line, 'function', function, 'objects', objects, 'bytes', bytes)) FROM\n"
    "    (SELECT * FROM leaks.leak_site WHERE leak = l.id ORDER BY site)) AS sites, noisy, suppressed\n"
    "FROM leaks.leak l WHERE suppressed IS NULL AND (noisy IS NULL OR ?1) ORDER BY id";

static const char growth_sql[] = "SELECT objects, items, retained FROM leaks.leak_growth WHERE leak = ?1 ORDER BY snapshot";
static const char sites_sql[] = "SELECT file, line, function, share FROM leaks.leak_site WHERE leak = ?1 ORDER BY site";
static const char steps_sql[] = "SELECT reference, type, name, objects FROM leaks.leak_step WHERE leak = ?1 ORDER BY step";

typedef struct search {
    const cli_arguments *arguments;
    unsigned count;
    htrail__store *stores[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    sqlite3 *dbs[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    cli_verdicts found;
    htrail__suppressions suppressions;
    sqlite3 *result; /* its tables are those of the attached database `leaks` */
    char *result_file;
} search;

/* Snapshots. */

static int open_all(search *s)
{
    char *const *files = cli_operands(s->arguments);
    for (unsigned i = 0; i < s->count; i++) {
        int result = cli_open_heap(s->arguments, files[i], &s->stores[i]);
        if (result != CLI_EXIT_OK)
            return result;
        s->dbs[i] = htrail__store_db(s->stores[i]);
    }
    return cli_process_check(s->arguments, s->dbs, s->count, cli_option_given(s->arguments, "across"), "; --across compares them all the same");
}

/* Verdicts. */

static int suppress(search *s)
{
    char message[HTRAIL__MESSAGE_BYTES];
    const char *file = cli_option_value(s->arguments, "suppress");
    if (file == NULL)
        return CLI_EXIT_OK;
    if (htrail__suppressions_read(&s->suppressions, file, message, sizeof message) != HTRAIL_OK)
        return cli_fail(s->arguments, "%s", message);
    for (size_t i = 0; i < s->found.leaks->verdict_count; i++) {
        htrail__text chain;
        htrail__text_init(&chain, 1 << 16);
        if (s->found.leaks->leaks[i].grows != HTRAIL__NO_SHAPE)
            htrail__leaks_path_text(&chain, &s->found.leaks->paths, s->found.leaks->leaks[i].grows);
        const char *places[] = {s->found.words[i].place, s->found.words[i].expression, htrail__text_string(&chain), s->found.words[i].sentence, NULL};
        const char *types[] = {s->found.words[i].type, s->found.words[i].carries, NULL};
        const htrail__suppression *found =
            htrail__suppressions_match(&s->suppressions, places, types, htrail__leak_kind_text(s->found.leaks->leaks[i].kind));
        s->found.suppressed[i] = found == NULL ? NULL : found->pattern;
        htrail__text_release(&chain);
    }
    for (size_t i = 0; i < s->suppressions.count; i++)
        if (!s->suppressions.items[i].used)
            cli_warn(s->arguments, "'%s' line %u: '%s' matches nothing", file, s->suppressions.items[i].line, s->suppressions.items[i].pattern);
    return CLI_EXIT_OK;
}

static int attach(const search *s, const char *file)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(s->arguments, s->result, "ATTACH ? AS leaks", &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        result = cli_fail(s->arguments, "cannot write '%s': %s", file, sqlite3_errmsg(s->result));
    sqlite3_finalize(statement);
    return result;
}

static int write_tables(const search *s, const char *name, bool is_kept)
{
    htrail__leaks_file files[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    for (unsigned i = 0; i < s->count; i++)
        files[i] = (htrail__leaks_file){cli_operands(s->arguments)[i], htrail__store_path(s->stores[i])};
    if (htrail__leaks_write_tables(s->result, s->found.leaks, s->found.words, s->found.suppressed, files, is_kept) == HTRAIL_OK)
        return CLI_EXIT_OK;
    return cli_fail(s->arguments, "cannot write '%s': %s", name, sqlite3_errmsg(s->result));
}

/* Beside its place and then there: what was there stays until the new one is whole. */
static int write_kept(const search *s)
{
    char *partial = NULL;
    int result = CLI_EXIT_OK, fd = -1;
    if (!htrail__replaceable(s->result_file, HTRAIL__TABLE_OF_LEAKS))
        return cli_fail(s->arguments, "cannot write '%s': it is there and no database of leaks, and stays as it is", s->result_file);
    if (asprintf(&partial, "%s.%u.partial", s->result_file, (unsigned)getpid()) < 0)
        return cli_fail(s->arguments, "out of memory");
    htrail__partial_remove_stale(s->result_file);
    if ((fd = htrail__partial_make(partial)) < 0) {
        result = cli_fail(s->arguments, "cannot write '%s': %s", s->result_file, strerror(errno));
        free(partial);
        return result;
    }
    if ((result = attach(s, partial)) == CLI_EXIT_OK && (result = write_tables(s, s->result_file, true)) == CLI_EXIT_OK &&
        (sqlite3_exec(s->result, "DETACH leaks", NULL, NULL, NULL) != SQLITE_OK || rename(partial, s->result_file) != 0))
        result = cli_fail(s->arguments, "cannot write '%s': %s", s->result_file, strerror(errno));
    if (result != CLI_EXIT_OK)
        unlink(partial);
    close(fd); /* after SQLite is done with it: its locks are the process's */
    free(partial);
    return result != CLI_EXIT_OK ? result : attach(s, s->result_file);
}

static int write_result(search *s)
{
    const char *asked = cli_option_value(s->arguments, "output"), *last = htrail__store_path(s->stores[s->count - 1]);
    size_t len = strlen(last);
    bool is_kept = asked != NULL || cli_option_given(s->arguments, "show-sql");
    int result;

    if (asked != NULL)
        s->result_file = strdup(asked);
    else if (is_kept && asprintf(&s->result_file, "%.*s.found.leaks.db", (int)(len > 3 && strcmp(last + len - 3, ".db") == 0 ? len - 3 : len), last) < 0)
        s->result_file = NULL;
    if (is_kept && s->result_file == NULL)
        return cli_fail(s->arguments, "out of memory");
    if (sqlite3_open(":memory:", &s->result) != SQLITE_OK)
        return cli_fail(s->arguments, "cannot open a database: %s", sqlite3_errmsg(s->result));
    if (is_kept)
        return write_kept(s);
    result = attach(s, ":memory:");
    return result != CLI_EXIT_OK ? result : write_tables(s, "memory", false);
}

/* Printing. */

/* Of a series as much as there is room for: the first value, and the last ones. */
static unsigned first_shown(unsigned count)
{
    size_t limit = cli_terminal_columns(stdout), beside = NAME_COLUMNS + 2 + CLI_SPARK_CELLS + NUMBER_COLUMNS + sizeof " ..";
    size_t room = limit > beside ? (limit - beside) / NUMBER_COLUMNS : 1;
    return limit == 0 || room + 1 >= count ? 1 : count - (unsigned)room;
}

/* "objects   1,000   2,000   3,000", and on a terminal how that went. */
static void print_series(const char *name, const int64_t *values, unsigned count, bool is_bytes)
{
    char number[32];
    printf("    %s%-9s%s", cli_styled(stdout, CLI_STYLE_DIM), name, cli_styled(stdout, CLI_STYLE_NONE));
    for (unsigned i = 0; i < count; i++) {
        if (i == 1 && first_shown(count) > 1) {
            printf(" ..");
            i = first_shown(count);
        }
        if (is_bytes)
            cli_format_bytes(number, sizeof number, values[i]);
        else
            cli_format_number(number, sizeof number, values[i]);
        printf(" %11s", number);
    }
    if (cli_is_terminal(stdout)) {
        printf("  ");
        cli_spark_print(values, count);
    }
    printf("\n");
}

static int print_growth(const search *s, int64_t leak, const char *kind)
{
    sqlite3_stmt *statement = NULL;
    int64_t objects[HTRAIL__LEAKS_SNAPSHOTS_MAX], items[HTRAIL__LEAKS_SNAPSHOTS_MAX], bytes[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    unsigned count = 0;
    int result = cli_prepare(s->arguments, s->result, growth_sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, leak);
    for (; sqlite3_step(statement) == SQLITE_ROW && count < s->count; count++) {
        objects[count] = sqlite3_column_int64(statement, 0);
        items[count] = sqlite3_column_int64(statement, 1);
        bytes[count] = sqlite3_column_int64(statement, 2);
    }
    sqlite3_finalize(statement);
    if (strcmp(kind, "length") == 0)
        print_series("items", items, count, false);
    else
        print_series(strcmp(kind, "threads") == 0 ? "threads" : "objects", objects, count, false);
    print_series("retained", bytes, count, true);
    return CLI_EXIT_OK;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}

/* "-['app']-> module app x3": one piece where it fits. */
static void print_step(cli_flow *flow, sqlite3_stmt *statement, bool is_root)
{
    const char *dash = cli_is_utf8(stdout) ? "─" : "-", *arrow = cli_is_utf8(stdout) ? "→" : "->";
    const char *type = text_of(statement, 1), *name = text_of(statement, 2);
    int64_t objects = sqlite3_column_int64(statement, 3);
    char number[32] = "", *reference = NULL, *object = NULL;
    if (objects > 1)
        cli_format_number(number, sizeof number, objects);
    if (asprintf(&reference, "%s%s%s%s", dash, text_of(statement, 0), dash, arrow) < 0)
        reference = NULL;
    if (asprintf(&object, "%s%s%s%s%s", type, name[0] != '\0' ? " " : "", name, objects > 1 ? " x" : "", number) < 0)
        object = NULL;
    if (reference != NULL && object != NULL && is_root) {
        cli_flow_style(flow, CLI_STYLE_GREEN);
        cli_flow_word(flow, object, strlen(object));
        cli_flow_style(flow, CLI_STYLE_NONE);
    } else if (reference != NULL && object != NULL) {
        cli_flow_pair(flow, reference, object);
    }
    free(reference);
    free(object);
}

/* The chain in lines that fit: "sys.modules -['app']-> module -__dict__-> dict". */
static int print_chain(const search *s, int64_t leak)
{
    sqlite3_stmt *statement = NULL;
    cli_flow flow;
    int step, result = cli_prepare(s->arguments, s->result, steps_sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, leak);
    for (step = 0; sqlite3_step(statement) == SQLITE_ROW; step++) {
        if (step == 0)
            cli_flow_begin(&flow, stdout, (size_t)printf("    "), CHAIN_HANG);
        flow.limit = flow.limit == 0 ? CHAIN_COLUMNS : flow.limit;
        print_step(&flow, statement, step == 0);
    }
    if (step > 0)
        cli_flow_end(&flow);
    sqlite3_finalize(statement);
    return CLI_EXIT_OK;
}

/* "allocated at app.py:12 in load (98 %), app.py:30 in retry (2 %)" */
static int print_sites(const search *s, int64_t leak)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(s->arguments, s->result, sites_sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, leak);
    size_t count = 0;
    cli_flow flow;
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        const char *function = text_of(statement, 2);
        if (count == 0)
            cli_flow_begin(&flow, stdout, (size_t)printf("    "), CHAIN_HANG);
        if (count == 0)
            cli_flow_format(&flow, "allocated at");
        else
            cli_flow_more(&flow, ",", 1);
        cli_flow_format(&flow, "%s:%lld%s%s (%.0f %%)", text_of(statement, 0), sqlite3_column_int64(statement, 1), function[0] != '\0' ? " in " : "", function,
                        100 * sqlite3_column_double(statement, 3));
    }
    if (count > 0)
        cli_flow_end(&flow);
    sqlite3_finalize(statement);
    return CLI_EXIT_OK;
}

/* What to ask next. */
static void print_hint(const search *s, const char *kind, int64_t example)
{
    char *const *files = cli_operands(s->arguments);
    fputs(cli_styled(stdout, CLI_STYLE_DIM), stdout);
    if (strcmp(kind, "threads") == 0) {
        printf("    heaptrail threads ");
        cli_print_escaped(stdout, files[0], strlen(files[0]));
        putchar(' ');
        cli_print_escaped(stdout, files[s->count - 1], strlen(files[s->count - 1]));
        putchar('\n');
    } else if (example > 0) {
        printf("    heaptrail why ");
        cli_print_escaped(stdout, files[s->count - 1], strlen(files[s->count - 1]));
        printf(" id:%" PRId64 "\n", example);
    }
    fputs(cli_styled(stdout, CLI_STYLE_NONE), stdout);
}

/* "the heap: +117.6 KiB in 2 intervals, 98 % of it named above" */
static void print_heap(const search *s)
{
    int64_t named = 0, whole = s->found.leaks->heap_change;
    char bytes[32];
    cli_flow flow;
    for (size_t i = 0; i < s->found.leaks->verdict_count; i++)
        named += s->found.leaks->leaks[i].bytes_growth;
    putchar('\n');
    cli_flow_begin(&flow, stdout, 0, 4);
    cli_flow_style(&flow, CLI_STYLE_DIM);
    cli_flow_format(&flow, "the heap: %s in %u interval%s", cli_gist_bytes(bytes, whole, true), s->count - 1, s->count == 2 ? "" : "s");
    if (whole > 0) {
        cli_flow_more(&flow, ",", 1);
        cli_flow_format(&flow, "%" PRId64 " %% of it named above", named >= whole ? 100 : 100 * named / whole);
    }
    if (s->count == 2) {
        cli_flow_more(&flow, ";", 1);
        cli_flow_format(&flow, "more snapshots tell what goes on growing");
    }
    cli_flow_style(&flow, CLI_STYLE_NONE);
    cli_flow_end(&flow);
}

/* A heap that became much larger all the same is no good news. */
static void print_no_verdict(const search *s)
{
    const htrail__leaks *leaks = s->found.leaks;
    int64_t before = (int64_t)leaks->paths.snapshots[0].bytes, change = leaks->heap_change;
    char bytes[32];
    bool is_large = htrail__leaks_is_large(leaks), is_named = leaks->count > leaks->verdict_count;
    printf("%s: nothing grew steadily in %u interval%s", is_large ? "no verdict" : "no leak", s->count - 1, s->count == 2 ? "" : "s");
    if (is_large)
        printf(", but the heap grew by %.0f %%", 100 * (double)change / (double)(before > 0 ? before : 1));
    printf(" (the heap: %s%s)\n", cli_gist_bytes(bytes, change, true), !is_named && change > 0 ? "; --noisy shows what grew otherwise" : "");
}

/* "LEAK ..." and "noisy ..." with their evidence; those alone that are noisy, where only_noisy. */
static int print_found(const search *s, bool with_noise, bool only_noisy, size_t *printed)
{
    sqlite3_stmt *statement = NULL;
    int step, result = cli_prepare(s->arguments, s->result, verdicts_sql, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int(statement, 1, with_noise);
    if (!only_noisy)
        cli_show_sql(s->arguments, statement, 0);
    while (result == CLI_EXIT_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        bool is_noisy = sqlite3_column_type(statement, 20) != SQLITE_NULL;
        int64_t leak = sqlite3_column_int64(statement, 0), example = sqlite3_column_int64(statement, 16);
        const char *kind = (const char *)sqlite3_column_text(statement, 1);
        cli_flow flow;
        if (only_noisy && !is_noisy)
            continue;
        if (*printed > 0)
            putchar('\n');
        cli_flow_begin(&flow, stdout, 0, 4);
        cli_flow_style(&flow, is_noisy ? CLI_STYLE_YELLOW : CLI_STYLE_RED);
        cli_flow_format(&flow, "%s", is_noisy ? "noisy" : "LEAK");
        cli_flow_style(&flow, CLI_STYLE_NONE);
        cli_flow_style(&flow, CLI_STYLE_BOLD);
        cli_flow_text(&flow, text_of(statement, 3), strlen(text_of(statement, 3)));
        cli_flow_style(&flow, CLI_STYLE_NONE);
        cli_flow_end(&flow);
        ++*printed;
        if ((result = print_growth(s, leak, kind)) != CLI_EXIT_OK || (result = print_chain(s, leak)) != CLI_EXIT_OK ||
            (result = print_sites(s, leak)) != CLI_EXIT_OK)
            break;
        print_hint(s, kind, example);
    }
    sqlite3_finalize(statement);
    return result;
}

static int print_verdicts(const search *s)
{
    bool with_noise = cli_option_given(s->arguments, "noisy");
    size_t printed = 0, suppressed = 0;
    int result = print_found(s, with_noise, false, &printed);
    if (result != CLI_EXIT_OK)
        return result;
    for (size_t i = 0; i < s->found.leaks->verdict_count; i++) {
        if (s->found.suppressed[i] == NULL)
            continue;
        cli_flow flow;
        if (printed + suppressed++ > 0)
            putchar('\n');
        cli_flow_begin(&flow, stdout, 0, 4);
        cli_flow_format(&flow, "suppressed by '%s': %s", s->found.suppressed[i], s->found.words[i].sentence);
        cli_flow_end(&flow);
    }
    if (printed == 0 && suppressed == 0)
        print_no_verdict(s);
    else
        print_heap(s);
    /* What most of the growth hangs on, where no verdict says so. */
    printed = 1;
    return with_noise ? CLI_EXIT_OK : print_found(s, true, true, &printed);
}

static int print_json(const search *s)
{
    static const cli_query_column columns[] = {{.name = "chain", .kind = CLI_COLUMN_JSON}, {.name = "growth", .kind = CLI_COLUMN_JSON},
                                               {.name = "sites", .kind = CLI_COLUMN_JSON}, {.name = NULL}};
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(s->arguments, s->result, verdicts_sql, &statement);
    if (result == CLI_EXIT_OK) {
        sqlite3_bind_int(statement, 1, cli_option_given(s->arguments, "noisy"));
        result = cli_print_query(s->arguments, statement, columns, 0);
    }
    sqlite3_finalize(statement);
    return result;
}

static int run(const cli_arguments *arguments)
{
    search s = {.arguments = arguments, .count = (unsigned)cli_operand_count(arguments)};
    int result;

    if (cli_operand_count(arguments) > HTRAIL__LEAKS_SNAPSHOTS_MAX)
        return cli_usage(arguments, "at most %d snapshots are compared", HTRAIL__LEAKS_SNAPSHOTS_MAX);
    if ((result = open_all(&s)) != CLI_EXIT_OK)
        goto done;
    if ((result = cli_verdicts_find(&s.found, arguments, s.dbs, s.count, cli_option_given(arguments, "noisy"))) != CLI_EXIT_OK ||
        (result = suppress(&s)) != CLI_EXIT_OK || (result = write_result(&s)) != CLI_EXIT_OK)
        goto done;
    result = cli_option_given(arguments, "json") ? print_json(&s) : print_verdicts(&s);
    for (size_t i = 0; i < s.found.leaks->verdict_count && result == CLI_EXIT_OK; i++)
        if (s.found.suppressed[i] == NULL && cli_option_given(arguments, "fail"))
            result = CLI_EXIT_FOUND;
done:
    sqlite3_close(s.result);
    free(s.result_file);
    cli_verdicts_release(&s.found);
    htrail__suppressions_release(&s.suppressions);
    for (unsigned i = 0; i < s.count && i < HTRAIL__LEAKS_SNAPSHOTS_MAX; i++)
        htrail__store_free(s.stores[i]);
    return result;
}

static const cli_option options[] = {
    {"fail", 0, NULL, "exit with 1 when there is a verdict"},
    {"suppress", 's', "FILE", "leave out what FILE names: one pattern a line"},
    {"noisy", 0, NULL, "show also what grew, and not steadily"},
    {"across", 0, NULL, "compare snapshots of different processes"},
    {"output", 'o', "DB", "keep the verdicts and the figures of every path in a database (docs/leaks.md)"},
    CLI_OPTION_JSON,
    {"show-sql", 0, NULL, "print the query on standard error first, and keep the database that it asks beside the last snapshot's"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_leaks = {
    .name = "leaks",
    .usage = "[--fail] [--suppress FILE] [--noisy] [-o DB] A B [C ...]",
    .summary = "name what leaks from snapshot to snapshot, and who holds it",
    .help = "Snapshots of one process, the oldest first; four or more tell a leak from a cache that fills. A verdict is a place where objects\n"
            "became more in every interval while what holds them did not. Of two snapshots the confidence is low at most.\n"
            "\n"
            "A pattern of --suppress is the place of a verdict, its Python expression or its chain, with * and ?; or type:app.Session, or\n"
            "kind:threads (container, spread, linked, length, root, c code, garbage, threads, modules). # begins a comment line.",
    .options = options,
    .operands_min = 2,
    .operands_max = -1,
    .run = run,
};
