/* format/writer.c - htrail/writer.h: gathers rows and blocks and writes them as frames. */
#include <htrail/writer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "format/block.h"
#include "format/crc32c.h"
#include "format/encode.h"
#include "format/frame.h"
#include "format/output.h"
#include "format/rows.h"
#include "format/summary.h"
#include "format/wire.h"

enum {
    ROWS_BYTES = 48 << 10,       /* at most, of one row section before it is written */
    ROWS_BYTES_FEW = 16 << 10,   /* of one that most files have little of */
    INDEX_MAX = 4096,            /* frames that the index lists; later ones are found by hopping */
    END_RESERVE = 8192,          /* of max_bytes, for the end of the file */
    BLOCK_BYTES_MIN = 16 << 10,
    BLOCK_BYTES_MAX = 4 << 20
};

/* In the order in which their memory lies and in which finish writes them. */
typedef enum rows_of {
    ROWS_META,
    ROWS_STRINGS,
    ROWS_TYPES,
    ROWS_ROOTS,
    ROWS_THREADS,
    ROWS_FRAMES,
    ROWS_MAPPINGS,
    ROWS_SITES,
    ROWS_SITE_OF,
    ROWS_COUNT
} rows_of;

static const struct {
    htrail__section section;
    size_t bytes;
} rows_of_kind[ROWS_COUNT] = {
    [ROWS_META] = {HTRAIL__SECTION_META, ROWS_BYTES},
    [ROWS_STRINGS] = {HTRAIL__SECTION_STRINGS, ROWS_BYTES},
    [ROWS_TYPES] = {HTRAIL__SECTION_TYPES, ROWS_BYTES},
    [ROWS_ROOTS] = {HTRAIL__SECTION_ROOTS, ROWS_BYTES},
    [ROWS_THREADS] = {HTRAIL__SECTION_THREADS, ROWS_BYTES_FEW},
    [ROWS_FRAMES] = {HTRAIL__SECTION_FRAMES, ROWS_BYTES_FEW},
    [ROWS_MAPPINGS] = {HTRAIL__SECTION_MAPPINGS, ROWS_BYTES_FEW},
    [ROWS_SITES] = {HTRAIL__SECTION_SITES, ROWS_BYTES_FEW},
    [ROWS_SITE_OF] = {HTRAIL__SECTION_SITE_OF, ROWS_BYTES},
};

static size_t rows_bytes(void)
{
    size_t bytes = 0;
    for (unsigned which = 0; which < ROWS_COUNT; which++)
        bytes += rows_of_kind[which].bytes;
    return bytes;
}

typedef struct row_section {
    uint8_t *first, *at;
    htrail__row_state state;
    uint64_t row_count; /* not yet written */
    uint64_t *total;    /* of those written; NULL: not counted */
} row_section;

typedef struct index_entry {
    uint64_t offset;
    uint16_t section;
} index_entry;

struct htrail_writer {
    size_t mapped_bytes;
    htrail_writer_opts opts;
    htrail__output output;
    htrail__packer *packer;
    htrail__encoder *encoder;
    uint8_t *packed; /* one packed row section */
    row_section rows[ROWS_COUNT];

    htrail_status status;     /* sticky */
    bool is_stopped;          /* by a limit: finish may still end the file */
    bool is_finished;
    char error[HTRAIL__MESSAGE_MAX];
    char reason[HTRAIL__REASON_MAX];

    htrail_writer_stats stats;
    htrail__totals totals;
    uint64_t offset;
    uint32_t frame_count, heads_crc, string_count, site_count;
    uint32_t index_count;
    index_entry index[INDEX_MAX];
};

void htrail_writer_opts_init(htrail_writer_opts *opts)
{
    *opts = (htrail_writer_opts){.struct_size = sizeof *opts, .level = 1, .block_bytes = 512 << 10};
}

