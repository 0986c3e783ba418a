/* format/decode_object.c - one record out of the columns of the block; the mirror of
 * encode_object.c over the same model. */
#include "format/decode_state.h"

#include <string.h>

static uint64_t next_far(htrail__decoder *d)
{
    d->last_far += (uint64_t)htrail__next_zigzag(&d->columns[HTRAIL__COLUMN_FAR]);
    return d->last_far;
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
        return htrail__decoder_corrupt(d, "an object has a type that was not named");
    }
    object->flags = (uint32_t)flags & OBJECT_FLAGS;
    object->size_bytes = htrail__next_varint(in);
    object->length = flags & HTRAIL_OBJECT_LENGTH ? htrail__next_varint(in) : 0;
    ref_count = htrail__next_varint(in);
    if (in->failed || ref_count > d->ref_max - d->ref_count)
        return htrail__decoder_corrupt(d, "an object has references past its block");
    object->ref_count = (uint32_t)ref_count;
    for (uint32_t i = 0; i < ref_count;) {
        uint32_t run = decode_run(d, refs + i, (uint32_t)ref_count - i);
        if (run == 0)
            return htrail__decoder_corrupt(d, "the description of an object makes no sense");
        i += run;
    }
    return HTRAIL_OK;
}

static htrail_status remember_shape(htrail__decoder *d, const htrail_object *object, const htrail_ref *refs)
{
    bool stretches = object->ref_count == 0 && (object->flags & HTRAIL_OBJECT_LENGTH) && object->size_bytes >= object->length;
    if (d->shape_count == HTRAIL__SHAPES_MAX || object->ref_count > HTRAIL__SHAPE_SLOTS_MAX ||
        d->slot_count + object->ref_count > HTRAIL__SLOTS_MAX)
        return htrail__decoder_corrupt(d, "it describes more shapes than blocks can have");
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

htrail_status htrail__decode_object(htrail__decoder *d)
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
            return htrail__decoder_corrupt(d, "an object has a shape that was not described");
        shape = &d->shapes[number];
        if (shape->ref_count > d->ref_max - d->ref_count)
            return htrail__decoder_corrupt(d, "an object has references past its block");
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
            return htrail__decoder_corrupt(d, "it holds more objects than it says");
        ((uint64_t *)d->ordinals.data)[d->ordinal_count++] = object->id;
        d->size_sum += object->size_bytes;
        if (object->flags & HTRAIL_OBJECT_INLINE) {
            if (d->pending_top == 0)
                return htrail__decoder_corrupt(d, "an inline object has no reference that leads to it");
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
            return htrail__decoder_corrupt(d, "a reference points outside what is known");
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

htrail_status htrail__decode_tail(htrail__decoder *d)
{
    htrail__cursor *in = &d->columns[HTRAIL__COLUMN_TAIL];
    htrail_ref *refs = d->refs.data;
    uint64_t last = 0;

    if (in->at == in->end) {
        if (d->pending_top != 0 || d->ahead_most > d->tracked_count)
            return htrail__decoder_corrupt(d, "references are left without a target");
        return HTRAIL_OK;
    }
    for (uint64_t left = htrail__next_varint(in); left > 0 && !in->failed; left--) {
        last += (uint64_t)htrail__next_zigzag(in);
        if (d->pending_top == 0)
            return htrail__decoder_corrupt(d, "its tail names a target for which no reference waits");
        htrail_ref *waiting = &refs[d->pending_top - 1];
        d->pending_top = (uint32_t)waiting->target;
        waiting->target = last;
        waiting->flags &= ~(uint32_t)HTRAIL_REF_NEW; /* its object comes in a later block, not INLINE */
    }
    uint64_t ahead = htrail__next_varint(in);
    if (in->failed || d->pending_top != 0 || ahead > HTRAIL__AHEAD_MAX || d->ahead_most > d->tracked_count + ahead)
        return htrail__decoder_corrupt(d, "references are left without a target");
    for (uint64_t i = 0; i < ahead; i++) {
        uint32_t *first = &d->ahead[(d->tracked_count + i) & AHEAD_MASK];
        last += (uint64_t)htrail__next_zigzag(in);
        resolve_waiting(refs, *first, last);
        *first = 0;
    }
    return in->failed || in->at != in->end ? htrail__decoder_corrupt(d, "its tail makes no sense") : HTRAIL_OK;
}
