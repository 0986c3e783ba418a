# The copy of the process tells the program, with SIGCHLD, that it ended.
# file: capture/pause/child.c
# test: tests/pause/test_fork.py
s/syscall\(SYS_clone, 0L,/syscall(SYS_clone, 17L,/
