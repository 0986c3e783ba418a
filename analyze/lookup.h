/* analyze/lookup.h - objects and who holds them, one at a time, from a database.
 *
 * Texts (types, names, labels) are numbers into htrail__lookup_texts, so that equal
 * texts compare as numbers.
 *
 * Errors: sticky; the sentence is htrail__lookup_error. */
#ifndef HTRAIL_ANALYZE_LOOKUP_H
#define HTRAIL_ANALYZE_LOOKUP_H

#include <sqlite3.h>
#include <stdbool.h>
#include <htrail/status.h>
#include <htrail/types.h>

#include "analyze/texts.h"

#define HTRAIL__NO_LENGTH UINT64_MAX

/* The label of a VALUE reference is the text of its key where that was recorded, else the
 * type of the key in parentheses, "(int)". */

typedef struct htrail__found_object {
    uint64_t id, address;
    uint64_t length; /* HTRAIL__NO_LENGTH where it has none */
    uint64_t size_bytes;
    uint64_t refcount;    /* 0 where it is no count */
    uint64_t holder;      /* id of the object that holds it on its shortest chain; 0: none does */
    uint32_t holder_kind; /* htrail_ref_kind of that reference */
    uint32_t holder_label, type, module, name, owner; /* texts */
    uint64_t holder_position; /* INDEX, STACK: the position; they have no text */
    uint64_t root;        /* the root of its chain; 0: no root reaches it */
    uint64_t dominator;   /* the nearest object that all its chains lead through; 0: there is none */
    int64_t tree_first, tree_last; /* as in the view `object`: its place in the tree of dominators */
    uint64_t retained_bytes;
} htrail__found_object;

typedef struct htrail__found_holder {
    uint64_t id;
    uint32_t kind, label;
    uint64_t position;
} htrail__found_holder;

typedef struct htrail__found_root {
    uint64_t id;
    uint32_t kind; /* htrail_root_kind */
    uint32_t kind_text, name;
} htrail__found_root;

typedef struct htrail__lookup htrail__lookup;

/* db is borrowed. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_open(htrail__lookup **out, sqlite3 *db, char *message, size_t message_cap);
/* HTRAIL_E_NOT_FOUND (not sticky) where there is no such object. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_object(htrail__lookup *lookup, uint64_t id, htrail__found_object *out);
/* Strong references to the object, at most limit; *holders is borrowed until the next call of
 * this function. *more says that there are others. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_holders(htrail__lookup *lookup, uint64_t id, size_t limit,
                                                       const htrail__found_holder **holders, size_t *count, bool *more);
/* The ids alone, each once and in their order. Borrowed until the next call of this function. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_holder_ids(htrail__lookup *lookup, uint64_t id, size_t limit, const uint64_t **ids, size_t *count, bool *more);
/* One reference of src to dst, a strong one where there is one. HTRAIL_E_NOT_FOUND (not sticky): there is none. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_reference(htrail__lookup *lookup, uint64_t src, uint64_t dst, htrail__found_holder *out);
/* Strong references from the object, likewise: id is what they lead to. Borrowed until the next
 * call of this function. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_references(htrail__lookup *lookup, uint64_t id, size_t limit,
                                                          const htrail__found_holder **references, size_t *count, bool *more);
/* The object that is the class of this one; 0 where the file has none. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_class(htrail__lookup *lookup, uint64_t id, uint64_t *class_id);
/* All holders, counted. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_holder_count(htrail__lookup *lookup, uint64_t id, uint64_t *count);
/* All that it refers to, counted: a dict has two references an item. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_reference_count(htrail__lookup *lookup, uint64_t id, uint64_t *count);
/* The root with this id. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_root(htrail__lookup *lookup, uint64_t root, htrail__found_root *out);
/* The roots that hold the object itself; borrowed until the next call of this function. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_roots_of(htrail__lookup *lookup, uint64_t id, const htrail__found_root **roots,
                                                        size_t *count);
/* Objects and bytes of the whole heap. */
HTRAIL_MUST_CHECK htrail_status htrail__lookup_totals(htrail__lookup *lookup, uint64_t *objects, uint64_t *size_bytes);

htrail__texts *htrail__lookup_texts(htrail__lookup *lookup);
/* A NUL-terminated copy in a buffer of the lookup's: borrowed until 8 calls later. */
const char *htrail__lookup_text(htrail__lookup *lookup, uint32_t text);
const char *htrail__lookup_error(const htrail__lookup *lookup);
void htrail__lookup_free(htrail__lookup *lookup);

#endif
