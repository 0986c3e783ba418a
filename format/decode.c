/* format/decode.c - see decode.h; the mirror of encode.c over the same model. */
#include "format/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/model.h"
#include "format/wire.h"

enum {
    COLUMNS_RAW_MAX = 32 << 20, /* all columns of a block together, decompressed */
    AHEAD_MASK = HTRAIL__AHEAD_MAX * 2 - 1,
    OBJECT_FLAGS = HTRAIL_OBJECT_TRACKED | HTRAIL_OBJECT_INLINE | HTRAIL_OBJECT_CONTINUED | HTRAIL_OBJECT_PSEUDO |
                   HTRAIL_OBJECT_LENGTH | HTRAIL_OBJECT_IMMORTAL
};

#define NO_REF UINT32_MAX

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
    uint32_t ordinal_count, tracked_count, pending_top, pending_count;
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

htrail__decoder *htrail__decoder_new(unsigned unit_shift, uint64_t max_memory, uint32_t max_string)
{
    htrail__decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->max_memory = max_memory;
    d->max_string = max_string;
    d->unit_shift = unit_shift;
    return d;
}

void htrail__decoder_free(htrail__decoder *d)
{
    if (d == NULL)
        return;
    buffer *all[] = {&d->raw, &d->objects, &d->refs, &d->names, &d->values, &d->tracked, &d->ordinals, &d->types,
                     &d->modules, &d->texts};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]->data);
    free(d);
}

/* Room for count things of item_bytes; what the buffer held is lost. */
static htrail_status reserve(htrail__decoder *d, buffer *b, uint64_t count, size_t item_bytes)
{
    uint64_t bytes = (count + 1) * item_bytes; /* counts are 32 bits wide: no overflow */
    if (bytes <= b->bytes)
        return HTRAIL_OK;
    if (d->held - b->bytes + bytes > d->max_memory) {
        snprintf(d->reason, sizeof d->reason, "a block needs more than the %llu bytes of memory that were allowed",
                 (unsigned long long)d->max_memory);
        return HTRAIL_E_LIMIT;
    }
    free(b->data);
    d->held -= b->bytes;
    b->bytes = 0;
    b->data = malloc((size_t)bytes);
    if (b->data == NULL) {
        snprintf(d->reason, sizeof d->reason, "out of memory for a block");
        return HTRAIL_E_NOMEM;
    }
    b->bytes = (size_t)bytes;
    d->held += bytes;
    return HTRAIL_OK;
}

static htrail_status corrupt(htrail__decoder *d, const char *what)
{
    snprintf(d->reason, sizeof d->reason, "%s", what);
    return HTRAIL_E_CORRUPT;
}

static uint64_t next_far(htrail__decoder *d)
{
    d->last_far += (uint64_t)htrail__next_zigzag(&d->columns[HTRAIL__COLUMN_FAR]);
    return d->last_far;
}

static inline uint64_t next_number(htrail__decoder *d, unsigned column) { return htrail__next_varint(&d->columns[column]); }

