/* format/encode_block.c - a block of the encoder from its beginning to its bytes: where its
 * columns lie, what still fits, what is written of it. */
#include "format/encode_state.h"

/* Capacities as fractions of a block, in 1/64: what each column was seen to need, doubled. */
static const uint8_t column_share[HTRAIL__COLUMN_COUNT] = {
    [HTRAIL__COLUMN_SHAPE] = 16,       [HTRAIL__COLUMN_ADDRESS] = 16,     [HTRAIL__COLUMN_REFCOUNT] = 10,
    [HTRAIL__COLUMN_LENGTH] = 8,       [HTRAIL__COLUMN_DESCRIPTION] = 16, [HTRAIL__COLUMN_FAR] = 8,
    [HTRAIL__COLUMN_SELECTOR] = 28,    [HTRAIL__COLUMN_BACK] = 12,        [HTRAIL__COLUMN_AGE] = 16,
    [HTRAIL__COLUMN_DELTA] = 20,       [HTRAIL__COLUMN_NAME_OBJECT] = 3,  [HTRAIL__COLUMN_NAME_LENGTH] = 4,
    [HTRAIL__COLUMN_NAME_MODULE] = 2,  [HTRAIL__COLUMN_TEXT] = 16,        [HTRAIL__COLUMN_VALUE_OBJECT] = 3,
    [HTRAIL__COLUMN_VALUE_FLAGS] = 3,  [HTRAIL__COLUMN_VALUE_HASH] = 16,  [HTRAIL__COLUMN_VALUE_LENGTH] = 3,
    [HTRAIL__COLUMN_VALUE_TEXT] = 16,  [HTRAIL__COLUMN_NAME_FAR] = 3,     [HTRAIL__COLUMN_VALUE_FAR] = 2,
};

enum { TAIL_BYTES = (HTRAIL_PENDING_MAX + HTRAIL__AHEAD_MAX + 2) * HTRAIL__VARINT_MAX };

/* Whatever the share, an empty block takes one object with all the references it may have. */
static size_t column_bytes(unsigned number, size_t block_bytes)
{
    size_t share = (block_bytes / 64 * column_share[number] + 63) & ~(size_t)63, least = 2048;
    if (number == HTRAIL__COLUMN_TAIL)
        return TAIL_BYTES;
    if (number <= HTRAIL__COLUMN_DELTA)
        least = (HTRAIL_REFS_MAX + OBJECT_COST + 4) * VARINTS_PER_REF * HTRAIL__VARINT_MAX;
    return share > least ? share : least;
}

static size_t columns_bytes(size_t block_bytes)
{
    size_t bytes = 0;
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++)
        bytes += column_bytes(i, block_bytes);
    return bytes;
}

/* A block is begun while its columns hold block_bytes at most, and may then grow by what
 * credit and has_room_for_text allow. */
static size_t out_bytes(size_t block_bytes)
{
    return block_bytes + block_bytes / 4 + CREDIT_MAX * 4 * HTRAIL__VARINT_MAX + TAIL_BYTES + 4096;
}

size_t htrail__encoder_bytes(size_t block_bytes)
{
    return ((sizeof(htrail__encoder) + 63) & ~(size_t)63) + columns_bytes(block_bytes) + out_bytes(block_bytes);
}

size_t htrail__encoder_text_max(const htrail__encoder *e) { return e->block_bytes / 8; }

