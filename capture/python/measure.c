/* measure.c - see measure.h, for CPython 3. One function a kind of size; structures that no header of
 * CPython shows are copied here, each with the file that it is from. */
#include "capture/python/cpython.h"

#if PY_MAJOR_VERSION >= 3

#include "capture/python/measure.h"

#include <stddef.h>

#include "capture/python/layout.h"
#include "capture/python/ndarray.h"
#include "capture/python/structures.h"

static uint64_t items_of(PyObject *o)
{
    return (uint64_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o));
}

/* object.__sizeof__ */
static uint64_t plain(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    uint64_t bytes = (uint64_t)info->header_bytes + info->basic_bytes;
    return info->item_bytes ? bytes + items_of(o) * info->item_bytes : bytes;
}

static uint64_t sized(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    *length = items_of(o);
    *has_length = true;
    return plain(o, info, length, has_length);
}

static uint64_t dict(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyDictObject *d = (PyDictObject *)o;
    uint64_t bytes = (uint64_t)info->header_bytes + info->basic_bytes;
    *length = (uint64_t)d->ma_used;
    *has_length = true;
    return bytes + htrail__layout_dict_table_bytes(d);
}

static uint64_t odict(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t bytes = dict(o, info, length, has_length);
    return bytes + (uint64_t)((htrail__odict *)o)->fast_nodes_size * sizeof(void *) + *length * sizeof(htrail__odict_node);
}

static uint64_t list(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    *length = items_of(o);
    *has_length = true;
    return (uint64_t)info->header_bytes + info->basic_bytes + (uint64_t)((PyListObject *)o)->allocated * sizeof(PyObject *);
}

static uint64_t set(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PySetObject *s = (PySetObject *)o;
    uint64_t bytes = (uint64_t)info->header_bytes + info->basic_bytes;
    *length = (uint64_t)s->used;
    *has_length = true;
    return s->table == s->smalltable ? bytes : bytes + ((uint64_t)s->mask + 1) * sizeof(setentry);
}

static uint64_t string(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyASCIIObject *s = (PyASCIIObject *)o;
    uint64_t bytes = info->header_bytes;
    *has_length = true;
    *length = (uint64_t)s->length;
    if (s->state.compact) {
        bytes += s->state.ascii ? sizeof(PyASCIIObject) + (uint64_t)s->length + 1
                                : sizeof(PyCompactUnicodeObject) + ((uint64_t)s->length + 1) * s->state.kind;
    } else {
        bytes += sizeof(PyUnicodeObject);
        if (((PyUnicodeObject *)o)->data.any)
            bytes += ((uint64_t)s->length + 1) * s->state.kind;
    }
    PyCompactUnicodeObject *c = (PyCompactUnicodeObject *)o;
    const void *data = s->state.compact ? s->state.ascii ? (void *)(s + 1) : (void *)(c + 1) : ((PyUnicodeObject *)o)->data.any;
#if PY_VERSION_HEX < 0x030c0000
    if (s->wstr && (!s->state.ready || (void *)s->wstr != data))
        bytes += ((uint64_t)(s->state.compact && s->state.ascii ? s->length : c->wstr_length) + 1) * sizeof(wchar_t);
#endif
    if (!(s->state.compact && s->state.ascii) && c->utf8 && (void *)c->utf8 != data)
        bytes += (uint64_t)c->utf8_length + 1;
    return bytes;
}

static uint64_t byte_array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    *length = items_of(o);
    *has_length = true;
    return (uint64_t)info->header_bytes + info->basic_bytes + (uint64_t)((PyByteArrayObject *)o)->ob_alloc;
}

static uint64_t integer(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    uint64_t digits = htrail__layout_int_digits(o);
    return info->header_bytes + HTRAIL__LAYOUT_INT_DIGITS_OFFSET + (PY_VERSION_HEX >= 0x030b0000 && digits == 0 ? 1 : digits) * sizeof(digit);
}

