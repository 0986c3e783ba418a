/* cli/report_targets.c - see the header. */
#include "cli/report_targets.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/text.h"
#include "cli/query.h"
#include "viz/numbers.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

/* ?1: the container, ?2: the type, ?3: the example, ?4: how many. */
static const char in_container[] = "SELECT o.id FROM heap_reference r JOIN object o ON o.id = r.dst WHERE r.src = ?1 AND o.holder = ?1 AND o.type = ?2 LIMIT ?4";
static const char of_type[] = "SELECT id FROM object WHERE type = ?2 LIMIT ?4";
static const char example[] = "SELECT id FROM object WHERE id = ?3 LIMIT ?4";
/* Of threads the example is what one of them runs, a frame or a generator: of all frames of the threads that stand there the ones that retain
 * most, and of what the largest of them holds the type that retains more than half of it. */
#define FRAMES                                                                                                                             \
    "WITH same(thread) AS (SELECT thread FROM root WHERE kind = 'frame' AND name = (SELECT name FROM root WHERE object = ?3 AND kind = 'frame' LIMIT 1)),\n" \
    "  held(id, name, retained) AS MATERIALIZED (SELECT r.object, r.name, o.retained FROM root r JOIN object o ON o.id = r.object\n"      \
    "    WHERE r.kind = 'frame' AND r.thread IN (SELECT thread FROM same)),\n"                                                           \
    "  most(id, retained) AS MATERIALIZED (SELECT id, retained FROM held WHERE name = (SELECT name FROM held GROUP BY name ORDER BY sum(retained) DESC, name LIMIT 1)),\n" \
    "  largest(id, retained) AS (SELECT id, retained FROM most ORDER BY retained DESC, id LIMIT 1)\n"
static const char in_frames[] =
    FRAMES "SELECT DISTINCT o.id FROM most JOIN heap_reference r ON r.src = most.id JOIN object o ON o.id = r.dst WHERE o.dominator = most.id AND o.type = (\n"
           "  SELECT d.type FROM largest JOIN heap_reference r ON r.src = largest.id JOIN object d ON d.id = r.dst\n"
           "  WHERE d.dominator = largest.id AND d.retained * 2 > largest.retained ORDER BY d.retained DESC, d.id LIMIT 1) LIMIT ?4";
static const char frames[] = FRAMES "SELECT id FROM most LIMIT ?4";

static int find(const cli_arguments *arguments, sqlite3 *db, const char *query, const cli_report_suspect *suspect, size_t most, htrail__selection *targets)
{
    sqlite3_stmt *statement = NULL;
    size_t room = 0;
    int step = SQLITE_DONE, result = cli_prepare(arguments, db, query, &statement);
    if (result != CLI_EXIT_OK)
        return result;
    htrail__selection_release(targets);
    *targets = (htrail__selection){0};
    sqlite3_bind_int64(statement, 1, suspect->container);
    sqlite3_bind_text(statement, 2, suspect->type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, suspect->example);
    sqlite3_bind_int64(statement, 4, (int64_t)most);
    while (result == CLI_EXIT_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!htrail__grow(&targets->ids, &room, targets->count, sizeof *targets->ids))
            result = cli_fail(arguments, "out of memory");
        else
            targets->ids[targets->count++] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    if (result == CLI_EXIT_OK && step != SQLITE_DONE)
        result = cli_fail(arguments, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return result;
}

/* "the stale copies of module logging" */
static int find_modules(const cli_arguments *arguments, sqlite3 *db, const cli_report_suspect *suspect, htrail__selection *targets, htrail__text *what)
{
    char message[HTRAIL__MESSAGE_BYTES];
    sqlite3_stmt *statement = NULL;
    htrail__selector selector = {.kind = HTRAIL__SELECT_MODULE};
    int result = cli_prepare(arguments, db, "SELECT CASE WHEN type = 'module' THEN name ELSE module END FROM object WHERE id = ?1", &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, suspect->example);
    if (sqlite3_step(statement) == SQLITE_ROW && (selector.text = (const char *)sqlite3_column_text(statement, 0)) != NULL &&
        htrail__select(targets, db, &selector, message, sizeof message) == HTRAIL_OK && targets->stale > 0) {
        targets->count = targets->stale;
        htrail__text_format(what, "the stale copies of module %s", selector.text);
    }
    if (what->len == 0)
        targets->count = 0;
    sqlite3_finalize(statement);
    return CLI_EXIT_OK;
}

static int add_what(const cli_arguments *arguments, sqlite3 *db, const htrail__selection *targets, htrail__text *what)
{
    sqlite3_stmt *statement = NULL;
    int result = cli_prepare(arguments, db, "SELECT type FROM object WHERE id = ?1", &statement);
    if (result != CLI_EXIT_OK)
        return result;
    sqlite3_bind_int64(statement, 1, (int64_t)targets->ids[0]);
    if (targets->count == 1)
        htrail__text_add_string(what, "this");
    else
        htrail__numbers_add(what, targets->count);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) > 0)
        htrail__text_format(what, " %s", (const char *)sqlite3_column_text(statement, 0));
    htrail__text_add_string(what, targets->count == 1 ? " object" : " objects");
    sqlite3_finalize(statement);
    return CLI_EXIT_OK;
}

int cli_report_targets(const cli_arguments *arguments, sqlite3 *db, const cli_report_suspect *suspect, size_t most, htrail__selection *targets, htrail__text *what)
{
    htrail__selection of_carried = {0};
    int result = CLI_EXIT_OK;
    if (strcmp(suspect->kind, "modules") == 0) {
        result = find_modules(arguments, db, suspect, targets, what);
    } else if (strcmp(suspect->kind, "threads") == 0) {
        if ((result = find(arguments, db, in_frames, suspect, most, targets)) == CLI_EXIT_OK && targets->count == 0)
            result = find(arguments, db, frames, suspect, most, targets);
    } else if (suspect->container != 0) {
        result = find(arguments, db, in_container, suspect, most, targets);
        /* "dicts of Images": down to the Images. There may be others, but no crowd of them. */
        if (result == CLI_EXIT_OK && suspect->carries[0] != '\0') {
            const cli_report_suspect carried = {.type = suspect->carries};
            if ((result = find(arguments, db, of_type, &carried, most, &of_carried)) == CLI_EXIT_OK && of_carried.count >= targets->count / 2 && of_carried.count / 2 <= targets->count) {
                htrail__selection_release(targets);
                *targets = of_carried;
                of_carried = (htrail__selection){0};
            }
        }
        /* A linked list's container holds one of them. */
        if (targets->count < (suspect->objects < most ? suspect->objects : most) / 2)
            targets->count = 0;
    }
    if (result == CLI_EXIT_OK && targets->count == 0)
        result = find(arguments, db, of_type, suspect, most, targets);
    if (result == CLI_EXIT_OK && targets->count == 0)
        result = find(arguments, db, example, suspect, most, targets);
    if (result == CLI_EXIT_OK && targets->count > 0 && what->len == 0)
        result = add_what(arguments, db, targets, what);
    htrail__selection_release(&of_carried);
    return result;
}
