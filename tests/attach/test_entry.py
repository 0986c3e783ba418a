"""The way in that `heaptrail snap` calls: an agent that is loaded by dlopen listens when it is told to."""
import os
import sys
import unittest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from agent_case import AgentCase

# Says what the agent answers, and ends with its standard input. A second call finds it listening.
LOAD = """import ctypes, glob, os, sys
attach = ctypes.CDLL(glob.glob(sys.argv[1] + '/heaptrail*.so')[0]).heaptrail_agent_attach
attach.restype = ctypes.c_char_p
settings = sys.argv[2].encode()
sys.stdout.write("%r %r\\n" % (attach(settings), attach(settings)))
sys.stdout.flush()
sys.stdin.read()
"""


@interpreters.for_each()
class Entry:
    def load(self, settings, said):
        import subprocess
        program = subprocess.Popen([self.python, "-c", LOAD, self.module, settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        self.addCleanup(AgentCase.end, self, program)
        self.assertEqual(program.stdout.readline().strip(), said)
        return program

    setUp = AgentCase.setUp
    snap = AgentCase.snap
    assert_whole = AgentCase.assert_whole
    assert_fails = AgentCase.assert_fails
    files = AgentCase.files

    def test_an_agent_that_is_called_answers(self):
        program = self.load("dir=" + self.folder, "None None")
        path = AgentCase.assert_snap(self, program)
        self.assertEqual(os.path.dirname(path), self.folder)
        program.communicate()
        self.assertEqual(program.returncode, 0)

    def test_settings_that_it_does_not_know_are_refused_and_nobody_listens(self):
        said = b"there is no setting 'what?'"
        said = repr(said if self.number >= (3,) else said.decode())
        program = self.load("what?", "%s %s" % (said, said))
        with open("/proc/net/unix") as sockets:
            self.assertNotIn("@heaptrail/%d/" % program.pid, sockets.read())


if __name__ == "__main__":
    unittest.main()
