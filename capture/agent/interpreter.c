/* capture/agent/interpreter.c - the GIL, by dlsym. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

#include "capture/agent/interpreter.h"

static struct {
    int (*is_initialized)(void);
    int (*is_finalizing)(void);
    int (*append_inittab)(const char *, void *(*)(void));
    int (*at_exit)(void (*)(void));
    void *(*main_interpreter)(void);
    void *(*thread_state_new)(void *);
    void (*restore_thread)(void *);
    void *(*save_thread)(void);
} python;

/* Set by the agent's thread, cleared by the interpreter when it has ended: it frees all
 * thread states then, and a program that embeds Python may start it again. */
static _Atomic(void *) thread_state;
static atomic_bool is_watched;

/* C has no cast from a data pointer to a function pointer; POSIX promises that it works. */
#define LOOK_UP(member, name) \
    (*(void **)&python.member = dlsym(RTLD_DEFAULT, name), python.member != NULL)

bool htrail__interpreter_find(void)
{
    if (!LOOK_UP(is_initialized, "Py_IsInitialized"))
        return false;
    if (!LOOK_UP(is_finalizing, "Py_IsFinalizing"))
        (void)LOOK_UP(is_finalizing, "_Py_IsFinalizing"); /* neither on 2.7 */
    return LOOK_UP(append_inittab, "PyImport_AppendInittab") &&
           LOOK_UP(at_exit, "Py_AtExit") && LOOK_UP(thread_state_new, "PyThreadState_New") &&
           LOOK_UP(restore_thread, "PyEval_RestoreThread") && LOOK_UP(save_thread, "PyEval_SaveThread") &&
           (LOOK_UP(main_interpreter, "PyInterpreterState_Main") || LOOK_UP(main_interpreter, "PyInterpreterState_Head"));
}

bool htrail__interpreter_add_module(const char *name, void *(*init)(void))
{
    return !python.is_initialized() && python.append_inittab(name, init) == 0;
}

htrail__interpreter_state htrail__interpreter_state_get(void)
{
    if (python.is_finalizing != NULL && python.is_finalizing())
        return HTRAIL__INTERPRETER_ENDS;
    return python.is_initialized() ? HTRAIL__INTERPRETER_RUNS : HTRAIL__INTERPRETER_NOT_YET;
}

/* Called at the very end of Py_Finalize. */
static void forget_thread_state(void)
{
    atomic_store(&thread_state, NULL);
    atomic_store(&is_watched, false);
}

void htrail__interpreter_forget(void) { atomic_store(&thread_state, NULL); }

bool htrail__interpreter_attach(void)
{
    if (atomic_load(&thread_state) != NULL)
        return true;
    void *interpreter = htrail__interpreter_state_get() == HTRAIL__INTERPRETER_RUNS ? python.main_interpreter() : NULL;
    void *state = interpreter ? python.thread_state_new(interpreter) : NULL;
    atomic_store(&thread_state, state);
    return state != NULL;
}

void htrail__interpreter_enter(void)
{
    python.restore_thread(atomic_load(&thread_state));
    /* Where no place is free among the exit functions, this life of the interpreter must be
     * the last: true of nearly every program, and of all that fill those places. */
    if (!atomic_exchange(&is_watched, true))
        (void)python.at_exit(forget_thread_state);
}

void htrail__interpreter_leave(void) { python.save_thread(); }
