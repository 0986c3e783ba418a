"""Snapshots that nobody asks for: after a time, by memory, at a signal, at the end, on a MemoryError."""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from agent_case import AgentCase, HEAPTRAIL, SANITIZED, THREAD

READY = "import os, sys, time\nprint('ready')\nsys.stdout.flush()\n"
IDLE = READY + "sys.stdin.read()\n"

# Fills the address space to a limit of its own making, in a function whose local variable is what filled it.
FILL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))
class Culprit(object): pass
def fill():
    culprits = []
    while True:
        culprit = Culprit()
        culprit.data = bytearray(1 << 20)
        culprits.append(culprit)
"""


def number(path):
    return int(re.search(r"-(\d{4})\.htrail$", path).group(1))


@interpreters.for_each()
class Triggers(AgentCase):
    def begin(self, script, *options, **keywords):
        return self.start(script if self.number >= (3, 7) else THREAD + script, options=options, python=self.python, **keywords)

    def to_end(self, script, *options, **keywords):
        return self.run_program(script, options=options, python=self.python, **keywords)

    def assert_asked_by(self, path, trigger):
        info = subprocess.run([HEAPTRAIL, "info", path], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
        self.assertEqual(re.search(r"\n  asked for by +(.*)\n", info).group(1), trigger)

    def test_every_so_often_and_the_last_are_kept_and_others_files_too(self):
        program = self.begin(READY + "sys.exit(int(sys.stdin.readline()))\n", "--every", "0.15", "--keep", "2")
        mine = self.assert_snap(program)
        others = [os.path.join(self.folder, name) for name in ("python-1-0001.htrail", "notes-0001.htrail")]
        for path in others:
            open(path, "w").close()
        end = time.monotonic() + 20
        while max(map(number, self.wait_for_files(1))) < 5 and time.monotonic() < end:
            time.sleep(0.02)
        program.communicate("7\n", timeout=60)
        self.assertEqual(program.returncode, 7)
        left = [os.path.join(self.folder, name) for name in self.files()]
        self.assertLessEqual({mine, *others}, set(left))
        ours = sorted(set(left) - {mine, *others}, key=number)
        self.assertLessEqual(len(ours), 2, left)
        self.assertGreaterEqual(number(ours[-1]), 4)
        for path in ours:
            self.assert_whole(path)
            self.assert_asked_by(path, "time")
        self.assert_asked_by(mine, "snap")

    def test_at_the_end_after_the_programs_own_functions_and_before_anything_is_taken_apart(self):
        script = """
import atexit, sys
class Kept(object): pass
kept = [Kept() for _ in range(1234)]
def last():
    sys.stdout.write('last'); kept.append(Kept())
atexit.register(last)
sys.exit(5)
"""
        program = self.to_end(script, "--at-exit")
        self.assertEqual((program.returncode, program.stdout, program.stderr), (5, "last", ""))
        path, = self.wait_for_files(1)
        self.assertEqual(self.files(), [os.path.basename(path)])
        self.assertEqual(self.top(path, "__main__.Kept")[0], 1235)
        self.assert_asked_by(path, "exit")

    def test_at_the_end_of_a_program_that_does_nothing_and_of_one_that_fails(self):
        for script, status in (("pass", 0), ("1/0", 1)):
            before = len(self.files())
            self.assertEqual(self.to_end(script, "--at-exit").returncode, status)
            self.assertEqual(len(self.wait_for_files(before + 1)), before + 1)

    def test_a_signal_while_the_program_sleeps_or_computes(self):
        program = self.begin(READY + "n = 0\nend = time.time() + 60\nwhile time.time() < end:\n    n += 1\n    if n % 1000 == 0: time.sleep(0.01)\n", "--signal", "USR2")
        for count in (1, 2):
            program.send_signal(signal.SIGUSR2)
            path = self.wait_for_files(count)[-1]
            self.assert_whole(path)
            self.assert_asked_by(path, "signal")
        self.assertIsNone(program.poll())

    def test_memory_that_passes_a_bound_or_grows(self):
        script = READY + "kept = []\nfor line in iter(sys.stdin.readline, ''):\n    kept.append(bytearray(int(line) << 20))\n    print('kept')\n    sys.stdout.flush()\n"
        for options, sizes in ((("--rss", "100M"), (120, 1, 60)), (("--grow", "80%"), (60, 1, 120))):
            program = self.begin(script, "--mode", "in-place", *options) # a copy would yield to a busy machine
            time.sleep(0.3)
            before, counts = len(self.files(".htrail")), []
            for size in sizes:
                program.stdin.write("%d\n" % size)
                program.stdin.flush()
                self.assertEqual(program.stdout.readline(), "kept\n")
                time.sleep(0.8)
                counts.append(len(self.files(".htrail")) - before)
            self.assertEqual(counts, [1, 1, 1] if options[0] == "--rss" else [1, 1, 2], options)
            newest = max(self.wait_for_files(before + 1), key=os.path.getmtime) # pids are no numbers to sort files by
            self.assert_asked_by(newest, "memory" if options[0] == "--rss" else "growth")
            self.end(program)

    @unittest.skipIf(SANITIZED, "a limit on addresses is the sanitizer's end too")
    def test_a_memory_error_that_is_caught_shows_what_filled_the_memory(self):
        program = self.to_end(FILL + "try: fill()\nexcept MemoryError: pass\nprint('goes on')\n", "--on-memory-error")
        self.assertEqual((program.returncode, program.stdout, program.stderr), (0, "goes on\n", ""))
        path, = self.wait_for_files(1)
        self.assert_asked_by(path, "MemoryError")
        self.assert_whole(path)
        self.assertGreater(self.top(path, "__main__.Culprit")[0], 150)

    @unittest.skipIf(SANITIZED, "a limit on addresses is the sanitizer's end too")
    def test_a_memory_error_that_ends_the_program_ends_it_as_ever(self):
        program = self.to_end(FILL + "fill()\n", "--on-memory-error")
        self.assertEqual(program.returncode, 1)
        self.assertIn("MemoryError", program.stderr) # 3.13 has no memory left to print it as ever
        path, = self.wait_for_files(1)
        self.assertGreater(self.top(path, "__main__.Culprit")[0], 150)

    def test_a_memory_error_by_hand_is_the_programs_own_in_every_way(self):
        program = self.to_end("""
