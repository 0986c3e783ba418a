/* analyze/schema.h - the tables and views of a loaded database. docs/schema.md explains them. */
#ifndef HTRAIL_ANALYZE_SCHEMA_H
#define HTRAIL_ANALYZE_SCHEMA_H

/* A database of another number is loaded anew: raise it with every change of the tables
 * or of what they mean. */
enum { HTRAIL__SCHEMA_VERSION = 13 };

/* The column label of heap_object and heap_reference: what a reference is called.
 *
 *     ..........payload.......... direct(1) kind(4)
 *
 * kind is an htrail_ref_kind, so that asking for it reads no other row. The payload is the
 * id of a label or, where direct is set, the thing itself: the position of an INDEX or STACK
 * reference, the key's object of a VALUE under a key that is no name. */
enum { HTRAIL__CODE_KIND_MASK = 15, HTRAIL__CODE_DIRECT = 16, HTRAIL__CODE_PAYLOAD_SHIFT = 5 };
#define HTRAIL__CODE_PAYLOAD_MAX (UINT32_MAX >> HTRAIL__CODE_PAYLOAD_SHIFT)

/* In SQL: the words for a code, as the views have them. Queries over all of a heap compare codes, and ask for words last. */
#define HTRAIL__SQL_KIND(code)                                                                                            \
    "CASE " code " & 15 WHEN 1 THEN 'index' WHEN 3 THEN 'value' WHEN 2 THEN 'key' WHEN 6 THEN 'field' WHEN 4 THEN 'attr' " \
    "WHEN 12 THEN 'weak' WHEN 5 THEN 'slot' WHEN 8 THEN 'cell' WHEN 7 THEN 'local' WHEN 9 THEN 'default' "               \
    "WHEN 10 THEN 'offset' WHEN 11 THEN 'stack' WHEN 0 THEN 'plain' END"
#define HTRAIL__SQL_LABEL(code)                                                                                           \
    "CASE WHEN " code " & 16 = 0 THEN (SELECT text FROM label WHERE id = " code " >> 5) WHEN " code " & 15 = 3 THEN "  \
    "coalesce((SELECT text FROM object_text WHERE object = " code " >> 5), "                                 \
    "(SELECT '(' || t.name || ')' FROM heap_object k JOIN type t ON t.id = k.type WHERE k.id = " code " >> 5)) "       \
    "ELSE CAST(" code " >> 5 AS TEXT) END"

extern const char htrail__schema_sql[];
/* Views that stand on those: analyze/views.c. */
extern const char htrail__views_sql[];
/* After the small tables are filled. */
extern const char htrail__schema_finish_sql[];

#endif
