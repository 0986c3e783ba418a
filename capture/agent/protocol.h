/* capture/agent/protocol.h - what `heaptrail snap` and the agent in a process say to each
 * other, and where they meet. Both sides include it; it knows no Python.
 *
 * Place: an abstract Unix socket of sequenced packets, named after the process id and the
 * start time of the process. It has no file, so nothing is left behind by a kill, and it
 * is gone with an exec. Each side checks who the other one is (SO_PEERCRED).
 *
 * Order: the client connects, the agent says HELLO, the client sends one REQUEST with the
 * open file to write to, the agent says STARTED when the program stands still, PROGRESS
 * now and then, and DONE or FAILED. Either side may hang up at any time: a client that is
 * gone ends the snapshot, and the pause with it.
 *
 * Memory: a message is a fixed struct of fixed-width integers (an agent of 32 bits and a
 * client of 64 agree on it). Nothing here allocates.
 *
 * Versions: fields are only appended, before text; a client refuses another version. */
#ifndef HTRAIL_CAPTURE_AGENT_PROTOCOL_H
#define HTRAIL_CAPTURE_AGENT_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

enum {
    HTRAIL__AGENT_MAGIC = 0x41525448, /* "HTRA" */
    HTRAIL__AGENT_VERSION = 3,
    HTRAIL__AGENT_TEXT_CAP = 4352 /* PATH_MAX and some words */
};

typedef enum htrail__agent_kind {
    HTRAIL__AGENT_HELLO = 1,    /* text: what a default file name begins with, "DIR/NAME-PID";
                                   flags: the process's own choice; sequence: the next number */
    HTRAIL__AGENT_REQUEST = 2,  /* flags, sequence, max_...; text: the path of the open file that comes with
                                   it, removed if the client dies; empty for none */
    HTRAIL__AGENT_STARTED = 3,  /* the program stands still from here on; mode FORK: it goes on already */
    HTRAIL__AGENT_PROGRESS = 4, /* objects and file_bytes so far */
    HTRAIL__AGENT_DONE = 5,     /* all counts; status HTRAIL_E_LIMIT: shorter than the heap, text says why */
    HTRAIL__AGENT_FAILED = 6,   /* status, text: the sentence; os_error: errno of a failed write, or 0 */
    HTRAIL__AGENT_ESTIMATE = 7, /* before STARTED: what it is going to cost, and the mode; cow_bytes: at most */
    HTRAIL__AGENT_WAITING = 8   /* text: what the program has to do first; then STARTED or FAILED as ever */
} htrail__agent_kind;

typedef struct htrail__agent_message {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;     /* htrail__agent_kind */
    uint32_t flags;    /* htrail_cpython_flags */
    uint32_t sequence; /* of the snapshots of one process, from 1 */
    int32_t status;    /* htrail_status */
    int32_t os_error;
    uint64_t objects, refs;
    uint64_t size_bytes; /* sum of the objects' sizes */
    uint64_t file_bytes;
    uint64_t pause_ns;
    uint64_t max_pause_ns, max_bytes; /* REQUEST: end early, with a valid file; 0 = no limit */
    uint64_t max_memory_bytes;        /* the same */
    uint32_t mode;                    /* htrail_capture_mode: REQUEST what is wished for, then what was chosen */
    uint32_t dry_run;                 /* REQUEST: 1: the estimate alone, as DONE; no file comes with it */
    uint64_t fork_ns;                 /* of the pause, for the copy */
    uint64_t private_bytes, cow_bytes; /* memory of the snapshot; of pages that were there twice */
    char trigger[16];                 /* REQUEST: what asked for it; empty: a client */
    char mode_reason[320];            /* why that mode */
    char text[HTRAIL__AGENT_TEXT_CAP];
} htrail__agent_message;

/* All zero but for the head. */
void htrail__agent_message_init(htrail__agent_message *message, htrail__agent_kind kind);

/* The start time of a process in clock ticks since boot, and its state ('R', 'T', 'Z', ...).
 * false: there is no such process, or it may not be looked at. */
bool htrail__agent_process_start(pid_t pid, uint64_t *ticks, char *state);

/* The address of the agent of a process. pid is as the process itself sees it. */
void htrail__agent_address(pid_t pid, uint64_t start_ticks, struct sockaddr_un *address, socklen_t *address_bytes);

/* Send one message, with an open file unless fd is -1. Never raises SIGPIPE and, with
 * MSG_DONTWAIT in flags, never waits. 0 or an errno value. */
int htrail__agent_send(int socket, const htrail__agent_message *message, int fd, int flags);

/* Wait for one message. *fd is the open file that came with it, owned by the caller, or
 * -1; fd may be NULL where none is expected. 0 or an errno value: ETIMEDOUT, EINTR (a
 * signal came), ECONNRESET (the other side hung up), EMFILE (no room for the open file),
 * EPROTO (not a message of ours). timeout_ms -1: no end. */
int htrail__agent_receive(int socket, htrail__agent_message *message, int *fd, int timeout_ms);

/* Who is at the other end. false: not to be found out. */
bool htrail__agent_peer(int socket, pid_t *pid, uid_t *uid);

#endif
