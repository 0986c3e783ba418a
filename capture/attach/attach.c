/* capture/attach/attach.c - look, choose a thread, put the area there, start, wait, tidy. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "capture/attach/area.h"
#include "capture/attach/attach.h"
#include "capture/attach/borrow.h"
#include "capture/attach/library.h"
#include "capture/attach/objects.h"
#include "capture/attach/place.h"
#include "capture/attach/python.h"
#include "capture/attach/refuse.h"
#include "capture/attach/seccomp.h"
#include "capture/attach/task.h"

enum {
    STACK_BYTES = 256 * 1024,
    TLS_BYTES = 256 * 1024, /* for the static thread-local variables of all libraries: commonly 1-5 KiB */
    DTV_SLOTS = 2048,       /* as many libraries with thread-local variables */
    DTV_SLOT_BYTES = 16,
    LOADER_TRIES = 50,
    NAP_FIRST_MS = 1,
    NAP_LAST_MS = 64,
    POLL_NS = 300 * 1000,
    LEAVE_TRIES = 300, /* 0.1 s and more */
    UNDO_TRIES = 50,
    CLONE_FLAGS = 0x3d0f00 /* as pthread_create: all is shared, ids written, variables set */
};
static const uint64_t place_limit_ns = 3000000000;

typedef struct attach_state {
    const htrail__attach_wish *wish;
    htrail__attach_facts *facts;
    char *error;
    size_t error_cap;
    int memory, turn;
    char version[16], library[4096];
    bool by_memory;
    htrail__objects objects;
    htrail__places places;
    htrail__borrow thread;
    htrail__area area; /* as it is to be put there */
    uint64_t pthread_bytes, cave, single_threaded_at;
    uint64_t start, bytes, page; /* of the mapping in the process; start 0: none */
    uint64_t area_at, dtv_at, stack_at, tls_at, pointer_at;
} attach_state;

static bool fail(attach_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(attach_state *state, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(state->error, state->error_cap, format, values);
    va_end(values);
    return false;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void nap(long ns) { nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL); }

static bool is_cancelled(const attach_state *state) { return state->wish->cancelled != NULL && *state->wish->cancelled != 0; }

/* One heaptrail at a time in a process: a name that the kernel gives up when we end, in
 * whatever way. */
static bool take_turn(attach_state *state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int bytes = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "heaptrail/attach/%ld", (long)state->wish->pid);
    uint64_t began_ns = now_ns();

    state->turn = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (state->turn >= 0 && bind(state->turn, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)bytes)) != 0) {
        if (errno != EADDRINUSE || is_cancelled(state) || now_ns() - began_ns > (uint64_t)state->wish->timeout_ms * 1000000)
            return fail(state, "another heaptrail is entering it");
        nap(POLL_NS * 10);
    }
    return state->turn >= 0 || fail(state, "no socket is to be had: %s", strerror(errno));
}

static bool read_objects(attach_state *state)
{
    htrail__objects_result result = HTRAIL__OBJECTS_BROKEN;
    for (int tries = 0; tries < LOADER_TRIES; tries++) {
        result = htrail__objects_read(&state->objects, state->wish->pid, state->memory);
        if (result != HTRAIL__OBJECTS_NOT_YET && result != HTRAIL__OBJECTS_BROKEN)
            break;
        nap(POLL_NS * 10); /* a list that is being changed, too, looks broken */
    }
    switch (result) {
    case HTRAIL__OBJECTS_READ:
        return true;
    case HTRAIL__OBJECTS_STATIC:
        return fail(state, "it is linked statically, and nothing can be loaded into it");
    case HTRAIL__OBJECTS_MUSL:
        return fail(state, "its C library is musl, and the agent is built for glibc");
    case HTRAIL__OBJECTS_NOT_YET:
        return fail(state, "its libraries are still being loaded: ask again");
    default:
        return fail(state, "the list of its libraries cannot be read");
    }
}

