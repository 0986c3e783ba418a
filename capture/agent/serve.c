/* capture/agent/serve.c - listen, accept, check who asks, hand on to take.c; and the life of
 * the thread that does it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/agent/fork.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"
#include "capture/agent/take.h"
#include "capture/agent/trigger.h"
#include "capture/agent/wake.h"
#include "capture/process/file_table.h"

enum {
    BACKLOG = 64,
    STACK_BYTES = 512 * 1024,
    HIGH_FD = 900,           /* in a shared table, low numbers are the program's: its next one should be 3 */
    SHARED_TABLE_LOOK_MS = 3000,
    REQUEST_WAIT_MS = 10000, /* a client that connects and says nothing */
    START_WAIT_MS = 10,      /* between looks at whether Python is up, for who asks meanwhile, up to ... */
    START_WAIT_LONGEST_MS = 10000,
    NO_WAKE_LOOK_MS = 100,   /* where the kernel gives no signalfd */
    GONE_TRIES = 10000,
    ERROR_PAUSE_NS = 200 * 1000 * 1000
};

/* Apart from the rest, which begins as more than zeros and so takes room in the object's file. */
static struct {
    char name[HTRAIL__AGENT_TEXT_CAP - 32], prefix[HTRAIL__AGENT_TEXT_CAP]; /* without and with the process id */
    htrail__settings settings;
} asked;

static struct {
    htrail__file_identity listener, client, file;
    uint32_t next_sequence;
    uid_t uid_at_start;
    bool own_table; /* see file_table.h; where it is shared, the program may close what is ours */
    sem_t settled;  /* the thread listens, or start_error says why not */
    int start_error;
    bool waits_told; /* this client knows that it waits for the main thread */
    pthread_t thread;
    atomic_int thread_id; /* 0: there is none */
    atomic_bool stop;
    pthread_mutex_t busy; /* held by the thread while it is not in poll */
} serve = {.listener = {.fd = -1}, .client = {.fd = -1}, .file = {.fd = -1}, .busy = PTHREAD_MUTEX_INITIALIZER};

/* In the child of a fork: the thread is not there, and what it held is the parent's. */
static void drop_files(void)
{
    if (serve.own_table)
        return;
    htrail__file_identity_close(&serve.listener);
    htrail__file_identity_close(&serve.client);
    htrail__file_identity_close(&serve.file);
}

static int to_high_number(int fd)
{
    struct rlimit most;
    if (fd < 0 || serve.own_table)
        return fd;
    int floor = HIGH_FD;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur <= HIGH_FD + 1)
        floor = most.rlim_cur > 64 ? (int)most.rlim_cur - 32 : 0;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, floor);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

static int start_listening(void)
{
    struct sockaddr_un address;
    socklen_t address_bytes;
    uint64_t start_ticks;
    char state;
    int result = 0, fd = -1;

    if (!htrail__agent_process_start(getpid(), &start_ticks, &state))
        return ESRCH;
    htrail__agent_address(getpid(), start_ticks, &address, &address_bytes);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    fd = to_high_number(fd);
    if (bind(fd, (struct sockaddr *)&address, address_bytes) != 0 || listen(fd, BACKLOG) != 0) {
        result = errno;
        goto done;
    }
    serve.listener = htrail__file_identity_of(fd);
    fd = -1;
done:
    if (fd >= 0)
        close(fd);
    return result;
}

static bool may_ask(int socket)
{
    pid_t pid;
    uid_t uid;
    return htrail__agent_peer(socket, &pid, &uid) && (uid == 0 || uid == geteuid() || uid == serve.uid_at_start);
}

/* Runs also where the interpreter ends this thread while it waits for the GIL. */
static void end_conversation(void *conversation)
{
#ifdef __SANITIZE_ADDRESS__
    /* The frames that pthread_exit has unwound are still marked as in use. (__asan_handle_no_return has
     * a frame of its own there, and reports itself.) */
    void __asan_unpoison_memory_region(void const volatile *start, size_t bytes);
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - STACK_BYTES / 2, STACK_BYTES / 2);
#endif
    if (*(bool *)conversation)
        htrail__take_refuse(&serve.client, HTRAIL_E_UNSUPPORTED, 0, "the interpreter is shutting down");
    htrail__file_identity_close(&serve.file);
    htrail__file_identity_close(&serve.client);
}

