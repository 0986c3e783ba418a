"""All that test_target.py proves, where the agent may not have a table of files of its own."""
import os
import unittest

import test_target
from agent_case import IDLE


def deny_own_table():
    """A filter as a sandbox may have it: no close_range, no unshare."""
    import ctypes
    import platform
    import struct
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


class SharedTable(test_target.Target):
    def start(self, *arguments, **keywords):
        program = super().start(*arguments, preexec_fn=deny_own_table, **keywords)
        with open("/proc/%d/status" % program.pid) as file:
            self.assertIn("Seccomp:\t2", file.read())
        return program

    def test_the_socket_is_among_the_programs_files(self):
        program = self.start(IDLE)
        self.assertIn("900", os.listdir("/proc/%d/fd" % program.pid))

    test_files_of_the_agent_are_not_among_the_programs = None
    test_a_program_that_is_out_of_descriptors_can_be_asked = None


if __name__ == "__main__":
    unittest.main()
