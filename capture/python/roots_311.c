/* roots_311.c - the roots of CPython 3.11, 3.12 and 3.13: fields of the interpreter state, of each thread
 * state, and the running frames. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x030b0000

#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/refs.h"
#include "capture/python/roots.h"
#include "capture/python/thread.h"
#include "capture/python/type.h"

#include <stdio.h>
#include <string.h>

static void atexit_callbacks(htrail__walk *k)
{
    const struct atexit_state *state = &k->interp->atexit;
    char name[64];
    for (int i = 0; i < state->ncallbacks; i++) {
#if PY_VERSION_HEX >= 0x030c0000
        const atexit_py_callback *callback = state->callbacks[i];
#else
        const atexit_callback *callback = state->callbacks[i];
#endif
        if (!callback)
            continue;
        snprintf(name, sizeof name, "callback %d of %d", i + 1, state->ncallbacks);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->func, name);
        snprintf(name, sizeof name, "callback %d of %d, arguments", i + 1, state->ncallbacks);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->args, name);
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, callback->kwargs, name);
    }
}

#if PY_VERSION_HEX >= 0x030c0000
/* The interpreter's own types, which need not be in any namespace, in the order in which they were made. */
static void static_types(htrail__walk *k)
{
#if PY_VERSION_HEX >= 0x030d0000
    for (size_t i = 0; i < _Py_MAX_MANAGED_STATIC_EXT_TYPES; i++)
        if (k->interp->types.for_extensions.initialized[i].type)
            htrail__walk_from(k, (PyObject *)k->interp->types.for_extensions.initialized[i].type);
    for (size_t i = 0; i < k->interp->types.builtins.num_initialized && i < _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES; i++)
        htrail__walk_from(k, (PyObject *)k->interp->types.builtins.initialized[i].type);
#else
    for (size_t i = 0; i < k->interp->types.num_builtins_initialized && i < _Py_MAX_STATIC_BUILTIN_TYPES; i++)
        htrail__walk_from(k, (PyObject *)k->interp->types.builtins[i].type);
#endif
}
#endif

void htrail__roots_of_interpreter(htrail__walk *k)
{
    PyInterpreterState *interp = k->interp;
#if PY_VERSION_HEX >= 0x030c0000
    const struct _import_state *import = &interp->imports;
    const struct type_cache *types = &interp->types.type_cache;
#else
    const PyInterpreterState *import = interp;
    const struct type_cache *types = &interp->type_cache;
#endif
    htrail__roots_object(k, HTRAIL_ROOT_MODULES, import->modules, "modules");
    htrail__roots_object(k, HTRAIL_ROOT_ATFORK, interp->before_forkers, "before");
    htrail__roots_object(k, HTRAIL_ROOT_ATFORK, interp->after_forkers_parent, "after_in_parent");
    htrail__roots_object(k, HTRAIL_ROOT_ATFORK, interp->after_forkers_child, "after_in_child");
    atexit_callbacks(k);
#if PY_VERSION_HEX >= 0x030d0000
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codecs.search_path, "search_path");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codecs.search_cache, "search_cache");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codecs.error_registry, "error_registry");
#else
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_search_path, "search_path");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_search_cache, "search_cache");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_error_registry, "error_registry");
#endif
    htrail__roots_object(k, HTRAIL_ROOT_BUILTINS, interp->builtins, "builtins");
    htrail__roots_object(k, HTRAIL_ROOT_BUILTINS, interp->builtins_copy, "builtins_copy");
    htrail__roots_object(k, HTRAIL_ROOT_SYS, interp->sysdict, "sysdict");
    const struct {
        PyObject *object;
        const char *name;
    } fields[] = {
        {import->modules_by_index, "modules_by_index"},
        {import->importlib, "importlib"},
        {import->import_func, "import_func"},
        {interp->dict, "dict"},
        {interp->audit_hooks, "audit_hooks"},
        {interp->warnings.filters, "warnings.filters"},
        {interp->warnings.once_registry, "warnings.once_registry"},
        {interp->warnings.default_action, "warnings.default_action"},
        {interp->gc.garbage, "gc.garbage"},
        {interp->gc.callbacks, "gc.callbacks"},
        {interp->exc_state.errnomap, "errnomap"},
        {interp->exc_state.PyExc_ExceptionGroup, "ExceptionGroup"},
#if PY_VERSION_HEX >= 0x030c0000
        {interp->sysdict_copy, "sysdict_copy"},
        {interp->cached_objects.str_replace_inf, "str_replace_inf"},
        {interp->cached_objects.objreduce, "objreduce"},
        {interp->cached_objects.type_slots_pname, "type_slots_pname"},
        {(PyObject *)interp->cached_objects.generic_type, "Generic"},
        {(PyObject *)interp->cached_objects.typevar_type, "TypeVar"},
        {(PyObject *)interp->cached_objects.typevartuple_type, "TypeVarTuple"},
        {(PyObject *)interp->cached_objects.paramspec_type, "ParamSpec"},
        {(PyObject *)interp->cached_objects.paramspecargs_type, "ParamSpecArgs"},
        {(PyObject *)interp->cached_objects.paramspeckwargs_type, "ParamSpecKwargs"},
#endif
#if PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000
        {(PyObject *)interp->interpreter_trampoline, "interpreter_trampoline"},
#endif
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, fields[i].object, fields[i].name);
    for (Py_ssize_t i = 0; i < interp->unicode.ids.size; i++)
        htrail__roots_object_if_new(k, interp->unicode.ids.array[i], "identifier");
    for (size_t i = 0; i < sizeof types->hashtable / sizeof *types->hashtable; i++)
        htrail__roots_object_if_new(k, types->hashtable[i].name, "type cache");
