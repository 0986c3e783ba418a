/* format/encode.c - see encode.h. Hot: add_object runs once an object while the target
 * waits. */
#include "format/encode.h"

#include <string.h>

#include <htrail/writer.h>

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
    MODULES_MAX = 1 << 12,
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

static inline void put_byte(htrail__encoder *e, unsigned number, unsigned value) { *e->columns[number].at++ = (uint8_t)value; }

static inline void put_number(htrail__encoder *e, unsigned number, uint64_t value)
{
    e->columns[number].at = htrail__put_varint(e->columns[number].at, value);
}

static inline void put_signed(htrail__encoder *e, unsigned number, int64_t value)
{
    put_number(e, number, htrail__zigzag(value));
}

static void put_far(htrail__encoder *e, uint64_t address)
{
    put_signed(e, HTRAIL__COLUMN_FAR, (int64_t)(address - e->last_far));
    e->last_far = address;
}

static void put_bytes(htrail__encoder *e, unsigned number, const char *data, size_t len)
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

static size_t raw_bytes_of(const htrail__encoder *e)
{
    size_t raw = 0;
    for (unsigned i = HTRAIL__COLUMN_SHAPE; i < HTRAIL__COLUMN_TAIL; i++)
        raw += (size_t)(e->columns[i].at - e->columns[i].first);
    return raw;
}

