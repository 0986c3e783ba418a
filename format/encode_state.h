/* format/encode_state.h - what the files of the encoder share: the state of the block being
 * filled, and how a number gets into a column. Included by format/encode_*.c alone. */
#ifndef HTRAIL_FORMAT_ENCODE_STATE_H
#define HTRAIL_FORMAT_ENCODE_STATE_H

#include <string.h>

#include <htrail/writer.h>

#include "format/encode.h"
#include "format/frame.h"
#include "format/model.h"
#include "format/wire.h"

enum {
    RECENTS_BITS = 13,  /* objects and announced ones that a reference may name by distance */
    AGES_BITS = 13,
    SHAPE_HASH_BITS = 13,
    SEEN_BITS = 12,
    TYPES_BITS = 10,
    MODULES_BITS = 8,
    HASHES_BITS = 10,
    NONE = -1,
    VARINTS_PER_REF = 3,        /* most that one reference writes into one column */
    OBJECT_COST = 4,            /* what is written of an object itself, in references */
    CREDIT_MAX = 1 << 11,
    TEXT_OVERHEAD = 64,         /* more than a name or value writes into one column but for its text */
    BLOCK_OBJECTS_FIRST = 1 << 12, /* blocks grow, so that a file cut early, or a small one, has whole ones */
    BLOCK_OBJECTS = 1 << 16,       /* what a reader holds of a block then fits its caches; costs 0 to 6 % of the file */
    UNIT_MASK = (1 << HTRAIL__UNIT_SHIFT) - 1
};

typedef struct column {
    uint8_t *first, *at, *end;
} column;

typedef struct recent {
    uint64_t address;
    int32_t ordinal; /* NONE: announced only */
    int32_t tracked; /* NONE: not in the list */
} recent;

typedef struct age_entry {
    uint64_t address;
    uint32_t position; /* + 1; 0: empty */
} age_entry;

typedef struct type_entry {
    uint64_t type;
    uint32_t number; /* + 1; 0: empty */
} type_entry;

typedef struct module_entry {
    const uint8_t *text; /* in the TEXT column */
    size_t len;
    uint32_t number;
} module_entry;

struct htrail__encoder {
    column columns[HTRAIL__COLUMN_COUNT];
    size_t block_bytes;
    uint32_t block_objects; /* of the block being filled; doubles from block to block */
    uint8_t *out;
    size_t out_bytes;
    int64_t credit;      /* references and objects that surely fit before the next look */
    int64_t text_credit; /* bytes of names and values, each with TEXT_OVERHEAD, likewise */

    htrail__block_counts counts;
    uint64_t target_sum, size_sum;
    uint64_t last_far, last_name_far, last_value_far, last_label;

    /* The object added last, for names. */
    uint64_t last_id;
    int32_t last_ordinal, last_named, last_valued;
    uint64_t last_of_class[HTRAIL__SIZE_CLASSES];

    /* The list of tracked objects: announced[next_tracked & mask] is the one to come. */
    uint64_t announced[HTRAIL__AHEAD_MAX * 2];
    int32_t tracked_now, tracked_end; /* number of the last added; number behind the last announced */
    int32_t tracked_needed;           /* highest one that a reference of this block names */

    uint64_t last_continued;
    uint32_t pending_count;

    uint32_t shape_count, slot_count, shape_before;
    uint32_t age_count, type_count, module_count;
    htrail_str last_name; /* in last_name_text */
    uint32_t last_module; /* as coded: 0 none */
    uint8_t hash_count;

    htrail__slot contexts[HTRAIL__CONTEXTS_MAX];
    recent recents[1 << RECENTS_BITS];
    age_entry ages[1 << AGES_BITS];
    uint16_t shape_hash[1 << SHAPE_HASH_BITS]; /* shape + 1 */
    uint32_t seen[1 << SEEN_BITS];
    type_entry types[1 << TYPES_BITS];
    module_entry modules[1 << MODULES_BITS];
    uint64_t hashes[256];
    uint8_t hash_at[1 << HASHES_BITS];
    uint16_t shape_after[HTRAIL__SHAPES_MAX]; /* shape + 1 that followed the last time */
    htrail__shape shapes[HTRAIL__SHAPES_MAX];
    htrail__slot slots[HTRAIL__SLOTS_MAX];
    htrail__slot_shape slot_shapes[HTRAIL__SLOTS_MAX];
    uint64_t pending[HTRAIL_PENDING_MAX];
    char last_name_text[256];
};

static inline void put_byte(htrail__encoder *e, unsigned number, unsigned value) { *e->columns[number].at++ = (uint8_t)value; }

static inline void put_number(htrail__encoder *e, unsigned number, uint64_t value)
{
    e->columns[number].at = htrail__put_varint(e->columns[number].at, value);
}

static inline void put_signed(htrail__encoder *e, unsigned number, int64_t value)
{
    put_number(e, number, htrail__zigzag(value));
}

static inline void put_far(htrail__encoder *e, uint64_t address)
{
    put_signed(e, HTRAIL__COLUMN_FAR, (int64_t)(address - e->last_far));
    e->last_far = address;
}

static inline void put_bytes(htrail__encoder *e, unsigned number, const char *data, size_t len)
{
    if (len > 0)
        memcpy(e->columns[number].at, data, len);
    e->columns[number].at += len;
}

static inline uint64_t mix(uint64_t value) { return value * 0x9e3779b97f4a7c15u; }

static inline recent *recent_of(htrail__encoder *e, uint64_t address)
{
    return &e->recents[mix(address >> 4) >> (64 - RECENTS_BITS)];
}

#endif
