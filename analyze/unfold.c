/* analyze/unfold.c - see the header. One line after the other is unfolded: what its objects dominate is put together to lines, the
 * first of them are kept, and wait with their objects until all above and before them has been written. */
#include "analyze/unfold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/unfold_lines.h"

static const char begin_sql[] =
    "CREATE TEMP TABLE tree_line(path INTEGER PRIMARY KEY, depth INTEGER, kind TEXT, label TEXT, type TEXT, count INTEGER, bytes INTEGER, retained INTEGER)";
static const char write_sql[] = "INSERT INTO tree_line VALUES(NULL, ?, ?, ?, ?, ?, ?, ?)";
static const char print_sql[] =
    "SELECT depth, CASE WHEN kind = 'more' THEN type \n"
    "    WHEN depth = 0 AND kind IN ('(several roots)', '(garbage)') THEN kind || ' ' || type || CASE WHEN label IN ('', '*') THEN '' ELSE ' ' || label END\n"
    "    WHEN depth = 0 THEN ltrim(CASE label WHEN '*' THEN kind ELSE label END || ' ' || type)\n"
    "  ELSE CASE kind WHEN '' THEN '(several ways)' WHEN 'index' THEN '[*]' WHEN 'value' THEN '[' || label || ']' WHEN 'attr' THEN '.' || label\n"
    "    WHEN 'slot' THEN '.' || label WHEN 'field' THEN '.' || label ELSE rtrim(kind || ' ' || label) END || ' ' || type END AS key,\n"
    "  kind, label, type, count, bytes, retained, round(100.0 * retained / max((SELECT value FROM snapshot WHERE key = 'size_bytes'), 1), 1) AS percent\n"
    "FROM tree_line ORDER BY path;";

/* A line that is to be written, and its objects that are to be looked into. */
typedef struct waiting {
    uint64_t depth;
    uint32_t kind, label, type;
    uint64_t more; /* of the line of the rest: how many lines; else 0 */
    size_t first_object;
    htrail__unfold_sums sums;
} waiting;

typedef struct unfolding {
    const htrail__unfold_opts *opts;
    htrail__unfold_heap heap;
    htrail__unfold_words words;
    sqlite3_stmt *write;
    htrail__unfold_rules rules;
    htrail__unfold_lines below; /* of the line that is unfolded */
    uint64_t levels;

    waiting *stack; /* the next line at its end; `objects` has what they are of in the same order */
    size_t waiting_count, waiting_room;
    uint32_t *objects;
    size_t object_count, object_room;
    uint32_t *starts; /* where the objects of each kept line go */
    size_t start_room;
} unfolding;

static bool push(unfolding *u, const waiting *item)
{
    if (!htrail__grow(&u->stack, &u->waiting_room, u->waiting_count, sizeof *u->stack))
        return false;
    u->stack[u->waiting_count++] = *item;
    return true;
}

/* Of the objects that were found: whether its line is unfolded, and what it dominates with it. */
static bool is_looked_into(const unfolding *u, size_t i)
{
    const htrail__unfold_object *o = &u->heap.objects[u->below.objects[i].id];
    return o->retained > o->size && htrail__unfold_lines_rank(&u->below, i) != HTRAIL__UNFOLD_NOT_KEPT;
}

/* The last line waits below the others, so that the first is the next. Objects that retain no more than themselves are done with. */
static bool put_on_stack(unfolding *u, uint64_t depth)
{
    const htrail__unfold_lines *below = &u->below;
    bool is_last = u->opts->depth_max > 0 && depth + 1 >= u->opts->depth_max;
    if (below->kept < below->count) {
        waiting rest = {.depth = depth, .more = below->count - below->kept, .first_object = u->object_count};
        for (size_t i = below->kept; i < below->count; i++)
            htrail__unfold_sums_add(&rest.sums, &htrail__unfold_lines_at(below, i)->sums);
        if (!push(u, &rest))
            return false;
    }
    while (u->start_room < below->kept + 1)
        if (!htrail__grow(&u->starts, &u->start_room, u->start_room, sizeof *u->starts))
            return false;
    memset(u->starts, 0, (below->kept + 1) * sizeof *u->starts);
    for (size_t i = 0; i < below->object_count && !is_last; i++)
        if (is_looked_into(u, i))
            u->starts[htrail__unfold_lines_rank(below, i)]++;
    size_t at = u->object_count;
    for (size_t i = below->kept; i-- > 0;) {
        const htrail__unfold_line *l = htrail__unfold_lines_at(below, i);
        if (!push(u, &(waiting){.depth = depth, .kind = l->kind, .label = l->label, .type = l->type, .first_object = at, .sums = l->sums}))
            return false;
        uint32_t count = u->starts[i];
        u->starts[i] = (uint32_t)at;
        at += count;
    }
    while (u->object_room < at)
        if (!htrail__grow(&u->objects, &u->object_room, u->object_room, sizeof *u->objects))
            return false;
    for (size_t i = 0; i < below->object_count && !is_last; i++)
        if (is_looked_into(u, i))
            u->objects[u->starts[htrail__unfold_lines_rank(below, i)]++] = below->objects[i].id;
    u->object_count = at;
    return true;
}

