/* module.c - `import heaptrail` in Python: one function. Loaded by the preloaded agent or
 * installed; the same object is both. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "capture/pause/mode.h"
#include "capture/python/cpython.h"
#include "capture/python/module_sample.h"

#include <htrail/capture.h>

#if PY_MAJOR_VERSION >= 3
#define SIGNATURE \
    "snapshot(path, *, hashes=False, contents=False, collect=False, max_pause=None,\n" \
    "         max_bytes=None, contents_bytes=256, cmdline=True, mode=\"in-place\",\n" \
    "         max_memory=None)\n" \
    "--\n\n"
#define PATHS "str, bytes or os.PathLike"
#else /* a signature in the text is of Python 3 */
#define SIGNATURE \
    "snapshot(path, hashes=False, contents=False, collect=False, max_pause=None,\n" \
    "         max_bytes=None, contents_bytes=256, cmdline=True, mode=\"in-place\",\n" \
    "         max_memory=None)\n\n" \
    "All but path by name alone.\n\n"
#define PATHS "str or unicode"
#endif

PyDoc_STRVAR(snapshot_doc,
SIGNATURE
"Write every object of this interpreter, and who holds it, to the file path.\n\n"
"The program stands still meanwhile: about as long as gc.collect() takes, twice. No\n"
"Python code runs, no object is made or changed before the file is complete. With\n"
"mode=\"fork\" it stands still for milliseconds: a copy of the process writes the file,\n"
"this call waits for it, and the other threads go on.\n\n"
"path       a " PATHS "; \"-\" is standard output. An existing file is\n"
"           replaced when the new one is complete, never before.\n"
"hashes     add a keyed hash for each str and bytes, and for numbers in tuples, so that duplicates can be found.\n"
"contents   add the text of each str and bytes, up to contents_bytes bytes.\n"
"           Without it only names travel: of attributes, functions, modules.\n"
"collect    run gc.collect() first. This runs finalizers.\n"
"max_pause  seconds after which the walk ends; the file is then valid, and shorter.\n"
"max_bytes  the file ends before it grows past this; valid, and shorter.\n"
"cmdline    whether the process's command line is in the file.\n"
"mode       \"in-place\", \"fork\", or \"auto\": fork where free memory allows it. What the\n"
"           program writes to while the copy lives is in memory twice.\n"
"max_memory the walk ends before the snapshot takes more bytes of memory, and with fork\n"
"           what is there twice counts too; the file is then valid, and shorter.\n\n"
"Returns a dict: path, objects, references, size_bytes (of the objects), file_bytes,\n"
"pause (seconds), complete (False where a limit ended the walk), reason (which one),\n"
"mode and mode_reason, fork (seconds of the pause), private_bytes (memory that the\n"
"snapshot took), copied_bytes (of what was there twice).\n"
"Raises OSError (with errno and filename) where the file cannot be written, RuntimeError where this interpreter\n"
"cannot be walked now (from within a garbage collection, for one), TypeError and\n"
"ValueError for wrong arguments.");

/* ---- what Python 2 and 3 do in different ways ---- */

#if PY_MAJOR_VERSION >= 3
#define FORMAT "O&|$OOOOOIOzO:snapshot"
#define PATH_CONVERTER PyUnicode_FSConverter
static PyObject *path_object(PyObject *bytes) { return PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)); }
static bool is_integer(PyObject *o) { return PyLong_Check(o); }
static bool has_too_many_places(PyObject *args) { return (void)args, false; } /* $ says so */
#else
#define FORMAT "O&|OOOOOIOzO:snapshot"
#define PATH_CONVERTER path_converter
static int path_converter(PyObject *given, void *out)
{
    PyObject *bytes = NULL;
    if (PyString_Check(given)) {
        bytes = given;
        Py_INCREF(bytes);
    } else if (PyUnicode_Check(given)) { /* not by a function whose name depends on the width of a character */
        bytes = PyObject_CallMethod(given, "encode", "s", Py_FileSystemDefaultEncoding ? Py_FileSystemDefaultEncoding : "utf-8");
    } else {
        PyErr_Format(PyExc_TypeError, "path must be a str or unicode, not %.100s", Py_TYPE(given)->tp_name);
    }
    if (bytes && (!PyString_Check(bytes) || strlen(PyString_AS_STRING(bytes)) != (size_t)PyString_GET_SIZE(bytes))) {
        PyErr_SetString(PyExc_TypeError, "path must be without null bytes");
        Py_CLEAR(bytes);
    }
    *(PyObject **)out = bytes;
    return bytes != NULL;
}
static PyObject *path_object(PyObject *bytes) { return Py_INCREF(bytes), bytes; }
static bool is_integer(PyObject *o) { return PyInt_Check(o) || PyLong_Check(o); }
static bool has_too_many_places(PyObject *args)
{
    if (PyTuple_GET_SIZE(args) <= 1)
        return false;
    PyErr_Format(PyExc_TypeError, "snapshot() takes 1 argument by its place (%zd given)", PyTuple_GET_SIZE(args));
    return true;
}
#endif