static inline age_entry *age_of(htrail__encoder *e, uint64_t address)
{
    return &e->ages[mix(address >> 4) >> (64 - AGES_BITS)];
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

const char *htrail__encoder_announce(htrail__encoder *e, htrail_id id)
{
    if (e->tracked_end - e->tracked_now - 1 >= HTRAIL__AHEAD_MAX)
        return "more objects were announced than may be ahead";
    e->announced[e->tracked_end % (HTRAIL__AHEAD_MAX * 2)] = id;
    *recent_of(e, id) = (recent){id, NONE, e->tracked_end};
    e->tracked_end++;
    return NULL;
}

/* Remember a target that cost something to name, so that it is named by its age again. */
static inline void remember_age(htrail__encoder *e, uint64_t target)
{
    *age_of(e, target) = (age_entry){target, ++e->age_count};
}

static inline uint8_t *encode_target(htrail__encoder *e, uint8_t *selector, uint64_t source, uint64_t target,
                                     uint64_t *previous, htrail__slot *slot)
{
    const recent *near = recent_of(e, target);
    bool is_near = near->address == target;
    int32_t distance = 0;

    if (is_near && near->tracked != NONE) {
        distance = near->tracked - e->tracked_now;
        if (distance > 0) { /* ahead: the reader does not know the target yet, so nothing is learned of it */
            unsigned choice = distance == slot->tracked_distance ? HTRAIL__SELECT_TRACKED_SAME
                                                                 : HTRAIL__SELECT_AHEAD + (unsigned)distance - 1;
            slot->tracked_distance = distance;
            if (near->tracked > e->tracked_needed)
                e->tracked_needed = near->tracked;
            *selector++ = (uint8_t)choice;
            return selector;
        }
    }
    if (target == slot->last) {
        *selector++ = HTRAIL__SELECT_SAME;
        slot->stride = 0;
        *previous = target;
        return selector;
    }
    if (is_near && near->tracked != NONE && -distance < HTRAIL__TRACKED_MAX) {
        if (distance == slot->tracked_distance) {
            *selector++ = HTRAIL__SELECT_TRACKED_SAME;
        } else if (target == slot->last + (uint64_t)slot->stride) {
            *selector++ = HTRAIL__SELECT_STRIDE;
        } else if (target == *previous) {
            *selector++ = HTRAIL__SELECT_PREVIOUS;
        } else {
            if (distance == 0) {
                *selector++ = HTRAIL__SELECT_OWNER;
            } else if (-distance <= HTRAIL__SELECT_BACK_DIRECT) {
                *selector++ = (uint8_t)(HTRAIL__SELECT_TRACKED_BACK_1 - distance - 1);
            } else {
                *selector++ = HTRAIL__SELECT_TRACKED_BACK;
                put_number(e, HTRAIL__COLUMN_BACK, (uint64_t)-distance);
            }
            slot->tracked_distance = distance;
        }
        htrail__slot_learn(slot, target);
        *previous = target;
        return selector;
    }
    if (target == slot->last + (uint64_t)slot->stride) {
        *selector++ = HTRAIL__SELECT_STRIDE;
        htrail__slot_learn(slot, target);
        *previous = target;
        return selector;
    }
    int32_t back = is_near && near->ordinal != NONE ? e->last_ordinal - near->ordinal : 0;
    if (back != 0 && back == slot->back_distance) {
        *selector++ = HTRAIL__SELECT_BACK_SAME;
        htrail__slot_learn(slot, target);
        *previous = target;
        return selector;
    }
    if (target == *previous) {
        *selector++ = HTRAIL__SELECT_PREVIOUS;
        htrail__slot_learn(slot, target);
        *previous = target;
        return selector;
    }
    const age_entry *aged = age_of(e, target);
    uint32_t age = aged->position != 0 && aged->address == target ? e->age_count - aged->position + 1 : 0;
    if (age > HTRAIL__AGES_MAX)
        age = 0;
    if (back > 0 && back <= HTRAIL__SELECT_BACK_DIRECT) {
        *selector++ = (uint8_t)(HTRAIL__SELECT_BACK_1 + back - 1);
        slot->back_distance = back;
    } else if (age > 0 && age <= HTRAIL__SELECT_AGE_DIRECT) {
        *selector++ = (uint8_t)(HTRAIL__SELECT_AGE_1 + age - 1);
    } else if (age > 0 && (back <= 0 || age <= (uint32_t)back)) {
        *selector++ = HTRAIL__SELECT_AGE;
        put_number(e, HTRAIL__COLUMN_AGE, age);
    } else if (back > 0) {
        *selector++ = HTRAIL__SELECT_BACK;
        put_number(e, HTRAIL__COLUMN_BACK, (uint64_t)back);
        slot->back_distance = back;
    } else {
        int64_t from_last = (int64_t)(target - slot->last), from_source = (int64_t)(target - source);
        if (htrail__zigzag(from_last) < htrail__zigzag(from_source) && (from_last & UNIT_MASK) == 0) {
            *selector++ = HTRAIL__SELECT_FROM_LAST;
            put_signed(e, HTRAIL__COLUMN_DELTA, from_last >> HTRAIL__UNIT_SHIFT);
        } else if ((from_source & UNIT_MASK) == 0) {
            *selector++ = HTRAIL__SELECT_FROM_SOURCE;
            put_signed(e, HTRAIL__COLUMN_DELTA, from_source >> HTRAIL__UNIT_SHIFT);
        } else {
            *selector++ = HTRAIL__SELECT_FAR;
            put_far(e, target);
        }
    }
    remember_age(e, target);
    htrail__slot_learn(slot, target);
    *previous = target;
    return selector;
}

static inline bool is_name_key(const htrail_ref *ref)
{
    return ref->kind == HTRAIL_REF_KEY && (ref->flags & HTRAIL_REF_NAME) != 0;
}

/* The label as the file keeps it: of a key that is a name the key itself. */
static inline htrail_label label_of(const htrail_ref *ref)
{
    if (ref->kind == HTRAIL_REF_KEY)
        return ref->flags & HTRAIL_REF_NAME ? ref->target : 0;
    return ref->kind == HTRAIL_REF_PLAIN ? 0 : ref->label;
}

/* What the object would look like as a shape; refs apart. */
static inline void shape_of(htrail__shape *shape, const htrail_object *object, uint32_t flags)
{
    shape->type = object->type;
    shape->ref_count = object->ref_count;
    if (object->ref_count == 0 && (flags & HTRAIL_OBJECT_LENGTH) && object->size_bytes >= object->length) {
        shape->flags = flags | HTRAIL__SHAPE_STRETCHES;
        shape->size_bytes = object->size_bytes - object->length;
        shape->length = 0;
    } else {
        shape->flags = flags;
        shape->size_bytes = object->size_bytes;
        shape->length = flags & HTRAIL_OBJECT_LENGTH ? object->length : 0;
    }
}

static inline bool same_shape(const htrail__encoder *e, const htrail__shape *known, const htrail__shape *shape,
                              const htrail_ref *refs)
{
    if (known->type != shape->type || known->ref_count != shape->ref_count || known->flags != shape->flags ||
        known->size_bytes != shape->size_bytes || known->length != shape->length)
        return false;
    const htrail__slot_shape *slots = &e->slot_shapes[known->slot_first];
    for (uint32_t i = 0; i < shape->ref_count; i++) {
        uint32_t is_name = is_name_key(&refs[i]);
        if (slots[i].kind != refs[i].kind || slots[i].is_name != is_name ||
            slots[i].label != label_of(&refs[i]))
            return false;
    }
    return true;
}

static inline uint32_t hash_of(const htrail__shape *shape, const htrail_ref *refs)
{
    uint64_t hash = mix(shape->type ^ shape->flags) + shape->size_bytes;
    hash = mix(hash ^ (hash >> 29)) + shape->length * 5 + shape->ref_count;
    for (uint32_t i = 0; i < shape->ref_count; i++) {
        hash = mix(hash ^ (hash >> 31) ^ label_of(&refs[i])) + refs[i].kind;
    }
    return (uint32_t)(mix(hash ^ (hash >> 32)) >> 32);
}

static void describe_label(htrail__encoder *e, unsigned kind, htrail_label label, unsigned mode)
{
    put_number(e, HTRAIL__COLUMN_DESCRIPTION, kind | mode << 4);
    if (mode == HTRAIL__LABEL_STRING) {
        put_number(e, HTRAIL__COLUMN_DESCRIPTION, HTRAIL_LABEL_STRING_ID(label));
    } else if (mode == HTRAIL__LABEL_NUMBER) {
        put_number(e, HTRAIL__COLUMN_DESCRIPTION, label);
    } else if (mode == HTRAIL__LABEL_OBJECT) {
        int64_t delta = (int64_t)(label - e->last_label);
        if (delta != 0 && (delta & UNIT_MASK) == 0) {
            put_signed(e, HTRAIL__COLUMN_DESCRIPTION, delta >> HTRAIL__UNIT_SHIFT);
        } else {
            put_number(e, HTRAIL__COLUMN_DESCRIPTION, 0);
            put_far(e, label);
        }
        e->last_label = label;
    }
}

static unsigned label_mode(const htrail_ref *ref)
{
    if (ref->kind == HTRAIL_REF_KEY || label_of(ref) == 0)
        return HTRAIL__LABEL_NONE;
    if (ref->kind == HTRAIL_REF_INDEX || ref->kind == HTRAIL_REF_OFFSET || ref->kind == HTRAIL_REF_STACK)
        return HTRAIL__LABEL_NUMBER;
    return HTRAIL_LABEL_IS_STRING(ref->label) ? HTRAIL__LABEL_STRING : HTRAIL__LABEL_OBJECT;
}

static void describe(htrail__encoder *e, const htrail_object *object, uint32_t flags, bool remember)
{
    const htrail_ref *refs = object->refs;
    type_entry *type = &e->types[mix(object->type >> 4) >> (64 - TYPES_BITS)];

    put_number(e, HTRAIL__COLUMN_DESCRIPTION, flags);
    if (type->number != 0 && type->type == object->type) {
        put_number(e, HTRAIL__COLUMN_DESCRIPTION, type->number);
    } else {
        put_number(e, HTRAIL__COLUMN_DESCRIPTION, 0);
        put_far(e, object->type);
        *type = (type_entry){object->type, ++e->type_count};
    }
    put_number(e, HTRAIL__COLUMN_DESCRIPTION, object->size_bytes);
    if (flags & HTRAIL_OBJECT_LENGTH)
        put_number(e, HTRAIL__COLUMN_DESCRIPTION, object->length);
    put_number(e, HTRAIL__COLUMN_DESCRIPTION, object->ref_count);
    for (uint32_t i = 0; i < object->ref_count;) {
        uint32_t run = 1;
        if (remember && is_name_key(&refs[i])) {
            describe_label(e, HTRAIL_REF_KEY, refs[i].target, HTRAIL__LABEL_OBJECT);
        } else if (label_mode(&refs[i]) != HTRAIL__LABEL_NONE) {
            describe_label(e, refs[i].kind, refs[i].label, label_mode(&refs[i]));
        } else {
            for (uint32_t pairs = 0;; pairs++) {
                uint32_t at = i + 2 * pairs;
                bool is_pair = at + 1 < object->ref_count && refs[at].kind == HTRAIL_REF_KEY &&
                               !(remember && is_name_key(&refs[at])) && refs[at + 1].kind == HTRAIL_REF_VALUE &&
                               refs[at + 1].label == 0;
                if (!is_pair) {
                    run = pairs * 2;
                    break;
                }
            }
            if (run > 0) {
                put_number(e, HTRAIL__COLUMN_DESCRIPTION, HTRAIL__RUN_PAIRS);
                put_number(e, HTRAIL__COLUMN_DESCRIPTION, run / 2);
            } else {
                for (run = 1; i + run < object->ref_count && refs[i + run].kind == refs[i].kind &&
                              label_mode(&refs[i + run]) == HTRAIL__LABEL_NONE &&
                              !(remember && is_name_key(&refs[i + run]));
                     run++)
                    ;
                put_number(e, HTRAIL__COLUMN_DESCRIPTION, refs[i].kind);
                put_number(e, HTRAIL__COLUMN_DESCRIPTION, run);
            }
        }
        i += run;
    }
}

static void remember_shape(htrail__encoder *e, htrail__shape *shape, const htrail_ref *refs, uint32_t hash)
{
    uint32_t number = e->shape_count++;
    shape->slot_first = e->slot_count;
    shape->refcount = 0;
    shape->hash = hash;
    e->shapes[number] = *shape;
    e->shape_after[number] = 0;
    for (uint32_t i = 0; i < shape->ref_count; i++) {
        uint32_t is_name = is_name_key(&refs[i]);
        e->slot_shapes[e->slot_count] = (htrail__slot_shape){label_of(&refs[i]), refs[i].kind, is_name};
        e->slots[e->slot_count] = (htrail__slot){0};
        e->slot_count++;
    }
    for (uint32_t at = hash;; at++) {
        uint16_t *place = &e->shape_hash[at & ((1 << SHAPE_HASH_BITS) - 1)];
        if (*place == 0) {
            *place = (uint16_t)(number + 1);
            return;
        }
    }
}

static htrail__shape *known_shape(htrail__encoder *e, const htrail__shape *shape, const htrail_ref *refs, uint32_t *hash)
{
    uint32_t expected = e->shape_after[e->shape_before];
    if (expected != 0 && e->shape_count != 0 && same_shape(e, &e->shapes[expected - 1], shape, refs))
        return &e->shapes[expected - 1];
    *hash = hash_of(shape, refs);
    for (uint32_t at = *hash;; at++) {
        uint32_t number = e->shape_hash[at & ((1 << SHAPE_HASH_BITS) - 1)];
        if (number == 0)
            return NULL;
        htrail__shape *known = &e->shapes[number - 1];
        if (known->hash == *hash && same_shape(e, known, shape, refs))
            return known;
    }
}

static inline void encode_address(htrail__encoder *e, uint64_t id, uint64_t size_bytes)
{
    uint64_t *last = &e->last_of_class[htrail__size_class(size_bytes)];
    int64_t delta = (int64_t)(id - *last);
    if (delta != 0 && (delta & UNIT_MASK) == 0) {
        put_signed(e, HTRAIL__COLUMN_ADDRESS, delta >> HTRAIL__UNIT_SHIFT);
    } else {
        put_number(e, HTRAIL__COLUMN_ADDRESS, 0);
        put_far(e, id);
    }
    *last = id;
}

/* Shape or description, address, refcount, length. Returns the shape, NULL for none. */
static inline htrail__shape *encode_head(htrail__encoder *e, const htrail_object *object, uint32_t flags,
                                         uint32_t new_refs, bool has_new_name)
{
    htrail__shape shape, *known = NULL;
    shape_of(&shape, object, flags);
    if (object->ref_count <= HTRAIL__SHAPE_SLOTS_MAX && !has_new_name) {
        uint32_t hash = 0;
        known = known_shape(e, &shape, object->refs, &hash);
        if (known != NULL) {
            uint32_t number = (uint32_t)(known - e->shapes);
            put_number(e, HTRAIL__COLUMN_SHAPE, number + HTRAIL__SHAPE_FIRST);
            e->shape_after[e->shape_before] = (uint16_t)(number + 1);
            e->shape_before = number;
        } else {
            /* One of a kind stays out: it would cost a place and never be met again. */
            uint32_t *seen = &e->seen[hash & ((1 << SEEN_BITS) - 1)];
            bool remember = (object->ref_count <= new_refs || *seen == hash) && e->shape_count < HTRAIL__SHAPES_MAX &&
                            e->slot_count + object->ref_count <= HTRAIL__SLOTS_MAX;
            *seen = hash;
            put_number(e, HTRAIL__COLUMN_SHAPE, remember ? HTRAIL__SHAPE_NEW : HTRAIL__SHAPE_ONCE);
            describe(e, object, flags, remember);
            if (remember) {
                remember_shape(e, &shape, object->refs, hash);
                known = &e->shapes[e->shape_count - 1];
                e->shape_after[e->shape_before] = (uint16_t)e->shape_count;
                e->shape_before = e->shape_count - 1;
                if (!(flags & HTRAIL_OBJECT_CONTINUED)) {
                    encode_address(e, object->id, object->size_bytes);
                    put_signed(e, HTRAIL__COLUMN_REFCOUNT, (int64_t)object->refcount);
                    known->refcount = object->refcount;
                }
                return known;
            }
        }
    } else {
        put_number(e, HTRAIL__COLUMN_SHAPE, HTRAIL__SHAPE_ONCE);
        describe(e, object, flags, false);
    }
    if (flags & HTRAIL_OBJECT_CONTINUED)
        return known;
    if (known != NULL && (known->flags & HTRAIL__SHAPE_STRETCHES))
        put_number(e, HTRAIL__COLUMN_LENGTH, object->length);
    encode_address(e, object->id, object->size_bytes);
    uint64_t refcount_before = known != NULL ? known->refcount : 0;
    put_signed(e, HTRAIL__COLUMN_REFCOUNT, (int64_t)(object->refcount - refcount_before));
    if (known != NULL)
        known->refcount = object->refcount;
    return known;
}

const char *htrail__encoder_add_object(htrail__encoder *e, const htrail_object *object)
{
    const htrail_ref *refs = object->refs;
    uint32_t flags = object->flags & (HTRAIL_OBJECT_TRACKED | HTRAIL_OBJECT_INLINE | HTRAIL_OBJECT_CONTINUED |
                                      HTRAIL_OBJECT_PSEUDO | HTRAIL_OBJECT_LENGTH | HTRAIL_OBJECT_IMMORTAL);
    uint32_t new_refs = 0;
    bool has_new_name = false;

    for (uint32_t i = 0; i < object->ref_count; i++) {
        if (refs[i].flags & HTRAIL_REF_NEW) {
            new_refs++;
            has_new_name |= is_name_key(&refs[i]);
        }
    }
    if (e->pending_count + new_refs > HTRAIL_PENDING_MAX)
        return "more NEW references are pending than may be";
    e->credit -= (int64_t)object->ref_count + OBJECT_COST;

    if (flags & HTRAIL_OBJECT_CONTINUED) {
        flags = HTRAIL_OBJECT_CONTINUED;
        htrail_object part = {.id = object->id, .refs = refs, .ref_count = object->ref_count};
        e->counts.parts++;
        encode_head(e, &part, flags, 0, true);
        put_far(e, object->id);
    } else {
        if (flags & HTRAIL_OBJECT_INLINE) {
            if (e->pending_count == 0) /* its reference is in an earlier block, which named it in its tail */
                flags &= ~(uint32_t)HTRAIL_OBJECT_INLINE;
            else if (e->pending[--e->pending_count] != object->id)
                return "an INLINE object is not the target of the pending NEW reference on top";
        }
        e->last_ordinal++;
        if (flags & HTRAIL_OBJECT_TRACKED) {
            int32_t number = e->tracked_now + 1;
            if (number == e->tracked_end && htrail__encoder_announce(e, object->id) != NULL)
                return "the list of tracked objects is out of step";
            if (e->announced[number % (HTRAIL__AHEAD_MAX * 2)] != object->id)
                return "a TRACKED object is not the next that was announced";
            e->tracked_now = number;
            *recent_of(e, object->id) = (recent){object->id, e->last_ordinal, number};
        } else {
            *recent_of(e, object->id) = (recent){object->id, e->last_ordinal, NONE};
        }
        e->counts.objects++;
        e->size_sum += object->size_bytes;
        e->last_id = object->id;
    }

    htrail__shape *shape;
    if (flags & HTRAIL_OBJECT_CONTINUED)
        shape = NULL;
    else
        shape = encode_head(e, object, flags, new_refs, has_new_name);

    uint8_t *selector = e->columns[HTRAIL__COLUMN_SELECTOR].at;
    uint64_t previous = 0, sum = 0, type = flags & HTRAIL_OBJECT_CONTINUED ? 0 : object->type;
    for (uint32_t i = 0; i < object->ref_count; i++) {
        uint64_t target = refs[i].target;
        htrail__slot *slot = shape != NULL ? &e->slots[shape->slot_first + i]
                                           : &e->contexts[htrail__context_of(type, refs[i].kind, i)];
        sum += target;
        if (refs[i].flags & HTRAIL_REF_NEW)
            *selector++ = HTRAIL__SELECT_NEW;
        else if (shape != NULL && is_name_key(&refs[i]))
            previous = target;
        else
            selector = encode_target(e, selector, object->id, target, &previous, slot);
    }
    e->columns[HTRAIL__COLUMN_SELECTOR].at = selector;
    e->target_sum += sum;
    e->counts.refs += object->ref_count;
    if (new_refs > 0)
        for (uint32_t i = object->ref_count; i-- > 0;)
            if (refs[i].flags & HTRAIL_REF_NEW)
                e->pending[e->pending_count++] = refs[i].target;
    return NULL;
}

/* The object's number in the block from the last one that had a name or value; its address
 * where it is not known to be in the block. */
static void put_object(htrail__encoder *e, unsigned number, uint64_t id, int32_t *last, unsigned far, uint64_t *last_far)
{
    const recent *near = recent_of(e, id);
    int32_t ordinal = id == e->last_id ? e->last_ordinal : near->address == id ? near->ordinal : NONE;
    if (ordinal != NONE && ordinal != *last) {
        put_signed(e, number, ordinal - *last);
        *last = ordinal;
    } else {
        put_number(e, number, 0);
        put_signed(e, far, (int64_t)(id - *last_far));
        *last_far = id;
    }
}

static uint32_t module_code(htrail__encoder *e, htrail_str module)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < module.len; i++)
        hash = (hash ^ (uint8_t)module.data[i]) * 16777619u;
    module_entry *entry = &e->modules[(hash * 0x9e3779b9u) >> (32 - MODULES_BITS)];
    if (entry->text != NULL && entry->len == module.len && memcmp(entry->text, module.data, module.len) == 0)
        return entry->number + 3;
    *entry = (module_entry){e->columns[HTRAIL__COLUMN_TEXT].at, module.len, e->module_count++};
    put_number(e, HTRAIL__COLUMN_NAME_MODULE, 2);
    put_number(e, HTRAIL__COLUMN_NAME_MODULE, module.len);
    put_bytes(e, HTRAIL__COLUMN_TEXT, module.data, module.len);
    e->last_module = entry->number + 3;
    return 0;
}

