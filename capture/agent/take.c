/* capture/agent/take.c - writer, GIL, walk, answer. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/interpreter.h"
#include "capture/agent/take.h"

enum {
    HELD_CAP = 256, /* the header of a file */
    PROGRESS_NS = 100 * 1000 * 1000,
    PIPE_CHUNK_BYTES = 4096, /* what a pipe that poll calls writable takes without waiting (PIPE_BUF) */
    PIPE_WAIT_MS = 10 * 1000,
    RENAME_WAIT_MS = 10 * 1000,
    COLLECTION_TRIES = 1000, /* a garbage collection in the way: 5 s, in steps of 5 ms */
    COLLECTION_STEP_NS = 5 * 1000 * 1000
};

typedef struct sink_state {
    const htrail__file_identity *client, *file;
    const htrail_writer *writer; /* NULL until it is open */
    htrail_process *process; /* looked up once for all tries */
    char held[HELD_CAP]; /* what open wrote: goes out with the first block, so that a try can be repeated */
    size_t held_bytes;
    uint64_t written_bytes, said_ns;
    int os_error; /* of the first write that failed */
} sink_state;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool htrail__take_client_is_gone(const htrail__file_identity *client)
{
    struct pollfd hangup = {.fd = client->fd, .events = POLLIN | POLLRDHUP};
    return !htrail__file_identity_holds(client) || poll(&hangup, 1, 0) < 0 ||
           (hangup.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL)) != 0;
}

static void say(const htrail__file_identity *client, const htrail__agent_message *message, int flags)
{
    if (htrail__file_identity_holds(client))
        (void)htrail__agent_send(client->fd, message, -1, flags);
}

void htrail__take_refuse(const htrail__file_identity *client, int status, int os_error, const char *sentence)
{
    static htrail__agent_message refusal;
    htrail__agent_message_init(&refusal, HTRAIL__AGENT_FAILED);
    refusal.status = status;
    refusal.os_error = os_error;
    snprintf(refusal.text, sizeof refusal.text, "%s", sentence);
    say(client, &refusal, MSG_DONTWAIT);
}

static void say_progress(sink_state *sink)
{
    static htrail__agent_message progress;
    htrail_writer_stats stats;
    uint64_t now = now_ns();
    if (now - sink->said_ns < PROGRESS_NS)
        return;
    sink->said_ns = now;
    htrail_writer_stats_get(sink->writer, &stats);
    htrail__agent_message_init(&progress, HTRAIL__AGENT_PROGRESS);
    progress.objects = stats.objects;
    progress.file_bytes = sink->written_bytes;
    say(sink->client, &progress, MSG_DONTWAIT);
}

/* A reader of a pipe that does not read would hold the program's GIL for ever: a bound on
 * each wait, and never more in one write than goes without waiting. */
static int wait_for_pipe(const htrail__file_identity *client, int fd)
{
    for (int waited_ms = 0; waited_ms < PIPE_WAIT_MS; waited_ms += 100) {
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        int ready = poll(&writable, 1, 100);
        if (ready < 0)
            return errno;
        if (ready > 0)
            return writable.revents & (POLLERR | POLLNVAL) ? EPIPE : 0;
        if (htrail__take_client_is_gone(client))
            return ECANCELED;
    }
    return ETIMEDOUT;
}

static int write_all(const sink_state *sink, const char *data, size_t bytes)
{
    bool regular = S_ISREG(sink->file->mode);
    while (bytes > 0) {
        size_t part = regular || bytes < PIPE_CHUNK_BYTES ? bytes : PIPE_CHUNK_BYTES;
        int error = regular ? 0 : wait_for_pipe(sink->client, sink->file->fd);
        if (error != 0)
            return error;
        ssize_t done = write(sink->file->fd, data, part);
        if (done < 0)
            return errno;
        data += done;
        bytes -= (size_t)done;
    }
    return 0;
}

static int sink_write(void *arg, const void *data, size_t bytes)
{
    sink_state *sink = arg;
    int error = 0;
    if (sink->writer == NULL && bytes <= sizeof sink->held - sink->held_bytes) {
        memcpy(sink->held + sink->held_bytes, data, bytes);
        sink->held_bytes += bytes;
        return 0;
    }
    if (!htrail__file_identity_holds(sink->file))
        error = EBADF;
    else if (htrail__take_client_is_gone(sink->client))
        error = ECANCELED;
    else if (sink->held_bytes > 0)
        error = write_all(sink, sink->held, sink->held_bytes);
    sink->held_bytes = 0;
    if (error == 0)
        error = write_all(sink, data, bytes);
    if (error != 0) {
        sink->os_error = sink->os_error ? sink->os_error : error;
        return error;
    }
    sink->written_bytes += bytes;
    if (sink->writer != NULL)
        say_progress(sink);
    return 0;
}

