/* layout_311.h - CPython 3.11, 3.12 and 3.13: attributes stand beside their instance, a frame that
 * runs is memory of its thread, and (from 3.12 on) some objects are immortal. */
#ifndef HTRAIL_LAYOUT_311_H
#define HTRAIL_LAYOUT_311_H

#include "capture/python/cpython.h"

#include <stddef.h>
#include <string.h>

/* The collector's lists: three generations, and what gc.freeze() set aside. */
enum { HTRAIL__LAYOUT_LISTS = NUM_GENERATIONS + 1 };

static inline void htrail__layout_lists(PyInterpreterState *interp, PyGC_Head **lists)
{
    for (int i = 0; i < NUM_GENERATIONS; i++)
        lists[i] = &interp->gc.generations[NUM_GENERATIONS - 1 - i].head;
    lists[NUM_GENERATIONS] = &interp->gc.permanent_generation.head;
}

/* 3.12 on: nobody counts the references of such an object. 3.11: deep-frozen and static objects have
 * a constant in place of a count, from which the references taken and given back since are still
 * added and subtracted. */
static inline bool htrail__layout_is_immortal(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030c0000
    return _Py_IsImmortal(o);
#else
    return Py_REFCNT(o) > 900000000;
#endif
}

/* ---- types ---- */

#if PY_VERSION_HEX >= 0x030c0000
/* What a static type of the interpreter has in every interpreter for itself; NULL where the
 * type has it all in its own fields. The number of its place stands in tp_subclasses. */
#if PY_VERSION_HEX >= 0x030d0000
typedef managed_static_type_state htrail__layout_static_state;
#else
typedef static_builtin_state htrail__layout_static_state;
#endif

static inline const htrail__layout_static_state *htrail__layout_static_type(PyInterpreterState *interp, PyTypeObject *type)
{
    if (!(type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN))
        return NULL;
    size_t index = (size_t)(uintptr_t)type->tp_subclasses - 1;
#if PY_VERSION_HEX >= 0x030d0000
    if (index < _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES && interp->types.builtins.initialized[index].type == type)
        return &interp->types.builtins.initialized[index];
    if (index < _Py_MAX_MANAGED_STATIC_EXT_TYPES && interp->types.for_extensions.initialized[index].type == type)
        return &interp->types.for_extensions.initialized[index];
    return NULL;
#else
    return index < _Py_MAX_STATIC_BUILTIN_TYPES && interp->types.builtins[index].type == type ? &interp->types.builtins[index] : NULL;
#endif
}

static inline PyObject *htrail__layout_type_dict(PyInterpreterState *interp, PyTypeObject *type)
{
    const htrail__layout_static_state *state = htrail__layout_static_type(interp, type);
    return state ? state->tp_dict : type->tp_dict;
}

static inline PyObject *htrail__layout_type_subclasses(PyInterpreterState *interp, PyTypeObject *type)
{
    const htrail__layout_static_state *state = htrail__layout_static_type(interp, type);
    if (state)
        return state->tp_subclasses;
    return type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN ? NULL : type->tp_subclasses;
}
#else
static inline PyObject *htrail__layout_type_dict(PyInterpreterState *interp, PyTypeObject *type) { return (void)interp, type->tp_dict; }
static inline PyObject *htrail__layout_type_subclasses(PyInterpreterState *interp, PyTypeObject *type) { return (void)interp, type->tp_subclasses; }
#endif

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

/* In front of an object of this type: collector's header; values and dict of an instance or, from
 * 3.12 on, dict and weak references. */
static inline uint32_t htrail__layout_header_bytes(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030c0000
    const unsigned long two_words = Py_TPFLAGS_PREHEADER;
#else
    const unsigned long two_words = Py_TPFLAGS_MANAGED_DICT;
#endif
    return (type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0) + (type->tp_flags & two_words ? 2 * sizeof(PyObject *) : 0);
}

/* ---- the interpreter ---- */

#if PY_VERSION_HEX >= 0x030c0000
static inline PyObject *htrail__layout_modules(PyInterpreterState *interp) { return interp->imports.modules; }
static inline PyObject *htrail__layout_importlib(PyInterpreterState *interp) { return interp->imports.importlib; }
#else
static inline PyObject *htrail__layout_modules(PyInterpreterState *interp) { return interp->modules; }
static inline PyObject *htrail__layout_importlib(PyInterpreterState *interp) { return interp->importlib; }
#endif

