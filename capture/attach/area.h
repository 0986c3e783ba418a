/* capture/attach/area.h - what `heaptrail snap` puts into the memory of a process that it
 * enters: one private mapping, code in its first page, this struct in the next, then a stack
 * and thread-local memory for the thread that starts the agent. Both sides use it: attach.c
 * fills and reads it from outside, remote.c and enter_*.S run on it inside.
 *
 * The first fields are known to the assembly by number. */
#ifndef HTRAIL_CAPTURE_ATTACH_AREA_H
#define HTRAIL_CAPTURE_ATTACH_AREA_H

#define HTRAIL__AREA_CLONE_FLAGS 0
#define HTRAIL__AREA_STACK 8
#define HTRAIL__AREA_THREAD_ID 16
#define HTRAIL__AREA_ALIVE 24
#define HTRAIL__AREA_TLS 32
#define HTRAIL__AREA_CLONED 40
#define HTRAIL__AREA_MUST_WAIT 48
#define HTRAIL__AREA_READY 52
#define HTRAIL__AREA_START 56
#define HTRAIL__AREA_BYTES 64
#define HTRAIL__AREA_MUNMAP 72

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

typedef enum htrail__area_stage {
    HTRAIL__AREA_BEGUN = 0,
    HTRAIL__AREA_LOADING = 1, /* in a thread of the C library's own, in dlopen */
    HTRAIL__AREA_DONE = 2,    /* the agent listens */
    HTRAIL__AREA_FAILED = 3,  /* error says why */
    HTRAIL__AREA_WANTS_FILE = 4 /* file is open in thread loader, and empty: the library is to be written into it */
} htrail__area_stage;

typedef enum htrail__area_answer {
    HTRAIL__AREA_WAITS = 0,
    HTRAIL__AREA_HEARD = 1, /* the result was read: the area may go */
    HTRAIL__AREA_GIVEN_UP = 2,
    HTRAIL__AREA_FILLED = 3 /* the file is there, and library is its path */
} htrail__area_answer;

typedef struct htrail__area {
    uint64_t clone_flags, stack;
    uint64_t thread_id; /* where clone writes the id of the new thread, */
    uint64_t alive_at;  /* and what the kernel clears when it has ended */
    uint64_t tls;
    int64_t cloned;     /* what clone returned */
    uint32_t must_wait; /* the entered thread waits for ready: it is the only one, and must not go
                           on before the C library knows that it no longer is */
    uint32_t ready;
    uint64_t start, bytes; /* of the whole mapping */
    uint64_t munmap;

    /* Functions of the process. */
    void (*tls_static_info)(size_t *, size_t *);
    void *(*allocate_tls_init)(void *, int);
    int (*pthread_create)(uint64_t *, const void *, void *(*)(void *), void *);
    int (*pthread_detach)(uint64_t);
    void *(*dlopen)(const char *, int);
    void *(*dlsym)(void *, const char *);
    char *(*dlerror)(void);
    int (*dlclose)(void *);
    void *(*work)(void *); /* where htrail__remote_work is there */

    int64_t nap[2];    /* a struct timespec */
    uint64_t tls_room; /* bytes that there are for thread-local variables */
    uint64_t thread;
    uint32_t alive;
    uint32_t stage;  /* htrail__area_stage; written last */
    uint32_t answer; /* htrail__area_answer, from outside */
    int32_t create_error;
    int32_t file;      /* -1: library is a path that the process has itself */
    int32_t loader;    /* the thread's id, as the process sees it */
    int32_t open_error;
    char entry[32]; /* the function of the agent */
    char error[512];
    char library[4096];
    char settings[4352];
} htrail__area;

/* The code: a section of this program, copied as it is. */
extern const char htrail__remote_begin[] __asm__("__start_htrail_remote");
extern const char htrail__remote_end[] __asm__("__stop_htrail_remote");
extern const char htrail__remote_enter[];  /* the thread that is borrowed begins here, */
extern const char htrail__remote_leave[];  /* just before its last system call, */
extern const char htrail__remote_return[]; /* and goes back to what it did from here: room to be filled */
extern const char htrail__remote_work[];   /* a thread of the C library begins here */
void htrail__remote_bootstrap(htrail__area *area);
void htrail__remote_load(htrail__area *area);

enum { HTRAIL__REMOTE_RETURN_CAP = 64 };
#endif

#endif
