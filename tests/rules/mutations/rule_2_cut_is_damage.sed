# A file that ends early counts as damaged, so that nothing of it is kept.
# file: format/reader.c
# test: tests/rules/test_rule_2_cut_files.py
s/return status == HTRAIL_OK \? HTRAIL_OK : truncated\(r\);/return status == HTRAIL_OK ? HTRAIL_OK : corrupt(r, "it ends early");/