void htrail__encoder_add_name(htrail__encoder *e, const htrail_name *name)
{
    size_t shared = 0, most = name->name.len < e->last_name.len ? name->name.len : e->last_name.len;
    while (shared < most && name->name.data[shared] == e->last_name.data[shared])
        shared++;
    put_object(e, HTRAIL__COLUMN_NAME_OBJECT, name->object, &e->last_named, HTRAIL__COLUMN_NAME_FAR, &e->last_name_far);
    if (name->module.len == 0) {
        put_number(e, HTRAIL__COLUMN_NAME_MODULE, 0);
    } else {
        uint32_t code = module_code(e, name->module);
        if (code != 0) {
            put_number(e, HTRAIL__COLUMN_NAME_MODULE, code == e->last_module ? 1 : code);
            e->last_module = code;
        }
    }
    put_number(e, HTRAIL__COLUMN_NAME_LENGTH, shared);
    put_number(e, HTRAIL__COLUMN_NAME_LENGTH, name->name.len - shared);
    put_bytes(e, HTRAIL__COLUMN_TEXT, name->name.data + shared, name->name.len - shared);
    e->last_name.len = name->name.len < sizeof e->last_name_text ? name->name.len : sizeof e->last_name_text;
    memcpy(e->last_name_text, name->name.data, e->last_name.len);
    e->counts.names++;
}

