/* analyze/waste_build.h - what the files analyze/waste_*.c share: one search for waste, in the order of its steps.
 *
 *     read        types, labels and names; a pass over the objects, one over the texts' hashes, one over the references
 *     same        which texts and tuples are equal
 *     containers  those with more room than items
 *     slots       instances whose class could have slots
 *     fields      sums, by the field that holds what was found or otherwise
 *
 * What each means is said by the query of analyze/waste.c, in SQL; here are the same rules over arrays. Ids of objects run
 * from 1 without a gap, and what the database says is not believed: a number that leads nowhere leads to nothing. */
#ifndef HTRAIL_ANALYZE_WASTE_BUILD_H
#define HTRAIL_ANALYZE_WASTE_BUILD_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/types.h>

#include "analyze/btree.h"
#include "analyze/id_set.h"
#include "analyze/key_set.h"
#include "analyze/schema.h"
#include "analyze/texts.h"

enum { HTRAIL__WASTE_TUPLE_DEPTH = 8, HTRAIL__WASTE_SLOTS_MAX = 30, HTRAIL__WASTE_STEPS = 8 };

typedef enum htrail__waste_kind {
    HTRAIL__WASTE_DUPLICATE,
    HTRAIL__WASTE_EMPTY,
    HTRAIL__WASTE_NEARLY_EMPTY,
    HTRAIL__WASTE_OVER_ALLOCATED,
    HTRAIL__WASTE_SLOTS,
    HTRAIL__WASTE_KINDS
} htrail__waste_kind;

typedef enum htrail__waste_key { HTRAIL__WASTE_BY_FIELD, HTRAIL__WASTE_BY_TYPE, HTRAIL__WASTE_BY_OWNER, HTRAIL__WASTE_BY_KIND, HTRAIL__WASTE_KEYS } htrail__waste_key;

/* What a type is to the search: bits. */
enum { HTRAIL__WASTE_IS_CONTAINER = 1, HTRAIL__WASTE_IS_TUPLE = 2, HTRAIL__WASTE_IS_INSTANCE = 4 };

typedef enum htrail__waste_container {
    HTRAIL__WASTE_OTHER,
    HTRAIL__WASTE_LIST,
    HTRAIL__WASTE_SET,
    HTRAIL__WASTE_FROZENSET,
    HTRAIL__WASTE_DICT, /* and defaultdict, which is laid out alike */
    HTRAIL__WASTE_BYTEARRAY
} htrail__waste_container;

typedef struct htrail__waste_type {
    uint32_t name, module; /* texts */
    unsigned parts;
    htrail__waste_container container;
    bool is_number;
    int64_t basic_size;
} htrail__waste_type;

/* holder: 0 a root, whose id is then label; garbage: HTRAIL__WASTE_GARBAGE. */
typedef struct htrail__waste_object {
    uint32_t type, holder, label, name;
    int64_t size, length; /* HTRAIL__BTREE_NULL: it has none */
} htrail__waste_object;
#define HTRAIL__WASTE_GARBAGE UINT32_MAX

typedef struct htrail__waste_ids {
    uint32_t *ids;
    uint32_t count;
    size_t room;
} htrail__waste_ids;

typedef struct htrail__waste_sum {
    int64_t objects, bytes, back, example;
} htrail__waste_sum;

/* A row of the result. Texts that its key has none of are 0, the empty one. */
typedef struct htrail__waste_row {
    htrail__waste_kind kind;
    uint32_t type, place; /* place: the field or the owner */
    htrail__waste_sum sum;
} htrail__waste_row;

