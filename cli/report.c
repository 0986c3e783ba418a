/* cli/report.c - heaptrail report: one HTML file that tells the whole story of some snapshots. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/fresh.h"
#include "analyze/identity.h"
#include "analyze/leaks_objects.h"
#include "analyze/leaks_tables.h"
#include "analyze/report.h"
#include "analyze/unfold.h"
#include "analyze/waste.h"
#include "cli/escape.h"
#include "cli/number.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/report.h"
#include "cli/report_targets.h"
#include "cli/verdicts.h"
#include "cli/whole_file.h"
#include "viz/chains.h"
#include "viz/escape.h"
#include "viz/numbers.h"
#include "viz/report_page.h"

enum { VERDICT = 0, KIND = 2, EXAMPLE = 6, NOISY = 10, LEAK = 11 }; /* columns of a verdict, as add_chains asks for them */
enum { CHAINS_MAX = 40, PICTURES_MAX = 8, TARGETS_MAX = 100000, TEXT_BYTES_MAX = 1 << 20, FRESH_OBJECTS_MAX = 3000000 /* 0.5 s */, TREE_DEPTH = 12, TREE_LINES = 12, WASTE_ROWS_MAX = 400 };
#define TREE_PERCENT 0.1

typedef struct report {
    const cli_arguments *arguments;
    unsigned count;
    htrail__store *const *stores;
    htrail__report *figures;
    htrail__fresh *fresh; /* what is new since the first snapshot; NULL: not known */
    htrail__leak_objects pictured[PICTURES_MAX]; /* by verdict: what it is about */
    unsigned pictured_count;
    htrail__text json, chains;
} report;

static sqlite3 *last_db(const report *r) { return htrail__store_db(r->stores[r->count - 1]); }

static int add_figures(report *r)
{
    if (htrail__report_open(&r->figures) != HTRAIL_OK)
        return cli_fail(r->arguments, "out of memory");
    for (unsigned i = 0; i < r->count; i++)
        if (htrail__report_add(r->figures, htrail__store_path(r->stores[i]), cli_operands(r->arguments)[i]) != HTRAIL_OK)
            return cli_fail(r->arguments, "%s", htrail__report_error(r->figures));
    return CLI_EXIT_OK;
}

static int keep_objects(report *r, const cli_verdicts *found)
{
    for (size_t i = 0; i < found->leaks->count && r->pictured_count < PICTURES_MAX; i++)
        if (htrail__leak_objects_find(&r->pictured[r->pictured_count++], found->leaks, &found->leaks->leaks[i], found->words[i].carries, TARGETS_MAX) != HTRAIL_OK)
            return cli_fail(r->arguments, "out of memory");
    return CLI_EXIT_OK;
}

