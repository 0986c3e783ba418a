# The database holds sizes of 32 bits.
# file: analyze/load_pages.c
# test: tests/rules/test_rule_3_no_ceilings.py
s/\(int64_t\)o->size_bytes/(int32_t)o->size_bytes/
