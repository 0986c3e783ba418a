/* analyze/graph.c - records of a reader into arrays. See the header.
 *
 * While reading, targets are addresses; they are resolved when all objects are known.
 * The parts of an object that came apart (HTRAIL_OBJECT_CONTINUED) are laid side by side
 * at the end of the arrays; their old places stay unused. */
#include "analyze/graph_build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mapping.h"
#include "analyze/resident.h"
#include "analyze/str.h"

enum {
    STEP_OBJECTS = 1 << 14,
    POSITION_MAX = UINT32_MAX >> HTRAIL__LABEL_TAG_BITS,
    NAME_BYTES_MAX = 1024
};
#define TEXT_BYTES_MAX (SIZE_MAX >> 16)

htrail_status htrail__graph_fail(htrail__graph *graph, htrail_status status, const char *format, ...)
{
    va_list values;
    if (graph->build->message != NULL && graph->build->message_cap > 0) {
        int used = snprintf(graph->build->message, graph->build->message_cap, "cannot load '%s': ", graph->build->name);
        if (used < 0 || (size_t)used >= graph->build->message_cap)
            return status;
        va_start(values, format);
        vsnprintf(graph->build->message + used, graph->build->message_cap - (size_t)used, format, values);
        va_end(values);
    }
    return status;
}

htrail_status htrail__graph_no_memory(htrail__graph *graph)
{
    return htrail__graph_fail(graph, HTRAIL_E_NOMEM, "%s at %" PRIu32 " objects and %" PRIu32 " references", htrail__resident_failure(),
                graph->object_count, graph->ref_count);
}

htrail_status htrail__graph_reserve(htrail__graph *graph, void *data_pointer, size_t *room, uint64_t used, uint64_t more, size_t item_bytes)
{
    void **data = data_pointer;
    if (used + more <= *room)
        return HTRAIL_OK;
    size_t wanted = *room < 1024 ? 1024 : *room * 2;
    if (wanted < used + more)
        wanted = (size_t)(used + more);
    if (wanted > SIZE_MAX / 2 / item_bytes)
        return htrail__graph_no_memory(graph);
    void *grown = htrail__mapping_grow(*data, wanted * item_bytes);
    if (grown == NULL)
        return htrail__graph_no_memory(graph);
    *data = grown;
    *room = wanted;
    return HTRAIL_OK;
}

htrail_status htrail__graph_add_text(htrail__graph *graph, htrail_str text, uint32_t *number)
{
    htrail_status status = htrail__texts_add(&graph->texts, text, number);
    if (status == HTRAIL_OK)
        return HTRAIL_OK;
    return status == HTRAIL_E_NOMEM ? htrail__graph_no_memory(graph) : htrail__graph_fail(graph, status, "the texts of the snapshot exceed %zu bytes", (size_t)TEXT_BYTES_MAX);
}

/* Labels. */

/* The multiplier is another one in each load: no file can be made to put all in one slot. */
static uint32_t mix(const htrail__graph *graph, uint64_t value)
{
    return (uint32_t)(value * graph->addresses.multiplier >> 32);
}

static uint32_t *atom_slot(const htrail__graph *graph, uint32_t kind, htrail_label label)
{
    const struct htrail__graph_build *build = graph->build;
    for (size_t slot = mix(graph, label ^ (uint64_t)kind << 56);; slot++) {
        uint32_t *at = &build->atom_slots[slot & (build->atom_slot_count - 1)];
        if (*at == 0 || (graph->atoms[*at - 1].label == label && graph->atoms[*at - 1].kind == kind))
            return at;
    }
}

static htrail_status grow_atom_slots(htrail__graph *graph)
{
    struct htrail__graph_build *build = graph->build;
    free(build->atom_slots);
    build->atom_slot_count *= 2;
    build->atom_slots = calloc(build->atom_slot_count, sizeof *build->atom_slots);
    if (build->atom_slots == NULL)
        return htrail__graph_no_memory(graph);
    for (uint32_t i = 0; i < graph->atom_count; i++)
        *atom_slot(graph, graph->atoms[i].kind, graph->atoms[i].label) = i + 1;
    return HTRAIL_OK;
}

