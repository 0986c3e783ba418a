/* globals.c - which static variables of C code point to objects. No header says where an
 * extension keeps its objects; but what it keeps in static variables lies in its writable
 * data, and the walk knows every address that is an object. */
#include "capture/python/layout.h"
#include "capture/python/roots.h"

#include <stdio.h>
#include <string.h>

#include "capture/process/facts.h"
#include "capture/process/images.h"
#include "capture/process/peek.h"

/* A heap of static arrays is not read whole: the program waits. */
#define SCAN_BYTES_MAX ((uint64_t)16 << 20)
enum {
    ROWS_MAX = 1 << 16,
    LEAST_ADDRESS = 1 << 16 /* pseudo types are below */
};

typedef struct scan {
    htrail__walk *k;
    const htrail__image_data *data;
    uintptr_t interpreter_start, interpreter_end; /* None and its like lie there */
    char interpreter[128];                        /* its file */
    uint64_t bytes, scanned;
    uint32_t rows;
} scan;

/* The walk met it, and its type's row is written: no other 16 bytes look like that. */
static bool is_object(const htrail__walk *k, uintptr_t address)
{
    if (address & 7 || address < LEAST_ADDRESS || !(htrail__seen_bits(&k->seen, address) & SEEN_MET))
        return false;
    if ((address & 0xfff) == 0xff8) /* its second word would be in a page that was not met */
        return false;
    uintptr_t type = ((const uintptr_t *)address)[1];
    return (type & 7) == 0 && type >= LEAST_ADDRESS && htrail__seen_bits(&k->seen, type) & SEEN_NOTED;
}

static void add_row(scan *s, uintptr_t word, PyObject *o)
{
    char name[160];
    const char *slash = strrchr(s->data->path, '/');
    snprintf(name, sizeof name, "%.120s+0x%llx", slash ? slash + 1 : s->data->path, (unsigned long long)(word - s->data->base));
    htrail__walk_root(s->k, HTRAIL_ROOT_C_GLOBAL, (htrail_id)(uintptr_t)o, name);
    s->rows++;
}

/* What the interpreter itself keeps of freed objects: the places of a free list beyond its end still
 * point to what has lived there since. Only these types are kept in arrays; the others' lists go
 * through the freed objects themselves. What else it holds of them are roots by name. */
static bool is_free_list(const scan *s, uintptr_t word, const PyObject *o)
{
    return (word - s->interpreter_start < s->interpreter_end - s->interpreter_start || word - (uintptr_t)s->k->interp < sizeof *s->k->interp) &&
           (Py_TYPE(o) == &PyList_Type || Py_TYPE(o) == &PyDict_Type || (PY_MAJOR_VERSION < 3 && Py_TYPE(o) == &PySet_Type));
}

/* The words of the segment from start on that were copied to buffer. Returns how many bytes to go on by. */
static size_t scan_words(scan *s, uintptr_t start, const uintptr_t *buffer, size_t words)
{
    size_t i = 0;
    while (i < words && s->rows < ROWS_MAX) {
        uintptr_t at = start + i * sizeof *buffer;
        if (is_object(s->k, at)) { /* a static object: its references are known */
            PyObject *o = (PyObject *)at;
            size_t bytes = PyType_Check(o) ? sizeof(PyTypeObject) : (size_t)Py_TYPE(o)->tp_basicsize;
            i += bytes / sizeof *buffer > 2 ? bytes / sizeof *buffer : 2;
            continue;
        }
        PyObject *o = (PyObject *)buffer[i++];
        bool is_static = (uintptr_t)o - s->interpreter_start < s->interpreter_end - s->interpreter_start;
        if (is_static || !is_object(s->k, (uintptr_t)o) || htrail__layout_is_immortal(o) ||
            (PyType_Check(o) && !(((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE)) || is_free_list(s, at, o))
            continue;
        add_row(s, at, o);
    }
    return i * sizeof *buffer;
}

static bool scan_segment(void *arg, const htrail__image_data *data)
{
    scan *s = arg;
    static char ours;
    uintptr_t at = (data->start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    uintptr_t end = data->end & ~(sizeof(uintptr_t) - 1);
    if ((uintptr_t)&ours - data->base < data->end - data->base) /* what the walk remembers holds nothing */
        return true;
    s->data = data;
    s->bytes += data->end - data->start;
    while (at < end && s->scanned < SCAN_BYTES_MAX && s->rows < ROWS_MAX) {
        /* The waiting objects' stack is empty by now. */
        size_t bytes = end - at < sizeof s->k->waiting ? end - at : sizeof s->k->waiting;
        if (!htrail__peek(s->k->waiting, at, bytes))
            break;
        size_t step = scan_words(s, at, s->k->waiting, bytes / sizeof(uintptr_t));
        s->scanned += step < bytes ? step : bytes;
        at += step;
        if (!htrail__walk_going_on(s->k))
            return false;
    }
    return true;
}

/* The file that the interpreter itself is in: what its own variables hold is no leak, and objects
 * that lie there were never allocated, so that their counts began at one of their own. */
static bool find_interpreter(void *arg, const htrail__image_data *data)
{
    scan *s = arg;
    char range[64];
    const char *slash = strrchr(data->path, '/');
    if ((uintptr_t)&PyType_Type < data->start || (uintptr_t)&PyType_Type >= data->end)
        return true;
    s->interpreter_start = data->start;
    s->interpreter_end = data->end;
    snprintf(s->interpreter, sizeof s->interpreter, "%.100s", slash ? slash + 1 : data->path);
    snprintf(range, sizeof range, "%llx-%llx", (unsigned long long)data->start, (unsigned long long)data->end);
    htrail__facts_set_text(s->k->writer, "interpreter_image", s->interpreter);
    htrail__facts_set_text(s->k->writer, "interpreter_data", range);
    return false;
}

/* Its state, where that is allocated (3.7 to 3.10), and its table of identifiers (3.10 and 3.11). */
static void scan_state(scan *s)
{
    char path[160];
    uintptr_t at = (uintptr_t)s->k->interp;
    snprintf(path, sizeof path, "%s+state", s->interpreter);
    if (at < s->interpreter_start || at >= s->interpreter_end)
        scan_segment(s, &(htrail__image_data){at, at + sizeof *s->k->interp, at, path});
#if PY_VERSION_HEX >= 0x030a0000 && PY_VERSION_HEX < 0x030c0000
    at = (uintptr_t)s->k->interp->unicode.ids.array;
    snprintf(path, sizeof path, "%s+identifiers", s->interpreter);
    scan_segment(s, &(htrail__image_data){at, at + (size_t)s->k->interp->unicode.ids.size * sizeof(PyObject *), at, path});
#endif
}

void htrail__globals_add(htrail__walk *k)
{
    scan s = {.k = k};
    if (!htrail__walk_going_on(k))
        return;
    (void)htrail__images_each(find_interpreter, &s);
    (void)htrail__images_each(scan_segment, &s);
    scan_state(&s);
    htrail__facts_set_number(k->writer, "static_data_bytes", s.bytes);
    htrail__facts_set_number(k->writer, "static_data_scanned_bytes", s.scanned);
}