/* Columns unpacked one behind the other into raw; each gets its cursor. */
static htrail_status unpack_columns(htrail__decoder *d, htrail__unpacker *unpacker, htrail__cursor *in)
{
    htrail__cursor head = *in;
    uint64_t raw_total = 0, count = htrail__next_varint(&head);
    htrail_status status;
    unsigned last = 0;

    /* A column that is missing is empty, not nowhere: an empty text is no cut one. */
    static const uint8_t nothing;
    for (unsigned i = 0; i < HTRAIL__COLUMN_COUNT; i++)
        d->columns[i] = (htrail__cursor){&nothing, &nothing, false};
    if (count >= 256)
        return corrupt(d, "it has more columns than there are");
    *in = head;
    for (uint64_t i = 0; i < count && !head.failed; i++) { /* sizes first: one allocation */
        htrail__next_byte(&head);
        uint64_t raw = htrail__next_varint(&head);
        const uint8_t *stored = htrail__next_bytes(&head, 4);
        if (stored != NULL)
            htrail__next_bytes(&head, htrail__get_u32(stored));
        if (raw > COLUMNS_RAW_MAX || (raw_total += raw) > COLUMNS_RAW_MAX)
            return corrupt(d, "its columns are larger than blocks can be");
    }
    if (head.failed || head.at != head.end)
        return corrupt(d, "its columns do not fill it");
    status = reserve(d, &d->raw, raw_total, 1);
    if (status != HTRAIL_OK)
        return status;
    uint8_t *at = d->raw.data;
    for (uint64_t i = 0; i < count; i++) {
        unsigned number = htrail__next_byte(in);
        size_t raw = (size_t)htrail__next_varint(in);
        uint32_t stored = htrail__get_u32(htrail__next_bytes(in, 4));
        const uint8_t *data = htrail__next_bytes(in, stored);
        const char *reason = NULL;
        if (number <= last)
            return corrupt(d, "its columns are out of order");
        last = number;
        if (number >= HTRAIL__COLUMN_COUNT)
            continue; /* a later minor version's */
        if (stored == raw)
            memcpy(at, data, raw);
        else
            reason = htrail__unpack(unpacker, at, raw, data, stored);
        if (reason != NULL) {
            snprintf(d->reason, sizeof d->reason, "column %u does not decompress: %s", number, reason);
            return HTRAIL_E_CORRUPT;
        }
        d->columns[number] = (htrail__cursor){at, at + raw, false};
        at += raw;
    }
    return HTRAIL_OK;
}

/* Give the waiting reference its target. A waiting one keeps the number of the next that
 * waits for the same, + 1, in its target. */
static void resolve_waiting(htrail_ref *refs, uint32_t first, uint64_t target)
{
    for (uint32_t at = first; at != 0;) {
        uint32_t next = (uint32_t)refs[at - 1].target;
        refs[at - 1].target = target;
        at = next;
    }
}

static inline void remember_age(htrail__decoder *d, uint64_t target)
{
    d->ages[d->age_count++ & (HTRAIL__AGES_MAX - 1)] = target;
}

static inline uint64_t next_delta(htrail__decoder *d)
{
    return (uint64_t)htrail__next_zigzag(&d->columns[HTRAIL__COLUMN_DELTA]) << d->unit_shift;
}

