/* embed.c - a program of its own that has a Python in it and takes a snapshot by the C calls.
 * Prints one line a step; tests/capture/test_embed.sh compares them. */
#include <Python.h>
#include <stdio.h>

#include <htrail/capture.h>

static void step(const char *what, htrail_status status, const char *message)
{
    printf("%s: %s%s%s\n", what, htrail_status_text(status), message[0] ? ": " : "", message);
}

int main(int argc, char **argv)
{
    char message[512] = "";
    htrail_snapshot_info info;
    htrail_status status;
    if (argc != 2)
        return 2;
    status = htrail_snapshot_cpython(argv[1], NULL, NULL, NULL, message, sizeof message);
    step("before Python", status, message);
    Py_Initialize();
    PyThreadState *thread = PyEval_SaveThread();
    status = htrail_snapshot_cpython(argv[1], NULL, NULL, NULL, message, sizeof message);
    step("without the GIL", status, message);
    PyEval_RestoreThread(thread);
    PyErr_SetString(PyExc_KeyError, "set before");
    status = htrail_snapshot_cpython(argv[1], NULL, NULL, &info, message, sizeof message);
    step("with the GIL", status, message);
    printf("exception kept: %d, objects: %d\n", PyErr_ExceptionMatches(PyExc_KeyError), info.objects > 5000 && info.refs > info.objects);
    PyErr_Clear();
    status = htrail_snapshot_cpython("/nowhere/a.htrail", NULL, NULL, NULL, message, sizeof message);
    step("nowhere", status, message);
    return Py_FinalizeEx();
}
