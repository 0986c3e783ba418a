/* copy.c - see copy.h. */
#include "capture/pause/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/pause/child.h"
#include "capture/pause/mode.h"
#include "capture/pause/pour.h"
#include "capture/process/facts.h"
#include "capture/process/proc_text.h"
#include "capture/process/self.h"

enum {
    LOOK_NS = 10 * 1000 * 1000, /* between two looks at what the copy costs ... */
    LOOK_SHARE = 10             /* ... and at most so much of its time goes into looking */
};

/* Of the copy, set in it. */
static struct {
    htrail__copy_report *report; /* NULL: this is no copy */
    const htrail__copy_job *job;
    htrail_writer *writer;
    uint64_t begun_ns, stopped_ns;          /* before clone; when the copy came to */
    uint64_t own_at_start, faults_at_start; /* anonymous memory of ours, faults of the program */
    uint64_t next_look_ns;
    char over[96];
} ours;

/* Of the last capture in this process, at its largest. */
static uint64_t last_private_bytes;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- in the program ---- */

int htrail__copy_init(htrail__copy *copy)
{
    *copy = (htrail__copy){0};
    void *page = mmap(NULL, sizeof *copy->report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (page == MAP_FAILED)
        return errno;
    copy->report = page;
    return 0;
}

void htrail__copy_let_go(htrail__copy *copy, uint64_t begun_ns)
{
    copy->report->pause_ns = now_ns() - begun_ns;
}

bool htrail__copy_poll(htrail__copy *copy)
{
    if (copy->pid != 0 && htrail__child_ended(copy->pid, &copy->signal))
        copy->pid = 0;
    return copy->pid == 0;
}

void htrail__copy_kill(htrail__copy *copy)
{
    if (copy->pid != 0)
        htrail__child_kill(copy->pid);
    copy->pid = 0;
}

htrail_status htrail__copy_result(const htrail__copy *copy, int *os_error, char *text, size_t text_cap)
{
    const htrail__copy_report *report = copy->report;
    *os_error = 0;
    if (!report->is_done) {
        snprintf(text, text_cap, "the copy of the process that wrote the snapshot was ended by signal %d%s; the program itself goes on",
                 copy->signal, copy->signal == 9 ? " (for want of memory, or by somebody)" : "");
        return HTRAIL_E_ENDED;
    }
    *os_error = report->os_error;
    snprintf(text, text_cap, "%s", report->text);
    return (htrail_status)report->status;
}

void htrail__copy_release(htrail__copy *copy)
{
    htrail__copy_kill(copy);
    if (copy->report != NULL)
        munmap(copy->report, sizeof *copy->report);
    copy->report = NULL;
}

/* ---- in the copy ---- */

/* Anonymous memory that is this process's alone, what it shares with the program left out. */
static bool private_bytes_now(uint64_t *bytes)
{
    char text[2048];
    uint64_t clean, dirty;
    if (!htrail__proc_read("/proc/self/smaps_rollup", text, sizeof text) || /* from Linux 4.14 */
        !htrail__proc_number_of(text, "Private_Clean:", &clean) || !htrail__proc_number_of(text, "Private_Dirty:", &dirty))
        return false;
    *bytes = (clean + dirty) * 1024;
    return true;
}

static uint64_t anonymous_now(void)
{
    char text[4096];
    uint64_t kib = 0;
    if (htrail__proc_read("/proc/self/status", text, sizeof text))
        (void)htrail__proc_number_of(text, "RssAnon:", &kib);
    return kib * 1024;
}

/* Page faults of the program that needed no disk: field 10 of its stat. */
static uint64_t program_faults_now(void)
{
    char text[1024], path[64];
    uint64_t value = 0;
    if (!htrail__proc_read(htrail__self_path(path, sizeof path, "stat"), text, sizeof text))
        return 0;
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 10; field++)
        at = strchr(at + 1, ' ');
    if (at != NULL)
        (void)htrail__proc_number(at, &value);
    return value;
}

/* Its own memory, and that of pages that the program has written to since: the copy keeps what
 * was in them. Before Linux 4.14 the program's faults stand for those, which are more. */
static void measure_memory(uint64_t *own, uint64_t *cow)
{
    uint64_t private_bytes, anonymous = anonymous_now();
    *own = anonymous > ours.own_at_start ? anonymous - ours.own_at_start : 0;
    if (private_bytes_now(&private_bytes))
        *cow = private_bytes > *own ? private_bytes - *own : 0;
    else
        *cow = (program_faults_now() - ours.faults_at_start) * (uint64_t)sysconf(_SC_PAGESIZE);
}

const char *htrail__copy_over(uint64_t own_bytes, uint64_t max_memory_bytes)
{
    uint64_t own = own_bytes, cow = 0;
    if (max_memory_bytes == 0)
        return NULL;
    if (own_bytes <= max_memory_bytes && ours.report != NULL) {
        uint64_t now = now_ns();
        if (now < ours.next_look_ns)
            return NULL;
        uint64_t worked = clock_ns(CLOCK_THREAD_CPUTIME_ID); /* not the time in which others had the processor */
        measure_memory(&own, &cow);
        uint64_t took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - worked;
        ours.next_look_ns = now + (took * LOOK_SHARE > LOOK_NS ? took * LOOK_SHARE : LOOK_NS);
    }
    if (own + cow <= max_memory_bytes)
        return NULL;
    snprintf(ours.over, sizeof ours.over, "the snapshot reached its limit of %llu bytes of memory", (unsigned long long)max_memory_bytes);
    return ours.over;
}

