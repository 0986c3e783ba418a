"""A snapshot in a copy of the process: the program does not notice the copy, and the copy is as it was."""
import errno
import os
import signal
import subprocess
import time
import unittest

import pause_case
import interpreters
import snapshot

# One run a version; what it told is looked at below.
PROGRAM = """
import select, socket, subprocess
class Old(object): pass
class New(object): pass
old = [Old() for i in range(100)]
tell("old", [id(o) for o in old])
calls, waited = [], []
signal.signal(signal.SIGCHLD, lambda *a: calls.append("SIGCHLD"))
os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("parent"), after_in_child=lambda: calls.append("child"))  # since 3.7
ours, theirs = socket.socketpair()
reader, writer = os.pipe()
said, say = os.pipe()
fcntl.fcntl(say, fcntl.F_SETFL, os.O_NONBLOCK)
signal.signal(signal.SIGUSR1, lambda *a: os.write(say, b"x"))
signal.set_wakeup_fd(say)
heaptrail.snapshot(path + ".in-place", hashes=True)

pid = hold(mode="fork", hashes=True)
for wait in (os.wait, lambda: os.waitpid(-1, os.WNOHANG), lambda: os.waitpid(pid, os.WNOHANG)):
    try: waited.append(wait())
    except OSError as error: waited.append(error.errno)
tell("seen", [list(calls), waited])

ours.close()
os.close(writer)
ready = select.select([theirs, reader], [], [], 5)[0]
tell("files", [len(ready), theirs.recv(1) == b"", os.read(reader, 1) == b"", len(os.listdir("/proc/%d/fd" % pid))])

for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM): os.kill(pid, number)
tell("place", [int(text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()[16]) - os.nice(0), text_of("/proc/%d/oom_score_adj" % pid).strip()])
tell("core", [line.split()[4] for line in open("/proc/%d/limits" % pid) if line.startswith("Max core file size")])

signal.signal(signal.SIGCHLD, signal.SIG_DFL)
wrong = []
for number in range(100):
    child = os.fork()
    if child == 0: os._exit(number)
    if os.wait() != (child, number << 8): wrong.append(number)
tell("children", wrong)

del old
new = [New() for i in range(100)]
result = release()
os.write(say, b".")
tell("handlers", os.read(said, 100).decode())
tell("result", dict((k, v) for k, v in result.items() if k != "path"))
tell("after", copies())
os.rename(path, path + ".forked")

pid = hold(mode="fork")
os.kill(pid, signal.SIGKILL)
error = release()
tell("killed", [type(error).__name__, str(error), left(), os.path.exists("/proc/%d" % pid)])

import resource
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, most))
try: take(mode="fork")
except (IOError, OSError) as error: answer = [error.errno, str(error)]
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
tell("full", answer + left())
try: heaptrail.snapshot("/nonexistent/a.htrail", mode="fork")
except (IOError, OSError) as error: tell("missing", [error.errno, error.filename])

answers = []
def callback(phase, info):  # since 3.3
    try: take(mode="fork")  # since 3.3
    except RuntimeError as error: answers.append(str(error))  # since 3.3
gc.callbacks.append(callback); gc.collect(); gc.callbacks.remove(callback)  # since 3.3
tell("collecting", answers)
try: take(mode="spoon")
except ValueError as error: tell("spoon", str(error))

pipes = [subprocess.Popen([DUMP, path + name], stdout=subprocess.PIPE) for name in (".in-place", ".forked")]
dumps = [pipe.communicate()[0].decode("utf-8", "replace") for pipe in pipes]
tell("meta", [dict(line.split("\\t")[1:] for line in dump.splitlines() if line.startswith("M\\t")) for dump in dumps])
tell("ids", [os.getpid(), os.getppid()])
os.rename(path + ".forked", path)
"""