static htrail_writer_opts opts_of(const htrail_writer_opts *given)
{
    htrail_writer_opts opts;
    htrail_writer_opts_init(&opts);
    if (given != NULL)
        memcpy(&opts, given, given->struct_size < sizeof opts ? given->struct_size : sizeof opts);
    /* A block that does not fit is left out whole: a small file has small ones. */
    if (opts.max_bytes != 0 && opts.block_bytes > opts.max_bytes / 4)
        opts.block_bytes = opts.max_bytes / 4;
    if (opts.block_bytes < BLOCK_BYTES_MIN)
        opts.block_bytes = BLOCK_BYTES_MIN;
    if (opts.block_bytes > BLOCK_BYTES_MAX)
        opts.block_bytes = BLOCK_BYTES_MAX;
    return opts;
}

static size_t page_up(size_t bytes) { return (bytes + 4095) & ~(size_t)4095; }

size_t htrail_writer_memory_needed(const htrail_writer_opts *given)
{
    htrail_writer_opts opts = opts_of(given);
    return page_up(sizeof(htrail_writer)) + page_up(htrail__packer_bytes(opts.level)) +
           page_up(htrail__encoder_bytes(opts.block_bytes)) + rows_bytes() + page_up(htrail__pack_bound(ROWS_BYTES));
}

static htrail_status fail(htrail_writer *w, htrail_status status, const char *sentence)
{
    if (w->status == HTRAIL_OK) {
        w->status = status;
        snprintf(w->error, sizeof w->error, "%s", sentence);
    }
    return w->status;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static htrail_status write_bytes(htrail_writer *w, const void *data, size_t len)
{
    uint64_t begun_ns = monotonic_ns();
    htrail_status written = htrail__output_write(&w->output, data, len);
    w->stats.write_ns += monotonic_ns() - begun_ns;
    if (written != HTRAIL_OK) {
        w->is_stopped = false; /* worse than a limit */
        w->status = HTRAIL_OK;
        return fail(w, HTRAIL_E_IO, w->output.message);
    }
    w->offset += len;
    w->stats.bytes_written = w->offset;
    return HTRAIL_OK;
}

static htrail_status write_frame(htrail_writer *w, htrail__section section, unsigned codec, unsigned flags,
                                 const uint8_t *payload, size_t stored_bytes, size_t raw_bytes)
{
    uint8_t head[HTRAIL__FRAME_HEAD_BYTES];
    htrail__frame frame = {
        .section = (uint16_t)section,
        .codec = (uint8_t)codec,
        .flags = (uint8_t)flags,
        .sequence = w->frame_count,
        .stored_bytes = (uint32_t)stored_bytes,
        .raw_bytes = (uint32_t)raw_bytes,
        .payload_crc = htrail__crc32c(0, payload, stored_bytes),
    };
    htrail__frame_encode(head, &frame);
    if (w->index_count < INDEX_MAX)
        w->index[w->index_count++] = (index_entry){w->offset, (uint16_t)section};
    w->frame_count++;
    w->heads_crc = htrail__crc32c(w->heads_crc, head, sizeof head);
    w->stats.bytes_raw += raw_bytes + sizeof head;
    if (write_bytes(w, head, sizeof head) != HTRAIL_OK)
        return w->status;
    return write_bytes(w, payload, stored_bytes);
}

/* A frame that the limit on the file's size may refuse. */
static htrail_status write_limited(htrail_writer *w, htrail__section section, unsigned codec, unsigned flags,
                                   const uint8_t *payload, size_t stored_bytes, size_t raw_bytes)
{
    if (w->opts.max_bytes != 0 &&
        w->offset + HTRAIL__FRAME_HEAD_BYTES + stored_bytes + END_RESERVE > w->opts.max_bytes) {
        char reason[96];
        snprintf(reason, sizeof reason, "the file reached its limit of %llu bytes", (unsigned long long)w->opts.max_bytes);
        return htrail_writer_stop(w, HTRAIL_E_LIMIT, reason);
    }
    return write_frame(w, section, codec, flags, payload, stored_bytes, raw_bytes);
}

static htrail_status flush_rows(htrail_writer *w, rows_of which, bool is_limited)
{
    row_section *rows = &w->rows[which];
    htrail__section section = rows_of_kind[which].section;
    size_t raw = (size_t)(rows->at - rows->first);
    uint64_t row_count = rows->row_count;
    if (raw == 0)
        return HTRAIL_OK;
    rows->at = rows->first;
    rows->state = (htrail__row_state){0};
    rows->row_count = 0;
    size_t packed = htrail__pack(w->packer, w->packed, htrail__pack_bound(ROWS_BYTES), rows->first, raw);
    unsigned codec = packed != 0 ? HTRAIL__CODEC_ZSTD : HTRAIL__CODEC_RAW;
    const uint8_t *payload = packed != 0 ? w->packed : rows->first;
    size_t stored = packed != 0 ? packed : raw;
    htrail_status status = is_limited ? write_limited(w, section, codec, 0, payload, stored, raw)
                                      : write_frame(w, section, codec, 0, payload, stored, raw);
    if (status == HTRAIL_OK && rows->total != NULL)
        *rows->total += row_count;
    return status;
}

/* What objects of the block refer to goes before it. */
static htrail_status flush_block(htrail_writer *w)
{
    htrail__block_counts counts;
    size_t payload_bytes, raw_bytes;
    if (flush_rows(w, ROWS_META, true) != HTRAIL_OK || flush_rows(w, ROWS_STRINGS, true) != HTRAIL_OK ||
        flush_rows(w, ROWS_TYPES, true) != HTRAIL_OK)
        return w->status;
    const uint8_t *payload = htrail__encoder_finish(w->encoder, w->packer, &payload_bytes, &raw_bytes, &counts);
    if (payload == NULL)
        return HTRAIL_OK;
    if (write_limited(w, HTRAIL__SECTION_OBJECTS, HTRAIL__CODEC_RAW, HTRAIL__FRAME_CRITICAL, payload, payload_bytes,
                      payload_bytes) != HTRAIL_OK)
        return w->status;
    w->stats.bytes_raw += raw_bytes - payload_bytes;
    w->totals.objects += counts.objects;
    w->totals.parts += counts.parts;
    w->totals.refs += counts.refs;
    w->totals.names += counts.names;
    w->totals.values += counts.values;
    w->totals.size_bytes += counts.size_bytes;
    return HTRAIL_OK;
}

static uint64_t random_id(void)
{
    uint64_t id = 0;
    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id || id == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        id = ((uint64_t)now.tv_sec * 1000000007u) ^ ((uint64_t)now.tv_nsec << 20) ^ (uint64_t)getpid();
    }
    return id;
}

