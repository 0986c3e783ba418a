"""All that test_target.py proves, where the agent may not have a table of files of its own."""
import os
import sys
import time
import unittest

import test_target
from agent_case import IDLE

# A filter as a sandbox may have it: no close_range, no unshare. Set by a process of its own, which becomes
# the command: between fork and exec of a process with threads there is little that may be called.
DENY_OWN_TABLE = """
import ctypes, os, platform, struct, sys
unshare = {"x86_64": 272, "aarch64": 97}[platform.machine()]
program = b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0),             # load the number of the call
    (0x15, 2, 0, 436),           # close_range
    (0x15, 1, 0, unshare),
    (0x06, 0, 0, 0x7fff0000),    # allow
    (0x06, 0, 0, 0x00050001)))   # EPERM
buffer = ctypes.create_string_buffer(program)
filter_program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, filter_program, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "no filter")
os.execv(sys.argv[1], sys.argv[1:])
"""


class SharedTable(test_target.Target):
    BEFORE = (sys.executable, "-S", "-c", DENY_OWN_TABLE)

    def start(self, *arguments, **keywords):
        program = super().start(*arguments, **keywords)
        while not self.is_filtered(program):
            self.assertIsNone(program.poll(), "it ended before it had its filter")
            time.sleep(0.001)
        return program

    def is_filtered(self, program):
        with open("/proc/%d/status" % program.pid) as file:
            return "Seccomp:\t2" in file.read()

    def test_the_socket_is_among_the_programs_files(self):
        program = self.start(IDLE)
        self.assertIn("900", os.listdir("/proc/%d/fd" % program.pid))

    test_files_of_the_agent_are_not_among_the_programs = None
    test_a_program_that_is_out_of_descriptors_can_be_asked = None


if __name__ == "__main__":
    unittest.main()