htrail_status htrail__graph_atom_for(htrail__graph *graph, uint32_t kind, htrail_label label, uint32_t *atom)
{
    struct htrail__graph_build *build = graph->build;
    uint32_t *slot = atom_slot(graph, kind, label);
    htrail_status status;

    if (*slot == 0) {
        if (graph->atom_count >= POSITION_MAX)
            return htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu32 " different labels", (uint32_t)POSITION_MAX);
        if (graph->atom_count >= build->atom_slot_count / 2) {
            status = grow_atom_slots(graph);
            if (status != HTRAIL_OK)
                return status;
            slot = atom_slot(graph, kind, label);
        }
        status = htrail__graph_reserve(graph, &graph->atoms, &build->atom_room, graph->atom_count, 1, sizeof *graph->atoms);
        if (status != HTRAIL_OK)
            return status;
        graph->atoms[graph->atom_count] = (htrail__graph_atom){.label = label, .kind = kind};
        *slot = ++graph->atom_count;
    }
    *atom = *slot - 1;
    return HTRAIL_OK;
}

htrail_status htrail__graph_atom_code(htrail__graph *graph, uint32_t kind, htrail_label label, uint32_t *code)
{
    struct htrail__graph_build *build = graph->build;
    uint32_t atom, place = mix(graph, label + kind) & (HTRAIL__GRAPH_ATOM_CACHE - 1);

    if (build->atom_cache[place].label == label && build->atom_cache[place].kind == kind + 1) {
        *code = build->atom_cache[place].code;
        return HTRAIL_OK;
    }
    htrail_status status = htrail__graph_atom_for(graph, kind, label, &atom);
    if (status != HTRAIL_OK)
        return status;
    *code = HTRAIL__LABEL(HTRAIL__LABEL_ATOM, atom);
    build->atom_cache[place].label = label;
    build->atom_cache[place].kind = kind + 1;
    build->atom_cache[place].code = *code;
    return HTRAIL_OK;
}

/* The position of an INDEX or STACK reference, given by its label or by those before it. */
static htrail_status position_code(htrail__graph *graph, const htrail_ref *ref, uint64_t *next, uint32_t tag, uint32_t *code)
{
    uint64_t position = ref->label == 0 ? *next : ref->label - 1;
    *next = position + 1;
    if (position > POSITION_MAX) /* such a list alone would be 8 GiB: kept as a text */
        return htrail__graph_atom_code(graph, ref->kind, position + 1, code);
    *code = HTRAIL__LABEL(tag, position);
    return HTRAIL_OK;
}

/* Objects and types. */

static uint32_t *type_slot(const htrail__graph *graph, uint64_t address)
{
    const struct htrail__graph_build *build = graph->build;
    for (size_t slot = mix(graph, address);; slot++) {
        uint32_t *at = &build->type_slots[slot & (build->type_slot_count - 1)];
        if (*at == 0 || graph->types[*at - 1].address == address)
            return at;
    }
}

