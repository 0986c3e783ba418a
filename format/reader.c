/* format/reader.c - htrail/reader.h: frames in, records out. */
#include <htrail/reader.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/block.h"
#include "format/crc32c.h"
#include "format/decode.h"
#include "format/frame.h"
#include "format/input.h"
#include "format/rows.h"
#include "format/summary.h"
#include "format/worker.h"
#include "format/wire.h"

/* What next hands out of the frame that was read last. */
typedef enum stage {
    STAGE_FRAME, /* nothing left: read the next frame */
    STAGE_ROWS,
    STAGE_NAMES,
    STAGE_OBJECTS,
    STAGE_VALUES
} stage;

/* A frame: its bytes, the block that they hold, or what is wrong with them. There are two, so
 * that one can be decoded while the other one's records are handed out. */
typedef struct slot {
    htrail__frame frame;
    uint8_t head[HTRAIL__FRAME_HEAD_BYTES];
    uint64_t offset;
    uint8_t *payload; /* stored bytes */
    size_t payload_cap;
    htrail__unpacker *unpacker;
    htrail__decoder *decoder;
    htrail__decoded block;
    htrail_status status; /* nothing is said of it before its turn */
    const char *reason;   /* with CORRUPT and LIMIT */
    int os_error;
    bool is_fetched;
} slot;

struct htrail_reader {
    htrail__input input;
    htrail_limits limits;
    htrail_header header;
    slot slots[2];
    slot *now; /* whose records are handed out */
    htrail__worker *worker; /* NULL: nothing is decoded ahead */

    uint8_t *rows; /* of a frame, once decoded */
    size_t rows_cap;

    stage stage;
    htrail__section section;
    htrail__cursor row_cursor;
    htrail__row_state row_state;
    size_t next_name, next_object, next_value;

    uint64_t frame_offset; /* of what sentences speak of */
    uint32_t frame_count, heads_crc;
    htrail__totals totals;

    htrail_status status; /* sticky: anything but OK */
    bool stopped_early;
    char reason[HTRAIL__REASON_MAX + 1];
    char error[1024];
    char name[]; /* what sentences call the input */
};

void htrail_limits_init(htrail_limits *limits)
{
    *limits = (htrail_limits){sizeof *limits, 256 << 20, 1 << 20, 23, 0};
}

static htrail_status fail(htrail_reader *r, htrail_status status, const char *format, ...)
{
    va_list values;
    size_t used = (size_t)snprintf(r->error, sizeof r->error, "cannot read '%.400s': ", r->name);
    va_start(values, format);
    vsnprintf(r->error + used, sizeof r->error - used, format, values);
    va_end(values);
    return r->status = status;
}

/* Header and limits checked; the last step of all three ways to open. Takes the input. */
static htrail_status reader_new(htrail_reader **out, htrail__input *input, const char *name, const htrail_limits *limits,
                                char *message, size_t message_cap)
{
    size_t name_len = strlen(name);
    htrail_reader *r = calloc(1, sizeof *r + name_len + 1);
    uint8_t at[HTRAIL__HEADER_BYTES];
    htrail__header header;
    htrail_status status;
    bool is_version;
    int error = 0;

    if (r == NULL) {
        htrail__input_close(input);
        if (message != NULL)
            snprintf(message, message_cap, "cannot read '%s': out of memory", name);
        return HTRAIL_E_NOMEM;
    }
    memcpy(r->name, name, name_len + 1);
    r->input = *input;
    htrail_limits_init(&r->limits);
    if (limits != NULL)
        memcpy(&r->limits, limits, limits->struct_size < sizeof r->limits ? limits->struct_size : sizeof r->limits);

    status = htrail__input_read(&r->input, at, sizeof at, &error);
    if (status == HTRAIL_E_IO) {
        fail(r, HTRAIL_E_IO, "%s", strerror(error));
    } else if (status == HTRAIL_END) {
        fail(r, HTRAIL_E_NOT_SNAPSHOT, "it is empty");
    } else if (status == HTRAIL_E_TRUNCATED) {
        /* Too short for a header: ours, cut, or something else. */
        memset(at + r->input.offset, 0, sizeof at - r->input.offset);
        static const uint8_t magic[4] = {0x89, 'H', 'T', 'R'};
        if (r->input.offset >= sizeof magic && memcmp(at, magic, sizeof magic) == 0)
            fail(r, HTRAIL_E_TRUNCATED, "it ends at offset %" PRIu64 ", within its header", r->input.offset);
        else
            fail(r, HTRAIL_E_NOT_SNAPSHOT, "it is no snapshot: it is too short to be one");
    } else {
        const char *wrong = htrail__header_decode(&header, at, &is_version);
        if (wrong != NULL && is_version)
            fail(r, HTRAIL_E_VERSION, "it has format version %u.%u, this program reads version %u", header.version_major,
                 header.version_minor, HTRAIL__VERSION_MAJOR);
        else if (wrong != NULL)
            fail(r, HTRAIL_E_NOT_SNAPSHOT, "it is no snapshot: %s", wrong);
    }
    if (r->status == HTRAIL_OK) {
        r->header = (htrail_header){header.version_major, header.version_minor, header.file_id, header.pointer_bytes,
                                    header.target_big_endian};
        r->now = &r->slots[0];
        r->worker = r->limits.read_ahead ? htrail__worker_start() : NULL;
        for (int i = 0; i < (r->worker != NULL ? 2 : 1) && r->status == HTRAIL_OK; i++) {
            slot *s = &r->slots[i];
            s->unpacker = htrail__unpacker_new(r->limits.max_window_log);
            s->decoder = htrail__decoder_new(header.unit_shift, r->limits.max_memory / (r->worker != NULL ? 2 : 1), r->limits.max_string);
            if (s->unpacker == NULL || s->decoder == NULL)
                fail(r, HTRAIL_E_NOMEM, "out of memory");
        }
    }
    status = r->status;
    if (status != HTRAIL_OK) {
        if (message != NULL)
            snprintf(message, message_cap, "%s", r->error);
        htrail_reader_free(r);
        return status;
    }
    *out = r;
    return HTRAIL_OK;
}

