/* bench/replay.c - what writing and reading a snapshot cost, apart from the walk and the disk.
 * Reads FILE into memory as the calls that made it, then times, best of ROUNDS:
 *   encode: those calls again, into a writer whose sink drops the bytes
 *   decode: the reader over the file in memory
 *   csr:    the reader and the arrays of analyze/graph.h over it
 * Prints one line: objects refs file_bytes names_bytes encode_ns decode_ns csr_ns (ns an object).
 * With "encode" or "csr" as a third argument it runs just that, once: for callgrind. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <htrail/reader.h>
#include <htrail/writer.h>

#include "analyze/graph.h"

enum call_kind { CALL_TYPE, CALL_OBJECT, CALL_NAME, CALL_VALUE, CALL_ROOT, CALL_STRING };

typedef struct call {
    enum call_kind kind;
    size_t at; /* into the array of its kind */
} call;

/* Arrays that only grow; what a call hands over is copied into them. */
typedef struct array {
    void *data;
    size_t count, cap, item_bytes;
} array;

static void *add(array *a, size_t count)
{
    if (a->count + count > a->cap) {
        a->cap = (a->count + count) * 2 + 1024;
        a->data = realloc(a->data, a->cap * a->item_bytes);
        if (a->data == NULL)
            exit(3);
    }
    a->count += count;
    return (char *)a->data + (a->count - count) * a->item_bytes;
}

typedef struct recording {
    array calls, types, objects, refs, names, values, roots, strings, texts;
    uint64_t object_count;
} recording;

static htrail_str keep(recording *r, htrail_str text)
{
    char *copy = malloc(text.len + 1);
    memcpy(copy, text.data, text.len);
    *(char **)add(&r->texts, 1) = copy;
    return (htrail_str){copy, text.len};
}

static void record_call(recording *r, enum call_kind kind, array *of, const void *what)
{
    *(call *)add(&r->calls, 1) = (call){kind, of->count};
    memcpy(add(of, 1), what, of->item_bytes);
}

static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*len);
    *len = fread(data, 1, *len, f);
    fclose(f);
    return data;
}

static void record_all(recording *r, const uint8_t *data, size_t len)
{
    htrail_reader *reader;
    htrail_record rec;
    char message[256];
    htrail_status status = htrail_reader_open_memory(&reader, data, len, "input", NULL, message, sizeof message);
    if (status != HTRAIL_OK) {
        fprintf(stderr, "%s\n", message);
        exit(3);
    }
    while ((status = htrail_reader_next(reader, &rec)) == HTRAIL_OK) {
        switch (rec.kind) {
        case HTRAIL_RECORD_META:
            break;
        case HTRAIL_RECORD_STRING: {
            htrail_str text = keep(r, rec.u.string.text);
            record_call(r, CALL_STRING, &r->strings, &text);
            break;
        }
        case HTRAIL_RECORD_TYPE:
            rec.u.type.name = keep(r, rec.u.type.name);
            rec.u.type.module = keep(r, rec.u.type.module);
            record_call(r, CALL_TYPE, &r->types, &rec.u.type);
            break;
        case HTRAIL_RECORD_OBJECT: {
            htrail_object object = rec.u.object;
            size_t first = r->refs.count;
            memcpy(add(&r->refs, object.ref_count), object.refs, object.ref_count * sizeof *object.refs);
            object.refs = (const htrail_ref *)first; /* a number until the array stands still */
            r->object_count += (object.flags & HTRAIL_OBJECT_CONTINUED) == 0;
            record_call(r, CALL_OBJECT, &r->objects, &object);
            break;
        }
        case HTRAIL_RECORD_NAME:
            rec.u.name.name = keep(r, rec.u.name.name);
            rec.u.name.module = keep(r, rec.u.name.module);
            record_call(r, CALL_NAME, &r->names, &rec.u.name);
            break;
        case HTRAIL_RECORD_VALUE:
            rec.u.value.text = keep(r, rec.u.value.text);
            record_call(r, CALL_VALUE, &r->values, &rec.u.value);
            break;
        case HTRAIL_RECORD_ROOT:
            rec.u.root.name = keep(r, rec.u.root.name);
            record_call(r, CALL_ROOT, &r->roots, &rec.u.root);
            break;
        case HTRAIL_RECORD_THREAD: /* a few a file */
        case HTRAIL_RECORD_FRAME:
        case HTRAIL_RECORD_SITE:
        case HTRAIL_RECORD_SITE_OF:
        case HTRAIL_RECORD_MAPPING:
            break;
        }
    }
    if (status != HTRAIL_END) {
        fprintf(stderr, "%s\n", htrail_reader_error(reader));
        exit(3);
    }
    htrail_reader_free(reader);
}

static void point_refs(recording *r)
{
    htrail_object *objects = r->objects.data;
    for (size_t i = 0; i < r->objects.count; i++)
        objects[i].refs = (const htrail_ref *)r->refs.data + (size_t)objects[i].refs;
}

static int drop(void *arg, const void *data, size_t len)
{
    (void)data;
    *(uint64_t *)arg += len;
    return 0;
}

