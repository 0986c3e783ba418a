# A file that ends early counts as damaged, so that nothing of it is kept.
# file: format/reader.c
# test: tests/rules/test_rule_2_cut_files.py
s/case HTRAIL_E_TRUNCATED: return truncated\(r\);/case HTRAIL_E_TRUNCATED: return corrupt(r, "it ends early");/
