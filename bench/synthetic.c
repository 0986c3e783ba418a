/* bench/synthetic.c - a snapshot of a made-up heap of any size, the same bytes every time:
 *
 *     synthetic FILE OBJECTS [SEED]
 *
 * Records in lists of a thousand in such lists in one of a module; ten objects and 29 references each, of
 * which 12 lead to what all share (None, classes, names of attributes). A record leads to its
 * neighbours, every 16th to any earlier one, so that the graph is no forest; every 64th sits in a
 * cycle. Addresses of neighbours are near each other, as an allocator gives them. Prints objects and references. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <htrail/writer.h>

enum { PART = 10, LIST = 1000, TAGS = 97, ATTRIBUTES = 8 };
enum { BASE = 0x100000, TYPE = BASE, NONE = BASE + 0x1000, NAMES = BASE + 0x2000, TAG = BASE + 0x3000, MODULES = BASE + 0x8000,
       MODULE = BASE + 0x8100, GLOBALS = BASE + 0x8200, KEEP = BASE + 0x8300 };
enum { T_TYPE, T_NONE, T_STR, T_INT, T_FLOAT, T_LIST, T_DICT, T_MODULE, T_RECORD, T_POINT, TYPES };

static const htrail_id GROUPS = UINT64_C(0x7e0000000000), LISTS = UINT64_C(0x7f0000000000), RECORDS = UINT64_C(0x7f1000000000);
static htrail_writer *writer;
static uint64_t references, objects;

static htrail_str text(const char *t) { return (htrail_str){t, strlen(t)}; }
static htrail_id type_at(uint32_t type) { return TYPE + 0x100 * (htrail_id)type; }
static htrail_id name_at(uint32_t name) { return NAMES + 0x40 * (htrail_id)name; }
static htrail_id part_at(uint64_t record, uint32_t part) { return RECORDS + (record * PART + part) * 64; }

static void fail(void)
{
    fprintf(stderr, "synthetic: %s\n", htrail_writer_error(writer));
    exit(1);
}

static void add(htrail_id id, uint32_t type, uint64_t size_bytes, uint32_t flags, const htrail_ref *refs, uint32_t ref_count)
{
    htrail_object object = {.id = id, .type = type_at(type), .size_bytes = size_bytes, .refcount = 1, .refs = refs, .ref_count = ref_count, .flags = flags};
    if (type == T_LIST || type == T_DICT) {
        object.flags |= HTRAIL_OBJECT_LENGTH;
        object.length = type == T_LIST ? ref_count : ref_count / 2;
    }
    if (htrail_writer_add_object(writer, &object) != HTRAIL_OK)
        fail();
    objects++;
    references += ref_count;
}

static void add_pair(htrail_ref *refs, uint32_t *count, htrail_id key, htrail_id value)
{
    refs[(*count)++] = (htrail_ref){.target = key, .kind = HTRAIL_REF_KEY};
    refs[(*count)++] = (htrail_ref){.target = value, .kind = HTRAIL_REF_VALUE, .label = HTRAIL_LABEL_OBJECT(key)};
}

static void add_shared(void)
{
    static const char *const types[TYPES] = {"type", "NoneType", "str", "int", "float", "list", "dict", "module", "Record", "Point"};
    static const char *const names[ATTRIBUTES] = {"name", "number", "tags", "point", "index", "peer", "id", "pair"};
    for (uint32_t i = 0; i < TYPES; i++) {
        htrail_type type = {.id = type_at(i), .name = text(types[i]), .module = text(i < T_RECORD ? "builtins" : "app"), .basic_bytes = 16,
                            .flags = i < T_RECORD ? 0 : HTRAIL_TYPE_HEAP};
        if (htrail_writer_add_type(writer, &type) != HTRAIL_OK)
            fail();
        add(type_at(i), T_TYPE, 1000, HTRAIL_OBJECT_TRACKED, NULL, 0);
        htrail_writer_add_name(writer, &(htrail_name){.object = type_at(i), .name = text(types[i]), .module = type.module});
        htrail_writer_add_root(writer, &(htrail_root){.object = type_at(i), .kind = HTRAIL_ROOT_STATIC_TYPE});
    }
    add(NONE, T_NONE, 16, 0, NULL, 0);
    htrail_writer_add_root(writer, &(htrail_root){.object = NONE, .kind = HTRAIL_ROOT_FROZEN});
    for (uint32_t i = 0; i < ATTRIBUTES; i++) {
        add(name_at(i), T_STR, 56, 0, NULL, 0);
        htrail_writer_add_name(writer, &(htrail_name){.object = name_at(i), .name = text(names[i])});
        htrail_writer_add_root(writer, &(htrail_root){.object = name_at(i), .kind = HTRAIL_ROOT_INTERNED});
    }
    for (uint32_t i = 0; i < TAGS; i++)
        add(TAG + 0x40 * (htrail_id)i, T_STR, 55, 0, NULL, 0);
}

static void add_record(uint64_t i, uint64_t records, uint32_t field_class, uint32_t field_dict, uint64_t *state)
{
    htrail_ref refs[32];
    uint32_t count = 0;
    htrail_id none = NONE;
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint64_t any = *state >> 20;

    refs[count++] = (htrail_ref){.target = type_at(T_RECORD), .kind = HTRAIL_REF_FIELD, .label = HTRAIL_LABEL_STRING(field_class)};
    refs[count++] = (htrail_ref){.target = part_at(i, 1), .kind = HTRAIL_REF_FIELD, .label = HTRAIL_LABEL_STRING(field_dict)};
    add(part_at(i, 0), T_RECORD, 48, HTRAIL_OBJECT_TRACKED, refs, count);
    count = 0;
    add_pair(refs, &count, name_at(0), part_at(i, 2));
    add_pair(refs, &count, name_at(1), part_at(i, 3));
    add_pair(refs, &count, name_at(2), part_at(i, 4));
    add_pair(refs, &count, name_at(3), part_at(i, 6));
    add_pair(refs, &count, name_at(4), part_at(i, 7));
    add_pair(refs, &count, name_at(5), i % 16 == 0 && i > 0 ? part_at(any % i, 0) : none);
    add(part_at(i, 1), T_DICT, 184, HTRAIL_OBJECT_TRACKED, refs, count);
    add(part_at(i, 2), T_STR, 60, 0, NULL, 0);
    add(part_at(i, 3), T_INT, 28, 0, NULL, 0);
    count = 0;
    const htrail_id items[] = {part_at(i, 5), TAG + 0x40 * (any % TAGS), i > 0 ? part_at(i - 1, 0) : none, i + 1 < records ? part_at(i + 1, 0) : none};
    for (uint32_t at = 0; at < 4; at++)
        refs[count++] = (htrail_ref){.target = items[at], .kind = HTRAIL_REF_INDEX};
    add(part_at(i, 4), T_LIST, 96, HTRAIL_OBJECT_TRACKED, refs, count);
    add(part_at(i, 5), T_STR, 55, 0, NULL, 0);
    count = 0;
    const htrail_id slots[] = {type_at(T_POINT), part_at(i, 8), part_at(i, 9), i % 64 == 0 ? part_at(i, 0) : none};
    for (uint32_t at = 0; at < 4; at++)
        refs[count++] = (htrail_ref){.target = slots[at], .kind = at == 0 ? HTRAIL_REF_PLAIN : HTRAIL_REF_OFFSET};
    add(part_at(i, 6), T_POINT, 56, HTRAIL_OBJECT_TRACKED, refs, count);
    count = 0;
    add_pair(refs, &count, name_at(6), part_at(i, 3));
    add_pair(refs, &count, name_at(7), part_at(i, 2));
    add_pair(refs, &count, name_at(0), part_at(i, 0));
    add(part_at(i, 7), T_DICT, 184, HTRAIL_OBJECT_TRACKED, refs, count);
    add(part_at(i, 8), T_FLOAT, 24, 0, NULL, 0);
    add(part_at(i, 9), T_FLOAT, 24, 0, NULL, 0);
}

int main(int argc, char **argv)
{
    char message[512];
    if (argc < 3) {
        fprintf(stderr, "usage: synthetic FILE OBJECTS [SEED]\n");
        return 2;
    }
    uint64_t wanted = strtoull(argv[2], NULL, 10), state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1, records = wanted > 200 ? (wanted - 200) / PART : 1;
    uint64_t lists = (records + LIST - 1) / LIST, groups = (lists + LIST - 1) / LIST;
    htrail_ref refs[LIST], module[4];
    uint32_t field_class, field_dict, count = 0;

    if (htrail_writer_open_path(&writer, argv[1], NULL, message, sizeof message) != HTRAIL_OK) {
        fprintf(stderr, "synthetic: %s\n", message);
        return 1;
    }
    htrail_writer_add_string(writer, text("__class__"), &field_class);
    htrail_writer_add_string(writer, text("__dict__"), &field_dict);
    add_shared();
    add_pair(module, &count, name_at(6), MODULE);
    add(MODULES, T_DICT, 232, HTRAIL_OBJECT_TRACKED, module, count);
    htrail_writer_add_root(writer, &(htrail_root){.object = MODULES, .kind = HTRAIL_ROOT_MODULES, .name = text("modules")});
    add(MODULE, T_MODULE, 72, HTRAIL_OBJECT_TRACKED, &(htrail_ref){.target = GLOBALS, .kind = HTRAIL_REF_FIELD, .label = HTRAIL_LABEL_STRING(field_dict)}, 1);
    htrail_writer_add_name(writer, &(htrail_name){.object = MODULE, .name = text("app")});
    count = 0;
    add_pair(module, &count, name_at(7), KEEP);
    add(GLOBALS, T_DICT, 232, HTRAIL_OBJECT_TRACKED, module, count);
    for (uint64_t i = 0; i < groups; i++)
        refs[i] = (htrail_ref){.target = GROUPS + i * 64, .kind = HTRAIL_REF_INDEX};
    add(KEEP, T_LIST, 56 + 8 * groups, HTRAIL_OBJECT_TRACKED, refs, (uint32_t)groups);
    for (uint64_t list = 0; list < lists; list++) {
        if (list % LIST == 0) {
            uint64_t of_group = lists - list < LIST ? lists - list : LIST;
            for (uint64_t i = 0; i < of_group; i++)
                refs[i] = (htrail_ref){.target = LISTS + (list + i) * 64, .kind = HTRAIL_REF_INDEX};
            add(GROUPS + list / LIST * 64, T_LIST, 56 + 8 * of_group, HTRAIL_OBJECT_TRACKED, refs, (uint32_t)of_group);
        }
        uint64_t first = list * LIST, end = first + LIST < records ? first + LIST : records;
        for (uint64_t i = first; i < end; i++)
            refs[i - first] = (htrail_ref){.target = part_at(i, 0), .kind = HTRAIL_REF_INDEX};
        add(LISTS + list * 64, T_LIST, 56 + 8 * (end - first), HTRAIL_OBJECT_TRACKED, refs, (uint32_t)(end - first));
        for (uint64_t i = first; i < end; i++)
            add_record(i, records, field_class, field_dict, &state);
    }
    if (htrail_writer_finish(writer) != HTRAIL_OK)
        fail();
    htrail_writer_free(writer);
    printf("%" PRIu64 " %" PRIu64 "\n", objects, references);
    return 0;
}
