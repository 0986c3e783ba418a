/* import/hprof_objects.c - the second pass over a Java heap dump: types, class objects, instances, arrays. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import/hprof.h"

static const char *const primitive_names[HPROF_VALUES] = {
    [HPROF_BOOLEAN] = "boolean[]", [HPROF_CHAR] = "char[]", [HPROF_FLOAT] = "float[]", [HPROF_DOUBLE] = "double[]",
    [HPROF_BYTE] = "byte[]", [HPROF_SHORT] = "short[]", [HPROF_INT] = "int[]", [HPROF_LONG] = "long[]"};

/* Ids of types that have no class in the dump; no object lies there. */
static htrail_id made_up_type(uint32_t value) { return UINT64_MAX - 1 - 2 * value; }
enum { MADE_UP_CLASS = 0, MADE_UP_UNKNOWN = 1 };

static bool text_is(htrail_str text, const char *wanted) { return text.len == strlen(wanted) && memcmp(text.data, wanted, text.len) == 0; }

static bool is_class_named(const hprof *h, const hprof_class *of, const char *wanted)
{
    char name[HPROF_NAME_BYTES];
    return hprof_class_name(h, of, name, sizeof name) == strlen(wanted) && strcmp(name, wanted) == 0;
}

/* Reference.referent: it keeps nothing alive but in a SoftReference, where the collector lets it until memory is short. */
static bool is_weak(const hprof *h, const hprof_class *of)
{
    static const char *const weak[] = {"java.lang.ref.WeakReference", "java.lang.ref.PhantomReference", "java.lang.ref.FinalReference"};
    for (uint32_t depth = 0; depth < HPROF_SUPERS_MAX; depth++) {
        for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
            if (is_class_named(h, of, weak[i]))
                return true;
        uint32_t at = of->super != 0 ? hprof_class_at(h, of->super) : HTRAIL__MAP_NONE;
        if (at == HTRAIL__MAP_NONE)
            return false;
        of = &h->classes[at];
    }
    return false;
}

/* Where the references lie in an instance's bytes: the fields of the class, then of its superclass, ... */
static bool plan(hprof *h, hprof_class *of)
{
    enum { SLOTS_MAX = 1 << 26 };
    const hprof_class *at = of;
    uint64_t offset = 0;
    bool weak = is_weak(h, of);

    of->first_slot = h->slot_count;
    for (uint32_t depth = 0; at != NULL; depth++) {
        if (depth >= HPROF_SUPERS_MAX)
            return htrail__job_fail(h->job, h->offset, "the class of an instance has more than %d superclasses", HPROF_SUPERS_MAX);
        bool is_reference = weak && is_class_named(h, at, "java.lang.ref.Reference");
        for (uint32_t i = 0; i < at->field_count; i++) {
            const hprof_field *field = &h->fields[at->first_field + i];
            if (field->type != HPROF_OBJECT) {
                offset += hprof_value_bytes[field->type];
                continue;
            }
            htrail_str name = hprof_text_of(h, field->name);
            if (h->slot_count >= SLOTS_MAX)
                return htrail__job_fail(h->job, h->offset, "the classes have more than %d fields", SLOTS_MAX);
            if (!htrail__job_reserve(h->job, &h->slots, &h->slot_cap, h->slot_count, 1, sizeof *h->slots))
                return false;
            h->slots[h->slot_count++] = (hprof_slot){.offset = (uint32_t)offset, .label = htrail__job_label(h->job, name.data, name.len),
                                                     .kind = is_reference && text_is(name, "referent") ? HTRAIL_REF_WEAK : HTRAIL_REF_ATTR};
            offset += h->id_bytes;
        }
        uint32_t super = at->super != 0 ? hprof_class_at(h, at->super) : HTRAIL__MAP_NONE;
        at = super != HTRAIL__MAP_NONE ? &h->classes[super] : NULL;
    }
    of->slot_count = (uint32_t)(h->slot_count - of->first_slot);
    of->value_bytes = (uint32_t)offset;
    of->plan = HPROF_PLANNED;
    return h->job->status == HTRAIL_OK;
}

static bool is_array(const hprof *h, const hprof_class *of)
{
    htrail_str name = hprof_text_of(h, of->name);
    return name.len > 0 && name.data[0] == '[';
}

