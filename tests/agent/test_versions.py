"""One command, many versions: each interpreter gets its agent, and is asked in the way that it can be."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from agent_case import AgentCase, HEAPTRAIL, SANITIZED

HERE = os.path.dirname(os.path.abspath(__file__))

READY = "import os, sys, time\nprint('ready')\nsys.stdout.flush()\n"
THREAD = "import threading\nthread = threading.Thread(target=time.sleep, args=(60,))\nthread.daemon = True\nthread.start()\n"


@interpreters.for_each()
class Versions(AgentCase):
    def begin(self, script, **keywords):
        return self.start(script, python=self.python, **keywords)

    def has_to_wait(self):
        return self.number < (3, 7)

    def test_a_program_that_works_and_one_that_waits_for_input_with_threads_are_asked(self):
        for script in (READY + "end = time.time() + 60\nwhile time.time() < end: time.sleep(0.01)",
                       READY + "n = 0\nwhile True: n += 1", "import time\n" + THREAD + READY + "sys.stdin.read()"):
            program = self.begin(script)
            with open("/proc/net/unix") as sockets:
                self.assertIn("@heaptrail/%d/" % program.pid, sockets.read())
            for _ in range(3):
                self.assert_snap(program)
            self.assertIsNone(program.poll())
            self.end(program)

    def test_a_program_in_a_sleep_is_asked_or_the_wait_has_a_name(self):
        program = self.begin(READY + "time.sleep(1.5)\nprint('slept')\nsys.stdout.flush()\nkept = [0]\nfor n in range(600): time.sleep(0.01)")
        began = time.monotonic()
        if self.has_to_wait():
            self.assert_fails(self.snap(program, "--timeout", "0.3"), "main thread", "before the program starts its first thread on Python %s" % self.version, "--timeout")
            self.assertLess(time.monotonic() - began, 1.2)
        else:
            self.assert_snap(program)
        self.assertEqual(program.stdout.readline(), "slept\n")
        # Who gave up left a call behind that does nothing now; the next one is served.
        self.assert_snap(program)
        self.assertEqual(self.files(".partial"), [])

    def test_threads_that_start_while_the_main_thread_is_waited_for_are_no_obstacle(self):
        program = self.begin("import threading, time\ndef work():\n    while True: sum(range(1000))\n" + READY +
                             "time.sleep(0.5)\n[setattr(t, 'daemon', True) or t.start() for t in [threading.Thread(target=work) for _ in range(3)]]\ntime.sleep(60)")
        self.assert_snap(program)
        self.assert_snap(program)

    @unittest.skipIf(SANITIZED, "has a preload of its own")
    def test_a_child_that_is_forked_while_the_main_thread_is_waited_for_goes_its_way(self):
        library = os.path.join(self.folder, "late_fork.so")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "late_fork.c")], check=True)
        program = self.start(READY + "pid = os.fork()\nif pid == 0:\n    for n in range(10000): pass\n    os._exit(7)\n"
                             "end = time.time() + 10\nstatus = (0, 0)\nwhile status[0] == 0 and time.time() < end:\n    time.sleep(0.01)\n"
                             "    status = os.waitpid(pid, os.WNOHANG)\nif status[0] == 0:\n    os.kill(pid, 9)\nprint(status[1] >> 8)\n"
                             "sys.stdout.flush()\nwhile True: time.sleep(0.01)", python=self.python, env=dict(os.environ, LD_PRELOAD=library))
        snap = subprocess.Popen([HEAPTRAIL, "snap", "-o", self.folder + "/a.htrail", str(program.pid)], stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        program.stdin.write("x")
        program.stdin.flush()
        self.assertEqual(program.stdout.readline(), "7\n")
        self.assertEqual(snap.wait(timeout=60), 0)

    @unittest.skipIf(SANITIZED, "has threads of its own")
    def test_nothing_is_left_after_many(self):
        program = self.begin("import time\n" + THREAD + READY + "sys.stdin.read()")

        def holdings():
            with open("/proc/%d/maps" % program.pid) as maps:
                return [len(os.listdir("/proc/%d/%s" % (program.pid, what))) for what in ("fd", "task")] + [len(maps.readlines())]
        for _ in range(3):
            self.assert_snap(program, "-o", self.folder + "/a.htrail")
        before = holdings()
        for _ in range(5):
            self.assertEqual(self.snap(program, "-o", self.folder + "/a.htrail").returncode, 0)
        self.assertEqual(holdings(), before)

    def test_the_module_can_be_imported_and_the_program_ends_as_ever(self):
        program = self.run_program("import heaptrail, os, sys\nsys.stdout.write('%r %r' % (callable(heaptrail.snapshot), "
                                   "[n for n in os.environ if 'HEAPTRAIL' in n or n == 'LD_PRELOAD']))\nsys.exit(7)", python=self.python)
        self.assertEqual((program.returncode, program.stdout, program.stderr), (7, "True %r" % (["LD_PRELOAD"] * SANITIZED), ""))


if __name__ == "__main__":
    unittest.main()
