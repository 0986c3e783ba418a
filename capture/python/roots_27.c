/* roots_27.c - the roots of CPython 2.7 that are fields of the interpreter, and the functions to be
 * called at exit: module atexit is Python code there, with a list that its own function
 * holds, which the interpreter calls as sys.exitfunc. */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION < 3

#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/roots.h"
#include "capture/python/thread.h"

enum { COPIES_MAX = 100000 };

static PyObject *exit_handlers_of(PyObject *function)
{
    if (!function || !PyFunction_Check(function))
        return NULL;
    PyObject *list = htrail__name_find(((PyFunctionObject *)function)->func_globals, "_exithandlers", NULL);
    return list && PyList_CheckExact(list) ? list : NULL;
}

/* A module atexit that finds a sys.exitfunc has it called last: its first item is then the function of
 * a copy of atexit that was imported before. */
static PyObject *function_before(PyObject *list)
{
    PyObject *item = PyList_GET_SIZE(list) > 0 ? PyList_GET_ITEM(list, 0) : NULL;
    return item && PyTuple_CheckExact(item) && PyTuple_GET_SIZE(item) > 0 ? PyTuple_GET_ITEM(item, 0) : NULL;
}

static void atexit_callbacks(htrail__walk *k)
{
    PyObject *function = htrail__name_find(k->interp->sysdict, "exitfunc", NULL), *list;
    htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, function, "sys.exitfunc");
    for (int copy = 0; copy < COPIES_MAX && (list = exit_handlers_of(function)) != NULL; copy++) {
        htrail__roots_object(k, HTRAIL_ROOT_ATEXIT, list, "atexit._exithandlers"); /* of each copy the same */
        function = function_before(list);
    }
}

void htrail__roots_of_interpreter(htrail__walk *k)
{
    const PyInterpreterState *interp = k->interp;
    htrail__roots_object(k, HTRAIL_ROOT_MODULES, interp->modules, "modules");
    atexit_callbacks(k);
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_search_path, "search_path");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_search_cache, "search_cache");
    htrail__roots_object(k, HTRAIL_ROOT_CODECS, interp->codec_error_registry, "error_registry");
    htrail__roots_object(k, HTRAIL_ROOT_BUILTINS, interp->builtins, "builtins");
    htrail__roots_object(k, HTRAIL_ROOT_SYS, interp->sysdict, "sysdict");
    htrail__roots_object(k, HTRAIL_ROOT_INTERPRETER, interp->modules_reloading, "modules_reloading");
}

void htrail__roots_of_thread(htrail__walk *k, PyThreadState *thread)
{
    htrail__thread_add(k, thread);
    htrail__roots_add_frames(k, thread);
    if (thread->exc_value && thread->exc_value != Py_None) { /* None: no exception, and no root of None */
        htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->exc_value, "being handled");
        htrail__thread_add_root(k, thread, HTRAIL_ROOT_EXCEPTION, thread->exc_traceback, "being handled, traceback");
    }
    const struct {
        uint32_t kind;
        PyObject *object;
        const char *name;
    } fields[] = {
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_type, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_value, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->curexc_traceback, "being raised"},
        {HTRAIL_ROOT_EXCEPTION, thread->async_exc, "asynchronous"},
        {HTRAIL_ROOT_THREAD, thread->dict, "dict"},
        {HTRAIL_ROOT_THREAD, thread->c_profileobj, "profile"},
        {HTRAIL_ROOT_THREAD, thread->c_traceobj, "trace"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        htrail__thread_add_root(k, thread, fields[i].kind, fields[i].object, fields[i].name);
}

#endif
