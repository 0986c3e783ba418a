/* analyze/schema.h - the tables and views of a loaded database. docs/schema.md explains them. */
#ifndef HTRAIL_ANALYZE_SCHEMA_H
#define HTRAIL_ANALYZE_SCHEMA_H

/* A database of another number is loaded anew: raise it with every change of the tables
 * or of what they mean. */
enum { HTRAIL__SCHEMA_VERSION = 11 };

/* The column label of heap_object and heap_reference: what a reference is called.
 *
 *     ..........payload.......... direct(1) kind(4)
 *
 * kind is an htrail_ref_kind, so that asking for it reads no other row. The payload is the
 * id of a label or, where direct is set, the thing itself: the position of an INDEX or STACK
 * reference, the key's object of a VALUE under a key that is no name. */
enum { HTRAIL__CODE_KIND_MASK = 15, HTRAIL__CODE_DIRECT = 16, HTRAIL__CODE_PAYLOAD_SHIFT = 5 };
#define HTRAIL__CODE_PAYLOAD_MAX (UINT32_MAX >> HTRAIL__CODE_PAYLOAD_SHIFT)

extern const char htrail__schema_sql[];
/* Views that stand on those: analyze/views.c. */
extern const char htrail__views_sql[];
/* After the small tables are filled. */
extern const char htrail__schema_finish_sql[];

#endif