static bool find_python(attach_state *state)
{
    if (!htrail__python_version(&state->objects, state->version, sizeof state->version))
        return fail(state, "no Python runs in it (nothing in it exports Py_GetVersion)");
    if (state->version[0] == '\0')
        return fail(state, "its Python has not started yet, or is not one of the usual builds of CPython");
    if (!htrail__library_find(state->version, state->library, sizeof state->library))
        return fail(state, "this build of heaptrail has no agent for Python %s", state->version);
    /* A container has files of its own: then the library travels in memory. */
    state->by_memory = !htrail__library_is_seen(state->wish->pid, state->library);
    return true;
}

static uint64_t code_of(const htrail__objects *objects, const htrail__object *object, const char *name)
{
    htrail__symbol symbol;
    return htrail__object_symbol(objects, object, name, &symbol) ? symbol.address : 0;
}

/* The functions that the agent is started with. Those of the loader are not for programs, and
 * have had this shape since glibc 2.34; older ones keep the account of threads in each thread. */
static bool find_functions(attach_state *state)
{
    const htrail__objects *objects = &state->objects;
    htrail__symbol libc, loader, create, size;
    htrail__area *area = &state->area;
    uint32_t pthread_bytes = 0;
    static const char *const checkers[] = {"__asan_init", "__tsan_init", "__msan_init"};

    for (size_t i = 0; i < sizeof checkers / sizeof *checkers; i++)
        if (htrail__objects_symbol(objects, checkers[i], &create))
            return fail(state, "it runs under a sanitizer (%s), which watches how threads begin", checkers[i]);
    if (!htrail__objects_symbol(objects, "gnu_get_libc_version", &libc) ||
        !htrail__objects_symbol(objects, "_dl_allocate_tls_init", &loader) ||
        !htrail__objects_symbol(objects, "pthread_create", &create))
        return fail(state, "its C library is not glibc");
    uint64_t found[] = {code_of(objects, loader.object, "_dl_get_tls_static_info"), loader.address, create.address,
                        code_of(objects, libc.object, "pthread_detach"), code_of(objects, libc.object, "dlopen"),
                        code_of(objects, libc.object, "dlsym"), code_of(objects, libc.object, "dlerror"),
                        code_of(objects, libc.object, "dlclose"), code_of(objects, libc.object, "munmap"),
                        code_of(objects, libc.object, "__libc_single_threaded")};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (found[i] == 0)
            return fail(state, "its C library is older than glibc 2.34: start the program with 'heaptrail run'");
    if (htrail__object_symbol(objects, libc.object, "_thread_db_sizeof_pthread", &size))
        (void)htrail__memory_read(state->memory, size.address, &pthread_bytes, sizeof pthread_bytes);
    if (pthread_bytes < 512 || pthread_bytes > HTRAIL__TCB_BYTES / 2)
        return fail(state, "its C library does not say how large a thread is");
    state->pthread_bytes = pthread_bytes;
    state->single_threaded_at = found[9];
    memcpy(&area->tls_static_info, &found[0], sizeof found[0]);
    memcpy(&area->allocate_tls_init, &found[1], sizeof found[1]);
    memcpy(&area->pthread_create, &found[2], sizeof found[2]);
    memcpy(&area->pthread_detach, &found[3], sizeof found[3]);
    memcpy(&area->dlopen, &found[4], sizeof found[4]);
    memcpy(&area->dlsym, &found[5], sizeof found[5]);
    memcpy(&area->dlerror, &found[6], sizeof found[6]);
    memcpy(&area->dlclose, &found[7], sizeof found[7]);
    area->munmap = found[8];
    htrail__places_find(&state->places, objects, libc.object, loader.object);
    return true;
}

/* The bytes behind the last instruction of a segment, up to the end of its page, are in memory,
 * may be executed, and belong to nobody. */