static const char *why_not_now(void)
{
    /* Asked while the program starts: that takes no longer than a wink. */
    for (int waited_ms = 0; waited_ms < START_WAIT_LONGEST_MS && !htrail__take_client_is_gone(&serve.client) &&
                            htrail__interpreter_state_get() == HTRAIL__INTERPRETER_NOT_YET;
         waited_ms += START_WAIT_MS)
        nanosleep(&(struct timespec){.tv_nsec = START_WAIT_MS * 1000000L}, NULL);
    switch (htrail__interpreter_state_get()) {
    case HTRAIL__INTERPRETER_ENDS:
        return "the interpreter is shutting down";
    case HTRAIL__INTERPRETER_NOT_YET:
        return "Python is not started yet in this process";
    case HTRAIL__INTERPRETER_RUNS:
        break;
    }
    return htrail__interpreter_attach() ? NULL : "the interpreter has no memory for a thread";
}

/* Asked now and then while the main thread is waited for. */
static bool nobody_waits(void)
{
    static htrail__agent_message waiting;
    if (serve.client.fd < 0) /* a trigger's snapshot */
        return htrail__interpreter_state_get() != HTRAIL__INTERPRETER_RUNS;
    if (!serve.waits_told) {
        htrail__agent_message_init(&waiting, HTRAIL__AGENT_WAITING);
        snprintf(waiting.text, sizeof waiting.text, "its main thread, which alone can let a snapshot in before the "
                 "program starts its first thread on Python %d.%d, sits in a sleep or a long C call",
                 htrail__interpreter_version() >> 8, htrail__interpreter_version() & 0xff);
        (void)htrail__agent_send(serve.client.fd, &waiting, -1, MSG_DONTWAIT);
        serve.waits_told = true;
    }
    return htrail__take_client_is_gone(&serve.client);
}

static void converse(void)
{
    static htrail__agent_message message;
    const char *refusal;
    int fd = -1, error;

    htrail__agent_message_init(&message, HTRAIL__AGENT_HELLO);
    message.flags = asked.settings.flags;
    message.sequence = serve.next_sequence;
    snprintf(message.text, sizeof message.text, "%s", asked.prefix);
    if (htrail__agent_send(serve.client.fd, &message, -1, MSG_DONTWAIT) != 0)
        return;
    error = htrail__agent_receive(serve.client.fd, &message, &fd, REQUEST_WAIT_MS);
    serve.file = htrail__file_identity_of(to_high_number(fd));
    if (error == EMFILE)
        htrail__take_refuse(&serve.client, HTRAIL_E_IO, EMFILE, "the process has no free file descriptor");
    else if (error != 0 || message.kind != HTRAIL__AGENT_REQUEST || (serve.file.fd < 0 && message.dry_run == 0))
        htrail__take_refuse(&serve.client, HTRAIL_E_MISUSE, 0, "the request is not one of this version's");
    else if ((refusal = why_not_now()) != NULL)
        htrail__take_refuse(&serve.client, HTRAIL_E_UNSUPPORTED, 0, refusal);
    else {
        message.flags |= asked.settings.flags;
        uint32_t sequence = message.sequence;
        if (htrail__take_snapshot(&serve.client, &serve.file, &message) && sequence >= serve.next_sequence)
            serve.next_sequence = sequence + 1;
    }
}

static void answer_client(int fd)
{
    bool underway = true;
    serve.client = htrail__file_identity_of(to_high_number(fd));
    serve.waits_told = false;
    pthread_cleanup_push(end_conversation, &underway);
    if (may_ask(serve.client.fd))
        converse();
    else
        htrail__take_refuse(&serve.client, HTRAIL_E_MISUSE, EPERM, "the process belongs to another user");
    underway = false;
    pthread_cleanup_pop(1);
}

/* Not while a fork is about to be made (try_lock). false: the thread is to end. */
static bool take_busy(void)
{
    while (pthread_mutex_trylock(&serve.busy) != 0) {
        if (atomic_load(&serve.stop))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000}, NULL);
    }
    return !atomic_load(&serve.stop);
}

static int shorter(int a_ms, int b_ms) { return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms; }

/* Wait in poll, not in accept: an accept that waits holds the lowest descriptor for the
 * connection to come, and in a shared table the program would see its next file open under
 * another number. Where the program opens its own file under the number of our socket, poll
 * does not notice: look now and then. */
