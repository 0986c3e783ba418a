/* measure_27.c - see measure.h, for CPython 2.7. Few of its types have a __sizeof__: of the others
 * sys.getsizeof says tp_basicsize and items, also where that is not all (docs/capture.md). */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION < 3

#include <stddef.h>

#include "capture/python/layout.h"
#include "capture/python/measure.h"
#include "capture/python/ndarray.h"
#include "capture/python/refs.h"
#include "capture/python/structures.h"

static uint64_t items_of(PyObject *o)
{
    return (uint64_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o));
}

static uint64_t base_bytes(const htrail__type_info *info)
{
    return (uint64_t)info->header_bytes + info->basic_bytes;
}

static uint64_t with_length(uint64_t bytes, uint64_t items, uint64_t *length, bool *has_length)
{
    *length = items;
    *has_length = true;
    return bytes;
}

/* object.__sizeof__ */
static uint64_t plain(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    return info->item_bytes ? base_bytes(info) + items_of(o) * info->item_bytes : base_bytes(info);
}

static uint64_t tuple(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(plain(o, info, length, has_length), items_of(o), length, has_length);
}

static uint64_t type(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t bytes = plain(o, info, length, has_length);
    return ((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE ? bytes : bytes - info->header_bytes;
}

static uint64_t dict(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyDictObject *d = (PyDictObject *)o;
    return with_length(base_bytes(info) + htrail__layout_dict_table_bytes(d), (uint64_t)d->ma_used, length, has_length);
}

static uint64_t list(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(base_bytes(info) + (uint64_t)((PyListObject *)o)->allocated * sizeof(PyObject *), items_of(o), length, has_length);
}

static uint64_t set(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PySetObject *s = (PySetObject *)o;
    uint64_t table = s->table == s->smalltable ? 0 : ((uint64_t)s->mask + 1) * sizeof(setentry);
    return with_length(base_bytes(info) + table, (uint64_t)s->used, length, has_length);
}

/* Attributes of a subclass, which lie behind the characters, are not counted. */
static uint64_t string(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(info->header_bytes + offsetof(PyStringObject, ob_sval) + 1 + items_of(o), items_of(o), length, has_length);
}

/* What is kept encoded of it is an object of its own. */
static uint64_t unicode(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t characters = (uint64_t)((PyUnicodeObject *)o)->length;
    return with_length(info->header_bytes + sizeof(PyUnicodeObject) + (characters + 1) * sizeof(Py_UNICODE), characters, length, has_length);
}

static uint64_t byte_array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(base_bytes(info) + (uint64_t)((PyByteArrayObject *)o)->ob_alloc, items_of(o), length, has_length);
}

static uint64_t frame(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    PyCodeObject *co = ((PyFrameObject *)o)->f_code;
    uint64_t words = (uint64_t)co->co_stacksize + (uint64_t)co->co_nlocals + items_of(co->co_cellvars) + items_of(co->co_freevars);
    return info->header_bytes + sizeof(PyFrameObject) + words * sizeof(PyObject *) - sizeof(PyObject *);
}

static uint64_t of_dict(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyObject *d = ((PyObject **)o)[2]; /* Objects/descrobject.c: proxyobject; Objects/dictobject.c: dictviewobject */
    if (d && PyDict_CheckExact(d))
        with_length(0, (uint64_t)((PyDictObject *)d)->ma_used, length, has_length);
    return plain(o, info, length, has_length);
}

/* Objects/rangeobject.c */
typedef struct { PyObject_HEAD long start, step, len; } rangeobject;

static uint64_t range(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(plain(o, info, length, has_length), (uint64_t)((rangeobject *)o)->len, length, has_length);
}

/* Objects/bufferobject.c; how long a buffer is that goes to the end of what can grow is found by asking that */
typedef struct { PyObject_HEAD PyObject *b_base; void *b_ptr; Py_ssize_t b_size, b_offset; } bufferobject;

static uint64_t buffer(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    bufferobject *b = (bufferobject *)o;
    if (!b->b_base || b->b_size >= 0)
        with_length(0, (uint64_t)b->b_size, length, has_length);
    else if (PyString_Check(b->b_base))
        with_length(0, items_of(b->b_base) - (uint64_t)b->b_offset, length, has_length);
    return plain(o, info, length, has_length);
}

static uint64_t memory_view(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    const Py_buffer *view = &((PyMemoryViewObject *)o)->view;
    with_length(0, view->ndim == 0 ? 1 : view->shape ? (uint64_t)view->shape[0] : view->itemsize ? (uint64_t)(view->len / view->itemsize) : 0, length, has_length);
    return plain(o, info, length, has_length);
}

/* Attributes of a subclass are not counted. */
static uint64_t deque(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t items = htrail__deque_length(o);
    uint64_t blocks = ((uint64_t)((htrail__deque *)o)->leftindex + items + HTRAIL__DEQUE_BLOCK_ITEMS - 1) / HTRAIL__DEQUE_BLOCK_ITEMS;
    return with_length(info->header_bytes + sizeof(htrail__deque) + blocks * sizeof(htrail__deque_block), items, length, has_length);
}

/* Modules/arraymodule.c; sys.getsizeof does not count the items */
typedef struct { int typecode, itemsize; } arraydescr;
typedef struct { PyObject_VAR_HEAD char *item; Py_ssize_t allocated; const arraydescr *descr; } arrayobject;

static uint64_t array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    arrayobject *a = (arrayobject *)o;
    return with_length(base_bytes(info) + (uint64_t)a->allocated * (uint64_t)a->descr->itemsize, items_of(o), length, has_length);
}