static bool find_cave(attach_state *state)
{
    htrail__segment segments[HTRAIL__SEGMENTS_CAP];
    for (size_t i = 0; i < state->objects.count; i++) {
        size_t count = htrail__object_segments(&state->objects, &state->objects.objects[i], segments);
        for (size_t k = 0; k < count; k++) {
            uint64_t begin = (segments[k].end + 15) & ~(uint64_t)15;
            uint64_t end = (segments[k].end + 4095) & ~(uint64_t)4095;
            if (segments[k].executable && !segments[k].writable && begin + HTRAIL__CODE_CAP <= end) {
                state->cave = begin;
                return true;
            }
        }
    }
    return fail(state, "no library in it has %d bytes of code to spare", HTRAIL__CODE_CAP);
}

static void lay_out(attach_state *state)
{
    uint64_t page = state->page = (uint64_t)sysconf(_SC_PAGESIZE), at = page;
    uint64_t *const places[] = {&state->area_at, &state->dtv_at, &state->stack_at, &state->tls_at};
    const uint64_t sizes[] = {sizeof state->area, (DTV_SLOTS + 2) * DTV_SLOT_BYTES, STACK_BYTES, 2 * TLS_BYTES + HTRAIL__TCB_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *places[i] = at;
        at += (sizes[i] + page - 1) / page * page;
    }
    state->bytes = at;
}

static htrail__borrow_result call(attach_state *state, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, int64_t *result)
{
    const uint64_t arguments[6] = {a, b, c, d, (uint64_t)-1, 0};
    return htrail__borrow_call(&state->thread, number, arguments, result);
}

/* The mapping: never writable and executable at once, so that a process that forbids itself
 * such memory can be entered too. We write code into it from outside. */
static htrail__borrow_result map_area(attach_state *state, int64_t *failure)
{
    int64_t result = 0;
    htrail__borrow_result borrowed = HTRAIL__BORROW_DONE;
    if (state->start == 0) {
        borrowed = call(state, SYS_mmap, 0, state->bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, &result);
        if (borrowed != HTRAIL__BORROW_DONE)
            return borrowed;
        if (result < 0 && result > -4096) {
            *failure = result;
            return HTRAIL__BORROW_DONE;
        }
        state->start = (uint64_t)result;
    }
    borrowed = call(state, SYS_mprotect, state->start + state->page, state->bytes - state->page, PROT_READ | PROT_WRITE, 0, &result);
    if (borrowed == HTRAIL__BORROW_DONE && result < 0)
        *failure = result;
    return borrowed;
}

static bool write_code(attach_state *state)
{
    uint8_t code[4096];
    size_t bytes = (size_t)(htrail__remote_end - htrail__remote_begin);
    const htrail__return *way_back = &state->thread.way_back;
    size_t at = (size_t)(htrail__remote_return - htrail__remote_begin);

    if (bytes > sizeof code || way_back->code_bytes - way_back->syscall_bytes > HTRAIL__REMOTE_RETURN_CAP)
        return false;
    memcpy(code, htrail__remote_begin, bytes);
    memcpy(code + at, way_back->code + way_back->syscall_bytes, way_back->code_bytes - way_back->syscall_bytes);
    return htrail__memory_write(state->memory, state->start, code, bytes);
}

/* Thread-local memory as pthread_create gives it to a new thread: a head, an empty table of
 * places, and room that the loader fills (allocate_tls_init). */
static bool write_tls(attach_state *state, uint64_t their_pointer)
{
    static uint8_t tcb[HTRAIL__TCB_BYTES];
    const uint64_t slots[1] = {DTV_SLOTS};
    uint64_t theirs[8], tcb_at = state->tls_at + TLS_BYTES;

    state->pointer_at = tcb_at + htrail__tcb_pointer_offset(state->pthread_bytes);
    if (!htrail__memory_read(state->memory, their_pointer, theirs, sizeof theirs))
        return false;
    memset(tcb, 0, sizeof tcb);
    htrail__tcb_make(tcb, state->start + state->pointer_at, state->pthread_bytes, theirs, state->start + state->dtv_at);
    return htrail__memory_write(state->memory, state->start + tcb_at, tcb, sizeof tcb) &&
           htrail__memory_write(state->memory, state->start + state->dtv_at, slots, sizeof slots);
}

