/* refs_code.c - code, types, built-in functions, modules, weak references: kinds whose
 * references depend on more than an offset. */
#include "capture/python/layout.h"
#include "capture/python/refs.h"

#include <stddef.h>

static void field(htrail__walk *k, PyObject *target, htrail__label_name label)
{
    if (target)
        htrail__push(k, target, htrail__label(k, label), HTRAIL_REF_FIELD);
}

static void name_field(htrail__walk *k, PyObject *target, htrail__label_name label)
{
    if (target && htrail__is_name(k, target))
        htrail__push_name(k, target, htrail__label(k, label), HTRAIL_REF_FIELD, 0);
    else
        field(k, target, label);
}

/* Strings that a tuple of names holds: names of globals and attributes, or of variables. */
static void name_items(htrail__walk *k, PyObject *tuple)
{
    if (!tuple || !PyTuple_Check(tuple))
        return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (item && htrail__is_name(k, item))
            htrail__label_object(k, item);
    }
}

/* Code objects are not the collector's: nothing visits what they hold. */
uint64_t htrail__refs_code(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyCodeObject *co = (PyCodeObject *)o;
    name_items(k, co->co_names);
#if PY_VERSION_HEX >= 0x030b0000
    name_items(k, co->co_localsplusnames);
#else
    name_items(k, co->co_varnames);
    name_items(k, co->co_cellvars);
    name_items(k, co->co_freevars);
#endif
    field(k, co->co_consts, L_co_consts);
    field(k, co->co_names, L_co_names);
    field(k, co->co_filename, L_co_filename);
    name_field(k, co->co_name, L_co_name);
#if PY_VERSION_HEX >= 0x030b0000
    field(k, co->co_exceptiontable, L_co_exceptiontable);
    field(k, co->co_localsplusnames, L_co_localsplusnames);
    field(k, co->co_localspluskinds, L_co_localspluskinds);
    name_field(k, co->co_qualname, L_co_qualname);
    PyObject *cached[4];
    htrail__layout_code_cached(co, cached);
    field(k, cached[0], L_co_code);
    field(k, cached[1], L_co_varnames);
    field(k, cached[2], L_co_cellvars);
    field(k, cached[3], L_co_freevars);
#else
    field(k, co->co_varnames, L_co_varnames);
    field(k, co->co_cellvars, L_co_cellvars);
    field(k, co->co_freevars, L_co_freevars);
    field(k, co->co_code, L_co_code);
#endif
#if PY_VERSION_HEX >= 0x030a0000
    field(k, co->co_linetable, L_co_linetable);
#else
    field(k, co->co_lnotab, L_co_lnotab);
#endif
    return 0;
}

/* type_traverse aborts on static types, and leaves out what cannot be in a cycle. */
uint64_t htrail__refs_type(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    PyTypeObject *type = (PyTypeObject *)o;
    field(k, htrail__layout_type_dict(k->interp, type), L_dict);
    field(k, type->tp_bases, L_bases);
    field(k, type->tp_mro, L_mro);
    field(k, (PyObject *)type->tp_base, L_base);
    field(k, type->tp_cache, L_cache);
    field(k, htrail__layout_type_subclasses(k->interp, type), L_subclasses);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyHeapTypeObject *heap = (PyHeapTypeObject *)o;
#if PY_VERSION_HEX >= 0x03090000
        field(k, heap->ht_module, L_ht_module);
#endif
        name_field(k, heap->ht_name, L_name);
#if PY_MAJOR_VERSION >= 3
        name_field(k, heap->ht_qualname, L_qualname);
#endif
        name_items(k, heap->ht_slots);
        field(k, heap->ht_slots, L_slots);
        if (htrail__layout_cached_keys(type))
            htrail__push_keys(k, htrail__layout_cached_keys(type));
    }
    (void)info;
    return 0;
}

/* A metaclass written in C that visits more than type does. */
uint64_t htrail__refs_metatype(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    uint32_t from = k->ref_count;
    htrail__refs_type(k, o, info, cursor);
    htrail__push_traversed(k, o, info, from, L_internal);
    return 0;
}

uint64_t htrail__refs_builtin(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyCFunctionObject *function = (PyCFunctionObject *)o;
    field(k, function->m_self, L_self);
    name_field(k, function->m_module, L_module);
#if PY_VERSION_HEX >= 0x03090000
    field(k, (PyObject *)PyCFunction_GET_CLASS(o), L_objclass);
#endif
    return 0;
}

uint64_t htrail__refs_weakref(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)info, (void)cursor;
    PyWeakReference *reference = (PyWeakReference *)o;
    if (reference->wr_object && reference->wr_object != Py_None && Py_REFCNT(reference->wr_object) > 0) {
        if (k->ref_count == HTRAIL_REFS_MAX)
            htrail__walk_flush(k);
        /* Not met by this: a referent that nothing holds any more is not to be kept by us either. */
        htrail__push_flags(k, (htrail_id)(uintptr_t)reference->wr_object, htrail__label(k, L_referent), HTRAIL_REF_WEAK, 0);
    }
    field(k, reference->wr_callback, L_callback);
    return 0;
}

/* A module's state in C memory is only visited by the module's own m_traverse. */
uint64_t htrail__refs_module(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor;
    PyModuleObject *module = (PyModuleObject *)o;
    uint32_t from = k->ref_count;
    field(k, module->md_dict, L_dict);
    htrail__push_traversed(k, o, info, from, L_state);
#if PY_MAJOR_VERSION >= 3
    name_field(k, module->md_name, L_name);
#endif
    return 0;
}

/* defaultdict, OrderedDict and other dicts written in C: the dict, then what follows it. */
uint64_t htrail__refs_dict_subtype(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    if (cursor == 0) {
        if (info->fields)
            htrail__push_table(k, o, info->fields);
        PyTypeObject *base = info->base;
        size_t words = (size_t)base->tp_basicsize / sizeof(PyObject *);
        htrail__push_beyond(k, o, info, sizeof(PyDictObject) / sizeof(PyObject *), words);
    }
    return htrail__refs_dict(k, o, info, cursor);
}
