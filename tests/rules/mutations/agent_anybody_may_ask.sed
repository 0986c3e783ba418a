# Every user may ask for a snapshot.
# file: capture/agent/serve.c
# test: tests/agent/test_snap.py
s/return htrail__agent_peer\(socket, &pid, &uid\) \&\&.*/return htrail__agent_peer(socket, \&pid, \&uid);/