static htrail_id class_type(const hprof *h)
{
    return h->class_class != HTRAIL__MAP_NONE ? h->classes[h->class_class].id : made_up_type(MADE_UP_CLASS);
}

static bool add_ref(hprof *h, htrail_id target, uint32_t kind, const char *label)
{
    return target == 0 || htrail__job_ref(h->job, target, kind, htrail__job_label(h->job, label, strlen(label)));
}

static bool write_class_object(hprof *h, const hprof_class *of)
{
    char name[HPROF_NAME_BYTES];
    size_t len = hprof_class_name(h, of, name, sizeof name);
    const char *dot = memrchr(name, '.', len);
    htrail__job *job = h->job;

    htrail__job_begin(job, of->id, class_type(h), hprof_sizes_class_object(h, of), 0);
    if (!add_ref(h, of->super, HTRAIL_REF_FIELD, "<super>") || !add_ref(h, of->loader, HTRAIL_REF_FIELD, "<classloader>") ||
        !add_ref(h, of->signers, HTRAIL_REF_FIELD, "<signers>") || !add_ref(h, of->domain, HTRAIL_REF_FIELD, "<protectionDomain>"))
        return false;
    for (uint32_t i = 0; i < of->static_count; i++) {
        const hprof_field *field = &h->statics[of->first_static + i];
        htrail_str text = hprof_text_of(h, field->name);
        if (field->type == HPROF_OBJECT && field->value != 0 &&
            !htrail__job_ref(job, field->value, HTRAIL_REF_ATTR, htrail__job_label(job, text.data, text.len)))
            return false;
    }
    if (!htrail__job_end(job))
        return false;
    return dot != NULL ? htrail__job_name(job, of->id, dot + 1, (size_t)(name + len - dot - 1), name, (size_t)(dot - name))
                       : htrail__job_name(job, of->id, name, len, "", 0);
}

bool hprof_write_classes(hprof *h)
{
    char name[HPROF_NAME_BYTES];
    htrail__job *job = h->job;

    h->class_class = HTRAIL__MAP_NONE;
    for (size_t i = 0; i < h->class_count; i++)
        if (is_class_named(h, &h->classes[i], "java.lang.Class"))
            h->class_class = (uint32_t)i;
    hprof_sizes_settle(h);
    if (h->class_class == HTRAIL__MAP_NONE && !htrail__job_type(job, made_up_type(MADE_UP_CLASS), 0, "java.lang.Class", 15, HTRAIL_TYPE_PSEUDO))
        return false;
    for (uint32_t value = HPROF_BOOLEAN; value < HPROF_VALUES; value++)
        h->primitive_types[value] = 0;
    for (size_t i = 0; i < h->class_count; i++) {
        const hprof_class *of = &h->classes[i];
        size_t len = hprof_class_name(h, of, name, sizeof name);
        htrail_str raw = hprof_text_of(h, of->name);
        for (uint32_t value = HPROF_BOOLEAN; value < HPROF_VALUES; value++)
            if (strcmp(primitive_names[value], name) == 0 && raw.len == 2)
                h->primitive_types[value] = of->id;
        /* A class that a loader of the program's has read says whose its objects are, as a class statement's does. */
        if (!htrail__job_type(job, of->id, of->super, name, len, of->loader != 0 && !is_array(h, of) ? HTRAIL_TYPE_HEAP : 0))
            return false;
    }
    for (uint32_t value = HPROF_BOOLEAN; value < HPROF_VALUES; value++)
        if (h->primitive_types[value] == 0) {
            h->primitive_types[value] = made_up_type(value);
            if (!htrail__job_type(job, made_up_type(value), 0, primitive_names[value], strlen(primitive_names[value]), HTRAIL_TYPE_PSEUDO))
                return false;
        }
    for (size_t i = 0; i < h->class_count; i++)
        if (h->classes[i].is_dumped && !write_class_object(h, &h->classes[i]))
            return false;
    /* A class of arrays is kept by that of its elements, which the dump does not show. */
    for (size_t i = 0; i < h->class_count; i++)
        if (h->classes[i].is_dumped && !h->classes[i].is_sticky && h->classes[i].loader == 0 && is_array(h, &h->classes[i])) {
            h->classes[i].is_sticky = 1;
            if (!htrail__job_root(job, h->classes[i].id, HTRAIL_ROOT_STICKY_CLASS, "of arrays", 0, 0))
                return false;
        }
    return true;
}