/* A writer without its output; NULL where memory or the options do not allow one. */
static htrail_writer *writer_new(const htrail_writer_opts *given, char *message, size_t message_cap)
{
    htrail_writer_opts opts = opts_of(given);
    size_t bytes = htrail_writer_memory_needed(&opts);
    /* Populated: its pages are there before the target waits. */
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        if (message != NULL)
            snprintf(message, message_cap, "cannot map %zu bytes of memory for a snapshot", bytes);
        return NULL;
    }
    htrail_writer *w = (htrail_writer *)memory;
    uint8_t *at = memory + page_up(sizeof *w);
    w->mapped_bytes = bytes;
    w->stats.memory_bytes = bytes;
    w->opts = opts;
    w->packer = htrail__packer_init(at, htrail__packer_bytes(opts.level), opts.level);
    at += page_up(htrail__packer_bytes(opts.level));
    w->encoder = htrail__encoder_init(at, opts.block_bytes);
    at += page_up(htrail__encoder_bytes(opts.block_bytes));
    for (size_t i = 0; i < ROWS_COUNT; at += rows_of_kind[i++].bytes)
        w->rows[i].first = w->rows[i].at = at;
    w->rows[ROWS_STRINGS].total = &w->totals.strings;
    w->rows[ROWS_TYPES].total = &w->totals.types;
    w->rows[ROWS_ROOTS].total = &w->totals.roots;
    w->packed = at;
    w->output.fd = -1;
    if (w->packer == NULL) {
        if (message != NULL)
            snprintf(message, message_cap, "cannot compress at level %d", opts.level);
        munmap(memory, bytes);
        return NULL;
    }
    return w;
}

