"""What the tests of the agent share: a program under `heaptrail run`, and `heaptrail snap` of it."""
import faulthandler
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Taken out, so that a program can be asked whether it sees anything of that name.
HEAPTRAIL = os.environ.pop("HEAPTRAIL", os.path.join(ROOT, "build/heaptrail"))
PYTHON = "/usr/bin/python3"
LIMIT_S = 150

# Under the sanitizers every program has one more preload, and what leaks in an interpreter
# that is watched by a thread of ours is none of our findings.
SANITIZED = "SANITIZER_PRELOAD" in os.environ
if SANITIZED:
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"

# A program that says when it is there, and ends with its standard input.
IDLE = "import sys; print('ready', flush=True); sys.stdin.read()"


# With a thread the program has a GIL to take on 2.7 and 3.6 too, and is asked while it waits for its input.
THREAD = "import threading, time\nthread = threading.Thread(target=time.sleep, args=(300,))\nthread.daemon = True\nthread.start()\n"


class AgentCase(unittest.TestCase):
    BEFORE = () # a command that becomes `heaptrail run`

    def setUp(self):
        # A program that says nothing would hang us too: better an end with a traceback.
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.folder = tempfile.mkdtemp(prefix="heaptrail-agent-") # not in TEST_TMP: other users cannot go there
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, script, *arguments, options=(), python=PYTHON, ready="ready", **keywords):
        """Run a script with the agent and wait until it has printed a line."""
        command = [*self.BEFORE, HEAPTRAIL, "run", "-o", self.folder, *options, "--", python, "-c", script, *arguments]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **keywords)
        self.addCleanup(self.end, program)
        if ready is not None:
            self.assertEqual(program.stdout.readline().strip(), ready)
        return program

    def end(self, program):
        if program.poll() is None:
            program.send_signal(signal.SIGCONT)
            program.kill()
        program.communicate()

    def finish(self, program):
        """Let an idle program end by itself; its exit status."""
        output, _ = program.communicate(timeout=LIMIT_S)
        self.rest = output
        return program.returncode

    def snap(self, pid, *arguments, **keywords):
        return subprocess.run([HEAPTRAIL, "snap", *arguments, str(getattr(pid, "pid", pid))], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=keywords.pop("text", True), timeout=LIMIT_S, **keywords)

    def assert_snap(self, pid, *arguments, **keywords):
        """A snapshot that works: the path that was printed."""
        snap = self.snap(pid, *arguments, **keywords)
        self.assertEqual((snap.returncode, snap.stderr), (0, ""))
        path = snap.stdout.splitlines()[0]
        self.assert_whole(path)
        return path

    def assert_whole(self, path):
        check = subprocess.run([HEAPTRAIL, "check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(check.returncode, 0, check.stdout)

    def assert_fails(self, snap, *words):
        """One sentence, exit 3, nothing left behind."""
        self.assertEqual(snap.returncode, 3, snap.stderr)
        self.assertEqual(snap.stdout, "")
        self.assertEqual(len(snap.stderr.splitlines()), 1, snap.stderr)
        self.assertTrue(snap.stderr.startswith("heaptrail snap: "), snap.stderr)
        for word in words:
            self.assertIn(word, snap.stderr)
        self.assertEqual(self.files(".partial"), [])

    def run_program(self, script, *arguments, options=(), python=PYTHON, **keywords):
        """Run a script with the agent to its end."""
        return subprocess.run([HEAPTRAIL, "run", "-o", self.folder, *options, "--", python, "-c", script, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, **keywords)

    def wait_for_files(self, count, seconds=20):
        """Whole snapshots, as many at least."""
        end = time.monotonic() + seconds
        while len(self.files(".htrail")) < count:
            self.assertLess(time.monotonic(), end, "no %d snapshots: %s" % (count, self.files()))
            time.sleep(0.02)
        return [os.path.join(self.folder, name) for name in self.files(".htrail")]

    def top(self, path, key):
        """count and bytes of a type in a snapshot."""
        top = subprocess.run([HEAPTRAIL, "top", "--json", "-n", "100000", path], stdout=subprocess.PIPE, check=True)
        rows = json.loads(top.stdout)["rows"]
        return next(((row["count"], row["bytes"]) for row in rows if row["key"] == key), (0, 0))

    def files(self, ending=""):
        return sorted(os.path.basename(path) for path in glob.glob(os.path.join(self.folder, "*" + ending)))
