/* capture/agent/protocol.c - messages over a Unix socket, and the name of the socket. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/agent/protocol.h"

enum { TEXT_OFFSET = offsetof(htrail__agent_message, text), STAT_CAP = 1024, STAT_FIELDS_TO_START = 19 };

void htrail__agent_message_init(htrail__agent_message *message, htrail__agent_kind kind)
{
    memset(message, 0, sizeof *message);
    message->magic = HTRAIL__AGENT_MAGIC;
    message->version = HTRAIL__AGENT_VERSION;
    message->kind = (uint16_t)kind;
}

bool htrail__agent_process_start(pid_t pid, uint64_t *ticks, char *state)
{
    char path[64], stat_text[STAT_CAP];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, stat_text, sizeof stat_text - 1);
    close(fd);
    if (got <= 0)
        return false;
    stat_text[got] = '\0';
    /* The second field is the name in brackets, which may hold brackets and blanks itself. */
    char *at = strrchr(stat_text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    *state = at[2];
    at += 2;
    for (int field = 0; field < STAT_FIELDS_TO_START && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    *ticks = strtoull(at, NULL, 10);
    return true;
}

void htrail__agent_address(pid_t pid, uint64_t start_ticks, struct sockaddr_un *address, socklen_t *address_bytes)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int used = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "heaptrail/%ld/%" PRIu64, (long)pid,
                        start_ticks);
    *address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)used);
}

int htrail__agent_send(int socket, const htrail__agent_message *message, int fd, int flags)
{
    size_t text_bytes = strnlen(message->text, sizeof message->text - 1) + 1;
    struct iovec part = {.iov_base = (void *)message, .iov_len = TEXT_OFFSET + text_bytes};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        packet.msg_control = control.bytes;
        packet.msg_controllen = sizeof control.bytes;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    while (sendmsg(socket, &packet, MSG_NOSIGNAL | flags) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Keep the first open file of a packet, close what else came: a stranger must not fill our table. */
static int take_files(struct msghdr *packet)
{
    int kept = -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(packet); head != NULL; head = CMSG_NXTHDR(packet, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            if (kept < 0)
                kept = fd;
            else
                close(fd);
        }
    }
    return kept;
}

int htrail__agent_receive(int socket, htrail__agent_message *message, int *fd, int timeout_ms)
{
    struct iovec part = {.iov_base = message, .iov_len = sizeof *message};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct pollfd readable = {.fd = socket, .events = POLLIN};
    int result = 0, received = -1;

    if (fd != NULL)
        *fd = -1;
    int ready = poll(&readable, 1, timeout_ms);
    if (ready <= 0)
        return ready == 0 ? ETIMEDOUT : errno;
    ssize_t got = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN ? EINTR : errno;
    if (got == 0)
        return ECONNRESET;
    received = take_files(&packet);
    if (packet.msg_flags & MSG_CTRUNC)
        result = EMFILE;
    else if ((packet.msg_flags & MSG_TRUNC) || (size_t)got <= TEXT_OFFSET || message->magic != HTRAIL__AGENT_MAGIC ||
             ((char *)message)[got - 1] != '\0')
        result = EPROTO;
    if (result == 0 && fd != NULL)
        *fd = received;
    else if (received >= 0)
        close(received);
    return result;
}

bool htrail__agent_peer(int socket, pid_t *pid, uid_t *uid)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || bytes != sizeof peer)
        return false;
    *pid = peer.pid;
    *uid = peer.uid;
    return true;
}