/* type.__sizeof__ counts the shared key table too; that is an object of its own here. */
static uint64_t type(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)info, (void)length, (void)has_length;
    if (((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE)
        return info->header_bytes + sizeof(PyHeapTypeObject);
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
    return info->header_bytes + sizeof(PyTypeObject); /* sys.getsizeof counts a header that a static type has not */
#else
    return sizeof(PyTypeObject);
#endif
}

/* A structure of Objects/codeobject.c before 3.12: _PyCodeObjectExtra */
static uint64_t code_extra(PyCodeObject *co)
{
    return co->co_extra ? sizeof(Py_ssize_t) + (uint64_t)*(Py_ssize_t *)co->co_extra * sizeof(void *) : 0;
}

#if PY_VERSION_HEX >= 0x030b0000
static uint64_t code(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    uint64_t bytes = info->basic_bytes + items_of(o) * info->item_bytes;
    bytes = (bytes + sizeof(void *) - 1) & ~(uint64_t)(sizeof(void *) - 1);
    return info->header_bytes + bytes + code_extra((PyCodeObject *)o);
}

static uint64_t frame_words(PyCodeObject *co)
{
    return (uint64_t)co->co_nlocalsplus + (uint64_t)co->co_stacksize;
}

static uint64_t frame(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    _PyInterpreterFrame *f = ((PyFrameObject *)o)->f_frame;
    return info->header_bytes + offsetof(PyFrameObject, _f_frame_data) + offsetof(_PyInterpreterFrame, localsplus) +
           frame_words(htrail__layout_frame_code(f)) * sizeof(PyObject *);
}

static uint64_t generator(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    return info->header_bytes + offsetof(PyGenObject, gi_iframe) + offsetof(_PyInterpreterFrame, localsplus) +
           frame_words(htrail__layout_generator_code((PyGenObject *)o)) * sizeof(PyObject *);
}

#else
static uint64_t code(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    PyCodeObject *co = (PyCodeObject *)o;
    uint64_t bytes = (uint64_t)info->header_bytes + info->basic_bytes + code_extra(co);
    if (co->co_cell2arg && co->co_cellvars)
        bytes += items_of(co->co_cellvars) * sizeof(Py_ssize_t); /* so counted also in 3.6, where an item is a char */
#if PY_VERSION_HEX >= 0x03080000
    if (co->co_opcache)
        bytes += items_of(co->co_code) / sizeof(_Py_CODEUNIT) + co->co_opcache_size * sizeof(_PyOpcache);
#endif
    return bytes;
}

static uint64_t frame(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    (void)length, (void)has_length;
    PyCodeObject *co = ((PyFrameObject *)o)->f_code;
    uint64_t words = (uint64_t)co->co_stacksize + (uint64_t)co->co_nlocals + items_of(co->co_cellvars) + items_of(co->co_freevars);
    return info->header_bytes + sizeof(PyFrameObject) + words * sizeof(PyObject *) - sizeof(PyObject *);
}
#define generator plain
#endif

static uint64_t deque(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t blocks = ((uint64_t)((htrail__deque *)o)->leftindex + items_of(o) + HTRAIL__DEQUE_BLOCK_ITEMS - 1) / HTRAIL__DEQUE_BLOCK_ITEMS;
    *length = items_of(o);
    *has_length = true;
    return (uint64_t)info->header_bytes + info->basic_bytes + blocks * sizeof(htrail__deque_block);
}

static uint64_t proxy(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyObject *mapping = ((PyObject **)o)[2];
    if (mapping && PyDict_CheckExact(mapping)) {
        *length = (uint64_t)((PyDictObject *)mapping)->ma_used;
        *has_length = true;
    }
    return plain(o, info, length, has_length);
}

static uint64_t view(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyDictObject *d = ((_PyDictViewObject *)o)->dv_dict;
    *length = d ? (uint64_t)d->ma_used : 0;
    *has_length = true;
    return plain(o, info, length, has_length);
}

static uint64_t range(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyObject *n = ((htrail__range *)o)->length;
    uint64_t digits = n ? htrail__layout_int_digits(n) : 0;
    if (n && !htrail__layout_int_is_negative(n) && digits * PyLong_SHIFT <= 60) { /* longer: len() fails too, or nearly */
        *length = 0;
        for (uint64_t i = digits; i-- > 0;)
            *length = *length << PyLong_SHIFT | htrail__layout_int_data(n)[i];
        *has_length = true;
    }
    return plain(o, info, length, has_length);
}

/* Modules/arraymodule.c: arrayobject, struct arraydescr */
typedef struct { char typecode; int itemsize; } arraydescr;
typedef struct { PyObject_VAR_HEAD char *item; Py_ssize_t allocated; const arraydescr *descr; } arrayobject;

static uint64_t array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    arrayobject *a = (arrayobject *)o;
    *length = items_of(o);
    *has_length = true;
    return (uint64_t)info->header_bytes + info->basic_bytes + (uint64_t)a->allocated * (uint64_t)a->descr->itemsize;
}

