/* fields_27.c - the tables of fields.h for CPython 2.7. Many of its types are not the collector's
 * although they refer to objects; here is what those hold that stands in their headers and .c
 * files, members apart (refs_fields.c). */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION < 3

#include <stddef.h>

#include "capture/python/fields.h"
#include "capture/python/layout.h"

#define F(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, 0}
#define N(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_NAME}
#define X(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_EXTRA}
#define XN(type, member, name) {offsetof(type, member), L_##name, HTRAIL_REF_FIELD, FIELD_EXTRA | FIELD_NAME}
#define END {0, L_none, 0, FIELD_LAST}

/* Objects/descrobject.c */
typedef struct { PyObject_HEAD PyObject *dict; } proxyobject;
typedef struct { PyObject_HEAD PyWrapperDescrObject *descr; PyObject *self; } wrapperobject;
typedef struct { PyObject_HEAD PyObject *prop_get, *prop_set, *prop_del, *prop_doc; int getter_doc; } propertyobject;
/* Objects/funcobject.c: classmethod and staticmethod are alike */
typedef struct { PyObject_HEAD PyObject *cm_callable; } classmethodobject;
/* Objects/typeobject.c */
typedef struct { PyObject_HEAD PyTypeObject *type; PyObject *obj; PyTypeObject *obj_type; } superobject;
/* Objects/listobject.c, tupleobject.c, iterobject.c: all three */
typedef struct { PyObject_HEAD long it_index; PyObject *it_seq; } seqiterobject;
/* Modules/_collectionsmodule.c */
typedef struct { PyDictObject dict; PyObject *default_factory; } defdictobject;
/* Objects/bufferobject.c */
typedef struct { PyObject_HEAD PyObject *b_base; void *b_ptr; Py_ssize_t b_size, b_offset; int b_readonly; long b_hash; } bufferobject;
/* Modules/_struct.c */
typedef struct { PyObject_HEAD Py_ssize_t s_size, s_len; void *s_codes; PyObject *s_format, *weakreflist; } structobject;
/* Modules/sre.h */
typedef struct { PyObject_VAR_HEAD Py_ssize_t groups; PyObject *groupindex, *indexgroup, *pattern; int flags; } patternobject;
typedef struct { PyObject_VAR_HEAD PyObject *string, *regs, *pattern; } matchobject;
/* Modules/cStringIO.c */
typedef struct { PyObject_HEAD char *buf; Py_ssize_t pos, string_size; Py_buffer pbuf; } stringio;

static const htrail__field function_fields[] = {
    F(PyFunctionObject, func_globals, globals), N(PyFunctionObject, func_name, name), F(PyFunctionObject, func_code, code),
    F(PyFunctionObject, func_defaults, defaults), F(PyFunctionObject, func_closure, closure), F(PyFunctionObject, func_doc, doc),
    F(PyFunctionObject, func_dict, dict), N(PyFunctionObject, func_module, module), END};
static const htrail__field method_fields[] = {
    F(PyMethodObject, im_func, func), F(PyMethodObject, im_self, self), F(PyMethodObject, im_class, im_class), END};
static const htrail__field class_fields[] = {
    F(PyClassObject, cl_bases, bases), F(PyClassObject, cl_dict, dict), N(PyClassObject, cl_name, name),
    F(PyClassObject, cl_getattr, cl_getattr), F(PyClassObject, cl_setattr, cl_setattr), F(PyClassObject, cl_delattr, cl_delattr), END};
static const htrail__field instance_fields[] = {
    F(PyInstanceObject, in_class, class), F(PyInstanceObject, in_dict, dict), END};
static const htrail__field cell_fields[] = {
    {offsetof(PyCellObject, ob_ref), L_cell_contents, HTRAIL_REF_CELL, 0}, END};
static const htrail__field descr_fields[] = {F(PyDescrObject, d_type, objclass), XN(PyDescrObject, d_name, name), END};
static const htrail__field wrapper_fields[] = {F(wrapperobject, descr, wrapped), F(wrapperobject, self, self), END};
static const htrail__field proxy_fields[] = {F(proxyobject, dict, mapping), END};
static const htrail__field property_fields[] = {
    F(propertyobject, prop_get, fget), F(propertyobject, prop_set, fset), F(propertyobject, prop_del, fdel), F(propertyobject, prop_doc, doc), END};
static const htrail__field classmethod_fields[] = {F(classmethodobject, cm_callable, func), END};
static const htrail__field super_fields[] = {
    F(superobject, type, thisclass), F(superobject, obj, self), F(superobject, obj_type, self_class), END};
static const htrail__field slice_fields[] = {
    X(PySliceObject, start, start), X(PySliceObject, stop, stop), X(PySliceObject, step, step), END};
