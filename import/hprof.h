/* import/hprof.h - what the parts of the reader of Java heap dumps share. docs/import.md says what becomes of what.
 *
 * Two passes: the first gathers classes, names, roots and stacks (hprof_catalog.c), the second writes objects
 * (hprof_objects.c); the names of threads take another two, as they are strings of the heap. Memory: names and classes,
 * nothing an object.
 *
 *     file     "JAVA PROFILE 1.0.2\0" u4 bytes of an id, u8 milliseconds, records
 *     record   u1 tag, u4 microseconds, u4 length, bytes; big-endian
 *     segment  (tags 0x0c, 0x1c) holds roots, classes, instances and arrays one after the other, each with its own tag */
#ifndef HTRAIL_IMPORT_HPROF_H
#define HTRAIL_IMPORT_HPROF_H

#include "import/job.h"

enum hprof_value { HPROF_OBJECT = 2, HPROF_BOOLEAN = 4, HPROF_CHAR, HPROF_FLOAT, HPROF_DOUBLE, HPROF_BYTE, HPROF_SHORT, HPROF_INT, HPROF_LONG, HPROF_VALUES };

enum hprof_tag {
    HPROF_STRING = 0x01, HPROF_LOAD_CLASS = 0x02, HPROF_STACK_FRAME = 0x04, HPROF_STACK_TRACE = 0x05,
    HPROF_DUMP = 0x0c, HPROF_DUMP_SEGMENT = 0x1c, HPROF_DUMP_END = 0x2c,
    /* in a segment */
    HPROF_ROOT_JNI_GLOBAL = 0x01, HPROF_ROOT_JNI_LOCAL = 0x02, HPROF_ROOT_FRAME = 0x03, HPROF_ROOT_NATIVE = 0x04, HPROF_ROOT_STICKY = 0x05,
    HPROF_ROOT_BLOCK = 0x06, HPROF_ROOT_MONITOR = 0x07, HPROF_ROOT_THREAD = 0x08, HPROF_CLASS = 0x20, HPROF_INSTANCE = 0x21,
    HPROF_OBJECTS = 0x22, HPROF_PRIMITIVES = 0x23, HPROF_ROOT_UNKNOWN = 0xff,
    /* of Android alone */
    HPROF_ROOT_INTERNED = 0x89, HPROF_ROOT_FINALIZING = 0x8a, HPROF_ROOT_DEBUGGER = 0x8b, HPROF_ROOT_CLEANUP = 0x8c, HPROF_ROOT_VM = 0x8d,
    HPROF_ROOT_JNI_MONITOR = 0x8e, HPROF_UNREACHABLE = 0x90, HPROF_PRIMITIVES_LEFT_OUT = 0xc3, HPROF_HEAP_INFO = 0xfe
};

/* Bytes of names, by the ids of STRING records. */
typedef struct hprof_text { uint64_t offset; uint32_t len; } hprof_text;

typedef struct hprof_field { uint64_t name; uint64_t value; uint8_t type; } hprof_field; /* value: of a static that is an object */

/* A reference within the bytes of an instance. */
typedef struct hprof_slot { uint32_t offset; uint32_t kind; htrail_label label; } hprof_slot;

enum { HPROF_NO_PLAN = 0, HPROF_PLANNED = 1 };

typedef struct hprof_class {
    uint64_t id, super, loader, signers, domain, name; /* name: id of a text */
    uint32_t stated_bytes;       /* of an instance, as the file says */
    uint32_t first_static, static_count, first_field, field_count;
    size_t first_slot;           /* of its plan */
    uint32_t slot_count, value_bytes; /* of an instance in the file */
    uint32_t size_bytes;         /* of an instance in the heap */
    uint8_t plan, is_dumped, is_sticky;
} hprof_class;

typedef struct hprof_frame { uint64_t id, method, file; uint32_t class_serial; int32_t line; } hprof_frame;
typedef struct hprof_trace { uint32_t serial, thread, first_frame, frame_count; } hprof_trace;
typedef struct hprof_thread { uint64_t object, name_string, name_bytes; uint32_t serial, trace; uint8_t coder; uint32_t name_len; char name[128]; } hprof_thread;
typedef struct hprof_root { uint64_t object; uint32_t tag, thread, frame; } hprof_root;