static void say_progress(void)
{
    htrail_writer_stats stats;
    htrail_writer_stats_get(ours.writer, &stats);
    ours.report->objects = stats.objects;
    ours.report->file_bytes = stats.bytes_written;
}

__attribute__((noreturn)) static void end_with(htrail_status status, int os_error)
{
    ours.report->status = status;
    ours.report->os_error = os_error;
    ours.report->child_ns = now_ns() - ours.begun_ns;
    ours.report->is_done = 1;
    htrail__child_end();
}

/* An error ends the copy here: the writer would ask libc for the text of errno, which takes locks. */
static int sink_write(void *unused, const void *data, size_t bytes)
{
    (void)unused;
    int error = htrail__pour(ours.job->fd, ours.job->is_file, data, bytes, NULL, NULL);
    if (error != 0)
        end_with(HTRAIL_E_IO, error);
    say_progress();
    return 0;
}

static void write_snapshot(void *arg)
{
    htrail__copy *copy = arg;
    char *text = copy->report->text;
    const htrail__copy_job *job = ours.job;
    htrail_cpython_opts opts = *job->opts;
    htrail_writer_stats stats;
    htrail_sink sink = {sink_write, NULL};
    uint64_t ignored;

    ours.stopped_ns = now_ns();
    ours.own_at_start = anonymous_now();
    ours.faults_at_start = program_faults_now();
    opts.flags &= ~(uint32_t)HTRAIL_CPYTHON_COLLECT_FIRST;
    opts.max_pause_ns = 0;
    htrail_status status = htrail_writer_open_sink(&ours.writer, &sink, job->writer_opts, text, HTRAIL__COPY_TEXT_CAP);
    if (status != HTRAIL_OK)
        end_with(status, 0);
    htrail__facts_set_text(ours.writer, "capture_mode_reason", job->reason);
    if (job->sequence != 0)
        htrail__facts_set_number(ours.writer, "sequence", job->sequence);
    if (job->trigger != NULL)
        htrail__facts_set_text(ours.writer, "trigger", job->trigger);
    status = htrail_capture_cpython(ours.writer, &opts);
    if (status == HTRAIL_OK || status == HTRAIL_E_LIMIT) {
        htrail_status finished = htrail_writer_finish(ours.writer);
        status = finished != HTRAIL_OK ? finished : htrail_writer_stopped_early(ours.writer) != NULL ? HTRAIL_E_LIMIT : status;
    }
    if (status != HTRAIL_OK)
        snprintf(text, HTRAIL__COPY_TEXT_CAP, "%s", htrail_writer_error(ours.writer));
    say_progress();
    htrail_writer_stats_get(ours.writer, &stats);
    copy->report->refs = stats.refs;
    copy->report->size_bytes = stats.size_bytes;
    copy->report->private_bytes = last_private_bytes;
    measure_memory(&ignored, &copy->report->cow_bytes);
    end_with(status, 0);
}

static void begin(void *arg)
{
    htrail__copy *copy = arg;
    ours.report = copy->report;
    ours.begun_ns = copy->begun_ns;
    ours.job = copy->job;
    write_snapshot(arg);
}

int htrail__copy_start(htrail__copy *copy, const htrail__copy_job *job)
{
    copy->job = job;
    copy->begun_ns = now_ns();
    int error = htrail__child_start(&copy->pid, job->fd, begin, copy);
    if (error != 0)
        return error;
    copy->report->fork_ns = now_ns() - copy->begun_ns;
    /* A child that the program makes now has no use for it. */
    (void)madvise(copy->report, sizeof *copy->report, MADV_DONTFORK);
    return 0;
}

/* ---- the cost, for the file ---- */

void htrail__cost_write(htrail_writer *w, const htrail__cost *cost)
{
    uint64_t now = now_ns();
    htrail_writer_stats stats;
    htrail_writer_stats_get(w, &stats);
    htrail__facts_set_text(w, "capture_mode", htrail__mode_name(ours.report != NULL ? HTRAIL_CAPTURE_FORK : HTRAIL_CAPTURE_IN_PLACE));
    htrail__facts_set_number(w, "walk_ns", cost->walk_ns);
    htrail__facts_set_number(w, "write_ns", stats.write_ns);
    if (ours.report != NULL) {
        uint64_t own, cow, fork_ns = ours.report->fork_ns, pause_ns = ours.report->pause_ns;
        struct rusage usage = {0};
        getrusage(RUSAGE_SELF, &usage);
        measure_memory(&own, &cow);
        fork_ns = fork_ns != 0 ? fork_ns : ours.stopped_ns - ours.begun_ns;
        htrail__facts_set_number(w, "fork_ns", fork_ns);
        htrail__facts_set_number(w, "pause_ns", pause_ns != 0 ? pause_ns : fork_ns);
        htrail__facts_set_number(w, "copy_ns", now - ours.begun_ns);
        htrail__facts_set_number(w, "copy_minor_faults", (uint64_t)usage.ru_minflt);
        htrail__facts_set_number(w, "program_minor_faults", program_faults_now() - ours.faults_at_start);
        last_private_bytes = own;
        htrail__facts_set_number(w, "private_memory_bytes", own);
        htrail__facts_set_number(w, "cow_bytes", cow);
    } else {
        last_private_bytes = cost->private_bytes;
        htrail__facts_set_number(w, "private_memory_bytes", cost->private_bytes);
        htrail__facts_set_number(w, "pause_ns", now - cost->begun_ns);
    }
}

uint64_t htrail__cost_private_bytes(void) { return last_private_bytes; }
