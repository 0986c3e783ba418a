/* htrail/writer.h - write one snapshot. The runtime-neutral half of the capture
 * library; the walkers in capture/ call it.
 *
 * Order of calls: open, then set_meta, add_string, announce, add_type, add_object,
 * add_name, add_value, add_root, add_thread, add_frame, add_mapping, add_site, add_site_of
 * as the walk meets things, then finish, then free.
 * A type comes before the first object of it; a reference may point at an object
 * that comes later, or never comes; a name or value may come before or after its
 * object and costs least directly after it.
 *
 * Order of objects: any order works, and one order is small. Walk the runtime's own
 * list; call announce for the objects a few steps (at most
 * HTRAIL_ANNOUNCE_MAX) ahead of the one being added; after each object add,
 * depth-first, those of its targets that are not in the list and were not met
 * before: mark the references that lead to them NEW, and the objects INLINE. NEW
 * targets are a stack: the references of one object push theirs so that the first
 * is on top, and each INLINE object is the one on top. At most
 * HTRAIL_PENDING_MAX may be waiting.
 *
 * Large objects: at most HTRAIL_REFS_MAX references a call; add the rest with the
 * same id and HTRAIL_OBJECT_CONTINUED, each part after the INLINE objects of the
 * part before.
 *
 * Memory: all of the writer's memory is one private mapping taken in open, and its
 * size is fixed there (htrail_writer_memory_needed). No other call allocates, so the
 * heap being recorded does not move while it is walked.
 *
 * Threads: one writer, one thread at a time. Different writers are independent; the
 * library has no global state. No call takes a lock or raises a signal.
 *
 * Errors: sticky. The first failing call decides; every later call but free returns
 * the same status and does nothing, so a walker may ignore results and look once, at
 * finish. htrail_writer_error has the sentence for a human. A limit
 * (HTRAIL_E_LIMIT) is an error of add calls, but finish still ends the file: it is
 * valid, shorter and says so. */
#ifndef HTRAIL_WRITER_H
#define HTRAIL_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <htrail/status.h>
#include <htrail/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HTRAIL_ANNOUNCE_MAX = 16,
    HTRAIL_REFS_MAX = 1024,
    HTRAIL_PENDING_MAX = 16384
};

typedef struct htrail_writer htrail_writer;

/* Where the bytes go. write must take all len bytes and return 0, or return an
 * errno value; it is called from within htrail calls, open included, never after finish. */
typedef struct htrail_sink {
    int (*write)(void *arg, const void *data, size_t len);
    void *arg; /* borrowed */
} htrail_sink;

/* Set defaults with htrail_writer_opts_init, then change fields. */
typedef struct htrail_writer_opts {
    size_t struct_size; /* set by opts_init: lets old callers meet new libraries */
    int level;          /* zstd level, default 1, the only one that libhtrail-capture has */
    uint64_t max_bytes; /* end the file before it grows past this; 0 = no limit */
    size_t block_bytes; /* target size of an object block before compression; default 512 KiB,
                           less under a small max_bytes */
    int fsync;          /* non-zero: finish returns after the data is on disk */
} htrail_writer_opts;

HTRAIL_API void htrail_writer_opts_init(htrail_writer_opts *opts);

/* Bytes of private memory that a writer with these options maps. opts NULL: defaults. */
HTRAIL_API size_t htrail_writer_memory_needed(const htrail_writer_opts *opts);

/* Open for writing. On HTRAIL_OK *out is the writer, owned by the caller, released
 * with htrail_writer_free. On any other status *out is NULL, nothing is left behind,
 * and message (if not NULL) holds why, NUL-terminated within message_cap; with
 * HTRAIL_E_IO errno is that of the open or write. opts is copied; NULL takes the defaults.
 *   path: written as "<path>.partial", renamed over path by finish; an existing
 *         path is untouched until then.
 *   fd:   borrowed, never closed, written from its present offset, may be a pipe.
 *   sink: copied; sink->arg must outlive the writer. */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_writer_open_path(htrail_writer **out, const char *path, const htrail_writer_opts *opts,
                        char *message, size_t message_cap);
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_writer_open_fd(htrail_writer **out, int fd, const htrail_writer_opts *opts,
                      char *message, size_t message_cap);
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_writer_open_sink(htrail_writer **out, const htrail_sink *sink, const htrail_writer_opts *opts,
                        char *message, size_t message_cap);