/* ---- arguments and errors ---- */

/* With errno and path, so that it is a FileNotFoundError or PermissionError where it is one. */
static void raise_os_error(int error, PyObject *path, const char *message)
{
    PyObject *name = path_object(path);
    PyObject *arguments = name ? Py_BuildValue("(isO)", error, message, name) : NULL;
    if (arguments)
        PyErr_SetObject(PyExc_OSError, arguments);
    Py_XDECREF(arguments);
    Py_XDECREF(name);
}

static PyObject *raise_status(htrail_status status, int error, PyObject *path, const char *message)
{
    switch (status) {
    case HTRAIL_E_IO:
        raise_os_error(error, path, message);
        break;
    case HTRAIL_E_NOMEM:
        PyErr_SetString(PyExc_MemoryError, message);
        break;
    case HTRAIL_E_UNSUPPORTED:
        PyErr_SetString(PyExc_NotImplementedError, message);
        break;
    default:
        PyErr_SetString(PyExc_RuntimeError, message);
    }
    return NULL;
}

/* None or a number that is not negative. */
static int get_seconds(PyObject *o, uint64_t *nanoseconds)
{
    if (!o || o == Py_None)
        return 0;
    if (PyBool_Check(o) || !(PyFloat_Check(o) || is_integer(o))) {
        PyErr_Format(PyExc_TypeError, "max_pause must be a number of seconds or None, not %.100s", Py_TYPE(o)->tp_name);
        return -1;
    }
    double seconds = PyFloat_AsDouble(o);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (!(seconds > 0 && seconds < 1e9)) {
        PyErr_SetString(PyExc_ValueError, "max_pause must be more than 0 and less than 1e9 seconds");
        return -1;
    }
    *nanoseconds = (uint64_t)(seconds * 1e9);
    return 0;
}

static int get_bytes(PyObject *o, const char *name, uint64_t *bytes)
{
    if (!o || o == Py_None)
        return 0;
    if (PyBool_Check(o) || !is_integer(o)) {
        PyErr_Format(PyExc_TypeError, "%s must be an int or None, not %.100s", name, Py_TYPE(o)->tp_name);
        return -1;
    }
    PyObject *number = PyNumber_Long(o); /* an int of Python 2 as a long */
    unsigned long long value = number ? PyLong_AsUnsignedLongLong(number) : (unsigned long long)-1;
    Py_XDECREF(number);
    if (value == (unsigned long long)-1 && PyErr_Occurred())
        return -1;
    if (value == 0) {
        PyErr_Format(PyExc_ValueError, "%s must be more than 0", name);
        return -1;
    }
    *bytes = value;
    return 0;
}

/* NULL is what was before. */
static int get_flag(PyObject *o, uint32_t flag, uint32_t *flags)
{
    int truth = o ? PyObject_IsTrue(o) : (*flags & flag) != 0;
    if (truth < 0)
        return -1;
    *flags = truth ? *flags | flag : *flags & ~flag;
    return 0;
}