static htrail_status add_type(htrail__graph *graph, const htrail_type *type)
{
    struct htrail__graph_build *build = graph->build;
    char full[2 * NAME_BYTES_MAX + 2];
    htrail__graph_type added = {.address = type->id, .base = type->base, .basic_bytes = type->basic_bytes,
                                .item_bytes = type->item_bytes, .flags = type->flags,
                                .name_label = type->name_label, .module_label = type->module_label};
    htrail_status status;
    bool builtin = type->module.len == 0 || (type->module.len == 8 && memcmp(type->module.data, "builtins", 8) == 0) ||
                   (type->module.len == 11 && memcmp(type->module.data, "__builtin__", 11) == 0);

    if (*type_slot(graph, type->id) != 0)
        return HTRAIL_OK; /* known: a file that says it twice says nothing new */
    int len = builtin ? snprintf(full, sizeof full, "%.*s", (int)(type->name.len < NAME_BYTES_MAX ? type->name.len : NAME_BYTES_MAX), type->name.data)
                      : snprintf(full, sizeof full, "%.*s.%.*s", (int)(type->module.len < NAME_BYTES_MAX ? type->module.len : NAME_BYTES_MAX), type->module.data,
                                 (int)(type->name.len < NAME_BYTES_MAX ? type->name.len : NAME_BYTES_MAX), type->name.data);
    if ((status = htrail__graph_add_text(graph, type->name, &added.name)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, type->module, &added.module)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, (htrail_str){full, (size_t)len}, &added.full_name)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->types, &build->type_room, graph->type_count, 1, sizeof *graph->types)) != HTRAIL_OK)
        return status;
    graph->types[graph->type_count++] = added;
    if (graph->type_count > build->type_slot_count / 2) {
        free(build->type_slots);
        build->type_slot_count *= 2;
        build->type_slots = calloc(build->type_slot_count, sizeof *build->type_slots);
        if (build->type_slots == NULL)
            return htrail__graph_no_memory(graph);
        for (uint32_t i = 0; i < graph->type_count; i++)
            *type_slot(graph, graph->types[i].address) = i + 1;
    } else {
        *type_slot(graph, type->id) = graph->type_count;
    }
    return HTRAIL_OK;
}

static htrail_status type_of(htrail__graph *graph, uint64_t address, uint32_t *type)
{
    struct htrail__graph_build *build = graph->build;
    uint32_t place = mix(graph, address) & (HTRAIL__GRAPH_TYPE_CACHE - 1);
    char name[64];

    if (build->type_cache[place].type != 0 && build->type_cache[place].address == address) {
        *type = build->type_cache[place].type - 1;
        return HTRAIL_OK;
    }
    if (*type_slot(graph, address) == 0) {
        int len = snprintf(name, sizeof name, "unknown type 0x%" PRIx64, address);
        htrail_status status = add_type(graph, &(htrail_type){.id = address, .name = {name, (size_t)len}});
        if (status != HTRAIL_OK)
            return status;
    }
    *type = *type_slot(graph, address) - 1;
    build->type_cache[place].address = address;
    build->type_cache[place].type = *type + 1;
    return HTRAIL_OK;
}

static htrail_status add_refs(htrail__graph *graph, const htrail_object *object, htrail__graph_part *added)
{
    struct htrail__graph_build *build = graph->build;
    uint64_t next_index = 0, next_stack = 0;
    bool index_given = false, stack_given = false;
    htrail_status status;

    *added = (htrail__graph_part){.address = object->id, .first_ref = graph->ref_count, .ref_count = object->ref_count};
    if (object->ref_count > build->refs_max - graph->ref_count)
        return htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu64 " references", build->refs_max);
    if ((status = htrail__graph_reserve(graph, &build->addresses, &build->address_room, graph->ref_count, object->ref_count, sizeof *build->addresses)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->labels, &build->label_room, graph->ref_count, object->ref_count, sizeof *graph->labels)) != HTRAIL_OK)
        return status;
    for (uint32_t i = 0; i < object->ref_count; i++) {
        const htrail_ref *ref = &object->refs[i];
        uint32_t *code = &graph->labels[graph->ref_count + i];
        build->addresses[graph->ref_count + i] = ref->target;
        switch (ref->kind) {
        case HTRAIL_REF_INDEX:
            index_given |= ref->label != 0;
            added->positions += !index_given;
            status = position_code(graph, ref, &next_index, HTRAIL__LABEL_INDEX, code);
            break;
        case HTRAIL_REF_STACK:
            stack_given |= ref->label != 0;
            added->stack_positions += !stack_given;
            status = position_code(graph, ref, &next_stack, HTRAIL__LABEL_STACK, code);
            break;
        case HTRAIL_REF_VALUE:
            /* A value needs its key before it; that of a part may be in the part before. */
            if (ref->label == 0 && (i > 0 ? ref[-1].kind == HTRAIL_REF_KEY : (object->flags & HTRAIL_OBJECT_CONTINUED) != 0)) {
                *code = HTRAIL__LABEL(HTRAIL__LABEL_UNDER_KEY, 0);
                break;
            }
            status = htrail__graph_atom_code(graph, ref->kind, ref->label, code);
            break;
        case HTRAIL_REF_KEY:
        case HTRAIL_REF_PLAIN:
            status = htrail__graph_atom_code(graph, ref->kind, 0, code);
            break;
        default:
            status = htrail__graph_atom_code(graph, ref->kind, ref->label, code);
        }
        if (status != HTRAIL_OK)
            return status;
    }
    graph->ref_count += object->ref_count;
    return HTRAIL_OK;
}