static bool write_area(attach_state *state, bool must_wait)
{
    htrail__area *area = &state->area;
    uint64_t at = state->start + state->area_at;
    uint64_t work = state->start + (uint64_t)(htrail__remote_work - htrail__remote_begin);

    area->clone_flags = CLONE_FLAGS;
    area->stack = state->start + state->stack_at + STACK_BYTES;
    area->thread_id = state->start + state->pointer_at + (uint64_t)htrail__tcb_id_offset(state->pthread_bytes);
    area->alive_at = at + offsetof(htrail__area, alive);
    area->alive = 1;
    area->tls = state->start + state->pointer_at;
    area->tls_room = TLS_BYTES;
    area->must_wait = must_wait;
    area->start = state->start;
    area->bytes = state->bytes;
    memcpy(&area->work, &work, sizeof work);
    area->nap[1] = 1000000;
    snprintf(area->entry, sizeof area->entry, "heaptrail_agent_attach");
    area->file = -1;
    snprintf(area->library, sizeof area->library, "%s", state->by_memory ? "" : state->library);
    snprintf(area->settings, sizeof area->settings, "%s", state->wish->settings);
    return htrail__memory_write(state->memory, at, area, sizeof *area);
}

/* Is it a thread of this C library, with its facts where we think they are? */
static bool is_known_thread(attach_state *state, const htrail__task *task, uint64_t *pointer)
{
    int32_t id = 0;
    return htrail__registers_thread_pointer(task->tid, &state->thread.registers, pointer) &&
           htrail__memory_read(state->memory, *pointer + (uint64_t)htrail__tcb_id_offset(state->pthread_bytes), &id, sizeof id) &&
           id == task->tid_inside;
}

typedef enum try_result { TRY_DONE, TRY_FAILED, TRY_AGAIN, TRY_UNSAFE, TRY_OTHER } try_result;

static try_result explain(attach_state *state, htrail__borrow_result result)
{
    int error = errno;
    switch (result) {
    case HTRAIL__BORROW_DONE:
        return TRY_DONE;
    case HTRAIL__BORROW_AGAIN:
        return TRY_AGAIN;
    case HTRAIL__BORROW_GONE:
        return TRY_OTHER;
    case HTRAIL__BORROW_STOPPED:
        fail(state, "it is stopped: let it go on with 'kill -CONT %ld' and ask again", (long)state->wish->pid);
        return TRY_FAILED;
    case HTRAIL__BORROW_TOO_LATE:
        fail(state, "thread %ld of it does not come to a stop (it waits for a disk)", (long)state->thread.tid);
        return TRY_FAILED;
    case HTRAIL__BORROW_REFUSED:
        htrail__refuse_by_kernel(state->wish->pid, error, state->error, state->error_cap);
        return error == EFAULT || error == EIO ? TRY_OTHER : TRY_FAILED;
    default:
        fail(state, "thread %ld of it does not behave as a thread of 64 bits does", (long)state->thread.tid);
        return TRY_OTHER;
    }
}

/* Thread task stands still. */
static try_result enter(attach_state *state, const htrail__task *task)
{
    char single = 0;
    uint64_t pointer;
    int64_t failure = 0;

    if (!is_known_thread(state, task, &pointer)) {
        fail(state, "thread %ld of it is none that its C library has made", (long)task->tid);
        return TRY_OTHER;
    }
    if (task->seccomp != 0 && !htrail__seccomp_allows(task->tid, state->error, state->error_cap))
        return TRY_FAILED;
    if (!htrail__memory_read(state->memory, state->single_threaded_at, &single, sizeof single))
        return explain(state, HTRAIL__BORROW_REFUSED);
    if (single && !htrail__place_is_safe(&state->places, state->wish->pid, task->tid, &state->thread.registers))
        return TRY_UNSAFE;
    htrail__borrow_result result = map_area(state, &failure);
    if (result != HTRAIL__BORROW_DONE)
        return explain(state, result);
    if (failure != 0) {
        fail(state, "the kernel gives it no memory for the agent: %s", strerror((int)-failure));
        return TRY_FAILED;
    }
    if (!write_code(state) || !write_tls(state, pointer) || !write_area(state, single != 0))
        return explain(state, HTRAIL__BORROW_REFUSED);
    const uint64_t begin = (uint64_t)(uintptr_t)htrail__remote_begin;
    result = htrail__borrow_enter(&state->thread, state->start + (uint64_t)(uintptr_t)htrail__remote_enter - begin,
                                  state->start + (uint64_t)(uintptr_t)htrail__remote_leave - begin, state->start + state->area_at);
    if (result == HTRAIL__BORROW_AGAIN)
        return TRY_AGAIN;
    /* Past that, the thread finds its way by itself, and what it started goes on. */
    return TRY_DONE;
}

