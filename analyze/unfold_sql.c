/* analyze/unfold_sql.c - the tree as the plain sqlite3 shell makes it: what analyze/unfold.c is held to. Level by level, in temporary tables:
 * of the objects of a level those of the same label and type are a line, the lines that retain most are kept, and what their objects
 * dominate is the next level. A row of tree_level makes one, by the trigger: SQL has no other loop with several statements. */
#include "analyze/unfold.h"

#include <stdio.h>
#include <stdlib.h>

#include <htrail/types.h>

#include "analyze/schema.h"

/* tree_object: the objects of a level, each with the line that dominates it (0: none), the code of the reference by which it is
 * held and its type, as numbers. tree_group: those of a line that are alike, with the words for it; several may be one line.
 * tree_line: the lines; in the order of the path each stands below its parent. tree_above: objects to be looked into. */
static const char begin_sql[] =
    "CREATE TEMP TABLE tree_object(line INTEGER, id INTEGER, code, type INTEGER, size INTEGER, retained INTEGER);\n"
    "CREATE TEMP TABLE tree_group(line INTEGER, code, type INTEGER, kind TEXT, label TEXT, type_name TEXT, count INTEGER, bytes INTEGER, retained INTEGER,\n"
    "  of INTEGER, PRIMARY KEY(line, code, type)) WITHOUT ROWID;\n"
    "CREATE TEMP TABLE tree_above(line INTEGER, id INTEGER);\n"
    "CREATE TEMP TABLE tree_line(id INTEGER PRIMARY KEY, depth INTEGER, above INTEGER, path TEXT, kind TEXT, label TEXT, type TEXT, count INTEGER, bytes INTEGER,\n"
    "  retained INTEGER);\n"
    "CREATE TEMP TABLE tree_level(depth INTEGER);\n"
    "CREATE TEMP TRIGGER tree_unfold AFTER INSERT ON tree_level BEGIN\n";

/* The code of a reference as it counts here: positions are alike, and so are keys without a text that are of one type. */
_Static_assert(HTRAIL__CODE_KIND_MASK == 15 && HTRAIL__CODE_DIRECT == 16 && HTRAIL__CODE_PAYLOAD_SHIFT == 5 && HTRAIL_REF_INDEX == 1 && HTRAIL_REF_KEY == 2 &&
               HTRAIL_REF_VALUE == 3 && HTRAIL_REF_STACK == 11 && HTRAIL_REF_WEAK == 12, "the queries name them by number");
#define CODE(label)                                                                              \
    "CASE WHEN " label " & 15 IN (1, 2, 11) THEN " label " & 15\n"                             \
    "    WHEN " label " & 31 = 19 AND NOT EXISTS (SELECT 1 FROM object_text WHERE object = " label " >> 5 AND text IS NOT NULL)\n" \
    "      THEN -(SELECT k.type FROM heap_object k WHERE k.id = " label " >> 5) ELSE " label " END"

/* A root has no code, but the words themselves. */
#define WORDS_MARK "char(31)"
static const char roots_sql[] =
    "INSERT INTO tree_object SELECT 0, o.id, CASE WHEN r.id IS NOT NULL THEN r.kind WHEN o.depth IS NULL THEN '(garbage)' ELSE '(several roots)' END || " WORDS_MARK " ||\n"
    "  CASE WHEN r.id IS NOT NULL THEN r.key WHEN o.name <> '' THEN o.name WHEN o.type = 'dict' AND o.module <> 'builtins' THEN o.module ELSE '' END,\n"
    "  h.type, o.size, o.retained\n"
    "  FROM heap_object h CROSS JOIN object o ON o.id = h.id LEFT JOIN root r ON r.id = (SELECT min(id) FROM root WHERE object = h.id)\n"
    "  WHERE nullif(coalesce(h.dominator, h.holder), 0) IS NULL;";