/* The target of one reference; false where its operand makes no sense. */
static inline bool decode_target(htrail__decoder *d, htrail_ref *ref, uint32_t ref_number, uint64_t source,
                                 uint64_t *previous, htrail__slot *slot)
{
    const uint64_t *tracked = d->tracked.data, *ordinals = d->ordinals.data;
    uint8_t selector = htrail__next_byte(&d->columns[HTRAIL__COLUMN_SELECTOR]);
    uint64_t target, number;
    int32_t distance;

    switch (selector) {
    case HTRAIL__SELECT_NEW:
        ref->flags |= HTRAIL_REF_NEW;
        ref->target = 0;
        return true;
    case HTRAIL__SELECT_SAME:
        ref->target = *previous = slot->last;
        slot->stride = 0;
        return true;
    case HTRAIL__SELECT_STRIDE:
        target = slot->last + (uint64_t)slot->stride;
        break;
    case HTRAIL__SELECT_TRACKED_SAME:
        distance = slot->tracked_distance;
        if (distance > 0)
            goto ahead;
        goto tracked_back;
    case HTRAIL__SELECT_OWNER:
        slot->tracked_distance = distance = 0;
        goto tracked_back;
    case HTRAIL__SELECT_BACK_SAME:
        number = (uint64_t)slot->back_distance;
        if (number >= d->ordinal_count)
            return false;
        target = ordinals[d->ordinal_count - 1 - number];
        break;
    case HTRAIL__SELECT_PREVIOUS:
        target = *previous;
        break;
    case HTRAIL__SELECT_TRACKED_BACK:
        number = next_number(d, HTRAIL__COLUMN_BACK);
        if (number >= d->tracked_count)
            return false;
        slot->tracked_distance = distance = -(int32_t)number;
        goto tracked_back;
    case HTRAIL__SELECT_BACK:
        number = next_number(d, HTRAIL__COLUMN_BACK);
        if (number >= d->ordinal_count)
            return false;
        slot->back_distance = (int32_t)number;
        target = ordinals[d->ordinal_count - 1 - number];
        remember_age(d, target);
        break;
    case HTRAIL__SELECT_AGE:
        number = next_number(d, HTRAIL__COLUMN_AGE);
        if (number == 0 || number > d->age_count || number > HTRAIL__AGES_MAX)
            return false;
        target = d->ages[(d->age_count - number) & (HTRAIL__AGES_MAX - 1)];
        remember_age(d, target);
        break;
    case HTRAIL__SELECT_FROM_LAST:
        target = slot->last + next_delta(d);
        remember_age(d, target);
        break;
    case HTRAIL__SELECT_FROM_SOURCE:
        target = source + next_delta(d);
        remember_age(d, target);
        break;
    case HTRAIL__SELECT_FAR:
        target = next_far(d);
        remember_age(d, target);
        break;
    default:
        if (selector >= HTRAIL__SELECT_AGE_1) {
            number = selector - HTRAIL__SELECT_AGE_1 + 1u;
            if (number > d->age_count)
                return false;
            target = d->ages[(d->age_count - number) & (HTRAIL__AGES_MAX - 1)];
            remember_age(d, target);
        } else if (selector >= HTRAIL__SELECT_BACK_1) {
            number = selector - HTRAIL__SELECT_BACK_1 + 1u;
            if (number >= d->ordinal_count)
                return false;
            slot->back_distance = (int32_t)number;
            target = ordinals[d->ordinal_count - 1 - number];
            remember_age(d, target);
        } else if (selector >= HTRAIL__SELECT_TRACKED_BACK_1) {
            number = selector - HTRAIL__SELECT_TRACKED_BACK_1 + 1u;
            slot->tracked_distance = distance = -(int32_t)number;
            goto tracked_back;
        } else if (selector >= HTRAIL__SELECT_AHEAD) {
            distance = selector - HTRAIL__SELECT_AHEAD + 1;
            slot->tracked_distance = distance;
            goto ahead;
        } else {
            return false;
        }
        break;
    }
    ref->target = *previous = target;
    htrail__slot_learn(slot, target);
    return true;

tracked_back:
    if ((uint64_t)-(int64_t)distance >= d->tracked_count)
        return false;
    target = tracked[d->tracked_count - 1 - (uint32_t)-distance];
    ref->target = *previous = target;
    htrail__slot_learn(slot, target);
    return true;

ahead: {
    uint32_t wanted = d->tracked_count - 1 + (uint32_t)distance; /* tracked_count - 1 may be -1: wraps and is right */
    uint32_t *first = &d->ahead[wanted & AHEAD_MASK];
    ref->target = *first;
    *first = ref_number + 1;
    if (wanted + 1 > d->ahead_most)
        d->ahead_most = wanted + 1;
    return true;
}
}

/* A run of the description: count references of one kind and label from refs on. Returns
 * how many, 0 where it makes no sense. */
static uint32_t decode_run(htrail__decoder *d, htrail_ref *refs, uint32_t left)
{
    htrail__cursor *in = &d->columns[HTRAIL__COLUMN_DESCRIPTION];
    uint64_t head = htrail__next_varint(in), count = 1;
    uint32_t kind = head & 15;
    htrail_label label = 0;

    switch (head >> 4) {
    case HTRAIL__LABEL_NONE:
        count = htrail__next_varint(in);
        if (kind == HTRAIL__RUN_PAIRS) {
            if (count == 0 || count > left / 2)
                return 0;
            for (uint32_t i = 0; i < 2 * count; i++)
                refs[i] = (htrail_ref){.kind = i % 2 == 0 ? HTRAIL_REF_KEY : HTRAIL_REF_VALUE};
            return (uint32_t)(2 * count);
        }
        break;
    case HTRAIL__LABEL_STRING:
        label = htrail__next_varint(in);
        if (label > UINT32_MAX)
            return 0;
        label = HTRAIL_LABEL_STRING(label);
        break;
    case HTRAIL__LABEL_NUMBER:
        label = htrail__next_varint(in);
        break;
    case HTRAIL__LABEL_OBJECT: {
        int64_t delta = htrail__next_zigzag(in);
        d->last_label = delta != 0 ? d->last_label + ((uint64_t)delta << d->unit_shift) : next_far(d);
        label = d->last_label;
        break;
    }
    default:
        return 0;
    }
    if (count == 0 || count > left || kind > HTRAIL_REF_WEAK)
        return 0;
    /* A key is without label, or is a name, which is its label. */
    if (kind == HTRAIL_REF_KEY && head >> 4 != HTRAIL__LABEL_NONE && head >> 4 != HTRAIL__LABEL_OBJECT)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        refs[i] = (htrail_ref){.kind = kind, .label = label};
    if (kind == HTRAIL_REF_KEY && label != 0)
        refs[0] = (htrail_ref){.kind = kind, .target = label, .flags = HTRAIL_REF_NAME};
    return (uint32_t)count;
}

