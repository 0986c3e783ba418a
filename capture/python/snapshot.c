/* snapshot.c - a whole snapshot to a path, in place or by a copy of the process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/pause/choose.h"
#include "capture/pause/copy.h"
#include "capture/process/facts.h"
#include "capture/python/cpython.h"
#include "capture/python/ready.h"
#include "format/output.h"

enum { WAIT_FIRST_NS = 200 * 1000, WAIT_LONGEST_NS = 20 * 1000 * 1000 };

typedef struct order {
    const char *path;
    const htrail_writer_opts *writer_opts;
    htrail_cpython_opts opts;
    htrail__choice choice;
    uint64_t begun_ns;
    htrail_snapshot_info info;
    char *message;
    size_t message_cap;
} order;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static htrail_status say(order *o, htrail_status status, const char *sentence)
{
    if (o->message && o->message_cap)
        snprintf(o->message, o->message_cap, "%s", sentence);
    return status;
}

static htrail_status in_place(order *o)
{
    htrail_writer *w = NULL;
    htrail_writer_stats stats;
    htrail_status status = htrail_writer_open_path(&w, o->path, o->writer_opts, o->message, o->message_cap);
    if (status != HTRAIL_OK)
        return status;
    if (o->opts.mode != HTRAIL_CAPTURE_IN_PLACE)
        htrail__facts_set_text(w, "capture_mode_reason", o->choice.reason);
    status = htrail_capture_cpython(w, &o->opts);
    bool worth_finishing = status == HTRAIL_OK || status == HTRAIL_E_LIMIT;
    htrail_status finished = worth_finishing ? htrail_writer_finish(w) : status;
    if (status == HTRAIL_OK || (finished != HTRAIL_OK && finished != HTRAIL_E_LIMIT))
        status = finished;
    /* A limit that the last block met is known only now. */
    if (status == HTRAIL_OK && htrail_writer_stopped_early(w) != NULL)
        status = HTRAIL_E_LIMIT;
    if (status != HTRAIL_OK)
        say(o, status, htrail_writer_error(w));
    htrail_writer_stats_get(w, &stats);
    o->info.objects = stats.objects;
    o->info.refs = stats.refs;
    o->info.size_bytes = stats.size_bytes;
    o->info.file_bytes = stats.bytes_written;
    o->info.private_bytes = htrail__cost_private_bytes();
    htrail_writer_free(w);
    o->info.pause_ns = now_ns() - o->begun_ns;
    return status;
}

/* Takes milliseconds, in which others may go on: the pause begins after it. */
static htrail_process *look(order *o)
{
    PyThreadState *thread = htrail__cpython_has_lock() ? PyEval_SaveThread() : NULL;
    htrail_process *process = htrail_process_look(0);
    if (thread)
        PyEval_RestoreThread(thread);
    o->begun_ns = now_ns();
    return process;
}

static void wait_for(htrail__copy *copy)
{
    for (long wait_ns = WAIT_FIRST_NS; !htrail__copy_poll(copy); wait_ns = wait_ns * 2 < WAIT_LONGEST_NS ? wait_ns * 2 : WAIT_LONGEST_NS)
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
}

/* *error: the copy could not be made at all, and nothing was written. */
static htrail_status by_copy(order *o, int *error)
{
    htrail__output output = {.fd = -1};
    htrail__copy copy = {0};
    const char *why;
    int os_error = 0;
    char text[HTRAIL__COPY_TEXT_CAP];
    *error = 0;
    htrail_status status = htrail__output_open_path(&output, o->path);
    if (status != HTRAIL_OK) {
        os_error = output.os_error;
        say(o, status, output.message);
        goto done;
    }
    status = htrail__cpython_ready(&o->opts, &why);
    if (status != HTRAIL_OK) {
        say(o, status, why);
        goto done;
    }
    if (o->opts.flags & HTRAIL_CPYTHON_COLLECT_FIRST)
        o->begun_ns = now_ns();
    const htrail__copy_job job = {.fd = output.fd, .is_file = output.path[0] != '\0', .writer_opts = o->writer_opts, .opts = &o->opts,
                                  .reason = o->choice.reason};
    *error = htrail__copy_init(&copy);
    if (*error == 0)
        *error = htrail__copy_start(&copy, &job);
    if (*error != 0) {
        snprintf(text, sizeof text, "cannot make a copy of the process: %s", strerror(*error));
        status = say(o, HTRAIL_E_NOMEM, text);
        goto done;
    }
    PyThreadState *thread = PyEval_SaveThread();
    htrail__copy_let_go(&copy, o->begun_ns);
    wait_for(&copy);
    status = htrail__copy_result(&copy, &os_error, text, sizeof text);
    if (status == HTRAIL_E_IO)
        snprintf(text, sizeof text, "cannot write '%.900s': %s", output.path[0] != '\0' ? output.partial_path : o->path, strerror(os_error));
    if (status != HTRAIL_OK)
        say(o, status, text);
    if ((status == HTRAIL_OK || status == HTRAIL_E_LIMIT) &&
        htrail__output_commit(&output, o->writer_opts != NULL && o->writer_opts->fsync) != HTRAIL_OK) {
        os_error = output.os_error;
        status = say(o, HTRAIL_E_IO, output.message);
    }
    PyEval_RestoreThread(thread);
    o->info.objects = copy.report->objects;
    o->info.refs = copy.report->refs;
    o->info.size_bytes = copy.report->size_bytes;
    o->info.file_bytes = copy.report->file_bytes;
    o->info.pause_ns = copy.report->pause_ns;
    o->info.fork_ns = copy.report->fork_ns;
    o->info.private_bytes = copy.report->private_bytes;
    o->info.cow_bytes = copy.report->cow_bytes;
done:
    htrail__copy_release(&copy);
    htrail__output_close(&output);
    errno = os_error;
    return status;
}

htrail_status htrail_snapshot_cpython(const char *path, const htrail_writer_opts *writer_opts, const htrail_cpython_opts *opts,
                                      htrail_snapshot_info *info, char *message, size_t message_cap)
{
    htrail_process *process = NULL;
    order o = {.begun_ns = now_ns(), .path = path, .writer_opts = writer_opts, .message = message, .message_cap = message_cap};
    int error = 0;
    htrail_status status = HTRAIL_E_MISUSE;
    htrail_cpython_opts_init(&o.opts);
    if (opts)
        memcpy(&o.opts, opts, opts->struct_size < sizeof o.opts ? opts->struct_size : sizeof o.opts);
    say(&o, HTRAIL_OK, "");
    const htrail__choose_opts wanted = {(htrail_capture_mode)o.opts.mode, o.opts.max_pause_ns, o.opts.max_memory_bytes, ""};
    if (!htrail__choose(&o.choice, &wanted))
        return say(&o, status, o.choice.reason);
    if (o.opts.process == NULL)
        o.opts.process = process = look(&o);
    if (o.choice.mode == HTRAIL_CAPTURE_FORK)
        status = by_copy(&o, &error);
    if (error != 0 && o.opts.mode == HTRAIL_CAPTURE_AUTO)
        htrail__choose_again(&o.choice, error);
    if (o.choice.mode == HTRAIL_CAPTURE_IN_PLACE)
        status = in_place(&o);
    if (info) {
        o.info.mode = o.choice.mode;
        snprintf(o.info.mode_reason, sizeof o.info.mode_reason, "%s", o.choice.reason);
        *info = o.info;
    }
    htrail_process_free(process);
    return status;
}
