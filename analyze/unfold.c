/* analyze/unfold.c - see the header. Level by level, in temporary tables: of the objects of a level those of the same
 * label and type are a line, the lines that retain most are kept, and what their objects dominate is the next
 * level. Nothing is asked of a level that is not there, and only what is kept is looked into. */
#include "analyze/unfold.h"

#include <stdio.h>

#include "analyze/text.h"

enum {
    LABELS_MAX = 8, /* more labels of one type are one line */
    QUERY_BYTES_MAX = 1 << 20
};
/* What retains so much of the heap is a line of its own however many there are. */
#define PERCENT_OWN_LINE 1
#define PERCENT_OWN_LINE_TEXT "1"

/* tree_object: the objects of a level, each with the path of the line that dominates it; tree_line: the
 * lines; in the order of the path each stands below its parent. */
static const char begin_sql[] =
    "CREATE TEMP TABLE tree_object(depth INTEGER, parent TEXT, id INTEGER, kind TEXT, label TEXT, type TEXT, size INTEGER, retained INTEGER);\n"
    "CREATE TEMP TABLE tree_line(depth INTEGER, parent TEXT, path TEXT, kind TEXT, label TEXT, type TEXT, count INTEGER, bytes INTEGER, retained INTEGER);";

static const char roots_sql[] =
    "INSERT INTO tree_object SELECT 0, '', o.id, CASE WHEN r.id IS NOT NULL THEN r.kind WHEN o.depth IS NULL THEN '(garbage)' ELSE '(several roots)' END,\n"
    "  CASE WHEN r.id IS NOT NULL THEN r.key WHEN o.name <> '' THEN o.name WHEN o.type = 'dict' AND o.module <> 'builtins' THEN o.module ELSE '' END,\n"
    "  o.type, o.size, o.retained\n"
    "  FROM object o LEFT JOIN root r ON r.id = (SELECT min(id) FROM root WHERE object = o.id) WHERE o.dominator IS NULL;";

/* Of those chosen, the ones that no other of them dominates. */
static const char selected_sql[] =
    "INSERT INTO tree_object SELECT 0, '', id, '', '', type, size, retained FROM (SELECT id, type, size, retained, tree_first,\n"
    "  max(tree_last) OVER (ORDER BY tree_first, tree_last DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered\n"
    "  FROM object WHERE id IN (SELECT id FROM (\n";
static const char selected_end_sql[] = "\n))) WHERE covered IS NULL OR covered < tree_first;";

/* Small ones of one kind and type are a line where they are many: the keys of a registry. */
static const char many_sql[] =
    "UPDATE tree_object SET label = '*' WHERE depth = %d AND (parent, kind, type, label) IN (SELECT parent, kind, type, label FROM (\n"
    "  SELECT *, count(*) OVER (PARTITION BY parent, kind, type) AS labels FROM (\n"
    "    SELECT parent, kind, type, label FROM tree_object WHERE depth = %d GROUP BY parent, kind, type, label\n"
    "    HAVING sum(retained) * 100.0 < (SELECT value FROM snapshot WHERE key = 'size_bytes') * %s)) WHERE labels > %d);";

/* Of each parent the first lines, then one for all that is left. */
static const char lines_sql[] =
    "INSERT INTO tree_line SELECT %d, parent, parent || substr('0000000' || min(rank), -8), CASE WHEN kept THEN kind ELSE 'more' END,\n"
    "  CASE WHEN kept THEN label ELSE '' END, CASE WHEN kept THEN type ELSE '(' || count(*) || ' more)' END, sum(count), sum(bytes), sum(retained)\n"
    "  FROM (SELECT *, %s AND retained * 100.0 >= (SELECT value FROM snapshot WHERE key = 'size_bytes') * %s AS kept FROM (\n"
    "    SELECT parent, kind, label, type, count(*) AS count, sum(size) AS bytes, sum(retained) AS retained,\n"
    "      row_number() OVER (PARTITION BY parent ORDER BY sum(retained) DESC, sum(size) DESC, kind, label, type) AS rank\n"
    "    FROM tree_object WHERE depth = %d GROUP BY parent, kind, label, type)) GROUP BY parent, CASE WHEN kept THEN rank ELSE 0 END;";

/* Dominated by its holder, as most are: among what that refers to. Otherwise there is an index. */
static const char below_sql[] =
    "INSERT INTO tree_object SELECT %d, path, o.id, o.holder_kind, CASE WHEN o.holder_kind IN ('index', 'stack', 'key') THEN '' ELSE o.holder_label END, o.type, o.size, o.retained\n"
    "  FROM tree_line l CROSS JOIN tree_object b CROSS JOIN heap_reference r CROSS JOIN heap_object h CROSS JOIN object o\n"
    "  WHERE l.depth = %d AND l.kind <> 'more' AND b.depth = l.depth AND b.parent = l.parent AND b.kind = l.kind AND b.label = l.label AND b.type = l.type\n"
    "  AND b.retained > b.size AND r.src = b.id AND h.id = r.dst AND h.dominator IS NULL AND h.holder = b.id AND h.label = r.label AND o.id = h.id;";