/* Lines of what was found, at this depth. */
static bool make_lines(unfolding *u, uint64_t depth)
{
    if (u->below.object_count == 0)
        return true;
    bool fine = htrail__unfold_lines_make(&u->below, &u->words, &u->rules) && put_on_stack(u, depth);
    htrail__unfold_lines_clear(&u->below);
    if (depth + 1 > u->levels)
        u->levels = depth + 1;
    return fine;
}

static bool add_object(unfolding *u, uint64_t name, uint32_t id) { return htrail__unfold_lines_add(&u->below, &u->heap, name, id); }

/* The first line. */

static htrail_status find_tops(unfolding *u, sqlite3 *db)
{
    sqlite3_stmt *roots = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    int step;
    if (sqlite3_prepare_v2(db, "SELECT object, kind, key FROM root ORDER BY object, id", -1, &roots, NULL) != SQLITE_OK)
        return status;
    step = sqlite3_step(roots);
    for (size_t i = 0; i < u->heap.top_count; i++) {
        const htrail__unfold_top *top = &u->heap.tops[i];
        /* Both in the order of ids; the first root of an object is the one that counts. */
        while (step == SQLITE_ROW && sqlite3_column_int64(roots, 0) < top->id)
            step = sqlite3_step(roots);
        bool is_root = step == SQLITE_ROW && sqlite3_column_int64(roots, 0) == top->id;
        const char *kind = is_root ? (const char *)sqlite3_column_text(roots, 1) : NULL, *key = is_root ? (const char *)sqlite3_column_text(roots, 2) : NULL;
        if (!add_object(u, htrail__unfold_top_name(&u->words, top, kind == NULL ? "" : kind, key == NULL ? "" : key), top->id)) {
            status = HTRAIL_E_NOMEM;
            goto done;
        }
    }
    status = step == SQLITE_ROW || step == SQLITE_DONE ? HTRAIL_OK : HTRAIL_E_DATABASE;
done:
    sqlite3_finalize(roots);
    return status;
}

static htrail_status find_chosen(unfolding *u, const htrail__selection *from)
{
    uint64_t *ids = malloc((from->count + 1) * sizeof *ids);
    size_t count = from->count;
    htrail_status status = HTRAIL_E_NOMEM;
    if (ids == NULL)
        return status;
    memcpy(ids, from->ids, count * sizeof *ids);
    if (!htrail__unfold_heap_uncovered(&u->heap, ids, &count))
        goto done;
    for (size_t i = 0; i < count; i++)
        if (!add_object(u, htrail__unfold_chosen_name(), (uint32_t)ids[i]))
            goto done;
    status = HTRAIL_OK;
done:
    free(ids);
    return status;
}

/* One line after the other. */

static bool write_line(unfolding *u, const waiting *item)
{
    char rest[40];
    sqlite3_bind_int64(u->write, 1, (sqlite3_int64)item->depth);
    if (item->more > 0) {
        snprintf(rest, sizeof rest, "(%llu more)", (unsigned long long)item->more);
        sqlite3_bind_text(u->write, 2, "more", -1, SQLITE_STATIC);
        sqlite3_bind_text(u->write, 3, "", 0, SQLITE_STATIC);
        sqlite3_bind_text(u->write, 4, rest, -1, SQLITE_STATIC);
    } else {
        const uint32_t words[] = {item->kind, item->label, item->type};
        for (int i = 0; i < 3; i++) {
            htrail_str text = htrail__texts_get(&u->words.texts, words[i]);
            sqlite3_bind_text(u->write, 2 + i, text.len == 0 ? "" : text.data, (int)text.len, SQLITE_STATIC);
        }
    }
    sqlite3_bind_int64(u->write, 5, item->sums.count);
    sqlite3_bind_int64(u->write, 6, item->sums.bytes);
    sqlite3_bind_int64(u->write, 7, item->sums.retained);
    bool fine = sqlite3_step(u->write) == SQLITE_DONE;
    return sqlite3_reset(u->write) == SQLITE_OK && fine;
}

