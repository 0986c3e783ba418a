/* selftest.c - see selftest.h. */
#include "capture/python/selftest.h"

#include <stddef.h>
#include <string.h>

#include "capture/python/layout.h"

const char *htrail__selftest_version(void)
{
    static const char built[] = Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION) ".";
    return strncmp(Py_GetVersion(), built, sizeof built - 1) == 0 ? NULL :
           "this interpreter is not the CPython " Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION)
           " that this build of the walker knows";
}

static bool links_hold(PyInterpreterState *interp)
{
    PyGC_Head *lists[HTRAIL__LAYOUT_LISTS];
    htrail__layout_lists(interp, lists);
    for (int i = 0; i < HTRAIL__LAYOUT_LISTS; i++) {
        PyGC_Head *head = lists[i];
        for (int steps = 0; steps < 64; steps++) {
            PyGC_Head *next = _PyGCHead_NEXT(head);
            if (!next || _PyGCHead_PREV(next) != head)
                return false;
            head = next;
            if (head == lists[i])
                break;
            if (!(Py_TYPE((PyObject *)(head + 1))->tp_flags & Py_TPFLAGS_HAVE_GC))
                return false;
        }
    }
    return true;
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
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if ((size_t)sizes[i].type->tp_basicsize != sizes[i].bytes || Py_TYPE(sizes[i].type) != &PyType_Type)
            return "this interpreter lays out its objects in a way that this build of the walker does not know";
#if PY_VERSION_HEX >= 0x03090000
    if (interp && interp->runtime != &_PyRuntime)
        interp = NULL;
#endif
    if (!interp || !htrail__layout_modules(interp) || !PyDict_Check(htrail__layout_modules(interp)) || !links_hold(interp))
        return "this interpreter keeps its state in a way that this build of the walker does not know";
    passed = true;
    return NULL;
}

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
