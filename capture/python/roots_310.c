/* roots_310.c - the roots of CPython 3.6 to 3.10: fields of the interpreter state and of each
 * thread state. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x03060000 && PY_VERSION_HEX < 0x030b0000

#include "capture/python/layout.h"
#include "capture/python/roots.h"
#include "capture/python/thread.h"

#include <stdio.h>
#include <string.h>

/* In 3.10 they are in C memory. Before, the module atexit holds them, as its m_traverse tells;
 * it is a root where the interpreter would call it. */
static void atexit_callbacks(htrail__walk *k)
{
#if PY_VERSION_HEX >= 0x030a0000
    const struct atexit_state *state = &k->interp->atexit;
    char name[64];
    for (int i = 0; i < state->ncallbacks; i++) {
        const atexit_callback *callback = state->callbacks[i];
        if (!callback)
            continue;
        snprintf(name, sizeof name, "callback %d of %d", i + 1, state->ncallbacks);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->func, name);
        snprintf(name, sizeof name, "callback %d of %d, arguments", i + 1, state->ncallbacks);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->args, name);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->kwargs, name);
    }
#elif PY_VERSION_HEX >= 0x03070000
    htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, k->interp->pyexitmodule, "module");
#endif
}

/* Modules that are initialised once: their definition keeps a copy of the dict, for another
 * interpreter. In 3.6 only this list says which module atexit is. */
static void static_modules(htrail__walk *k)
{
    PyObject *modules = k->interp->modules_by_index;
    for (Py_ssize_t i = 0; modules && PyList_CheckExact(modules) && i < PyList_GET_SIZE(modules); i++) {
        PyObject *o = PyList_GET_ITEM(modules, i);
        const struct PyModuleDef *definition = PyModule_Check(o) ? ((PyModuleObject *)o)->md_def : NULL;
        if (!definition)
            continue;
        htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, definition->m_base.m_copy, "copy of a module's dict");
        if (PY_VERSION_HEX < 0x03070000 && definition->m_name && strcmp(definition->m_name, "atexit") == 0)
            htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, o, "module");
    }
}

#if PY_VERSION_HEX >= 0x030a0000
static void caches(htrail__walk *k)
{
    PyInterpreterState *interp = k->interp;
    for (Py_ssize_t i = 0; i < interp->unicode.ids.size; i++)
        htrail__roots_object_if_new(k, interp->unicode.ids.array[i], "identifier");
    for (size_t i = 0; i < sizeof interp->type_cache.hashtable / sizeof *interp->type_cache.hashtable; i++)
        htrail__roots_object_if_new(k, interp->type_cache.hashtable[i].name, "type cache");
    if (!interp->ast.initialized)
        return;
    PyObject *const *first = &interp->ast.AST_type;
    size_t count = (sizeof interp->ast - offsetof(struct ast_state, AST_type)) / sizeof *first;
    for (size_t i = 0; i < count; i++)
        htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, first[i], "ast");
}
#endif

