/* format/model.h - the model of a heap that encoder and decoder of an object block
 * share: columns, selectors, shapes and the predictors of reference targets. What
 * one side learns from an object the other must learn in the same way, so every
 * update is a function here and is called by both.
 *
 * A shape describes objects that look alike: type, size, length, and for each
 * reference its kind and label. An object that has a shape known in the block costs its
 * number; its references then cost one selector each, which says how the target is
 * found from what was seen before. All of it starts afresh in each block. */
#ifndef HTRAIL_FORMAT_MODEL_H
#define HTRAIL_FORMAT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <htrail/types.h>

/* Columns of an object block. Numbers are in the file: append only. */
typedef enum htrail__column {
    HTRAIL__COLUMN_SHAPE = 1,       /* varint an object: see HTRAIL__SHAPE_* */
    HTRAIL__COLUMN_ADDRESS = 2,     /* zigzag, units, from the last object of its size class; 0: in FAR */
    HTRAIL__COLUMN_REFCOUNT = 3,    /* zigzag from the last of its shape */
    HTRAIL__COLUMN_LENGTH = 4,      /* varint, objects of stretching shapes */
    HTRAIL__COLUMN_DESCRIPTION = 5, /* of objects without a known shape */
    HTRAIL__COLUMN_FAR = 6,         /* zigzag, whole addresses, from the last in FAR */
    HTRAIL__COLUMN_SELECTOR = 7,    /* byte a reference */
    HTRAIL__COLUMN_BACK = 8,        /* varint operand of BACK and TRACKED_BACK */
    HTRAIL__COLUMN_AGE = 9,         /* varint operand of AGE */
    HTRAIL__COLUMN_DELTA = 10,      /* zigzag operand of FROM_LAST and FROM_SOURCE */
    HTRAIL__COLUMN_NAME_OBJECT = 11,/* zigzag, of the object's number from the last named; 0: in NAME_FAR */
    HTRAIL__COLUMN_NAME_LENGTH = 12,/* two varints: bytes shared with the last name, bytes that follow */
    HTRAIL__COLUMN_NAME_MODULE = 13,/* varint: 0 none, 1 as the last, 2 new (length, bytes in TEXT), 3.. number + 3 */
    HTRAIL__COLUMN_TEXT = 14,       /* bytes of names */
    HTRAIL__COLUMN_VALUE_OBJECT = 15, /* zigzag of the object's number from the last with a value; 0: in VALUE_FAR */
    HTRAIL__COLUMN_VALUE_FLAGS = 16,  /* byte: htrail_value_flags, HTRAIL__VALUE_* */
    HTRAIL__COLUMN_VALUE_HASH = 17,   /* 8 bytes, or 1 where the hash is one of the last */
    HTRAIL__COLUMN_VALUE_LENGTH = 18, /* varint */
    HTRAIL__COLUMN_VALUE_TEXT = 19,   /* bytes of contents */
    HTRAIL__COLUMN_NAME_FAR = 20,     /* as FAR, of names */
    HTRAIL__COLUMN_VALUE_FAR = 21,    /* as FAR, of values */
    HTRAIL__COLUMN_TAIL = 22,         /* targets that were still ahead at the end of the block */
    HTRAIL__COLUMN_COUNT = 23
} htrail__column;

enum {
    HTRAIL__SHAPE_ONCE = 0,   /* described in DESCRIPTION, not remembered */
    HTRAIL__SHAPE_NEW = 1,    /* described in DESCRIPTION, remembered under the next number */
    HTRAIL__SHAPE_FIRST = 2,  /* shape number + 2 */

    HTRAIL__SHAPES_MAX = 4096,
    HTRAIL__SHAPE_SLOTS_MAX = 48, /* references of an object that may have a shape */
    HTRAIL__SLOTS_MAX = 32768,    /* of all shapes of a block together */
    HTRAIL__CONTEXTS_MAX = 256,   /* predictors for references outside shapes */
    HTRAIL__SIZE_CLASSES = 34,    /* 16 bytes each up to 512; 0 for what is larger */
    HTRAIL__AGES_MAX = 16384,     /* targets remembered for AGE */
    HTRAIL__TRACKED_MAX = 1 << 16,/* tracked objects remembered for TRACKED_BACK */
    HTRAIL__AHEAD_MAX = 16,       /* as HTRAIL_ANNOUNCE_MAX */
    HTRAIL__HASHES_MAX = 255,     /* hashes remembered for values */