static htrail_status decode_description(htrail__decoder *d, htrail_object *object, htrail_ref *refs)
{
    htrail__cursor *in = &d->columns[HTRAIL__COLUMN_DESCRIPTION];
    uint64_t *types = d->types.data;
    uint64_t flags = htrail__next_varint(in), type = htrail__next_varint(in), ref_count;

    if (type == 0 && d->type_count < d->record_max) {
        types[d->type_count++] = object->type = next_far(d);
    } else if (type != 0 && type <= d->type_count) {
        object->type = types[type - 1];
    } else {
        return corrupt(d, "an object has a type that was not named");
    }
    object->flags = (uint32_t)flags & OBJECT_FLAGS;
    object->size_bytes = htrail__next_varint(in);
    object->length = flags & HTRAIL_OBJECT_LENGTH ? htrail__next_varint(in) : 0;
    ref_count = htrail__next_varint(in);
    if (in->failed || ref_count > d->ref_max - d->ref_count)
        return corrupt(d, "an object has references past its block");
    object->ref_count = (uint32_t)ref_count;
    for (uint32_t i = 0; i < ref_count;) {
        uint32_t run = decode_run(d, refs + i, (uint32_t)ref_count - i);
        if (run == 0)
            return corrupt(d, "the description of an object makes no sense");
        i += run;
    }
    return HTRAIL_OK;
}

static htrail_status remember_shape(htrail__decoder *d, const htrail_object *object, const htrail_ref *refs)
{
    bool stretches = object->ref_count == 0 && (object->flags & HTRAIL_OBJECT_LENGTH) && object->size_bytes >= object->length;
    if (d->shape_count == HTRAIL__SHAPES_MAX || object->ref_count > HTRAIL__SHAPE_SLOTS_MAX ||
        d->slot_count + object->ref_count > HTRAIL__SLOTS_MAX)
        return corrupt(d, "it describes more shapes than blocks can have");
    d->shapes[d->shape_count++] = (htrail__shape){
        .type = object->type,
        .size_bytes = stretches ? object->size_bytes - object->length : object->size_bytes,
        .length = stretches ? 0 : object->length,
        .flags = object->flags | (stretches ? HTRAIL__SHAPE_STRETCHES : 0),
        .ref_count = object->ref_count,
        .slot_first = d->slot_count,
    };
    for (uint32_t i = 0; i < object->ref_count; i++, d->slot_count++) {
        bool is_name = (refs[i].flags & HTRAIL_REF_NAME) != 0;
        d->slot_shapes[d->slot_count] =
            (htrail__slot_shape){is_name ? refs[i].target : refs[i].label, refs[i].kind, is_name};
        d->slots[d->slot_count] = (htrail__slot){0};
    }
    return HTRAIL_OK;
}

/* What the shape says of one reference; its target is still to come, but for a name. */
static inline void ref_of_slot(const htrail__slot_shape *slot, htrail_ref *ref)
{
    *ref = slot->is_name ? (htrail_ref){.kind = slot->kind, .target = slot->label, .flags = HTRAIL_REF_NAME}
                         : (htrail_ref){.kind = slot->kind, .label = slot->label};
}

