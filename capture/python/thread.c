/* thread.c - see thread.h. */
#include "capture/python/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/process/peek.h"
#include "capture/python/layout.h"
#include "capture/python/name.h"
#include "capture/python/text.h"

/* ---- numbers of threads ---- */

#if PY_VERSION_HEX >= 0x030b0000

static uint64_t tid_of(const PyThreadState *thread) { return thread->native_thread_id; }

#else

enum { PTHREAD_BYTES = 2048, TID_MAX = 1 << 22 };

/* Where glibc keeps tid in struct pthread: behind the thread's head and its place in a list. */
#if defined __x86_64__
enum { TID_OFFSET = 720 };
#elif defined __aarch64__
enum { TID_OFFSET = 208 };
#else
enum { TID_OFFSET = 0 };
#endif

/* In a copy of the process the caller's structure has the number of the thread that was copied; then the
 * known offset is believed where it holds a number at all. -1: this is no glibc that we know. */
static long tid_offset(void)
{
    static long offset; /* 0: not looked for yet. The same in every thread */
    unsigned char own[PTHREAD_BYTES];
    int32_t tid = (int32_t)syscall(SYS_gettid), value;
    if (offset != 0)
        return offset;
    if (!htrail__peek(own, (uintptr_t)pthread_self(), sizeof own))
        return -1;
    memcpy(&value, own + TID_OFFSET, sizeof value);
    if (TID_OFFSET != 0 && value == tid)
        return offset = TID_OFFSET;
    long found = -1;
    for (long at = 64; at < PTHREAD_BYTES; at += (long)sizeof value) {
        int32_t here;
        memcpy(&here, own + at, sizeof here);
        if (here == tid && found != -1)
            return -1;
        if (here == tid)
            found = at;
    }
    if (found > 0)
        return offset = found;
    return TID_OFFSET != 0 && value > 0 && value <= TID_MAX ? TID_OFFSET : -1;
}

static uint64_t tid_of(const PyThreadState *thread)
{
    long offset = tid_offset();
    int32_t tid;
    /* The memory of a thread that has ended may be gone. */
    if (offset < 0 || thread->thread_id == 0 || !htrail__peek(&tid, (uintptr_t)thread->thread_id + (uintptr_t)offset, sizeof tid))
        return 0;
    return tid > 0 && tid <= TID_MAX ? (uint64_t)tid : 0;
}

#endif

uint64_t htrail__thread_tid(htrail__walk *k, const PyThreadState *thread)
{
    if (k->tid_of != thread) {
        k->tid = tid_of(thread);
        k->tid_of = thread;
    }
    return k->tid;
}

static void add(htrail__walk *k, const htrail_thread *row)
{
    htrail_status status = htrail_writer_add_thread(k->writer, row);
    if (status)
        k->status = status;
}

void htrail__thread_add(htrail__walk *k, const PyThreadState *thread)
{
    add(k, &(htrail_thread){.tid = htrail__thread_tid(k, thread), .ident = (unsigned long)thread->thread_id, .flags = HTRAIL_THREAD_RUNTIME});
}

/* ---- names ---- */

/* An attribute that an instance of a Python class has, wherever it keeps it. */
static PyObject *attribute(PyObject *o, const char *name)
{
    PyObject **values, *dict;
    Py_ssize_t count;
    if (htrail__layout_instance_values(o, &values, &count)) {
        PyDictKeysObject *keys = htrail__layout_cached_keys(Py_TYPE(o));
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *key = htrail__layout_keys_key(keys, i);
            if (values[i] && key && htrail__text_is(key, name))
                return values[i];
        }
        return NULL;
    }
    dict = htrail__layout_instance_dict(o, Py_TYPE(o));
    if (!dict || !PyDict_Check(dict) || !htrail__layout_dict_is_split((PyDictObject *)dict))
        return htrail__name_find(dict, name, NULL);
    PyDictObject *split = (PyDictObject *)dict;
    for (Py_ssize_t i = 0; i < htrail__layout_dict_slots(split); i++) {
        PyObject *value = htrail__layout_split_value(split, i), *key = htrail__layout_keys_key(htrail__layout_split_keys(split), i);
        if (value && key && htrail__text_is(key, name))
            return value;
    }
    return NULL;
}

