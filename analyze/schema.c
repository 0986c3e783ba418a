/* analyze/schema.c - see the header.
 *
 * heap_object and heap_reference hold integers only, written by analyze/btree.c; views
 * put the texts on. A reference by which an object is held on its shortest chain is no
 * row: it is columns of the object it leads to (holder, label), and since objects held
 * by one are numbered one after the other (analyze/reach.h) it is found from both ends.
 *
 *     label code  ...payload... tag(2)    0: label.id  1: index  2: value under the key
 *                                         object payload  3: stack position */
#include "analyze/schema.h"

#define KIND(code)                                                                                                      \
    "CASE " code " & 3 WHEN 0 THEN (SELECT kind FROM label WHERE id = " code " >> 2) WHEN 1 THEN 'index' "             \
    "WHEN 2 THEN 'value' WHEN 3 THEN 'stack' END"
#define LABEL(code)                                                                                                     \
    "CASE " code " & 3 WHEN 0 THEN (SELECT text FROM label WHERE id = " code " >> 2) WHEN 2 THEN "                     \
    "coalesce((SELECT text FROM object_text WHERE object = " code " >> 2), "                                           \
    "(SELECT '(' || t.name || ')' FROM heap_object k JOIN type t ON t.id = k.type WHERE k.id = " code " >> 2)) "       \
    "ELSE CAST(" code " >> 2 AS TEXT) END"
#define KEY(code) "CASE " code " & 3 WHEN 2 THEN " code " >> 2 END"

const char htrail__schema_sql[] =
    "CREATE TABLE snapshot(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE type(id INTEGER PRIMARY KEY, name TEXT NOT NULL, module TEXT NOT NULL, qualname TEXT NOT NULL,\n"
    "  address INTEGER NOT NULL, object INTEGER, base INTEGER, basic_size INTEGER NOT NULL, item_size INTEGER NOT NULL,\n"
    "  is_heap INTEGER NOT NULL, is_pseudo INTEGER NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);\n"
    "CREATE TABLE module(id INTEGER PRIMARY KEY, name TEXT NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);\n"
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);\n"
    "CREATE TABLE label(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL);\n"
    "CREATE TABLE root(id INTEGER PRIMARY KEY, object INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,\n"
    "  thread INTEGER, depth INTEGER);\n"
    "CREATE TABLE object_text(object INTEGER PRIMARY KEY, text TEXT, hash INTEGER, is_cut INTEGER NOT NULL);\n"
    "CREATE TABLE total(\"by\" TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  PRIMARY KEY(\"by\", key)) WITHOUT ROWID;\n"
    "CREATE TABLE heap_object(id INTEGER PRIMARY KEY, address INTEGER NOT NULL, type INTEGER NOT NULL, module INTEGER NOT NULL,\n"
    "  size INTEGER NOT NULL, refcount INTEGER, flags INTEGER NOT NULL, root INTEGER, depth INTEGER, holder INTEGER,\n"
    "  label INTEGER, length INTEGER, first_child INTEGER, child_count INTEGER NOT NULL DEFAULT 0,\n"
    "  name INTEGER NOT NULL DEFAULT 0);\n"
    "CREATE TABLE heap_reference(src INTEGER NOT NULL, dst INTEGER NOT NULL, label INTEGER NOT NULL,\n"
    "  PRIMARY KEY(src, dst, label)) WITHOUT ROWID;\n"
    "CREATE INDEX heap_object_type ON heap_object(type);\n"
    "CREATE INDEX heap_referrer ON heap_reference(dst);\n"
    "CREATE VIEW object AS SELECT o.id, o.address, t.name AS type, m.name AS module, n.text AS name, o.length, o.size,\n"
    "  o.refcount, o.flags & 1 AS is_tracked, o.flags >> 3 & 1 AS is_pseudo, o.flags >> 5 & 1 AS is_immortal, o.holder,\n"
    "  " KIND("o.label") " AS holder_kind,\n"
    "  " LABEL("o.label") " AS holder_label,\n"
    "  o.depth, o.root, (SELECT text FROM object_text WHERE object = o.id) AS text,\n"
    "  (SELECT hash FROM object_text WHERE object = o.id) AS hash\n"
    "  FROM heap_object o LEFT JOIN type t ON t.id = o.type LEFT JOIN module m ON m.id = o.module LEFT JOIN name n ON n.id = o.name;\n"
    "CREATE VIEW reference AS SELECT p.id AS src, c.id AS dst,\n"
    "  " KIND("c.label") " AS kind,\n"
    "  " LABEL("c.label") " AS label,\n"
    "  " KEY("c.label") " AS key\n"
    "  FROM heap_object p JOIN heap_object c ON c.id BETWEEN p.first_child AND p.first_child + p.child_count - 1 AND c.holder = p.id\n"
    "  UNION ALL SELECT r.src, r.dst,\n"
    "  " KIND("r.label") ",\n"
    "  " LABEL("r.label") ",\n"
    "  " KEY("r.label") " FROM heap_reference r;\n";

const char htrail__schema_finish_sql[] =
    "CREATE INDEX type_name ON type(name);\n"
    "CREATE INDEX module_name ON module(name);\n"
    "CREATE INDEX name_text ON name(text);\n"
    "CREATE INDEX root_object ON root(object);\n"
    "INSERT INTO total SELECT 'type', name, sum(objects), sum(bytes) FROM type WHERE objects > 0 GROUP BY name;\n"
    "INSERT INTO total SELECT 'module', name, objects, bytes FROM module;\n"
    "INSERT INTO total SELECT 'name', text, objects, bytes FROM name WHERE objects > 0;\n";