/* ---- the collector and the threads ---- */

static inline bool htrail__layout_is_collecting(PyInterpreterState *interp) { return interp->gc.collecting; }

static inline void htrail__layout_generation(PyInterpreterState *interp, int i, int *count, int *threshold)
{
    *count = interp->gc.generations[i].count;
    *threshold = interp->gc.generations[i].threshold;
}

/* How often generation i was collected, and how many objects have come into the oldest one since
 * that was collected last; false where the interpreter keeps them out of reach. */
static inline bool htrail__layout_collections(PyInterpreterState *interp, int i, uint64_t *collections, uint64_t *pending)
{
    *collections = (uint64_t)interp->gc.generation_stats[i].collections;
    *pending = (uint64_t)interp->gc.long_lived_pending;
    return true;
}

/* Of the calling thread, NULL where it does not hold the GIL. */
static inline PyThreadState *htrail__layout_thread(void)
{
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    return thread && PyGILState_Check() ? thread : NULL;
}

static inline PyThreadState *htrail__layout_first_thread(const PyInterpreterState *interp) { return interp->threads.head; }

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
/* NULL for all where the array is part of an instance, which then holds the values. */
static inline PyObject *htrail__layout_split_value(const PyDictObject *dict, Py_ssize_t i)
{
#if PY_VERSION_HEX >= 0x030d0000
    if (dict->ma_values->embedded)
        return NULL;
#endif
    return dict->ma_values->values[i];
}
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

/* What a removed item leaves. */
static inline bool htrail__layout_set_is_free(const setentry *entry) { return entry->hash == -1; }

/* ---- instances ---- */

static inline PyDictKeysObject *htrail__layout_cached_keys(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_cached_keys : NULL;
}

/* Attributes kept in an array beside the instance: *values and how many; names are those of
 * htrail__layout_cached_keys of its type. In 3.11 two words in front of the object lead to array
 * and dict; in 3.12 one word leads to either; in 3.13 the array is in the object and the word
 * leads to a dict, which goes on using the array. */
static inline bool htrail__layout_instance_values(PyObject *o, PyObject ***values, Py_ssize_t *count)
{
    PyTypeObject *type = Py_TYPE(o);
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return false;
    PyDictKeysObject *keys = htrail__layout_cached_keys(type);
#if PY_VERSION_HEX >= 0x030d0000
    PyDictValues *array = type->tp_flags & Py_TPFLAGS_INLINE_VALUES ? _PyObject_InlineValues(o) : NULL;
    if (array && !array->valid)
        return false;
#elif PY_VERSION_HEX >= 0x030c0000
    PyDictOrValues either = *_PyObject_DictOrValuesPointer(o);
    PyDictValues *array = _PyDictOrValues_IsValues(either) ? _PyDictOrValues_GetValues(either) : NULL;
#else
    PyDictValues *array = ((PyDictValues **)o)[-4];
#endif
    if (!array || !keys)
        return false;
    *values = array->values;
    *count = keys->dk_nentries;
    return true;
}

/* The dict of an instance, NULL where there is none now. */
static inline PyObject *htrail__layout_instance_dict(PyObject *o, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyObject *word = ((PyObject **)o)[-3];
        return (uintptr_t)word & 1 ? NULL : word; /* 3.12: an odd one leads to values */
    }
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset < 0) {
        Py_ssize_t items = Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o);
        size_t bytes = (size_t)type->tp_basicsize + (size_t)items * (size_t)type->tp_itemsize;
        offset += (Py_ssize_t)((bytes + sizeof(void *) - 1) & ~(sizeof(void *) - 1));
    }
    return offset > 0 ? *(PyObject **)(void *)((char *)o + offset) : NULL;
}

/* Does a class statement give its instances a dict? */
static inline bool htrail__layout_has_instance_dict(PyTypeObject *type) { return type->tp_flags & Py_TPFLAGS_MANAGED_DICT; }

/* __slots__: members of a class that a class statement made, and their names in the same order. */
static inline PyMemberDef *htrail__layout_slots(PyTypeObject *type, Py_ssize_t *count, PyObject **names)
{
    *count = Py_SIZE(type);
    *names = ((PyHeapTypeObject *)type)->ht_slots;
    return (PyMemberDef *)(void *)((char *)type + Py_TYPE(type)->tp_basicsize);
}