/* Modules/_io/bytesio.c. A buffer that is shared with somebody is not counted. */
typedef struct { PyObject_HEAD PyObject *buf; } bytesio;

static uint64_t bytes_io(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyObject *buffer = ((bytesio *)o)->buf;
    uint64_t bytes = plain(o, info, length, has_length);
    if (buffer && Py_REFCNT(buffer) <= 1)
        bytes += offsetof(PyBytesObject, ob_sval) + 1 + items_of(buffer);
    return bytes;
}

/* Modules/_io/bufferedio.c: buffered, as far as buffer_size */
typedef struct {
    PyObject_HEAD
    PyObject *raw;
    int ok, detached, readable, writable;
    char finalizing;
    int fast_closed_checks;
    off_t abs_pos;
    char *buffer;
    off_t pos, raw_pos, read_end, write_pos, write_end;
    void *lock;
    volatile unsigned long owner;
    Py_ssize_t buffer_size;
} buffered;

static uint64_t buffered_io(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    buffered *b = (buffered *)o;
    return plain(o, info, length, has_length) + (b->buffer ? (uint64_t)b->buffer_size : 0);
}

static uint64_t element(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    htrail__element_extra *extra = ((htrail__element *)o)->extra;
    uint64_t bytes = plain(o, info, length, has_length);
    *length = extra ? (uint64_t)extra->length : 0;
    *has_length = true;
    if (extra) {
        bytes += sizeof(htrail__element_extra);
        if (extra->children != extra->inside)
            bytes += (uint64_t)extra->allocated * sizeof(PyObject *);
    }
    return bytes;
}

/* Modules/_struct.c: PyStructObject, formatcode (its codes end in one without a definition) */
typedef struct { const void *definition; Py_ssize_t numbers[3]; } formatcode;
typedef struct { PyObject_HEAD Py_ssize_t size, len; const formatcode *codes; } structobject;

static uint64_t struct_format(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    uint64_t bytes = plain(o, info, length, has_length) + sizeof(formatcode);
    for (const formatcode *code = ((structobject *)o)->codes; code && code->definition; code++)
        bytes += sizeof *code;
    return bytes;
}

/* Modules/itertoolsmodule.c */
typedef struct { PyObject_HEAD PyObject *pools; } productobject;
typedef struct { PyObject_HEAD PyObject *pool; Py_ssize_t *indices; PyObject *result; Py_ssize_t r; } combinationsobject;
typedef struct { PyObject_HEAD PyObject *pool; Py_ssize_t *indices, *cycles; PyObject *result; Py_ssize_t r; } permutationsobject;

static uint64_t product(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyObject *pools = ((productobject *)o)->pools;
    return plain(o, info, length, has_length) + (pools ? items_of(pools) * sizeof(Py_ssize_t) : 0);
}

static uint64_t combinations(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    return plain(o, info, length, has_length) + (uint64_t)((combinationsobject *)o)->r * sizeof(Py_ssize_t);
}

static uint64_t permutations(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    permutationsobject *p = (permutationsobject *)o;
    return plain(o, info, length, has_length) + ((p->pool ? items_of(p->pool) : 0) + (uint64_t)p->r) * sizeof(Py_ssize_t);
}

/* Modules/_decimal/_decimal.c: PyDecObject; mpd_t of libmpdec */
typedef struct {
    PyObject_HEAD
    Py_hash_t hash;
    uint8_t flags;
    Py_ssize_t exponent, digits, len, alloc;
    uint64_t *data;
} decimalobject;
enum { DECIMAL_FOREIGN_DATA = 0xe0 }; /* static, shared or constant: not a block of its own */

static uint64_t decimal(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    decimalobject *d = (decimalobject *)o;
    uint64_t bytes = plain(o, info, length, has_length);
    return d->flags & DECIMAL_FOREIGN_DATA ? bytes : bytes + (uint64_t)d->alloc * sizeof *d->data;
}