/* A class is kept by its instances; those that are roots themselves need not be told so by each. */
static bool ref_class(hprof *h, const hprof_class *of)
{
    return of->is_sticky || add_ref(h, of->id, HTRAIL_REF_FIELD, "<class>");
}

static bool write_instance(hprof *h, const hprof_item *item)
{
    uint32_t place = hprof_class_at(h, item->class_id);
    if (place == HTRAIL__MAP_NONE)
        return htrail__job_fail(h->job, h->offset, "an instance is of class 0x%" PRIx64 ", which the dump does not have", item->class_id);
    hprof_class *of = &h->classes[place];
    if (of->plan != HPROF_PLANNED && !plan(h, of))
        return false;
    if (item->payload_bytes != of->value_bytes)
        return htrail__job_fail(h->job, h->offset, "an instance has %" PRIu64 " bytes of fields and its class %" PRIu32, item->payload_bytes, of->value_bytes);
    if (item->payload_bytes > HTRAIL__SOURCE_WINDOW_BYTES)
        return htrail__job_fail(h->job, h->offset, "an instance has %" PRIu64 " bytes of fields", item->payload_bytes);
    const uint8_t *values = item->payload_bytes > 0 ? hprof_take(h, (size_t)item->payload_bytes) : (const uint8_t *)"";
    if (values == NULL)
        return false;
    if (htrail__map_get(&h->thread_of, item->id) != HTRAIL__MAP_NONE)
        hprof_note_thread(h, place, item, values);
    htrail__job_begin(h->job, item->id, of->id, of->size_bytes, 0);
    if (!ref_class(h, of))
        return false;
    for (size_t i = of->first_slot; i < of->first_slot + of->slot_count; i++) {
        uint64_t target = hprof_number(values + h->slots[i].offset, h->id_bytes);
        if (target != 0 && !htrail__job_ref(h->job, target, h->slots[i].kind, h->slots[i].label))
            return false;
    }
    return htrail__job_end(h->job);
}

static bool write_objects(hprof *h, const hprof_item *item)
{
    uint32_t place = hprof_class_at(h, item->class_id);
    bool label_needed = false;
    if (place == HTRAIL__MAP_NONE)
        return htrail__job_fail(h->job, h->offset, "an array is of class 0x%" PRIx64 ", which the dump does not have", item->class_id);
    htrail__job_begin(h->job, item->id, item->class_id, hprof_sizes_array(h, item->count, 0), HTRAIL_OBJECT_LENGTH);
    h->job->object.length = item->count;
    if (!ref_class(h, &h->classes[place]))
        return false;
    for (uint32_t i = 0; i < item->count; i++) {
        const uint8_t *at = hprof_take(h, h->id_bytes);
        if (at == NULL)
            return false;
        uint64_t target = hprof_number(at, h->id_bytes);
        if (target != 0 && !htrail__job_ref(h->job, target, HTRAIL_REF_INDEX, label_needed ? (htrail_label)i + 1 : 0))
            return false;
        label_needed = target == 0;
    }
    return htrail__job_end(h->job);
}

bool hprof_write_item(hprof *h, const hprof_item *item)
{
    switch (item->tag) {
    case HPROF_CLASS: { /* the first pass has what is in it: gone past by reading it again */
        size_t statics = h->static_count, fields = h->field_count;
        bool done = hprof_catalog_item(h, item);
        h->static_count = statics;
        h->field_count = fields;
        return done;
    }
    case HPROF_INSTANCE:
        return write_instance(h, item);
    case HPROF_OBJECTS:
        return write_objects(h, item);
    case HPROF_PRIMITIVES: case HPROF_PRIMITIVES_LEFT_OUT:
        htrail__job_begin(h->job, item->id, h->primitive_types[item->value], hprof_sizes_array(h, item->count, hprof_value_bytes[item->value]), HTRAIL_OBJECT_LENGTH);
        h->job->object.length = item->count;
        return htrail__job_end(h->job);
    default:
        return true;
    }
}
