# What the program starts is given an agent too, although nobody asked for it.
# file: capture/launch/launcher.c
# test: tests/agent/test_children.py
s/ && \(environment\.pid == 0 \|\| environment\.pid == getpid\(\)\);/;/
s/asked && environment\.pid == 0;/asked;/
