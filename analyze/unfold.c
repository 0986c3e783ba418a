/* analyze/unfold.c - see the header. One line after the other is unfolded: what its objects dominate is put together to lines, the
 * first of them are kept, and wait with their objects until all above and before them has been written. */
#include "analyze/unfold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/grow.h"
#include "analyze/unfold_heap.h"
#include "analyze/unfold_words.h"

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

typedef struct sums {
    int64_t count, bytes, retained;
} sums;

/* Objects that are held under the same name and of one type. */
typedef struct group {
    uint64_t name;
    uint32_t type, slot, line; /* line: the number in `lines` */
    uint32_t kind, label, type_word;
    sums sums;
} group;

#define NOT_KEPT UINT32_MAX

/* Groups of the same words. */
typedef struct line {
    htrail_str kind, label, type; /* set before they are compared as texts */
    uint32_t kind_word, label_word, type_word;
    uint32_t into, rank; /* the line that it is part of, by number; NOT_KEPT, or its place below its parent */
    sums sums;
} line;

/* A line that is to be written, and its objects that are to be looked into. */
typedef struct waiting {
    uint64_t depth;
    uint32_t kind, label, type;
    uint64_t more; /* of the line of the rest: how many lines; else 0 */
    size_t first_object;
    sums sums;
} waiting;

typedef struct found {
    uint32_t id, group;
} found;

typedef struct unfolding {
    const htrail__unfold_opts *opts;
    htrail__unfold_heap heap;
    htrail__unfold_words words;
    sqlite3_stmt *write;
    double size_bytes, percent_least, percent_own_line;
    uint64_t levels;

    waiting *stack; /* the next line at its end; `objects` has what they are of in the same order */
    size_t waiting_count, waiting_room;
    uint32_t *objects;
    size_t object_count, object_room;

    /* Of the line that is unfolded. */
    found *below;
    size_t below_count, below_room;
    group *groups;
    size_t group_count, group_room;
    uint32_t *slots; /* number of a group + 1 */
    size_t slot_count;
    line *lines;
    size_t line_count, line_room;
    uint32_t *order, *starts; /* numbers: of groups, then of lines; where the objects of each kept line go */
    size_t order_room, start_room;
} unfolding;

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static void add_sums(sums *to, const sums *more)
{
    *to = (sums){plus(to->count, more->count), plus(to->bytes, more->bytes), plus(to->retained, more->retained)};
}

/* Groups. */

static size_t slot_of(const unfolding *u, uint64_t name, uint32_t type)
{
    return (size_t)(((name ^ (uint64_t)type << 40) * UINT64_C(0x9e3779b97f4a7c15)) >> 24) & (u->slot_count - 1);
}

static bool grow_slots(unfolding *u)
{
    size_t count = u->slot_count == 0 ? 1024 : u->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(u->slots);
    u->slots = slots;
    u->slot_count = count;
    for (size_t i = 0; i < u->group_count; i++) {
        size_t slot = slot_of(u, u->groups[i].name, u->groups[i].type);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i + 1;
        u->groups[i].slot = (uint32_t)slot;
    }
    return true;
}

static bool add_object(unfolding *u, uint64_t name, uint32_t id)
{
    const htrail__unfold_object *o = &u->heap.objects[id];
    if ((u->group_count * 2 >= u->slot_count && !grow_slots(u)) || !htrail__grow(&u->below, &u->below_room, u->below_count, sizeof *u->below))
        return false;
    size_t slot = slot_of(u, name, o->type);
    while (u->slots[slot] != 0 && (u->groups[u->slots[slot] - 1].name != name || u->groups[u->slots[slot] - 1].type != o->type))
        slot = (slot + 1) & (u->slot_count - 1);
    if (u->slots[slot] == 0) {
        if (!htrail__grow(&u->groups, &u->group_room, u->group_count, sizeof *u->groups))
            return false;
        u->groups[u->group_count] = (group){.name = name, .type = o->type, .slot = (uint32_t)slot};
        u->slots[slot] = (uint32_t)++u->group_count;
    }
    group *g = &u->groups[u->slots[slot] - 1];
    add_sums(&g->sums, &(sums){1, o->size, o->retained});
    u->below[u->below_count++] = (found){id, u->slots[slot] - 1};
    return true;
}

static void forget_groups(unfolding *u)
{
    for (size_t i = 0; i < u->group_count; i++)
        u->slots[u->groups[i].slot] = 0;
    u->group_count = u->below_count = u->line_count = 0;
}

/* Lines. */

static int compare_words(uint32_t a, uint32_t b) { return a < b ? -1 : a > b; }

