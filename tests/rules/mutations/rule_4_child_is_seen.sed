# The copy of the program ends with a signal, so that the program sees a child that it never had.
# file: capture/pause/child.c
# test: tests/pause/test_fork.py
s/syscall\(SYS_clone, 0L,/syscall(SYS_clone, (long)SIGCHLD,/
