# Rows with the same bytes come in any order.
# file: cli/top.c
# test: tests/rules/test_rule_8_same_bytes.py
s/"bytes DESC, count DESC, key"/"bytes DESC, random()"/
