/* capture/agent/interpreter.c - the GIL, by dlsym. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/agent/interpreter.h"

enum { LOOK_NS = 50 * 1000 * 1000, MEMORY_WAIT_NS = 10 * 1000 * 1000 };

struct built_in {
    const char *name;
    void *(*init)(void);
};

static struct {
    int (*is_initialized)(void);
    int (*is_finalizing)(void);
    void **finalizing_thread; /* 3.6 */
    const char *(*version)(void);
    int (*append_inittab)(const char *, void *(*)(void));
    struct built_in **inittab;
    int (*add_pending_call)(int (*)(void *), void *);
    int (*threads_initialized)(void);
    void *(*main_interpreter)(void);
    void *(*thread_state_new)(void *);
    void (*thread_state_clear)(void *);
    void (*thread_state_delete_current)(void);
    void (*restore_thread)(void *);
    void *(*save_thread)(void);
} python;

/* The agent's thread in the interpreter, from attach to leave. */
static _Atomic(void *) thread_state;
static atomic_bool has_run;
static enum { HOLDS_NOTHING, HOLDS_GIL, HOLDS_MAIN_THREAD, HOLDS_LOAN } holds;
static bool (*given_up)(void);

/* The main thread comes by appointment: number is that of the call which is waited for, 0 for
 * none. A call whose number is another's goes away again at once. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_made;
    uintptr_t number, last_number;
    bool here, go_on, lent;
} visit = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t queueing = PTHREAD_MUTEX_INITIALIZER; /* held while the interpreter's queue is locked by us */

/* C has no cast from a data pointer to a function pointer; POSIX promises that it works. */
#define LOOK_UP(member, name) \
    (*(void **)&python.member = dlsym(RTLD_DEFAULT, name), python.member != NULL)

static void make_visit(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&visit.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    visit.is_made = true;
}

bool htrail__interpreter_find(void)
{
    if (!LOOK_UP(is_initialized, "Py_IsInitialized"))
        return false;
    if (!LOOK_UP(is_finalizing, "Py_IsFinalizing") && !LOOK_UP(is_finalizing, "_Py_IsFinalizing"))
        (void)LOOK_UP(finalizing_thread, "_Py_Finalizing"); /* neither on 2.7 */
    (void)LOOK_UP(threads_initialized, "PyEval_ThreadsInitialized");
    if (!visit.is_made)
        make_visit();
    return LOOK_UP(version, "Py_GetVersion") && LOOK_UP(append_inittab, "PyImport_AppendInittab") &&
           LOOK_UP(inittab, "PyImport_Inittab") && LOOK_UP(add_pending_call, "Py_AddPendingCall") &&
           LOOK_UP(thread_state_new, "PyThreadState_New") && LOOK_UP(thread_state_clear, "PyThreadState_Clear") &&
           LOOK_UP(thread_state_delete_current, "PyThreadState_DeleteCurrent") &&
           LOOK_UP(restore_thread, "PyEval_RestoreThread") && LOOK_UP(save_thread, "PyEval_SaveThread") &&
           (LOOK_UP(main_interpreter, "PyInterpreterState_Main") || LOOK_UP(main_interpreter, "PyInterpreterState_Head"));
}

int htrail__interpreter_version(void)
{
    char *end;
    long major = strtol(python.version(), &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return (int)(major << 8 | minor);
}

bool htrail__interpreter_add_module(const char *name, void *(*init)(void))
{
    return !python.is_initialized() && python.append_inittab(name, init) == 0;
}

static struct {
    void *(*init)(void);
    int (*arrived)(void *);
    atomic_bool done;
} watched;

static void *init_watched(void)
{
    if (!atomic_exchange(&watched.done, true))
        (void)htrail__interpreter_on_main_thread(watched.arrived, NULL);
    return watched.init();
}

bool htrail__interpreter_on_import(const char *name, int (*arrived)(void *unused))
{
    if (python.is_initialized())
        return false;
    for (struct built_in *at = *python.inittab; at->name != NULL; at++)
        if (strcmp(at->name, name) == 0 && at->init != NULL) {
            watched.init = at->init;
            watched.arrived = arrived;
            at->init = init_watched;
            return true;
        }
    return false;
}

htrail__interpreter_state htrail__interpreter_state_get(void)
{
    if (python.is_finalizing != NULL ? python.is_finalizing() : python.finalizing_thread != NULL && *python.finalizing_thread != NULL)
        return HTRAIL__INTERPRETER_ENDS;
    if (python.is_initialized()) {
        atomic_store(&has_run, true);
        return HTRAIL__INTERPRETER_RUNS;
    }
    /* 2.7 says no more than this. */
    return python.is_finalizing == NULL && atomic_load(&has_run) ? HTRAIL__INTERPRETER_ENDS : HTRAIL__INTERPRETER_NOT_YET;
}

bool htrail__interpreter_on_main_thread(int (*call)(void *), void *arg)
{
    pthread_mutex_lock(&queueing);
    bool is_queued = python.add_pending_call(call, arg) == 0;
    pthread_mutex_unlock(&queueing);
    return is_queued;
}

/* Before its first thread, 2.7 and 3.6 leave the lock of their queue to the child as it was. */
void htrail__interpreter_before_fork(void) { pthread_mutex_lock(&queueing); }
void htrail__interpreter_after_fork(void) { pthread_mutex_unlock(&queueing); }

bool htrail__interpreter_needs_main_thread(void)
{
    return python.threads_initialized != NULL && !python.threads_initialized();
}

bool htrail__interpreter_attach(void)
{
    if (atomic_load(&thread_state) != NULL)
        return true;
    if (htrail__interpreter_state_get() != HTRAIL__INTERPRETER_RUNS)
        return false;
    if (htrail__interpreter_needs_main_thread())
        return true;
    void *interpreter = python.main_interpreter();
    void *state = interpreter ? python.thread_state_new(interpreter) : NULL;
    atomic_store(&thread_state, state);
    return state != NULL;
}

void htrail__interpreter_forget(void)
{
    atomic_store(&thread_state, NULL);
    holds = HOLDS_NOTHING;
    /* A call that waited in the parent waits here too, and nobody is there whom its main thread could let go
     * on: it finds its number gone. What its locks were is the parent's. */
    pthread_mutex_init(&visit.lock, NULL);
    make_visit();
    visit.number = 0;
    visit.here = visit.lent = false;
}

void htrail__interpreter_give_up_when(bool (*question)(void)) { given_up = question; }

/* The main thread has come. Without a GIL that somebody else could take, its standing still is enough. */
static int stand_still(void *number)
{
    pthread_mutex_lock(&visit.lock);
    if (visit.number == (uintptr_t)number) {
        visit.number = 0;
        visit.here = true;
        visit.go_on = false;
        pthread_cond_broadcast(&visit.changed);
        while (!visit.go_on)
            pthread_cond_wait(&visit.changed, &visit.lock);
        visit.here = false;
    }
    pthread_mutex_unlock(&visit.lock);
    return 0;
}

static void wait_a_little(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&visit.changed, &visit.lock, &until);
}

