/* layout_310.h - CPython 3.6 to 3.10: every instance's attributes are in a dict, a dict's keys
 * begin with their sizes, and a frame that runs is an object. */
#ifndef HTRAIL_LAYOUT_310_H
#define HTRAIL_LAYOUT_310_H

#include "capture/python/collecting.h"
#include "capture/python/cpython.h"

#include <stddef.h>
#include <string.h>

/* Objects/moduleobject.c; from 3.10 on a header has it */
#if PY_VERSION_HEX < 0x030a0000
typedef struct {
    PyObject_HEAD
    PyObject *md_dict;
    struct PyModuleDef *md_def;
    void *md_state;
    PyObject *md_weaklist;
    PyObject *md_name;
} PyModuleObject;
#endif

/* ---- the collector and the threads ---- */

#if PY_VERSION_HEX < 0x03080000
#define _PyGCHead_NEXT(head) ((head)->gc.gc_next)
#define _PyGCHead_PREV(head) ((head)->gc.gc_prev)
#endif

#if PY_VERSION_HEX < 0x03070000
enum { NUM_GENERATIONS = 3, HTRAIL__LAYOUT_LISTS = NUM_GENERATIONS }; /* gc.freeze() is of 3.7 */
struct gc_generation { PyGC_Head head; int threshold, count; }; /* Modules/gcmodule.c */
static inline struct gc_generation *htrail__layout_generations(PyInterpreterState *interp)
{
    (void)interp;
    return (struct gc_generation *)_PyGC_generation0;
}
#else
enum { HTRAIL__LAYOUT_LISTS = NUM_GENERATIONS + 1 };
#if PY_VERSION_HEX < 0x03090000
#define htrail__layout_gc(interp) (&_PyRuntime.gc)
#else
#define htrail__layout_gc(interp) (&(interp)->gc)
#endif
static inline struct gc_generation *htrail__layout_generations(PyInterpreterState *interp)
{
    (void)interp;
    return htrail__layout_gc(interp)->generations;
}
#endif

static inline void htrail__layout_lists(PyInterpreterState *interp, PyGC_Head **lists)
{
    struct gc_generation *generations = htrail__layout_generations(interp);
    for (int i = 0; i < NUM_GENERATIONS; i++)
        lists[i] = &generations[NUM_GENERATIONS - 1 - i].head;
#if PY_VERSION_HEX >= 0x03070000
    lists[NUM_GENERATIONS] = &htrail__layout_gc(interp)->permanent_generation.head;
#endif
}

static inline void htrail__layout_generation(PyInterpreterState *interp, int i, int *count, int *threshold)
{
    struct gc_generation *generation = &htrail__layout_generations(interp)[i];
    *count = generation->count;
    *threshold = generation->threshold;
}

/* How often generation i was collected, and how many objects have come into the oldest one since
 * that was collected last; false where the interpreter keeps them out of reach. */
static inline bool htrail__layout_collections(PyInterpreterState *interp, int i, uint64_t *collections, uint64_t *pending)
{
#if PY_VERSION_HEX >= 0x03070000
    *collections = (uint64_t)htrail__layout_gc(interp)->generation_stats[i].collections;
    *pending = (uint64_t)htrail__layout_gc(interp)->long_lived_pending;
    return true;
#else
    return (void)interp, (void)i, (void)collections, (void)pending, false;
#endif
}

static inline bool htrail__layout_is_collecting(PyInterpreterState *interp)
{
    (void)interp;
#if PY_VERSION_HEX >= 0x03070000
    return htrail__layout_gc(interp)->collecting;
#else
    return htrail__collecting();
#endif
}

/* Of the calling thread, NULL where it does not hold the GIL. */
static inline PyThreadState *htrail__layout_thread(void)
{
    PyThreadState *thread = _PyThreadState_UncheckedGet();
#if PY_VERSION_HEX < 0x03070000
    /* There is none before threads are initialised: the agent's thread calls while the one thread of Python stands
     * still for it. */
    if (!PyEval_ThreadsInitialized())
        return thread;
#endif
    return thread && PyGILState_Check() ? thread : NULL;
}

static inline PyThreadState *htrail__layout_first_thread(const PyInterpreterState *interp) { return interp->tstate_head; }

static inline PyObject *htrail__layout_modules(PyInterpreterState *interp) { return interp->modules; }
static inline PyObject *htrail__layout_importlib(PyInterpreterState *interp) { return interp->importlib; }

/* Reference counts are counts. */
static inline bool htrail__layout_is_immortal(PyObject *o) { return (void)o, false; }

/* ---- types ---- */

#if PY_VERSION_HEX < 0x03090000
#define PyCMethod_Type PyCFunction_Type /* built-in methods that know their class */
#endif

/* The name that C code gave a type, "module.Name"; NULL for a class statement's. A class
 * statement, and whoever sets __name__, has tp_name point into the str of the name. */
static inline const char *htrail__layout_c_name(PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *name = ((PyHeapTypeObject *)type)->ht_name;
        if (!name || !PyUnicode_Check(name))
            return NULL;
        const PyASCIIObject *string = (const PyASCIIObject *)name;
        const char *text = string->state.compact && string->state.ascii ? (const char *)(string + 1) : ((const PyCompactUnicodeObject *)string)->utf8;
        if (type->tp_name == text)
            return NULL;
    }
    return type->tp_name;
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

