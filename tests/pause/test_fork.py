"""A snapshot in a copy of the process: the program does not notice the copy, and the copy is as it was."""
import errno
import os
import signal
import subprocess
import tempfile
import unittest

import pause_case
import interpreters
import snapshot


@interpreters.for_each()
class Fork(snapshot.OnInterpreter):
    def run_forked(self, program, read=False, **options):
        """read: the snapshot is looked at; else it is removed, which is faster."""
        end = "" if read else "\nif os.path.exists(path): os.remove(path)\n"
        return self.run_program(pause_case.PRELUDE + program + end, **options)

    def test_the_program_sees_no_child_and_no_signal_and_runs_no_handler(self):
        taken, told, _ = self.run_forked("""
calls, waited = [], []
signal.signal(signal.SIGCHLD, lambda *a: calls.append("signal"))
os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("parent"), after_in_child=lambda: calls.append("child"))  # since 3.7
# Not by hold: whoever stops and continues a child makes the kernel send SIGCHLD, ours as any other.
rest = [[i] for i in range(400000)]
thread = threading.Thread(target=lambda: holding.update(take(mode="fork")))
thread.start()
while not copies() and thread.is_alive(): pass
pid = copies()[0]
for wait in (os.wait, lambda: os.waitpid(-1, os.WNOHANG), lambda: os.waitpid(pid, os.WNOHANG)):
    try: waited.append(wait())
    except OSError as error: waited.append(error.errno)
lived = copies() == [pid]
thread.join()
tell("told", [calls, waited, holding["mode"], holding["complete"], lived, copies()])
""", read=True)
        self.assertEqual(told["told"], [[], [errno.ECHILD] * 3, "fork", True, True, []])
        self.assertEqual((taken.end, taken.meta["capture_mode"]), ("whole", "fork"))

    def test_children_of_the_program_come_and_go_by_the_hundred_and_each_is_waited_for_once(self):
        taken, told, _ = self.run_forked("""
thread = threading.Thread(target=lambda: [holding.setdefault("results", []).append(take(mode="fork")["complete"]) for _ in range(4)])
thread.start()
wrong, number = [], 0
while thread.is_alive() or number < 200:
    number += 1
    child = os.fork()
    if child == 0: os._exit(number % 100)
    pid, status = os.wait()
    if (pid, status) != (child, number % 100 << 8): wrong.append((pid, status))
    while number > 400 and thread.is_alive(): time.sleep(0.01)
try: wrong.append(os.wait())
except OSError as error: pass
tell("told", [holding["results"], wrong])
""")
        self.assertEqual(told["told"], [[True] * 4, []])

    def test_the_copy_holds_no_file_of_the_program(self):
        taken, told, _ = self.run_forked("""
import select, socket
ours, theirs = socket.socketpair()
reader, writer = os.pipe()
pid = hold(mode="fork")
ours.close()
os.close(writer)
ready = select.select([theirs, reader], [], [], 5)[0]
tell("told", [len(ready), theirs.recv(1) == b"", os.read(reader, 1) == b"", len(os.listdir("/proc/%d/fd" % pid))])
tell("complete", release(pid)["complete"])
""")
        self.assertEqual(told["told"], [2, True, True, 1])
        self.assertTrue(told["complete"])

    def test_the_snapshot_is_of_the_moment_of_the_fork(self):
        taken, told, _ = self.run_forked("""
class Old(object): pass
class New(object): pass
old = [Old() for i in range(1000)]
ids = [id(o) for o in old]
pid = hold(mode="fork")
del old, keep
new = [New() for i in range(50000)]
rest = [[str(i)] for i in range(200000)]
tell("ids", ids)
tell("complete", release(pid)["complete"])
""", read=True)
        self.assertTrue(told["complete"])
        self.assertEqual([i for i in told["ids"] if taken.type_name(i) not in ("__main__.Old", "Old")], [])
        self.assertEqual([t.name for t in taken.types.values() if t.name == "Old"], ["Old"])
        self.assertEqual(taken.of_type("__main__.New"), [])
        self.assertEqual(taken.end, "whole")

    def test_a_copy_that_is_killed_is_one_error_and_leaves_nothing(self):
        taken, told, _ = self.run_forked("""
pid = hold(mode="fork")
os.kill(pid, signal.SIGKILL)
error = release(pid)
folder = os.path.dirname(path)
tell("told", [type(error).__name__, str(error), sorted(f for f in os.listdir(folder) if "htrail" in f), os.path.exists("/proc/%d" % pid)])
tell("next", take(mode="fork")["complete"])
""")
        kind, sentence, left, is_there = told["told"]
        self.assertEqual((kind, left, is_there), ("RuntimeError", [], False))
        self.assertIn("ended by signal 9", sentence)
        self.assertIn("the program itself goes on", sentence)
        self.assertTrue(told["next"])

    def test_a_full_disk_is_an_error_with_its_number_and_leaves_nothing(self):
        taken, told, _ = self.run_forked("""
import random, resource
rest = [[str(random.random())] for i in range(50000)]
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, most))
try: take(mode="fork")
except (IOError, OSError) as error: answer = [error.errno, str(error)]
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
tell("told", answer + [sorted(f for f in os.listdir(os.path.dirname(path)) if "htrail" in f)])
tell("next", take(mode="fork")["complete"])
""")
        self.assertEqual(told["told"][0], errno.EFBIG)
        self.assertIn("File too large", told["told"][1])
        self.assertEqual(told["told"][2], [])
        self.assertTrue(told["next"])

    def test_a_path_that_cannot_be_written_is_said_before_a_copy_is_made(self):
        taken, told, _ = self.run_forked("""
try: heaptrail.snapshot("/nonexistent/a.htrail", mode="fork")
except (IOError, OSError) as error: tell("told", [error.errno, error.filename])
""")
        self.assertEqual(told["told"], [errno.ENOENT, "/nonexistent/a.htrail"])

    def test_signals_sent_to_the_copy_or_its_group_run_no_handler_in_it(self):
        taken, told, _ = self.run_forked("""
reader, writer = os.pipe()
signal.signal(signal.SIGUSR1, lambda *a: os.write(writer, b"x"))
import fcntl; fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
signal.set_wakeup_fd(writer)
pid = hold(mode="fork")
for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM): os.kill(pid, number)
complete = release(pid)["complete"]
os.write(writer, b".")
tell("told", [complete, os.read(reader, 100).decode()])
""")
        self.assertEqual(told["told"], [True, "."])

    def test_the_copy_dies_with_the_program(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            taken, told, done = self.run_forked("""
pid = hold(mode="fork")
tell("pid", pid); told.close()
os.kill(os.getpid(), signal.SIGKILL)
""", check=False)
        self.assertEqual(done.returncode, -signal.SIGKILL)
        for _ in range(500):
            try:
                with open("/proc/%d/stat" % told["pid"]) as stat:
                    if stat.read().rpartition(")")[2].split()[0] in "ZX":
                        return
            except FileNotFoundError:
                return
            import time
            time.sleep(0.01)
        self.fail("the copy lives on")

    def test_the_copy_is_last_in_line_for_the_processor_and_first_for_want_of_memory(self):
        taken, told, _ = self.run_forked("""
pid = hold(mode="fork")
stat = text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()
tell("told", [text_of("/proc/%d/oom_score_adj" % pid).strip(), int(stat[16]) - os.nice(0)])
tell("core", [line.split()[4] for line in open("/proc/%d/limits" % pid) if line.startswith("Max core file size")])
release(pid)
""")
        self.assertEqual(told["told"], ["1000", 10])
        self.assertEqual(told["core"], ["0"])

    def test_hashes_of_both_modes_are_of_one_key_and_facts_are_of_the_program(self):
        taken, told, _ = self.run_forked("""
first = heaptrail.snapshot(path + ".first", hashes=True, mode="fork")
tell("pids", [os.getpid(), os.getppid()])
take(hashes=True)
""", read=True)
        self.assertEqual(taken.meta["capture_mode"], "in-place")
        _, again, _ = self.run_forked("""
import subprocess
for mode in ("fork", "in-place"): heaptrail.snapshot(path + "." + mode, hashes=True, mode=mode)
dumps = [subprocess.Popen([%r, path + "." + mode], stdout=subprocess.PIPE).communicate()[0].decode("utf-8", "replace") for mode in ("fork", "in-place")]
tell("pids", [os.getpid(), os.getppid()])
tell("meta", [dict(line.split("\\t")[1:] for line in dump.splitlines() if line.startswith("M\\t")) for dump in dumps])
""" % snapshot.DUMP)
        forked, in_place = again["meta"]
        for key in ("hash_key_id", "pid", "ppid", "cmdline", "implementation_path", "thread_count"):
            self.assertEqual(forked[key], in_place[key], key)
        self.assertEqual([int(forked["pid"]), int(forked["ppid"])], again["pids"])

    def test_what_it_cost_is_in_the_file(self):
        taken, told, _ = self.run_forked("""
result = take(mode="fork")
tell("result", {k: v for k, v in result.items() if k != "path"})
""", read=True)
        result, meta = told["result"], taken.meta
        cost = {key: int(meta[key]) for key in ("fork_ns", "pause_ns", "walk_ns", "write_ns", "copy_ns", "private_memory_bytes", "cow_bytes",
                                                "copy_minor_faults", "program_minor_faults")}
        self.assertEqual(meta["capture_mode_reason"], "as asked for")
        self.assertTrue(0 < cost["fork_ns"] <= cost["pause_ns"] < cost["walk_ns"] < cost["copy_ns"], cost)
        self.assertAlmostEqual(result["pause"], cost["pause_ns"] / 1e9, delta=0.05)
        self.assertTrue(1 << 20 < cost["private_memory_bytes"] < 16 << 20, cost)
        self.assertLess(cost["cow_bytes"], 8 << 20)
        self.assertGreater(cost["copy_minor_faults"], 100)

    def test_a_walk_that_is_refused_makes_no_copy(self):
        taken, told, _ = self.run_forked("""
answers = []
def callback(phase, info):
    try: take(mode="fork")
    except RuntimeError as error: answers.append(str(error))
gc.callbacks.append(callback); gc.collect(); gc.callbacks.remove(callback)
tell("answers", answers)
try: take(mode="spoon")
except ValueError as error: tell("mode", str(error))
""") if self.since(3, 3) else (None, {"answers": ["called from within a garbage collection"] * 2, "mode": "'spoon'"}, None)
        self.assertEqual(told["answers"], ["called from within a garbage collection"] * 2)
        self.assertIn("'spoon'", told["mode"])
        self.assertIsNone(taken)

    def test_the_copy_makes_no_system_call_but_its_own(self):
        """No brk (malloc), no futex (a lock), nothing that reaches the program's files."""
        if subprocess.call(["strace", "-o", "/dev/null", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0:
            self.skipTest("strace cannot trace here")
        taken, told, done = self.run_forked("""
import subprocess
tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", path + ".strace", "-p", str(os.getpid())], stderr=subprocess.PIPE)
for _ in range(1000):
    if "TracerPid:\\t0" not in text_of("/proc/self/status"): break
    time.sleep(0.01)
complete = take(mode="fork")["complete"]
tracer.terminate(); tracer.communicate()
lines = open(path + ".strace").read().splitlines()
pid = [line.split()[0] for line in lines if "heaptrail-snap" in line][0]
calls = set(line.split("(")[0].split()[1] for line in lines if line.startswith(pid + " ") and "(" in line and "resumed" not in line)
tell("told", [complete, sorted(calls)])
""")
        complete, calls = told["told"]
        self.assertTrue(complete)
        allowed = {"prctl", "getppid", "close_range", "getpriority", "setpriority", "sched_getscheduler", "ioprio_set", "openat", "read", "write",
                   "close", "prlimit64", "setrlimit", "mmap", "munmap", "getrandom", "uname", "readlink", "getuid", "getrusage", "exit_group", "fstat",
                   "newfstatat", "getpid", "gettid", "lseek", "clock_gettime", "poll", "getdents64", "process_vm_readv"}
        self.assertEqual(set(calls) - allowed, set())
        self.assertIn("exit_group", calls)


if __name__ == "__main__":
    unittest.main()
