/* embed.c - the platform of reload.py written in C, as such platforms are: it embeds Python, hands
 * each request to Python code, and forgets afterwards what the request imported. The leak is
 * the same, and no Python code of the platform's own is there to look for it.
 *
 *     cc -o embed samples/embed.c $(python3-config --includes) $(python3-config --ldflags --embed) -rdynamic
 *     build/heaptrail run -o /tmp/embed -- ./embed 20 30 2 &       requests, rounds, seconds of rest
 *     build/heaptrail snap -o /tmp/embed/a.htrail $!
 *     build/heaptrail why /tmp/embed/a.htrail module:logging
 *
 * -rdynamic: where libpython is a part of the program, the agent finds its functions by name.
 * A fourth argument names a module that the platform itself imports (see reload.py). */
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the business wrote: harmless. */
static int handle_request(void)
{
    PyObject *handlers = PyImport_ImportModule("logging.handlers");
    Py_XDECREF(handlers);
    return handlers == NULL ? -1 : 0;
}

/* What the platform does around it. */
static int serve(void)
{
    PyObject *modules = PyImport_GetModuleDict(), *before = PyDict_Copy(modules), *names = NULL;
    int result = before == NULL ? -1 : handle_request();
    if (result == 0 && (names = PyDict_Keys(modules)) == NULL)
        result = -1;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        if (PyDict_GetItem(before, name) == NULL)
            result = PyDict_DelItem(modules, name);
    }
    Py_XDECREF(names);
    Py_XDECREF(before);
    return result;
}

int main(int argc, char **argv)
{
    int requests = argc > 1 ? atoi(argv[1]) : 20, rounds = argc > 2 ? atoi(argv[2]) : 30, rest = argc > 3 ? atoi(argv[3]) : 2;
    PyObject *imported = NULL;

    Py_Initialize();
    if (argc > 4 && (imported = PyImport_ImportModule(argv[4])) == NULL)
        goto failed;
    for (int round = 1; round <= rounds; round++) {
        for (int i = 0; i < requests; i++)
            if (serve() < 0)
                goto failed;
        printf("%d requests served\n", round * requests);
        fflush(stdout);
        Py_BEGIN_ALLOW_THREADS
        sleep((unsigned)rest);
        Py_END_ALLOW_THREADS
    }
    Py_XDECREF(imported);
    Py_Finalize();
    return 0;
failed:
    PyErr_Print();
    return 1;
}
