/* capture/agent/client.h - ask the agent of a process for a snapshot: the side of
 * `heaptrail snap`.
 *
 * Order of calls: open, then request once, then next until DONE or FAILED, then close.
 *
 * Errors: false, with a sentence in error that says what to do. */
#ifndef HTRAIL_CAPTURE_AGENT_CLIENT_H
#define HTRAIL_CAPTURE_AGENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/agent/protocol.h"

enum { HTRAIL__CLIENT_ERROR_CAP = 1024 };

typedef struct htrail__client {
    pid_t pid;
    int socket; /* -1: not open */
    char name[32];           /* of the process, for sentences */
    char root[64];           /* put before paths of the process: "" or "/proc/PID/root" */
    htrail__agent_message hello;
    bool without_agent;      /* why open failed: nobody listens there, and somebody could */
    char waits_for[256];     /* what the process said that it waits for; "" for nothing */
    char error[HTRAIL__CLIENT_ERROR_CAP];
} htrail__client;

/* Connect, check that it is that process and may be asked, wait for its HELLO. */
bool htrail__client_open(htrail__client *client, pid_t pid, int timeout_ms);

typedef struct htrail__client_wish {
    int fd;           /* the file to write to; borrowed */
    const char *path; /* removed by the other side if we die; "" for none */
    uint32_t flags;   /* htrail_cpython_flags */
    uint32_t sequence;
    uint64_t max_pause_ns, max_bytes, max_memory_bytes; /* 0: no limit */
    uint32_t mode;        /* htrail_capture_mode */
    bool dry_run;         /* only what it would cost; fd is -1 */
} htrail__client_wish;

bool htrail__client_request(htrail__client *client, const htrail__client_wish *wish);

typedef enum htrail__client_event {
    HTRAIL__CLIENT_MESSAGE, /* *message is filled */
    HTRAIL__CLIENT_QUIET,   /* nothing within timeout_ms */
    HTRAIL__CLIENT_SIGNAL,  /* a signal came to us */
    HTRAIL__CLIENT_ENDED,   /* the process, or its agent, is gone */
    HTRAIL__CLIENT_BROKEN   /* it says something else than the protocol */
} htrail__client_event;

/* The next message. Sets error for ENDED and BROKEN. */
htrail__client_event htrail__client_next(htrail__client *client, htrail__agent_message *message, int timeout_ms);

/* Why a process says nothing: a sentence into error, by how it looks from outside. */
void htrail__client_explain_silence(htrail__client *client, bool started, int waited_ms);

void htrail__client_close(htrail__client *client);

#endif