/* Of those chosen, the ones that no other of them dominates. */
static const char selected_sql[] =
    "INSERT INTO tree_object SELECT 0, o.id, " WORDS_MARK ", h.type, o.size, o.retained FROM (SELECT id, size, retained, tree_first,\n"
    "  max(tree_last) OVER (ORDER BY tree_first, tree_last DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered\n"
    "  FROM object WHERE id IN (SELECT id FROM (\n";
static const char selected_end_sql[] = "\n))) o JOIN heap_object h ON h.id = o.id WHERE covered IS NULL OR covered < tree_first;";

static const char groups_sql[] =
    "INSERT INTO tree_group SELECT line, code, g.type,\n"
    "  CASE WHEN typeof(code) = 'text' THEN substr(code, 1, instr(code, " WORDS_MARK ") - 1) WHEN code < 0 THEN 'value' ELSE " HTRAIL__SQL_KIND("code") " END,\n"
    "  CASE WHEN typeof(code) = 'text' THEN substr(code, instr(code, " WORDS_MARK ") + 1) WHEN code < 0 THEN '(' || (SELECT name FROM type WHERE id = -code) || ')'\n"
    "    WHEN code IN (1, 2, 11) THEN '' ELSE " HTRAIL__SQL_LABEL("code") " END,\n"
    "  t.name, g.count, g.bytes, g.retained, NULL\n"
    "  FROM (SELECT line, code, type, count(*) AS count, sum(size) AS bytes, sum(retained) AS retained FROM tree_object GROUP BY line, code, type) g\n"
    "  LEFT JOIN type t ON t.id = g.type;\n";

/* Small ones of one kind and type are a line where they are many: the keys of a registry. */
static const char many_sql[] =
    "UPDATE tree_group SET label = '*' WHERE (line, kind, type_name, label) IN (SELECT line, kind, type_name, label FROM (\n"
    "  SELECT *, count(*) OVER (PARTITION BY line, kind, type_name) AS labels FROM (\n"
    "    SELECT line, kind, type_name, label FROM tree_group GROUP BY line, kind, type_name, label\n"
    "    HAVING sum(retained) * 100.0 < (SELECT value FROM snapshot WHERE key = 'size_bytes') * %s)) WHERE labels > %d);\n";

/* Of each parent the first lines, then one for all that is left. */
static const char lines_sql[] =
    "INSERT INTO tree_line SELECT NULL, NEW.depth, line, coalesce((SELECT path FROM tree_line l WHERE l.id = line), '') || substr('0000000' || min(rank), -8),\n"
    "  CASE WHEN kept THEN kind ELSE 'more' END, CASE WHEN kept THEN label ELSE '' END, CASE WHEN kept THEN type ELSE '(' || count(*) || ' more)' END,\n"
    "  sum(count), sum(bytes), sum(retained)\n"
    "  FROM (SELECT *, %s AND retained * 100.0 >= (SELECT value FROM snapshot WHERE key = 'size_bytes') * %s AS kept FROM (\n"
    "    SELECT line, kind, label, type_name AS type, sum(count) AS count, sum(bytes) AS bytes, sum(retained) AS retained,\n"
    "      row_number() OVER (PARTITION BY line ORDER BY sum(retained) DESC, sum(bytes) DESC, kind, label, type_name) AS rank\n"
    "    FROM tree_group GROUP BY line, kind, label, type_name)) GROUP BY line, CASE WHEN kept THEN rank ELSE 0 END;\n"
    "UPDATE tree_group SET of = (SELECT l.id FROM tree_line l WHERE l.depth = NEW.depth AND (l.above, l.kind, l.label, l.type) = (line, tree_group.kind, tree_group.label, type_name));\n";