@interpreters.for_each()
class Fork(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.taken, cls.told, _ = cls.run_program(pause_case.PRELUDE + "DUMP = %r\n" % snapshot.DUMP + PROGRAM)

    def test_the_program_sees_no_child_and_no_signal_and_runs_no_handler(self):
        self.assertEqual(self.told["seen"], [[], [errno.ECHILD] * 3])
        self.assertEqual(self.told["after"], [])

    def test_children_of_the_program_come_and_go_and_each_is_waited_for_once(self):
        self.assertEqual(self.told["children"], [])

    def test_the_copy_holds_no_file_of_the_program(self):
        self.assertEqual(self.told["files"], [2, True, True, 1])

    def test_the_snapshot_is_of_the_moment_of_the_fork(self):
        old = [t.id for t in self.taken.types.values() if t.name == "Old"]
        self.assertEqual([i for i in self.told["old"] if self.taken.objects[i].type not in old], [])
        self.assertEqual(len([o for o in self.taken.objects.values() if o.type in old]), 100)
        self.assertEqual([o for o in self.taken.objects.values() if self.taken.types[o.type].name == "New"], [])
        self.assertEqual((self.taken.end, self.told["result"]["complete"]), ("whole", True))

    def test_a_copy_that_is_killed_is_one_error_and_leaves_nothing(self):
        kind, sentence, left, is_there = self.told["killed"]
        self.assertEqual((kind, left, is_there), ("RuntimeError", ["a.htrail.forked", "a.htrail.in-place"], False))
        self.assertIn("ended by signal 9", sentence)
        self.assertIn("the program itself goes on", sentence)

    def test_a_full_disk_is_an_error_with_its_number_and_leaves_nothing(self):
        self.assertEqual(self.told["full"][0], errno.EFBIG)
        self.assertIn("File too large", self.told["full"][1])
        self.assertEqual(self.told["full"][2:], ["a.htrail.forked", "a.htrail.in-place"])

    def test_a_path_that_cannot_be_written_is_an_error_with_its_number(self):
        self.assertEqual(self.told["missing"], [errno.ENOENT, "/nonexistent/a.htrail"])

    def test_signals_sent_to_the_copy_run_no_handler_in_it(self):
        self.assertEqual(self.told["handlers"].strip("\0\x11"), ".")  # our own SIGCHLDs may be in it

    def test_the_copy_is_last_in_line_for_the_processor_and_first_for_want_of_memory(self):
        self.assertEqual((self.told["place"], self.told["core"]), ([10, "1000"], ["0"]))

    def test_hashes_are_of_one_key_and_facts_of_the_program(self):
        in_place, forked = self.told["meta"]
        for key in ("hash_key_id", "pid", "ppid", "cmdline", "implementation_path", "runtime"):
            self.assertEqual(forked[key], in_place[key], key)
        self.assertEqual([int(forked["pid"]), int(forked["ppid"])], self.told["ids"])
        self.assertEqual((in_place["capture_mode"], forked["capture_mode"]), ("in-place", "fork"))

    def test_what_it_cost_is_in_the_file(self):
        result, meta = self.told["result"], self.taken.meta
        cost = {key: int(meta[key]) for key in ("fork_ns", "pause_ns", "walk_ns", "write_ns", "copy_ns", "private_memory_bytes", "cow_bytes",
                                                "copy_minor_faults", "program_minor_faults")}
        self.assertEqual((meta["capture_mode_reason"], result["mode_reason"]), ("as asked for",) * 2)
        self.assertTrue(0 < cost["fork_ns"] <= cost["pause_ns"] < cost["copy_ns"], cost)
        self.assertTrue(0 < cost["write_ns"] < cost["walk_ns"] < cost["copy_ns"], cost)
        self.assertEqual((int(result["fork"] * 1e9 + 0.5), int(result["pause"] * 1e9 + 0.5)), (cost["fork_ns"], cost["pause_ns"]))
        self.assertTrue(1 << 20 < cost["private_memory_bytes"] < 9 << 20, cost)
        self.assertTrue(0 < cost["cow_bytes"] < 8 << 20, cost)
        self.assertGreater(cost["copy_minor_faults"], 100)

    def test_a_walk_that_is_refused_makes_no_copy(self):
        if self.since(3, 3):
            self.assertEqual(self.told["collecting"], ["called from within a garbage collection"] * 2)
        self.assertIn("'spoon'", self.told["spoon"])


@interpreters.for_each("3.11")
class ForkOnce(snapshot.OnInterpreter):
    def test_the_copy_dies_with_the_program(self):
        taken, told, done = self.run_program(pause_case.PRELUDE + """
import subprocess
pid = hold(mode="fork")
# Another keeps the pipe open: not for want of a reader shall it end.
tell("keeper", subprocess.Popen(["sleep", "30"], pass_fds=[holding["pipe"]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)
tell("pid", pid); told.close()
os.kill(os.getpid(), signal.SIGKILL)
""", check=False)
        self.addCleanup(os.kill, told["keeper"], signal.SIGKILL)
        self.assertEqual(done.returncode, -signal.SIGKILL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                with open("/proc/%d/stat" % told["pid"]) as stat:
                    if stat.read().rpartition(")")[2].split()[0] in "ZX":
                        return
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(0.01)
        self.fail("the copy lives on")

    @unittest.skipIf("SANITIZER_PRELOAD" in os.environ, "a sanitizer makes system calls of its own")
    def test_the_copy_makes_no_system_call_but_its_own(self):
        """No brk (malloc), no futex (a lock), nothing that reaches the program's files."""
        if subprocess.call(["strace", "-o", "/dev/null", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0:
            self.skipTest("strace cannot trace here")
        taken, told, done = self.run_program(pause_case.PRELUDE + """
import subprocess
tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", path + ".strace", "-p", str(os.getpid())], stderr=subprocess.PIPE)
while "TracerPid:\\t0" in text_of("/proc/self/status"): time.sleep(0.01)
complete = take(mode="fork", hashes=True)["complete"]
tracer.terminate(); tracer.communicate()
lines = open(path + ".strace").read().splitlines()
pid = [line.split()[0] for line in lines if "heaptrail-snap" in line][0]
calls = [line.split("(")[0].split()[1] for line in lines if line.startswith(pid + " ") and "(" in line and "resumed" not in line]
tell("told", [complete, calls])
""")
        complete, calls = told["told"]
        self.assertTrue(complete)
        allowed = {"prctl", "getppid", "close_range", "getpriority", "setpriority", "sched_getscheduler", "ioprio_set", "openat", "read", "write",
                   "close", "prlimit64", "setrlimit", "mmap", "munmap", "getrandom", "uname", "readlink", "getuid", "getrusage", "exit_group",
                   "fstat", "newfstatat", "getpid", "gettid", "lseek", "poll", "process_vm_readv", "clock_gettime"}
        self.assertEqual(set(calls) - allowed, set())
        self.assertIn("exit_group", calls)
        # What the interpreter keeps in variables without a symbol is searched for with few of them.
        self.assertLess(calls.count("process_vm_readv"), 1000)


if __name__ == "__main__":
    unittest.main()
