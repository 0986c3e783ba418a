/* fields_311.c - the tables of fields.h for CPython 3.6 to 3.13. Structures that no header shows
 * are copied here, each with the file that it is from; htrail__selftest and the tests
 * compare what the tables give with what tp_traverse visits. */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION >= 3

#include "capture/python/fields.h"

#include "capture/python/layout.h"
#include "capture/python/structures.h"

#include <stddef.h>
#include <string.h>

#define F(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, 0}
#define N(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_NAME}
#define X(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_EXTRA}
#define XN(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_EXTRA | FIELD_NAME}
#define END {0, L_none, 0, FIELD_LAST}

/* Objects/descrobject.c */
typedef struct { PyObject_HEAD PyObject *mapping; } mappingproxyobject;
typedef struct { PyObject_HEAD PyWrapperDescrObject *descr; PyObject *self; } wrapperobject;
#if PY_VERSION_HEX >= 0x030a0000
typedef struct { PyObject_HEAD PyObject *prop_get, *prop_set, *prop_del, *prop_doc, *prop_name; int getter_doc; } propertyobject;
#else
typedef struct { PyObject_HEAD PyObject *prop_get, *prop_set, *prop_del, *prop_doc; int getter_doc; } propertyobject;
#endif
/* Objects/funcobject.c: classmethod and staticmethod are alike */
typedef struct { PyObject_HEAD PyObject *cm_callable, *cm_dict; } classmethodobject;
/* Objects/typeobject.c */
typedef struct { PyObject_HEAD PyTypeObject *type; PyObject *obj; PyTypeObject *obj_type; } superobject;
/* Objects/listobject.c, tupleobject.c, iterobject.c: all three */
typedef struct { PyObject_HEAD Py_ssize_t it_index; PyObject *it_seq; } seqiterobject;
/* Modules/_collectionsmodule.c */
typedef struct { PyDictObject dict; PyObject *default_factory; } defdictobject;

static const htrail__field function_fields[] = {
#if PY_VERSION_HEX >= 0x030a0000
    F(PyFunctionObject, func_builtins, builtins),
#endif
    F(PyFunctionObject, func_globals, globals),
    N(PyFunctionObject, func_name, name), N(PyFunctionObject, func_qualname, qualname),
    F(PyFunctionObject, func_code, code), F(PyFunctionObject, func_defaults, defaults),
    F(PyFunctionObject, func_kwdefaults, kwdefaults), F(PyFunctionObject, func_closure, closure),
    F(PyFunctionObject, func_doc, doc), F(PyFunctionObject, func_dict, dict),
    N(PyFunctionObject, func_module, module), F(PyFunctionObject, func_annotations, annotations),
#if PY_VERSION_HEX >= 0x030c0000
    F(PyFunctionObject, func_typeparams, type_params),
#endif
    END};
static const htrail__field method_fields[] = {
    F(PyMethodObject, im_func, func), F(PyMethodObject, im_self, self), END};
static const htrail__field cell_fields[] = {
    {offsetof(PyCellObject, ob_ref), L_cell_contents, HTRAIL_REF_CELL, 0}, END};
static const htrail__field descr_fields[] = {
    F(PyDescrObject, d_type, objclass), XN(PyDescrObject, d_name, name), XN(PyDescrObject, d_qualname, qualname), END};
static const htrail__field wrapper_fields[] = {F(wrapperobject, descr, wrapped), F(wrapperobject, self, self), END};
static const htrail__field proxy_fields[] = {F(mappingproxyobject, mapping, mapping), END};
static const htrail__field property_fields[] = {
    F(propertyobject, prop_get, fget), F(propertyobject, prop_set, fset), F(propertyobject, prop_del, fdel),
#if PY_VERSION_HEX >= 0x030a0000
    N(propertyobject, prop_name, name),
#endif
    F(propertyobject, prop_doc, doc), END};
static const htrail__field classmethod_fields[] = {
    F(classmethodobject, cm_callable, func), F(classmethodobject, cm_dict, dict), END};
static const htrail__field super_fields[] = {
    F(superobject, type, thisclass), F(superobject, obj, self), F(superobject, obj_type, self_class), END};
static const htrail__field slice_fields[] = {
    F(PySliceObject, start, start), F(PySliceObject, stop, stop), F(PySliceObject, step, step), END};
static const htrail__field range_fields[] = {
    X(htrail__range, start, start), X(htrail__range, stop, stop), X(htrail__range, step, step), X(htrail__range, length, length), END};
static const htrail__field iterator_fields[] = {F(seqiterobject, it_seq, iterated), END};
static const htrail__field traceback_fields[] = {
    F(PyTracebackObject, tb_next, tb_next), F(PyTracebackObject, tb_frame, tb_frame), END};