/* What the objects of a line dominate. Held by it too, as most are: among what it refers to. Otherwise there is an index. */
static const char below_sql[] =
    "DELETE FROM tree_above;\n"
    "INSERT INTO tree_above SELECT g.of, o.id FROM tree_object o CROSS JOIN tree_group g ON (g.line, g.code, g.type) = (o.line, o.code, o.type)\n"
    "  WHERE o.retained > o.size AND g.of IS NOT NULL;\n"
    "DELETE FROM tree_object;\n"
    "DELETE FROM tree_group;\n"
    "INSERT INTO tree_object SELECT a.line, h.id, " CODE("h.label") ", h.type, h.size, coalesce(h.retained, h.size)\n"
    "  FROM tree_above a CROSS JOIN heap_reference r ON r.src = a.id AND r.dst > a.id CROSS JOIN heap_object h ON h.id = r.dst\n"
    "  WHERE h.dominator IS NULL AND h.holder = a.id AND h.label = r.label;\n";
static const char apart_sql[] =
    "INSERT INTO tree_object SELECT a.line, h.id, coalesce((SELECT " CODE("r.label") " FROM heap_reference r WHERE r.src = a.id AND r.dst = h.id AND r.label & 15 <> 12 ORDER BY r.label LIMIT 1),\n"
    "    " WORDS_MARK "), h.type, h.size, coalesce(h.retained, h.size)\n"
    "  FROM tree_above a CROSS JOIN heap_object h ON h.dominator = a.id AND h.dominator > 0;\n";

static const char levels_sql[] =
    "\n" /* after what chooses */
    "INSERT INTO tree_level WITH RECURSIVE level(depth) AS (SELECT 0 UNION ALL SELECT depth + 1 FROM level WHERE depth + 1 < %llu) SELECT depth FROM level;\n";

double htrail__unfold_percent(const htrail__unfold_opts *opts)
{
    char text[64];
    snprintf(text, sizeof text, "%.6f", opts->percent_min);
    return strtod(text, NULL);
}

/* The query of a selector, with its values in it. */
static htrail_status add_selected(htrail__text *out, sqlite3 *db, const htrail__selector *from)
{
    sqlite3_stmt *statement = NULL;
    htrail__text query;
    char *expanded = NULL;
    htrail__text_init(&query, out->limit_bytes);
    htrail__selector_query(from, &query);
    if (!query.failed && sqlite3_prepare_v2(db, htrail__text_string(&query), -1, &statement, NULL) == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(statement) > 0)
            htrail__selector_bind(from, statement);
        expanded = sqlite3_expanded_sql(statement);
    }
    htrail_status status = expanded != NULL ? HTRAIL_OK : query.failed ? HTRAIL_E_NOMEM : HTRAIL_E_DATABASE;
    if (expanded != NULL)
        htrail__text_add_string(out, expanded);
    sqlite3_free(expanded);
    sqlite3_finalize(statement);
    htrail__text_release(&query);
    return status;
}

htrail_status htrail__unfold_sql(htrail__text *out, sqlite3 *db, const htrail__selector *from, uint64_t levels, const htrail__unfold_opts *opts)
{
    char rank[64] = "1", least[64];
    htrail_status status = HTRAIL_OK;

    if (opts->lines_max > 0)
        snprintf(rank, sizeof rank, "rank <= %llu", (unsigned long long)opts->lines_max);
    snprintf(least, sizeof least, "%.6f", opts->percent_min);
    htrail__text_add_string(out, begin_sql);
    htrail__text_add_string(out, groups_sql);
    htrail__text_format(out, many_sql, htrail__unfold_percent(opts) > HTRAIL__UNFOLD_PERCENT_OWN_LINE ? least : "1", HTRAIL__UNFOLD_LABELS_MAX);
    htrail__text_format(out, lines_sql, rank, least);
    htrail__text_add_string(out, below_sql);
    htrail__text_add_string(out, apart_sql);
    htrail__text_add_string(out, "END;\n");
    htrail__text_add_string(out, from == NULL ? roots_sql : selected_sql);
    if (from != NULL) {
        status = add_selected(out, db, from);
        htrail__text_add_string(out, selected_end_sql);
    }
    htrail__text_format(out, levels_sql, (unsigned long long)levels);
    return status == HTRAIL_OK && out->failed ? HTRAIL_E_NOMEM : status;
}