static void begin_block(htrail__encoder *e)
{
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++)
        e->columns[i].at = e->columns[i].first;
    memset(&e->counts, 0, sizeof e->counts);
    e->credit = e->text_credit = 0;
    e->target_sum = e->size_sum = 0;
    e->last_far = e->last_name_far = e->last_value_far = e->last_label = 0;
    e->last_id = 0;
    e->last_ordinal = -1;
    e->last_named = e->last_valued = -1;
    memset(e->last_of_class, 0, sizeof e->last_of_class);
    e->pending_count = 0;
    e->shape_count = e->slot_count = e->shape_before = 0;
    e->age_count = e->type_count = e->module_count = 0;
    e->last_name = (htrail_str){e->last_name_text, 0};
    e->last_module = 0;
    e->hash_count = 0;
    memset(e->contexts, 0, sizeof e->contexts);
    memset(e->recents, 0, sizeof e->recents);
    memset(e->ages, 0, sizeof e->ages);
    memset(e->shape_hash, 0, sizeof e->shape_hash);
    memset(e->seen, 0, sizeof e->seen);
    memset(e->types, 0, sizeof e->types);
    memset(e->modules, 0, sizeof e->modules);
    memset(e->hashes, 0, sizeof e->hashes);
    memset(e->hash_at, 0, sizeof e->hash_at);
}

htrail__encoder *htrail__encoder_init(void *memory, size_t block_bytes)
{
    htrail__encoder *e = memory;
    uint8_t *at = (uint8_t *)memory + ((sizeof *e + 63) & ~(size_t)63);
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++) {
        e->columns[i].first = at;
        at += column_bytes(i, block_bytes);
        e->columns[i].end = at;
    }
    e->block_bytes = block_bytes;
    e->block_objects = BLOCK_OBJECTS_FIRST;
    e->out = at;
    e->out_bytes = out_bytes(block_bytes);
    e->tracked_now = e->tracked_needed = -1;
    begin_block(e);
    return e;
}

static size_t raw_bytes_of(const htrail__encoder *e)
{
    size_t raw = 0;
    for (unsigned i = HTRAIL__COLUMN_SHAPE; i < HTRAIL__COLUMN_TAIL; i++)
        raw += (size_t)(e->columns[i].at - e->columns[i].first);
    return raw;
}

/* References and objects that fit whatever they need: every one of them writes at most
 * VARINTS_PER_REF varints into a column. */
static int64_t credit_of(const htrail__encoder *e)
{
    size_t least = SIZE_MAX;
    for (unsigned i = HTRAIL__COLUMN_SHAPE; i <= HTRAIL__COLUMN_DELTA; i++) {
        const column *c = &e->columns[i];
        size_t room = (size_t)(c->end - c->at);
        if (i == HTRAIL__COLUMN_SELECTOR)
            room *= VARINTS_PER_REF * HTRAIL__VARINT_MAX;
        least = room < least ? room : least;
    }
    if (raw_bytes_of(e) > e->block_bytes || e->counts.objects + e->counts.parts >= e->block_objects ||
        e->counts.refs >= HTRAIL__BLOCK_REFS_MAX / 2)
        return 0;
    int64_t credit = (int64_t)(least / (VARINTS_PER_REF * HTRAIL__VARINT_MAX));
    return credit < CREDIT_MAX ? credit : CREDIT_MAX;
}

bool htrail__encoder_has_room(htrail__encoder *e, uint32_t ref_count)
{
    int64_t cost = (int64_t)ref_count + OBJECT_COST;
    if (e->credit >= cost)
        return true;
    e->credit = credit_of(e);
    return e->credit >= cost;
}

/* Bytes that fit, in names or in values, whatever share of them each column takes. */
static int64_t text_credit_of(const htrail__encoder *e)
{
    size_t least = SIZE_MAX;
    if (raw_bytes_of(e) > e->block_bytes)
        return 0;
    for (unsigned i = HTRAIL__COLUMN_NAME_OBJECT; i < HTRAIL__COLUMN_TAIL; i++) {
        const column *c = &e->columns[i];
        size_t room = (size_t)(c->end - c->at);
        /* Numbers are written only as part of the overhead; a third of that at most each. */
        if (i != HTRAIL__COLUMN_TEXT && i != HTRAIL__COLUMN_VALUE_TEXT)
            room *= 2;
        least = room < least ? room : least;
    }
    return (int64_t)least;
}

