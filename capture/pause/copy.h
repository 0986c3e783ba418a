/* copy.h - a snapshot of this process, taken in a copy of it (child.h) while it goes on.
 *
 * Order of calls: init; start with the GIL held; then, without it, poll until it is true, or kill;
 * then result; release at any time. All the program waits for is start.
 *
 * Memory: in the program one shared page from init to release. All else is the copy's, and the
 * kernel's: a page that the program writes to while the copy lives is there twice.
 *
 * The copy reports by the shared page: how far it is, and at the end what became of it. One that
 * was killed did not say how it ended, and its file is worth nothing. */
#ifndef HTRAIL_CAPTURE_PAUSE_COPY_H
#define HTRAIL_CAPTURE_PAUSE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <htrail/capture.h>

enum { HTRAIL__COPY_TEXT_CAP = 1024 };

typedef struct htrail__copy_report {
    volatile uint32_t is_done;
    int32_t status;   /* htrail_status */
    int32_t os_error; /* of a write that failed */
    volatile uint64_t objects, file_bytes;  /* so far */
    volatile uint64_t fork_ns, pause_ns;    /* written by the program, read by the copy for the file */
    uint64_t refs, size_bytes;
    uint64_t child_ns;       /* from clone to the end */
    uint64_t private_bytes;  /* the copy's own memory */
    uint64_t cow_bytes;      /* of pages that are there twice because the program wrote to its own */
    char text[HTRAIL__COPY_TEXT_CAP]; /* the sentence of a limit or a failure */
} htrail__copy_report;

typedef struct htrail__copy {
    htrail__copy_report *report;
    pid_t pid;  /* 0: none */
    int signal; /* what killed it */
    uint64_t begun_ns;
    const struct htrail__copy_job *job; /* of start, for the copy */
} htrail__copy;

typedef struct htrail__copy_job {
    int fd;        /* where the snapshot is written; the only file that the copy keeps open */
    bool is_file;  /* a regular one, which is never waited for */
    const htrail_writer_opts *writer_opts;
    const htrail_cpython_opts *opts;
    const char *reason; /* why fork; goes into the file */
    uint32_t sequence;  /* 0: none */
    const char *trigger; /* what asked for it; NULL: the program itself */
} htrail__copy_job;

/* 0 or an errno value. */
int htrail__copy_init(htrail__copy *copy);
int htrail__copy_start(htrail__copy *copy, const htrail__copy_job *job);

/* The program goes on from now; what it waited for is from begun_ns on. */
void htrail__copy_let_go(htrail__copy *copy, uint64_t begun_ns);

/* true: it has ended, one way or the other. */
bool htrail__copy_poll(htrail__copy *copy);
void htrail__copy_kill(htrail__copy *copy);

/* What became of it: HTRAIL_OK, HTRAIL_E_LIMIT (text says which), or a failure: with HTRAIL_E_IO
 * *os_error is set, else text has the sentence, which may be that it was killed. */
htrail_status htrail__copy_result(const htrail__copy *copy, int *os_error, char *text, size_t text_cap);
void htrail__copy_release(htrail__copy *copy);

/* ---- what the capture asks, wherever it runs ---- */

/* NULL, or the limit that was passed meanwhile, a sentence: of a copy, of its memory. Cheap enough
 * for every few hundred objects. own_bytes: what the capture took itself. */
const char *htrail__copy_over(uint64_t own_bytes, uint64_t max_memory_bytes);

/* Facts about the capture for the file: the capture's part of the cost is given. */
typedef struct htrail__cost {
    uint64_t begun_ns;               /* the pause's beginning, where it is in place */
    uint64_t walk_ns, private_bytes;
} htrail__cost;
void htrail__cost_write(htrail_writer *w, const htrail__cost *cost);

/* What the capture before took of memory, at its largest; with the interpreter lock. */
uint64_t htrail__cost_private_bytes(void);

#endif
