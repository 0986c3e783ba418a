/* capture/agent/trigger.c - which snapshots are due, and the files for them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/destination.h"
#include "capture/agent/hooks.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"
#include "capture/agent/signal_trigger.h"
#include "capture/agent/take.h"
#include "capture/agent/trigger.h"
#include "capture/agent/wake.h"

enum {
    MEMORY_LOOK_MS = 500,
    START_LOOK_MS = 20,            /* until the interpreter is up: growth is from there on */
    SIGNAL_LOOK_MS = 3000,         /* whether the program has taken the signal for itself */
    HOOKS_LOOK_MS = 2, HOOKS_LOOK_MAX_MS = 500, /* until the interpreter is up, where its first import was missed */
    MEMORY_ERROR_REST_MS = 60000,  /* of a program that meets one after the other */
    GROWN_BYTES = 8 << 20,         /* less is no growth: an interpreter that starts */
    RESERVE_BYTES = 12 << 20, RESERVE_UNLIMITED_BYTES = 32 << 20,
    SENTENCE_CAP = 6000
};

typedef struct kept_file { /* a snapshot of ours, to be deleted when K newer ones are there */
    uint32_t sequence;
    dev_t device;
    ino_t inode;
} kept_file;

static struct {
    const htrail__settings *settings;
    pid_t owner; /* a copy of the process has all of this too */
    const char *prefix;
    uint64_t next_every_ms, next_look_ms, memory_error_ms;
    uint64_t grown_from_bytes;
    bool rss_passed, hooks_wanted, signal_lost;
    uint32_t hooks_look_ms;
    atomic_uint posted;
    sem_t served;
    kept_file *kept;
    uint32_t kept_count;
    void *reserve; /* address space for a snapshot when there is no more */
    size_t reserve_bytes;
    char said[SENTENCE_CAP];
} trigger;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void htrail__trigger_say(const char *format, ...)
{
    static char text[SENTENCE_CAP];
    va_list values;
    va_start(values, format);
    int head = snprintf(text, sizeof text, "heaptrail: ");
    int bytes = vsnprintf(text + head, sizeof text - (size_t)head - 1, format, values) + head;
    va_end(values);
    if (bytes > (int)sizeof text - 2)
        bytes = (int)sizeof text - 2;
    text[bytes++] = '\n';
    text[bytes] = '\0';
    if (strcmp(text, trigger.said) == 0)
        return;
    memcpy(trigger.said, text, (size_t)bytes + 1);
    /* Of the process, not of this thread; and never to wait for who reads it. */
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, text, (size_t)bytes);
        close(fd);
    }
}