static uint64_t number_of(PyObject *o)
{
#if PY_MAJOR_VERSION < 3
    if (PyInt_Check(o))
        return (uint64_t)PyInt_AS_LONG(o);
#endif
    return PyLong_Check(o) ? PyLong_AsUnsignedLongMask(o) : 0;
}

/* threading._active: number of the thread -> its object. */
void htrail__thread_add_names(htrail__walk *k)
{
#if PY_MAJOR_VERSION < 3
    static const char *const name_of = "_Thread__name", *const daemon_of = "_Thread__daemonic";
#else
    static const char *const name_of = "_name", *const daemon_of = "_daemonic";
#endif
    PyObject *module = htrail__name_find(htrail__layout_modules(k->interp), "threading", NULL);
    if (!module || !PyModule_Check(module))
        return;
    PyObject *active = htrail__name_find(((PyModuleObject *)module)->md_dict, "_active", NULL);
    if (!active || !PyDict_CheckExact(active) || htrail__layout_dict_is_split((PyDictObject *)active))
        return;
    PyDictObject *threads = (PyDictObject *)active;
    for (Py_ssize_t i = 0; i < htrail__layout_dict_slots(threads); i++) {
        PyObject *key, *thread;
        if (!htrail__layout_dict_entry(threads, i, &key, &thread) || number_of(key) == 0)
            continue;
        add(k, &(htrail_thread){.ident = number_of(key),
                                .object = (htrail_id)(uintptr_t)thread,
                                .flags = HTRAIL_THREAD_RUNTIME | (attribute(thread, daemon_of) == Py_True ? HTRAIL_THREAD_DAEMON : 0),
                                .name = htrail__name_text(k, attribute(thread, name_of), 0)});
    }
}

/* ---- frames and what else a thread holds ---- */

static void add_root(htrail__walk *k, const htrail_root *row)
{
    htrail_status status = htrail_writer_add_root(k->writer, row);
    if (status)
        k->status = status;
}

void htrail__thread_add_frame(htrail__walk *k, const PyThreadState *thread, const PyCodeObject *code, int line, htrail_id object, uint32_t depth)
{
    char name[512];
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *named = code->co_qualname;
#else
    PyObject *named = code->co_name;
#endif
    htrail_str function = htrail__name_text(k, named, 0), file = htrail__name_text(k, code->co_filename, 1);
    if (line <= 0)
        line = code->co_firstlineno;
    /* The end of a path says more than its beginning. */
    size_t cut = file.len > 300 ? file.len - 300 : 0;
    int len = snprintf(name, sizeof name, "%.*s at %.*s:%d", (int)(function.len < 160 ? function.len : 160), function.data,
                       (int)(file.len - cut), file.data + cut, line);
    const uint64_t tid = htrail__thread_tid(k, thread);
    add_root(k, &(htrail_root){.object = object,
                               .name = {name, len < 0 ? 0 : (size_t)len < sizeof name ? (size_t)len : sizeof name - 1},
                               .thread_id = tid,
                               .kind = HTRAIL_ROOT_FRAME,
                               .depth = depth});
    const htrail_frame row = {.tid = tid, .ident = (unsigned long)thread->thread_id, .object = object, .function = function, .file = file,
                              .line = line > 0 ? (uint32_t)line : 0, .depth = depth};
    htrail_status status = htrail_writer_add_frame(k->writer, &row);
    if (status)
        k->status = status;
}

void htrail__thread_add_root(htrail__walk *k, const PyThreadState *thread, uint32_t kind, PyObject *o, const char *name)
{
    if (!o)
        return;
    htrail__walk_from(k, o);
    add_root(k, &(htrail_root){.object = (htrail_id)(uintptr_t)o, .name = {name, strlen(name)}, .thread_id = htrail__thread_tid(k, thread), .kind = kind});
}