/* Returns the bytes that it made. */
static uint64_t encode(const recording *r)
{
    uint64_t bytes = 0;
    htrail_sink sink = {drop, &bytes};
    htrail_writer *w;
    const htrail_object *objects = r->objects.data;
    size_t next_tracked = 0, announced = 0, added = 0;

    if (htrail_writer_open_sink(&w, &sink, NULL, NULL, 0) != HTRAIL_OK)
        exit(3);
    for (size_t i = 0; i < r->calls.count; i++) {
        const call *c = &((const call *)r->calls.data)[i];
        uint32_t id;
        switch (c->kind) {
        case CALL_STRING:
            (void)!htrail_writer_add_string(w, ((htrail_str *)r->strings.data)[c->at], &id);
            break;
        case CALL_TYPE:
            (void)!htrail_writer_add_type(w, &((htrail_type *)r->types.data)[c->at]);
            break;
        case CALL_OBJECT:
            if (objects[c->at].flags & HTRAIL_OBJECT_TRACKED)
                added++;
            while (announced < added + HTRAIL_ANNOUNCE_MAX - 1 && next_tracked < r->objects.count) {
                if (objects[next_tracked].flags & HTRAIL_OBJECT_TRACKED) {
                    (void)!htrail_writer_announce(w, objects[next_tracked].id);
                    announced++;
                }
                next_tracked++;
            }
            (void)!htrail_writer_add_object(w, &objects[c->at]);
            break;
        case CALL_NAME:
            (void)!htrail_writer_add_name(w, &((htrail_name *)r->names.data)[c->at]);
            break;
        case CALL_VALUE:
            (void)!htrail_writer_add_value(w, &((htrail_value *)r->values.data)[c->at]);
            break;
        case CALL_ROOT:
            (void)!htrail_writer_add_root(w, &((htrail_root *)r->roots.data)[c->at]);
            break;
        }
    }
    if (htrail_writer_finish(w) != HTRAIL_OK) {
        fprintf(stderr, "%s\n", htrail_writer_error(w));
        exit(3);
    }
    htrail_writer_free(w);
    return bytes;
}

static void decode(const uint8_t *data, size_t len)
{
    htrail_reader *reader;
    htrail_record rec;
    if (htrail_reader_open_memory(&reader, data, len, "input", NULL, NULL, 0) != HTRAIL_OK)
        exit(3);
    while (htrail_reader_next(reader, &rec) == HTRAIL_OK)
        ;
    htrail_reader_free(reader);
}

static void csr(const uint8_t *data, size_t len)
{
    htrail_reader *reader;
    htrail__graph *graph;
    htrail_limits limits;
    htrail_limits_init(&limits);
    limits.read_ahead = 1; /* as a load does it */
    if (htrail_reader_open_memory(&reader, data, len, "input", &limits, NULL, 0) != HTRAIL_OK)
        exit(3);
    if (htrail__graph_read(&graph, reader, NULL, NULL, 0) != HTRAIL_OK)
        exit(3);
    htrail__graph_free(graph);
    htrail_reader_free(reader);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
    size_t len;
    uint8_t *data = argc >= 2 ? read_file(argv[1], &len) : NULL;
    unsigned rounds = argc >= 3 ? (unsigned)atoi(argv[2]) : 5;
    uint64_t best[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, bytes = 0;
    const char *only = argc >= 4 ? argv[3] : "";

    if (data == NULL) {
        fprintf(stderr, "usage: replay FILE.htrail [ROUNDS [encode|csr]]\n");
        return 2;
    }
    if (strcmp(only, "csr") == 0) {
        csr(data, len);
        return 0;
    }
    recording r = {{.item_bytes = sizeof(call)}, {.item_bytes = sizeof(htrail_type)}, {.item_bytes = sizeof(htrail_object)},
                   {.item_bytes = sizeof(htrail_ref)}, {.item_bytes = sizeof(htrail_name)}, {.item_bytes = sizeof(htrail_value)},
                   {.item_bytes = sizeof(htrail_root)}, {.item_bytes = sizeof(htrail_str)}, {.item_bytes = sizeof(char *)}, 0};
    record_all(&r, data, len);
    point_refs(&r);
    if (strcmp(only, "encode") == 0) {
        encode(&r);
        return 0;
    }
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t t0 = now_ns();
        bytes = encode(&r);
        uint64_t t1 = now_ns();
        decode(data, len);
        uint64_t t2 = now_ns();
        csr(data, len);
        uint64_t took[3] = {t1 - t0, t2 - t1, now_ns() - t2};
        for (int k = 0; k < 3; k++)
            best[k] = took[k] < best[k] ? took[k] : best[k];
    }
    printf("%" PRIu64 " %zu %zu %" PRIu64 " %.1f %.1f %.1f\n", r.object_count, r.refs.count, len, bytes,
           (double)best[0] / (double)r.object_count, (double)best[1] / (double)r.object_count,
           (double)best[2] / (double)r.object_count);
    return 0;
}
