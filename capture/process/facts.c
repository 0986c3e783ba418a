/* facts.c - see facts.h. */
#include "capture/process/facts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/process/self.h"

/* The beginning of a file, NUL-terminated; its length, 0 where it cannot be read. */
static size_t read_file(const char *path, char *buffer, size_t cap)
{
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got;
        while (len + 1 < cap && (got = read(fd, buffer + len, cap - 1 - len)) > 0)
            len += (size_t)got;
        close(fd);
    }
    buffer[len] = '\0';
    return len;
}

void htrail__facts_set_text(htrail_writer *w, const char *key, const char *value)
{
    htrail_writer_set_meta(w, (htrail_str){key, strlen(key)}, (htrail_str){value, strlen(value)});
}

void htrail__facts_set_number(htrail_writer *w, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    htrail__facts_set_text(w, key, text);
}

static uint64_t digits(const char *p)
{
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    return value;
}

/* The number behind "Name:" in /proc/self/status. */
static bool status_number(const char *status, const char *name, uint64_t *value)
{
    const char *line = strstr(status, name);
    if (!line)
        return false;
    line += strlen(name);
    while (*line == ' ' || *line == '\t')
        line++;
    *value = digits(line);
    return true;
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* When the process started, in nanoseconds since the Unix epoch: field 22 of stat, in clock
 * ticks since boot. The command name in field 2 may hold anything, so fields count from its end. */
static bool start_time(uint64_t *value)
{
    char stat[1024], path[64];
    if (!read_file(htrail__self_path(path, sizeof path, "stat"), stat, sizeof stat))
        return false;
    const char *p = strrchr(stat, ')');
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p, ' ');
        if (p)
            p++;
    }
    long ticks = sysconf(_SC_CLK_TCK);
    if (!p || ticks <= 0)
        return false;
    uint64_t since_boot = digits(p) * (1000000000u / (uint64_t)ticks);
    *value = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME) + since_boot;
    return true;
}

static void command_line(htrail_writer *w)
{
    char text[4096], path[64];
    size_t len = read_file(htrail__self_path(path, sizeof path, "cmdline"), text, sizeof text);
    while (len > 0 && text[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\0' ? ' ' : (unsigned char)text[i] < ' ' ? '?' : text[i];
    htrail_writer_set_meta(w, (htrail_str){"cmdline", 7}, (htrail_str){text, len});
}

void htrail__facts_write(htrail_writer *w, bool with_cmdline)
{
    char text[4096], path[64];
    uint64_t value;
    struct utsname system;
    htrail__facts_set_number(w, "pid", (uint64_t)htrail__self_pid());
    htrail__facts_set_number(w, "ppid", (uint64_t)htrail__self_parent_pid());
    htrail__facts_set_number(w, "uid", (uint64_t)getuid());
    if (uname(&system) == 0)
        htrail__facts_set_text(w, "host", system.nodename);
    size_t len = read_file("/proc/sys/kernel/random/boot_id", text, sizeof text);
    if (len > 0) {
        text[strcspn(text, "\n")] = '\0';
        htrail__facts_set_text(w, "boot_id", text);
    }
    if (start_time(&value))
        htrail__facts_set_number(w, "start_time_ns", value);
    htrail__facts_set_number(w, "created_ns", now_ns(CLOCK_REALTIME));
    htrail__facts_set_number(w, "monotonic_ns", now_ns(CLOCK_MONOTONIC));
    if (read_file(htrail__self_path(path, sizeof path, "status"), text, sizeof text)) {
        if (status_number(text, "\nThreads:", &value))
            htrail__facts_set_number(w, "thread_count", value);
        if (status_number(text, "\nVmRSS:", &value))
            htrail__facts_set_number(w, "rss_bytes", value * 1024);
        if (status_number(text, "\nVmHWM:", &value))
            htrail__facts_set_number(w, "vm_hwm_bytes", value * 1024);
    }
    ssize_t path_len = readlink(htrail__self_path(path, sizeof path, "exe"), text, sizeof text - 1);
    if (path_len > 0)
        htrail_writer_set_meta(w, (htrail_str){"implementation_path", 19}, (htrail_str){text, (size_t)path_len});
    if (with_cmdline)
        command_line(w);
}