htrail_status htrail_reader_open_path(htrail_reader **out, const char *path, const htrail_limits *limits, char *message,
                                      size_t message_cap)
{
    htrail__input input;
    *out = NULL;
    htrail_status status = htrail__input_open_path(&input, path, message, message_cap);
    if (status != HTRAIL_OK)
        return status;
    return reader_new(out, &input, strcmp(path, "-") == 0 ? "standard input" : path, limits, message, message_cap);
}

htrail_status htrail_reader_open_memory(htrail_reader **out, const void *data, size_t len, const char *name,
                                        const htrail_limits *limits, char *message, size_t message_cap)
{
    htrail__input input;
    *out = NULL;
    htrail_status status = htrail__input_open_memory(&input, data, len);
    if (status != HTRAIL_OK) {
        if (message != NULL)
            snprintf(message, message_cap, "cannot read '%s': out of memory", name != NULL ? name : "snapshot");
        return status;
    }
    return reader_new(out, &input, name != NULL ? name : "snapshot", limits, message, message_cap);
}

htrail_status htrail_reader_open_source(htrail_reader **out, const htrail_source *source, const char *name,
                                        const htrail_limits *limits, char *message, size_t message_cap)
{
    htrail__input input;
    *out = NULL;
    htrail__input_open_source(&input, source);
    return reader_new(out, &input, name != NULL ? name : "snapshot", limits, message, message_cap);
}

const htrail_header *htrail_reader_header(const htrail_reader *r) { return &r->header; }
uint64_t htrail_reader_offset(const htrail_reader *r) { return r->input.offset; }
const char *htrail_reader_error(const htrail_reader *r) { return r->error; }

const char *htrail_reader_stopped_early(const htrail_reader *r)
{
    return r->status == HTRAIL_END && r->stopped_early ? r->reason : NULL;
}

void htrail_reader_free(htrail_reader *r)
{
    if (r == NULL)
        return;
    htrail__worker_stop(r->worker);
    htrail__input_close(&r->input);
    for (int i = 0; i < 2; i++) {
        htrail__unpacker_free(r->slots[i].unpacker);
        htrail__decoder_free(r->slots[i].decoder);
        free(r->slots[i].payload);
    }
    free(r->rows);
    free(r);
}

static htrail_status truncated(htrail_reader *r)
{
    /* Not that it cannot be read: what came before the cut is given out. */
    snprintf(r->error, sizeof r->error, "'%.400s' is cut at offset %" PRIu64 ": %" PRIu64 " objects before that are whole", r->name,
             r->input.offset, r->totals.objects);
    return r->status = HTRAIL_E_TRUNCATED;
}

static htrail_status corrupt(htrail_reader *r, const char *what)
{
    return fail(r, HTRAIL_E_CORRUPT, "it is damaged at offset %" PRIu64 ": %s", r->frame_offset, what);
}

