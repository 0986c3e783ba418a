/* events.c - atexit, and two slots of the type MemoryError. */
#include "capture/python/cpython.h"

#include "capture/python/events.h"

static void (*tell_exit)(void), (*tell_memory_error)(void);
static newfunc make_memory_error;
static int told_memory_error;
#if PY_VERSION_HEX >= 0x030C0000
static destructor free_memory_error;
#elif PY_VERSION_HEX < 0x03000000
static PyObject *memory_error_in_advance;
#endif

static void memory_error_met(void)
{
    told_memory_error = 1;
    tell_memory_error();
}

static PyObject *memory_error_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    memory_error_met();
    PyObject *made = make_memory_error(type, args, kwargs);
#if PY_VERSION_HEX < 0x03000000
    if (!made && type == (PyTypeObject *)PyExc_MemoryError) {
        PyErr_Clear();
        made = memory_error_in_advance;
        Py_INCREF(made);
    }
#endif
    return made;
}

#if PY_VERSION_HEX >= 0x030C0000
/* Alive once more while others look: it holds what the traceback holds. */
static void memory_error_dealloc(PyObject *o)
{
    if (Py_TYPE(o) == (PyTypeObject *)PyExc_MemoryError) {
        Py_SET_REFCNT(o, 1);
        memory_error_met();
        Py_SET_REFCNT(o, Py_REFCNT(o) - 1);
        if (Py_REFCNT(o) > 0)
            return;
    }
    free_memory_error(o);
}
#endif

static PyObject *program_ends(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
#if PY_VERSION_HEX >= 0x030C0000
    /* One that nobody caught is kept for the debugger, and was not freed. */
    PyObject *last = tell_memory_error && !told_memory_error ? PySys_GetObject("last_exc") : NULL;
    if (last && PyObject_TypeCheck(last, (PyTypeObject *)PyExc_MemoryError))
        memory_error_met();
#endif
    if (tell_exit)
        tell_exit();
    Py_INCREF(Py_None);
    return Py_None;
}

static PyMethodDef program_ends_method = {"heaptrail", program_ends, METH_NOARGS, NULL};

static int register_at_exit(void)
{
    int is_registered = 0;
    PyObject *function = PyCFunction_NewEx(&program_ends_method, NULL, NULL), *module = NULL, *result = NULL;
    if (!function)
        goto done;
#if PY_VERSION_HEX < 0x03000000
    /* Before atexit is imported, sys.exitfunc is the hook; atexit takes it over as its first. */
    if (!PySys_GetObject("exitfunc")) {
        is_registered = PySys_SetObject("exitfunc", function) == 0;
        goto done;
    }
#endif
    module = PyImport_ImportModule("atexit");
    result = module ? PyObject_CallMethod(module, "register", "O", function) : NULL;
    is_registered = result != NULL;
done:
    PyErr_Clear();
    Py_XDECREF(result);
    Py_XDECREF(module);
    Py_XDECREF(function);
    return is_registered;
}

int htrail__events_tell(void (*at_exit)(void), void (*memory_error)(void))
{
    PyTypeObject *type = (PyTypeObject *)PyExc_MemoryError;
    PyObject *raised[3];
    int is_done = 1;
    /* 2.7 and 3.6 call themselves initialised long before they are. */
    if (!PyDict_GetItemString(PyImport_GetModuleDict(), "__main__"))
        return 0;
    tell_exit = at_exit;
    tell_memory_error = memory_error;
    PyErr_Fetch(&raised[0], &raised[1], &raised[2]);
    if (memory_error && type->tp_new != memory_error_new) {
        make_memory_error = type->tp_new;
        type->tp_new = memory_error_new;
#if PY_VERSION_HEX >= 0x030C0000
        free_memory_error = type->tp_dealloc;
        type->tp_dealloc = memory_error_dealloc;
#elif PY_VERSION_HEX < 0x03000000
        /* Without one made in advance it is made when it is needed, by the function above. */
        memory_error_in_advance = PyExc_MemoryErrorInst;
        PyExc_MemoryErrorInst = NULL;
#endif
    }
    if (at_exit || (memory_error && PY_VERSION_HEX >= 0x030C0000))
        is_done = register_at_exit();
    PyErr_Restore(raised[0], raised[1], raised[2]);
    return is_done;
}