/* ---- ints ---- */

#if PY_VERSION_HEX >= 0x030c0000
#define HTRAIL__LAYOUT_INT_DIGITS_OFFSET offsetof(PyLongObject, long_value.ob_digit)
static inline uint64_t htrail__layout_int_digits(PyObject *o) { return ((PyLongObject *)o)->long_value.lv_tag >> _PyLong_NON_SIZE_BITS; }
static inline bool htrail__layout_int_is_negative(PyObject *o) { return (((PyLongObject *)o)->long_value.lv_tag & _PyLong_SIGN_MASK) == 2; }
static inline const digit *htrail__layout_int_data(PyObject *o) { return ((PyLongObject *)o)->long_value.ob_digit; }
#else
#define HTRAIL__LAYOUT_INT_DIGITS_OFFSET offsetof(PyLongObject, ob_digit)
static inline uint64_t htrail__layout_int_digits(PyObject *o) { return (uint64_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o)); }
static inline bool htrail__layout_int_is_negative(PyObject *o) { return Py_SIZE(o) < 0; }
static inline const digit *htrail__layout_int_data(PyObject *o) { return ((PyLongObject *)o)->ob_digit; }
#endif

/* ---- code and frames ---- */

/* Made when Python asks for it, and kept. */
static inline void htrail__layout_code_cached(const PyCodeObject *code, PyObject *cached[4])
{
    memset(cached, 0, 4 * sizeof *cached);
#if PY_VERSION_HEX >= 0x030c0000
    if (code->_co_cached) {
        cached[0] = code->_co_cached->_co_code;
        cached[1] = code->_co_cached->_co_varnames;
        cached[2] = code->_co_cached->_co_cellvars;
        cached[3] = code->_co_cached->_co_freevars;
    }
#else
    cached[0] = code->_co_code;
#endif
}

/* NULL: the frame is the interpreter's own, from where C called, and has no code, nor anything
 * else but the frame before it. */
static inline PyCodeObject *htrail__layout_frame_code(const _PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030c0000
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return NULL;
#endif
#if PY_VERSION_HEX >= 0x030d0000
    return frame->f_executable && PyCode_Check(frame->f_executable) ? (PyCodeObject *)frame->f_executable : NULL;
#else
    return frame->f_code;
#endif
}

static inline PyObject *htrail__layout_frame_function(const _PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030c0000
    return frame->f_funcobj;
#else
    return (PyObject *)frame->f_func;
#endif
}

/* The unit of its code at which a frame is: of the instruction under way. Negative before the first. */
static inline Py_ssize_t htrail__layout_frame_unit(const _PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030d0000
    return frame->instr_ptr - _PyCode_CODE(htrail__layout_frame_code(frame));
#else
    return frame->prev_instr - _PyCode_CODE(frame->f_code);
#endif
}

/* The frame that a thread is in; NULL: in none. */
static inline _PyInterpreterFrame *htrail__layout_thread_frame(const PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030d0000
    return thread->current_frame;
#else
    return thread->cframe ? thread->cframe->current_frame : NULL;
#endif
}

static inline PyCodeObject *htrail__layout_generator_code(const PyGenObject *generator)
{
#if PY_VERSION_HEX >= 0x030d0000
    return (PyCodeObject *)((const _PyInterpreterFrame *)(const void *)generator->gi_iframe)->f_executable;
#elif PY_VERSION_HEX >= 0x030c0000
    return ((const _PyInterpreterFrame *)(const void *)generator->gi_iframe)->f_code;
#else
    return generator->gi_code;
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
    } else if (type == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    } else if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
#if PY_VERSION_HEX < 0x030c0000
        __builtin_prefetch(((void **)o)[-4]);
#elif PY_VERSION_HEX < 0x030d0000
        __builtin_prefetch(((char **)o)[-3] + 1);
#else
        __builtin_prefetch(((void **)o)[-3]);
#endif
    }
}

static inline PyObject *htrail__layout_module_name(PyModuleObject *module) { return module->md_name; }
/* The field of a function that holds its name. */
#define HTRAIL__LAYOUT_FUNCTION_NAME L_qualname

#endif
