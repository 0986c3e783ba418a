/* look_threads.c - each thread as the kernel knows it: /proc/self/task. */
#include "capture/process/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/process/proc_text.h"

/* What getdents64 gives; opendir would allocate. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t kind;
    char name[];
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Field n of stat, from 3 on; p is at field 3. */
static uint64_t field(const char *p, int n)
{
    uint64_t value = 0;
    for (int at = 3; at < n && p; at++)
        p = (p = strchr(p, ' ')) ? p + 1 : NULL;
    return p && htrail__proc_number(p, &value) ? value : 0;
}

/* "202 0x7f... sp pc": the last but one. "running": there is none. */
static uint64_t stack_pointer(const char *call)
{
    const char *last = strrchr(call, ' ');
    uint64_t value = 0;
    if (!last)
        return 0;
    const char *p = last;
    while (p > call && p[-1] != ' ')
        p--;
    if (p[0] != '0' || p[1] != 'x')
        return 0;
    for (p += 2; p < last; p++)
        value = value << 4 | (uint64_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
    return value;
}

static void look_at(htrail_process *p, const char *name, uint64_t boot_ns, uint64_t tick_ns, bool is_own)
{
    char path[64], text[1024];
    htrail__process_thread thread = {0};
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", name);
    /* The name in field 2 may hold anything, so fields count from its end. */
    const char *end = htrail__proc_read(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    const char *begin = end ? strchr(text, '(') : NULL;
    if (begin == NULL || end[1] != ' ' || !htrail__proc_number(name, &thread.tid))
        return;
    size_t len = (size_t)(end - begin - 1) < sizeof thread.comm ? (size_t)(end - begin - 1) : sizeof thread.comm;
    memcpy(thread.comm, begin + 1, len);
    thread.state = (unsigned char)end[2];
    thread.user_ns = field(end + 2, 14) * tick_ns;
    thread.system_ns = field(end + 2, 15) * tick_ns;
    thread.start_ns = boot_ns + field(end + 2, 22) * tick_ns;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/wchan", name);
    if (htrail__proc_read(path, text, sizeof text) && strcmp(text, "0") != 0)
        memcpy(thread.wait, text, strnlen(text, sizeof thread.wait));
    snprintf(path, sizeof path, "/proc/self/task/%.20s/syscall", name);
    if (htrail__proc_read(path, text, sizeof text))
        thread.stack_pointer = stack_pointer(text);
    if (thread.tid == (uint64_t)getpid())
        thread.flags |= HTRAIL_THREAD_MAIN;
    if (thread.tid == (uint64_t)syscall(SYS_gettid)) {
        thread.stack_pointer = (uint64_t)(uintptr_t)path;
        thread.flags |= is_own ? HTRAIL_THREAD_CAPTURE : 0;
    }
    htrail__process_thread *row = htrail__pile_add(&p->threads, sizeof *row);
    if (row)
        *row = thread;
}

void htrail__process_look_threads(htrail_process *p, bool is_own)
{
    uint64_t boot_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
    long ticks = sysconf(_SC_CLK_TCK);
    _Alignas(8) char entries[4096];
    long got;
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((got = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < got;) {
            const struct entry *entry = (const void *)(entries + at);
            if (entry->name[0] >= '1' && entry->name[0] <= '9')
                look_at(p, entry->name, boot_ns, 1000000000u / (uint64_t)(ticks > 0 ? ticks : 100), is_own);
            at += entry->bytes;
        }
    close(fd);
}
