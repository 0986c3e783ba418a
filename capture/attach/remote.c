/* capture/attach/remote.c - what runs inside the process that is entered. It is copied there
 * byte for byte: no call but through the area, no constant in memory, no variable outside.
 *
 * bootstrap runs in a thread that clone made and that the C library does not know. It gets
 * thread-local memory as the loader gives it to any thread, starts a proper thread with
 * pthread_create, and ends. Whatever lock another thread holds, nobody waits but us. */
#include <dlfcn.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "capture/attach/area.h"

#define REMOTE __attribute__((section("htrail_remote"), used, noinline, no_sanitize("address", "undefined", "thread"), \
                              optimize("no-stack-protector", "no-tree-loop-distribute-patterns", "no-jump-tables")))

enum { HEARD_TRIES = 2000 }; /* naps */

#if defined __x86_64__
static inline __attribute__((always_inline)) long call_kernel(long number, const void *a, const void *b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
static inline __attribute__((always_inline)) long call_kernel(long number, const void *a, const void *b)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = (long)a;
    register long x1 __asm__("x1") = (long)b;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
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
        (void)call_kernel(SYS_exit, NULL, NULL);
}

/* Called by htrail__remote_work, which gives the area back after it. */
REMOTE void htrail__remote_load(htrail__area *area)
{
    const char *(*attach)(const char *) = NULL;
    const char *error = NULL;

    __atomic_store_n(&area->stage, HTRAIL__AREA_LOADING, __ATOMIC_RELEASE);
    void *library = NULL;
    if (__atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) != HTRAIL__AREA_GIVEN_UP)
        library = area->dlopen(area->library, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL)
        *(void **)&attach = area->dlsym(library, area->entry);
    bool given_up = __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) == HTRAIL__AREA_GIVEN_UP;
    if (attach != NULL && !given_up)
        error = attach(area->settings);
    else if (!given_up)
        error = area->dlerror();
    size_t used = 0;
    for (; error != NULL && error[used] != '\0' && used + 1 < sizeof area->error; used++)
        ((volatile char *)area->error)[used] = error[used];
    if (library != NULL && (attach == NULL || given_up || error != NULL))
        (void)area->dlclose(library);
    __atomic_store_n(&area->stage, attach != NULL && error == NULL ? HTRAIL__AREA_DONE : HTRAIL__AREA_FAILED, __ATOMIC_RELEASE);
    for (int tries = 0; tries < HEARD_TRIES && __atomic_load_n(&area->answer, __ATOMIC_ACQUIRE) == HTRAIL__AREA_WAITS; tries++)
        (void)call_kernel(SYS_nanosleep, area->nap, NULL);
    /* The thread that started this one has its stack in the area. */
    while (__atomic_load_n(&area->alive, __ATOMIC_ACQUIRE) != 0)
        (void)call_kernel(SYS_nanosleep, area->nap, NULL);
}
