# The walk holds on to what it looks at.
# file: capture/python/walk.c
# test: tests/rules/test_rule_4_sacred_target.py
s/^    Py_ssize_t refcount = Py_REFCNT\(o\);/&\
    Py_INCREF(o);/
