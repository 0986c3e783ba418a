/* analyze/views.c - the library of views that stands on object and reference: the questions that are asked again and
 * again. See schema.h; docs/schema.md shows each with a question and its answer.
 *
 * A chain is a search of its own for each object, inside a scalar subquery, so that `WHERE object = 4711` walks one chain: a
 * recursive view would walk all of them, since SQLite moves no WHERE into one. */
#include "analyze/schema.h"

/* The ids from the first of a chain to the object itself, as a JSON array; up: who is next on the way. */
#define CHAIN(up)                                                                                                      \
    "(WITH RECURSIVE way(id, number) AS (SELECT o.id, 0 UNION ALL "                                                    \
    "SELECT " up ", number + 1 FROM way JOIN heap_object h ON h.id = way.id WHERE " up " > 0) "                       \
    "SELECT json_group_array(id) FROM (SELECT id FROM way ORDER BY number DESC))"

const char htrail__views_sql[] =
    "CREATE VIEW referrer AS SELECT r.dst AS object, r.kind, r.label, s.id, s.address, s.type, s.module, s.name, s.length, s.size, s.retained, s.depth\n"
    "  FROM reference r JOIN object s ON s.id = r.src WHERE r.kind <> 'weak';\n"
    "CREATE VIEW referent AS SELECT r.src AS object, r.kind, r.label, d.id, d.address, d.type, d.module, d.name, d.length, d.size, d.retained, d.depth\n"
    "  FROM reference r JOIN object d ON d.id = r.dst ;\n"
    "CREATE VIEW chain AS SELECT o.id AS object, step.key AS step, s.holder_kind AS kind, s.holder_label AS label, s.id, s.address, s.type, s.module,\n"
    "  s.name, s.length, s.size, s.retained, CASE WHEN step.key = 0 THEN root.kind END AS root_kind, CASE WHEN step.key = 0 THEN root.name END AS root_name\n"
    "  FROM heap_object o JOIN json_each(" CHAIN("h.holder") ") step JOIN object s ON s.id = step.value LEFT JOIN root ON root.id = s.root;\n"
    "CREATE VIEW dominator AS SELECT o.id AS object, step.key AS step, s.id, s.address, s.type, s.module, s.name, s.length, s.size, s.retained\n"
    "  FROM heap_object o JOIN json_each(" CHAIN("coalesce(h.dominator, h.holder)") ") step JOIN object s ON s.id = step.value;\n"
    "CREATE VIEW dominated AS SELECT d.dominator AS object, d.id, d.address, d.type, d.module, d.name, d.length, d.size, d.retained\n"
    "  FROM object d WHERE d.dominator IS NOT NULL;\n"
    "CREATE VIEW retained AS SELECT o.id AS object, s.id, s.address, s.type, s.module, s.name, s.length, s.size\n"
    "  FROM object o JOIN object s ON s.id = o.id OR s.tree_first BETWEEN o.tree_first AND o.tree_last;\n"
    "CREATE VIEW way AS SELECT o.id AS object, (SELECT group_concat(part, ' ') FROM (SELECT CASE WHEN c.step > 0 THEN\n"
    "  CASE c.kind WHEN 'index' THEN '[' || c.label || ']' WHEN 'key' THEN 'key' WHEN 'value' THEN '[' || CASE WHEN c.label GLOB '(*)' THEN c.label ELSE '''' || c.label || '''' END || ']'\n"
    "  ELSE '.' || c.label END || ' -> ' || c.type ELSE coalesce(c.root_kind || CASE c.root_name WHEN '' THEN '' ELSE ': ' || c.root_name END || ' -> ', 'garbage: ') || c.type END AS part\n"
    "  FROM chain c WHERE c.object = o.id ORDER BY c.step)) AS way FROM heap_object o;\n";
