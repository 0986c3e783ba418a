/* layout_311.h - CPython 3.11. */
#ifndef HTRAIL_LAYOUT_311_H
#define HTRAIL_LAYOUT_311_H

#include "capture/python/cpython.h"

#include <string.h>

/* The collector's lists: three generations, and what gc.freeze() set aside. */
enum { HTRAIL__LAYOUT_LISTS = NUM_GENERATIONS + 1 };

static inline void htrail__layout_lists(PyInterpreterState *interp, PyGC_Head **lists)
{
    for (int i = 0; i < NUM_GENERATIONS; i++)
        lists[i] = &interp->gc.generations[NUM_GENERATIONS - 1 - i].head;
    lists[NUM_GENERATIONS] = &interp->gc.permanent_generation.head;
}

/* Deep-frozen and static objects: a constant in place of a count, from which the references
 * taken and given back since are still added and subtracted. */
static inline bool htrail__layout_is_immortal(PyObject *o)
{
    return Py_REFCNT(o) > 900000000;
}

/* The name that C code gave a type, "module.Name"; NULL for a class statement's. Not tp_name:
 * a program can set that, and name its class like a type that is laid out in another way. */
static inline const char *htrail__layout_c_name(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->_ht_tpname : type->tp_name;
}

static inline bool htrail__layout_is_c_type(PyTypeObject *type, const char *name, size_t least_bytes)
{
    const char *c_name = htrail__layout_c_name(type);
    return c_name && (size_t)type->tp_basicsize >= least_bytes && strcmp(c_name, name) == 0;
}

/* In front of an object of this type: collector's header, values and dict of an instance. */
static inline uint32_t htrail__layout_header_bytes(PyTypeObject *type)
{
    return (type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0) +
           (type->tp_flags & Py_TPFLAGS_MANAGED_DICT ? 2 * sizeof(PyObject *) : 0);
}

/* ---- the collector and the threads ---- */

static inline bool htrail__layout_is_collecting(PyInterpreterState *interp) { return interp->gc.collecting; }

static inline void htrail__layout_generation(PyInterpreterState *interp, int i, int *count, int *threshold)
{
    *count = interp->gc.generations[i].count;
    *threshold = interp->gc.generations[i].threshold;
}

static inline PyObject *htrail__layout_modules(PyInterpreterState *interp) { return interp->modules; }

/* Of the calling thread, NULL where it does not hold the GIL. */
static inline PyThreadState *htrail__layout_thread(void)
{
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    return thread && PyGILState_Check() ? thread : NULL;
}

/* ---- dicts ---- */

/* What the dict of every module has, and other dicts do not. */
#define HTRAIL__LAYOUT_MODULE_KEY "__spec__"

static inline size_t htrail__layout_keys_bytes(const PyDictKeysObject *keys)
{
    size_t usable = ((size_t)1 << keys->dk_log2_size << 1) / 3; /* USABLE_FRACTION */
    return sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) +
           usable * (keys->dk_kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry) : sizeof(PyDictUnicodeEntry));
}

static inline PyObject *htrail__layout_keys_key(PyDictKeysObject *keys, Py_ssize_t i)
{
    return keys->dk_kind == DICT_KEYS_GENERAL ? DK_ENTRIES(keys)[i].me_key : DK_UNICODE_ENTRIES(keys)[i].me_key;
}

/* Of a combined table: key and value of entry i; false for a hole. */
static inline bool htrail__layout_dict_entry(PyDictObject *dict, Py_ssize_t i, PyObject **key, PyObject **value)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (keys->dk_kind == DICT_KEYS_GENERAL) {
        *key = DK_ENTRIES(keys)[i].me_key;
        *value = DK_ENTRIES(keys)[i].me_value;
    } else {
        *key = DK_UNICODE_ENTRIES(keys)[i].me_key;
        *value = DK_UNICODE_ENTRIES(keys)[i].me_value;
    }
    return *value != NULL;
}

/* Entries of a dict of its own table, holes included; of a split one, values. */
static inline Py_ssize_t htrail__layout_dict_slots(const PyDictObject *dict) { return dict->ma_keys->dk_nentries; }
/* Its keys are in a table that it shares, its values in an array of its own. */
static inline bool htrail__layout_dict_is_split(const PyDictObject *dict) { return dict->ma_values != NULL; }
static inline PyDictKeysObject *htrail__layout_split_keys(const PyDictObject *dict) { return dict->ma_keys; }
static inline PyObject *htrail__layout_split_value(const PyDictObject *dict, Py_ssize_t i) { return dict->ma_values->values[i]; }
/* True where every key is known to be a str without a look at it. */
static inline bool htrail__layout_dict_keys_are_strings(const PyDictObject *dict) { return dict->ma_keys->dk_kind != DICT_KEYS_GENERAL; }

/* What a dict has beside itself; a table that it shares is an object of its own. */
static inline size_t htrail__layout_dict_table_bytes(const PyDictObject *dict)
{
    const PyDictKeysObject *keys = dict->ma_keys;
    if (dict->ma_values)
        return ((size_t)keys->dk_nentries + (size_t)keys->dk_usable) * sizeof(PyObject *);
    return keys->dk_refcnt == 1 ? htrail__layout_keys_bytes(keys) : 0;
}

/* ---- instances ---- */

static inline PyDictKeysObject *htrail__layout_cached_keys(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_cached_keys : NULL;
}

/* Attributes kept in an array beside the instance: *values and how many; names are those of
 * htrail__layout_cached_keys of its type. */
static inline bool htrail__layout_instance_values(PyObject *o, PyObject ***values, Py_ssize_t *count)
{
    PyTypeObject *type = Py_TYPE(o);
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return false;
    PyDictValues *array = ((PyDictValues **)o)[-4];
    PyDictKeysObject *keys = htrail__layout_cached_keys(type);
    if (!array || !keys)
        return false;
    *values = array->values;
    *count = keys->dk_nentries;
    return true;
}

/* The dict of an instance, NULL where there is none now. */
static inline PyObject *htrail__layout_instance_dict(PyObject *o, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return ((PyObject **)o)[-3];
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

/* ---- reading ahead ---- */

/* Bring in what the kind of object will be asked for. */
static inline void htrail__layout_prefetch(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type == &PyDict_Type) {
        __builtin_prefetch(((PyDictObject *)o)->ma_keys);
        __builtin_prefetch((char *)((PyDictObject *)o)->ma_keys + 64);
    } else if (type == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    } else if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        __builtin_prefetch(((void **)o)[-4]);
    }
}

#endif