static htrail_status add_object(htrail__graph *graph, const htrail_object *object)
{
    struct htrail__graph_build *build = graph->build;
    htrail_status status;
    uint32_t type;
    htrail__graph_part added;

    if (object->flags & HTRAIL_OBJECT_CONTINUED) {
        if ((status = add_refs(graph, object, &added)) != HTRAIL_OK ||
            (status = htrail__graph_reserve(graph, &build->parts, &build->part_room, build->part_count, 1, sizeof *build->parts)) != HTRAIL_OK)
            return status;
        build->parts[build->part_count++] = added;
        return HTRAIL_OK;
    }
    status = htrail__addresses_add(&graph->addresses, object->id);
    if (status == HTRAIL_END) {
        graph->objects_duplicate++;
        return HTRAIL_OK;
    }
    if (status != HTRAIL_OK)
        return htrail__graph_no_memory(graph);
    if (graph->object_count >= build->objects_max)
        return htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu64 " objects", build->objects_max);
    if ((status = type_of(graph, object->type, &type)) != HTRAIL_OK || (status = add_refs(graph, object, &added)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->objects, &build->object_room, graph->object_count, 1, sizeof *graph->objects)) != HTRAIL_OK)
        return status;
    graph->objects[graph->object_count++] = (htrail__graph_object){
        .address = object->id, .size_bytes = object->size_bytes < INT64_MAX ? object->size_bytes : INT64_MAX, .length = object->length, .refcount = object->refcount,
        .type = type, .first_ref = added.first_ref, .ref_count = added.ref_count, .flags = object->flags};
    return HTRAIL_OK;
}

static htrail_status add_string(htrail__graph *graph, uint32_t id, htrail_str text)
{
    struct htrail__graph_build *build = graph->build;
    htrail_status status;

    if (id < build->string_count)
        return HTRAIL_OK;
    if (id > build->string_count)
        return htrail__graph_fail(graph, HTRAIL_E_CORRUPT, "string %" PRIu32 " comes where string %" PRIu32 " should", id, build->string_count);
    status = htrail__graph_reserve(graph, &build->strings, &build->string_room, id, 1, sizeof *build->strings);
    return status == HTRAIL_OK ? htrail__graph_add_text(graph, text, &build->strings[build->string_count++]) : status;
}

static htrail_status add_name(htrail__graph *graph, const htrail_name *name)
{
    htrail__graph_name added = {.address = name->object, .object = HTRAIL__NO_ID};
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, name->name, &added.name)) != HTRAIL_OK ||
        (status = htrail__graph_add_text(graph, name->module, &added.module)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->names, &graph->build->name_room, graph->name_count, 1, sizeof added)) != HTRAIL_OK)
        return status;
    graph->names[graph->name_count++] = added;
    return graph->name_count == UINT32_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu32 " names", UINT32_MAX) : HTRAIL_OK;
}

static htrail_status add_value(htrail__graph *graph, const htrail_value *value)
{
    htrail__graph_value added = {.address = value->object, .object = HTRAIL__NO_ID, .hash = value->hash, .flags = value->flags};
    htrail_status status;
    if ((value->flags & HTRAIL_VALUE_TEXT) && (status = htrail__graph_add_text(graph, value->text, &added.text)) != HTRAIL_OK)
        return status;
    if ((status = htrail__graph_reserve(graph, &graph->values, &graph->build->value_room, graph->value_count, 1, sizeof added)) != HTRAIL_OK)
        return status;
    graph->values[graph->value_count++] = added;
    return graph->value_count == UINT32_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu32 " values", UINT32_MAX) : HTRAIL_OK;
}