static uint64_t resident_bytes(void)
{
    char text[128];
    unsigned long long all = 0, resident = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    (void)sscanf(text, "%llu %llu", &all, &resident);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Only counts against a limit of address space: nothing touches it. */
static void make_reserve(void)
{
    struct rlimit most;
    if (!trigger.settings->on_memory_error || trigger.reserve != NULL)
        return;
    /* The same again after a snapshot: the program is left with no more and no less than it had. */
    size_t bytes = trigger.reserve_bytes > 0 ? trigger.reserve_bytes : RESERVE_UNLIMITED_BYTES;
    if (trigger.reserve_bytes == 0 && getrlimit(RLIMIT_AS, &most) == 0 && most.rlim_cur != RLIM_INFINITY) {
        bytes = RESERVE_BYTES + (size_t)most.rlim_cur / 32;
        bytes = bytes < most.rlim_cur / 4 ? bytes : (size_t)most.rlim_cur / 4;
    }
    trigger.reserve = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    trigger.reserve = trigger.reserve == MAP_FAILED ? NULL : trigger.reserve;
    trigger.reserve_bytes = bytes;
}

static void release_reserve(void)
{
    if (trigger.reserve != NULL)
        munmap(trigger.reserve, trigger.reserve_bytes);
    trigger.reserve = NULL;
}

static void name_file(char *path, size_t path_cap, uint32_t sequence)
{
    snprintf(path, path_cap, "%s-%04u.htrail", trigger.prefix, sequence);
}

/* The oldest of our own goes; a file that somebody put in its place stays. */
static void forget_oldest(void)
{
    char path[HTRAIL__DESTINATION_CAP];
    struct stat facts;
    name_file(path, sizeof path, trigger.kept[0].sequence);
    if (lstat(path, &facts) == 0 && facts.st_dev == trigger.kept[0].device && facts.st_ino == trigger.kept[0].inode && unlink(path) != 0)
        htrail__trigger_say("cannot delete '%s': %s", path, strerror(errno));
    memmove(trigger.kept, trigger.kept + 1, (--trigger.kept_count) * sizeof *trigger.kept);
}

static void keep_last(uint32_t sequence, const htrail__file_identity *file)
{
    if (trigger.kept == NULL)
        return;
    if (trigger.kept_count == trigger.settings->keep)
        forget_oldest();
    trigger.kept[trigger.kept_count++] = (kept_file){sequence, file->device, file->inode};
}

static void drop_file(void *destination) { htrail__destination_drop(destination); }

static htrail__destination destination;

/* The program ends while a snapshot is written: half of one is of no use to anybody. */
__attribute__((destructor)) static void remove_unfinished(void)
{
    if (trigger.settings != NULL && trigger.owner == getpid() && destination.partial[0] != '\0')
        unlink(destination.partial);
}

static void take(const char *why, uint32_t *sequence)
{
    static htrail__agent_message message;
    htrail__file_identity nobody = {.fd = -1}, file;
    uint32_t number = *sequence;

    if (htrail__interpreter_state_get() != HTRAIL__INTERPRETER_RUNS)
        return;
    int error = htrail__destination_open_numbered(&destination, trigger.prefix, &number);
    if (error != 0) {
        htrail__trigger_say("no snapshot (%s): cannot write '%s': %s", why, destination.path, strerror(error));
        return;
    }
    pthread_cleanup_push(drop_file, &destination);
    file = htrail__file_identity_of(destination.fd);
    htrail__agent_message_init(&message, HTRAIL__AGENT_REQUEST);
    message.flags = trigger.settings->flags;
    message.sequence = number;
    snprintf(message.trigger, sizeof message.trigger, "%s", why);
    message.max_pause_ns = trigger.settings->max_pause_ns;
    message.max_bytes = trigger.settings->max_bytes;
    message.max_memory_bytes = trigger.settings->max_memory_bytes;
    message.mode = trigger.settings->mode_given != 0 ? trigger.settings->mode_given - 1 : HTRAIL_CAPTURE_AUTO;
    bool whole = htrail__take_snapshot(&nobody, &file, &message);
    error = whole ? htrail__destination_keep(&destination) : 0;
    if (error != 0 || message.os_error != 0)
        htrail__trigger_say("no snapshot (%s): cannot write '%s': %s", why, destination.path, strerror(error ? error : message.os_error));
    else if (!whole)
        htrail__trigger_say("no snapshot (%s): %s", why, message.text[0] ? message.text : htrail_status_text(message.status));
    else {
        *sequence = number + 1;
        keep_last(number, &file);
        trigger.said[0] = '\0';
    }
    pthread_cleanup_pop(1);
}

static const char *look_at_memory(void)
{
    const htrail__settings *settings = trigger.settings;
    const char *why = NULL;
    uint64_t resident = resident_bytes();
    if (settings->rss_bytes > 0) {
        if (!trigger.rss_passed && resident >= settings->rss_bytes)
            why = "memory";
        /* Passed again only after it was well below: memory that swings about N is one event. */
        trigger.rss_passed = resident >= settings->rss_bytes - settings->rss_bytes / 10 && (trigger.rss_passed || why != NULL);
    }
    if (settings->grow_percent > 0) {
        if (trigger.grown_from_bytes == 0)
            trigger.grown_from_bytes = resident;
        uint64_t grown = resident > trigger.grown_from_bytes ? resident - trigger.grown_from_bytes : 0;
        if (grown >= GROWN_BYTES && grown >= trigger.grown_from_bytes / 100 * settings->grow_percent) {
            why = "growth";
            trigger.grown_from_bytes = resident;
        }
    }
    return why;
}

static bool looks_at_memory(void) { return trigger.settings->rss_bytes > 0 || trigger.settings->grow_percent > 0; }

static void look_at_signal(void)
{
    if (trigger.signal_lost || trigger.settings->signal_number == 0 || htrail__signal_trigger_holds())
        return;
    trigger.signal_lost = true;
    htrail__trigger_say("the program handles signal %d itself now: it takes no more snapshots", trigger.settings->signal_number);
}

/* A cleanup handler too: who waits must go on also where this thread is ended. */
static void tell_served(void *posted)
{
    unsigned bits = *(unsigned *)posted & (HTRAIL__TRIGGER_EXIT | HTRAIL__TRIGGER_MEMORY_ERROR);
    for (; bits != 0; bits &= bits - 1)
        sem_post(&trigger.served);
}

/* NULL: nothing. */
static const char *why_now(unsigned posted)
{
    const char *why = posted & HTRAIL__TRIGGER_MEMORY_ERROR ? "MemoryError" : posted & HTRAIL__TRIGGER_EXIT ? "exit"
                      : posted & HTRAIL__TRIGGER_SIGNAL ? "signal" : NULL;
    const char *memory = NULL;
    uint64_t now = now_ms();
    if (now >= trigger.next_look_ms) {
        bool runs = htrail__interpreter_state_get() == HTRAIL__INTERPRETER_RUNS;
        trigger.next_look_ms = now + (!runs ? START_LOOK_MS : looks_at_memory() ? MEMORY_LOOK_MS : SIGNAL_LOOK_MS);
        if (looks_at_memory() && runs)
            memory = look_at_memory();
        look_at_signal();
    }
    why = why != NULL ? why : memory;
    if (trigger.settings->every_ms > 0 && now >= trigger.next_every_ms) {
        why = why != NULL ? why : "time";
        /* A program that was stopped for an hour gets one, not as many as were missed. */
        trigger.next_every_ms = now + trigger.settings->every_ms;
    }
    return why;
}

static void run(unsigned posted, uint32_t *sequence)
{
    const char *why = why_now(posted);
    if (why == NULL)
        return;
    if (posted & HTRAIL__TRIGGER_MEMORY_ERROR)
        release_reserve();
    take(why, sequence);
    if (posted & HTRAIL__TRIGGER_MEMORY_ERROR)
        make_reserve();
}

void htrail__trigger_run(uint32_t *sequence)
{
    unsigned posted = atomic_exchange(&trigger.posted, 0);
    if (!htrail__settings_has_trigger(trigger.settings))
        return;
    if (trigger.hooks_wanted && !htrail__hooks_armed() && htrail__interpreter_state_get() == HTRAIL__INTERPRETER_RUNS)
        htrail__hooks_ask();
    pthread_cleanup_push(tell_served, &posted);
    run(posted, sequence);
    pthread_cleanup_pop(1);
}

int htrail__trigger_timeout_ms(void)
{
    uint64_t now = now_ms(), at = UINT64_MAX;
    if (trigger.settings == NULL)
        return -1;
    if (atomic_load(&trigger.posted) != 0)
        return 0;
    if (trigger.hooks_wanted && !htrail__hooks_armed()) {
        trigger.hooks_look_ms = trigger.hooks_look_ms < HOOKS_LOOK_MAX_MS ? trigger.hooks_look_ms + HOOKS_LOOK_MS : HOOKS_LOOK_MAX_MS;
        at = now + trigger.hooks_look_ms;
    }
    if (trigger.settings->every_ms > 0 && trigger.next_every_ms < at)
        at = trigger.next_every_ms;
    if ((looks_at_memory() || (trigger.settings->signal_number > 0 && !trigger.signal_lost)) && trigger.next_look_ms < at)
        at = trigger.next_look_ms;
    if (at == UINT64_MAX)
        return -1;
    uint64_t wait = at > now ? at - now : 0;
    return wait < 3600 * 1000 ? (int)wait : 3600 * 1000;
}

void htrail__trigger_post(enum htrail__trigger_kind kind)
{
    atomic_fetch_or(&trigger.posted, (unsigned)kind);
    htrail__wake_thread();
}

void htrail__trigger_wait(enum htrail__trigger_kind kind)
{
    if (htrail__interpreter_state_get() != HTRAIL__INTERPRETER_RUNS || !htrail__serve_is_up())
        return;
    if (kind == HTRAIL__TRIGGER_MEMORY_ERROR) {
        uint64_t now = now_ms();
        if (trigger.memory_error_ms != 0 && now - trigger.memory_error_ms < MEMORY_ERROR_REST_MS)
            return;
        trigger.memory_error_ms = now;
    }
    htrail__trigger_post(kind);
    htrail__interpreter_lend(&trigger.served);
}

static void begin(void)
{
    uint64_t now = now_ms();
    trigger.owner = getpid();
    trigger.next_every_ms = now + trigger.settings->every_ms;
    trigger.next_look_ms = now;
    trigger.grown_from_bytes = trigger.memory_error_ms = 0;
    trigger.rss_passed = false;
    trigger.kept_count = 0;
    trigger.said[0] = '\0';
    atomic_store(&trigger.posted, 0);
    sem_init(&trigger.served, 0, 0);
}

void htrail__trigger_in_child(void)
{
    if (trigger.settings != NULL)
        begin();
}

void htrail__trigger_start(const htrail__settings *settings, const char *prefix)
{
    trigger.settings = settings;
    trigger.prefix = prefix;
    trigger.signal_lost = false;
    begin();
    if (settings->keep > 0 && trigger.kept == NULL) {
        trigger.kept = mmap(NULL, settings->keep * sizeof *trigger.kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        trigger.kept = trigger.kept == MAP_FAILED ? NULL : trigger.kept;
    }
    if (settings->signal_number > 0) {
        const char *refusal = htrail__signal_trigger_set(settings->signal_number);
        trigger.signal_lost = refusal != NULL;
        if (refusal != NULL)
            fprintf(stderr, "heaptrail: signal %d takes no snapshots: %s\n", settings->signal_number, refusal);
    }
    trigger.hooks_wanted = settings->at_exit || settings->on_memory_error;
    if (trigger.hooks_wanted)
        htrail__hooks_prepare(settings->at_exit, settings->on_memory_error);
    make_reserve();
}
