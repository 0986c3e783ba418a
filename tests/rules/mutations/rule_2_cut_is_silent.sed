# A file that ends early counts as whole.
# file: format/reader.c
# test: tests/rules/test_rule_2_cut_files.py
s/return r->status = HTRAIL_E_TRUNCATED;/return r->status = HTRAIL_END;/