static PyObject *snapshot(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"path", "hashes", "contents", "collect", "max_pause", "max_bytes", "contents_bytes", "cmdline",
                            "mode", "max_memory", NULL};
    PyObject *path = NULL, *max_pause = NULL, *max_bytes = NULL, *max_memory = NULL, *result = NULL;
    PyObject *hashes = NULL, *contents = NULL, *collect = NULL, *cmdline = NULL;
    const char *mode = NULL;
    htrail_capture_mode chosen = HTRAIL_CAPTURE_IN_PLACE;
    uint32_t with_cmdline = 1;
    unsigned int contents_bytes = 256;
    char message[1024];
    htrail_status status;
    htrail_cpython_opts opts;
    htrail_writer_opts writer_opts;
    htrail_snapshot_info info = {0};
    htrail_cpython_opts_init(&opts);
    htrail_writer_opts_init(&writer_opts);
    if (has_too_many_places(args) ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, FORMAT, names, PATH_CONVERTER, &path, &hashes, &contents, &collect, &max_pause, &max_bytes,
                                     &contents_bytes, &cmdline, &mode, &max_memory))
        goto done;
    if (get_flag(hashes, HTRAIL_CPYTHON_HASHES, &opts.flags) < 0 || get_flag(contents, HTRAIL_CPYTHON_CONTENTS, &opts.flags) < 0 ||
        get_flag(collect, HTRAIL_CPYTHON_COLLECT_FIRST, &opts.flags) < 0 || get_flag(cmdline, 1, &with_cmdline) < 0)
        goto done;
    if (get_seconds(max_pause, &opts.max_pause_ns) < 0 || get_bytes(max_bytes, "max_bytes", &writer_opts.max_bytes) < 0 ||
        get_bytes(max_memory, "max_memory", &opts.max_memory_bytes) < 0)
        goto done;
    if (mode && !htrail__mode_parse(mode, &chosen)) {
        PyErr_Format(PyExc_ValueError, "mode must be 'in-place', 'fork' or 'auto', not '%.100s'", mode);
        goto done;
    }
    opts.mode = chosen;
    opts.flags |= with_cmdline ? 0 : HTRAIL_CPYTHON_NO_CMDLINE;
    opts.contents_bytes = contents_bytes;
    status = htrail_snapshot_cpython(PyBytes_AS_STRING(path), &writer_opts, &opts, &info, message, sizeof message);
    int error = errno;
    if (status != HTRAIL_OK && status != HTRAIL_E_LIMIT) {
        raise_status(status, error, path, message);
        goto done;
    }
    result = Py_BuildValue("{s:N,s:K,s:K,s:K,s:K,s:d,s:O,s:s,s:s,s:s,s:d,s:K,s:K}", "path", path_object(path), "objects",
                           (unsigned long long)info.objects, "references", (unsigned long long)info.refs, "size_bytes",
                           (unsigned long long)info.size_bytes, "file_bytes", (unsigned long long)info.file_bytes, "pause",
                           (double)info.pause_ns / 1e9, "complete", status == HTRAIL_OK ? Py_True : Py_False, "reason",
                           status == HTRAIL_OK ? NULL : message, "mode", htrail__mode_name((htrail_capture_mode)info.mode), "mode_reason",
                           info.mode_reason, "fork", (double)info.fork_ns / 1e9, "private_bytes", (unsigned long long)info.private_bytes,
                           "copied_bytes", (unsigned long long)info.cow_bytes);
done:
    Py_XDECREF(path);
    return result;
}

static PyMethodDef methods[] = {
    {"snapshot", (PyCFunction)(void (*)(void))snapshot, METH_VARARGS | METH_KEYWORDS, snapshot_doc},
    {"sample", (PyCFunction)(void (*)(void))htrail__module_sample, METH_VARARGS | METH_KEYWORDS, htrail__module_sample_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(module_doc,
"Heap snapshots of this process: every object and who holds it.\n\n"
"    import heaptrail\n"
"    heaptrail.snapshot(\"a.htrail\")\n\n"
"Then, in a shell: heaptrail top a.htrail; heaptrail diff a.htrail b.htrail;\n"
"heaptrail why a.htrail type:Logger.");

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "heaptrail", .m_doc = module_doc, .m_size = 0, .m_methods = methods};

__attribute__((visibility("default"))) /* not in PyMODINIT_FUNC before 3.9 */
PyMODINIT_FUNC PyInit_heaptrail(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "__version__", HTRAIL_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
#else
__attribute__((visibility("default"))) PyMODINIT_FUNC initheaptrail(void)
{
    PyObject *module = Py_InitModule3("heaptrail", methods, module_doc);
    if (module) /* which sys.modules holds; an error stays set */
        PyModule_AddStringConstant(module, "__version__", HTRAIL_VERSION);
}

/* The agent gives the interpreter the same name whatever the version. A Python 3 must not find it. */
void *PyInit_heaptrail(void)
{
    initheaptrail();
    return NULL;
}
#endif