#if PY_VERSION_HEX >= 0x030c0000
    for (int tool = 0; tool < PY_MONITORING_TOOL_IDS; tool++) {
        htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, interp->monitoring_tool_names[tool], "sys.monitoring, name of a tool");
        for (int event = 0; event < _PY_MONITORING_EVENTS; event++)
            htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, interp->monitoring_callables[tool][event], "sys.monitoring, callback");
    }
    static_types(k);
#endif
#if PY_VERSION_HEX >= 0x030d0000
    bool has_ast = interp->ast.AST_type != NULL && !interp->ast.finalized;
#else
    bool has_ast = interp->ast.initialized;
#endif
    if (has_ast) {
        PyObject *const *first = &interp->ast.AST_type;
        size_t count = (sizeof interp->ast - offsetof(struct ast_state, AST_type)) / sizeof *first;
        for (size_t i = 0; i < count; i++)
            htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, first[i], "ast");
    }
}

/* ---- threads ---- */

static void frame_root(htrail__walk *k, PyThreadState *thread, const _PyInterpreterFrame *frame, htrail_id object, uint32_t depth)
{
    PyCodeObject *code = htrail__layout_frame_code(frame);
    long lasti = (long)htrail__layout_frame_unit(frame) * (long)sizeof(_Py_CODEUNIT);
    htrail__thread_add_frame(k, thread, code, lasti < 0 ? 0 : PyCode_Addr2Line(code, (int)lasti), object, depth);
}

/* A frame that runs in a generator is part of the generator; any other one that runs is
 * memory of the thread, and an object of the file's own. */
static void frames(htrail__walk *k, PyThreadState *thread)
{
    uint32_t depth = 0;
    for (_PyInterpreterFrame *frame = htrail__layout_thread_frame(thread); frame && k->status == HTRAIL_OK; frame = frame->previous) {
        const PyCodeObject *code = htrail__layout_frame_code(frame);
        if (!code)
            continue;
        if (frame->owner == FRAME_OWNED_BY_GENERATOR) {
            PyObject *generator = (PyObject *)((char *)frame - offsetof(PyGenObject, gi_iframe));
            htrail__walk_from(k, generator);
            htrail__walk_begin_pseudo(k); /* it was added when the depth of its stack could not be told: not everything on it was met */
            htrail__push_running_stack(k, frame);
            htrail__walk_add_part(k, (htrail_id)(uintptr_t)generator);
            frame_root(k, thread, frame, (htrail_id)(uintptr_t)generator, depth++);
            continue;
        }
        htrail_id id = (htrail_id)(uintptr_t)frame;
        if (htrail__seen_set(&k->seen, (uintptr_t)frame, SEEN_MET) & SEEN_MET)
            continue;
        htrail__walk_begin_pseudo(k);
        htrail__type_add_row(k, &PyFrame_Type);
        k->object.id = id;
        k->object.type = (htrail_id)(uintptr_t)&PyFrame_Type;
        htrail__push_interpreter_frame(k, frame);
        htrail__push_running_stack(k, frame);
        uint64_t words = (uint64_t)code->co_nlocalsplus + (uint64_t)code->co_stacksize;
        htrail__walk_add_pseudo(k, id, (htrail_id)(uintptr_t)&PyFrame_Type,
                                offsetof(_PyInterpreterFrame, localsplus) + words * sizeof(PyObject *), 0);
        frame_root(k, thread, frame, id, depth++);
    }
}

void htrail__roots_of_thread(htrail__walk *k, PyThreadState *thread)
{
    htrail__thread_add(k, thread);
    frames(k, thread);
#if PY_VERSION_HEX >= 0x030c0000
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->current_exception, "being raised");
#else
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->curexc_type, "being raised");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->curexc_value, "being raised");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->curexc_traceback, "being raised");
#endif
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->async_exc, "asynchronous");
    for (_PyErr_StackItem *item = thread->exc_info; item; item = item->previous_item)
        if (item->exc_value != Py_None) /* None: no exception, and no root of None */
            htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, item->exc_value, "being handled");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_CONTEXT, thread->context, "context");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->dict, "dict");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->c_profileobj, "profile");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->c_traceobj, "trace");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->async_gen_firstiter, "async_gen_firstiter");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->async_gen_finalizer, "async_gen_finalizer");
#if PY_VERSION_HEX >= 0x030d0000
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->threading_local_key, "threading.local key");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->threading_local_sentinel, "threading.local sentinel");
    htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, ((const _PyThreadStateImpl *)(const void *)thread)->asyncio_running_loop, "asyncio running loop");
#else
    if (thread->on_delete) /* Modules/_threadmodule.c: a weak reference to the thread's lock */
        htrail__thread_add_root(k, thread, HTRAIL_ROOT_THREAD, thread->on_delete_data, "on_delete");
#endif
}

#endif