    HTRAIL__BLOCK_OBJECTS_MAX = 1 << 20,
    HTRAIL__BLOCK_REFS_MAX = 1 << 21
};

/* How the target of a reference is found. Numbers are in the file. */
enum {
    HTRAIL__SELECT_NEW = 0,          /* an INLINE object that follows */
    HTRAIL__SELECT_SAME = 1,         /* as the last time in this slot */
    HTRAIL__SELECT_STRIDE = 2,       /* as far from the last as that was from the one before */
    HTRAIL__SELECT_TRACKED_SAME = 3, /* as far in the list of tracked objects as the last time in this slot */
    HTRAIL__SELECT_BACK_SAME = 4,    /* as many objects ago as the last time in this slot */
    HTRAIL__SELECT_OWNER = 5,        /* the last tracked object: itself, or the one it hangs from */
    HTRAIL__SELECT_PREVIOUS = 6,     /* target of the reference before */
    HTRAIL__SELECT_TRACKED_BACK = 7, /* operand in BACK: tracked objects ago */
    HTRAIL__SELECT_BACK = 8,         /* operand in BACK: objects ago */
    HTRAIL__SELECT_AGE = 9,          /* operand in AGE: remembered targets ago */
    HTRAIL__SELECT_FROM_LAST = 10,   /* operand in DELTA: units from the last target in this slot */
    HTRAIL__SELECT_FROM_SOURCE = 11, /* operand in DELTA: units from the object itself */
    HTRAIL__SELECT_FAR = 12,         /* whole address in FAR */
    HTRAIL__SELECT_AHEAD = 16,       /* 16..31: 1 to 16 tracked objects ahead */
    HTRAIL__SELECT_TRACKED_BACK_1 = 32, /* 32..95: 1 to 64 */
    HTRAIL__SELECT_BACK_1 = 96,         /* 96..159: 1 to 64 */
    HTRAIL__SELECT_AGE_1 = 160,         /* 160..255: 1 to 96 */
    HTRAIL__SELECT_AGE_DIRECT = 96,
    HTRAIL__SELECT_BACK_DIRECT = 64
};

/* How a description gives the label of a run of references. */
enum {
    HTRAIL__LABEL_NONE = 0,
    HTRAIL__LABEL_STRING = 1, /* string id, varint */
    HTRAIL__LABEL_OBJECT = 2, /* zigzag units from the last such label, varint; 0: in FAR */
    HTRAIL__LABEL_NUMBER = 3, /* varint */
    HTRAIL__RUN_PAIRS = 15    /* instead of a kind: KEY and VALUE in turn, without label */
};

enum htrail__value_wire_flags { HTRAIL__VALUE_RECENT_HASH = 1 << 7 };

/* What was seen in one place of a shape. */
typedef struct htrail__slot {
    uint64_t last;
    int64_t stride;
    int32_t tracked_distance; /* > 0 ahead */
    int32_t back_distance;
} htrail__slot;

static inline void htrail__slot_learn(htrail__slot *slot, uint64_t target)
{
    slot->stride = (int64_t)(target - slot->last);
    slot->last = target;
}

/* Kind, label and whether the target is the label itself (a key that is a name). */
typedef struct htrail__slot_shape {
    htrail_label label;
    uint32_t kind;
    uint32_t is_name;
} htrail__slot_shape;

typedef struct htrail__shape {
    uint64_t type, size_bytes, length; /* stretching: size_bytes is size - length, length 0 */
    uint64_t refcount;                 /* of the last object; no part of the shape */
    uint32_t flags;                    /* htrail_object_flags, HTRAIL__SHAPE_STRETCHES */
    uint32_t ref_count;
    uint32_t slot_first;
    uint32_t hash;                     /* encoder only */
} htrail__shape;

/* A leaf with a length: strings of one kind share a shape whatever their length. */
enum { HTRAIL__SHAPE_STRETCHES = 1u << 31 };

/* Which predictor serves a reference of an object without a shape. */
static inline unsigned htrail__context_of(uint64_t type, uint32_t kind, uint32_t position)
{
    uint64_t mix = (type >> 4) * 7 + kind * 31 + (position < 6 ? position : 6);
    return (unsigned)((mix * 0x9e3779b97f4a7c15u) >> 56);
}

static inline unsigned htrail__size_class(uint64_t size_bytes)
{
    return size_bytes > 512 ? 0 : (unsigned)((size_bytes + 15) / 16) + 1;
}

#endif