static const htrail__field exception_fields[] = {
#if PY_VERSION_HEX >= 0x030b0000
    F(PyBaseExceptionObject, notes, notes),
#endif
    F(PyBaseExceptionObject, dict, dict), F(PyBaseExceptionObject, args, args),
    F(PyBaseExceptionObject, traceback, traceback), F(PyBaseExceptionObject, cause, cause),
    F(PyBaseExceptionObject, context, context), END};
static const htrail__field module_fields[] = {
    F(PyModuleObject, md_dict, dict), XN(PyModuleObject, md_name, name), END};
#if PY_VERSION_HEX >= 0x030c0000
/* Objects/typevarobject.c: the name comes first, and nothing visits it */
static const htrail__field type_parameter_fields[] = {
    {sizeof(PyObject), L_name, HTRAIL_REF_FIELD, FIELD_EXTRA | FIELD_NAME}, END};
#endif
static const htrail__field defaultdict_fields[] = {F(defdictobject, default_factory, default_factory), END};

#if PY_VERSION_HEX >= 0x03070000 && PY_VERSION_HEX < 0x03090000
/* Modules/_abc.c, _abc_data: which the collector does not know of yet */
typedef struct { PyObject_HEAD PyObject *registry, *cache, *negative_cache; unsigned long long version; } abcdata;
static const htrail__field abc_fields[] = {
    X(abcdata, registry, abc_registry), X(abcdata, cache, abc_cache), X(abcdata, negative_cache, abc_negative_cache), END};
#endif

const htrail__field *htrail__fields_of(PyTypeObject *base, bool *complete)
{
    /* A type whose size is not that of the structure is another version's: tp_traverse decides. */
    static const struct {
        PyTypeObject *type;
        const htrail__field *fields;
        size_t bytes; /* 0: there is more than the table says */
    } known[] = {
        {&PyFunction_Type, function_fields, sizeof(PyFunctionObject)},
        {&PyMethod_Type, method_fields, sizeof(PyMethodObject)},
        {&PyCell_Type, cell_fields, sizeof(PyCellObject)},
        {&PyMethodDescr_Type, descr_fields, sizeof(PyMethodDescrObject)},
        {&PyClassMethodDescr_Type, descr_fields, sizeof(PyMethodDescrObject)},
        {&PyMemberDescr_Type, descr_fields, sizeof(PyMemberDescrObject)},
        {&PyGetSetDescr_Type, descr_fields, sizeof(PyGetSetDescrObject)},
        {&PyWrapperDescr_Type, descr_fields, sizeof(PyWrapperDescrObject)},
#if PY_VERSION_HEX < 0x030d0000 /* 3.13 shows it to nobody */
        {&_PyMethodWrapper_Type, wrapper_fields, sizeof(wrapperobject)},
#endif
        {&PyDictProxy_Type, proxy_fields, sizeof(mappingproxyobject)},
        {&PyProperty_Type, property_fields, sizeof(propertyobject)},
        {&PyClassMethod_Type, classmethod_fields, sizeof(classmethodobject)},
        {&PyStaticMethod_Type, classmethod_fields, sizeof(classmethodobject)},
        {&PySuper_Type, super_fields, sizeof(superobject)},
        {&PySlice_Type, slice_fields, sizeof(PySliceObject)},
        {&PyRange_Type, range_fields, sizeof(htrail__range)},
        {&PyListIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PyTupleIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PySeqIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PyTraceBack_Type, traceback_fields, sizeof(PyTracebackObject)},
        {&PyModule_Type, module_fields, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (base == known[i].type) {
            *complete = (size_t)base->tp_basicsize == known[i].bytes;
            return *complete || known[i].bytes == 0 ? known[i].fields : NULL;
        }
#if PY_VERSION_HEX >= 0x03070000 && PY_VERSION_HEX < 0x03090000
    if (!base->tp_traverse && htrail__layout_is_c_type(base, "_abc_data", sizeof(abcdata))) {
        *complete = true;
        return abc_fields;
    }
#endif
    *complete = false;
#if PY_VERSION_HEX >= 0x030d0000
    if (base->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN && (size_t)base->tp_basicsize == sizeof(wrapperobject) && strcmp(base->tp_name, "method-wrapper") == 0) {
        *complete = true;
        return wrapper_fields;
    }
#endif
#if PY_VERSION_HEX >= 0x030c0000
    if (htrail__layout_is_c_type(base, "typing.TypeVar", 64) || htrail__layout_is_c_type(base, "typing.ParamSpec", 40) ||
        htrail__layout_is_c_type(base, "typing.TypeVarTuple", 24) || htrail__layout_is_c_type(base, "typing.TypeAliasType", 56))
        return type_parameter_fields;
#endif
    if (PyExceptionClass_Check(base))
        return exception_fields;
    if (htrail__layout_is_c_type(base, "collections.defaultdict", sizeof(defdictobject)))
        return defaultdict_fields;
    return NULL;
}

#endif
