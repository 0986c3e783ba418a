# The borrowed thread goes on with other registers than it had.
# file: capture/attach/borrow.c
# test: tests/attach/test_attach.py
s/thread->changed = !htrail__registers_set\(thread->tid, &thread->registers\);/thread->changed = false;/
