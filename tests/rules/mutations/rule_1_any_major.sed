# A file of another major version is read as if it were ours.
# file: format/frame.c
# test: tests/rules/test_rule_1_old_files.py
s/if \(header->version_major != HTRAIL__VERSION_MAJOR\) \{/if (header->version_major == 0) {/
