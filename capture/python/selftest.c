/* selftest.c - see selftest.h. */
#include "capture/python/selftest.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/text.h"

enum { LOOKED_AT = 64 }; /* of a list: its beginning */

/* Only interpreters that check reference counts have it: debug builds, with other heads of objects up to
 * 3.7, and more in what the interpreter keeps later. */
#pragma weak _Py_NegativeRefcount
void _Py_NegativeRefcount(const char *, int, PyObject *);

const char *htrail__selftest_version(void)
{
    if (_Py_NegativeRefcount != NULL)
        return "this interpreter is a debug build, and the walker knows the others alone";
    static const char built[] = Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION) ".";
    if (strncmp(Py_GetVersion(), built, sizeof built - 1) != 0)
        return "this interpreter is not the CPython " Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION)
               " that this build of the walker knows";
    if (strstr(Py_GetVersion(), "free-threading"))
        return "this interpreter has no global interpreter lock, and the walk needs it";
    return NULL;
}

/* What is believed to be a pointer is asked of the kernel before it is followed. */
static bool is_mapped(const void *start, size_t bytes)
{
    const uintptr_t page = 4096, first = (uintptr_t)start & ~(page - 1), end = (uintptr_t)start + bytes;
    unsigned char resident[16];
    return start && (uintptr_t)start % sizeof(void *) == 0 && end > first && end - first <= sizeof resident * page &&
           mincore((void *)first, end - first, resident) == 0;
}

/* Not by flag READY: the collector has objects of types that C code never made ready. */
static bool is_object(const void *o)
{
    return is_mapped(o, sizeof(PyObject)) && is_mapped(Py_TYPE((PyObject *)o), sizeof(PyTypeObject));
}

static bool is_a(const void *o, const PyTypeObject *type)
{
    return is_mapped(o, (size_t)type->tp_basicsize) && Py_TYPE((PyObject *)o) == type;
}

static bool links_hold(PyInterpreterState *interp)
{
    PyGC_Head *lists[HTRAIL__LAYOUT_LISTS];
    htrail__layout_lists(interp, lists);
    for (int i = 0; i < HTRAIL__LAYOUT_LISTS; i++) {
        PyGC_Head *head = lists[i];
        for (int steps = 0; steps < LOOKED_AT; steps++) {
            PyGC_Head *next = _PyGCHead_NEXT(head);
            if (!is_mapped(next, sizeof *next) || _PyGCHead_PREV(next) != head)
                return false;
            head = next;
            if (head == lists[i])
                break;
            if (!is_object(head + 1) || !(Py_TYPE((PyObject *)(head + 1))->tp_flags & Py_TPFLAGS_HAVE_GC))
                return false;
        }
    }
    return true;
}

/* The dict of a module, by what it says its name is: interpreter state, dicts and strings in one. */
static bool is_dict_of(PyObject *dict, const char *module)
{
    PyObject *name = is_a(dict, &PyDict_Type) ? htrail__name_find(dict, "__name__", NULL) : NULL;
    return name && htrail__text_is(name, module);
}

static bool threads_hold(PyInterpreterState *interp)
{
    const PyThreadState *thread = PyInterpreterState_ThreadHead(interp);
    for (int i = 0; thread && i < LOOKED_AT; i++, thread = thread->next) {
        if (!is_mapped(thread, sizeof *thread) || thread->interp != interp)
            return false;
#if PY_VERSION_HEX >= 0x030b0000
        const _PyInterpreterFrame *frame = htrail__layout_thread_frame(thread);
        for (int depth = 0; frame && depth < LOOKED_AT; depth++, frame = frame->previous) {
            if (!is_mapped(frame, sizeof *frame))
                return false;
            const PyCodeObject *code = htrail__layout_frame_code(frame);
            if (code && !is_a(code, &PyCode_Type))
                return false;
        }
#endif
    }
    return true;
}

/* Fields at the beginning, in the middle and at the end of the interpreter's state. */
static bool state_holds(PyInterpreterState *interp)
{
#if PY_VERSION_HEX >= 0x03090000
    if (interp->runtime != &_PyRuntime)
        return false;
#endif
#if PY_VERSION_HEX >= 0x030b0000
    const PyThreadState *first = (const PyThreadState *)&interp->_initial_thread; /* the last field; no thread uses it: zeroes */
    if (interp->threads.head != PyInterpreterState_ThreadHead(interp) || (first->interp != interp && first->interp != NULL))
        return false;
#endif
#if PY_VERSION_HEX >= 0x030c0000
    const htrail__layout_static_state *type = htrail__layout_static_type(interp, &PyType_Type);
    if (!type || !is_a(type->tp_dict, &PyDict_Type) || !is_a(interp->cached_objects.interned_strings, &PyDict_Type))
        return false;
#endif
#if PY_VERSION_HEX >= 0x030d0000
    const _Py_DebugOffsets *said = &_PyRuntime.debug_offsets;
    if (said->free_threaded || said->interpreter_state.size != sizeof *interp || said->thread_state.size != sizeof(PyThreadState) ||
        said->interpreter_frame.size != sizeof(_PyInterpreterFrame))
        return false;
#endif
#if PY_MAJOR_VERSION < 3
    /* The width of a character is of the build, and no size tells it. */
    PyObject *widest = is_dict_of(interp->sysdict, "sys") ? htrail__name_find(interp->sysdict, "maxunicode", NULL) : NULL;
    if (!widest || !PyInt_CheckExact(widest) || (((PyIntObject *)widest)->ob_ival > 0xffff) != (sizeof(Py_UNICODE) > 2))
        return false;
#endif
    return is_dict_of(interp->sysdict, "sys") && is_dict_of(interp->builtins, PY_MAJOR_VERSION < 3 ? "__builtin__" : "builtins") &&
           is_a(htrail__layout_modules(interp), &PyDict_Type);
}

