/* format/encode_object.c - one object into the columns of the block. Hot: it runs once an
 * object while the target waits. */
#include "format/encode_state.h"

static inline age_entry *age_of(htrail__encoder *e, uint64_t address)
{
    return &e->ages[mix(address >> 4) >> (64 - AGES_BITS)];
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

static htrail__shape *remember_shape(htrail__encoder *e, htrail__shape *shape, const htrail_ref *refs, uint32_t hash)
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
            return &e->shapes[number];
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

/* Further references of an object that came before: a description, and whose they are. */
static void encode_part_head(htrail__encoder *e, const htrail_object *object)
{
    htrail_object part = {.id = object->id, .refs = object->refs, .ref_count = object->ref_count};
    put_number(e, HTRAIL__COLUMN_SHAPE, HTRAIL__SHAPE_ONCE);
    describe(e, &part, HTRAIL_OBJECT_CONTINUED, false);
    put_far(e, object->id);
}

/* Shape or description, address, refcount, length. Returns the shape, NULL for none. */
static inline htrail__shape *encode_head(htrail__encoder *e, const htrail_object *object, uint32_t flags,
                                         uint32_t new_refs, bool has_new_name)
{
    htrail__shape shape, *known = NULL;
    bool is_described = true;
    shape_of(&shape, object, flags);
    if (object->ref_count <= HTRAIL__SHAPE_SLOTS_MAX && !has_new_name) {
        uint32_t hash = 0;
        known = known_shape(e, &shape, object->refs, &hash);
        if (known != NULL) {
            is_described = false;
            put_number(e, HTRAIL__COLUMN_SHAPE, (uint32_t)(known - e->shapes) + HTRAIL__SHAPE_FIRST);
        } else {
            /* One of a kind stays out: it would cost a place and never be met again. */
            uint32_t *seen = &e->seen[hash & ((1 << SEEN_BITS) - 1)];
            bool remember = (object->ref_count <= new_refs || *seen == hash) && e->shape_count < HTRAIL__SHAPES_MAX &&
                            e->slot_count + object->ref_count <= HTRAIL__SLOTS_MAX;
            *seen = hash;
            put_number(e, HTRAIL__COLUMN_SHAPE, remember ? HTRAIL__SHAPE_NEW : HTRAIL__SHAPE_ONCE);
            describe(e, object, flags, remember);
            if (remember)
                known = remember_shape(e, &shape, object->refs, hash);
        }
        if (known != NULL) {
            uint32_t number = (uint32_t)(known - e->shapes);
            e->shape_after[e->shape_before] = (uint16_t)(number + 1);
            e->shape_before = number;
        }
    } else {
        put_number(e, HTRAIL__COLUMN_SHAPE, HTRAIL__SHAPE_ONCE);
        describe(e, object, flags, false);
    }
    if (!is_described && (known->flags & HTRAIL__SHAPE_STRETCHES))
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
    htrail__shape *shape = NULL;

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
        e->counts.parts++;
        encode_part_head(e, object);
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
        shape = encode_head(e, object, flags, new_refs, has_new_name);
    }

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
