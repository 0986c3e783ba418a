"""What a fork means: no warning because of us, no agent in a child, and one of its own in each worker where that is asked for."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from agent_case import AgentCase, SANITIZED, THREAD

# A server as gunicorn is one: it loads the application, forks its workers, and waits for them.
PREFORK = """
import os, sys, time
class Loaded(object): pass
class Served(object): pass
kept = [Loaded() for _ in range(100)]
workers = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        kept = [Served() for _ in range(10 + number)]
        while True: time.sleep(0.05)
    workers.append(pid)
print(' '.join(map(str, workers)))
sys.stdout.flush()
sys.stdin.read()
for pid in workers: os.kill(pid, 9)
"""

FORKS = """
import os, sys, warnings
warnings.simplefilter('always')
print('ready')
sys.stdout.flush()
for turn in range(30):
    pid = os.fork()
    if pid == 0: os._exit(len(os.listdir('/proc/self/task')) - 1)
    assert os.waitpid(pid, 0)[1] == 0
print('forked')
sys.stdout.flush()
sys.stdin.read()
"""


@interpreters.for_each()
class Children(AgentCase):
    def begin(self, script, *options, **keywords):
        return self.start(script if self.number >= (3, 7) else THREAD + script, options=options, python=self.python, **keywords)

    def workers(self, program):
        pids = [int(word) for word in program.stdout.readline().split()]
        self.addCleanup(lambda: [os.kill(pid, 9) for pid in pids if os.path.exists("/proc/%d" % pid)])
        return pids

    def listens(self, pid):
        """Whether an agent is there: 'heaptrail snap' would enter a process that has none."""
        with open("/proc/net/unix") as sockets:
            return "@heaptrail/%d/" % pid in sockets.read()

    def assert_listens(self, pid):
        end = time.monotonic() + 10
        while not self.listens(pid):
            self.assertLess(time.monotonic(), end, "nobody listens in %d" % pid)
            time.sleep(0.01)

    @unittest.skipIf(SANITIZED, "has threads of its own")
    def test_a_fork_does_not_warn_and_the_agent_is_there_after_it(self):
        program = self.begin(FORKS, stderr=subprocess.PIPE)
        self.assertEqual(program.stdout.readline(), "forked\n")
        self.assert_listens(program.pid)
        self.assert_snap(program)
        _, errors = program.communicate(timeout=60)
        self.assertEqual((program.returncode, errors), (0, ""))

    def test_workers_have_no_agent_unless_asked_for(self):
        program = self.begin(PREFORK, ready=None)
        for pid in self.workers(program):
            self.assertEqual(len(os.listdir("/proc/%d/task" % pid)), 1)
            self.assertFalse(self.listens(pid))
        self.assert_snap(program)

    def test_each_worker_answers_for_itself_where_asked_for(self):
        program = self.begin(PREFORK, "--children", ready=None)
        for number, pid in enumerate(self.workers(program)):
            self.assert_listens(pid)
            path = self.assert_snap(pid)
            self.assertIn("-%d-0001.htrail" % pid, path)
            self.assertEqual(self.top(path, "__main__.Served")[0], 10 + number)
        self.assertEqual(self.top(self.assert_snap(program), "__main__.Loaded")[0], 100)

    def test_a_program_that_is_started_has_an_agent_where_asked_for(self):
        script = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import sys, time; print(%r); sys.stdout.flush(); [time.sleep(0.02) for _ in range(3000)]' % 'ready'])\nchild.wait()"
        program = self.begin(script, "--children")
        with open("/proc/%d/task/%d/children" % (program.pid, program.pid)) as file:
            child, = map(int, file.read().split())
        self.addCleanup(os.kill, child, 9)
        self.assert_listens(child)
        self.assert_snap(child)
        self.assert_snap(program)

    def test_a_trigger_of_each_worker_writes_files_of_its_own(self):
        program = self.begin(PREFORK, "--children", "--every", "0.2", "--keep", "1", ready=None)
        pids = [program.pid] + self.workers(program)
        end = time.monotonic() + 20
        while time.monotonic() < end and not all(any("-%d-" % pid in name for name in self.files(".htrail")) for pid in pids):
            time.sleep(0.05)
        for pid in pids:
            self.assertTrue(any("-%d-" % pid in name for name in self.files(".htrail")), self.files())


if __name__ == "__main__":
    unittest.main()
