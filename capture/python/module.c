/* module.c - `import heaptrail` in Python: one function. Loaded by the preloaded agent or
 * installed; the same object is both. */
#include <errno.h>
#include <string.h>

#include "capture/python/cpython.h"
#include "capture/python/module_sample.h"

#include <htrail/capture.h>

PyDoc_STRVAR(snapshot_doc,
"snapshot(path, *, hashes=False, contents=False, collect=False, max_pause=None,\n"
"         max_bytes=None, contents_bytes=256, cmdline=True)\n"
"--\n\n"
"Write every object of this interpreter, and who holds it, to the file path.\n\n"
"The program stands still meanwhile: about as long as gc.collect() takes, twice. No\n"
"Python code runs, no object is made or changed before the file is complete.\n\n"
"path       a str, bytes or os.PathLike; \"-\" is standard output. An existing file is\n"
"           replaced when the new one is complete, never before.\n"
"hashes     add a keyed hash for each str and bytes, so that duplicates can be found.\n"
"contents   add the text of each str and bytes, up to contents_bytes bytes.\n"
"           Without it only names travel: of attributes, functions, modules.\n"
"collect    run gc.collect() first. This runs finalizers.\n"
"max_pause  seconds after which the walk ends; the file is then valid, and shorter.\n"
"max_bytes  the file ends before it grows past this; valid, and shorter.\n"
"cmdline    whether the process's command line is in the file.\n\n"
"Returns a dict: path, objects, references, size_bytes (of the objects), file_bytes,\n"
"pause (seconds), complete (False where a limit ended the walk), reason (which one).\n"
"Raises OSError (with errno and filename) where the file cannot be written, RuntimeError where this interpreter\n"
"cannot be walked now (from within a garbage collection, for one), TypeError and\n"
"ValueError for wrong arguments.");

/* With errno and path, so that it is a FileNotFoundError or PermissionError where it is one. */
static void raise_os_error(int error, PyObject *path, const char *message)
{
    PyObject *name = PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(path), PyBytes_GET_SIZE(path));
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
    if (PyBool_Check(o) || !(PyFloat_Check(o) || PyLong_Check(o))) {
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

static int get_bytes(PyObject *o, uint64_t *bytes)
{
    if (!o || o == Py_None)
        return 0;
    if (PyBool_Check(o) || !PyLong_Check(o)) {
        PyErr_Format(PyExc_TypeError, "max_bytes must be an int or None, not %.100s", Py_TYPE(o)->tp_name);
        return -1;
    }
    unsigned long long value = PyLong_AsUnsignedLongLong(o);
    if (value == (unsigned long long)-1 && PyErr_Occurred())
        return -1;
    if (value == 0) {
        PyErr_SetString(PyExc_ValueError, "max_bytes must be more than 0");
        return -1;
    }
    *bytes = value;
    return 0;
}

static PyObject *snapshot(PyObject *module, PyObject *args, PyObject *kwargs)
{
    (void)module;
    static char *names[] = {"path", "hashes", "contents", "collect", "max_pause", "max_bytes", "contents_bytes", "cmdline", NULL};
    PyObject *path = NULL, *max_pause = NULL, *max_bytes = NULL, *result = NULL;
    int hashes = 0, contents = 0, collect = 0, cmdline = 1;
    unsigned int contents_bytes = 256;
    char message[1024];
    htrail_cpython_opts opts;
    htrail_writer_opts writer_opts;
    htrail_snapshot_info info = {0};
    htrail_cpython_opts_init(&opts);
    htrail_writer_opts_init(&writer_opts);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$pppOOIp:snapshot", names, PyUnicode_FSConverter, &path, &hashes, &contents,
                                     &collect, &max_pause, &max_bytes, &contents_bytes, &cmdline))
        return NULL;
    if (get_seconds(max_pause, &opts.max_pause_ns) < 0 || get_bytes(max_bytes, &writer_opts.max_bytes) < 0)
        goto done;
    opts.flags = (hashes ? HTRAIL_CPYTHON_HASHES : 0) | (contents ? HTRAIL_CPYTHON_CONTENTS : 0) |
                 (collect ? HTRAIL_CPYTHON_COLLECT_FIRST : 0) | (cmdline ? 0 : HTRAIL_CPYTHON_NO_CMDLINE);
    opts.contents_bytes = contents_bytes;
    htrail_status status =
        htrail_snapshot_cpython(PyBytes_AS_STRING(path), &writer_opts, &opts, &info, message, sizeof message);
    int error = errno;
    if (status != HTRAIL_OK && status != HTRAIL_E_LIMIT) {
        raise_status(status, error, path, message);
        goto done;
    }
    result = Py_BuildValue("{s:N,s:K,s:K,s:K,s:K,s:d,s:O,s:s}", "path",
                           PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(path), PyBytes_GET_SIZE(path)), "objects",
                           (unsigned long long)info.objects, "references", (unsigned long long)info.refs, "size_bytes",
                           (unsigned long long)info.size_bytes, "file_bytes", (unsigned long long)info.file_bytes, "pause",
                           (double)info.pause_ns / 1e9, "complete", status == HTRAIL_OK ? Py_True : Py_False, "reason",
                           status == HTRAIL_OK ? NULL : message);
done:
    Py_DECREF(path);
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

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "heaptrail", .m_doc = module_doc, .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit_heaptrail(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "__version__", HTRAIL_VERSION) < 0)
        Py_CLEAR(module);
    return module;
}