/* sys.getsizeof does not count what hangs on an element */
static uint64_t element(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    htrail__element_extra *extra = ((htrail__element *)o)->extra;
    uint64_t bytes = base_bytes(info);
    if (extra)
        bytes += sizeof *extra + (extra->children == extra->inside ? 0 : (uint64_t)extra->allocated * sizeof(PyObject *));
    return with_length(bytes, extra ? (uint64_t)extra->length : 0, length, has_length);
}

/* Modules/_io/bytesio.c */
typedef struct { PyObject_HEAD char *buf; Py_ssize_t pos, string_size; size_t buf_size; PyObject *dict, *weakreflist; } bytesio;

static uint64_t bytes_io(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    return info->header_bytes + sizeof(bytesio) + (((bytesio *)o)->buf ? ((bytesio *)o)->buf_size : 0);
}

/* Modules/_io/bufferedio.c */
typedef struct {
    PyObject_HEAD
    PyObject *raw;
    int ok, detached, readable, writable, fast_closed_checks;
    off_t abs_pos;
    char *buffer;
    off_t pos, raw_pos, read_end, write_pos, write_end;
    void *lock;
    volatile long owner;
    Py_ssize_t buffer_size, buffer_mask;
    PyObject *dict, *weakreflist;
} buffered;

static uint64_t buffered_io(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    buffered *b = (buffered *)o;
    return info->header_bytes + sizeof(buffered) + (b->buffer ? (uint64_t)b->buffer_size : 0);
}

/* Modules/_struct.c: formatcode, one more than there are */
typedef struct { const void *definition; Py_ssize_t offset, size; } formatcode;
typedef struct { PyObject_HEAD Py_ssize_t size, len; const formatcode *codes; PyObject *format, *weakreflist; } structobject;

static uint64_t struct_format(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    return info->header_bytes + sizeof(structobject) + ((uint64_t)((structobject *)o)->len + 1) * sizeof(formatcode);
}

/* Modules/mmapmodule.c */
typedef struct { PyObject_HEAD char *data; size_t size; } mmapobject;

static uint64_t mapped(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return with_length(plain(o, info, length, has_length), ((mmapobject *)o)->size, length, has_length);
}

static uint64_t numpy_array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    htrail__ndarray *a = (htrail__ndarray *)o;
    uint64_t bytes = plain(o, info, length, has_length) + 2 * sizeof(Py_ssize_t) * (uint64_t)a->nd;
    if (a->nd > 0)
        with_length(0, (uint64_t)a->dimensions[0], length, has_length);
    return a->flags & HTRAIL__NDARRAY_OWNDATA ? bytes + htrail__ndarray_data_bytes(a) : bytes;
}

htrail__measure *htrail__measure_of(PyTypeObject *t)
{
    long flags = t->tp_flags;
    if (flags & Py_TPFLAGS_STRING_SUBCLASS)
        return string;
    if (flags & Py_TPFLAGS_UNICODE_SUBCLASS)
        return unicode;
    if (flags & Py_TPFLAGS_TUPLE_SUBCLASS)
        return tuple;
    if (flags & Py_TPFLAGS_LIST_SUBCLASS)
        return list;
    if (flags & Py_TPFLAGS_DICT_SUBCLASS)
        return dict;
    if (flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return type;
    static const struct {
        PyTypeObject *type;
        htrail__measure *measure;
    } known[] = {
        {&PySet_Type, set}, {&PyFrozenSet_Type, set}, {&PyByteArray_Type, byte_array}, {&PyFrame_Type, frame}, {&PyDictProxy_Type, of_dict},
        {&PyDictKeys_Type, of_dict}, {&PyDictValues_Type, of_dict}, {&PyDictItems_Type, of_dict}, {&PyRange_Type, range},
        {&PyBuffer_Type, buffer}, {&PyMemoryView_Type, memory_view},
    };
    static const struct {
        const char *name;
        size_t bytes; /* the least tp_basicsize that the structure above fits in */
        htrail__measure *measure;
    } named[] = {
        {"collections.deque", sizeof(htrail__deque), deque},
        {"array.array", sizeof(arrayobject), array},
        {"Element", sizeof(htrail__element), element},
        {"_io.BytesIO", sizeof(bytesio), bytes_io},
        {"_io.BufferedReader", sizeof(buffered), buffered_io},
        {"_io.BufferedWriter", sizeof(buffered), buffered_io},
        {"_io.BufferedRandom", sizeof(buffered), buffered_io},
        {"Struct", sizeof(structobject), struct_format},
        {"mmap.mmap", sizeof(mmapobject), mapped},
        {"numpy.ndarray", sizeof(htrail__ndarray), numpy_array},
    };
    bool struct_sequence = htrail__is_struct_sequence(t);
    for (; t; t = t->tp_base) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (t == known[i].type)
                return known[i].measure;
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
            if (htrail__layout_is_c_type(t, named[i].name, named[i].bytes))
                return named[i].measure;
    }
    return struct_sequence ? tuple : plain;
}

#endif
