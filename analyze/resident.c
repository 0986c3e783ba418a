/* analyze/resident.c - see the header. */
#include "analyze/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ARRAYS_MAX = 512, SLICE_BYTES = 16 << 20, LOOK_NS = 300000, SMALL_SHARE = 128, SMALL_BYTES = 1 << 20 };

typedef struct array {
    char *map;
    size_t bytes;
} array;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t stop;
    pthread_t looker;
    bool is_looking, must_stop;
    uint64_t limit, available, in_memory, floor;
    array arrays[ARRAYS_MAX];
    size_t count, next; /* next: the array whose turn it is, and how far */
    size_t next_offset;
    int statm;
    char failure[512];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_COND_INITIALIZER, .statm = -1};

void htrail__resident_begin(uint64_t limit_bytes, uint64_t available_bytes)
{
    pthread_mutex_lock(&state.lock);
    state.limit = limit_bytes == 0 || limit_bytes > HTRAIL__RESIDENT_LEAST ? limit_bytes : HTRAIL__RESIDENT_LEAST;
    state.available = available_bytes;
    state.floor = 0;
    htrail__resident_is_limited = limit_bytes != 0;
    state.failure[0] = '\0';
    pthread_mutex_unlock(&state.lock);
}

void htrail__resident_end(void) { htrail__resident_begin(0, 0); }

void htrail__resident_in_memory(size_t bytes_before, size_t bytes)
{
    pthread_mutex_lock(&state.lock);
    state.in_memory = state.in_memory + bytes - bytes_before;
    pthread_mutex_unlock(&state.lock);
}

bool htrail__resident_wants_file(size_t bytes)
{
    bool wants;
    pthread_mutex_lock(&state.lock);
    if (bytes < SMALL_BYTES)
        wants = false;
    else if (state.limit != 0)
        wants = bytes >= state.limit / SMALL_SHARE;
    else
        wants = state.available != 0 && state.in_memory + bytes > state.available - state.available / 4;
    pthread_mutex_unlock(&state.lock);
    return wants;
}

static uint64_t number_in(const char *path, const char *field)
{
    char line[256];
    uint64_t number = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0) {
            number = strtoull(line + strlen(field), NULL, 10);
            break;
        }
    if (file != NULL)
        fclose(file);
    return number;
}

/* In a container the control group is the root of what is mounted; outside one it is the whole machine. */
uint64_t htrail__resident_available(void)
{
    static const char *const groups[][2] = {{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
                                            {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}};
    uint64_t available = number_in("/proc/meminfo", "MemAvailable:") * 1024;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        uint64_t most = number_in(groups[i][0], ""), used = number_in(groups[i][1], "");
        if (most > used && most - used < available)
            available = most - used;
    }
    return available;
}

static const char *folder_of_files(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

void htrail__resident_say_failure(size_t bytes, int failure)
{
    snprintf(state.failure, sizeof state.failure, "no room for a file of %zu bytes in '%s' (%s)", bytes, folder_of_files(), strerror(failure));
}

const char *htrail__resident_failure(void) { return state.failure[0] != '\0' ? state.failure : "out of memory"; }

int htrail__resident_file(char *name, size_t cap)
{
    if ((size_t)snprintf(name, cap, "%s/heaptrail-XXXXXX", folder_of_files()) >= cap) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name);
    return fd;
}

static uint64_t resident_bytes(void)
{
    char text[128];
    unsigned long long pages = 0;
    ssize_t len = pread(state.statm, text, sizeof text - 1, 0);
    if (len > 0) {
        text[len] = '\0';
        sscanf(text, "%*s %llu", &pages);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Give pages back until there is room again, or all were: what is left then is not the arrays', and only
 * what comes on top of it is looked at again. The lock is held. */
static void give_back(uint64_t wanted)
{
    uint64_t resident = resident_bytes();
    for (size_t arrays = 0; resident > wanted; resident = resident_bytes()) {
        if (state.next >= state.count)
            state.next = 0, state.next_offset = 0;
        const array *at = &state.arrays[state.next];
        if (state.next_offset >= at->bytes) {
            state.next++;
            state.next_offset = 0;
            if (++arrays > state.count)
                break;
            continue;
        }
        size_t bytes = at->bytes - state.next_offset < SLICE_BYTES ? at->bytes - state.next_offset : SLICE_BYTES;
        (void)madvise(at->map + state.next_offset, bytes, MADV_DONTNEED); /* a shared file: nothing is lost */
        state.next_offset += bytes;
    }
    state.floor = resident > wanted ? resident : 0;
}

bool htrail__resident_is_limited;

/* The lock is held. */
static void look_once(void)
{
    if (state.limit != 0 && state.statm >= 0 && resident_bytes() > (state.floor == 0 ? state.limit / 2 : state.floor + state.limit / 8))
        give_back(state.limit * 3 / 8);
}

void htrail__resident_look(void)
{
    pthread_mutex_lock(&state.lock);
    look_once();
    pthread_mutex_unlock(&state.lock);
}

static void *look(void *arg)
{
    (void)arg;
    /* A wish: on a busy machine it would come too late otherwise. It runs for a hundredth of the time. */
    (void)pthread_setschedparam(pthread_self(), SCHED_RR, &(struct sched_param){.sched_priority = 1});
    pthread_mutex_lock(&state.lock);
    while (!state.must_stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_NS;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        look_once();
        pthread_cond_timedwait(&state.stop, &state.lock, &until);
    }
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

bool htrail__resident_add(void *map, size_t bytes)
{
    bool is_added = false;
    pthread_mutex_lock(&state.lock);
    if (state.statm < 0)
        state.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (!state.is_looking && state.statm >= 0) {
        state.must_stop = false;
        state.is_looking = pthread_create(&state.looker, NULL, look, NULL) == 0;
    }
    if (state.count < ARRAYS_MAX) {
        state.arrays[state.count++] = (array){map, bytes};
        is_added = true;
    }
    pthread_mutex_unlock(&state.lock);
    if (!is_added)
        errno = ENOMEM;
    return is_added;
}

/* The last one takes the thread along. */
void htrail__resident_remove(void *map)
{
    bool is_last;
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        if (state.arrays[i].map == map) {
            state.arrays[i] = state.arrays[--state.count];
            break;
        }
    is_last = state.count == 0 && state.is_looking;
    if (is_last) {
        state.must_stop = true;
        state.is_looking = false;
        pthread_cond_signal(&state.stop);
    }
    pthread_t looker = state.looker;
    pthread_mutex_unlock(&state.lock);
    if (is_last) {
        pthread_join(looker, NULL);
        close(state.statm);
        state.statm = -1;
    }
}
