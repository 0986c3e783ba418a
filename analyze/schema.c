/* analyze/schema.c - see the header.
 *
 * heap_object and heap_reference hold integers only and are written by analyze/btree.c;
 * views put the texts on. Each view is one plain join, so that SQLite takes it apart into
 * whatever query it stands in: sums, joins, recursive ones. docs/schema.md has the layouts
 * that were measured against this one, and why not. */
#include "analyze/schema.h"

#define MODULE "CASE WHEN o.module IS NULL THEN t.module ELSE m.name END"
#define KEY(code) "CASE " code " & 31 WHEN 19 THEN " code " >> 5 END"

const char htrail__schema_sql[] =
    "CREATE TABLE snapshot(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE type(id INTEGER PRIMARY KEY, name TEXT NOT NULL, module TEXT NOT NULL, qualname TEXT NOT NULL,\n"
    "  address INTEGER NOT NULL, object INTEGER, base INTEGER, basic_size INTEGER NOT NULL, item_size INTEGER NOT NULL,\n"
    "  is_heap INTEGER NOT NULL, is_pseudo INTEGER NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER NOT NULL, shared INTEGER NOT NULL, first_object INTEGER, last_object INTEGER, flags INTEGER NOT NULL);\n"
    "CREATE TABLE module(id INTEGER PRIMARY KEY, name TEXT NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER NOT NULL, shared INTEGER NOT NULL);\n"
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER NOT NULL, shared INTEGER NOT NULL);\n"
    "CREATE TABLE label(id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n"
    "CREATE TABLE root(id INTEGER PRIMARY KEY, object INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,\n"
    "  thread INTEGER, depth INTEGER, key TEXT NOT NULL);\n"
    "CREATE TABLE thread(id INTEGER PRIMARY KEY, tid INTEGER, ident INTEGER, name TEXT NOT NULL, comm TEXT NOT NULL, state TEXT NOT NULL,\n"
    "  wait TEXT NOT NULL, start_ns INTEGER, user_ns INTEGER NOT NULL, system_ns INTEGER NOT NULL, is_main INTEGER NOT NULL,\n"
    "  is_python INTEGER NOT NULL, is_daemon INTEGER NOT NULL, is_heaptrail INTEGER NOT NULL, object INTEGER, stack INTEGER NOT NULL,\n"
    "  key TEXT NOT NULL, retained INTEGER NOT NULL);\n"
    "CREATE TABLE frame(thread INTEGER NOT NULL, depth INTEGER NOT NULL, function TEXT NOT NULL, file TEXT NOT NULL, line INTEGER,\n"
    "  object INTEGER, PRIMARY KEY(thread, depth)) WITHOUT ROWID;\n"
    "CREATE TABLE stack(id INTEGER PRIMARY KEY, hash TEXT NOT NULL, text TEXT NOT NULL, threads INTEGER NOT NULL, frames INTEGER NOT NULL,\n"
    "  retained_objects INTEGER NOT NULL, retained_bytes INTEGER NOT NULL);\n"
    "CREATE TABLE mapping(id INTEGER PRIMARY KEY, start INTEGER NOT NULL, \"end\" INTEGER NOT NULL, category TEXT NOT NULL,\n"
    "  access TEXT NOT NULL, rss INTEGER NOT NULL, pss INTEGER NOT NULL, private_dirty INTEGER NOT NULL, swap INTEGER NOT NULL,\n"
    "  path TEXT NOT NULL);\n"
    "CREATE TABLE site(id INTEGER PRIMARY KEY, caller INTEGER, file TEXT NOT NULL, line INTEGER NOT NULL, function TEXT NOT NULL,\n"
    "  blocks INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, count_error REAL NOT NULL, bytes_error REAL NOT NULL);\n"
    "CREATE TABLE object_site(object INTEGER PRIMARY KEY, site INTEGER NOT NULL, bytes INTEGER NOT NULL, weight REAL NOT NULL);\n"
    "CREATE TABLE c_reference(object INTEGER NOT NULL, holder TEXT NOT NULL, count INTEGER NOT NULL, is_own INTEGER NOT NULL,\n"
    "  PRIMARY KEY(object, holder)) WITHOUT ROWID;\n"
    "CREATE TABLE object_text(object INTEGER PRIMARY KEY, text TEXT, hash INTEGER, is_cut INTEGER NOT NULL);\n"
    "CREATE TABLE total(\"by\" TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  retained INTEGER, shared INTEGER, PRIMARY KEY(\"by\", key)) WITHOUT ROWID;\n"
    /* NULL is the ordinary case and at the end of a row costs nothing: so the rarer stands behind the more frequent. dominator: as
     * holder (0: the roots); retained: as size; shared: 0; flags, module: as the type's; owner: as module (0: nobody); referrers: 1;
     * refcount: as referrers; root: 1, where a root reaches it. fingerprint is a signed number, which is a byte shorter.
     * Objects that dominate others are counted in the order of their tree: tree_place,
     * and tree_below so many others below; NULL: dominates none, or none that does. */
    "CREATE TABLE heap_path(parent INTEGER NOT NULL, id INTEGER NOT NULL, step TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  PRIMARY KEY(parent, id)) WITHOUT ROWID;\n"
    "CREATE TABLE heap_object(id INTEGER PRIMARY KEY, address INTEGER NOT NULL, type INTEGER NOT NULL, size INTEGER NOT NULL,\n"
    "  depth INTEGER, holder INTEGER, label INTEGER, fingerprint INTEGER, owner INTEGER, length INTEGER,\n"
    "  age INTEGER, retained INTEGER, tree_place INTEGER, referrers INTEGER, tree_below INTEGER, shared INTEGER, flags INTEGER, module INTEGER,\n"
    "  dominator INTEGER, refcount INTEGER, root INTEGER, name INTEGER NOT NULL DEFAULT 0);\n"
    "CREATE TABLE heap_reference(src INTEGER NOT NULL, dst INTEGER NOT NULL, label INTEGER NOT NULL,\n"
    "  PRIMARY KEY(src, dst, label)) WITHOUT ROWID;\n"
    "CREATE INDEX heap_referrer ON heap_reference(dst);\n"
    "CREATE INDEX heap_dominated ON heap_object(dominator) WHERE dominator > 0;\n"
    /* That an object lies between the first and the last of its type is always so; it leads from the name of a type to
     * its objects without an index, which would be 10 bytes an object. */
    "CREATE VIEW object AS SELECT o.id, o.address, t.name AS type, " MODULE " AS module, n.text AS name, o.length, o.size,\n"
    "  CASE WHEN coalesce(o.flags, t.flags) & 8 = 0 THEN coalesce(o.refcount, o.referrers, 1) END AS refcount, coalesce(o.referrers, 1) AS referrers, (SELECT sum(count) FROM c_reference WHERE object = o.id) AS c_references, coalesce(o.flags, t.flags) & 1 AS is_tracked, coalesce(o.flags, t.flags) >> 3 & 1 AS is_pseudo, coalesce(o.flags, t.flags) >> 5 & 1 AS is_immortal, o.holder,\n"
    "  " HTRAIL__SQL_KIND("o.label") " AS holder_kind,\n"
    "  " HTRAIL__SQL_LABEL("o.label") " AS holder_label,\n"
    "  o.depth, CASE WHEN o.depth IS NOT NULL THEN coalesce(o.root, 1) END AS root, (SELECT text FROM object_text WHERE object = o.id) AS text,\n"
    "  (SELECT hash FROM object_text WHERE object = o.id) AS hash, (SELECT site FROM object_site WHERE object = o.id) AS site,\n"
    "  nullif(coalesce(o.dominator, o.holder), 0) AS dominator, coalesce(o.retained, o.size) AS retained, coalesce(o.shared, 0) AS shared,\n"
    "  CASE WHEN o.owner IS NULL THEN " MODULE " ELSE coalesce(w.name, '') END AS owner_module, o.fingerprint & 0xffffffff AS fingerprint, o.age,\n"
    "  coalesce(o.tree_place, (SELECT tree_place FROM heap_object d WHERE d.id = coalesce(o.dominator, o.holder)), 0) AS tree_first,\n"
    "  coalesce(o.tree_place + coalesce(o.tree_below, 0), -1) AS tree_last\n"
    "  FROM heap_object o LEFT JOIN type t ON t.id = o.type\n"
    "  AND o.id BETWEEN t.first_object AND t.last_object LEFT JOIN module m ON m.id = o.module LEFT JOIN name n ON n.id = o.name\n"
    "  LEFT JOIN module w ON w.id = o.owner;\n"
    "CREATE VIEW path AS WITH RECURSIVE down(id, parent, step, key, count, bytes) AS (\n"
    "  SELECT id, parent, step, step, count, bytes FROM heap_path WHERE parent = 0 UNION ALL\n"
    "  SELECT p.id, p.parent, p.step, down.key || ' > ' || p.step, p.count, p.bytes FROM down JOIN heap_path p ON p.parent = down.id)\n"
    "  SELECT id, nullif(parent, 0) AS parent, step, key, count, bytes FROM down;\n"
    /* What the collector had done; NULL where the snapshot does not say. */
    "CREATE VIEW collector AS SELECT\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_collections_0') AS collections_0,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_collections_1') AS collections_1,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_collections_2') AS collections_2,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_listed_0') AS listed_0,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_listed_1') AS listed_1,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_listed_2') AS listed_2,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_frozen') AS frozen,\n"
    "  (SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'gc_pending') AS pending;\n"
    "CREATE VIEW reference AS SELECT e.src, e.dst,\n"
    "  " HTRAIL__SQL_KIND("e.label") " AS kind,\n"
    "  " HTRAIL__SQL_LABEL("e.label") " AS label,\n"
    "  " KEY("e.label") " AS key FROM heap_reference e;\n";

const char htrail__schema_finish_sql[] =
    "CREATE INDEX type_name ON type(name);\n"
    "CREATE INDEX module_name ON module(name);\n"
    "CREATE INDEX name_text ON name(text);\n"
    "CREATE INDEX root_object ON root(object);\n"
    "CREATE INDEX thread_tid ON thread(tid);\n"
    "CREATE INDEX site_caller ON site(caller);\n"
    "CREATE INDEX object_site_site ON object_site(site);\n"
    "INSERT INTO total SELECT 'module', name, objects, bytes, retained, shared FROM module;\n"
    "INSERT INTO total SELECT 'name', text, objects, bytes, retained, shared FROM name WHERE objects > 0;\n";