typedef struct hprof {
    htrail__job *job;
    uint32_t id_bytes;
    bool is_android;
    uint32_t header_bytes, array_header_bytes, pointer_bytes; /* in the heap */
    uint64_t offset; /* of the item being read */

    htrail__map text_of, class_of, class_of_serial, frame_of, trace_of, thread_of;
    hprof_text *texts;      size_t text_count, text_cap;
    char *text_bytes;       size_t text_used, text_room;
    hprof_class *classes;   size_t class_count, class_cap;
    hprof_field *statics;   size_t static_count, static_cap;
    hprof_field *fields;    size_t field_count, field_cap;
    hprof_slot *slots;      size_t slot_count, slot_cap;
    hprof_frame *frames;    size_t frame_count, frame_cap;
    uint64_t *trace_frames; size_t trace_frame_count, trace_frame_cap;
    hprof_trace *traces;    size_t trace_count, trace_cap;
    hprof_thread *threads;  size_t thread_count, thread_cap;
    hprof_root *roots;      size_t root_count, root_cap;
    uint32_t class_class;   /* place of java.lang.Class; HTRAIL__MAP_NONE */
    uint64_t primitive_types[HPROF_VALUES]; /* ids of byte[] and its like */

    /* What the distances between arrays say of the heap's layout. */
    uint64_t last_array, last_count;
    uint32_t last_item_bytes;
} hprof;

static const uint8_t hprof_value_bytes[HPROF_VALUES] = {
    [HPROF_OBJECT] = 0, [HPROF_BOOLEAN] = 1, [HPROF_CHAR] = 2, [HPROF_FLOAT] = 4, [HPROF_DOUBLE] = 8, [HPROF_BYTE] = 1, [HPROF_SHORT] = 2, [HPROF_INT] = 4, [HPROF_LONG] = 8};

/* hprof_items.c: one item of a segment after the other. */
typedef struct hprof_item {
    uint32_t tag;
    uint64_t id, class_id;       /* class_id: of an instance or array */
    uint32_t thread, frame;      /* of a root: serial numbers */
    uint32_t count, value;       /* of an array; value: enum hprof_value */
    uint64_t payload_bytes;      /* that follow, and are for the visitor to take; what it leaves is skipped */
} hprof_item;

typedef bool hprof_visit(hprof *h, const hprof_item *item);
typedef bool hprof_visit_record(hprof *h, uint32_t tag, uint64_t len);

/* From the front. record (may be NULL) is called for each record that is no segment and takes what it wants of it. */
bool hprof_walk(hprof *h, hprof_visit_record *record, hprof_visit *item);
/* An id of the file, an integer; each after it was looked whether it is there. */
uint64_t hprof_number(const uint8_t *at, uint32_t bytes);
const uint8_t *hprof_take(hprof *h, size_t len);

/* hprof_catalog.c */
bool hprof_catalog_record(hprof *h, uint32_t tag, uint64_t len);
bool hprof_catalog_item(hprof *h, const hprof_item *item);
/* The text of a STRING record; empty where there is none. */
htrail_str hprof_text_of(const hprof *h, uint64_t id);
uint32_t hprof_class_at(const hprof *h, uint64_t id); /* HTRAIL__MAP_NONE: none */
/* "java.lang.String", "byte[][]", into name (cut to its room); its length. */
size_t hprof_class_name(const hprof *h, const hprof_class *of, char *name, size_t room);
/* A walk of the chain of superclasses is no longer than this. */
enum { HPROF_SUPERS_MAX = 1024, HPROF_NAME_BYTES = 1024 };

/* hprof_sizes.c */
void hprof_sizes_learn(hprof *h, const hprof_item *item); /* in the order of the file */
void hprof_sizes_settle(hprof *h);
uint32_t hprof_sizes_instance(const hprof *h, const hprof_class *of);
uint64_t hprof_sizes_class_object(const hprof *h, const hprof_class *of);
uint64_t hprof_sizes_array(const hprof *h, uint64_t count, uint32_t item_bytes);

/* hprof_objects.c */
bool hprof_write_classes(hprof *h);
bool hprof_write_item(hprof *h, const hprof_item *item);
/* hprof_threads.c: roots, threads and their stacks, after the objects. */
bool hprof_write_threads(hprof *h);
void hprof_note_thread(hprof *h, uint32_t class_place, const hprof_item *item, const uint8_t *values);

#endif
