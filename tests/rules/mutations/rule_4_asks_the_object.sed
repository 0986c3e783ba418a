# The object is asked for its length, and its class may be the user's.
# file: capture/python/walk.c
# test: tests/rules/test_rule_4_sacred_target.py
s/^    Py_ssize_t refcount = Py_REFCNT\(o\);/&\
    if (Py_TYPE(o)->tp_as_sequence \&\& PyObject_Length(o) < 0)\
        PyErr_Clear();/
