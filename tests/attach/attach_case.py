"""What the tests of attaching share: a program that was started without any agent, and `heaptrail snap` of it."""
import os
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters  # noqa: F401: for the tests
from agent_case import AgentCase, HEAPTRAIL, LIMIT_S, PYTHON, SANITIZED  # noqa: F401

# A program prints "ready" when it is there, and then does what it does until its input ends.
SLEEPS = "import time; print('ready', flush=True)\nwhile True: time.sleep(0.05)"
IDLE = "import sys; print('ready', flush=True); sys.stdin.read()"


class AttachCase(AgentCase):
    def begin(self, script, *arguments, python=PYTHON, ready="ready", **keywords):
        """Run a script without an agent and wait until it has printed a line."""
        program = subprocess.Popen([python, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   **keywords)
        self.addCleanup(self.end, program)
        if ready is not None:
            self.assertEqual(program.stdout.readline().strip(), ready)
        return program

    def attach(self, program, *arguments, name="a.htrail", **keywords):
        """A snapshot of it that works."""
        return self.assert_snap(program, "-o", os.path.join(self.folder, name), *arguments, **keywords)

    def assert_untouched(self, program):
        """No thread and no memory of ours."""
        self.assertEqual(self.threads_of_ours(program), 0)
        with open("/proc/%d/maps" % program.pid) as maps:
            self.assertNotIn("/heaptrail.", maps.read())

    def threads_of_ours(self, program):
        count = 0
        for task in os.listdir("/proc/%d/task" % program.pid):
            try:
                with open("/proc/%d/task/%s/comm" % (program.pid, task)) as name:
                    count += name.read() == "heaptrail\n"
            except FileNotFoundError:
                pass
        return count