static const char apart_sql[] =
    "INSERT INTO tree_object SELECT %d, path, id, coalesce(kind, ''), CASE WHEN kind IS NULL OR kind IN ('index', 'stack', 'key') THEN '' ELSE label END, type, size, retained FROM (\n"
    "  SELECT path, o.id, o.type, o.size, o.retained,\n"
    "    (SELECT r.kind FROM reference r WHERE r.src = b.id AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) AS kind,\n"
    "    (SELECT r.label FROM reference r WHERE r.src = b.id AND r.dst = o.id AND r.kind <> 'weak' LIMIT 1) AS label\n"
    "  FROM tree_line l CROSS JOIN tree_object b CROSS JOIN heap_object h CROSS JOIN object o\n"
    "  WHERE l.depth = %d AND l.kind <> 'more' AND b.depth = l.depth AND b.parent = l.parent AND b.kind = l.kind AND b.label = l.label AND b.type = l.type\n"
    "  AND b.retained > b.size AND h.dominator = b.id AND h.dominator > 0 AND o.id = h.id);";

static const char print_sql[] =
    "SELECT depth, CASE WHEN kind = 'more' THEN type \n"
    "    WHEN depth = 0 AND kind IN ('(several roots)', '(garbage)') THEN kind || ' ' || type || CASE WHEN label IN ('', '*') THEN '' ELSE ' ' || label END\n"
    "    WHEN depth = 0 THEN ltrim(CASE label WHEN '*' THEN kind ELSE label END || ' ' || type)\n"
    "  ELSE CASE kind WHEN '' THEN '(several ways)' WHEN 'index' THEN '[*]' WHEN 'value' THEN '[' || label || ']' WHEN 'attr' THEN '.' || label\n"
    "    WHEN 'slot' THEN '.' || label WHEN 'field' THEN '.' || label ELSE rtrim(kind || ' ' || label) END || ' ' || type END AS key,\n"
    "  kind, label, type, count, bytes, retained, round(100.0 * retained / max((SELECT value FROM snapshot WHERE key = 'size_bytes'), 1), 1) AS percent\n"
    "FROM tree_line ORDER BY path;";

typedef struct unfolding {
    sqlite3 *db;
    const htrail__unfold_opts *opts;
    htrail__text query;
    int changed; /* rows, by the last statement */
} unfolding;

/* Run what query holds, one statement after another. */
static bool execute(unfolding *u, const htrail__selector *selector)
{
    const char *at = htrail__text_string(&u->query);
    bool fine = !u->query.failed;

    while (fine && *at != '\0') {
        sqlite3_stmt *statement = NULL;
        const char *rest = at;
        fine = sqlite3_prepare_v2(u->db, at, -1, &statement, &rest) == SQLITE_OK;
        if (statement != NULL) {
            if (selector != NULL && sqlite3_bind_parameter_count(statement) > 0)
                htrail__selector_bind(selector, statement);
            if (u->opts->show != NULL)
                u->opts->show(u->opts->show_arg, statement);
            fine = sqlite3_step(statement) == SQLITE_DONE;
        }
        sqlite3_finalize(statement);
        at = rest;
    }
    u->changed = sqlite3_changes(u->db);
    htrail__text_clear(&u->query);
    return fine;
}

/* The lines of a level, and the objects of the next; *more: whether there are any. */
static bool unfold(unfolding *u, int depth, bool *more)
{
    char rank[64] = "1", least[64];
    const htrail__unfold_opts *opts = u->opts;

    *more = false;
    if (opts->lines_max > 0)
        snprintf(rank, sizeof rank, "rank <= %llu", (unsigned long long)opts->lines_max);
    snprintf(least, sizeof least, "%.6f", opts->percent_min);
    htrail__text_format(&u->query, many_sql, depth, depth, opts->percent_min > PERCENT_OWN_LINE ? least : PERCENT_OWN_LINE_TEXT, LABELS_MAX);
    if (!execute(u, NULL))
        return false;
    htrail__text_format(&u->query, lines_sql, depth, rank, least, depth);
    if (!execute(u, NULL))
        return false;
    if (opts->depth_max > 0 && (uint64_t)depth + 1 >= opts->depth_max)
        return true;
    htrail__text_format(&u->query, below_sql, depth + 1, depth);
    if (!execute(u, NULL))
        return false;
    *more = u->changed > 0;
    htrail__text_format(&u->query, apart_sql, depth + 1, depth);
    if (!execute(u, NULL))
        return false;
    *more |= u->changed > 0;
    return true;
}

htrail_status htrail__unfold(sqlite3_stmt **lines, sqlite3 *db, const htrail__selector *selector, const htrail__unfold_opts *opts)
{
    unfolding u = {.db = db, .opts = opts};
    bool more = true, fine;

    *lines = NULL;
    htrail__text_init(&u.query, QUERY_BYTES_MAX);
    /* The database stays as it is: it was opened for reading. */
    htrail__text_add_string(&u.query, begin_sql);
    fine = sqlite3_exec(db, "PRAGMA query_only = 0", NULL, NULL, NULL) == SQLITE_OK && execute(&u, NULL);
    htrail__text_add_string(&u.query, selector == NULL ? roots_sql : selected_sql);
    if (selector != NULL) {
        htrail__selector_query(selector, &u.query);
        htrail__text_add_string(&u.query, selected_end_sql);
    }
    fine = fine && execute(&u, selector);
    for (int depth = 0; more && fine; depth++)
        fine = unfold(&u, depth, &more);
    fine = fine && sqlite3_prepare_v2(db, print_sql, -1, lines, NULL) == SQLITE_OK;
    htrail__text_release(&u.query);
    return fine ? HTRAIL_OK : HTRAIL_E_DATABASE;
}