static htrail_status add_root(htrail__graph *graph, const htrail_root *root)
{
    struct htrail__graph_build *build = graph->build;
    htrail__graph_root added = {.thread_id = root->thread_id, .kind = root->kind, .depth = root->depth};
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, root->name, &added.name)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &graph->roots, &build->root_room, graph->root_count, 1, sizeof added)) != HTRAIL_OK ||
        (status = htrail__graph_reserve(graph, &build->root_addresses, &build->root_address_room, graph->root_count, 1, sizeof root->object)) != HTRAIL_OK)
        return status;
    build->root_addresses[graph->root_count] = root->object;
    graph->roots[graph->root_count++] = added;
    return graph->root_count == UINT32_MAX ? htrail__graph_fail(graph, HTRAIL_E_LIMIT, "more than %" PRIu32 " roots", UINT32_MAX) : HTRAIL_OK;
}

static htrail_status add_meta(htrail__graph *graph, htrail_str key, htrail_str value)
{
    htrail__graph_meta added;
    htrail_status status;
    if ((status = htrail__graph_add_text(graph, key, &added.key)) != HTRAIL_OK || (status = htrail__graph_add_text(graph, value, &added.value)) != HTRAIL_OK)
        return status;
    for (uint32_t i = 0; i < graph->meta_count && i < 4096; i++)
        if (graph->metas[i].key == added.key) {
            graph->metas[i] = added;
            return HTRAIL_OK;
        }
    status = htrail__graph_reserve(graph, &graph->metas, &graph->build->meta_room, graph->meta_count, 1, sizeof added);
    if (status == HTRAIL_OK)
        graph->metas[graph->meta_count++] = added;
    return status;
}

static htrail_status add_record(htrail__graph *graph, const htrail_record *record)
{
    switch (record->kind) {
    case HTRAIL_RECORD_OBJECT: return add_object(graph, &record->u.object);
    case HTRAIL_RECORD_META: return add_meta(graph, record->u.meta.key, record->u.meta.value);
    case HTRAIL_RECORD_STRING: return add_string(graph, record->u.string.id, record->u.string.text);
    case HTRAIL_RECORD_TYPE: return add_type(graph, &record->u.type);
    case HTRAIL_RECORD_NAME: return add_name(graph, &record->u.name);
    case HTRAIL_RECORD_VALUE: return add_value(graph, &record->u.value);
    case HTRAIL_RECORD_ROOT: return add_root(graph, &record->u.root);
    case HTRAIL_RECORD_THREAD: return htrail__graph_add_thread(graph, &record->u.thread);
    case HTRAIL_RECORD_FRAME: return htrail__graph_add_frame(graph, &record->u.frame);
    case HTRAIL_RECORD_MAPPING: return htrail__graph_add_mapping(graph, &record->u.mapping);
    case HTRAIL_RECORD_SITE: return htrail__graph_add_site(graph, &record->u.site);
    case HTRAIL_RECORD_SITE_OF: return htrail__graph_add_block(graph, &record->u.site_of);
    }
    return HTRAIL_OK;
}

static htrail_status read_records(htrail__graph *graph, htrail_reader *reader, const htrail__graph_opts *opts)
{
    htrail_record record;
    htrail_status status;
    uint32_t count = 0;

    while ((status = htrail_reader_next(reader, &record)) == HTRAIL_OK) {
        htrail_status added = add_record(graph, &record);
        if (added != HTRAIL_OK)
            return added;
        if (++count % STEP_OBJECTS == 0 && opts != NULL && opts->step != NULL)
            opts->step(opts->step_arg, htrail_reader_offset(reader));
    }
    graph->bytes_read = htrail_reader_offset(reader);
    graph->complete = status == HTRAIL_END;
    if (status == HTRAIL_E_TRUNCATED)
        snprintf(graph->cut, sizeof graph->cut, "%s", htrail_reader_error(reader));
    else if (status != HTRAIL_END) {
        if (graph->build->message != NULL)
            snprintf(graph->build->message, graph->build->message_cap, "%s", htrail_reader_error(reader));
        return status;
    } else if (htrail_reader_stopped_early(reader) != NULL)
        snprintf(graph->stopped, sizeof graph->stopped, "%s", htrail_reader_stopped_early(reader));
    return HTRAIL_OK;
}

