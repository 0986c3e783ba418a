/* htrail/reader.h - read one snapshot, record by record, front to back. Needs
 * neither the capture library nor SQLite: analyze/ is one user, `heaptrail check`,
 * the tests and the fuzzer are others.
 *
 * Order of calls: open, next until it does not return HTRAIL_OK, free.
 *
 * Trust: the file is untrusted. No input may crash the reader, make it read outside
 * the input, or make it hold more memory than its limits allow.
 *
 * Lifetime: what htrail_reader_next hands out is borrowed until the following call
 * of next, or free. Copy what must live longer.
 *
 * Threads: one reader, one thread at a time; different readers are independent. With
 * read_ahead a source is still only read from the thread that calls next.
 *
 * Errors: sticky; the sentence (htrail_reader_error) names the offset. TRUNCATED
 * keeps what was read: all records so far are good. CORRUPT does not promise that. */
#ifndef HTRAIL_READER_H
#define HTRAIL_READER_H

#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct htrail_reader htrail_reader;

/* Where bytes come from. read fills up to cap bytes, sets *got (0 at the end),
 * returns 0 or an errno value. */
typedef struct htrail_source {
    int (*read)(void *arg, void *buf, size_t cap, size_t *got);
    void (*close)(void *arg); /* may be NULL; called once, by free or a failed open */
    void *arg;
} htrail_source;

typedef struct htrail_limits {
    size_t struct_size;      /* set by htrail_limits_init */
    uint64_t max_memory;     /* bytes the reader may hold; default 256 MiB */
    uint32_t max_string;     /* longest text, bytes; default 1 MiB */
    uint32_t max_window_log; /* zstd window accepted; default 23 (8 MiB) */
    uint32_t read_ahead;     /* not 0: the next block is decoded in a thread of the reader's own
                                while this one's records are handed out; each may take half of
                                max_memory; default 0 */
} htrail_limits;

HTRAIL_API void htrail_limits_init(htrail_limits *limits);

/* On HTRAIL_OK *out is the reader, owned by the caller; the header has been read and
 * checked. On failure *out is NULL, and message (if not NULL) holds why, always
 * NUL-terminated within message_cap. limits is copied; NULL: defaults. name: what
 * sentences call the input; copied; NULL: "snapshot".
 *   path:   "-" is standard input.
 *   memory: data is borrowed and must outlive the reader.
 *   source: copied; the reader closes it, on failure too. */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_reader_open_path(htrail_reader **out, const char *path, const htrail_limits *limits,
                        char *message, size_t message_cap);
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_reader_open_memory(htrail_reader **out, const void *data, size_t len, const char *name,
                          const htrail_limits *limits, char *message, size_t message_cap);
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_reader_open_source(htrail_reader **out, const htrail_source *source, const char *name,
                          const htrail_limits *limits, char *message, size_t message_cap);

typedef struct htrail_header {
    uint16_t version_major, version_minor;
    uint64_t file_id;       /* random, unique to this snapshot */
    uint8_t pointer_bytes;  /* of the target: 4 or 8 */
    uint8_t target_big_endian;
} htrail_header;

/* Owned by the reader, valid until free; never NULL. */
HTRAIL_API const htrail_header *htrail_reader_header(const htrail_reader *r);

typedef enum htrail_record_kind {
    HTRAIL_RECORD_META = 1,
    HTRAIL_RECORD_STRING = 2, /* the text of HTRAIL_LABEL_STRING(id) */
    HTRAIL_RECORD_TYPE = 3,
    HTRAIL_RECORD_OBJECT = 4, /* or a further part of one: HTRAIL_OBJECT_CONTINUED */
    HTRAIL_RECORD_NAME = 5,
    HTRAIL_RECORD_VALUE = 6,
    HTRAIL_RECORD_ROOT = 7,
    HTRAIL_RECORD_THREAD = 8,
    HTRAIL_RECORD_FRAME = 9,
    HTRAIL_RECORD_SITE = 10,
    HTRAIL_RECORD_SITE_OF = 11, /* may come before its site */
    HTRAIL_RECORD_MAPPING = 12
} htrail_record_kind;

typedef struct htrail_record {
    htrail_record_kind kind;
    union {
        struct { htrail_str key, value; } meta;
        struct { uint32_t id; htrail_str text; } string;
        htrail_type type;
        htrail_object object;
        htrail_name name;
        htrail_value value;
        htrail_root root;
        htrail_thread thread;
        htrail_frame frame;
        htrail_mapping mapping;
        htrail_site site;
        htrail_site_of site_of;
    } u;
} htrail_record;

/* The next record. HTRAIL_OK: *rec is filled. HTRAIL_END: the end was seen, all
 * checksums held and the totals agree; *rec is untouched. HTRAIL_E_TRUNCATED: the
 * records so far are good and the rest is missing (a box that lost power); the
 * caller may keep them. Sections that this version does not know are skipped.
 *
 * Order: as written by htrail_writer, except that within one block types, strings
 * and names may come before objects. A type comes before its objects. */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_reader_next(htrail_reader *r, htrail_record *rec);

/* After HTRAIL_END: non-NULL where the writer stopped early by itself (a limit was
 * reached), with its reason; the file is whole, the heap in it is not. Borrowed until
 * free. NULL otherwise. */
HTRAIL_API const char *htrail_reader_stopped_early(const htrail_reader *r);

/* Bytes of input consumed so far: for progress and for messages. */
HTRAIL_API uint64_t htrail_reader_offset(const htrail_reader *r);

/* What went wrong, one sentence without a full stop; empty if nothing did. Owned by
 * the reader, valid until free; never NULL. */
HTRAIL_API const char *htrail_reader_error(const htrail_reader *r);

/* NULL is allowed. */
HTRAIL_API void htrail_reader_free(htrail_reader *r);

#ifdef __cplusplus
}
#endif
#endif
