/* type.c - see type.h. */
#include "capture/python/type.h"

#include <string.h>

#include "capture/python/fields.h"
#include "capture/python/layout.h"
#include "capture/python/measure.h"
#include "capture/python/name.h"
#include "capture/python/ndarray.h"
#include "capture/python/refs.h"
#include "capture/python/structures.h"
#include "capture/python/value.h"
#include "capture/python/words.h"

/* The kind by the tp_traverse that an object's references are visited with: two types that
 * share it lay their references out alike. */
static htrail__refs *kind_of(PyTypeObject *base, bool fields_are_complete)
{
    static const struct {
        PyTypeObject *type;
        htrail__refs *refs;
    } known[] = {
        {&PyDict_Type, htrail__refs_dict},          {&PyList_Type, htrail__refs_list},
        {&PyTuple_Type, htrail__refs_tuple},        {&PySet_Type, htrail__refs_set},
        {&PyType_Type, htrail__refs_type},          {&PyCFunction_Type, htrail__refs_builtin},
        {&_PyWeakref_RefType, htrail__refs_weakref}, {&PyModule_Type, htrail__refs_module},
        {&PyFrame_Type, htrail__refs_frame},        {&PyGen_Type, htrail__refs_generator},
#if PY_MAJOR_VERSION >= 3
        {&PyAsyncGen_Type, htrail__refs_generator},
        {&PyODict_Type, htrail__refs_odict},
#endif
    };
    if (base != &PyTuple_Type && base->tp_traverse == PyTuple_Type.tp_traverse && base->tp_members)
        return htrail__refs_struct_sequence;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (base->tp_traverse == known[i].type->tp_traverse)
            return known[i].refs;
    if (fields_are_complete)
        return htrail__refs_fields;
    if (base->tp_flags & Py_TPFLAGS_DICT_SUBCLASS)
        return htrail__refs_dict_subtype;
    if (base->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return htrail__refs_metatype;
    if (htrail__layout_is_c_type(base, "collections.deque", sizeof(htrail__deque)))
        return htrail__refs_deque;
    if (htrail__layout_is_c_type(base, "xml.etree.ElementTree.Element", sizeof(htrail__element)))
        return htrail__refs_element;
    return htrail__refs_traverse;
}

/* Types that are not the collector's and refer to objects all the same. */
static htrail__refs *unvisited_kind_of(PyTypeObject *base)
{
    if (htrail__is_ndarray(base))
        return htrail__refs_ndarray;
    static const struct {
        const char *name;
        size_t bytes;
        htrail__refs *refs;
    } named[] = {
        {"datetime.datetime", sizeof(htrail__datetime), htrail__refs_datetime},
        {"datetime.time", sizeof(htrail__time), htrail__refs_time},
        {"datetime.timezone", sizeof(htrail__timezone), htrail__refs_timezone},
        {"Element", sizeof(htrail__element), htrail__refs_element}, /* of Python 2 */
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (htrail__layout_is_c_type(base, named[i].name, named[i].bytes))
            return named[i].refs;
#if PY_MAJOR_VERSION < 3
    if (htrail__is_struct_sequence(base))
        return htrail__refs_struct_sequence;
#endif
    return htrail__has_members(base) ? htrail__refs_members : NULL;
}

static bool is_descriptor(PyTypeObject *type)
{
#if PY_MAJOR_VERSION >= 3
    if (type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type)
#else /* of which the types have no symbols */
    if (htrail__layout_is_c_type(type, "method_descriptor", sizeof(PyMethodDescrObject)) ||
        htrail__layout_is_c_type(type, "classmethod_descriptor", sizeof(PyMethodDescrObject)))
#endif
        return true;
    return type == &PyMemberDescr_Type || type == &PyGetSetDescr_Type || type == &PyWrapperDescr_Type;
}

void htrail__type_describe(htrail__walk *k, PyTypeObject *type, htrail__type_info *info)
{
    *info = (htrail__type_info){.type = type, .base = type};
    info->header_bytes = htrail__layout_header_bytes(type);
    info->basic_bytes = (uint32_t)type->tp_basicsize;
    info->item_bytes = (uint32_t)type->tp_itemsize;
    info->measure = htrail__measure_of(type);
    while (k->subtype_traverse && info->base->tp_traverse == k->subtype_traverse && info->base->tp_base)
        info->base = info->base->tp_base;

    PyTypeObject *base = info->base;
    bool complete = false;
    info->fields = htrail__fields_of(base, &complete);
    info->words = htrail__words_of(base);
    if (base == &PyCode_Type)
        info->base_refs = htrail__refs_code;
    else if (base->tp_traverse)
        info->base_refs = kind_of(base, complete);
    else if (complete)
        info->base_refs = htrail__refs_fields;
    else
        info->base_refs = unvisited_kind_of(base);
    info->refs = base != type ? htrail__refs_instance : info->base_refs;
    if (!info->refs && type->tp_flags & Py_TPFLAGS_HEAPTYPE && !(type->tp_flags & Py_TPFLAGS_HAVE_GC))
        info->refs = htrail__refs_class_only;

    if (type->tp_flags & Py_TPFLAGS_UNICODE_SUBCLASS)
        info->value_kind = VALUE_STR;
    else if (type->tp_flags & Py_TPFLAGS_BYTES_SUBCLASS)
        info->value_kind = VALUE_BYTES;
    else
        info->value_kind = htrail__value_number_kind(type);
    if (type->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS)
        info->name_kind = NAME_TYPE;
    else if (type == &PyCFunction_Type || type == &PyCMethod_Type)
        info->name_kind = NAME_BUILTIN;
    else if (is_descriptor(type))
        info->name_kind = NAME_DESCRIPTOR;
#if PY_MAJOR_VERSION < 3
    else if (type == &PyClass_Type)
        info->name_kind = NAME_OLD_CLASS;
#endif
    else if (PyType_IsSubtype(type, &PyModule_Type))
        info->name_kind = NAME_MODULE;
}

/* Where functions, generators and code objects keep their names; the rest have records. */
static void name_labels(htrail__walk *k, PyTypeObject *type, htrail_type *row)
{
    if (type == &PyFunction_Type) {
        row->name_label = htrail__label(k, HTRAIL__LAYOUT_FUNCTION_NAME);
        row->module_label = htrail__label(k, L_module);
    } else if (type == &PyCode_Type) {
#if PY_VERSION_HEX >= 0x030b0000
        row->name_label = htrail__label(k, L_co_qualname);
#else
        row->name_label = htrail__label(k, L_co_name);
#endif
#if PY_MAJOR_VERSION >= 3
    } else if (type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type) {
        row->name_label = htrail__label(k, L_qualname);
#endif
    }
}

void htrail__type_add_row(htrail__walk *k, PyTypeObject *type)
{
    if (__builtin_expect(htrail__seen_set(&k->seen, (uintptr_t)type, SEEN_NOTED) & SEEN_NOTED, 1))
        return;
    htrail_type row = {
        .id = (htrail_id)(uintptr_t)type,
        .base = (htrail_id)(uintptr_t)type->tp_base,
        .basic_bytes = (uint64_t)type->tp_basicsize,
        .item_bytes = (uint64_t)type->tp_itemsize,
        .flags = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? HTRAIL_TYPE_HEAP : 0,
    };
    htrail__name_type(k, type, &row.name, &row.module);
    name_labels(k, type, &row);
    htrail_status status = htrail_writer_add_type(k->writer, &row);
    if (status)
        k->status = status;
}

#if PY_MAJOR_VERSION < 3
htrail_id htrail__type_add_old_class(htrail__walk *k, PyObject *class)
{
    htrail_id id = (htrail_id)(uintptr_t)class;
    if (__builtin_expect(htrail__seen_set(&k->seen, (uintptr_t)class, SEEN_NOTED) & SEEN_NOTED, 1))
        return id;
    htrail_type row = {.id = id, .base = (htrail_id)(uintptr_t)&PyInstance_Type, .basic_bytes = sizeof(PyInstanceObject), .flags = HTRAIL_TYPE_HEAP};
    htrail__name_old_class(k, class, &row.name, &row.module);
    htrail_status status = htrail_writer_add_type(k->writer, &row);
    if (status)
        k->status = status;
    return id;
}
#endif

void htrail__type_add_pseudo(htrail__walk *k, htrail_id id, const char *name)
{
    if (htrail__seen_set(&k->seen, (uintptr_t)id, SEEN_MET | SEEN_NOTED))
        return;
    htrail_type row = {.id = id, .name = {name, strlen(name)}, .module = {"builtins", 8}, .flags = HTRAIL_TYPE_PSEUDO};
    htrail_status status = htrail_writer_add_type(k->writer, &row);
    if (status)
        k->status = status;
}
