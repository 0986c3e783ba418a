/* import/json.c - see the header. */
#include "import/json.h"

#include <string.h>
#include <yajl/yajl_parse.h>

enum { TOKEN_BYTES_MAX = 64 << 20, CHUNK_BYTES = 1 << 16 };

typedef struct reading {
    const htrail__json_events *events;
    void *arg;
    bool had_event;
} reading;

static int on_null(void *ctx) { reading *r = ctx; r->had_event = true; return r->events->other == NULL || r->events->other(r->arg); }
static int on_bool(void *ctx, int value) { (void)value; return on_null(ctx); }
static int on_integer(void *ctx, long long value)
{
    reading *r = ctx;
    r->had_event = true;
    return r->events->number == NULL || r->events->number(r->arg, value);
}
static int on_double(void *ctx, double value)
{
    bool fits = value > -9e18 && value < 9e18; /* what is not a number is none of both */
    return on_integer(ctx, fits ? (long long)value : 0);
}
static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    reading *r = ctx;
    r->had_event = true;
    return r->events->string == NULL || r->events->string(r->arg, (const char *)text, len);
}
static int on_key(void *ctx, const unsigned char *text, size_t len)
{
    reading *r = ctx;
    r->had_event = true;
    return r->events->key == NULL || r->events->key(r->arg, (const char *)text, len);
}
static int opened(void *ctx, bool is_array)
{
    reading *r = ctx;
    r->had_event = true;
    return r->events->open == NULL || r->events->open(r->arg, is_array);
}
static int closed(void *ctx, bool is_array)
{
    reading *r = ctx;
    r->had_event = true;
    return r->events->close == NULL || r->events->close(r->arg, is_array);
}
static int on_map(void *ctx) { return opened(ctx, false); }
static int on_map_end(void *ctx) { return closed(ctx, false); }
static int on_array(void *ctx) { return opened(ctx, true); }
static int on_array_end(void *ctx) { return closed(ctx, true); }

/* yajl's sentence, without its end of line. */
static bool refuse(htrail__job *job, yajl_handle parser, uint64_t offset)
{
    unsigned char *said = yajl_get_error(parser, 0, NULL, 0);
    size_t len = said != NULL ? strcspn((char *)said, "\n") : 0;
    htrail__job_fail(job, offset, "it is no JSON: %.*s", (int)(len < 200 ? len : 200), said != NULL ? (char *)said : "");
    if (said != NULL)
        yajl_free_error(parser, said);
    return false;
}

bool htrail__json_read(htrail__job *job, const htrail__json_events *events, void *arg, uint32_t flags)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null, .yajl_boolean = on_bool, .yajl_integer = on_integer, .yajl_double = on_double,
        .yajl_string = on_string, .yajl_start_map = on_map, .yajl_map_key = on_key, .yajl_end_map = on_map_end, .yajl_start_array = on_array, .yajl_end_array = on_array_end};
    reading r = {.events = events, .arg = arg};
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &r);
    const uint8_t *data;
    size_t len = 0, silent = 0;

    if (parser == NULL)
        return htrail__job_no_memory(job);
    yajl_config(parser, yajl_dont_validate_strings, 1);
    if (flags & HTRAIL__JSON_MANY)
        yajl_config(parser, yajl_allow_multiple_values, 1);
    /* yajl looks through a value that has not ended again from its beginning, with each part that follows: then they are large. */
    while (job->status == HTRAIL_OK && (data = htrail__source_look(job->source, silent > 0 ? HTRAIL__SOURCE_WINDOW_BYTES : 1, &len)) != NULL) {
        size_t part = len < CHUNK_BYTES || silent > 0 ? len : CHUNK_BYTES;
        uint64_t offset = htrail__source_offset(job->source);
        r.had_event = false;
        yajl_status status = yajl_parse(parser, data, part);
        if (status != yajl_status_ok && job->status == HTRAIL_OK)
            refuse(job, parser, offset + yajl_get_bytes_consumed(parser));
        silent = r.had_event ? 0 : silent + part;
        if (silent > TOKEN_BYTES_MAX)
            htrail__job_fail(job, offset, "one value has more than %d MiB", TOKEN_BYTES_MAX >> 20);
        htrail__source_skip(job->source, part);
    }
    if (job->status == HTRAIL_OK && htrail__source_error(job->source)[0] != '\0')
        htrail__job_cut(job, htrail__source_offset(job->source), "a value");
    if (job->status == HTRAIL_OK && yajl_complete_parse(parser) != yajl_status_ok)
        htrail__job_cut(job, htrail__source_offset(job->source), "a value");
    yajl_free(parser);
    return job->status == HTRAIL_OK;
}
