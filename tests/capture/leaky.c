/* leaky.c - a Python extension that keeps references where no Python tool sees them:
 * one it forgot to give back, one in a static variable, one in a structure that it allocated. */
#include <Python.h>
#include <stdlib.h>

static PyObject *kept;

static PyObject *lose(PyObject *module, PyObject *o)
{
    (void)module;
    Py_INCREF(o);
    Py_RETURN_NONE;
}

static PyObject *keep(PyObject *module, PyObject *o)
{
    PyObject *before = kept;
    (void)module;
    Py_INCREF(o);
    kept = o;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

struct node {
    struct node *next;
    PyObject *held;
};
static struct node *nodes; /* points to no object */

static PyObject *allocate(PyObject *module, PyObject *o)
{
    struct node *node = malloc(sizeof *node);
    (void)module;
    if (node == NULL)
        return PyErr_NoMemory();
    Py_INCREF(o);
    node->held = o;
    node->next = nodes;
    nodes = node;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"lose", lose, METH_O, NULL}, {"keep", keep, METH_O, NULL}, {"allocate", allocate, METH_O, NULL}, {NULL, NULL, 0, NULL}};

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "leaky", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_leaky(void) { return PyModule_Create(&definition); }
#else
PyMODINIT_FUNC initleaky(void) { Py_InitModule("leaky", methods); }
#endif
