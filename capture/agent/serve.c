/* capture/agent/serve.c - listen, accept, check who asks, hand on to take.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <htrail/capture.h>

#include "capture/process/file_table.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"
#include "capture/agent/take.h"

enum {
    BACKLOG = 64,
    STACK_BYTES = 512 * 1024,
    HIGH_FD = 900,           /* in a shared table, low numbers are the program's: its next one should be 3 */
    SHARED_TABLE_LOOK_MS = 3000,
    REQUEST_WAIT_MS = 10000, /* a client that connects and says nothing */
    START_WAIT_MS = 10,      /* between looks at whether Python is up: doubled up to ... */
    START_WAIT_MAX_MS = 1000,
    START_WAIT_LONGEST_MS = 10000, /* for who asks meanwhile */
    ERROR_PAUSE_NS = 200 * 1000 * 1000
};

static struct {
    htrail__file_identity listener, client, file;
    char prefix[HTRAIL__AGENT_TEXT_CAP];
    htrail__settings settings;
    uint32_t next_sequence;
    uid_t uid_at_start;
    bool own_table; /* see file_table.h; where it is shared, the program may close what is ours */
    sem_t settled;  /* the thread has its table, or will not get one */
} serve = {.listener = {.fd = -1}, .client = {.fd = -1}, .file = {.fd = -1}};

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
    /* The frames that pthread_exit has unwound are still marked as in use. */
    void __asan_handle_no_return(void);
    __asan_handle_no_return();
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

static void converse(void)
{
    static htrail__agent_message message;
    const char *refusal;
    int fd = -1, error;

    htrail__agent_message_init(&message, HTRAIL__AGENT_HELLO);
    message.flags = serve.settings.flags;
    message.sequence = serve.next_sequence;
    snprintf(message.text, sizeof message.text, "%s", serve.prefix);
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
        message.flags |= serve.settings.flags;
        uint32_t sequence = message.sequence;
        if (htrail__take_snapshot(&serve.client, &serve.file, &message) && sequence >= serve.next_sequence)
            serve.next_sequence = sequence + 1;
    }
}

static void answer_client(int fd)
{
    bool underway = true;
    serve.client = htrail__file_identity_of(to_high_number(fd));
    pthread_cleanup_push(end_conversation, &underway);
    if (may_ask(serve.client.fd))
        converse();
    else
        htrail__take_refuse(&serve.client, HTRAIL_E_MISUSE, EPERM, "the process belongs to another user");
    underway = false;
    pthread_cleanup_pop(1);
}

/* Wait in poll, not in accept: an accept that waits holds the lowest descriptor for the
 * connection to come, and in a shared table the program would see its next file open under
 * another number. Where the program opens its own file under the number of our socket, poll
 * does not notice: look now and then. Until Python is up, the thread looks now and then, so that its own state in the
 * interpreter is made at start and not at the first snapshot. false: the socket is gone. */
static bool wait_for_client(void)
{
    struct pollfd readable = {.fd = serve.listener.fd, .events = POLLIN};
    int wait_ms = START_WAIT_MS;
    while (htrail__file_identity_holds(&serve.listener)) {
        bool settled = htrail__interpreter_state_get() == HTRAIL__INTERPRETER_ENDS || htrail__interpreter_attach();
        if (poll(&readable, 1, !settled ? wait_ms : serve.own_table ? -1 : SHARED_TABLE_LOOK_MS) > 0)
            return htrail__file_identity_holds(&serve.listener);
        wait_ms = wait_ms * 2 < START_WAIT_MAX_MS ? wait_ms * 2 : START_WAIT_MAX_MS;
    }
    return false;
}

static void *serve_thread(void *unused)
{
    (void)unused;
    prctl(PR_SET_NAME, "heaptrail");
    serve.own_table = htrail__file_table_own(serve.listener.fd);
    sem_post(&serve.settled);
    for (;;) {
        if (!wait_for_client()) {
            if (start_listening() == 0)
                continue;
        } else {
            int fd = accept4(serve.listener.fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) {
                answer_client(fd);
                continue;
            }
            if (errno == ECONNABORTED || errno == EINTR || errno == EAGAIN)
                continue;
        }
        /* No socket to be had, or no descriptor free: only a few tries a second. */
        nanosleep(&(struct timespec){.tv_nsec = ERROR_PAUSE_NS}, NULL);
    }
    return NULL;
}

int htrail__serve_start(const char *prefix, const htrail__settings *settings)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t every, before;
    int result;

    serve.settings = *settings;
    snprintf(serve.prefix, sizeof serve.prefix, "%s-%ld", prefix, (long)getpid());
    serve.next_sequence = 1;
    serve.uid_at_start = geteuid();
    result = start_listening();
    if (result != 0)
        return result;
    sem_init(&serve.settled, 0, 0);
    sigfillset(&every);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    result = pthread_create(&thread, &attributes, serve_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (result != 0) {
        drop_files();
        return result;
    }
    while (sem_wait(&serve.settled) != 0)
        ;
    if (serve.own_table)
        close(serve.listener.fd); /* here; the thread has it */
    else
        pthread_atfork(NULL, NULL, drop_files);
    return 0;
}
