/* capture/agent/fork.c - pthread_atfork. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/agent/fork.h"
#include "capture/agent/interpreter.h"
#include "capture/agent/serve.h"

enum { WARNS_FROM_VERSION = 0x030c, STAT_CAP = 1024, FIELDS_TO_THREADS = 18 };

static bool is_locked, is_paused; /* between the handlers of one fork; one at a time, see before_fork */

/* As the interpreter counts them: field num_threads of /proc/self/stat. */
static long thread_count(void)
{
    char text[STAT_CAP];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 0; field < FIELDS_TO_THREADS && at != NULL; field++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtol(at, NULL, 10) : 0;
}

static int resume(void *unused)
{
    (void)unused;
    htrail__serve_resume();
    return 0;
}

static void before_fork(void)
{
    htrail__interpreter_before_fork(); /* first: a C thread may fork without the GIL */
    is_locked = htrail__serve_try_lock();
    is_paused = is_locked && htrail__interpreter_version() >= WARNS_FROM_VERSION && thread_count() == 2 && htrail__serve_is_up();
    if (is_paused)
        htrail__serve_pause();
}

static void after_in_parent(void)
{
    bool was_locked = is_locked, was_paused = is_paused;
    is_locked = is_paused = false;
    htrail__interpreter_after_fork();
    if (was_locked)
        htrail__serve_unlock();
    if (was_paused && !htrail__interpreter_on_main_thread(resume, NULL))
        htrail__serve_resume();
}

static void after_in_child(void)
{
    is_locked = is_paused = false;
    htrail__interpreter_after_fork();
    htrail__serve_in_child();
    if (htrail__serve_wants_children())
        (void)htrail__interpreter_on_main_thread(resume, NULL);
}

void htrail__fork_watch(void)
{
    static bool is_watched;
    if (!is_watched)
        is_watched = pthread_atfork(before_fork, after_in_parent, after_in_child) == 0;
}