/* Never NULL after it, so that nothing is added to NULL. */
static bool grow(uint8_t **data, size_t *cap, size_t needed)
{
    if (needed < *cap)
        return true;
    free(*data);
    *data = malloc(needed + 1);
    *cap = *data != NULL ? needed + 1 : 0;
    return *data != NULL;
}

/* Head and payload into s. What is wrong is kept in s until its turn comes. */
static void fetch(htrail_reader *r, slot *s)
{
    s->is_fetched = true;
    s->offset = r->input.offset;
    s->reason = NULL;
    s->status = htrail__input_read(&r->input, s->head, sizeof s->head, &s->os_error);
    if (s->status != HTRAIL_OK)
        return;
    s->status = HTRAIL_E_CORRUPT;
    s->reason = htrail__frame_decode(&s->frame, s->head);
    if (s->reason != NULL)
        return;
    s->status = HTRAIL_E_LIMIT;
    s->reason = "it needs more memory than was allowed";
    if (s->frame.stored_bytes > r->limits.max_memory || s->frame.raw_bytes > r->limits.max_memory)
        return;
    s->status = HTRAIL_E_NOMEM;
    if (!grow(&s->payload, &s->payload_cap, s->frame.stored_bytes))
        return;
    s->status = s->frame.stored_bytes > 0 ? htrail__input_read(&r->input, s->payload, s->frame.stored_bytes, &s->os_error) : HTRAIL_OK;
    if (s->status != HTRAIL_OK || htrail__crc32c(0, s->payload, s->frame.stored_bytes) == s->frame.payload_crc)
        return;
    s->status = HTRAIL_E_CORRUPT;
    s->reason = "the checksum of a frame does not hold";
}

static void decode(void *arg)
{
    slot *s = arg;
    if (s->frame.codec != HTRAIL__CODEC_RAW || s->frame.raw_bytes != s->frame.stored_bytes) {
        s->status = HTRAIL_E_CORRUPT;
        s->reason = "its codec is not known";
        return;
    }
    s->status = htrail__decode_block(s->decoder, s->unpacker, s->payload, s->frame.stored_bytes, &s->block, &s->reason);
}

/* Begin what can be done without its turn. */
static void fetch_and_decode(htrail_reader *r, slot *s)
{
    fetch(r, s);
    if (s->status == HTRAIL_OK && s->frame.section == HTRAIL__SECTION_OBJECTS)
        htrail__worker_do(r->worker, decode, s);
}

/* Its turn has come: say what is wrong with it. */
static htrail_status accept(htrail_reader *r, const slot *s)
{
    r->frame_offset = s->offset;
    switch (s->status) {
    case HTRAIL_OK: return HTRAIL_OK;
    case HTRAIL_E_IO: return fail(r, HTRAIL_E_IO, "%s", strerror(s->os_error));
    case HTRAIL_END:
    case HTRAIL_E_TRUNCATED: return truncated(r);
    case HTRAIL_E_NOMEM: return fail(r, HTRAIL_E_NOMEM, "out of memory");
    case HTRAIL_E_CORRUPT: return corrupt(r, s->reason);
    default: return fail(r, s->status, "the frame at offset %" PRIu64 ": %s", s->offset, s->reason);
    }
}

static htrail_status begin_rows(htrail_reader *r, const htrail__frame *frame)
{
    const uint8_t *data = r->now->payload;
    if (frame->codec == HTRAIL__CODEC_ZSTD) {
        if (!grow(&r->rows, &r->rows_cap, frame->raw_bytes))
            return fail(r, HTRAIL_E_NOMEM, "out of memory");
        const char *wrong = htrail__unpack(r->now->unpacker, r->rows, frame->raw_bytes, data, frame->stored_bytes);
        if (wrong != NULL)
            return corrupt(r, wrong);
        data = r->rows;
    } else if (frame->codec != HTRAIL__CODEC_RAW || frame->raw_bytes != frame->stored_bytes) {
        return corrupt(r, "its codec is not known");
    }
    r->row_cursor = (htrail__cursor){data, data + frame->raw_bytes, false};
    r->row_state = (htrail__row_state){0};
    r->stage = STAGE_ROWS;
    return HTRAIL_OK;
}