static htrail_status start(htrail__graph *graph, const htrail__graph_opts *opts)
{
    struct htrail__graph_build *build = graph->build;
    uint64_t most = UINT32_MAX - 1;

    build->objects_max = opts != NULL && opts->objects_max != 0 && opts->objects_max < most ? opts->objects_max : most;
    build->refs_max = opts != NULL && opts->refs_max != 0 && opts->refs_max < most ? opts->refs_max : most;
    build->atom_slot_count = build->type_slot_count = 1024;
    build->atom_slots = calloc(build->atom_slot_count, sizeof *build->atom_slots);
    build->type_slots = calloc(build->type_slot_count, sizeof *build->type_slots);
    if (build->atom_slots == NULL || build->type_slots == NULL || htrail__texts_init(&graph->texts, TEXT_BYTES_MAX) != HTRAIL_OK ||
        htrail__addresses_init(&graph->addresses) != HTRAIL_OK)
        return htrail__graph_no_memory(graph);
    return HTRAIL_OK;
}

static void build_free(struct htrail__graph_build *build)
{
    if (build == NULL)
        return;
    htrail__mapping_free(build->addresses);
    htrail__mapping_free(build->root_addresses);
    htrail__mapping_free(build->parts);
    htrail__mapping_free(build->strings);
    free(build->atom_slots);
    free(build->type_slots);
    free(build);
}

htrail_status htrail__graph_read(htrail__graph **out, htrail_reader *reader, const htrail__graph_opts *opts, char *message,
                                 size_t message_cap)
{
    htrail__graph *graph = calloc(1, sizeof *graph);
    htrail_status status = HTRAIL_E_NOMEM;

    *out = NULL;
    if (graph == NULL || (graph->build = calloc(1, sizeof *graph->build)) == NULL) {
        if (message != NULL)
            snprintf(message, message_cap, "out of memory");
        goto done;
    }
    graph->build->name = opts != NULL && opts->name != NULL ? opts->name : "snapshot";
    graph->build->message = message;
    graph->build->message_cap = message_cap;
    graph->header = *htrail_reader_header(reader);
    if ((status = start(graph, opts)) != HTRAIL_OK || (status = read_records(graph, reader, opts)) != HTRAIL_OK ||
        (status = htrail__graph_resolve(graph)) != HTRAIL_OK)
        goto done;
    *out = graph;
    graph = NULL;
done:
    htrail__graph_free(graph);
    return status;
}

htrail_str htrail__graph_fact(const htrail__graph *graph, const char *key)
{
    for (uint32_t i = 0; i < graph->meta_count; i++)
        if (htrail__str_is(htrail__texts_get(&graph->texts, graph->metas[i].key), key))
            return htrail__texts_get(&graph->texts, graph->metas[i].value);
    return (htrail_str){"", 0};
}

void htrail__graph_free(htrail__graph *graph)
{
    if (graph == NULL)
        return;
    build_free(graph->build);
    htrail__texts_release(&graph->texts);
    htrail__addresses_release(&graph->addresses);
    htrail__mapping_free(graph->objects);
    htrail__mapping_free(graph->targets);
    htrail__mapping_free(graph->labels);
    htrail__mapping_free(graph->types);
    htrail__mapping_free(graph->atoms);
    htrail__mapping_free(graph->names);
    htrail__mapping_free(graph->name_of);
    htrail__mapping_free(graph->values);
    htrail__mapping_free(graph->roots);
    htrail__mapping_free(graph->threads);
    htrail__mapping_free(graph->frames);
    htrail__mapping_free(graph->mappings);
    htrail__mapping_free(graph->sites);
    htrail__mapping_free(graph->blocks);
    htrail__mapping_free(graph->metas);
    free(graph);
}
