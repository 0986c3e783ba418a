/* capture/agent/client.c - find the agent of a process, ask it, listen. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/agent/client.h"

enum { OPEN_TRIES = 5, OPEN_RETRY_NS = 40 * 1000 * 1000 };

static bool fail(htrail__client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(htrail__client *client, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(client->error, sizeof client->error, format, values);
    va_end(values);
    return false;
}

/* One value of /proc/PID/status ("NSpid:"), without the blanks before it. */
static bool status_value(pid_t pid, const char *key, char *value, size_t value_cap)
{
    char path[64], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        char *at = line + strlen(key) + strspn(line + strlen(key), " \t");
        at[strcspn(at, "\n")] = '\0';
        found = snprintf(value, value_cap, "%s", at) >= 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* The process id as the process itself sees it: the last one, where it is in a container. */
static pid_t pid_inside(pid_t pid)
{
    char ids[128];
    if (!status_value(pid, "NSpid:", ids, sizeof ids))
        return pid;
    const char *last = strrchr(ids, '\t');
    return (pid_t)strtol(last ? last + 1 : ids, NULL, 10);
}

static bool same_namespace(pid_t pid, const char *kind)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    if (stat(path, &ours) != 0)
        return true;
    snprintf(path, sizeof path, "/proc/%ld/ns/%s", (long)pid, kind);
    return stat(path, &theirs) != 0 || (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev);
}

/* Abstract sockets belong to a network namespace: step into that of a container. The
 * command is a process of its own and does nothing on the network. */
static void enter_network(pid_t pid)
{
    char path[64];
    if (same_namespace(pid, "net"))
        return;
    snprintf(path, sizeof path, "/proc/%ld/ns/net", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)setns(fd, CLONE_NEWNET); /* without the right to, connect says that nobody is there */
        close(fd);
    }
}

static bool owner_of(pid_t pid, uid_t *uid)
{
    char value[128];
    if (!status_value(pid, "Uid:", value, sizeof value))
        return false;
    const char *effective = strchr(value, '\t');
    *uid = (uid_t)strtoul(effective ? effective + 1 : value, NULL, 10);
    return true;
}

static bool fail_without_agent(htrail__client *client)
{
    uid_t owner;
    if (owner_of(client->pid, &owner) && owner != geteuid() && geteuid() != 0) {
        struct passwd *entry = getpwuid(owner);
        char number[16];
        snprintf(number, sizeof number, "%u", owner);
        return fail(client, "process %ld (%s) belongs to user '%s': run heaptrail as that user or as root",
                    (long)client->pid, client->name, entry ? entry->pw_name : number);
    }
    client->without_agent = true;
    return fail(client, "process %ld (%s) has no heaptrail agent: start the program itself with 'heaptrail run -- COMMAND' "
                        "(what that forks or starts has none), in CPython 3.11",
                (long)client->pid, client->name);
}

static bool fail_of_end(htrail__client *client)
{
    return fail(client, "process %ld (%s) ended before its snapshot was complete", (long)client->pid, client->name);
}

static bool check_peer(htrail__client *client)
{
    pid_t pid;
    uid_t uid;
    if (!htrail__agent_peer(client->socket, &pid, &uid))
        return fail(client, "cannot tell who answers for process %ld: %s", (long)client->pid, strerror(errno));
    if (pid != client->pid)
        return fail(client, "process %ld answers in the name of process %ld (%s): nothing was asked of it", (long)pid,
                    (long)client->pid, client->name);
    if (uid != 0 && uid != geteuid() && geteuid() != 0)
        return fail_without_agent(client);
    return true;
}

/* false with errno. */
static bool connect_to(htrail__client *client, uint64_t start_ticks, int timeout_ms)
{
    struct sockaddr_un address;
    socklen_t address_bytes;
    struct timeval timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

    htrail__client_close(client);
    client->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (client->socket < 0)
        return false;
    /* connect waits while the queue of the agent is full. */
    (void)setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    htrail__agent_address(pid_inside(client->pid), start_ticks, &address, &address_bytes);
    return connect(client->socket, (struct sockaddr *)&address, address_bytes) == 0;
}

