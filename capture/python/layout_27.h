/* layout_27.h - CPython 2.7: a dict is one open table, old-style classes and instances are types
 * of their own, frames are objects, and what other versions keep in the interpreter's state
 * is in static variables. */
#ifndef HTRAIL_LAYOUT_27_H
#define HTRAIL_LAYOUT_27_H

#include "capture/python/collecting.h"
#include "capture/python/cpython.h"

#include <pythread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Objects/moduleobject.c */
typedef struct {
    PyObject_HEAD
    PyObject *md_dict;
} PyModuleObject;

/* ---- the collector and the threads ---- */

#define _PyGCHead_NEXT(head) ((head)->gc.gc_next)
#define _PyGCHead_PREV(head) ((head)->gc.gc_prev)

/* Modules/gcmodule.c; the first of the three is what _PyGC_generation0 points to. */
enum { NUM_GENERATIONS = 3, HTRAIL__LAYOUT_LISTS = NUM_GENERATIONS };
struct gc_generation { PyGC_Head head; int threshold, count; };

static inline void htrail__layout_lists(PyInterpreterState *interp, PyGC_Head **lists)
{
    struct gc_generation *generations = (struct gc_generation *)_PyGC_generation0;
    (void)interp;
    for (int i = 0; i < NUM_GENERATIONS; i++)
        lists[i] = &generations[NUM_GENERATIONS - 1 - i].head;
}

static inline void htrail__layout_generation(PyInterpreterState *interp, int i, int *count, int *threshold)
{
    struct gc_generation *generation = &((struct gc_generation *)_PyGC_generation0)[i];
    (void)interp;
    *count = generation->count;
    *threshold = generation->threshold;
}

/* How often generation i was collected, and how many objects have come into the oldest one since
 * that was collected last; false where the interpreter keeps them out of reach. */
static inline bool htrail__layout_collections(PyInterpreterState *interp, int i, uint64_t *collections, uint64_t *pending)
{
    return (void)interp, (void)i, (void)collections, (void)pending, false;
}

static inline bool htrail__layout_is_collecting(PyInterpreterState *interp) { return (void)interp, htrail__collecting(); }

/* Of the calling thread, NULL where it does not hold the GIL. Before threads are initialised there is none to
 * hold; the agent's thread calls while the one thread of Python stands still for it. */
static inline PyThreadState *htrail__layout_thread(void)
{
    PyThreadState *thread = _PyThreadState_Current;
    return thread && (!PyEval_ThreadsInitialized() || thread == PyGILState_GetThisThreadState() || thread->thread_id == PyThread_get_thread_ident()) ? thread : NULL;
}

static inline PyThreadState *htrail__layout_first_thread(const PyInterpreterState *interp) { return interp->tstate_head; }

/* Asked of a frame that does not say how much is on its value stack: on the stack of a thread it runs, and
 * one that has returned has nothing there, whatever is answered. */
static inline bool htrail__layout_frame_runs(const PyFrameObject *frame) { return (void)frame, true; }

static inline PyObject *htrail__layout_modules(PyInterpreterState *interp) { return interp->modules; }

/* Reference counts are counts. */
static inline bool htrail__layout_is_immortal(PyObject *o) { return (void)o, false; }

/* ---- types ---- */

/* The name that C code gave a type, "module.Name"; NULL for a class statement's: no other type
 * is made at run time. */
static inline const char *htrail__layout_c_name(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? NULL : type->tp_name;
}

static inline bool htrail__layout_is_c_type(PyTypeObject *type, const char *name, size_t least_bytes)
{
    const char *c_name = htrail__layout_c_name(type);
    return c_name && (size_t)type->tp_basicsize >= least_bytes && strcmp(c_name, name) == 0;
}

static inline PyObject *htrail__layout_type_dict(PyInterpreterState *interp, PyTypeObject *type) { return (void)interp, type->tp_dict; }
static inline PyObject *htrail__layout_type_subclasses(PyInterpreterState *interp, PyTypeObject *type) { return (void)interp, type->tp_subclasses; }

/* In front of an object of this type. */
static inline uint32_t htrail__layout_header_bytes(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0;
}

#define PyCMethod_Type PyCFunction_Type /* built-in methods that know their class are of 3.9 */

/* Exported, in no header */
extern PyTypeObject PyListIter_Type, PyTupleIter_Type;

/* ---- dicts ---- */