/* The header, or nothing: the last step of all three ways to open. */
static htrail_status begin(htrail_writer *w, htrail_writer **out, char *message, size_t message_cap)
{
    uint8_t at[HTRAIL__HEADER_BYTES];
    htrail__header header = {
        .version_major = HTRAIL__VERSION_MAJOR,
        .version_minor = HTRAIL__VERSION_MINOR,
        .pointer_bytes = sizeof(void *),
        .unit_shift = HTRAIL__UNIT_SHIFT,
        .target_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
        .file_id = random_id(),
    };
    htrail__header_encode(at, &header);
    if (write_bytes(w, at, sizeof at) != HTRAIL_OK) {
        htrail_status status = w->status;
        if (message != NULL)
            snprintf(message, message_cap, "%s", w->error);
        htrail_writer_free(w);
        return status;
    }
    w->stats.bytes_raw = sizeof at;
    *out = w;
    return HTRAIL_OK;
}

htrail_status htrail_writer_open_path(htrail_writer **out, const char *path, const htrail_writer_opts *opts,
                                      char *message, size_t message_cap)
{
    *out = NULL;
    htrail_writer *w = writer_new(opts, message, message_cap);
    if (w == NULL)
        return HTRAIL_E_NOMEM;
    htrail_status status = htrail__output_open_path(&w->output, path);
    if (status != HTRAIL_OK) {
        if (message != NULL)
            snprintf(message, message_cap, "%s", w->output.message);
        htrail_writer_free(w);
        return status;
    }
    return begin(w, out, message, message_cap);
}

htrail_status htrail_writer_open_fd(htrail_writer **out, int fd, const htrail_writer_opts *opts, char *message,
                                    size_t message_cap)
{
    *out = NULL;
    htrail_writer *w = writer_new(opts, message, message_cap);
    if (w == NULL)
        return HTRAIL_E_NOMEM;
    htrail__output_open_fd(&w->output, fd);
    return begin(w, out, message, message_cap);
}

htrail_status htrail_writer_open_sink(htrail_writer **out, const htrail_sink *sink, const htrail_writer_opts *opts,
                                      char *message, size_t message_cap)
{
    *out = NULL;
    htrail_writer *w = writer_new(opts, message, message_cap);
    if (w == NULL)
        return HTRAIL_E_NOMEM;
    htrail__output_open_sink(&w->output, sink);
    return begin(w, out, message, message_cap);
}

static htrail_status check_open(htrail_writer *w)
{
    if (w->is_finished && w->status == HTRAIL_OK)
        fail(w, HTRAIL_E_MISUSE, "the snapshot was finished before");
    return w->status;
}

/* Room in a row section for a row with so much text, written out where it is needed. Text
 * that no section could hold is cut by the caller. */
static htrail_status room_for_row(htrail_writer *w, rows_of which, size_t text_bytes)
{
    const row_section *rows = &w->rows[which];
    if (check_open(w) != HTRAIL_OK)
        return w->status;
    if ((size_t)(rows->at - rows->first) + HTRAIL__ROW_NUMBERS_MAX + text_bytes <= rows_of_kind[which].bytes)
        return HTRAIL_OK;
    return flush_rows(w, which, true);
}

static htrail_str cut(htrail_str text, size_t most)
{
    return (htrail_str){text.data, text.len < most ? text.len : most};
}

htrail_status htrail_writer_set_meta(htrail_writer *w, htrail_str key, htrail_str value)
{
    row_section *meta = &w->rows[ROWS_META];
    /* Facts that are known only at the end still go into a file that a limit cut short. */
    if (w->is_stopped && !w->is_finished) {
        if ((size_t)(meta->at - meta->first) + HTRAIL__ROW_NUMBERS_MAX + key.len + value.len <= END_RESERVE / 2)
            meta->at = htrail__put_meta(meta->at, key, value);
        return w->status;
    }
    key = cut(key, ROWS_BYTES / 4);
    value = cut(value, ROWS_BYTES / 2);
    htrail_status status = room_for_row(w, ROWS_META, key.len + value.len);
    if (status == HTRAIL_OK)
        meta->at = htrail__put_meta(meta->at, key, value);
    return status;
}

