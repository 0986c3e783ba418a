/* export/pprof.c - stacks as a profile of pprof: a gzip of a protobuf (profile.proto). A stack is a list of locations from the innermost
 * on, a location a function, a function a name; text is named by its place in a table. */
#include <string.h>
#include <zlib.h>

#include "export/stacks.h"

enum { FRAMES_MAX = 256, MESSAGE_BYTES = 8192, OUT_BYTES = 1 << 16, WINDOW_BITS_GZIP = 15 + 16 };
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE = 2, PROFILE_LOCATION = 4, PROFILE_FUNCTION = 5, PROFILE_STRING = 6, PROFILE_TIME_NANOS = 9, PROFILE_DEFAULT_TYPE = 14 };
enum { TEXT_EMPTY, TEXT_OBJECTS, TEXT_COUNT, TEXT_SPACE, TEXT_BYTES, TEXTS_OWN };

typedef struct message { uint8_t data[MESSAGE_BYTES]; size_t len; } message;
typedef struct stream { FILE *out; z_stream z; } stream;

static void put_varint(message *m, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        m->data[m->len++] = (uint8_t)(value | 0x80);
    m->data[m->len++] = (uint8_t)value;
}

static void put_number(message *m, uint32_t field, uint64_t value)
{
    put_varint(m, field << 3);
    put_varint(m, value);
}

static void put_message(message *m, uint32_t field, const message *inner)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, inner->len);
    memcpy(m->data + m->len, inner->data, inner->len);
    m->len += inner->len;
}

static void deflate_some(stream *s, const void *data, size_t len, int flush)
{
    uint8_t out[OUT_BYTES];
    int result;
    s->z.next_in = (void *)data;
    s->z.avail_in = (uInt)len;
    do {
        s->z.next_out = out;
        s->z.avail_out = sizeof out;
        result = deflate(&s->z, flush);
        fwrite(out, 1, sizeof out - s->z.avail_out, s->out);
    } while (s->z.avail_out == 0 || (flush == Z_FINISH && result == Z_OK));
}

static void write_field(stream *s, uint32_t field, const void *data, size_t len)
{
    message head = {.len = 0};
    put_varint(&head, field << 3 | 2);
    put_varint(&head, len);
    deflate_some(s, head.data, head.len, Z_NO_FLUSH);
    deflate_some(s, data, len, Z_NO_FLUSH);
}

static void write_value_type(stream *s, uint32_t type, uint32_t unit)
{
    message m = {.len = 0};
    put_number(&m, 1, type);
    put_number(&m, 2, unit);
    write_field(s, PROFILE_SAMPLE_TYPE, m.data, m.len);
}

static void write_sample(stream *s, const htrail__export_stacks *stacks, size_t node)
{
    message m = {.len = 0}, places = {.len = 0}, values = {.len = 0};
    uint32_t depth = 0;
    for (uint32_t at = (uint32_t)node; at != 0 && depth++ < FRAMES_MAX; at = stacks->nodes[at].parent)
        put_varint(&places, stacks->nodes[at].frame + 1);
    put_varint(&values, stacks->nodes[node].count);
    put_varint(&values, stacks->nodes[node].size_bytes);
    put_message(&m, 1, &places);
    put_message(&m, 2, &values);
    write_field(s, PROFILE_SAMPLE, m.data, m.len);
}

/* Location and function of a text have its number and one: 0 is none. */
static void write_frame(stream *s, uint32_t text)
{
    message m = {.len = 0}, line = {.len = 0};
    put_number(&line, 1, text + 1);
    put_number(&m, 1, text + 1);
    put_message(&m, 4, &line);
    write_field(s, PROFILE_LOCATION, m.data, m.len);
    m.len = 0;
    put_number(&m, 1, text + 1);
    put_number(&m, 2, TEXTS_OWN + text);
    put_number(&m, 3, TEXTS_OWN + text);
    write_field(s, PROFILE_FUNCTION, m.data, m.len);
}

bool htrail__export_pprof(htrail__export_job *job)
{
    static const char *const own[TEXTS_OWN] = {"", "objects", "count", "space", "bytes"};
    htrail__export_stacks stacks;
    stream s = {.out = job->out};
    message rest = {.len = 0};
    int64_t created_ns = 0;
    bool done = htrail__export_stacks_build(job, &stacks) &&
                htrail__export_number(job, "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM snapshot WHERE key = 'created_ns'), 0)", &created_ns);

    if (!done)
        goto done;
    if (deflateInit2(&s.z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        done = htrail__export_no_memory(job);
        goto done;
    }
    write_value_type(&s, TEXT_OBJECTS, TEXT_COUNT);
    write_value_type(&s, TEXT_SPACE, TEXT_BYTES);
    for (size_t i = 1; i < stacks.node_count; i++)
        if (stacks.nodes[i].count > 0)
            write_sample(&s, &stacks, i);
    for (uint32_t i = 0; i < stacks.texts.count; i++)
        write_frame(&s, i);
    for (size_t i = 0; i < TEXTS_OWN; i++)
        write_field(&s, PROFILE_STRING, own[i], strlen(own[i]));
    for (uint32_t i = 0; i < stacks.texts.count; i++) {
        htrail_str text = htrail__texts_get(&stacks.texts, i);
        write_field(&s, PROFILE_STRING, text.data, text.len);
    }
    put_number(&rest, PROFILE_TIME_NANOS, (uint64_t)created_ns);
    put_number(&rest, PROFILE_DEFAULT_TYPE, TEXT_SPACE);
    deflate_some(&s, rest.data, rest.len, Z_FINISH);
    deflateEnd(&s.z);
done:
    htrail__export_stacks_release(&stacks);
    return done;
}
