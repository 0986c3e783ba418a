/* capture/attach/remote.c - what runs inside the process that is entered. It is copied there
 * byte for byte: no call but through the area, no constant in memory, no variable outside.
 *
 * bootstrap runs in a thread that clone made and that the C library does not know. It gets
 * thread-local memory as the loader gives it to any thread, starts a proper thread with
 * pthread_create, and ends. Whatever lock another thread holds, nobody waits but us. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "capture/attach/area.h"

#define REMOTE __attribute__((section("htrail_remote"), used, noinline, no_sanitize("address", "undefined", "thread"), \
                              optimize("no-stack-protector", "no-tree-loop-distribute-patterns", "no-jump-tables")))

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { HEARD_TRIES = 2000 /* naps */, UNSHARE_TABLE = 1 << 1, MEMORY_CLOEXEC = 1, MEMORY_EXEC = 16 };

#if defined __x86_64__
static inline __attribute__((always_inline)) long call_kernel(long number, const void *a, const void *b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
static inline __attribute__((always_inline)) long call_kernel(long number, const void *a, const void *b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = (long)a;
    register long x1 __asm__("x1") = (long)b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "a process of this architecture cannot be entered"
#endif

REMOTE void htrail__remote_bootstrap(htrail__area *area)
{
    size_t bytes = 0, alignment = 0;

    area->tls_static_info(&bytes, &alignment);
    if (bytes > area->tls_room || alignment > 4096)
        area->create_error = -1;
    else {
        (void)area->allocate_tls_init((void *)area->tls, true);
        area->create_error = area->pthread_create(&area->thread, NULL, area->work, area);
        if (area->create_error == 0)
            (void)area->pthread_detach(area->thread);
    }
    __atomic_store_n(&area->ready, 1, __ATOMIC_RELEASE);
    for (;;)
        (void)call_kernel(SYS_exit, NULL, NULL, 0);
}

/* A file in memory, for a process that has no path to the library: it is filled from outside. */
static inline __attribute__((always_inline)) void open_file(htrail__area *area)
{
    long file = call_kernel(SYS_memfd_create, area->entry, (void *)(MEMORY_CLOEXEC | MEMORY_EXEC), 0);
    if (file == -EINVAL) /* a kernel before 6.3: all of them may be executed */
        file = call_kernel(SYS_memfd_create, area->entry, (void *)MEMORY_CLOEXEC, 0);
    area->open_error = file < 0 ? (int32_t)-file : 0;
    area->file = (int32_t)file;
    area->loader = (int32_t)call_kernel(SYS_gettid, NULL, NULL, 0);
    if (file < 0)
        return;
    __atomic_store_n(&area->stage, HTRAIL__AREA_WANTS_FILE, __ATOMIC_RELEASE);
    for (int tries = 0; tries < HEARD_TRIES && __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) == HTRAIL__AREA_WAITS; tries++)
        (void)call_kernel(SYS_nanosleep, area->nap, NULL, 0);
    if (__atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) != HTRAIL__AREA_FILLED)
        area->open_error = ETIMEDOUT;
    else
        __atomic_store_n(&area->answer, HTRAIL__AREA_WAITS, __ATOMIC_RELEASE);
}

/* Called by htrail__remote_work, which gives the area back after it. */
REMOTE void htrail__remote_load(htrail__area *area)
{
    const char *(*attach)(const char *) = NULL;
    const char *error = NULL;

    __atomic_store_n(&area->stage, HTRAIL__AREA_LOADING, __ATOMIC_RELEASE);
    void *library = NULL;
    /* An empty table of files of our own: the program sees none of ours, and none of its own
     * stays open because of us. Without (an old kernel, a filter) its table has to do. */
    (void)call_kernel(SYS_close_range, (void *)0, (void *)(uintptr_t)UINT32_MAX, UNSHARE_TABLE);
    if (area->library[0] == '\0')
        open_file(area);
    if (area->open_error == 0 && __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) != HTRAIL__AREA_GIVEN_UP)
        library = area->dlopen(area->library, RTLD_NOW | RTLD_LOCAL);
    if (area->file >= 0)
        (void)call_kernel(SYS_close, (void *)(intptr_t)area->file, NULL, 0);
    if (library != NULL)
        *(void **)&attach = area->dlsym(library, area->entry);
    bool given_up = __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) == HTRAIL__AREA_GIVEN_UP;
    if (attach != NULL && !given_up)
        error = attach(area->settings);
    else if (!given_up && area->open_error == 0)
        error = area->dlerror();
    size_t used = 0;
    for (; error != NULL && error[used] != '\0' && used + 1 < sizeof area->error; used++)
        ((volatile char *)area->error)[used] = error[used];
    if (library != NULL && (attach == NULL || given_up || error != NULL))
        (void)area->dlclose(library);
    __atomic_store_n(&area->stage, attach != NULL && error == NULL ? HTRAIL__AREA_DONE : HTRAIL__AREA_FAILED, __ATOMIC_RELEASE);
    for (int tries = 0; tries < HEARD_TRIES && __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) == HTRAIL__AREA_WAITS; tries++)
        (void)call_kernel(SYS_nanosleep, area->nap, NULL, 0);
    /* The thread that started this one has its stack in the area. */
    while (__atomic_load_n(&area->alive, __ATOMIC_ACQUIRE) != 0)
        (void)call_kernel(SYS_nanosleep, area->nap, NULL, 0);
}