htrail_status htrail_writer_add_string(htrail_writer *w, htrail_str text, uint32_t *string_id)
{
    text = cut(text, ROWS_BYTES / 2);
    row_section *strings = &w->rows[ROWS_STRINGS];
    htrail_status status = room_for_row(w, ROWS_STRINGS, text.len);
    *string_id = w->string_count;
    if (status != HTRAIL_OK)
        return status;
    strings->at = htrail__put_string(strings->at, w->string_count++, text);
    strings->row_count++;
    w->stats.strings++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_announce(htrail_writer *w, htrail_id object)
{
    if (check_open(w) != HTRAIL_OK)
        return w->status;
    const char *wrong = htrail__encoder_announce(w->encoder, object);
    return wrong == NULL ? HTRAIL_OK : fail(w, HTRAIL_E_MISUSE, wrong);
}

htrail_status htrail_writer_add_type(htrail_writer *w, const htrail_type *type)
{
    htrail_type row = *type;
    row.name = cut(row.name, ROWS_BYTES / 4);
    row.module = cut(row.module, ROWS_BYTES / 4);
    row_section *types = &w->rows[ROWS_TYPES];
    htrail_status status = room_for_row(w, ROWS_TYPES, row.name.len + row.module.len);
    if (status != HTRAIL_OK)
        return status;
    types->at = htrail__put_type(types->at, &types->state, &row);
    types->row_count++;
    w->stats.types++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_object(htrail_writer *w, const htrail_object *object)
{
    if (w->status != HTRAIL_OK || w->is_finished)
        return check_open(w);
    if (object->ref_count > HTRAIL_REFS_MAX)
        return fail(w, HTRAIL_E_MISUSE, "an object was given more references in one call than HTRAIL_REFS_MAX");
    if (!htrail__encoder_has_room(w->encoder, object->ref_count)) {
        if (flush_block(w) != HTRAIL_OK)
            return w->status;
        if (!htrail__encoder_has_room(w->encoder, object->ref_count)) /* an empty block always has */
            return fail(w, HTRAIL_E_UNSUPPORTED, "an object does not fit into a block");
    }
    const char *wrong = htrail__encoder_add_object(w->encoder, object);
    if (wrong != NULL)
        return fail(w, HTRAIL_E_MISUSE, wrong);
    w->stats.objects += (object->flags & HTRAIL_OBJECT_CONTINUED) == 0;
    w->stats.refs += object->ref_count;
    w->stats.size_bytes += object->flags & HTRAIL_OBJECT_CONTINUED ? 0 : object->size_bytes;
    return HTRAIL_OK;
}

static htrail_status room_for_text(htrail_writer *w, size_t text_bytes)
{
    if (check_open(w) != HTRAIL_OK || htrail__encoder_has_room_for_text(w->encoder, text_bytes))
        return w->status;
    return flush_block(w);
}

htrail_status htrail_writer_add_name(htrail_writer *w, const htrail_name *name)
{
    htrail_name row = *name;
    row.name = cut(row.name, htrail__encoder_text_max(w->encoder) / 2);
    row.module = cut(row.module, htrail__encoder_text_max(w->encoder) / 2);
    htrail_status status = room_for_text(w, row.name.len + row.module.len);
    if (status != HTRAIL_OK)
        return status;
    htrail__encoder_add_name(w->encoder, &row);
    w->stats.names++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_value(htrail_writer *w, const htrail_value *value)
{
    htrail_value row = *value;
    row.text = cut(row.text, htrail__encoder_text_max(w->encoder));
    if (row.text.len < value->text.len)
        row.flags |= HTRAIL_VALUE_CUT;
    htrail_status status = room_for_text(w, row.text.len);
    if (status != HTRAIL_OK)
        return status;
    htrail__encoder_add_value(w->encoder, &row);
    w->stats.values++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_root(htrail_writer *w, const htrail_root *root)
{
    htrail_root row = *root;
    row.name = cut(row.name, ROWS_BYTES / 4);
    row_section *roots = &w->rows[ROWS_ROOTS];
    htrail_status status = room_for_row(w, ROWS_ROOTS, row.name.len);
    if (status != HTRAIL_OK)
        return status;
    roots->at = htrail__put_root(roots->at, &roots->state, &row);
    roots->row_count++;
    w->stats.roots++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_thread(htrail_writer *w, const htrail_thread *thread)
{
    htrail_thread row = *thread;
    row.name = cut(row.name, ROWS_BYTES_FEW / 8);
    row.comm = cut(row.comm, ROWS_BYTES_FEW / 8);
    row.wait = cut(row.wait, ROWS_BYTES_FEW / 8);
    row_section *threads = &w->rows[ROWS_THREADS];
    htrail_status status = room_for_row(w, ROWS_THREADS, row.name.len + row.comm.len + row.wait.len);
    if (status == HTRAIL_OK)
        threads->at = htrail__put_thread(threads->at, &threads->state, &row);
    return status;
}

htrail_status htrail_writer_add_frame(htrail_writer *w, const htrail_frame *frame)
{
    htrail_frame row = *frame;
    row.function = cut(row.function, ROWS_BYTES_FEW / 4);
    row.file = cut(row.file, ROWS_BYTES_FEW / 4);
    row_section *frames = &w->rows[ROWS_FRAMES];
    htrail_status status = room_for_row(w, ROWS_FRAMES, row.function.len + row.file.len);
    if (status == HTRAIL_OK)
        frames->at = htrail__put_frame(frames->at, &frames->state, &row);
    return status;
}

htrail_status htrail_writer_add_mapping(htrail_writer *w, const htrail_mapping *mapping)
{
    htrail_mapping row = *mapping;
    row.path = cut(row.path, ROWS_BYTES_FEW / 4);
    row_section *mappings = &w->rows[ROWS_MAPPINGS];
    htrail_status status = room_for_row(w, ROWS_MAPPINGS, row.path.len);
    if (status == HTRAIL_OK)
        mappings->at = htrail__put_mapping(mappings->at, &mappings->state, &row);
    return status;
}

htrail_status htrail_writer_add_site(htrail_writer *w, const htrail_site *site, uint32_t *id)
{
    htrail_site row = *site;
    row.file = cut(row.file, ROWS_BYTES_FEW / 4);
    row.function = cut(row.function, ROWS_BYTES_FEW / 4);
    *id = row.id = w->site_count;
    if (row.caller != HTRAIL_NO_SITE && row.caller >= row.id)
        return w->status != HTRAIL_OK ? w->status : fail(w, HTRAIL_E_MISUSE, "a site was added before its caller");
    row_section *sites = &w->rows[ROWS_SITES];
    htrail_status status = room_for_row(w, ROWS_SITES, row.file.len + row.function.len);
    if (status != HTRAIL_OK)
        return status;
    sites->at = htrail__put_site(sites->at, &row);
    w->site_count++;
    return HTRAIL_OK;
}

htrail_status htrail_writer_add_site_of(htrail_writer *w, const htrail_site_of *block)
{
    row_section *blocks = &w->rows[ROWS_SITE_OF];
    htrail_status status = room_for_row(w, ROWS_SITE_OF, 0);
    if (status == HTRAIL_OK)
        blocks->at = htrail__put_site_of(blocks->at, &blocks->state, block);
    return status;
}

htrail_status htrail_writer_stop(htrail_writer *w, htrail_status status, const char *reason)
{
    if (w->status != HTRAIL_OK || w->is_finished)
        return check_open(w);
    if (status == HTRAIL_E_LIMIT && !w->is_stopped) {
        w->is_stopped = true;
        snprintf(w->reason, sizeof w->reason, "%s", reason);
    }
    return fail(w, status, reason);
}

static htrail_status write_end(htrail_writer *w)
{
    uint8_t payload[HTRAIL__END_BYTES_MAX];
    htrail__end end = {
        .totals = w->totals,
        .frame_count = w->frame_count,
        .heads_crc = w->heads_crc,
        .stopped_early = w->is_stopped,
        .reason = {w->reason, strlen(w->reason)},
    };
    size_t len = htrail__end_encode(payload, &end);
    return write_frame(w, HTRAIL__SECTION_END, HTRAIL__CODEC_RAW, HTRAIL__FRAME_CRITICAL, payload, len, len);
}

static htrail_status write_index(htrail_writer *w)
{
    /* The rows are all written: their memory holds the index. */
    uint8_t *first = w->rows[0].first, *at = first, *end = first + rows_bytes();
    uint64_t index_offset = w->offset, last = 0;
    uint8_t trailer[HTRAIL__TRAILER_BYTES];
    uint32_t count = w->index_count;

    if (w->is_stopped && count > 256) /* within END_RESERVE */
        count = 256;
    at = htrail__put_varint(at, count);
    for (uint32_t i = 0; i < count && end - at > 4 * HTRAIL__VARINT_MAX; i++) {
        at = htrail__put_varint(at, w->index[i].section);
        at = htrail__put_varint(at, w->index[i].offset - last);
        last = w->index[i].offset;
    }
    size_t len = (size_t)(at - first);
    if (write_frame(w, HTRAIL__SECTION_INDEX, HTRAIL__CODEC_RAW, 0, first, len, len) != HTRAIL_OK)
        return w->status;
    htrail__trailer_encode(trailer, index_offset);
    return write_bytes(w, trailer, sizeof trailer);
}

/* What is still in memory goes out as far as the limit allows. False on a real failure. */
static bool flush_all(htrail_writer *w)
{
    flush_block(w);
    for (unsigned which = ROWS_ROOTS; which < ROWS_COUNT && (w->status == HTRAIL_OK || w->is_stopped); which++) {
        w->status = HTRAIL_OK;
        flush_rows(w, (rows_of)which, true);
    }
    if (w->status != HTRAIL_OK && !w->is_stopped)
        return false;
    w->status = HTRAIL_OK;
    return true;
}

htrail_status htrail_writer_finish(htrail_writer *w)
{
    if (w->is_finished)
        return check_open(w);
    if (w->status != HTRAIL_OK && !w->is_stopped)
        return w->status;
    w->status = HTRAIL_OK;
    if (!flush_all(w))
        return w->status;
    flush_rows(w, ROWS_META, false);
    if (w->status == HTRAIL_OK)
        write_end(w);
    if (w->status == HTRAIL_OK)
        write_index(w);
    if (w->status == HTRAIL_OK && htrail__output_commit(&w->output, w->opts.fsync != 0) != HTRAIL_OK)
        fail(w, HTRAIL_E_IO, w->output.message);
    w->is_finished = w->status == HTRAIL_OK;
    if (w->is_stopped) { /* what was handed over and did not fit is not in the file */
        w->stats.objects = w->totals.objects;
        w->stats.refs = w->totals.refs;
        w->stats.size_bytes = w->totals.size_bytes;
    }
    return w->status;
}

const char *htrail_writer_stopped_early(const htrail_writer *w) { return w != NULL && w->is_stopped ? w->reason : NULL; }

void htrail_writer_stats_get(const htrail_writer *w, htrail_writer_stats *out)
{
    *out = w != NULL ? w->stats : (htrail_writer_stats){0};
}

const char *htrail_writer_error(const htrail_writer *w) { return w != NULL ? w->error : ""; }

void htrail_writer_free(htrail_writer *w)
{
    if (w == NULL)
        return;
    int error = w->output.os_error;
    htrail__output_close(&w->output);
    munmap(w, w->mapped_bytes);
    if (error != 0)
        errno = error; /* the last that a caller can ask */
}