/* The client died: what it began is ours to remove, if that path is still that file. */
static void remove_file(const htrail__file_identity *file, const char *path)
{
    struct stat facts;
    if (path[0] == '/' && S_ISREG(file->mode) && lstat(path, &facts) == 0 && facts.st_dev == file->device &&
        facts.st_ino == file->inode)
        unlink(path);
}

/* One try. *collecting: a garbage collection was in the way, and nothing was walked. */
static htrail_status try_once(sink_state *sink, const htrail__agent_message *request, htrail__agent_message *answer,
                              bool *collecting)
{
    htrail_writer *writer = NULL;
    htrail_cpython_opts opts;
    htrail_writer_opts writer_opts;
    htrail_writer_stats stats;
    char number[16];
    htrail_sink to = {sink_write, sink};
    sink->writer = NULL;
    sink->held_bytes = 0;
    htrail_writer_opts_init(&writer_opts);
    writer_opts.max_bytes = request->max_bytes;
    htrail_status status = htrail_writer_open_sink(&writer, &to, &writer_opts, answer->text, sizeof answer->text);

    *collecting = false;
    if (status != HTRAIL_OK)
        return status;
    sink->writer = writer;
    htrail_cpython_opts_init(&opts);
    opts.flags = request->flags;
    opts.max_pause_ns = request->max_pause_ns;
    opts.process = sink->process;
    int digits = snprintf(number, sizeof number, "%u", request->sequence);
    (void)htrail_writer_set_meta(writer, (htrail_str){"sequence", 8}, (htrail_str){number, (size_t)digits});

    htrail__interpreter_enter();
    if (htrail__take_client_is_gone(sink->client)) {
        htrail__interpreter_leave();
        status = HTRAIL_E_IO;
        sink->os_error = ECANCELED;
        goto done;
    }
    uint64_t began_ns = now_ns();
    htrail__agent_message_init(answer, HTRAIL__AGENT_STARTED);
    say(sink->client, answer, MSG_DONTWAIT);
    status = htrail_capture_cpython(writer, &opts);
    uint64_t pause_ns = now_ns() - began_ns;
    htrail__interpreter_leave();

    htrail_writer_stats_get(writer, &stats);
    *collecting = status == HTRAIL_E_MISUSE && stats.objects == 0;
    if (status != HTRAIL_OK && status != HTRAIL_E_LIMIT)
        goto done;
    htrail_status finished = htrail_writer_finish(writer);
    status = finished != HTRAIL_OK ? finished : status;
    /* A limit that the last block met is known only now. */
    if (status == HTRAIL_OK && htrail_writer_stopped_early(writer) != NULL)
        status = HTRAIL_E_LIMIT;
    htrail_writer_stats_get(writer, &stats);
    answer->objects = stats.objects;
    answer->refs = stats.refs;
    answer->size_bytes = stats.size_bytes;
    answer->file_bytes = stats.bytes_written;
    answer->pause_ns = pause_ns;
done:
    if (status != HTRAIL_OK)
        snprintf(answer->text, sizeof answer->text, "%s", htrail_writer_error(writer));
    htrail_writer_free(writer);
    return status;
}

bool htrail__take_snapshot(const htrail__file_identity *client, const htrail__file_identity *file,
                           htrail__agent_message *request)
{
    static htrail__agent_message answer;
    sink_state sink = {.client = client, .file = file, .process = htrail_process_look(HTRAIL_PROCESS_OWN_THREAD)};
    htrail_status status;
    bool collecting = false;

    memset(&answer, 0, sizeof answer);
    for (int tries = 0;; tries++) {
        status = try_once(&sink, request, &answer, &collecting);
        if (!collecting || tries == COLLECTION_TRIES || htrail__take_client_is_gone(client))
            break;
        nanosleep(&(struct timespec){.tv_nsec = COLLECTION_STEP_NS}, NULL);
    }
    htrail_process_free(sink.process);
    bool whole = status == HTRAIL_OK || status == HTRAIL_E_LIMIT;
    answer.magic = HTRAIL__AGENT_MAGIC;
    answer.version = HTRAIL__AGENT_VERSION;
    answer.kind = whole ? HTRAIL__AGENT_DONE : HTRAIL__AGENT_FAILED;
    answer.sequence = request->sequence;
    answer.status = status;
    answer.os_error = sink.os_error;
    if (status == HTRAIL_OK)
        answer.text[0] = '\0';
    if (!htrail__take_client_is_gone(client)) {
        struct pollfd hangup = {.fd = client->fd, .events = POLLRDHUP};
        say(client, &answer, 0);
        /* It renames the file and hangs up; killed before it came to that, the file is ours. */
        (void)poll(&hangup, 1, RENAME_WAIT_MS);
    }
    if (htrail__take_client_is_gone(client))
        remove_file(file, request->text);
    return whole;
}
