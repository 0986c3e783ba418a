/* htrail/capture.h - walk a runtime and feed a writer; one function a runtime, so
 * that a box that only needs malloc needs no Python.
 *
 * The caller opens the writer before and calls finish after, so that one snapshot can
 * hold the Python objects and the native heap of the same process.
 * htrail_snapshot_cpython does all of it, for a file.
 *
 * Memory: private mappings only, taken for the walk and given back by its end; see
 * docs/capture.md for the figure. Nothing is allocated from the runtime's heap.
 *
 * Threads: the calling thread holds the GIL for the whole call, and it is not dropped;
 * htrail_snapshot_cpython gives it back while it looks at the process, before the pause, and with
 * FORK after it.
 *
 * Errors: a failed walk leaves the target as it was. No Python exception is set or
 * cleared. */
#ifndef HTRAIL_CAPTURE_H
#define HTRAIL_CAPTURE_H

#include <htrail/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum htrail_cpython_flags {
    HTRAIL_CPYTHON_COLLECT_FIRST = 1 << 0, /* gc.collect() before the walk: runs finalizers */
    HTRAIL_CPYTHON_HASHES = 1 << 1,        /* a keyed hash for every str and bytes, and for numbers in tuples */
    HTRAIL_CPYTHON_CONTENTS = 1 << 2,      /* the text of str and bytes, up to contents_bytes */
    HTRAIL_CPYTHON_NO_CMDLINE = 1 << 3     /* keep the command line out of the file */
};

/* What kernel and malloc know of this process: its threads, its memory by use, its control group.
 * Looked up before the program waits, since it takes milliseconds. */
typedef struct htrail_process htrail_process;

enum htrail_process_flags {
    HTRAIL_PROCESS_OWN_THREAD = 1 << 0 /* the calling thread is there for snapshots alone */
};

/* Needs no GIL; better called without it. NULL: no memory. Released with htrail_process_free, which
 * allows NULL. */
HTRAIL_API htrail_process *htrail_process_look(uint32_t flags);
HTRAIL_API void htrail_process_free(htrail_process *process);

/* What the program waits for. */
typedef enum htrail_capture_mode {
    HTRAIL_CAPTURE_IN_PLACE = 0, /* the whole snapshot, walk and writing: about twice a gc.collect() */
    HTRAIL_CAPTURE_FORK = 1,     /* a copy of the process, which then writes the snapshot beside it: milliseconds;
                                    memory that the program writes to meanwhile is there twice */
    HTRAIL_CAPTURE_AUTO = 2      /* FORK, or IN_PLACE where free memory or a limit below would not bear a copy */
} htrail_capture_mode;

typedef struct htrail_cpython_opts {
    size_t struct_size;      /* set by htrail_cpython_opts_init */
    uint32_t flags;          /* htrail_cpython_flags; default 0 */
    uint32_t contents_bytes; /* most bytes of a text with CONTENTS; default 256 */
    uint64_t max_pause_ns;   /* end the walk past this, with a valid file that says so; 0 = never. With FORK
                                only the stop of the program counts: refused where it would be longer */
    htrail_process *process; /* borrowed, written into the file; NULL: that is left out, but
                                htrail_snapshot_cpython then looks itself */
    uint64_t max_memory_bytes; /* end the walk when the snapshot's own memory passes this, with FORK that of
                                pages there twice too; a valid file says so; 0 = never */
    uint32_t mode;           /* htrail_capture_mode; default IN_PLACE */
    uint32_t reserved;       /* 0 */
} htrail_cpython_opts;

HTRAIL_API void htrail_cpython_opts_init(htrail_cpython_opts *opts);

/* Record every object of the calling interpreter, in place (mode is for
 * htrail_snapshot_cpython: the writer is in this process). No Python code runs in it (no
 * __repr__, no finalizer) unless COLLECT_FIRST is set. opts is copied; NULL: defaults.
 *   HTRAIL_E_UNSUPPORTED: this interpreter's layout is not known; nothing was walked.
 *   HTRAIL_E_MISUSE: called without the GIL, or from within a garbage collection.
 *   HTRAIL_E_LIMIT: max_pause_ns or the writer's max_bytes was reached; finish makes
 *   a valid, shorter file.
 * The sentence is in the writer (htrail_writer_error). */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_capture_cpython(htrail_writer *w, const htrail_cpython_opts *opts);

typedef struct htrail_snapshot_info {
    uint64_t objects, refs;
    uint64_t size_bytes; /* sum of the objects' sizes */
    uint64_t file_bytes;
    uint64_t pause_ns;   /* that the program waited for: the GIL was held */
    uint64_t fork_ns;    /* of it for the copy; 0 in place */
    uint64_t private_bytes, cow_bytes; /* memory of the snapshot; and of pages there twice, with FORK */
    uint32_t mode;       /* that was chosen: IN_PLACE or FORK */
    char mode_reason[320];
} htrail_snapshot_info;

/* Open, capture, finish: a whole snapshot to path ("-": standard output). With FORK the
 * GIL is given back once the copy is made, and the call returns when the copy is done. info and
 * message may be NULL; message holds the sentence on failure, and with HTRAIL_E_IO errno
 * the cause. HTRAIL_E_LIMIT: the file is there, valid, shorter than the heap. */
HTRAIL_API HTRAIL_MUST_CHECK htrail_status
htrail_snapshot_cpython(const char *path, const htrail_writer_opts *writer_opts,
                        const htrail_cpython_opts *opts, htrail_snapshot_info *info,
                        char *message, size_t message_cap);

#ifdef __cplusplus
}
#endif
#endif