static htrail_status begin_block(htrail_reader *r)
{
    const htrail__decoded *block = &r->now->block;
    r->totals.objects += block->object_count - block->part_count;
    r->totals.parts += block->part_count;
    r->totals.refs += block->ref_count;
    r->totals.names += block->name_count;
    r->totals.values += block->value_count;
    r->totals.size_bytes += block->size_bytes;
    r->next_name = r->next_object = r->next_value = 0;
    r->stage = STAGE_NAMES;
    return HTRAIL_OK;
}

/* Behind the END frame: index, trailer, nothing. */
static htrail_status read_index(htrail_reader *r)
{
    uint8_t trailer[HTRAIL__TRAILER_BYTES], more;
    uint64_t end_offset = r->frame_offset, offset = 0, named;
    slot *s = r->now;
    int error = 0;

    fetch(r, s);
    htrail_status status = accept(r, s);
    if (status != HTRAIL_OK)
        return status;
    if (s->frame.sequence != r->frame_count)
        return corrupt(r, "frames are missing before it");
    if (s->frame.section != HTRAIL__SECTION_INDEX || s->frame.codec != HTRAIL__CODEC_RAW)
        return corrupt(r, "no index follows the end");
    htrail__cursor in = {s->payload, s->payload + s->frame.stored_bytes, false};
    uint64_t count = htrail__next_varint(&in);
    for (uint64_t i = 0; i < count && !in.failed; i++) {
        htrail__next_varint(&in);
        uint64_t step = htrail__next_varint(&in);
        if (step == 0 || step > end_offset - offset)
            return corrupt(r, "its index names a place that is no frame's");
        offset += step;
    }
    if (in.failed || in.at != in.end)
        return corrupt(r, "its index makes no sense");
    uint64_t index_offset = r->frame_offset;
    r->frame_offset = r->input.offset;
    status = htrail__input_read(&r->input, trailer, sizeof trailer, &error);
    if (status == HTRAIL_E_IO)
        return fail(r, HTRAIL_E_IO, "%s", strerror(error));
    if (status != HTRAIL_OK)
        return truncated(r);
    if (!htrail__trailer_decode(&named, trailer) || named != index_offset)
        return corrupt(r, "its trailer does not lead to its index");
    r->frame_offset = r->input.offset;
    status = htrail__input_read(&r->input, &more, 1, &error);
    if (status == HTRAIL_E_IO)
        return fail(r, HTRAIL_E_IO, "%s", strerror(error));
    if (status != HTRAIL_END)
        return corrupt(r, "something follows the end of the snapshot");
    return r->status = HTRAIL_END;
}

static htrail_status read_end(htrail_reader *r, const htrail__frame *frame, uint32_t frame_count, uint32_t heads_crc)
{
    htrail__end end;
    if (frame->codec != HTRAIL__CODEC_RAW)
        return corrupt(r, "its codec is not known");
    if (!htrail__end_decode(&end, r->now->payload, frame->stored_bytes))
        return corrupt(r, "its end makes no sense");
    if (end.frame_count != frame_count || end.heads_crc != heads_crc)
        return corrupt(r, "frames before the end are not those that were written");
    if (memcmp(&end.totals, &r->totals, sizeof end.totals) != 0)
        return corrupt(r, "it does not hold as much as its end says");
    r->stopped_early = end.stopped_early;
    memcpy(r->reason, end.reason.data, end.reason.len);
    r->reason[end.reason.len] = '\0';
    return read_index(r);
}

static htrail_status next_frame(htrail_reader *r)
{
    if (r->worker != NULL)
        r->now = r->now == r->slots ? r->slots + 1 : r->slots;
    slot *s = r->now;
    if (!s->is_fetched)
        fetch_and_decode(r, s);
    htrail__worker_wait(r->worker);
    s->is_fetched = false;
    htrail_status status = accept(r, s);
    if (status != HTRAIL_OK)
        return status;
    htrail__frame frame = s->frame;
    if (frame.sequence != r->frame_count)
        return corrupt(r, "frames are missing before it");
    if (r->worker != NULL && frame.section != HTRAIL__SECTION_END)
        fetch_and_decode(r, s == r->slots ? r->slots + 1 : r->slots);
    uint32_t frame_count = r->frame_count++, heads_crc = r->heads_crc;
    r->heads_crc = htrail__crc32c(r->heads_crc, s->head, sizeof s->head);
    r->section = frame.section;
    switch (frame.section) {
    case HTRAIL__SECTION_META:
    case HTRAIL__SECTION_STRINGS:
    case HTRAIL__SECTION_TYPES:
    case HTRAIL__SECTION_ROOTS:
    case HTRAIL__SECTION_THREADS:
    case HTRAIL__SECTION_FRAMES:
    case HTRAIL__SECTION_SITES:
    case HTRAIL__SECTION_SITE_OF:
    case HTRAIL__SECTION_MAPPINGS:
        return begin_rows(r, &frame);
    case HTRAIL__SECTION_OBJECTS:
        return begin_block(r);
    case HTRAIL__SECTION_END:
        return read_end(r, &frame, frame_count, heads_crc);
    default:
        if (frame.flags & HTRAIL__FRAME_CRITICAL)
            return fail(r, HTRAIL_E_VERSION, "the section %u at offset %" PRIu64 " needs a newer program", frame.section,
                        r->frame_offset);
        return HTRAIL_OK; /* skipped */
    }
}

