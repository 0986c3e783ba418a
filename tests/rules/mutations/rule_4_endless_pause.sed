# The longest pause allowed is not looked at.
# file: capture/python/walk.c
# test: tests/rules/test_rule_4_sacred_target.py
s/if \(k->deadline_ns\)/if (k->deadline_ns == 1)/