void htrail__roots_of_interpreter(htrail__walk *k)
{
    PyInterpreterState *interp = k->interp;
    htrail__roots_object(k, HTRAIL_ROOT_MODULES, interp->modules, "modules");
    atexit_callbacks(k);
    static_modules(k);
    const struct {
        uint32_t kind;
        PyObject *object;
        const char *name;
    } fields[] = {
#if PY_VERSION_HEX >= 0x03070000
        {HTRAIL_ROOT_ATFORK, interp->before_forkers, "before"},
        {HTRAIL_ROOT_ATFORK, interp->after_forkers_parent, "after_in_parent"},
        {HTRAIL_ROOT_ATFORK, interp->after_forkers_child, "after_in_child"},
#endif
        {HTRAIL_ROOT_CODECS, interp->codec_search_path, "search_path"},
        {HTRAIL_ROOT_CODECS, interp->codec_search_cache, "search_cache"},
        {HTRAIL_ROOT_CODECS, interp->codec_error_registry, "error_registry"},
        {HTRAIL_ROOT_BUILTINS, interp->builtins, "builtins"},
        {HTRAIL_ROOT_BUILTINS, interp->builtins_copy, "builtins_copy"},
        {HTRAIL_ROOT_SYS, interp->sysdict, "sysdict"},
        {HTRAIL_ROOT_INTERPRETER, interp->modules_by_index, "modules_by_index"},
        {HTRAIL_ROOT_INTERPRETER, interp->importlib, "importlib"},
        {HTRAIL_ROOT_INTERPRETER, interp->import_func, "import_func"},
#if PY_VERSION_HEX >= 0x03080000
        {HTRAIL_ROOT_INTERPRETER, interp->dict, "dict"},
        {HTRAIL_ROOT_INTERPRETER, interp->audit_hooks, "audit_hooks"},
        {HTRAIL_ROOT_INTERPRETER, interp->warnings.filters, "warnings.filters"},
        {HTRAIL_ROOT_INTERPRETER, interp->warnings.once_registry, "warnings.once_registry"},
        {HTRAIL_ROOT_INTERPRETER, interp->warnings.default_action, "warnings.default_action"},
#elif PY_VERSION_HEX >= 0x03070000
        {HTRAIL_ROOT_INTERPRETER, _PyRuntime.warnings.filters, "warnings.filters"},
        {HTRAIL_ROOT_INTERPRETER, _PyRuntime.warnings.once_registry, "warnings.once_registry"},
        {HTRAIL_ROOT_INTERPRETER, _PyRuntime.warnings.default_action, "warnings.default_action"},
#endif
#if PY_VERSION_HEX >= 0x03070000
        {HTRAIL_ROOT_INTERPRETER, htrail__layout_gc(interp)->garbage, "gc.garbage"},
        {HTRAIL_ROOT_INTERPRETER, htrail__layout_gc(interp)->callbacks, "gc.callbacks"},
#endif
#if PY_VERSION_HEX >= 0x030a0000
        {HTRAIL_ROOT_INTERPRETER, interp->exc_state.errnomap, "errnomap"},
#endif
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        htrail__roots_object(k, fields[i].kind, fields[i].object, fields[i].name);
#if PY_VERSION_HEX >= 0x030a0000
    caches(k);
#endif
}

static void handled(htrail__walk *k, PyThreadState *thread, PyObject *value, PyObject *traceback)
{
    if (!value || value == Py_None) /* no exception, and no root of None */
        return;
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, value, "being handled");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, traceback, "being handled, traceback");
}

void htrail__roots_of_thread(htrail__walk *k, PyThreadState *thread)
{
    htrail__thread_add(k, thread);
    htrail__roots_add_frames(k, thread);
#if PY_VERSION_HEX >= 0x03070000
    for (_PyErr_StackItem *item = thread->exc_info; item; item = item->previous_item)
        handled(k, thread, item->exc_value, item->exc_traceback);
#else
    handled(k, thread, thread->exc_value, thread->exc_traceback);
#endif
    const struct {
        uint32_t kind;
        PyObject *object;
        const char *name;
    } fields[] = {
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_type, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_value, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_traceback, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->async_exc, "asynchronous"},
#if PY_VERSION_HEX >= 0x03070000
        {HTRAIL_ROOT_CONTEXT, thread->context, "context"},
#endif
        {HTRAIL_ROOT_THREAD, thread->dict, "dict"},
        {HTRAIL_ROOT_THREAD, thread->c_profileobj, "profile"},
        {HTRAIL_ROOT_THREAD, thread->c_traceobj, "trace"},
        {HTRAIL_ROOT_THREAD, thread->async_gen_firstiter, "async_gen_firstiter"},
        {HTRAIL_ROOT_THREAD, thread->async_gen_finalizer, "async_gen_finalizer"},
#if PY_VERSION_HEX < 0x03080000
        {HTRAIL_ROOT_THREAD, thread->coroutine_wrapper, "coroutine_wrapper"},
#endif
        {HTRAIL_ROOT_THREAD, thread->on_delete ? thread->on_delete_data : NULL, "on_delete"}, /* a weak reference to the thread's lock */
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        htrail__thread_add_root(k, thread, fields[i].kind, fields[i].object, fields[i].name);
}

#endif
