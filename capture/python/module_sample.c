/* module_sample.c - heaptrail.sample(): the sampler, for a program that has no agent in it. */
#include "capture/python/module_sample.h"

#include "capture/python/sample.h"
#include "capture/sample/sampler.h"

const char htrail__module_sample_doc[] =
    "sample(interval=524288, frames=16, seed=0)\n"
    "--\n\n"
    "Remember where about one allocation in interval bytes was asked for, until it is freed;\n"
    "snapshots then hold it (heaptrail top --by site). 0: no more. A later call begins anew.\n\n"
    "frames  how many frames of the stack are remembered.\n"
    "seed    the same draws each time; 0: others.\n\n"
    "Returns the number of allocations remembered so far. Much cheaper than tracemalloc, and an\n"
    "estimate. Raises NotImplementedError on Python 2.7.";

PyObject *htrail__module_sample(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"interval", "frames", "seed", NULL};
    unsigned long long seed = 0, kept = htrail__sampler_count();
    long long interval = 512 << 10;
    int frames = HTRAIL__SAMPLE_DEPTH;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|LiK:sample", names, &interval, &frames, &seed))
        return NULL;
    if (interval < 0 || frames < 1) {
        PyErr_SetString(PyExc_ValueError, "interval must not be negative, and frames must be at least 1");
        return NULL;
    }
#if PY_VERSION_HEX < 0x03060000
    (void)kept;
    PyErr_SetString(PyExc_NotImplementedError, "this version of Python lets nobody see its allocations");
    return NULL;
#else
    if (!htrail__sample_start((uint64_t)interval, seed, (unsigned)frames))
        return PyErr_NoMemory();
    return PyLong_FromUnsignedLongLong(kept);
#endif
}