static htrail_status next_row(htrail_reader *r, htrail_record *rec)
{
    bool is_good = false;
    switch (r->section) {
    case HTRAIL__SECTION_META:
        rec->kind = HTRAIL_RECORD_META;
        is_good = htrail__next_meta(&r->row_cursor, &rec->u.meta.key, &rec->u.meta.value);
        break;
    case HTRAIL__SECTION_STRINGS:
        rec->kind = HTRAIL_RECORD_STRING;
        is_good = htrail__next_string(&r->row_cursor, &rec->u.string.id, &rec->u.string.text);
        r->totals.strings++;
        break;
    case HTRAIL__SECTION_TYPES:
        rec->kind = HTRAIL_RECORD_TYPE;
        is_good = htrail__next_type(&r->row_cursor, &r->row_state, &rec->u.type);
        r->totals.types++;
        break;
    case HTRAIL__SECTION_ROOTS:
        rec->kind = HTRAIL_RECORD_ROOT;
        is_good = htrail__next_root(&r->row_cursor, &r->row_state, &rec->u.root);
        r->totals.roots++;
        break;
    case HTRAIL__SECTION_THREADS:
        rec->kind = HTRAIL_RECORD_THREAD;
        is_good = htrail__next_thread(&r->row_cursor, &r->row_state, &rec->u.thread);
        break;
    case HTRAIL__SECTION_FRAMES:
        rec->kind = HTRAIL_RECORD_FRAME;
        is_good = htrail__next_frame(&r->row_cursor, &r->row_state, &rec->u.frame);
        break;
    case HTRAIL__SECTION_SITES:
        rec->kind = HTRAIL_RECORD_SITE;
        is_good = htrail__next_site(&r->row_cursor, &rec->u.site);
        break;
    case HTRAIL__SECTION_SITE_OF:
        rec->kind = HTRAIL_RECORD_SITE_OF;
        is_good = htrail__next_site_of(&r->row_cursor, &r->row_state, &rec->u.site_of);
        break;
    case HTRAIL__SECTION_MAPPINGS:
        rec->kind = HTRAIL_RECORD_MAPPING;
        is_good = htrail__next_mapping(&r->row_cursor, &r->row_state, &rec->u.mapping);
        break;
    default:
        break;
    }
    return is_good ? HTRAIL_OK : corrupt(r, "a row of it makes no sense");
}

htrail_status htrail_reader_next(htrail_reader *r, htrail_record *rec)
{
    while (r->status == HTRAIL_OK) {
        switch (r->stage) {
        case STAGE_FRAME:
            next_frame(r);
            break;
        case STAGE_ROWS:
            if (r->row_cursor.at != r->row_cursor.end)
                return next_row(r, rec);
            r->stage = STAGE_FRAME;
            break;
        case STAGE_NAMES:
            if (r->next_name < r->now->block.name_count) {
                rec->kind = HTRAIL_RECORD_NAME;
                rec->u.name = r->now->block.names[r->next_name++];
                return HTRAIL_OK;
            }
            r->stage = STAGE_OBJECTS;
            break;
        case STAGE_OBJECTS:
            if (r->next_object < r->now->block.object_count) {
                rec->kind = HTRAIL_RECORD_OBJECT;
                rec->u.object = r->now->block.objects[r->next_object++];
                return HTRAIL_OK;
            }
            r->stage = STAGE_VALUES;
            break;
        case STAGE_VALUES:
            if (r->next_value < r->now->block.value_count) {
                rec->kind = HTRAIL_RECORD_VALUE;
                rec->u.value = r->now->block.values[r->next_value++];
                return HTRAIL_OK;
            }
            r->stage = STAGE_FRAME;
            break;
        }
    }
    return r->status;
}
