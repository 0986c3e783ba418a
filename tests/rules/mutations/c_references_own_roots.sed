# Roots that own a reference are blamed on C code.
# file: analyze/c_references.c
# test: tests/analyze/test_c_references.py
s/h->owners \+= owns_a_reference\(graph, root\);/(void)owns_a_reference;/