typedef struct htrail__waste {
    sqlite3 *db;
    bool wanted[HTRAIL__WASTE_KINDS];
    htrail__waste_key by;
    char *message;
    size_t message_cap;

    htrail__texts texts;
    htrail__waste_type *types; /* by id */
    uint32_t *labels, *names, *root_kinds, *modules; /* texts, by id */
    uint32_t type_count, label_count, name_count, root_count, module_count;
    uint32_t dict_label; /* the text "__dict__" */

    htrail__waste_object *objects; /* by id; [0] is none */
    uint32_t object_count;
    size_t object_room;
    uint64_t *owners; /* by id: whose it is, with WASTE_BY_OWNER alone */
    size_t owner_room;
    htrail__waste_ids containers, tuples, instances; /* in the order of ids, garbage left out */
    htrail__id_set has_text;
    int64_t list_head, list_base, set_base; /* HTRAIL__BTREE_NULL: not known */

    uint32_t *first;                     /* by id: of those that are equal the one nearest to a root; 0: itself */
    uint32_t *items;                     /* of tuples, end to end */
    uint32_t item_count;
    size_t item_room;
    uint64_t *item_starts;               /* by tuple, one more; a tuple whose items are not all known has none */
    uint32_t *dicts;                     /* by instance: its dict, 0 none */
    uint32_t *types_of_dict;             /* by id: of the instances whose dict it is */
    htrail__key_set attributes;          /* type, code | inline bit: HTRAIL__WASTE_INLINE */
    struct {
        uint32_t instance, dict;         /* a dict that stands before its instance, or that several types share */
    } *late;
    uint32_t late_count;
    size_t late_room;

    htrail__key_set spots;
    htrail__waste_sum *sums; /* by spot */
    size_t sum_room;
    uint32_t *bracketed;     /* by type: the text "(name)", 0 not made yet */
    htrail__waste_row *rows;
    size_t row_count;
} htrail__waste;

enum { HTRAIL__WASTE_INLINE_SHIFT = 32 };

/* As the query has them: waste.c. */
const char *htrail__waste_kind_name(htrail__waste_kind kind);
const char *htrail__waste_key_name(htrail__waste_key key);
htrail_status htrail__waste_runtime(sqlite3 *db, unsigned *major, unsigned *minor);

/* Each returns HTRAIL_OK, or another status with a sentence in message. */
htrail_status htrail__waste_fail(htrail__waste *w, htrail_status status, const char *what);
htrail_status htrail__waste_read(htrail__waste *w);            /* waste_read.c: tables and objects */
htrail_status htrail__waste_read_references(htrail__waste *w); /* waste_references.c */
htrail_status htrail__waste_find_same(htrail__waste *w);       /* waste_same.c */
htrail_status htrail__waste_find_containers(htrail__waste *w, unsigned major, unsigned minor); /* waste_containers.c */
htrail_status htrail__waste_find_slots(htrail__waste *w);      /* waste_slots.c */
/* What was found, added to its sum: waste_sums.c. */
htrail_status htrail__waste_add(htrail__waste *w, htrail__waste_kind kind, uint32_t id, int64_t bytes, int64_t back);
htrail_status htrail__waste_finish(htrail__waste *w); /* rows, in their order */
/* The text of a reference as the view `reference` has it: waste_fields.c. */
htrail_status htrail__waste_label(htrail__waste *w, uint32_t code, uint32_t *text);
/* The field that holds an object: analyze/waste.c says how far is looked. */
htrail_status htrail__waste_field(htrail__waste *w, uint32_t id, uint32_t *text);

static inline const htrail__waste_object *htrail__waste_object_at(const htrail__waste *w, uint32_t id)
{
    return id > 0 && id <= w->object_count ? &w->objects[id] : NULL;
}
static inline const htrail__waste_type *htrail__waste_type_at(const htrail__waste *w, uint32_t id)
{
    static const htrail__waste_type none = {0};
    return id < w->type_count ? &w->types[id] : &none;
}
static inline unsigned htrail__waste_ref_kind(uint32_t code) { return code & HTRAIL__CODE_KIND_MASK; }
/* A value under a key that is no name. */
static inline bool htrail__waste_is_under_key(uint32_t code) { return (code & (HTRAIL__CODE_KIND_MASK | HTRAIL__CODE_DIRECT)) == (HTRAIL_REF_VALUE | HTRAIL__CODE_DIRECT); }
static inline bool htrail__waste_is_known(int64_t value) { return value != HTRAIL__BTREE_NULL; }

#endif