static int by_words(const void *left, const void *right, void *arg)
{
    const unfolding *u = arg;
    const group *a = &u->groups[*(const uint32_t *)left], *b = &u->groups[*(const uint32_t *)right];
    int order = compare_words(a->kind, b->kind);
    if (order == 0)
        order = compare_words(a->type_word, b->type_word);
    return order != 0 ? order : compare_words(a->label, b->label);
}

static int compare_texts(htrail_str a, htrail_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_retained(const void *left, const void *right, void *arg)
{
    const unfolding *u = arg;
    const line *a = &u->lines[*(const uint32_t *)left], *b = &u->lines[*(const uint32_t *)right];
    if (a->sums.retained != b->sums.retained)
        return a->sums.retained > b->sums.retained ? -1 : 1;
    if (a->sums.bytes != b->sums.bytes)
        return a->sums.bytes > b->sums.bytes ? -1 : 1;
    int order = compare_texts(a->kind, b->kind);
    if (order == 0)
        order = compare_texts(a->label, b->label);
    return order != 0 ? order : compare_texts(a->type, b->type);
}

static bool reserve_order(unfolding *u, size_t count)
{
    while (u->order_room < count)
        if (!htrail__grow(&u->order, &u->order_room, u->order_room, sizeof *u->order))
            return false;
    return true;
}

/* Groups of the same words are a line. Those of one kind and type come one after the other. */
static bool put_together(unfolding *u)
{
    if (!reserve_order(u, u->group_count))
        return false;
    for (size_t i = 0; i < u->group_count; i++) {
        group *g = &u->groups[i];
        htrail__unfold_name_words(&u->words, g->name, &g->kind, &g->label);
        g->type_word = htrail__unfold_type_word(&u->words, g->type);
        u->order[i] = (uint32_t)i;
    }
    if (u->group_count > 1)
        qsort_r(u->order, u->group_count, sizeof *u->order, by_words, u);
    for (size_t i = 0; i < u->group_count; i++) {
        group *g = &u->groups[u->order[i]];
        if (i == 0 || by_words(&u->order[i - 1], &u->order[i], u) != 0) {
            if (!htrail__grow(&u->lines, &u->line_room, u->line_count, sizeof *u->lines))
                return false;
            u->lines[u->line_count] = (line){.kind_word = g->kind, .label_word = g->label, .type_word = g->type_word, .into = (uint32_t)u->line_count};
            u->line_count++;
        }
        g->line = (uint32_t)u->line_count - 1;
        add_sums(&u->lines[g->line].sums, &g->sums);
    }
    return true;
}

static bool is_small(const unfolding *u, const line *l) { return (double)l->sums.retained * 100.0 < u->size_bytes * u->percent_own_line; }

/* Small ones of one kind and type are a line where they are many: the keys of a registry. One that is called so is part of it. */
static void join_small(unfolding *u, uint32_t star)
{
    for (size_t first = 0, end; first < u->line_count; first = end) {
        size_t small = 0, all = NOT_KEPT, i;
        for (end = first; end < u->line_count && u->lines[end].kind_word == u->lines[first].kind_word && u->lines[end].type_word == u->lines[first].type_word; end++) {
            small += is_small(u, &u->lines[end]);
            if (u->lines[end].label_word == star)
                all = end;
        }
        if (small <= HTRAIL__UNFOLD_LABELS_MAX)
            continue;
        for (i = first; i < end; i++) {
            line *l = &u->lines[i];
            if (i == all || !is_small(u, l))
                continue;
            if (all == NOT_KEPT) {
                all = i;
                continue;
            }
            l->into = (uint32_t)all;
            add_sums(&u->lines[all].sums, &l->sums);
        }
        u->lines[all].label_word = star;
    }
}

/* The lines that are kept get their rank; order has all that stand for themselves by it. *count of them, *kept at the front. */
static bool rank_lines(unfolding *u, size_t *count, size_t *kept)
{
    *count = *kept = 0;
    if (!reserve_order(u, u->line_count))
        return false;
    for (size_t i = 0; i < u->line_count; i++) {
        line *l = &u->lines[i];
        l->rank = NOT_KEPT;
        if (l->into != i)
            continue;
        l->kind = htrail__texts_get(&u->words.texts, l->kind_word);
        l->label = htrail__texts_get(&u->words.texts, l->label_word);
        l->type = htrail__texts_get(&u->words.texts, l->type_word);
        u->order[(*count)++] = (uint32_t)i;
    }
    if (*count > 1)
        qsort_r(u->order, *count, sizeof *u->order, by_retained, u);
    for (; *kept < *count; ++*kept) {
        line *l = &u->lines[u->order[*kept]];
        if ((u->opts->lines_max > 0 && *kept >= u->opts->lines_max) || (double)l->sums.retained * 100.0 < u->size_bytes * u->percent_least)
            break;
        l->rank = (uint32_t)*kept;
    }
    return true;
}

static bool push(unfolding *u, const waiting *item)
{
    if (!htrail__grow(&u->stack, &u->waiting_room, u->waiting_count, sizeof *u->stack))
        return false;
    u->stack[u->waiting_count++] = *item;
    return true;
}

/* The last line waits below the others, so that the first is the next. Objects that retain no more than themselves are done with. */
static bool put_on_stack(unfolding *u, uint64_t depth, size_t count, size_t kept)
{
    bool is_last = u->opts->depth_max > 0 && depth + 1 >= u->opts->depth_max;
    if (kept < count) {
        waiting rest = {.depth = depth, .more = count - kept, .first_object = u->object_count};
        for (size_t i = kept; i < count; i++)
            add_sums(&rest.sums, &u->lines[u->order[i]].sums);
        if (!push(u, &rest))
            return false;
    }
    while (u->start_room < kept + 1)
        if (!htrail__grow(&u->starts, &u->start_room, u->start_room, sizeof *u->starts))
            return false;
    memset(u->starts, 0, (kept + 1) * sizeof *u->starts);
    for (size_t i = 0; i < u->below_count && !is_last; i++) {
        uint32_t rank = u->lines[u->lines[u->groups[u->below[i].group].line].into].rank;
        const htrail__unfold_object *o = &u->heap.objects[u->below[i].id];
        if (rank == NOT_KEPT || o->retained <= o->size)
            u->below[i].id = 0;
        else
            u->starts[rank]++;
    }
    size_t at = u->object_count;
    for (size_t i = kept; i-- > 0;) {
        const line *l = &u->lines[u->order[i]];
        if (!push(u, &(waiting){.depth = depth, .kind = l->kind_word, .label = l->label_word, .type = l->type_word, .first_object = at, .sums = l->sums}))
            return false;
        at += u->starts[i];
        u->starts[i] = (uint32_t)(at - u->starts[i]);
    }
    while (u->object_room < at)
        if (!htrail__grow(&u->objects, &u->object_room, u->object_room, sizeof *u->objects))
            return false;
    for (size_t i = 0; i < u->below_count && !is_last; i++)
        if (u->below[i].id != 0)
            u->objects[u->starts[u->lines[u->lines[u->groups[u->below[i].group].line].into].rank]++] = u->below[i].id;
    u->object_count = at;
    return true;
}

/* Lines of what was found, at this depth. */
static bool make_lines(unfolding *u, uint64_t depth)
{
    size_t count, kept;
    if (u->below_count == 0)
        return true;
    if (!put_together(u))
        return false;
    uint32_t star = 0;
    if (htrail__texts_add(&u->words.texts, (htrail_str){"*", 1}, &star) != HTRAIL_OK)
        return false;
    join_small(u, star);
    bool fine = rank_lines(u, &count, &kept) && put_on_stack(u, depth, count, kept);
    forget_groups(u);
    if (depth + 1 > u->levels)
        u->levels = depth + 1;
    return fine;
}

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
        u->size_bytes = sqlite3_column_double(statement, 0);
        status = HTRAIL_OK;
    }
    sqlite3_finalize(statement);
    return status;
}

static void release(unfolding *u)
{
    sqlite3_finalize(u->write);
    htrail__unfold_words_release(&u->words);
    htrail__unfold_heap_release(&u->heap);
    free(u->stack);
    free(u->objects);
    free(u->below);
    free(u->groups);
    free(u->slots);
    free(u->lines);
    free(u->order);
    free(u->starts);
}

htrail_status htrail__unfold(sqlite3_stmt **lines, uint64_t *levels, sqlite3 *db, const htrail__selection *from, const htrail__unfold_opts *opts, char *message,
                             size_t message_cap)
{
    unfolding u = {.opts = opts, .percent_least = htrail__unfold_percent(opts)};
    htrail_status status = HTRAIL_E_DATABASE;

    *lines = NULL;
    *levels = 0;
    message[0] = '\0';
    u.percent_own_line = u.percent_least > HTRAIL__UNFOLD_PERCENT_OWN_LINE ? u.percent_least : HTRAIL__UNFOLD_PERCENT_OWN_LINE;
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
    return status;
}
