/* Messages between agent and client arrive whole, or are refused; descriptors are never lost. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/agent/protocol.h"

static int ends[2];

static void open_pair(void) { cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0); }

static size_t open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

Test(protocol, a_message_comes_as_it_was_sent_with_its_file, .init = open_pair)
{
    static htrail__agent_message sent, got;
    int fd = -1;
    htrail__agent_message_init(&sent, HTRAIL__AGENT_REQUEST);
    sent.sequence = 7;
    sent.max_bytes = UINT64_MAX;
    memset(sent.text, 'p', sizeof sent.text - 1);
    int file = open("/dev/null", O_WRONLY);
    cr_assert_eq(htrail__agent_send(ends[0], &sent, file, 0), 0);
    cr_assert_eq(htrail__agent_receive(ends[1], &got, &fd, 1000), 0);
    cr_assert_eq(memcmp(&sent, &got, sizeof sent), 0);
    cr_assert(fd >= 0 && fd != file);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    sent.text[0] = '\0';
    cr_assert_eq(htrail__agent_send(ends[0], &sent, -1, 0), 0);
    cr_assert_eq(htrail__agent_receive(ends[1], &got, &fd, 1000), 0);
    cr_assert_eq(fd, -1);
    cr_assert_str_eq(got.text, "");
}

Test(protocol, silence_a_hang_up_and_a_dead_reader_are_told_apart, .init = open_pair)
{
    static htrail__agent_message message;
    cr_assert_eq(htrail__agent_receive(ends[1], &message, NULL, 1), ETIMEDOUT);
    close(ends[0]);
    cr_assert_eq(htrail__agent_receive(ends[1], &message, NULL, 1), ECONNRESET);
    htrail__agent_message_init(&message, HTRAIL__AGENT_DONE);
    cr_assert_eq(htrail__agent_send(ends[1], &message, -1, 0), EPIPE);
}

Test(protocol, what_is_no_message_of_ours_is_refused_and_its_files_are_closed, .init = open_pair)
{
    static htrail__agent_message message, got;
    static char bytes[sizeof message + 100];
    int fd = -1;
    size_t before = open_files();
    htrail__agent_message_init(&message, HTRAIL__AGENT_REQUEST);
    message.magic++;
    cr_assert_eq(htrail__agent_send(ends[0], &message, STDERR_FILENO, 0), 0);
    cr_assert_eq(htrail__agent_receive(ends[1], &got, &fd, 1000), EPROTO);
    cr_assert_eq(fd, -1);
    /* Too short, text without an end, too long. */
    message.magic--;
    memset(message.text, 'x', sizeof message.text);
    memcpy(bytes, &message, sizeof message);
    size_t lengths[] = {1, offsetof(htrail__agent_message, text), offsetof(htrail__agent_message, text) + 5, sizeof bytes};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        cr_assert_eq(send(ends[0], bytes, lengths[i], 0), (ssize_t)lengths[i]);
        cr_assert_eq(htrail__agent_receive(ends[1], &got, &fd, 1000), EPROTO, "%zu", lengths[i]);
    }
    cr_assert_eq(open_files(), before);
}

Test(protocol, the_first_of_many_files_is_kept_and_the_others_are_closed, .init = open_pair)
{
    static htrail__agent_message message, got;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {{0}};
    int fd = -1, files[3] = {0, 1, 2};
    struct iovec part = {&message, offsetof(htrail__agent_message, text) + 1};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    size_t before = open_files();
    htrail__agent_message_init(&message, HTRAIL__AGENT_REQUEST);
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof files)};
    memcpy(CMSG_DATA(&control.head), files, sizeof files);
    cr_assert(sendmsg(ends[0], &packet, 0) > 0);
    cr_assert_eq(htrail__agent_receive(ends[1], &got, &fd, 1000), 0);
    cr_assert(fd >= 0);
    cr_assert_eq(open_files(), before + 1);
    close(fd);
    /* Nobody asked for a file: none stays. */
    cr_assert(sendmsg(ends[0], &packet, 0) > 0);
    cr_assert_eq(htrail__agent_receive(ends[1], &got, NULL, 1000), 0);
    cr_assert_eq(open_files(), before);
}

Test(protocol, the_start_of_a_process_is_found_whatever_its_name)
{
    uint64_t before = 0, after = 0;
    char state = 0;
    char name[] = ") R 1 (x";
    FILE *comm;
    cr_assert(htrail__agent_process_start(getpid(), &before, &state));
    cr_assert(before > 0);
    cr_assert_eq(state, 'R');
    comm = fopen("/proc/self/comm", "w");
    fputs(name, comm);
    fclose(comm);
    cr_assert(htrail__agent_process_start(getpid(), &after, &state));
    cr_assert_eq(before, after);
    cr_assert_eq(state, 'R');
    cr_assert_not(htrail__agent_process_start(0x7fffffff, &after, &state));
}

Test(protocol, the_address_names_process_and_start)
{
    struct sockaddr_un address;
    socklen_t bytes;
    htrail__agent_address(4711, UINT64_C(18446744073709551615), &address, &bytes);
    cr_assert_eq(address.sun_path[0], '\0');
    cr_assert_str_eq(address.sun_path + 1, "heaptrail/4711/18446744073709551615");
    cr_assert_eq(bytes, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
}