/* ---- dicts ---- */

/* What the dict of every module has, and other dicts do not. */
#define HTRAIL__LAYOUT_MODULE_KEY "__spec__"

/* Objects/dict-common.h */
typedef struct {
    Py_hash_t me_hash;
    PyObject *me_key, *me_value;
} PyDictKeyEntry;

struct _dictkeysobject {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[]; /* dk_size indices of 1, 2, 4 or 8 bytes; then entries */
};

static inline size_t htrail__layout_index_bytes(const PyDictKeysObject *keys)
{
    size_t size = (size_t)keys->dk_size;
    return size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
}

static inline PyDictKeyEntry *htrail__layout_entries(PyDictKeysObject *keys)
{
    return (PyDictKeyEntry *)(void *)(keys->dk_indices + htrail__layout_index_bytes(keys));
}

static inline size_t htrail__layout_usable(const PyDictKeysObject *keys)
{
    return ((size_t)keys->dk_size << 1) / 3; /* USABLE_FRACTION */
}

static inline size_t htrail__layout_keys_bytes(const PyDictKeysObject *keys)
{
    /* In 3.6 the indices are a union of 8 bytes, which sys.getsizeof leaves out all the same. */
    return offsetof(PyDictKeysObject, dk_indices) + htrail__layout_index_bytes(keys) + htrail__layout_usable(keys) * sizeof(PyDictKeyEntry);
}

static inline PyObject *htrail__layout_keys_key(PyDictKeysObject *keys, Py_ssize_t i)
{
    return htrail__layout_entries(keys)[i].me_key;
}

/* Of a combined table: key and value of entry i; false for a hole. */
static inline bool htrail__layout_dict_entry(PyDictObject *dict, Py_ssize_t i, PyObject **key, PyObject **value)
{
    const PyDictKeyEntry *entry = &htrail__layout_entries(dict->ma_keys)[i];
    *key = entry->me_key;
    *value = entry->me_value;
    return *value != NULL;
}

/* Entries of a dict of its own table, holes included; of a split one, values. */
static inline Py_ssize_t htrail__layout_dict_slots(const PyDictObject *dict) { return dict->ma_keys->dk_nentries; }

/* Its keys are in a table that it shares, its values in an array of its own. A dict that is
 * empty may share the table of the empty, which has room for one and is no object. */
static inline bool htrail__layout_dict_is_split(const PyDictObject *dict)
{
    return dict->ma_values != NULL && dict->ma_keys->dk_size > 1;
}

static inline PyDictKeysObject *htrail__layout_split_keys(const PyDictObject *dict) { return dict->ma_keys; }
static inline PyObject *htrail__layout_split_value(const PyDictObject *dict, Py_ssize_t i) { return dict->ma_values[i]; }

/* True where every key is known to be a str without a look at it: not, here. */
static inline bool htrail__layout_dict_keys_are_strings(const PyDictObject *dict) { return (void)dict, false; }

/* What a dict has beside itself; a table that it shares is an object of its own. */
static inline size_t htrail__layout_dict_table_bytes(const PyDictObject *dict)
{
    if (dict->ma_values)
        return htrail__layout_usable(dict->ma_keys) * sizeof(PyObject *);
    return dict->ma_keys->dk_refcnt == 1 ? htrail__layout_keys_bytes(dict->ma_keys) : 0;
}

/* What a removed item leaves. */
static inline bool htrail__layout_set_is_free(const setentry *entry) { return entry->hash == -1; }

/* ---- instances ---- */

static inline PyDictKeysObject *htrail__layout_cached_keys(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_cached_keys : NULL;
}

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

#define HTRAIL__LAYOUT_INT_DIGITS_OFFSET offsetof(PyLongObject, ob_digit)
static inline uint64_t htrail__layout_int_digits(PyObject *o) { return (uint64_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o)); }
static inline bool htrail__layout_int_is_negative(PyObject *o) { return Py_SIZE(o) < 0; }
static inline const digit *htrail__layout_int_data(PyObject *o) { return ((PyLongObject *)o)->ob_digit; }

/* ---- frames ---- */

static inline bool htrail__layout_frame_runs(const PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030a0000
    return frame->f_state == FRAME_EXECUTING;
#else
    return frame->f_executing;
#endif
}

/* ---- reading ahead ---- */

/* Bring in what the kind of object will be asked for. */
static inline void htrail__layout_prefetch(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type == &PyDict_Type) {
        __builtin_prefetch(((PyDictObject *)o)->ma_keys);
        __builtin_prefetch((char *)((PyDictObject *)o)->ma_keys + 64);
        __builtin_prefetch(((PyDictObject *)o)->ma_values);
    } else if (type == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    }
}

static inline PyObject *htrail__layout_module_name(PyModuleObject *module) { return module->md_name; }
/* The field of a function that holds its name. */
#define HTRAIL__LAYOUT_FUNCTION_NAME L_qualname

#endif