static htrail_status decode_object(htrail__decoder *d)
{
    htrail_object *object = (htrail_object *)d->objects.data + d->record_count;
    htrail_ref *refs = (htrail_ref *)d->refs.data + d->ref_count;
    htrail__shape *shape = NULL;
    uint64_t number = next_number(d, HTRAIL__COLUMN_SHAPE);
    htrail_status status;
    bool is_known = false;

    memset(object, 0, sizeof *object);
    if (number >= HTRAIL__SHAPE_FIRST) {
        number -= HTRAIL__SHAPE_FIRST;
        if (number >= d->shape_count)
            return corrupt(d, "an object has a shape that was not described");
        shape = &d->shapes[number];
        if (shape->ref_count > d->ref_max - d->ref_count)
            return corrupt(d, "an object has references past its block");
        object->type = shape->type;
        object->size_bytes = shape->size_bytes;
        object->length = shape->length;
        object->flags = shape->flags & ~(uint32_t)HTRAIL__SHAPE_STRETCHES;
        object->ref_count = shape->ref_count;
        if (shape->flags & HTRAIL__SHAPE_STRETCHES) {
            object->length = next_number(d, HTRAIL__COLUMN_LENGTH);
            object->size_bytes += object->length;
        }
        is_known = true;
    } else {
        status = decode_description(d, object, refs);
        if (status != HTRAIL_OK)
            return status;
        if (number == HTRAIL__SHAPE_NEW) {
            status = remember_shape(d, object, refs);
            if (status != HTRAIL_OK)
                return status;
            shape = &d->shapes[d->shape_count - 1];
        }
    }
    object->refs = refs;
    d->record_count++;

    if (object->flags & HTRAIL_OBJECT_CONTINUED) {
        object->id = next_far(d);
        object->flags = HTRAIL_OBJECT_CONTINUED;
        object->type = 0;
        d->part_max--;
    } else {
        uint64_t *last = &d->last_of_class[htrail__size_class(object->size_bytes)];
        int64_t delta = htrail__next_zigzag(&d->columns[HTRAIL__COLUMN_ADDRESS]);
        object->id = *last = delta != 0 ? *last + ((uint64_t)delta << d->unit_shift) : next_far(d);
        object->refcount = (shape != NULL ? shape->refcount : 0) +
                           (uint64_t)htrail__next_zigzag(&d->columns[HTRAIL__COLUMN_REFCOUNT]);
        if (shape != NULL)
            shape->refcount = object->refcount;
        if (d->ordinal_count == d->object_max)
            return corrupt(d, "it holds more objects than it says");
        ((uint64_t *)d->ordinals.data)[d->ordinal_count++] = object->id;
        d->size_sum += object->size_bytes;
        if (object->flags & HTRAIL_OBJECT_INLINE) {
            if (d->pending_top == 0)
                return corrupt(d, "an inline object has no reference that leads to it");
            htrail_ref *waiting = (htrail_ref *)d->refs.data + d->pending_top - 1;
            d->pending_top = (uint32_t)waiting->target;
            waiting->target = object->id;
        }
        if (object->flags & HTRAIL_OBJECT_TRACKED) {
            uint32_t *first = &d->ahead[d->tracked_count & AHEAD_MASK];
            resolve_waiting(d->refs.data, *first, object->id);
            *first = 0;
            ((uint64_t *)d->tracked.data)[d->tracked_count++] = object->id;
        }
    }

    uint64_t previous = 0;
    bool has_new = false;
    for (uint32_t i = 0; i < object->ref_count; i++) {
        if (is_known)
            ref_of_slot(&d->slot_shapes[shape->slot_first + i], &refs[i]);
        if (shape != NULL && (refs[i].flags & HTRAIL_REF_NAME)) {
            previous = refs[i].target;
            continue;
        }
        htrail__slot *slot = shape != NULL ? &d->slots[shape->slot_first + i]
                                           : &d->contexts[htrail__context_of(object->type, refs[i].kind, i)];
        if (!decode_target(d, &refs[i], d->ref_count + i, object->id, &previous, slot))
            return corrupt(d, "a reference points outside what is known");
        has_new |= (refs[i].flags & HTRAIL_REF_NEW) != 0;
    }
    if (has_new)
        for (uint32_t i = object->ref_count; i-- > 0;)
            if (refs[i].flags & HTRAIL_REF_NEW) {
                refs[i].target = d->pending_top;
                d->pending_top = d->ref_count + i + 1;
            }
    d->ref_count += object->ref_count;
    return HTRAIL_OK;
}

