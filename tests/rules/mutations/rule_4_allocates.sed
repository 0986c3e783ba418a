# The walk allocates from the heap that it records.
# file: capture/python/walk.c
# test: tests/rules/test_rule_4_sacred_target.py
s/^    list_reader reader = \{.list = 0\};/&\
    PyMem_Free(PyMem_Malloc(64));/