static bool wait_for_client(int wake_fd)
{
    struct pollfd readable[2] = {{.fd = serve.listener.fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    int wait_ms = htrail__trigger_timeout_ms();
    if (!serve.own_table)
        wait_ms = shorter(wait_ms, SHARED_TABLE_LOOK_MS);
    if (wake_fd < 0)
        wait_ms = shorter(wait_ms, NO_WAKE_LOOK_MS);
    (void)poll(readable, 2, wait_ms);
    return (readable[0].revents & POLLIN) != 0;
}

/* false: no socket to be had, or no descriptor free. */
static bool look_at_socket(bool readable)
{
    if (!htrail__file_identity_holds(&serve.listener))
        return start_listening() == 0;
    if (!readable)
        return true;
    int fd = accept4(serve.listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        answer_client(fd);
    return fd >= 0 || errno == ECONNABORTED || errno == EINTR || errno == EAGAIN;
}

static void *serve_thread(void *unused)
{
    (void)unused;
    prctl(PR_SET_NAME, "heaptrail");
    serve.own_table = htrail__file_table_own(-1);
    serve.start_error = start_listening();
    if (serve.start_error != 0) {
        atomic_store(&serve.thread_id, 0);
        sem_post(&serve.settled);
        return NULL;
    }
    int wake_fd = to_high_number(htrail__wake_open());
    htrail__file_identity wake = htrail__file_identity_of(wake_fd);
    sem_post(&serve.settled);
    while (!atomic_load(&serve.stop)) {
        bool readable = wait_for_client(wake.fd);
        if (!take_busy())
            break;
        if (htrail__file_identity_holds(&wake))
            htrail__wake_clear(wake.fd);
        else
            wake.fd = -1; /* the program closed it: look more often */
        bool fine = look_at_socket(readable);
        htrail__trigger_run(&serve.next_sequence);
        pthread_mutex_unlock(&serve.busy);
        if (!fine) /* only a few tries a second */
            nanosleep(&(struct timespec){.tv_nsec = ERROR_PAUSE_NS}, NULL);
    }
    htrail__wake_close();
    htrail__file_identity_close(&wake);
    htrail__file_identity_close(&serve.listener);
    return NULL;
}

/* 0 or an errno value. */
static int start_thread(void)
{
    pthread_attr_t attributes;
    sigset_t every, before;

    atomic_store(&serve.stop, false);
    sem_init(&serve.settled, 0, 0);
    sigfillset(&every);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    atomic_store(&serve.thread_id, -1);
    int result = pthread_create(&serve.thread, &attributes, serve_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (result != 0) {
        atomic_store(&serve.thread_id, 0);
        return result;
    }
    while (sem_wait(&serve.settled) != 0)
        ;
    return serve.start_error;
}

bool htrail__serve_is_up(void) { return atomic_load(&serve.thread_id) != 0; }
bool htrail__serve_try_lock(void) { return pthread_mutex_trylock(&serve.busy) == 0; }
void htrail__serve_unlock(void) { pthread_mutex_unlock(&serve.busy); }
bool htrail__serve_wants_children(void) { return asked.settings.children; }

void htrail__serve_pause(void)
{
    if (!htrail__serve_is_up())
        return;
    pid_t id = htrail__wake_thread_id();
    atomic_store(&serve.stop, true);
    htrail__wake_thread();
    pthread_join(serve.thread, NULL);
    atomic_store(&serve.thread_id, 0);
    /* Joined is a moment before the kernel has taken it off its count. */
    for (int tries = 0; id > 0 && tries < GONE_TRIES && syscall(SYS_tgkill, getpid(), id, 0) == 0; tries++)
        sched_yield();
}

void htrail__serve_resume(void)
{
    if (htrail__serve_is_up())
        return;
    snprintf(asked.prefix, sizeof asked.prefix, "%s-%ld", asked.name, (long)getpid());
    (void)start_thread();
}

void htrail__serve_in_child(void)
{
    drop_files();
    htrail__wake_close();
    htrail__interpreter_forget();
    pthread_mutex_init(&serve.busy, NULL);
    atomic_store(&serve.thread_id, 0);
    serve.next_sequence = 1;
    htrail__trigger_in_child();
}

int htrail__serve_start(const char *prefix, const htrail__settings *settings)
{
    asked.settings = *settings;
    snprintf(asked.name, sizeof asked.name, "%s", prefix);
    snprintf(asked.prefix, sizeof asked.prefix, "%s-%ld", prefix, (long)getpid());
    serve.next_sequence = 1;
    serve.uid_at_start = geteuid();
    htrail__interpreter_give_up_when(nobody_waits);
    htrail__trigger_start(&asked.settings, asked.prefix);
    int result = start_thread();
    if (result == 0)
        htrail__fork_watch();
    return result;
}