static htrail_status decode_tail(htrail__decoder *d)
{
    htrail__cursor *in = &d->columns[HTRAIL__COLUMN_TAIL];
    htrail_ref *refs = d->refs.data;
    uint64_t last = 0;

    if (in->at == in->end) {
        if (d->pending_top != 0 || d->ahead_most > d->tracked_count)
            return corrupt(d, "references are left without a target");
        return HTRAIL_OK;
    }
    for (uint64_t left = htrail__next_varint(in); left > 0 && !in->failed; left--) {
        last += (uint64_t)htrail__next_zigzag(in);
        if (d->pending_top == 0)
            return corrupt(d, "its tail names a target for which no reference waits");
        htrail_ref *waiting = &refs[d->pending_top - 1];
        d->pending_top = (uint32_t)waiting->target;
        waiting->target = last;
        waiting->flags &= ~(uint32_t)HTRAIL_REF_NEW; /* its object comes in a later block, not INLINE */
    }
    uint64_t ahead = htrail__next_varint(in);
    if (in->failed || d->pending_top != 0 || ahead > HTRAIL__AHEAD_MAX || d->ahead_most > d->tracked_count + ahead)
        return corrupt(d, "references are left without a target");
    for (uint64_t i = 0; i < ahead; i++) {
        uint32_t *first = &d->ahead[(d->tracked_count + i) & AHEAD_MASK];
        last += (uint64_t)htrail__next_zigzag(in);
        resolve_waiting(refs, *first, last);
        *first = 0;
    }
    return in->failed || in->at != in->end ? corrupt(d, "its tail makes no sense") : HTRAIL_OK;
}

static bool next_object(htrail__decoder *d, unsigned column, unsigned far, int64_t *last, uint64_t *last_far, htrail_id *id)
{
    int64_t delta = htrail__next_zigzag(&d->columns[column]);
    if (delta == 0) {
        *id = *last_far += (uint64_t)htrail__next_zigzag(&d->columns[far]);
        return true;
    }
    if (delta < -(int64_t)INT32_MAX || delta > INT32_MAX)
        return false;
    *last += delta;
    if (*last < 0 || *last >= d->ordinal_count)
        return false;
    *id = ((uint64_t *)d->ordinals.data)[*last];
    return true;
}

static htrail_status decode_names(htrail__decoder *d)
{
    htrail__cursor lengths = d->columns[HTRAIL__COLUMN_NAME_LENGTH], *text = &d->columns[HTRAIL__COLUMN_TEXT];
    htrail__cursor *modules_in = &d->columns[HTRAIL__COLUMN_NAME_MODULE];
    htrail_name *names = d->names.data;
    uint64_t total = 0, last_module = 0, last_far = 0;
    uint32_t module_count = 0, shared_most = 0;
    int64_t last = -1;
    htrail_status status;

    for (uint32_t i = 0; i < d->name_max; i++) {
        uint64_t shared = htrail__next_varint(&lengths), own = htrail__next_varint(&lengths);
        if (lengths.failed || shared > 256 || own > d->max_string)
            return corrupt(d, "a name is longer than names can be");
        total += shared + own;
    }
    if (total > COLUMNS_RAW_MAX)
        return corrupt(d, "its names are longer than blocks can be");
    status = reserve(d, &d->texts, total, 1);
    if (status != HTRAIL_OK)
        return status;
    char *at = d->texts.data;
    const char *last_name = at;
    for (uint32_t i = 0; i < d->name_max; i++) {
        htrail_name *name = &names[i];
        htrail_str *modules = d->modules.data;
        if (!next_object(d, HTRAIL__COLUMN_NAME_OBJECT, HTRAIL__COLUMN_NAME_FAR, &last, &last_far, &name->object))
            return corrupt(d, "a name belongs to no object");
        uint64_t code = htrail__next_varint(modules_in);
        if (code == 2) {
            uint64_t len = htrail__next_varint(modules_in);
            const uint8_t *bytes = htrail__next_bytes(text, len);
            if (bytes == NULL || len > d->max_string)
                return corrupt(d, "the name of a module is cut");
            modules[module_count] = (htrail_str){(const char *)bytes, len};
            code = module_count++ + 3;
        } else if (code == 1) {
            code = last_module;
        }
        if (code >= 3 && code - 3 < module_count) {
            name->module = modules[code - 3];
            last_module = code;
        } else if (code == 0) {
            name->module = (htrail_str){"", 0};
        } else {
            return corrupt(d, "a name has a module that was not named");
        }
        htrail__cursor *own = &d->columns[HTRAIL__COLUMN_NAME_LENGTH];
        uint64_t shared = htrail__next_varint(own), len = htrail__next_varint(own);
        const uint8_t *bytes = htrail__next_bytes(text, len);
        if (bytes == NULL || shared > shared_most)
            return corrupt(d, "a name is cut");
        memmove(at, last_name, shared);
        memcpy(at + shared, bytes, len);
        name->name = (htrail_str){at, shared + len};
        last_name = at;
        at += shared + len;
        shared_most = shared + len < 256 ? (uint32_t)(shared + len) : 256;
    }
    return HTRAIL_OK;
}