static try_result try_thread(attach_state *state, const htrail__task *task)
{
    bool with_limits = state->version[0] == '2'; /* from 3.5 on, Python waits again for what is left */
    htrail__borrow_result result = htrail__borrow_stop(&state->thread, task->tid, state->memory, state->cave, with_limits);
    try_result tried = result == HTRAIL__BORROW_DONE ? enter(state, task) : explain(state, result);
    htrail__borrow_let_go(&state->thread);
    state->facts->stops++;
    state->facts->stopped_ns += state->thread.stopped_ns;
    return tried;
}

static bool find_thread_and_enter(attach_state *state)
{
    htrail__task tasks[HTRAIL__TASKS_CAP];
    uint64_t began_ns = now_ns();
    long nap_ms = NAP_FIRST_MS;
    bool unsafe = false;

    snprintf(state->error, state->error_cap, "none of its threads can be stopped now: ask again");
    do {
        size_t all, count = htrail__tasks_read(state->wish->pid, tasks, &all);
        if (all == 0)
            return fail(state, "it has ended");
        for (size_t i = 0; i < count; i++) {
            try_result tried = try_thread(state, &tasks[i]);
            if (tried == TRY_DONE || tried == TRY_FAILED)
                return tried == TRY_DONE;
            unsafe |= tried == TRY_UNSAFE;
        }
        nap(nap_ms * 1000000);
        nap_ms = nap_ms * 2 < NAP_LAST_MS ? nap_ms * 2 : NAP_LAST_MS;
    } while (now_ns() - began_ns < place_limit_ns && !is_cancelled(state));
    return unsafe ? fail(state, "its only thread stands inside the allocator of memory, or looks as if it did: ask again later") : false;
}

/* What a thread that failed has left is taken back by another stop. */
static void unmap(attach_state *state)
{
    htrail__task tasks[HTRAIL__TASKS_CAP];
    size_t all;
    int64_t result = -1;
    uint32_t alive = 1;

    for (int tries = 0; tries < UNDO_TRIES && state->start != 0 && result != 0; tries++) {
        size_t count = htrail__tasks_read(state->wish->pid, tasks, &all);
        (void)htrail__memory_read(state->memory, state->start + state->area_at + offsetof(htrail__area, alive), &alive, sizeof alive);
        if (count > 0 && (alive == 0 || state->area.cloned < 0) &&
            htrail__borrow_stop(&state->thread, tasks[0].tid, state->memory, state->cave, false) == HTRAIL__BORROW_DONE)
            (void)call(state, SYS_munmap, state->start, state->bytes, 0, 0, &result);
        htrail__borrow_let_go(&state->thread);
        if (result != 0)
            nap(POLL_NS * 10);
    }
    state->start = 0;
}

static void answer(attach_state *state, htrail__area_answer what)
{
    uint32_t number = what;
    (void)htrail__memory_write(state->memory, state->start + state->area_at + offsetof(htrail__area, answer), &number, sizeof number);
}

