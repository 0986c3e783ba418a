# Who asks for hashes gets contents.
# file: capture/python/value.c
# test: tests/rules/test_rule_5_no_contents.py
s/if \(k->opts->flags & HTRAIL_CPYTHON_CONTENTS\)/if (k->opts->flags)/
