"""heaptrail snap --mode, the limits and the estimate, of programs that run."""
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

import pause_case
from agent_case import AgentCase, HEAPTRAIL, IDLE, PYTHON

# Answers a line with a line, so that it can be seen to go on.
ECHO = "import sys\nkeep = [str(n) + 'x' for n in range(%d)]\nprint('ready', flush=True)\nfor line in sys.stdin: print(line.strip(), flush=True)"


def copies_of(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as file:
            for child in file.read().split():
                with open("/proc/%s/comm" % child) as comm:
                    if comm.read().strip() == "heaptrail-snap":
                        found.append(int(child))
    return found


class ModeCase(AgentCase):
    def hold(self, program, *options):
        """A snapshot whose copy stands, because nobody reads the pipe: snap, its copy, the pipe."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, 1031, 4096) # F_SETPIPE_SZ: the copy stands in the middle of its walk
        snap = subprocess.Popen([HEAPTRAIL, "snap", "--mode", "fork", "-o", "-", *options, str(program.pid)], stdout=writer,
                                stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.addCleanup(lambda: snap.poll() is None and snap.kill())
        deadline = time.monotonic() + 20
        while not copies_of(program.pid):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(snap.poll(), "ended before it was seen")
        return snap, copies_of(program.pid)[0], reader


class Modes(ModeCase):
    def info(self, path):
        lines = subprocess.run([HEAPTRAIL, "info", "--all", path], stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return dict(line.split(None, 1) for line in lines if len(line.split(None, 1)) == 2)

    def assert_answers(self, program, word="hello", within_s=5):
        program.stdin.write(word + "\n")
        program.stdin.flush()
        self.assertTrue(select.select([program.stdout], [], [], within_s)[0], "no answer")
        self.assertEqual(program.stdout.readline().strip(), word)

    def test_each_mode_is_taken_as_asked_for_and_said_in_output_and_file(self):
        program = self.start(ECHO % 1000)
        for mode in ("fork", "in-place"):
            snap = self.snap(program, "--mode", mode)
            self.assertEqual((snap.returncode, snap.stderr), (0, ""))
            path, _, said = snap.stdout.splitlines()
            self.assertEqual(said, mode + ": as asked for")
            self.assert_whole(path)
            info = self.info(path)
            self.assertEqual((info["capture_mode"], info["capture_mode_reason"], info["sequence"]), (mode, "as asked for", {"fork": "1"}.get(mode, "2")))
            self.assertEqual("fork_ns" in info, mode == "fork")
            self.assertGreater(int(info["private_memory_bytes"]), 1 << 20)
        self.assert_answers(program)
        self.assertEqual(self.snap(program, "--mode", "spoon").returncode, 2)

    def test_auto_forks_where_memory_is_free_and_says_what_decided(self):
        program = self.start(ECHO % 1000)
        snap = self.snap(program)
        self.assertRegex(snap.stdout.splitlines()[2], r"^fork: a copy takes at most [\d.]+ MiB, and .+ leaves [\d.]+ [MG]iB$")
        snap = self.snap(program, "--max-memory", "12M")
        self.assertRegex(snap.stdout.splitlines()[2], r"^in-place: a copy may take up to [\d.]+ MiB, and 12\.0 MiB are allowed$")
        snap = self.snap(program, "--max-pause", "0.0001")
        self.assertRegex(snap.stdout.splitlines()[2], r"^in-place: a fork would stop the program for about 0\.\d ms, longer than allowed$")

    def test_auto_stays_in_place_in_a_control_group_that_leaves_too_little(self):
        group = "/sys/fs/cgroup/memory/heaptrail-test-%d" % os.getpid()
        try:
            os.mkdir(group)
        except OSError:
            self.skipTest("no control group can be made here")
        try:
            program = self.start("import sys; keep = bytearray(b'x') * (40 << 20); " + IDLE)
            with open(group + "/memory.limit_in_bytes", "w") as file:
                file.write(str(30 << 20)) # pages charged before the move stay with the group before
            with open(group + "/cgroup.procs", "w") as file:
                file.write(str(program.pid))
            snap = self.snap(program)
            self.assertRegex(snap.stdout.splitlines()[2], r"^in-place: a copy may take up to \d\d\.\d MiB, and memory\.limit_in_bytes of "
                                                          r"/heaptrail-test-\d+ leaves [\d.]+ [MG]iB$")
            self.assertEqual(self.info(snap.stdout.splitlines()[0])["capture_mode"], "in-place")
            self.finish(program)
        finally:
            os.rmdir(group)

    def test_what_a_trigger_takes_is_in_the_mode_of_the_settings_and_else_auto(self):
        for options, mode, reason in ((("--mode", "in-place"), "in-place", "as asked for"), ((), "fork", "a copy takes at most")):
            program = self.start(IDLE, options=("--every", "0.3", *options))
            deadline = time.monotonic() + 20
            while not self.files("%d-0001.htrail" % program.pid):
                self.assertLess(time.monotonic(), deadline, "no snapshot")
                time.sleep(0.02)
            self.end(program)
            info = self.info(os.path.join(self.folder, self.files("%d-0001.htrail" % program.pid)[0]))
            self.assertEqual(info["capture_mode"], mode)
            self.assertTrue(info["capture_mode_reason"].startswith(reason), info["capture_mode_reason"])

    def test_the_program_goes_on_while_its_copy_writes(self):
        program = self.start(ECHO % 200000)
        snap, copy, reader = self.hold(program)
        for number in range(20):
            self.assert_answers(program, str(number))
        with open(os.path.join(self.folder, "piped"), "wb") as out, os.fdopen(reader, "rb") as source:
            shutil.copyfileobj(source, out)
        self.assertEqual((snap.wait(60), snap.stderr.read().count("fork: as asked for")), (0, 1))
        self.assert_whole(os.path.join(self.folder, "piped"))
        self.assertEqual(copies_of(program.pid), [])

    def test_a_copy_that_is_killed_is_one_sentence_and_the_program_goes_on(self):
        program = self.start(ECHO % 200000)
        snap, copy, reader = self.hold(program)
        os.kill(copy, signal.SIGKILL)
        _, error = snap.communicate(timeout=20)
        os.close(reader)
        self.assertEqual((snap.returncode, len(error.splitlines())), (3, 1), error)
        self.assertIn("ended by signal 9 (for want of memory, or by somebody); the program itself goes on", error)
        self.assert_answers(program)
        self.assertFalse(os.path.exists("/proc/%d" % copy))
        self.assert_snap(program, "--mode", "fork")

    def test_a_client_that_is_killed_takes_the_copy_with_it(self):
        program = self.start(ECHO % 200000)
        snap, copy, reader = self.hold(program)
        snap.kill()
        snap.communicate()
        deadline = time.monotonic() + 5
        while os.path.exists("/proc/%d" % copy) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(os.path.exists("/proc/%d" % copy))
        os.close(reader)
        self.assert_answers(program)
        self.assert_snap(program, "--mode", "fork")

    def test_a_copy_that_is_stopped_is_given_up_on(self):
        program = self.start(ECHO % 200000)
        snap, copy, reader = self.hold(program, "--timeout", "0.5")
        os.kill(copy, signal.SIGSTOP)
        _, error = snap.communicate(timeout=20)
        os.close(reader)
        self.assertEqual(snap.returncode, 3)
        self.assertIn("made no progress for 0.5 s", error)
        deadline = time.monotonic() + 5
        while os.path.exists("/proc/%d" % copy) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(os.path.exists("/proc/%d" % copy))
        self.assert_answers(program)

    def test_a_full_disk_is_one_sentence_and_leaves_nothing(self):
        program = self.start(ECHO % 1000)
        snap = self.snap(program, "--mode", "fork", "-o", "/dev/full")
        self.assertEqual((snap.returncode, snap.stderr), (3, "heaptrail snap: cannot write '/dev/full': No space left on device: "
                                                             "name a place with more room with -o FILE\n"))
        self.assert_answers(program)
        self.assertEqual(self.files(), [])

    def test_a_program_without_a_free_descriptor_is_told_so_in_each_mode(self):
        script = """
import heaptrail, os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True: os.open("/dev/null", 0)
except OSError: pass
for mode in ("fork", "in-place", "auto"):
    try: heaptrail.snapshot(sys.argv[1], mode=mode)
    except OSError as error: print(mode, error.errno)
"""
        done = subprocess.run([PYTHON, "-c", script, self.folder + "/a.htrail"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.stdout, "fork 24\nin-place 24\nauto 24\n")
        self.assertEqual(self.files(), [])


class Limits(ModeCase):
    def shorter(self, program, *options):
        """A snapshot that a limit ends: its path and the reason, which output and file say alike."""
        snap = self.snap(program, *options)
        self.assertEqual(snap.returncode, 0, snap.stderr)
        reason = re.match(r"heaptrail snap: the snapshot is shorter than the heap: (.*)\n$", snap.stderr)
        self.assertTrue(reason, (snap.stderr, snap.stdout))
        path = snap.stdout.splitlines()[0]
        self.assert_whole(path)
        info = subprocess.run([HEAPTRAIL, "info", "--all", path], stdout=subprocess.PIPE, text=True).stdout
        self.assertRegex(info, r"stopped_early +" + re.escape(reason[1]))
        self.assertGreater(int(re.search(r"\nobjects +(\d+)", info)[1]), 1000)
        return path, reason[1]

    def test_bytes_of_the_file_in_both_modes(self):
        program = self.start(ECHO % 50000)
        for mode in ("fork", "in-place"):
            path, reason = self.shorter(program, "--mode", mode, "--max-bytes", "60K")
            self.assertEqual(reason, "the file reached its limit of 61440 bytes")
            self.assertLessEqual(os.path.getsize(path), 61440)

    def test_memory_of_the_snapshot_in_place(self):
        program = self.start("import sys\nkeep = [[n] for n in range(600000)]\n" + IDLE)
        path, reason = self.shorter(program, "--mode", "in-place", "--max-memory", "8M")
        self.assertEqual(reason, "the snapshot reached its limit of 8388608 bytes of memory")
        self.assertEqual(self.snap(program, "--mode", "in-place", "--max-memory", "30M").stderr, "")

    def test_memory_of_a_copy_counts_what_a_busy_program_makes_twice(self):
        # The program writes to 60 MB while its copy stands; the copy then sees it, and ends.
        program = self.start("import random, sys\nkeep = [[str(random.random()), n * 0.5] for n in range(200000)]\nrandom.shuffle(keep)\nmemory = bytearray(60 << 20)\n"
                             "for i in range(0, len(memory), 4096): memory[i] = 1\nprint('ready', flush=True)\n"
                             "sys.stdin.readline()\nfor i in range(0, len(memory), 4096): memory[i] = 2\nprint('written', flush=True)\nsys.stdin.read()")
        snap, copy, reader = self.hold(program, "--max-memory", "40M")
        program.stdin.write("\n")
        program.stdin.flush()
        self.assertEqual(program.stdout.readline(), "written\n")
        with open(os.path.join(self.folder, "piped"), "wb") as out, os.fdopen(reader, "rb") as source:
            shutil.copyfileobj(source, out)
        _, error = snap.communicate(timeout=20)
        self.assertEqual(snap.returncode, 0, error)
        self.assertIn("shorter than the heap: the snapshot reached its limit of 41943040 bytes of memory", error)
        self.assert_whole(os.path.join(self.folder, "piped"))
        info = subprocess.run([HEAPTRAIL, "info", "--all", os.path.join(self.folder, "piped")], stdout=subprocess.PIPE, text=True).stdout
        cost = {key: int(re.search(r"\n%s +(\d+)" % key, info)[1]) for key in ("cow_bytes", "program_minor_faults", "objects")}
        self.assertGreater(cost["cow_bytes"], 58 << 20)
        self.assertGreater(cost["program_minor_faults"], 14000)
        self.assertLess(cost["objects"], 600000)

    def test_pause_by_fork_is_the_stop_alone_and_is_refused_where_it_would_be_longer(self):
        program = self.start(ECHO % 50000)
        snap = self.snap(program, "--mode", "fork", "--max-pause", "10")
        self.assertEqual((snap.returncode, snap.stderr), (0, ""))
        self.assert_whole(snap.stdout.splitlines()[0])
        self.assert_fails(self.snap(program, "--mode", "fork", "--max-pause", "0.0001"), "a fork would stop the program for about", "longer than allowed")

    def test_memory_is_given_back(self):
        program = self.start("import sys\nkeep = [[n] for n in range(200000)]\n" + IDLE)

        def rss():
            with open("/proc/%d/status" % program.pid) as status:
                return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) * 1024
        for mode in ("in-place", "fork"):
            self.assert_snap(program, "--mode", mode) # static memory and stack are touched now
            before = rss()
            for _ in range(3):
                self.assert_snap(program, "--mode", mode)
            self.assertLess(rss() - before, 256 << 10, mode)


class Estimates(AgentCase):
    def test_a_dry_run_says_what_it_would_cost_and_leaves_nothing(self):
        program = self.start("import sys\nkeep = [str(n) + 'x' for n in range(400000)]\n" + IDLE)
        pattern = (r"^about ([\d,]+) objects: a pause of about ([\d.]+) ms, [\d.]+ MiB of memory( and at most [\d.]+ MiB for pages written to meanwhile)?, "
                   r"a file of about ([\d.]+ [KM]iB)\n(fork|in-place): .+\n$")

        def estimate(*options):
            snap = self.snap(program, "--dry-run", *options)
            self.assertEqual((snap.returncode, snap.stderr), (0, ""))
            found = re.match(pattern, snap.stdout)
            self.assertTrue(found, snap.stdout)
            return int(found[1].replace(",", "")), float(found[2]), found[3]
        first = estimate("--mode", "in-place")
        self.assertTrue(200000 < first[0] < 900000, first)
        self.assertEqual(self.files(), [])
        taken = self.snap(program, "--mode", "in-place").stdout
        objects, pause = int(taken.splitlines()[1].split()[0].replace(",", "")), float(re.search(r"paused ([\d.]+)", taken)[1])
        second = estimate("--mode", "in-place") # by what the snapshot was
        self.assertAlmostEqual(second[0], objects, delta=objects * 0.02)
        self.assertAlmostEqual(second[1], pause, delta=pause * 0.05 + 1)
        self.assertIsNone(second[2])
        fork = estimate("--mode", "fork")
        self.assertLess(fork[1], 20)
        self.assertIsNotNone(fork[2])
        self.assertEqual(len(self.files()), 1)
        self.assertTrue(self.assert_snap(program).endswith("-0002.htrail"))


if __name__ == "__main__":
    unittest.main()