/* What the objects of the line that was written last dominate, which are the last of `objects`. It ends, whatever a file says: what
 * dominates itself, by way of others, hangs below nothing else. */
static htrail_status look_into(unfolding *u, const waiting *item)
{
    for (size_t i = item->first_object; i < u->object_count; i++) {
        uint32_t above = u->objects[i], first = u->heap.first[above], end = u->heap.first[above + 1];
        for (uint32_t at = first; at < end; at++)
            if (!add_object(u, htrail__unfold_name(&u->words, above, u->heap.below[at]), u->heap.below[at]))
                return HTRAIL_E_NOMEM;
    }
    u->object_count = item->first_object;
    return make_lines(u, item->depth + 1) ? HTRAIL_OK : HTRAIL_E_NOMEM;
}

static htrail_status unfold(unfolding *u, sqlite3 *db, const htrail__selection *from)
{
    htrail_status status = from == NULL ? find_tops(u, db) : find_chosen(u, from);
    if (status == HTRAIL_OK && !make_lines(u, 0))
        status = HTRAIL_E_NOMEM;
    while (status == HTRAIL_OK && u->words.status == HTRAIL_OK && u->waiting_count > 0) {
        waiting item = u->stack[--u->waiting_count];
        status = write_line(u, &item) ? look_into(u, &item) : HTRAIL_E_DATABASE;
    }
    return status == HTRAIL_OK ? u->words.status : status;
}

static htrail_status read_size(unfolding *u, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    htrail_status status = HTRAIL_E_DATABASE;
    if (sqlite3_prepare_v2(db, "SELECT value FROM snapshot WHERE key = 'size_bytes'", -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        u->rules.size_bytes = sqlite3_column_double(statement, 0);
        status = HTRAIL_OK;
    }
    sqlite3_finalize(statement);
    return status;
}

static void release(unfolding *u)
{
    sqlite3_finalize(u->write);
    htrail__unfold_lines_release(&u->below);
    htrail__unfold_words_release(&u->words);
    htrail__unfold_heap_release(&u->heap);
    free(u->stack);
    free(u->objects);
    free(u->starts);
}

htrail_status htrail__unfold(sqlite3_stmt **lines, uint64_t *levels, sqlite3 *db, const htrail__selection *from, const htrail__unfold_opts *opts, char *message,
                             size_t message_cap)
{
    unfolding u = {.opts = opts, .rules = {.percent_least = htrail__unfold_percent(opts), .lines_max = opts->lines_max}};
    htrail_status status = HTRAIL_E_DATABASE;

    *lines = NULL;
    *levels = 0;
    message[0] = '\0';
    u.rules.percent_own_line = u.rules.percent_least > HTRAIL__UNFOLD_PERCENT_OWN_LINE ? u.rules.percent_least : HTRAIL__UNFOLD_PERCENT_OWN_LINE;
    /* The database stays as it is: it was opened for reading. One transaction keeps writers from the pages. */
    bool began = sqlite3_exec(db, "PRAGMA query_only = 0", NULL, NULL, NULL) == SQLITE_OK && sqlite3_get_autocommit(db) &&
                 sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    if (sqlite3_exec(db, begin_sql, NULL, NULL, NULL) != SQLITE_OK || sqlite3_prepare_v2(db, write_sql, -1, &u.write, NULL) != SQLITE_OK ||
        (status = read_size(&u, db)) != HTRAIL_OK || (status = htrail__unfold_heap_read(&u.heap, db, message, message_cap)) != HTRAIL_OK ||
        (status = htrail__unfold_words_open(&u.words, db, &u.heap)) != HTRAIL_OK || (status = unfold(&u, db, from)) != HTRAIL_OK)
        goto done;
    *levels = u.levels;
    status = sqlite3_prepare_v2(db, print_sql, -1, lines, NULL) == SQLITE_OK ? HTRAIL_OK : HTRAIL_E_DATABASE;
done:
    if (status != HTRAIL_OK && message[0] == '\0')
        snprintf(message, message_cap, "%s%s", status == HTRAIL_E_DATABASE ? "cannot unfold the tree of dominators: " : "",
                 status == HTRAIL_E_DATABASE ? sqlite3_errmsg(db) : "out of memory");
    release(&u);
    if (began)
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_exec(db, "PRAGMA query_only = 1", NULL, NULL, NULL);
    return status;
}
