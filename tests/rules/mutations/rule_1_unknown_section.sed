# A section that is not known is a defect.
# file: format/reader.c
# test: tests/rules/test_rule_1_old_files.py
s/return HTRAIL_OK; \/\* skipped \*\//return corrupt(r, "its section is not known");/