/* What the dict of every module has, and other dicts do not. */
#define HTRAIL__LAYOUT_MODULE_KEY "__package__"

/* Key tables are not shared: there is none, and nobody asks for one. */
static inline size_t htrail__layout_keys_bytes(const PyDictKeysObject *keys) { return (void)keys, 0; }
static inline PyObject *htrail__layout_keys_key(PyDictKeysObject *keys, Py_ssize_t i) { return (void)keys, (void)i, NULL; }
static inline bool htrail__layout_dict_is_split(const PyDictObject *dict) { return (void)dict, false; }
static inline PyDictKeysObject *htrail__layout_split_keys(const PyDictObject *dict) { return (void)dict, NULL; }
static inline PyObject *htrail__layout_split_value(const PyDictObject *dict, Py_ssize_t i) { return (void)dict, (void)i, NULL; }

/* Key and value of entry i; false for one that is free. */
static inline bool htrail__layout_dict_entry(PyDictObject *dict, Py_ssize_t i, PyObject **key, PyObject **value)
{
    const PyDictEntry *entry = &dict->ma_table[i];
    *key = entry->me_key;
    *value = entry->me_value;
    return *value != NULL;
}

/* Entries of a dict, free ones included. */
static inline Py_ssize_t htrail__layout_dict_slots(const PyDictObject *dict) { return dict->ma_mask + 1; }
/* True where every key is known to be a str without a look at it: not, here. */
static inline bool htrail__layout_dict_keys_are_strings(const PyDictObject *dict) { return (void)dict, false; }

/* What a dict has beside itself. */
static inline size_t htrail__layout_dict_table_bytes(const PyDictObject *dict)
{
    return dict->ma_table == dict->ma_smalltable ? 0 : ((size_t)dict->ma_mask + 1) * sizeof(PyDictEntry);
}

/* What a removed item leaves is a str of which nobody ever asked the hash. */
static inline bool htrail__layout_set_is_free(const setentry *entry)
{
    return PyString_CheckExact(entry->key) && ((PyStringObject *)entry->key)->ob_shash == -1;
}

/* ---- instances ---- */

static inline PyDictKeysObject *htrail__layout_cached_keys(PyTypeObject *type) { return (void)type, NULL; }

/* Attributes kept in an array beside the instance: there are none. */
static inline bool htrail__layout_instance_values(PyObject *o, PyObject ***values, Py_ssize_t *count)
{
    (void)o, (void)values, (void)count;
    return false;
}

/* The dict of an instance, NULL where there is none now. */
static inline PyObject *htrail__layout_instance_dict(PyObject *o, PyTypeObject *type)
{
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset < 0) {
        Py_ssize_t items = Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o);
        size_t bytes = (size_t)type->tp_basicsize + (size_t)items * (size_t)type->tp_itemsize;
        offset += (Py_ssize_t)((bytes + sizeof(void *) - 1) & ~(sizeof(void *) - 1));
    }
    return offset > 0 ? *(PyObject **)(void *)((char *)o + offset) : NULL;
}

/* __slots__: members of a class that a class statement made, and their names in the same order. */
static inline PyMemberDef *htrail__layout_slots(PyTypeObject *type, Py_ssize_t *count, PyObject **names)
{
    *count = Py_SIZE(type);
    *names = ((PyHeapTypeObject *)type)->ht_slots;
    return (PyMemberDef *)(void *)((char *)type + Py_TYPE(type)->tp_basicsize);
}

/* Does a class statement give its instances a dict? */
static inline bool htrail__layout_has_instance_dict(PyTypeObject *type) { return type->tp_dictoffset != 0; }

/* ---- ints ---- */

static inline uint64_t htrail__layout_int_digits(PyObject *o) { return (uint64_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o)); }
static inline bool htrail__layout_int_is_negative(PyObject *o) { return Py_SIZE(o) < 0; }
static inline const digit *htrail__layout_int_data(PyObject *o) { return ((PyLongObject *)o)->ob_digit; }

/* ---- reading ahead ---- */

/* Bring in what the kind of object will be asked for. */
static inline void htrail__layout_prefetch(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type == &PyDict_Type) {
        __builtin_prefetch(((PyDictObject *)o)->ma_table);
    } else if (type == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    }
}

static inline PyObject *htrail__layout_module_name(PyModuleObject *module) { return (void)module, NULL; } /* its dict has it */
/* The field of a function that holds its name. */
#define HTRAIL__LAYOUT_FUNCTION_NAME L_name

#endif
