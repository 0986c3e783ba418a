/* format/decode_state.h - what the files of the decoder share: the state of the block being
 * read, and how a number comes out of a column. Included by format/decode_*.c alone. */
#ifndef HTRAIL_FORMAT_DECODE_STATE_H
#define HTRAIL_FORMAT_DECODE_STATE_H

#include <stdbool.h>

#include "format/decode.h"
#include "format/model.h"
#include "format/wire.h"

enum {
    COLUMNS_RAW_MAX = 32 << 20, /* all columns of a block together, decompressed */
    AHEAD_MASK = HTRAIL__AHEAD_MAX * 2 - 1,
    OBJECT_FLAGS = HTRAIL_OBJECT_TRACKED | HTRAIL_OBJECT_INLINE | HTRAIL_OBJECT_CONTINUED | HTRAIL_OBJECT_PSEUDO |
                   HTRAIL_OBJECT_LENGTH | HTRAIL_OBJECT_IMMORTAL
};

/* A growing array of a block's things; reused from block to block. */
typedef struct buffer {
    void *data;
    size_t bytes;
} buffer;

struct htrail__decoder {
    uint64_t max_memory, held;
    uint32_t max_string;
    unsigned unit_shift;
    char reason[160];

    htrail__cursor columns[HTRAIL__COLUMN_COUNT];
    buffer raw, objects, refs, names, values, tracked, ordinals, types, modules, texts;
    uint32_t record_max, object_max, part_max, ref_max, name_max, value_max;

    uint64_t last_far, last_label;
    uint64_t last_of_class[HTRAIL__SIZE_CLASSES];
    uint32_t shape_count, slot_count;
    uint32_t type_count;
    uint32_t age_count;

    uint32_t ref_count;    /* decoded so far */
    uint32_t record_count; /* objects and parts */
    uint32_t ordinal_count, tracked_count;
    uint32_t pending_top; /* the NEW reference on top of those that wait, + 1 */
    uint32_t ahead[HTRAIL__AHEAD_MAX * 2]; /* first reference that waits for a tracked object */
    uint32_t ahead_most;                   /* number of tracked objects that references wait for */
    uint64_t size_sum;

    htrail__slot contexts[HTRAIL__CONTEXTS_MAX];
    htrail__shape shapes[HTRAIL__SHAPES_MAX];
    htrail__slot slots[HTRAIL__SLOTS_MAX];
    htrail__slot_shape slot_shapes[HTRAIL__SLOTS_MAX];
    uint64_t ages[HTRAIL__AGES_MAX];
    uint64_t hashes[256];
};

/* Room for count things of item_bytes; what the buffer held is lost. */
htrail_status htrail__decoder_reserve(htrail__decoder *d, buffer *b, uint64_t count, size_t item_bytes);

/* The block is damaged in this way: keeps the reason, returns HTRAIL_E_CORRUPT. */
htrail_status htrail__decoder_corrupt(htrail__decoder *d, const char *what);

/* The steps of a block, in this order: each record, the tail, names, values. */
htrail_status htrail__decode_object(htrail__decoder *d);
htrail_status htrail__decode_tail(htrail__decoder *d);
htrail_status htrail__decode_names(htrail__decoder *d);
htrail_status htrail__decode_values(htrail__decoder *d);

static inline uint64_t next_number(htrail__decoder *d, unsigned column) { return htrail__next_varint(&d->columns[column]); }

#endif
