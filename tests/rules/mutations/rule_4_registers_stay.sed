# A thread that was borrowed does not get its registers back.
# file: capture/attach/borrow.c
# test: tests/attach/test_refused.py
s/thread->changed = !htrail__registers_set\(thread->tid, &thread->registers\);/thread->changed = false;/