class Mine(MemoryError): pass
for kind in (MemoryError, Mine):
    one, two = kind('a', 1), kind()
    assert one is not two and one.args == ('a', 1) and two.args == () and type(one) is kind and kind() is not kind()
    try: raise one
    except MemoryError as error: assert error is one
print('fine')
""", "--on-memory-error")
        self.assertEqual((program.returncode, program.stdout, program.stderr), (0, "fine\n", ""))
        self.assertEqual(len(self.files(".htrail")), 1, "one a minute")


class Trouble(AgentCase):
    """What goes wrong is said once, on the program's standard error, and the program goes on."""

    def said(self, program):
        _, errors = program.communicate(timeout=60)
        return errors

    def test_a_folder_that_went_away(self):
        program = self.start(IDLE, options=["--every", "0.1"], stderr=subprocess.PIPE)
        self.wait_for_files(1)
        os.rename(self.folder, self.folder + "-gone")
        time.sleep(0.5)
        os.rename(self.folder + "-gone", self.folder)
        errors = self.said(program)
        self.assertEqual(program.returncode, 0)
        self.assertRegex(errors, r"^heaptrail: no snapshot \(time\): cannot write '%s/[^']+\.htrail': No such file or directory\n$" % os.path.realpath(self.folder))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_disk_that_is_full(self):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        if os.system("mount -t tmpfs -o size=64k none %s 2> /dev/null" % disk) != 0:
            self.skipTest("cannot mount")
        self.addCleanup(os.system, "umount %s" % disk)
        program = self.start(IDLE, options=["-o", disk, "--every", "0.1"], stderr=subprocess.PIPE)
        time.sleep(0.6)
        errors = self.said(program)
        self.assertEqual(program.returncode, 0)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn("No space left on device", errors)
        self.assertEqual(os.listdir(disk), [])

    def test_a_signal_that_the_program_takes_for_itself(self):
        program = self.start("import signal, sys, time\nsignal.signal(signal.SIGUSR1, lambda *_: print('mine', flush=True))\n" + IDLE,
                             options=["--signal", "USR1"], stderr=subprocess.PIPE)
        program.send_signal(signal.SIGUSR1)
        self.assertEqual(program.stdout.readline(), "mine\n")
        time.sleep(3.3)
        self.assertEqual(self.said(program), "heaptrail: the program handles signal 10 itself now: it takes no more snapshots\n")
        self.assertEqual(self.files(), [])

    def test_bad_settings_are_wrong_use_before_anything_runs(self):
        for option, value in (("--every", "often"), ("--keep", "0"), ("--rss", "x"), ("--grow", "-1"), ("--signal", "KILL")):
            program = self.run_program("print('ran')", options=[option, value])
            self.assertEqual((program.returncode, program.stdout), (2, ""))
            self.assertIn("'%s' for '%s' is no " % (value, option[2:]), program.stderr)

    def test_a_program_that_was_stopped_takes_one_snapshot_for_all_the_time(self):
        program = self.start(IDLE, options=["--every", "0.3"])
        self.wait_for_files(1)
        program.send_signal(signal.SIGSTOP)
        time.sleep(1.3)
        before = len(self.files(".htrail"))
        program.send_signal(signal.SIGCONT)
        time.sleep(0.2)
        self.assertLessEqual(len(self.files(".htrail")), before + 1)

    @unittest.skipIf(SANITIZED, "counts what the sanitizer takes too")
    def test_triggers_that_wait_take_no_time(self):
        program = self.start(IDLE, options=["--every", "1h", "--rss", "100G", "--grow", "1000%", "--signal", "USR2", "--at-exit", "--on-memory-error"])
        def spent():
            with open("/proc/%d/task/%s/schedstat" % (program.pid, max(os.listdir("/proc/%d/task" % program.pid), key=int))) as file:
                return int(file.read().split()[0])
        time.sleep(0.3)
        before = spent()
        time.sleep(2)
        self.assertLess((spent() - before) / 2e9, 0.001, "of one processor")


if __name__ == "__main__":
    unittest.main()