static const htrail__field iterator_fields[] = {F(seqiterobject, it_seq, iterated), END};
static const htrail__field traceback_fields[] = {
    F(PyTracebackObject, tb_next, tb_next), F(PyTracebackObject, tb_frame, tb_frame), END};
static const htrail__field exception_fields[] = {
    F(PyBaseExceptionObject, dict, dict), F(PyBaseExceptionObject, args, args), F(PyBaseExceptionObject, message, message), END};
static const htrail__field module_fields[] = {F(PyModuleObject, md_dict, dict), END};
static const htrail__field defaultdict_fields[] = {F(defdictobject, default_factory, default_factory), END};
static const htrail__field generator_fields[] = {F(PyGenObject, gi_frame, gi_frame), F(PyGenObject, gi_code, gi_code), END};
/* Of types that are not the collector's */
static const htrail__field unicode_fields[] = {X(PyUnicodeObject, defenc, encoded), END};
static const htrail__field file_fields[] = {
    X(PyFileObject, f_name, name), X(PyFileObject, f_mode, mode), X(PyFileObject, f_encoding, encoding), X(PyFileObject, f_errors, errors), END};
static const htrail__field buffer_fields[] = {X(bufferobject, b_base, array_base), END};
static const htrail__field struct_fields[] = {X(structobject, s_format, format), END};
static const htrail__field pattern_fields[] = {
    X(patternobject, groupindex, groupindex), X(patternobject, indexgroup, indexgroup), X(patternobject, pattern, pattern), END};
static const htrail__field match_fields[] = {X(matchobject, string, string), X(matchobject, regs, regs), X(matchobject, pattern, re), END};
static const htrail__field stringio_fields[] = {X(stringio, pbuf.obj, obj), END};

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
        {&PyClass_Type, class_fields, sizeof(PyClassObject)},
        {&PyInstance_Type, instance_fields, sizeof(PyInstanceObject)},
        {&PyCell_Type, cell_fields, sizeof(PyCellObject)},
        {&PyMemberDescr_Type, descr_fields, sizeof(PyMemberDescrObject)},
        {&PyGetSetDescr_Type, descr_fields, sizeof(PyGetSetDescrObject)},
        {&PyWrapperDescr_Type, descr_fields, sizeof(PyWrapperDescrObject)},
        {&PyDictProxy_Type, proxy_fields, sizeof(proxyobject)},
        {&PyProperty_Type, property_fields, sizeof(propertyobject)},
        {&PyClassMethod_Type, classmethod_fields, sizeof(classmethodobject)},
        {&PyStaticMethod_Type, classmethod_fields, sizeof(classmethodobject)},
        {&PySuper_Type, super_fields, sizeof(superobject)},
        {&PySlice_Type, slice_fields, sizeof(PySliceObject)},
        {&PyListIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PyTupleIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PySeqIter_Type, iterator_fields, sizeof(seqiterobject)},
        {&PyTraceBack_Type, traceback_fields, sizeof(PyTracebackObject)},
        {&PyModule_Type, module_fields, sizeof(PyModuleObject)},
        {&PyGen_Type, generator_fields, sizeof(PyGenObject)},
        {&PyUnicode_Type, unicode_fields, sizeof(PyUnicodeObject)},
        {&PyFile_Type, file_fields, sizeof(PyFileObject)},
        {&PyBuffer_Type, buffer_fields, sizeof(bufferobject)},
    };
    static const struct {
        const char *name;
        const htrail__field *fields;
        size_t bytes; /* at least */
        bool complete;
    } named[] = {
        {"method_descriptor", descr_fields, sizeof(PyMethodDescrObject), true},
        {"classmethod_descriptor", descr_fields, sizeof(PyMethodDescrObject), true},
        {"method-wrapper", wrapper_fields, sizeof(wrapperobject), true},
        {"Struct", struct_fields, sizeof(structobject), true},
        {"_sre.SRE_Pattern", pattern_fields, sizeof(patternobject), true},
        {"_sre.SRE_Match", match_fields, sizeof(matchobject), true},
        {"cStringIO.StringI", stringio_fields, sizeof(stringio), true},
        {"collections.defaultdict", defaultdict_fields, sizeof(defdictobject), false},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (base == known[i].type) {
            *complete = (size_t)base->tp_basicsize == known[i].bytes;
            return *complete || known[i].bytes == 0 ? known[i].fields : NULL;
        }
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (htrail__layout_is_c_type(base, named[i].name, named[i].bytes)) {
            *complete = named[i].complete;
            return named[i].fields;
        }
    *complete = false;
    return base->tp_flags & Py_TPFLAGS_BASE_EXC_SUBCLASS ? exception_fields : NULL;
}

#endif
