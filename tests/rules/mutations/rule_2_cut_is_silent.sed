# A file that ends early counts as whole.
# file: format/reader.c
# test: tests/rules/test_rule_2_cut_files.py
s/return fail\(r, HTRAIL_E_TRUNCATED, "it is cut/return fail(r, HTRAIL_END, "it is cut/
