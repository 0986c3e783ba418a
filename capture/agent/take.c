/* capture/agent/take.c - choose a mode; GIL, walk or copy; answer. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/interpreter.h"
#include "capture/agent/take.h"
#include "capture/python/sample.h"
#include "capture/pause/choose.h"
#include "capture/pause/copy.h"
#include "capture/pause/estimate.h"
#include "capture/pause/pour.h"
#include "capture/process/facts.h"
#include "capture/python/ready.h"

enum {
    HELD_CAP = 256, /* the header of a file */
    PROGRESS_NS = 100 * 1000 * 1000,
    COPY_LOOK_MS = 20,
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
    if (client->fd < 0) /* nobody asked: a trigger */
        return false;
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

static bool client_gave_up(void *client) { return htrail__take_client_is_gone(client); }

static int write_all(const sink_state *sink, const char *data, size_t bytes)
{
    return htrail__pour(sink->file->fd, S_ISREG(sink->file->mode), data, bytes, client_gave_up, (void *)sink->client);
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

/* What both ways are given. */
typedef struct order {
    const htrail__agent_message *request;
    htrail__agent_message *answer; /* DONE, as far as it is known */
    htrail_writer_opts writer_opts;
    htrail_cpython_opts opts;
    htrail__choice choice;
    uint64_t took_ns; /* walk and writing */
    bool collecting;  /* a garbage collection was in the way, and nothing was walked */
} order;

/* The GIL, for a client that still wants it. */
static bool enter_for(sink_state *sink)
{
    htrail__interpreter_enter();
    htrail__sample_confirm();
    if (!htrail__take_client_is_gone(sink->client))
        return true;
    htrail__interpreter_leave();
    sink->os_error = ECANCELED;
    return false;
}

static void say_started(const sink_state *sink, const order *o)
{
    static htrail__agent_message started;
    htrail__agent_message_init(&started, HTRAIL__AGENT_STARTED);
    started.mode = o->choice.mode;
    say(sink->client, &started, MSG_DONTWAIT);
}

/* What goes into the file: why there is a snapshot at all. */
static const char *trigger_of(const htrail__agent_message *request) { return request->trigger[0] != '\0' ? request->trigger : "snap"; }

static htrail_status in_place(sink_state *sink, order *o)
{
    htrail_writer *writer = NULL;
    htrail_writer_stats stats;
    htrail_sink to = {sink_write, sink};
    htrail__agent_message *answer = o->answer;
    sink->writer = NULL;
    sink->held_bytes = 0;
    htrail_status status = htrail_writer_open_sink(&writer, &to, &o->writer_opts, answer->text, sizeof answer->text);

    if (status != HTRAIL_OK)
        return status;
    sink->writer = writer;
    htrail__facts_set_number(writer, "sequence", o->request->sequence);
    htrail__facts_set_text(writer, "trigger", trigger_of(o->request));
    htrail__facts_set_text(writer, "capture_mode_reason", o->choice.reason);
    if (!enter_for(sink)) {
        status = HTRAIL_E_IO;
        goto done;
    }
    uint64_t began_ns = now_ns();
    say_started(sink, o);
    status = htrail_capture_cpython(writer, &o->opts);
    answer->pause_ns = now_ns() - began_ns;
    htrail__interpreter_leave();

    htrail_writer_stats_get(writer, &stats);
    o->collecting = status == HTRAIL_E_MISUSE && stats.objects == 0;
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
    answer->private_bytes = htrail__cost_private_bytes();
    o->took_ns = answer->pause_ns;
done:
    if (status != HTRAIL_OK)
        snprintf(answer->text, sizeof answer->text, "%s", htrail_writer_error(writer));
    htrail_writer_free(writer);
    return status;
}

/* The program goes on; listen to the copy, and to the client. */
static void wait_for(sink_state *sink, htrail__copy *copy)
{
    static htrail__agent_message progress;
    while (!htrail__copy_poll(copy)) {
        uint64_t now = now_ns();
        struct pollfd client = {.fd = sink->client->fd, .events = POLLRDHUP};
        if (htrail__take_client_is_gone(sink->client)) {
            htrail__copy_kill(copy);
            sink->os_error = ECANCELED;
            return;
        }
        /* What has come no further is no news: a client gives up on who stands still. */
        if (now - sink->said_ns >= PROGRESS_NS && copy->report->file_bytes != sink->written_bytes) {
            sink->said_ns = now;
            sink->written_bytes = copy->report->file_bytes;
            htrail__agent_message_init(&progress, HTRAIL__AGENT_PROGRESS);
            progress.objects = copy->report->objects;
            progress.file_bytes = sink->written_bytes;
            say(sink->client, &progress, MSG_DONTWAIT);
        }
        (void)poll(&client, 1, COPY_LOOK_MS);
    }
}

/* *error: the copy could not be made at all. */
static htrail_status by_copy(sink_state *sink, order *o, int *error)
{
    htrail__copy copy;
    htrail__agent_message *answer = o->answer;
    const char *why = NULL;
    int os_error;
    htrail_status status = HTRAIL_E_IO;
    const htrail__copy_job job = {.fd = sink->file->fd, .is_file = S_ISREG(sink->file->mode), .writer_opts = &o->writer_opts,
                                  .opts = &o->opts, .reason = o->choice.reason, .sequence = o->request->sequence, .trigger = trigger_of(o->request)};
    *error = htrail__copy_init(&copy);
    if (*error != 0 || !enter_for(sink))
        goto done;
    uint64_t began_ns = now_ns();
    status = htrail__file_identity_holds(sink->file) ? htrail__cpython_ready(&o->opts, &why) : HTRAIL_E_IO;
    if (status == HTRAIL_OK)
        *error = htrail__copy_start(&copy, &job);
    htrail__interpreter_leave();
    if (status == HTRAIL_E_IO)
        sink->os_error = EBADF;
    o->collecting = status == HTRAIL_E_MISUSE;
    if (status != HTRAIL_OK || *error != 0)
        goto done;
    htrail__copy_let_go(&copy, began_ns);
    say_started(sink, o);
    wait_for(sink, &copy);
    status = htrail__copy_result(&copy, &os_error, answer->text, sizeof answer->text);
    sink->os_error = sink->os_error ? sink->os_error : os_error;
    answer->objects = copy.report->objects;
    answer->refs = copy.report->refs;
    answer->size_bytes = copy.report->size_bytes;
    answer->file_bytes = copy.report->file_bytes;
    answer->pause_ns = copy.report->pause_ns;
    o->took_ns = copy.report->child_ns;
    answer->fork_ns = copy.report->fork_ns;
    answer->private_bytes = copy.report->private_bytes;
    answer->cow_bytes = copy.report->cow_bytes;
done:
    if (why != NULL)
        snprintf(answer->text, sizeof answer->text, "%s", why);
    else if (*error != 0)
        snprintf(answer->text, sizeof answer->text, "cannot make a copy of the process: %s", strerror(*error));
    status = *error != 0 ? HTRAIL_E_NOMEM : status;
    htrail__copy_release(&copy);
    return status;
}

static bool choose(order *o)
{
    const htrail__choose_opts wanted = {(htrail_capture_mode)o->request->mode, o->opts.max_pause_ns, o->opts.max_memory_bytes, ""};
    bool chosen = htrail__choose(&o->choice, &wanted);
    if (!chosen)
        snprintf(o->answer->text, sizeof o->answer->text, "%s", o->choice.reason);
    return chosen;
}

static htrail_status try_once(sink_state *sink, order *o)
{
    int error = 0;
    htrail_status status = HTRAIL_E_UNSUPPORTED;
    o->collecting = false;
    if (!choose(o))
        return status;
    if (o->choice.mode == HTRAIL_CAPTURE_FORK)
        status = by_copy(sink, o, &error);
    if (error != 0 && o->request->mode == HTRAIL_CAPTURE_AUTO)
        htrail__choose_again(&o->choice, error);
    if (o->choice.mode == HTRAIL_CAPTURE_IN_PLACE)
        status = in_place(sink, o);
    return status;
}

/* What it is going to cost, into the answer, and to the client. */
static void say_estimate(const sink_state *sink, order *o)
{
    htrail__estimate estimate;
    bool fork = o->choice.mode == HTRAIL_CAPTURE_FORK;
    htrail__estimate_make(&estimate, sink->process, &o->writer_opts);
    htrail__agent_message_init(o->answer, HTRAIL__AGENT_ESTIMATE);
    o->answer->objects = estimate.objects;
    o->answer->file_bytes = estimate.file_bytes;
    o->answer->pause_ns = fork ? estimate.fork_ns : estimate.in_place_ns;
    o->answer->private_bytes = estimate.memory_bytes;
    o->answer->cow_bytes = fork ? estimate.copy_bytes : 0;
    o->answer->mode = o->choice.mode;
    snprintf(o->answer->mode_reason, sizeof o->answer->mode_reason, "%s", o->choice.reason);
    say(sink->client, o->answer, MSG_DONTWAIT);
}

bool htrail__take_snapshot(const htrail__file_identity *client, const htrail__file_identity *file,
                           htrail__agent_message *request)
{
    static htrail__agent_message answer;
    sink_state sink = {.client = client, .file = file};
    order o = {.request = request, .answer = &answer};
    sink.process = htrail_process_look(HTRAIL_PROCESS_OWN_THREAD);
    htrail_status status;

    memset(&answer, 0, sizeof answer);
    htrail_writer_opts_init(&o.writer_opts);
    htrail_cpython_opts_init(&o.opts);
    o.writer_opts.max_bytes = request->max_bytes;
    o.opts.flags = request->flags;
    o.opts.max_pause_ns = request->max_pause_ns;
    o.opts.max_memory_bytes = request->max_memory_bytes;
    o.opts.process = sink.process;
    status = choose(&o) ? HTRAIL_OK : HTRAIL_E_UNSUPPORTED;
    bool is_wanted = status == HTRAIL_OK && request->dry_run == 0;
    if (status == HTRAIL_OK)
        say_estimate(&sink, &o);
    if (is_wanted)
        htrail__agent_message_init(&answer, HTRAIL__AGENT_DONE);
    for (int tries = 0; is_wanted; tries++) {
        status = try_once(&sink, &o);
        if (!o.collecting || tries == COLLECTION_TRIES || htrail__take_client_is_gone(client))
            break;
        nanosleep(&(struct timespec){.tv_nsec = COLLECTION_STEP_NS}, NULL);
    }
    bool whole = status == HTRAIL_OK || status == HTRAIL_E_LIMIT;
    if (status == HTRAIL_OK && is_wanted)
        htrail__estimate_learn(sink.process, answer.objects, answer.file_bytes, o.took_ns, answer.fork_ns);
    htrail_process_free(sink.process);
    answer.magic = HTRAIL__AGENT_MAGIC;
    answer.version = HTRAIL__AGENT_VERSION;
    answer.kind = whole ? HTRAIL__AGENT_DONE : HTRAIL__AGENT_FAILED;
    answer.sequence = request->sequence;
    answer.status = status;
    answer.os_error = sink.os_error;
    answer.mode = o.choice.mode;
    snprintf(answer.mode_reason, sizeof answer.mode_reason, "%s", o.choice.reason);
    if (status == HTRAIL_OK)
        answer.text[0] = '\0';
    if (client->fd >= 0 && !htrail__take_client_is_gone(client)) {
        struct pollfd hangup = {.fd = client->fd, .events = POLLRDHUP};
        say(client, &answer, 0);
        /* It renames the file and hangs up; killed before it came to that, the file is ours. */
        (void)poll(&hangup, 1, RENAME_WAIT_MS);
    }
    if (htrail__take_client_is_gone(client))
        remove_file(file, request->text);
    *request = answer;
    return whole && is_wanted;
}