/* A fact about the process or the capture ("pid", "cmdline", "pause_ns"). Any time
 * before finish; a key that comes again replaces the one before. */
HTRAIL_API htrail_status htrail_writer_set_meta(htrail_writer *w, htrail_str key, htrail_str value);

/* A text for labels, given an id from 0 on. For the fixed names of fields; not for
 * strings that are objects of the heap. Adding a text twice gives two ids. */
HTRAIL_API htrail_status htrail_writer_add_string(htrail_writer *w, htrail_str text, uint32_t *string_id);

/* The next object of the runtime's list that has not been announced. TRACKED objects
 * are added in just the order in which they were announced (one that never was is
 * announced by add_object itself); anything else is HTRAIL_E_MISUSE. */
HTRAIL_API htrail_status htrail_writer_announce(htrail_writer *w, htrail_id object);

/* Everything pointed to is read during the call and may go away after it. */
HTRAIL_API htrail_status htrail_writer_add_type(htrail_writer *w, const htrail_type *type);
HTRAIL_API htrail_status htrail_writer_add_object(htrail_writer *w, const htrail_object *object);
HTRAIL_API htrail_status htrail_writer_add_name(htrail_writer *w, const htrail_name *name);
HTRAIL_API htrail_status htrail_writer_add_value(htrail_writer *w, const htrail_value *value);
HTRAIL_API htrail_status htrail_writer_add_root(htrail_writer *w, const htrail_root *root);
HTRAIL_API htrail_status htrail_writer_add_thread(htrail_writer *w, const htrail_thread *thread);
HTRAIL_API htrail_status htrail_writer_add_frame(htrail_writer *w, const htrail_frame *frame);
HTRAIL_API htrail_status htrail_writer_add_mapping(htrail_writer *w, const htrail_mapping *mapping);
/* A site after its caller; *id is what it is called from then on, site->id is not looked at. */
HTRAIL_API htrail_status htrail_writer_add_site(htrail_writer *w, const htrail_site *site, uint32_t *id);
/* Costs least in the order of the addresses. */
HTRAIL_API htrail_status htrail_writer_add_site_of(htrail_writer *w, const htrail_site_of *block);

/* End the walk early for a reason of the caller's. HTRAIL_E_LIMIT: finish makes a valid,
 * shorter file that carries the reason; any other error: the snapshot fails with it.
 * reason is copied, one sentence without a full stop. */
HTRAIL_API htrail_status htrail_writer_stop(htrail_writer *w, htrail_status status, const char *reason);

/* Complete the file: last block, end, index, trailer, rename. The only call that
 * makes a snapshot valid. Calling it twice is HTRAIL_E_MISUSE. */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status htrail_writer_finish(htrail_writer *w);

/* Non-NULL where a limit ended the walk or the file early, with its reason: after a
 * successful finish the file is valid and shorter than the heap. Owned by the writer, valid
 * until htrail_writer_free; NULL otherwise, and for w NULL. */
HTRAIL_API const char *htrail_writer_stopped_early(const htrail_writer *w);

typedef struct htrail_writer_stats {
    uint64_t types, strings, names, values, objects, refs, roots;
    uint64_t size_bytes;    /* sum of the objects' sizes */
    uint64_t bytes_raw;     /* of the file, before compression */
    uint64_t bytes_written; /* and after */
    uint64_t memory_bytes;  /* that the writer has mapped */
    uint64_t write_ns;      /* that its output took */
} htrail_writer_stats;

/* What was handed over and written so far; after finish, what is in the file. All 0 for w
 * NULL. */
HTRAIL_API void htrail_writer_stats_get(const htrail_writer *w, htrail_writer_stats *out);

/* What went wrong, one sentence without a full stop: "cannot write '/run/a.htrail':
 * No space left on device". Empty string if nothing did. Owned by the writer, valid
 * until htrail_writer_free; never NULL, also for w NULL. */
HTRAIL_API const char *htrail_writer_error(const htrail_writer *w);

/* Release. NULL is allowed. Without a successful finish the partial file is removed.
 * Never fails: whatever can fail is in finish. After a write that failed errno is its. */
HTRAIL_API void htrail_writer_free(htrail_writer *w);

#ifdef __cplusplus
}
#endif
#endif