#if PY_VERSION_HEX >= 0x030b0000
enum { CODE_BYTES = offsetof(PyCodeObject, co_code_adaptive) };
#else
enum { CODE_BYTES = sizeof(PyCodeObject) };
#endif

const char *htrail__selftest(PyInterpreterState *interp)
{
    static bool passed;
    if (passed)
        return NULL;
    const struct {
        PyTypeObject *type;
        size_t bytes;
    } sizes[] = {
        {&PyType_Type, sizeof(PyHeapTypeObject)},      {&PyDict_Type, sizeof(PyDictObject)},
        {&PyList_Type, sizeof(PyListObject)},          {&PySet_Type, sizeof(PySetObject)},
        {&PyUnicode_Type, sizeof(PyUnicodeObject)},    {&PyFunction_Type, sizeof(PyFunctionObject)},
        {&PyModule_Type, sizeof(PyModuleObject)},      {&PyCode_Type, CODE_BYTES},
        {&PyCell_Type, sizeof(PyCellObject)},          {&PyMethod_Type, sizeof(PyMethodObject)},
        {&PyCFunction_Type, sizeof(PyCFunctionObject)}, {&_PyWeakref_RefType, sizeof(PyWeakReference)},
        {&PyByteArray_Type, sizeof(PyByteArrayObject)}, {&PyTuple_Type, offsetof(PyTupleObject, ob_item)},
#if PY_MAJOR_VERSION < 3
        {&PyInstance_Type, sizeof(PyInstanceObject)}, {&PyClass_Type, sizeof(PyClassObject)}, {&PyFile_Type, sizeof(PyFileObject)},
        {&PyFrame_Type, sizeof(PyFrameObject)},       {&PyInt_Type, sizeof(PyIntObject)},     {&PyGen_Type, sizeof(PyGenObject)},
#endif
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if ((size_t)sizes[i].type->tp_basicsize != sizes[i].bytes || Py_TYPE(sizes[i].type) != &PyType_Type)
            return "this interpreter lays out its objects in a way that this build of the walker does not know";
    if (!interp || !state_holds(interp) || !links_hold(interp) || !threads_hold(interp))
        return "this interpreter keeps its state in a way that this build of the walker does not know";
    passed = true;
    return NULL;
}

#if PY_MAJOR_VERSION >= 3
/* importlib's own classes are the first that a class statement makes. */
traverseproc htrail__selftest_subtype_traverse(PyInterpreterState *interp)
{
    PyObject *module = htrail__layout_importlib(interp);
    PyDictObject *dict = module && PyModule_Check(module) ? (PyDictObject *)((PyModuleObject *)module)->md_dict : NULL;
    for (Py_ssize_t i = 0; dict && !htrail__layout_dict_is_split(dict) && i < htrail__layout_dict_slots(dict); i++) {
        PyObject *key, *value;
        if (!htrail__layout_dict_entry(dict, i, &key, &value) || !PyType_Check(value))
            continue;
        PyTypeObject *type = (PyTypeObject *)value;
        if (type->tp_flags & Py_TPFLAGS_HEAPTYPE && htrail__layout_has_instance_dict(type) && type->tp_base == &PyBaseObject_Type)
            return type->tp_traverse;
    }
    return NULL;
}
#else
/* Every class that is made at run time is made as by a class statement: zipimport's exception, for
 * one, which is there from the start. */
traverseproc htrail__selftest_subtype_traverse(PyInterpreterState *interp)
{
    PyGC_Head *lists[HTRAIL__LAYOUT_LISTS];
    htrail__layout_lists(interp, lists);
    for (int i = 0; i < HTRAIL__LAYOUT_LISTS; i++)
        for (PyGC_Head *head = _PyGCHead_NEXT(lists[i]); head != lists[i]; head = _PyGCHead_NEXT(head)) {
            PyTypeObject *type = (PyTypeObject *)(void *)(head + 1);
            if (Py_TYPE(type) == &PyType_Type && type->tp_flags & Py_TPFLAGS_HEAPTYPE && type->tp_flags & Py_TPFLAGS_HAVE_GC)
                return type->tp_traverse;
        }
    return NULL;
}
#endif