bool htrail__encoder_has_room_for_text(htrail__encoder *e, size_t text_bytes)
{
    int64_t cost = (int64_t)text_bytes + TEXT_OVERHEAD;
    if (e->text_credit < cost) {
        e->text_credit = text_credit_of(e);
        if (e->text_credit < cost)
            return false;
    }
    e->text_credit -= cost;
    return true;
}

/* Targets that the block names and that come after it: the pending ones, top first, and
 * the announced ones up to the last that a reference named. */
static void put_tail(htrail__encoder *e)
{
    uint64_t last = 0;
    int32_t ahead = e->tracked_needed > e->tracked_now ? e->tracked_needed - e->tracked_now : 0;
    if (e->pending_count == 0 && ahead == 0)
        return;
    put_number(e, HTRAIL__COLUMN_TAIL, e->pending_count);
    for (uint32_t i = e->pending_count; i-- > 0; last = e->pending[i])
        put_signed(e, HTRAIL__COLUMN_TAIL, (int64_t)(e->pending[i] - last));
    put_number(e, HTRAIL__COLUMN_TAIL, (uint64_t)ahead);
    for (int32_t i = 1; i <= ahead; i++) {
        uint64_t address = e->announced[(e->tracked_now + i) % (HTRAIL__AHEAD_MAX * 2)];
        put_signed(e, HTRAIL__COLUMN_TAIL, (int64_t)(address - last));
        last = address;
    }
}

const uint8_t *htrail__encoder_finish(htrail__encoder *e, htrail__packer *packer, size_t *payload_bytes,
                                      size_t *raw_bytes, htrail__block_counts *counts)
{
    const htrail__block_counts *own = &e->counts;
    uint8_t *at = e->out, *end = e->out + e->out_bytes;
    unsigned used = 0;
    size_t raw = 0;

    if (own->objects + own->parts + own->names + own->values == 0)
        return NULL;
    put_tail(e);
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++)
        used += e->columns[i].at > e->columns[i].first;
    at = htrail__put_varint(at, own->objects);
    at = htrail__put_varint(at, own->parts);
    at = htrail__put_varint(at, own->refs);
    at = htrail__put_varint(at, own->names);
    at = htrail__put_varint(at, own->values);
    htrail__put_u64(at, e->size_sum);
    htrail__put_u64(at + 8, e->target_sum);
    at += 16;
    at = htrail__put_varint(at, used);
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++) {
        const column *c = &e->columns[i];
        size_t len = (size_t)(c->at - c->first);
        if (len == 0)
            continue;
        /* Number and raw length, then the stored length in a fixed place: it is known last. */
        *at++ = (uint8_t)i;
        at = htrail__put_varint(at, len);
        uint8_t *stored_at = at;
        at += 4;
        size_t stored = (size_t)(end - at) >= htrail__pack_bound(len)
                            ? htrail__pack(packer, at, (size_t)(end - at), c->first, len)
                            : 0;
        if (stored == 0) {
            memcpy(at, c->first, len);
            stored = len;
        }
        htrail__put_u32(stored_at, (uint32_t)stored);
        at += stored;
        raw += len;
    }
    *payload_bytes = (size_t)(at - e->out);
    *raw_bytes = raw;
    *counts = *own;
    counts->size_bytes = e->size_sum;

    /* The next block knows nothing but what is announced. */
    int32_t ahead = e->tracked_end - e->tracked_now - 1;
    uint64_t carried[HTRAIL__AHEAD_MAX * 2];
    for (int32_t i = 0; i < ahead; i++)
        carried[i] = e->announced[(e->tracked_now + 1 + i) % (HTRAIL__AHEAD_MAX * 2)];
    begin_block(e);
    e->block_objects = e->block_objects < BLOCK_OBJECTS ? e->block_objects * 2 : BLOCK_OBJECTS;
    e->tracked_now = e->tracked_needed = -1;
    e->tracked_end = 0;
    for (int32_t i = 0; i < ahead; i++)
        (void)htrail__encoder_announce(e, carried[i]);
    return e->out;
}