static uint64_t memory_view(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyMemoryViewObject *view = (PyMemoryViewObject *)o;
    if (!(view->flags & _Py_MEMORYVIEW_RELEASED)) {
        *has_length = true;
        *length = view->view.ndim == 0 ? 1 : (uint64_t)view->view.shape[0];
    }
    return plain(o, info, length, has_length);
}

#if PY_VERSION_HEX >= 0x03070000
static uint64_t hamt(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    *has_length = true;
    *length = (uint64_t)((PyHamtObject *)o)->h_count;
    return plain(o, info, length, has_length);
}

static uint64_t context(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    PyHamtObject *vars = ((PyContext *)o)->ctx_vars;
    *has_length = vars != NULL;
    *length = vars ? (uint64_t)vars->h_count : 0;
    return plain(o, info, length, has_length);
}

#endif

static uint64_t numpy_array(PyObject *o, const htrail__type_info *info, uint64_t *length, bool *has_length)
{
    htrail__ndarray *a = (htrail__ndarray *)o;
    uint64_t bytes = plain(o, info, length, has_length) + 2 * sizeof(Py_ssize_t) * (uint64_t)a->nd;
    *has_length = a->nd > 0;
    *length = a->nd > 0 ? (uint64_t)a->dimensions[0] : 0;
    return a->flags & HTRAIL__NDARRAY_OWNDATA ? bytes + htrail__ndarray_data_bytes(a) : bytes;
}

htrail__measure *htrail__measure_of(PyTypeObject *t)
{
    unsigned long flags = t->tp_flags;
    if (flags & Py_TPFLAGS_LONG_SUBCLASS)
        return integer;
    if (flags & Py_TPFLAGS_UNICODE_SUBCLASS)
        return string;
    if (flags & (Py_TPFLAGS_BYTES_SUBCLASS | Py_TPFLAGS_TUPLE_SUBCLASS))
        return sized;
    if (flags & Py_TPFLAGS_LIST_SUBCLASS)
        return list;
    if (flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return type;
    /* In the order of derivation: the first that fits decides. */
    static const struct {
        PyTypeObject *type;
        htrail__measure *measure;
    } known[] = {
        {&PyODict_Type, odict}, {&PyDict_Type, dict}, {&PySet_Type, set}, {&PyFrozenSet_Type, set},
        {&PyByteArray_Type, byte_array}, {&PyCode_Type, code}, {&PyFrame_Type, frame}, {&PyGen_Type, generator},
        {&PyCoro_Type, generator}, {&PyAsyncGen_Type, generator}, {&PyDictProxy_Type, proxy},
#if PY_VERSION_HEX >= 0x03070000
        {&PyContext_Type, context},
#endif
        {&PyMemoryView_Type, memory_view},
        {&PyDictKeys_Type, view}, {&PyDictValues_Type, view}, {&PyDictItems_Type, view}, {&PyRange_Type, range},
    };
    static const struct {
        const char *name;
        size_t bytes; /* the least tp_basicsize that the structure above fits in */
        htrail__measure *measure;
    } named[] = {
#if PY_VERSION_HEX >= 0x03070000
        {"hamt", sizeof(PyHamtObject), hamt},
#endif
        {"collections.deque", sizeof(htrail__deque), deque},
        {"array.array", sizeof(arrayobject), array},
        {"_io.BytesIO", sizeof(bytesio), bytes_io},
        {"_io.BufferedReader", sizeof(buffered), buffered_io},
        {"_io.BufferedWriter", sizeof(buffered), buffered_io},
        {"_io.BufferedRandom", sizeof(buffered), buffered_io},
        {"xml.etree.ElementTree.Element", sizeof(htrail__element), element},
        {"itertools.product", sizeof(productobject), product},
        {"itertools.combinations", sizeof(combinationsobject), combinations},
        {"itertools.combinations_with_replacement", sizeof(combinationsobject), combinations},
        {"itertools.permutations", sizeof(permutationsobject), permutations},
        {"decimal.Decimal", sizeof(decimalobject), decimal},
        {"_struct.Struct", sizeof(structobject), struct_format},
        {"Struct", sizeof(structobject), struct_format}, /* up to 3.8 */
        {"numpy.ndarray", sizeof(htrail__ndarray), numpy_array},
    };
    for (; t; t = t->tp_base) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (t == known[i].type)
                return known[i].measure;
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
            if (htrail__layout_is_c_type(t, named[i].name, named[i].bytes))
                return named[i].measure;
    }
    return plain;
}

#endif