/* false: nobody wants it any more, or the program has started a thread meanwhile. */
static bool enter_by_main_thread(void)
{
    bool is_queued = false, goes_on = true;
    pthread_mutex_lock(&visit.lock);
    visit.number = ++visit.last_number;
    while (!visit.here && !visit.lent && goes_on) {
        uintptr_t number = visit.number;
        if (!is_queued) { /* may be refused for a moment */
            pthread_mutex_unlock(&visit.lock);
            is_queued = htrail__interpreter_on_main_thread(stand_still, (void *)number);
            pthread_mutex_lock(&visit.lock);
        }
        if (!visit.here && !visit.lent)
            wait_a_little();
        if (!visit.here && !visit.lent)
            goes_on = htrail__interpreter_needs_main_thread() && !(given_up != NULL && given_up());
    }
    visit.number = 0;
    holds = visit.here ? HOLDS_MAIN_THREAD : visit.lent ? HOLDS_LOAN : HOLDS_NOTHING;
    pthread_mutex_unlock(&visit.lock);
    return holds != HOLDS_NOTHING;
}

static void let_main_thread_go(void)
{
    pthread_mutex_lock(&visit.lock);
    visit.go_on = true;
    pthread_cond_broadcast(&visit.changed);
    while (visit.here)
        wait_a_little();
    pthread_mutex_unlock(&visit.lock);
}

void htrail__interpreter_enter(void)
{
    while (htrail__interpreter_needs_main_thread()) {
        if (enter_by_main_thread() || (given_up != NULL && given_up()))
            return;
    }
    while (!htrail__interpreter_attach() || atomic_load(&thread_state) == NULL) {
        if (htrail__interpreter_state_get() == HTRAIL__INTERPRETER_ENDS)
            pthread_exit(NULL);
        nanosleep(&(struct timespec){.tv_nsec = MEMORY_WAIT_NS}, NULL);
    }
    python.restore_thread(atomic_load(&thread_state));
    holds = HOLDS_GIL;
    /* 2.7 lets threads run while it takes itself apart. */
    if (htrail__interpreter_state_get() != HTRAIL__INTERPRETER_RUNS) {
        (void)python.save_thread();
        pthread_exit(NULL);
    }
}

void htrail__interpreter_leave(void)
{
    if (holds == HOLDS_GIL) {
        /* Not kept: of 3.12 and later, which do not let another thread of ours use it. */
        void *state = atomic_exchange(&thread_state, NULL);
        python.thread_state_clear(state);
        python.thread_state_delete_current();
    } else if (holds == HOLDS_MAIN_THREAD) {
        let_main_thread_go();
    }
    holds = HOLDS_NOTHING;
}

void htrail__interpreter_lend(sem_t *done)
{
    void *state = NULL;
    bool by_standing_still = htrail__interpreter_needs_main_thread();
    if (by_standing_still) {
        pthread_mutex_lock(&visit.lock);
        visit.lent = true;
        pthread_cond_broadcast(&visit.changed);
        pthread_mutex_unlock(&visit.lock);
    } else {
        state = python.save_thread();
    }
    while (sem_wait(done) != 0)
        ;
    if (by_standing_still) {
        pthread_mutex_lock(&visit.lock);
        visit.lent = false;
        pthread_mutex_unlock(&visit.lock);
    } else {
        python.restore_thread(state);
    }
}