static htrail_status decode_values(htrail__decoder *d)
{
    htrail_value *values = d->values.data;
    uint64_t last_far = 0;
    int64_t last = -1;
    unsigned hash_count = 0;

    memset(d->hashes, 0, sizeof d->hashes);
    for (uint32_t i = 0; i < d->value_max; i++) {
        htrail_value *value = &values[i];
        *value = (htrail_value){.text = {"", 0}};
        if (!next_object(d, HTRAIL__COLUMN_VALUE_OBJECT, HTRAIL__COLUMN_VALUE_FAR, &last, &last_far, &value->object))
            return corrupt(d, "a value belongs to no object");
        unsigned flags = htrail__next_byte(&d->columns[HTRAIL__COLUMN_VALUE_FLAGS]);
        if (flags & HTRAIL__VALUE_RECENT_HASH) {
            value->hash = d->hashes[htrail__next_byte(&d->columns[HTRAIL__COLUMN_VALUE_HASH])];
        } else if (flags & HTRAIL_VALUE_HASH) {
            const uint8_t *bytes = htrail__next_bytes(&d->columns[HTRAIL__COLUMN_VALUE_HASH], 8);
            if (bytes == NULL)
                return corrupt(d, "a hash is cut");
            hash_count = hash_count == HTRAIL__HASHES_MAX ? 1 : hash_count + 1;
            value->hash = d->hashes[hash_count] = htrail__get_u64(bytes);
        }
        value->flags = flags & (HTRAIL_VALUE_HASH | HTRAIL_VALUE_TEXT | HTRAIL_VALUE_CUT);
        if (flags & HTRAIL_VALUE_TEXT) {
            uint64_t len = htrail__next_varint(&d->columns[HTRAIL__COLUMN_VALUE_LENGTH]);
            const uint8_t *bytes = htrail__next_bytes(&d->columns[HTRAIL__COLUMN_VALUE_TEXT], len);
            if (bytes == NULL || len > d->max_string)
                return corrupt(d, "a value is cut, or longer than values can be");
            value->text = (htrail_str){(const char *)bytes, len};
        }
    }
    return HTRAIL_OK;
}

static void begin_block(htrail__decoder *d)
{
    d->last_far = d->last_label = 0;
    memset(d->last_of_class, 0, sizeof d->last_of_class);
    memset(d->contexts, 0, sizeof d->contexts);
    memset(d->ahead, 0, sizeof d->ahead);
    d->shape_count = d->slot_count = d->type_count = d->age_count = 0;
    d->ref_count = d->record_count = d->ordinal_count = d->tracked_count = 0;
    d->pending_top = d->ahead_most = 0;
    d->size_sum = 0;
}

