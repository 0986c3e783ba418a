# Every key of a dict that is a string travels.
# file: capture/python/refs_container.c
# test: tests/rules/test_rule_5_no_contents.py
s/htrail__name_is_identifier\(key\) \|\| \(all_names && /htrail__name_is_identifier(key) || (/
