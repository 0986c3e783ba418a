/* tests/rules/witness.c - sees what a snapshot does to the process it is taken of. It is preloaded,
 * so that it counts every malloc, and is a Python module as well, so that it counts what goes
 * through Python's allocators and compares refcounts without making an object in between. */
#include <Python.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include <htrail/capture.h>

Py_ssize_t _Py_GetAllocatedBlocks(void); /* sys.getallocatedblocks() without its int */

static int counting;
static unsigned long libc_calls, raw_calls, mem_calls, object_calls;

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size), *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);
extern void *__libc_memalign(size_t align, size_t size);
#define COUNT(calls) ((void)(__atomic_load_n(&counting, __ATOMIC_RELAXED) && __atomic_add_fetch(&(calls), 1, __ATOMIC_RELAXED)))

void *malloc(size_t size) { COUNT(libc_calls); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { COUNT(libc_calls); return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { COUNT(libc_calls); return __libc_realloc(old, size); }
void free(void *block) { if (block) COUNT(libc_calls); __libc_free(block); }
void *memalign(size_t align, size_t size) { COUNT(libc_calls); return __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
int posix_memalign(void **out, size_t align, size_t size)
{
    *out = memalign(align, size);
    return *out ? 0 : ENOMEM;
}

typedef struct domain {
    PyMemAllocatorEx real;
    unsigned long *calls;
} domain;
static domain domains[3] = {{.calls = &raw_calls}, {.calls = &mem_calls}, {.calls = &object_calls}};

static void *hook_malloc(void *ctx, size_t size)
{
    domain *d = ctx;
    COUNT(*d->calls);
    return d->real.malloc(d->real.ctx, size);
}
static void *hook_calloc(void *ctx, size_t count, size_t size)
{
    domain *d = ctx;
    COUNT(*d->calls);
    return d->real.calloc(d->real.ctx, count, size);
}
static void *hook_realloc(void *ctx, void *old, size_t size)
{
    domain *d = ctx;
    COUNT(*d->calls);
    return d->real.realloc(d->real.ctx, old, size);
}
static void hook_free(void *ctx, void *block)
{
    domain *d = ctx;
    COUNT(*d->calls);
    d->real.free(d->real.ctx, block);
}

static void hook(void)
{
    static const PyMemAllocatorDomain which[3] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    for (int i = 0; i < 3; i++) {
        if (domains[i].real.malloc != NULL)
            continue;
        PyMem_GetAllocator(which[i], &domains[i].real);
        PyMemAllocatorEx ours = {&domains[i], hook_malloc, hook_calloc, hook_realloc, hook_free};
        PyMem_SetAllocator(which[i], &ours);
    }
}

/* What must stay of an object, in memory that no allocator knows. */
typedef struct seen {
    Py_ssize_t refcount;
    PyTypeObject *type;
    uintptr_t attributes[2]; /* 3.11: its values, and its __dict__ once somebody asked for one */
} seen;

static void look(seen *at, PyObject *object)
{
    at->refcount = Py_REFCNT(object);
    at->type = Py_TYPE(object);
    memset(at->attributes, 0, sizeof at->attributes);
    if (PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_MANAGED_DICT))
        memcpy(at->attributes, (uintptr_t *)object - 4, sizeof at->attributes);
}

/* watch(objects, call, argument): look at every object, run call(argument) twice, look again. Returns a
 * dict of what changed, and of the calls to allocators during the second run. call may be the address of
 * htrail_snapshot_cpython, then nothing of Python is between the two looks. */
static PyObject *watch(PyObject *self, PyObject *args)
{
    PyObject *objects, *call, *argument;
    (void)self;
    if (!PyArg_ParseTuple(args, "O!OO", &PyList_Type, &objects, &call, &argument))
        return NULL;
    hook();
    Py_ssize_t count = PyList_GET_SIZE(objects);
    size_t bytes = (size_t)(count + 1) * sizeof(seen);
    seen *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return PyErr_NoMemory();
    htrail_status (*direct)(const char *, const htrail_writer_opts *, const htrail_cpython_opts *, htrail_snapshot_info *,
                            char *, size_t) = NULL;
    const char *path = PyLong_Check(call) ? PyUnicode_AsUTF8(argument) : NULL;
    if (PyLong_Check(call))
        direct = (void *)PyLong_AsVoidPtr(call);
    Py_ssize_t changed = 0, blocks = 0;
    unsigned long counts[4];
    htrail_snapshot_info info = {0};
    char message[256] = "";
    htrail_status status = HTRAIL_OK;
    for (Py_ssize_t i = 0; i < count; i++)
        look(&all[i], PyList_GET_ITEM(objects, i));
    for (int round = 0; round < 2; round++) {
        libc_calls = raw_calls = mem_calls = object_calls = 0;
        blocks = _Py_GetAllocatedBlocks();
        __atomic_store_n(&counting, 1, __ATOMIC_SEQ_CST);
        PyObject *result = NULL;
        if (direct)
            status = direct(path, NULL, NULL, &info, message, sizeof message);
        else
            result = PyObject_CallOneArg(call, argument);
        __atomic_store_n(&counting, 0, __ATOMIC_SEQ_CST);
        if (!direct && result == NULL) {
            munmap(all, bytes);
            return NULL;
        }
        counts[0] = libc_calls, counts[1] = raw_calls, counts[2] = mem_calls, counts[3] = object_calls;
        Py_XDECREF(result);
        blocks = _Py_GetAllocatedBlocks() - blocks;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        seen now;
        look(&now, PyList_GET_ITEM(objects, i));
        if (now.refcount != all[i].refcount || now.type != all[i].type ||
            memcmp(now.attributes, all[i].attributes, sizeof now.attributes) != 0)
            changed++;
    }
    munmap(all, bytes);
    return Py_BuildValue("{s:n,s:n,s:k,s:k,s:k,s:k,s:n,s:i,s:s,s:K}", "objects", count, "changed", changed, "libc", counts[0],
                         "raw", counts[1], "mem", counts[2], "object", counts[3], "blocks", blocks, "status", (int)status,
                         "message", message, "captured", (unsigned long long)info.objects);
}

static PyMethodDef methods[] = {{"watch", watch, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "witness", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_witness(void) { return PyModule_Create(&definition); }