static htrail_status reserve_all(htrail__decoder *d)
{
    struct { buffer *b; uint64_t count; size_t bytes; } all[] = {
        {&d->objects, d->record_max, sizeof(htrail_object)},
        {&d->refs, d->ref_max, sizeof(htrail_ref)},
        {&d->names, d->name_max, sizeof(htrail_name)},
        {&d->modules, d->name_max, sizeof(htrail_str)},
        {&d->values, d->value_max, sizeof(htrail_value)},
        {&d->ordinals, d->object_max, sizeof(uint64_t)},
        {&d->tracked, d->object_max, sizeof(uint64_t)},
        {&d->types, d->record_max, sizeof(uint64_t)},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        htrail_status status = reserve(d, all[i].b, all[i].count, all[i].bytes);
        if (status != HTRAIL_OK)
            return status;
    }
    return HTRAIL_OK;
}

htrail_status htrail__decode_block(htrail__decoder *d, htrail__unpacker *unpacker, const uint8_t *payload, size_t len,
                                   htrail__decoded *out, const char **reason)
{
    htrail__cursor in = {payload, payload + len, false};
    uint64_t counts[5];
    htrail_status status;

    *reason = d->reason;
    for (unsigned i = 0; i < 5; i++) {
        counts[i] = htrail__next_varint(&in);
        if (counts[i] > HTRAIL__BLOCK_REFS_MAX)
            return corrupt(d, "it claims more than blocks can hold");
    }
    const uint8_t *sums = htrail__next_bytes(&in, 16);
    if (sums == NULL)
        return corrupt(d, "it is too short for a block");
    begin_block(d);
    d->object_max = (uint32_t)counts[0];
    d->part_max = (uint32_t)counts[1];
    d->record_max = d->object_max + d->part_max;
    d->ref_max = (uint32_t)counts[2];
    d->name_max = (uint32_t)counts[3];
    d->value_max = (uint32_t)counts[4];
    status = unpack_columns(d, unpacker, &in);
    if (status != HTRAIL_OK)
        return status;
    /* Each object has a byte of shape, each name two of lengths, each value one of flags:
     * a few bytes cannot claim a million. */
    const htrail__cursor *columns = d->columns;
    if (counts[0] + counts[1] > (uint64_t)(columns[HTRAIL__COLUMN_SHAPE].end - columns[HTRAIL__COLUMN_SHAPE].at) ||
        counts[3] > (uint64_t)(columns[HTRAIL__COLUMN_NAME_LENGTH].end - columns[HTRAIL__COLUMN_NAME_LENGTH].at) ||
        counts[4] > (uint64_t)(columns[HTRAIL__COLUMN_VALUE_FLAGS].end - columns[HTRAIL__COLUMN_VALUE_FLAGS].at))
        return corrupt(d, "it claims more than its columns hold");
    status = reserve_all(d);
    for (uint64_t left = counts[0] + counts[1]; left > 0 && status == HTRAIL_OK; left--)
        status = decode_object(d);
    if (status == HTRAIL_OK)
        status = decode_tail(d);
    if (status == HTRAIL_OK)
        status = decode_names(d);
    if (status == HTRAIL_OK)
        status = decode_values(d);
    if (status != HTRAIL_OK)
        return status;

    uint64_t target_sum = 0;
    const htrail_ref *refs = d->refs.data;
    for (uint32_t i = 0; i < d->ref_count; i++)
        target_sum += refs[i].target;
    for (unsigned i = 1; i < HTRAIL__COLUMN_COUNT; i++)
        if (d->columns[i].failed || d->columns[i].at != d->columns[i].end)
            return corrupt(d, "its columns do not fit together");
    if (d->ordinal_count != d->object_max || d->part_max != 0 || d->ref_count != d->ref_max)
        return corrupt(d, "it does not hold as much as it says");
    if (d->size_sum != htrail__get_u64(sums) || target_sum != htrail__get_u64(sums + 8))
        return corrupt(d, "its sums do not hold");
    *out = (htrail__decoded){d->objects.data, d->record_count, d->names.data, d->name_max, d->values.data, d->value_max,
                             d->ref_count, d->size_sum, counts[1]};
    return HTRAIL_OK;
}
