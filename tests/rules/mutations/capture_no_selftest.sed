# The collector's lists are walked without a look at their links.
# file: capture/python/selftest.c
# test: tests/capture/test_selftest.py
s/_PyGCHead_PREV\(next\) != head/false/