/* The thread that loads has opened an empty file: it is its own, by whatever number we know it. */
static int send_library(attach_state *state)
{
    htrail__area *area = &state->area;
    htrail__task tasks[HTRAIL__TASKS_CAP];
    size_t all, count = htrail__tasks_read(state->wish->pid, tasks, &all);
    int error = ESRCH;
    for (size_t i = 0; i < count && error != 0; i++)
        if (tasks[i].tid_inside == area->loader)
            error = htrail__library_copy(state->library, state->wish->pid, tasks[i].tid, area->file);
    snprintf(area->library, sizeof area->library, "/proc/thread-self/fd/%d", area->file);
    if (error == 0 && !htrail__memory_write(state->memory, state->start + state->area_at + offsetof(htrail__area, library),
                                            area->library, 64))
        error = errno;
    answer(state, error == 0 ? HTRAIL__AREA_FILLED : HTRAIL__AREA_GIVEN_UP);
    return error;
}

/* Until the agent listens. Nobody in the process waits meanwhile but its own new thread. */
static bool wait_for_agent(attach_state *state)
{
    uint64_t began_ns = now_ns();
    htrail__area *area = &state->area;
    bool sent = false;
    for (;;) {
        if (!htrail__memory_read(state->memory, state->start + state->area_at, area, offsetof(htrail__area, library)))
            return fail(state, "it has ended");
        if (area->cloned < 0 || area->create_error != 0) {
            int error = area->cloned < 0 ? (int)-area->cloned : area->create_error;
            unmap(state);
            return error < 0 ? fail(state, "its libraries have more thread-local variables than there is room for")
                             : fail(state, "a thread cannot be started in it: %s", strerror(error));
        }
        if (area->stage == HTRAIL__AREA_WANTS_FILE && !sent) {
            int error = send_library(state);
            if (error != 0)
                return fail(state, "the agent cannot be written into it: %s", strerror(error));
            sent = true;
        }
        if (area->stage == HTRAIL__AREA_DONE || area->stage == HTRAIL__AREA_FAILED)
            break;
        if (is_cancelled(state) || now_ns() - began_ns > (uint64_t)state->wish->timeout_ms * 1000000) {
            answer(state, HTRAIL__AREA_GIVEN_UP);
            return fail(state, "the agent could not be loaded in %g s: a thread of it holds the lock of its allocator or of its loader; "
                               "wait longer with --timeout", state->wish->timeout_ms / 1000.0);
        }
        nap(POLL_NS);
    }
    answer(state, HTRAIL__AREA_HEARD);
    area->error[sizeof area->error - 1] = '\0';
    if (area->open_error != 0)
        return fail(state, "it cannot have a file in memory for the agent: %s", strerror(area->open_error));
    return area->stage == HTRAIL__AREA_DONE || fail(state, "the agent did not start in it: %s", area->error);
}

/* Until the thread that loaded the agent has given its memory back and has ended, so that the
 * snapshot does not have it for one of the program's. Not for long: it does no harm. */
static void wait_for_loader(const attach_state *state)
{
    uint32_t word;
    for (int tries = 0; tries < LEAVE_TRIES && htrail__memory_read(state->memory, state->start + state->area_at, &word, sizeof word); tries++)
        nap(POLL_NS);
    nap(POLL_NS);
}

bool htrail__attach(const htrail__attach_wish *wish, htrail__attach_facts *facts, char *error, size_t error_cap)
{
    static attach_state state;
    bool attached = false;

    memset(&state, 0, sizeof state);
    *facts = (htrail__attach_facts){0};
    state = (attach_state){.wish = wish, .facts = facts, .error = error, .error_cap = error_cap, .memory = -1, .turn = -1};
    if (htrail__refuse_by_looks(wish->pid, error, error_cap) || !take_turn(&state))
        goto done;
    state.memory = htrail__memory_open(wish->pid);
    if (state.memory < 0) {
        htrail__refuse_by_kernel(wish->pid, errno, error, error_cap);
        goto done;
    }
    if (!read_objects(&state) || !find_python(&state) || !find_functions(&state) || !find_cave(&state))
        goto done;
    lay_out(&state);
    if (!find_thread_and_enter(&state)) {
        state.area.cloned = -1; /* nobody runs in it */
        unmap(&state);
        goto done;
    }
    attached = wait_for_agent(&state);
    if (attached)
        wait_for_loader(&state);
done:
    if (state.memory >= 0)
        close(state.memory);
    if (state.turn >= 0)
        close(state.turn);
    return attached;
}
