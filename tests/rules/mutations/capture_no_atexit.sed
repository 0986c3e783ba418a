# What was registered with atexit is no root.
# file: capture/python/roots_311.c
# test: tests/capture/test_roots.py
s/^    atexit_callbacks\(k\);/    (void)atexit_callbacks;/