/* Verdicts, as tables beside the figures. */
static int find_leaks(report *r)
{
    sqlite3 *dbs[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    htrail__leaks_file files[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    cli_verdicts found;

    for (unsigned i = 0; i < r->count; i++) {
        dbs[i] = htrail__store_db(r->stores[i]);
        files[i] = (htrail__leaks_file){cli_operands(r->arguments)[i], htrail__store_path(r->stores[i])};
    }
    int result = cli_verdicts_find(&found, r->arguments, dbs, r->count, false);
    if (result == CLI_EXIT_OK &&
        htrail__leaks_write_tables(htrail__report_db(r->figures), found.leaks, found.words, found.suppressed, files, false) != HTRAIL_OK)
        result = cli_fail(r->arguments, "cannot name what leaks: %s", sqlite3_errmsg(htrail__report_db(r->figures)));
    if (result == CLI_EXIT_OK)
        result = keep_objects(r, &found);
    cli_verdicts_release(&found);
    return result;
}

/* The picture of who holds what leaks; none where the heap has no such object, or it cannot be laid out. */
static int add_picture(report *r, htrail__lookup *lookup, sqlite3_stmt *verdict)
{
    htrail__selection targets = {0};
    htrail__text what, question, svg;
    const htrail__leak_objects *objects = &r->pictured[sqlite3_column_int64(verdict, LEAK) - 1];
    const char *earlier = cli_operands(r->arguments)[0], *slash = strrchr(earlier, '/'), *subtitle = "shortest chains from the roots, merged";
    const htrail__cards_opts cards = {.fresh = r->fresh, .earlier = slash != NULL ? slash + 1 : earlier};

    htrail__text_init(&what, TEXT_BYTES_MAX);
    htrail__text_init(&question, TEXT_BYTES_MAX);
    htrail__text_init(&svg, HTRAIL__SVG_BYTES_MAX);
    int result = cli_report_targets(r->arguments, last_db(r), (const char *)sqlite3_column_text(verdict, KIND), sqlite3_column_int64(verdict, EXAMPLE), objects, &targets, &what);
    if (result != CLI_EXIT_OK || targets.count == 0)
        goto done;
    htrail__text_format(&question, "What keeps %s alive?", htrail__text_string(&what));
    if (targets.count == objects->count && objects->all > objects->count)
        subtitle = "shortest chains from the roots of as many as are looked at here, merged";
    htrail_status status = htrail__chains_svg(&svg, lookup, targets.ids, targets.count, htrail__text_string(&question), subtitle, &cards, HTRAIL__THEME_AUTO);
    if (status == HTRAIL_OK) {
        htrail__text_add_string(&r->chains, "<div class=\"picture\">");
        htrail__text_add(&r->chains, htrail__text_string(&svg), svg.len);
        htrail__text_add_string(&r->chains, "</div>\n");
    } else if (status != HTRAIL_E_LIMIT) {
        result = cli_fail(r->arguments, "cannot draw the chains of a verdict: %s", htrail_status_text(status));
    }
done:
    htrail__text_release(&what);
    htrail__text_release(&question);
    htrail__text_release(&svg);
    htrail__selection_release(&targets);
    return result;
}

/* A section of the page: the sentence, to which the page's script adds figures and the chain in words, and a picture. */
static int add_chain(report *r, htrail__lookup *lookup, sqlite3_stmt *verdict, unsigned number)
{
    const char *sentence = (const char *)sqlite3_column_text(verdict, VERDICT);
    bool is_noisy = sqlite3_column_type(verdict, NOISY) != SQLITE_NULL;
    htrail__text_format(&r->chains, "<section class=\"card chain\" id=\"chain-%u\" tabindex=\"-1\" aria-labelledby=\"chain-%u-head\"><h2 id=\"chain-%u-head\">", number, number, number);
    if (is_noisy)
        htrail__text_add_string(&r->chains, "What most of the growth hangs on");
    else
        htrail__text_format(&r->chains, "Suspect %u", number);
    htrail__text_add_string(&r->chains, "</h2>\n<p class=\"verdict\">");
    htrail__escape_xml(&r->chains, sentence, strlen(sentence));
    htrail__text_add_string(&r->chains, "</p>\n");
    int result = sqlite3_column_int64(verdict, LEAK) <= (int64_t)r->pictured_count ? add_picture(r, lookup, verdict) : CLI_EXIT_OK;
    htrail__text_add_string(&r->chains, "</section>\n");
    return result;
}

/* Which objects came since the first snapshot. Of snapshots that cannot be compared object by object nothing is said. */
static int find_fresh(report *r)
{
    char message[HTRAIL__MESSAGE_BYTES];
    char *const *files = cli_operands(r->arguments);
    sqlite3 *db = NULL;
    sqlite3_stmt *objects = NULL;
    int result = cli_prepare(r->arguments, last_db(r), "SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'objects'", &objects);
    bool is_large = result == CLI_EXIT_OK && sqlite3_step(objects) == SQLITE_ROW && sqlite3_column_int64(objects, 0) > FRESH_OBJECTS_MAX;
    sqlite3_finalize(objects);
    if (result != CLI_EXIT_OK || is_large)
        return result;
    result = cli_open_pair(r->arguments, r->stores[0], r->stores[r->count - 1], &db);
    if (result == CLI_EXIT_OK && htrail__identity_check(db, files[0], files[r->count - 1], message, sizeof message) == HTRAIL_OK &&
        htrail__fresh_open(&r->fresh, db) == HTRAIL_E_NOMEM)
        result = cli_fail(r->arguments, "out of memory");
    sqlite3_close(db);
    return result;
}

static int add_chains(report *r)
{
    /* The columns that go into report_verdict as they are, in its order, and what a picture is made from. growth, steps, sites: as JSON. */
    static const char read_sql[] =
        "SELECT verdict, confidence, kind, place, type, retained, example,\n"
        "  (SELECT json_group_array(json_array(objects, retained)) FROM (SELECT * FROM leaks.leak_growth WHERE leak = l.id ORDER BY snapshot)),\n"
        "  (SELECT json_group_array(json_array(reference, type, name, objects)) FROM (SELECT * FROM leaks.leak_step WHERE leak = l.id ORDER BY step)),\n"
        "  (SELECT json_group_array(json_array(file, line, function, share)) FROM (SELECT * FROM leaks.leak_site WHERE leak = l.id ORDER BY bytes DESC, site LIMIT 3)),\n"
        "  noisy, id\n"
        "  FROM leaks.leak l WHERE suppressed IS NULL ORDER BY id";
    static const char write_sql[] = "INSERT INTO report_verdict(verdict, confidence, kind, place, type, retained, example, growth, steps, sites, noisy, id, has_chain) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    enum { COPIED = 11 };
    sqlite3_stmt *verdicts = NULL, *shown = NULL;
    htrail__lookup *lookup = NULL;
    char message[HTRAIL__MESSAGE_BYTES];
    unsigned number = 0;
    int result, step;

    if (htrail__lookup_open(&lookup, last_db(r), message, sizeof message) != HTRAIL_OK)
        return cli_fail(r->arguments, "%s", message);
    if ((result = cli_prepare(r->arguments, htrail__report_db(r->figures), read_sql, &verdicts)) != CLI_EXIT_OK ||
        (result = cli_prepare(r->arguments, htrail__report_db(r->figures), write_sql, &shown)) != CLI_EXIT_OK)
        goto done;
    while (result == CLI_EXIT_OK && (step = sqlite3_step(verdicts)) == SQLITE_ROW) {
        if (++number == 1 && (result = find_fresh(r)) != CLI_EXIT_OK)
            break;
        if (number <= CHAINS_MAX)
            result = add_chain(r, lookup, verdicts, number);
        for (int i = 0; i < COPIED; i++)
            sqlite3_bind_value(shown, i + 1, sqlite3_column_value(verdicts, i));
        sqlite3_bind_int(shown, COPIED + 1, (int)number);
        sqlite3_bind_int(shown, COPIED + 2, number <= CHAINS_MAX);
        if (sqlite3_step(shown) != SQLITE_DONE || sqlite3_reset(shown) != SQLITE_OK)
            result = cli_fail(r->arguments, "%s", sqlite3_errmsg(htrail__report_db(r->figures)));
    }
done:
    sqlite3_finalize(verdicts);
    sqlite3_finalize(shown);
    htrail__lookup_free(lookup);
    return result;
}

/* Rows of the last snapshot into a table of the figures: write takes the columns from[0..count) of each, of at most rows_max rows (0: all). */
static int copy_rows(const report *r, sqlite3_stmt *rows, const char *write_sql, const int *from, int count, int rows_max)
{
    sqlite3 *to = htrail__report_db(r->figures);
    sqlite3_stmt *write = NULL;
    int step, result = cli_prepare(r->arguments, to, write_sql, &write);
    for (int row = 0; result == CLI_EXIT_OK && (rows_max == 0 || row < rows_max) && (step = sqlite3_step(rows)) != SQLITE_DONE; row++) {
        for (int i = 0; i < count && step == SQLITE_ROW; i++)
            sqlite3_bind_value(write, i + 1, sqlite3_column_value(rows, from[i]));
        if (step != SQLITE_ROW || sqlite3_step(write) != SQLITE_DONE || sqlite3_reset(write) != SQLITE_OK)
            result = cli_fail(r->arguments, "%s", sqlite3_errmsg(step != SQLITE_ROW ? sqlite3_db_handle(rows) : to));
    }
    sqlite3_finalize(write);
    return result;
}

/* What is looked for in a thread and over a connection of its own, while leaks are: what the program could do without, by kind and the
 * field that holds it; and what the picture of the heap shows, the tree of dominators, folded where it is small. */
typedef struct aside {
    sqlite3 *db;
    sqlite3_stmt *waste, *tree;
    pthread_t thread;
    bool in_thread;
    htrail_status found;
    char message[HTRAIL__MESSAGE_BYTES];
} aside;

static void *look_aside(void *arg)
{
    const htrail__unfold_opts opts = {.depth_max = TREE_DEPTH, .lines_max = TREE_LINES, .percent_min = TREE_PERCENT};
    aside *a = arg;
    uint64_t levels;
    char why[HTRAIL__MESSAGE_BYTES / 2] = "";
    a->found = htrail__unfold(&a->tree, &levels, a->db, NULL, &opts, a->message, sizeof a->message);
    if (a->found == HTRAIL_OK && (a->found = htrail__waste_find(&a->waste, a->db, NULL, "field", why, sizeof why)) != HTRAIL_OK)
        snprintf(a->message, sizeof a->message, "cannot find what is wasted: %s", why);
    return NULL;
}

static int begin_aside(const report *r, aside *a)
{
    const htrail__store *last = r->stores[r->count - 1];
    if ((a->db = htrail__store_connect(last)) == NULL)
        return cli_fail(r->arguments, "cannot open '%s'", htrail__store_path(last));
    a->in_thread = pthread_create(&a->thread, NULL, look_aside, a) == 0;
    if (!a->in_thread)
        look_aside(a);
    return CLI_EXIT_OK;
}

static void end_aside(aside *a)
{
    if (a->in_thread)
        pthread_join(a->thread, NULL);
    a->in_thread = false;
}

static int add_aside(const report *r, aside *a)
{
    static const int of_tree[] = {0, 1, 5, 6, 7, 2, 4}; /* depth, key, count, bytes, retained, kind, type */
    static const int of_waste[] = {0, 1, 2, 3, 5};   /* kind, type, held_by, objects, back */
    end_aside(a);
    if (a->found != HTRAIL_OK)
        return cli_fail(r->arguments, "%s", a->message);
    int result = copy_rows(r, a->tree, "INSERT INTO report_tree VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6 = 'more', CASE WHEN ?6 <> 'more' AND substr(?2, -length(?7)) = ?7 THEN length(?7) ELSE 0 END)", of_tree, 7, 0);
    return result != CLI_EXIT_OK ? result : copy_rows(r, a->waste, "INSERT INTO report_waste VALUES(?, ?, ?, ?, ?)", of_waste, 5, WASTE_ROWS_MAX);
}

static void aside_release(aside *a)
{
    end_aside(a);
    sqlite3_finalize(a->tree);
    sqlite3_finalize(a->waste);
    sqlite3_close(a->db);
}

static htrail_status write_page(void *context, FILE *stream, char *message, size_t message_bytes)
{
    const htrail__text *page = context;
    (void)message, (void)message_bytes;
    return fwrite(htrail__text_string(page), 1, page->len, stream) == page->len ? HTRAIL_OK : HTRAIL_E_IO;
}

static int write_file(const cli_arguments *arguments, const char *path, htrail__text *page)
{
    char bytes[32];
    int result = cli_write_whole_file(arguments, path, write_page, page);
    if (result != CLI_EXIT_OK || strcmp(path, "-") == 0)
        return result;
    cli_format_bytes(bytes, sizeof bytes, (int64_t)page->len);
    cli_print_escaped(stdout, path, strlen(path));
    printf(": %s\n", bytes);
    return CLI_EXIT_OK;
}

int cli_report_page(const cli_arguments *arguments, htrail__store *const *stores, unsigned count, cli_report_page_kind kind, htrail__text *page)
{
    report r = {.arguments = arguments, .count = count, .stores = stores};
    htrail__report_opts opts = {.version = HTRAIL_VERSION};
    aside rest = {.found = HTRAIL_OK};
    int result;

    htrail__text_init(&r.json, HTRAIL__REPORT_BYTES_MAX);
    htrail__text_init(&r.chains, HTRAIL__REPORT_BYTES_MAX);
    if ((kind != CLI_REPORT_SERVED_AT_ONCE && (result = begin_aside(&r, &rest)) != CLI_EXIT_OK) || (result = add_figures(&r)) != CLI_EXIT_OK)
        goto done;
    if (kind == CLI_REPORT_SERVED_AT_ONCE)
        opts.no_verdicts = "What leaks, what retains the heap and what is wasted is being looked for.";
    else if (r.count > 1 && ((result = find_leaks(&r)) != CLI_EXIT_OK || (result = add_chains(&r)) != CLI_EXIT_OK))
        goto done;
    if (kind != CLI_REPORT_SERVED_AT_ONCE && (result = add_aside(&r, &rest)) != CLI_EXIT_OK)
        goto done;
    htrail_status status = htrail__report_json(r.figures, &opts, &r.json);
    if (status == HTRAIL_OK)
        status = htrail__report_page_write(page, htrail__report_title(r.figures), &r.json, &r.chains, kind == CLI_REPORT_FILE ? HTRAIL__REPORT_FILE : HTRAIL__REPORT_EXPLORER);
    if (status != HTRAIL_OK)
        result = cli_fail(arguments, "cannot make the page: %s", htrail__report_error(r.figures)[0] != '\0' ? htrail__report_error(r.figures) : htrail_status_text(status));
done:
    aside_release(&rest);
    htrail__text_release(&r.json);
    htrail__text_release(&r.chains);
    htrail__fresh_free(r.fresh);
    for (unsigned i = 0; i < r.pictured_count; i++)
        htrail__leak_objects_release(&r.pictured[i]);
    htrail__report_free(r.figures);
    return result;
}

int cli_report_open(const cli_arguments *arguments, htrail__store **stores)
{
    char *const *files = cli_operands(arguments);
    sqlite3 *dbs[HTRAIL__LEAKS_SNAPSHOTS_MAX];
    int result = CLI_EXIT_OK;
    if (cli_operand_count(arguments) > HTRAIL__LEAKS_SNAPSHOTS_MAX)
        return cli_usage(arguments, "at most %d snapshots go into a report", HTRAIL__LEAKS_SNAPSHOTS_MAX);
    for (size_t i = 0; i < cli_operand_count(arguments); i++) {
        if ((result = cli_open_heap(arguments, files[i], &stores[i])) != CLI_EXIT_OK)
            return result;
        dbs[i] = htrail__store_db(stores[i]);
    }
    return cli_process_check(arguments, dbs, cli_operand_count(arguments), false, "; one page is of one process");
}

static int run(const cli_arguments *arguments)
{
    htrail__store *stores[HTRAIL__LEAKS_SNAPSHOTS_MAX] = {NULL};
    const char *out = cli_option_value(arguments, "output");
    htrail__text page;
    int result;

    if (out == NULL || out[0] == '\0')
        return cli_usage(arguments, "where to? -o OUT.html");
    htrail__text_init(&page, HTRAIL__REPORT_BYTES_MAX);
    if ((result = cli_report_open(arguments, stores)) == CLI_EXIT_OK &&
        (result = cli_report_page(arguments, stores, (unsigned)cli_operand_count(arguments), CLI_REPORT_FILE, &page)) == CLI_EXIT_OK)
        result = write_file(arguments, out, &page);
    htrail__text_release(&page);
    for (unsigned i = 0; i < HTRAIL__LEAKS_SNAPSHOTS_MAX; i++)
        htrail__store_free(stores[i]);
    return result;
}

static const cli_option options[] = {
    {"output", 'o', "OUT", "the page to write; - is standard output"},
    {NULL, 0, NULL, NULL},
};

const cli_command cli_report = {
    .name = "report",
    .usage = "A [B ...] -o OUT.html",
    .summary = "write one HTML page that tells the whole story of snapshots",
    .help = "Snapshots of one process, the oldest first. The page says what leaks and who holds it, how memory went, what\n"
            "grew by type, module, owner, package, site, thread and root, what retains the heap, threads by stack and what is not\n"
            "explained. One file that fetches nothing: it opens from disk, in any browser, without a network.",
    .options = options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run,
};