void htrail__encoder_add_value(htrail__encoder *e, const htrail_value *value)
{
    unsigned flags = value->flags & (HTRAIL_VALUE_HASH | HTRAIL_VALUE_TEXT | HTRAIL_VALUE_CUT);
    put_object(e, HTRAIL__COLUMN_VALUE_OBJECT, value->object, &e->last_valued, HTRAIL__COLUMN_VALUE_FAR,
               &e->last_value_far);
    if (flags & HTRAIL_VALUE_HASH) {
        uint8_t *place = &e->hash_at[value->hash & ((1 << HASHES_BITS) - 1)];
        if (*place != 0 && e->hashes[*place] == value->hash) {
            flags |= HTRAIL__VALUE_RECENT_HASH;
            put_byte(e, HTRAIL__COLUMN_VALUE_HASH, *place);
        } else {
            htrail__put_u64(e->columns[HTRAIL__COLUMN_VALUE_HASH].at, value->hash);
            e->columns[HTRAIL__COLUMN_VALUE_HASH].at += 8;
            e->hash_count = e->hash_count == HTRAIL__HASHES_MAX ? 1 : (uint8_t)(e->hash_count + 1);
            e->hashes[e->hash_count] = value->hash;
            *place = e->hash_count;
        }
    }
    put_byte(e, HTRAIL__COLUMN_VALUE_FLAGS, flags);
    if (flags & HTRAIL_VALUE_TEXT) {
        put_number(e, HTRAIL__COLUMN_VALUE_LENGTH, value->text.len);
        put_bytes(e, HTRAIL__COLUMN_VALUE_TEXT, value->text.data, value->text.len);
    }
    e->counts.values++;
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