bool htrail__client_open(htrail__client *client, pid_t pid, int timeout_ms)
{
    uint64_t start_ticks;
    char state;

    memset(client, 0, sizeof *client);
    client->pid = pid;
    client->socket = -1;
    if (!htrail__agent_process_start(pid, &start_ticks, &state))
        return fail(client, "there is no process %ld%s", (long)pid,
                    kill(pid, 0) == 0 || errno == EPERM ? " that this user may look at: try as root" : "");
    if (!status_value(pid, "Name:", client->name, sizeof client->name))
        snprintf(client->name, sizeof client->name, "?");
    if (state == 'Z' || state == 'X')
        return fail(client, "process %ld (%s) has ended and waits for its parent", (long)pid, client->name);
    if (!same_namespace(pid, "mnt"))
        snprintf(client->root, sizeof client->root, "/proc/%ld/root", (long)pid);
    enter_network(pid);

    for (int tries = 0;; tries++) {
        if (!connect_to(client, start_ticks, timeout_ms)) {
            /* The process may be about to start. */
            if (errno == ECONNREFUSED && tries < OPEN_TRIES) {
                nanosleep(&(struct timespec){.tv_nsec = OPEN_RETRY_NS}, NULL);
                continue;
            }
            if (errno == EAGAIN || errno == EINPROGRESS) {
                htrail__client_explain_silence(client, false, timeout_ms);
                return false;
            }
            return errno == ECONNREFUSED ? fail_without_agent(client)
                                         : fail(client, "cannot reach the agent of process %ld (%s): %s", (long)pid,
                                                client->name, strerror(errno));
        }
        if (!check_peer(client))
            return false;
        int error = htrail__agent_receive(client->socket, &client->hello, NULL, timeout_ms);
        /* The agent's socket was closed by the program: a new one is made at this moment. */
        if (error == ECONNRESET && tries < OPEN_TRIES) {
            nanosleep(&(struct timespec){.tv_nsec = OPEN_RETRY_NS}, NULL);
            continue;
        }
        if (error == ECONNRESET)
            return fail_of_end(client);
        if (error == ETIMEDOUT) {
            htrail__client_explain_silence(client, false, timeout_ms);
            return false;
        }
        if (error != 0 && error != EPROTO)
            return fail(client, "cannot hear the agent of process %ld (%s): %s", (long)pid, client->name, strerror(error));
        if (error == 0 && client->hello.kind == HTRAIL__AGENT_FAILED)
            return client->hello.os_error == EPERM ? fail_without_agent(client)
                                                   : fail(client, "process %ld (%s) refuses: %s", (long)pid,
                                                          client->name, client->hello.text);
        if (error == EPROTO || client->hello.version != HTRAIL__AGENT_VERSION || client->hello.kind != HTRAIL__AGENT_HELLO)
            return fail(client, "the agent of process %ld (%s) is of another version: use the heaptrail that started it",
                        (long)pid, client->name);
        return true;
    }
}

bool htrail__client_request(htrail__client *client, const htrail__client_wish *wish)
{
    htrail__agent_message request;
    htrail__agent_message_init(&request, HTRAIL__AGENT_REQUEST);
    request.flags = wish->flags;
    request.sequence = wish->sequence;
    request.max_pause_ns = wish->max_pause_ns;
    request.max_bytes = wish->max_bytes;
    request.max_memory_bytes = wish->max_memory_bytes;
    request.mode = wish->mode;
    request.dry_run = wish->dry_run;
    snprintf(request.text, sizeof request.text, "%s", wish->path);
    int error = htrail__agent_send(client->socket, &request, wish->fd, 0);
    if (error == EPIPE || error == ECONNRESET)
        return fail_of_end(client);
    return error == 0 || fail(client, "cannot ask process %ld (%s) for a snapshot: %s", (long)client->pid, client->name,
                              strerror(error));
}

htrail__client_event htrail__client_next(htrail__client *client, htrail__agent_message *message, int timeout_ms)
{
    switch (htrail__agent_receive(client->socket, message, NULL, timeout_ms)) {
    case 0:
        if (message->kind != HTRAIL__AGENT_WAITING)
            return HTRAIL__CLIENT_MESSAGE;
        snprintf(client->waits_for, sizeof client->waits_for, "%.*s", (int)sizeof client->waits_for - 1, message->text);
        return HTRAIL__CLIENT_QUIET;
    case ETIMEDOUT:
        return HTRAIL__CLIENT_QUIET;
    case EINTR:
        return HTRAIL__CLIENT_SIGNAL;
    case ECONNRESET:
        (void)fail_of_end(client);
        return HTRAIL__CLIENT_ENDED;
    default:
        fail(client, "the agent of process %ld (%s) answers what this version does not know", (long)client->pid,
             client->name);
        return HTRAIL__CLIENT_BROKEN;
    }
}

void htrail__client_explain_silence(htrail__client *client, bool started, int waited_ms)
{
    uint64_t ticks;
    char state = '?';
    double waited_s = waited_ms / 1000.0;
    long pid = (long)client->pid;

    (void)htrail__agent_process_start(client->pid, &ticks, &state);
    if (state == 'T' || state == 't')
        fail(client, "process %ld (%s) is stopped and cannot answer: let it go on with 'kill -CONT %ld' and ask again", pid,
             client->name, pid);
    else if (client->hello.kind != HTRAIL__AGENT_HELLO)
        fail(client, "the agent of process %ld (%s) said nothing for %g s: another snapshot of it may be under way; "
                     "wait longer with --timeout", pid, client->name, waited_s);
    else if (!started && client->waits_for[0] != '\0')
        fail(client, "process %ld (%s) did not come to a point where a snapshot can be taken for %g s: %s; ask again later "
                     "or wait longer with --timeout", pid, client->name, waited_s, client->waits_for);
    else if (!started)
        fail(client, "process %ld (%s) did not let go of its interpreter for %g s: C code in it holds the GIL; "
                     "ask again later or wait longer with --timeout", pid, client->name, waited_s);
    else
        fail(client, "the snapshot of process %ld (%s) made no progress for %g s: the place it is written to may be too "
                     "slow; wait longer with --timeout", pid, client->name, waited_s);
}

void htrail__client_close(htrail__client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
}
