"""Limits that end in valid shorter files, and refusals."""
import errno
import glob
import os
import shutil
import subprocess
import tempfile
import unittest

import interpreters
import snapshot


@interpreters.for_each()
class Limits(snapshot.OnInterpreter):
    def test_a_longest_pause_ends_in_a_valid_shorter_file(self):
        taken, told, _ = self.run_program("""
keep = [[i] for i in range(100000)]
result = take(max_pause=1e-3)
tell("result", {k: v for k, v in result.items() if k != "path"})
""")
        self.assertFalse(told["result"]["complete"])
        self.assertIn("pause", told["result"]["reason"])
        self.assertTrue(taken.end.startswith("stopped early: "), taken.end)
        self.assertEqual(taken.status, 0)
        self.assertTrue(100 < len(taken.objects) < 100000)

    def test_one_endless_list_does_not_outrun_the_longest_pause(self):
        taken, told, _ = self.run_program("""
keep = [None] * 20000000
whole = heaptrail.snapshot(path)["pause"]
result = take(max_pause=whole / 20)
tell("result", {"pause": result["pause"], "whole": whole, "complete": result["complete"]})
""")
        self.assertFalse(told["result"]["complete"])
        self.assertLess(told["result"]["pause"], told["result"]["whole"] / 2)

    def test_a_largest_file_ends_in_a_valid_shorter_file(self):
        taken, told, _ = self.run_program("""
import random
keep = [[str(random.random())] for i in range(100000)]
result = take(max_bytes=60000)
tell("result", {k: v for k, v in result.items() if k != "path"})
""")
        self.assertFalse(told["result"]["complete"])
        self.assertLessEqual(told["result"]["file_bytes"], 60000)
        self.assertTrue(taken.end.startswith("stopped early: "), taken.end)


@interpreters.for_each()
class Refusals(snapshot.OnInterpreter):
    def told(self, program):
        taken, told, _ = self.run_program("""
def refused(call, *args, **kwargs):
    try: call(*args, **kwargs)
    except BaseException as e: return [type(e).__name__, str(e)]
    return None
""" + program)
        return taken, told

    def test_a_snapshot_from_within_a_collection_is_refused_and_leaves_no_file(self):
        taken, told = self.told("""
answers = []
def callback(*whatever): answers.append(refused(take))
gc.callbacks.append(callback); gc.collect(); gc.callbacks.remove(callback)  # since 3.3
import weakref  # until 2.7
class Cycle(object): pass  # until 2.7
for i in range(2):  # until 2.7
    cycle = Cycle(); cycle.me = cycle; watcher = weakref.ref(cycle, callback); cycle = None; gc.collect()  # until 2.7
tell("answers", answers)
""")
        self.assertEqual(told["answers"], [["RuntimeError", "called from within a garbage collection"]] * 2)
        self.assertIsNone(taken)

    def test_an_interpreter_of_another_version_is_refused_and_unharmed(self):
        others = [path for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")))
                  if int(path.split("/")[-3].split(".")[1]) >= 8 and not path.split("/")[-3].startswith(self.version + ".")]
        if not others:
            self.skipTest("no other Python here")
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            # By a name that every version takes: its own ends in one that only this version looks for.
            shutil.copy(glob.glob(os.path.join(self.module, "heaptrail*.so"))[0], os.path.join(folder, "heaptrail.so"))
            for python in others:
                done = subprocess.run([python, "-c", "import heaptrail, sys\ntry: heaptrail.snapshot(sys.argv[1])\n"
                                       "except NotImplementedError as e: print(e)", os.path.join(folder, "a.htrail")],
                                      env=dict(os.environ, PYTHONPATH=folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if self.since(3):
                    said = (0, "this interpreter is not the CPython %d.%d that this build of the walker knows\n" % self.number)
                else:
                    said = (1, "ImportError: dynamic module does not define module export function (PyInit_heaptrail)\n")
                self.assertEqual((python, done.returncode, "".join(done.stdout.splitlines(True)[-1:])), (python, *said))
            self.assertEqual(os.listdir(folder), ["heaptrail.so"])

    def test_wrong_arguments_are_told_with_their_names(self):
        taken, told = self.told("""
s = heaptrail.snapshot
tell("a", [refused(s), refused(s, 5), refused(s, "/nowhere/x"), refused(take, max_pause="1"), refused(take, max_pause=-1), refused(take, max_bytes=0),
    refused(take, max_bytes=1.5), refused(take, surprise=1), refused(s, "a\\0b"), refused(take, max_pause=float("nan"))])
""")
        kinds = [a[0] for a in told["a"]]
        self.assertEqual(kinds, ["TypeError", "TypeError", "FileNotFoundError" if self.since(3) else "OSError", "TypeError", "ValueError", "ValueError",
                                 "TypeError", "TypeError", "ValueError" if self.since(3) else "TypeError", "ValueError"])
        self.assertIn("/nowhere/x", told["a"][2][1])
        self.assertIn("max_pause", told["a"][3][1])
        self.assertIsNone(taken)

    def test_a_file_that_cannot_be_written_is_an_error_that_programs_can_tell(self):
        taken, told = self.told("""
import os
def caught(path):
    try:
        heaptrail.snapshot(path)
    except OSError as e:
        return [type(e).__name__, e.errno, e.filename, e.strerror]
folder = os.path.dirname(told.name)
tell("missing", caught("/nonexistent/a.htrail"))
tell("folder", caught(folder))
if not hasattr(os, "fsencode"): os.fsencode = lambda text: text
tell("bytes", caught(os.fsencode("/nonexistent/\xe4.htrail"))[:3])
tell("place", folder)
""")
        missing, is_folder = ("FileNotFoundError", "IsADirectoryError") if self.since(3) else ("OSError", "OSError")
        self.assertEqual(told["missing"], [missing, errno.ENOENT, "/nonexistent/a.htrail",
                                           "cannot write '/nonexistent/a.htrail.partial': No such file or directory"])
        self.assertEqual(told["bytes"], [missing, errno.ENOENT, "/nonexistent/\xe4.htrail"])
        self.assertEqual(told["folder"][:3], [is_folder, errno.EISDIR, told["place"]])

    def test_a_failed_snapshot_leaves_nothing_and_the_next_one_works(self):
        taken, told = self.told("""
import os, resource
keep = [[i, str(i * 7919)] for i in range(100000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (100000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
answer = refused(take)
folder = os.path.dirname(told.name)
tell("left", sorted(os.listdir(folder)))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
tell("answer", answer)
take()
""")
        self.assertEqual(told["answer"][0], "OSError")
        self.assertIn("[Errno %d]" % errno.EFBIG, told["answer"][1])
        self.assertIn("File too large", told["answer"][1])
        self.assertEqual([f for f in told["left"] if "htrail" in f], [])
        self.assertEqual(taken.end, "whole")

    def test_any_path_that_open_takes_is_taken(self):
        taken, told = self.told("""
import os
folder = os.path.dirname(told.name)
paths = [os.path.join(folder, "b.htrail").encode(), os.path.join(folder, u"\\u0436.htrail")]
import pathlib; paths.append(pathlib.Path(folder, "p.htrail"))  # since 3.4
for path in paths:
    heaptrail.snapshot(path)
tell("there", sorted(f for f in os.listdir(folder) if f.endswith(".htrail")))
""")
        self.assertEqual(told["there"], ["b.htrail", *(["p.htrail"] if self.since(3) else []), "\u0436.htrail"])

    def test_a_device_or_pipe_is_written_to_and_never_replaced(self):
        taken, told = self.told("""
import os, stat, subprocess
folder = os.path.dirname(told.name)
full, pipe, nobody, read = [os.path.join(folder, name) for name in ("full", "pipe", "nobody", "read")]
os.symlink("/dev/full", full)
os.mkfifo(pipe)
os.mkfifo(nobody)
def outcome(path, mode):
    try:
        heaptrail.snapshot(path, mode=mode)
    except EnvironmentError as error:
        return error.errno
for mode in ("in-place", "fork"):
    end = os.open(pipe, os.O_RDWR)
    reader = subprocess.Popen(["cat", pipe], stdout=open(read, "wb"), close_fds=True)
    answer = outcome(pipe, mode)
    while os.path.getsize(read) == 0:
        pass
    os.close(end)
    reader.wait()
    tell(mode, [outcome(full, mode), outcome(nobody, mode), answer, open(read, "rb").read(4) == b"\\x89HTR"])
tell("kinds", [os.path.islink(full), stat.S_ISFIFO(os.stat(pipe).st_mode), stat.S_ISFIFO(os.stat(nobody).st_mode)])
tell("left", [f for f in os.listdir(folder) if f.endswith(".partial")])
""")
        for mode in ("in-place", "fork"):
            self.assertEqual(told[mode], [errno.ENOSPC, errno.ENXIO, None, True])
        self.assertEqual((told["kinds"], told["left"]), ([True, True, True], []))

    def test_a_minus_is_standard_output(self):
        taken, told = self.told("""
import os
folder = os.path.dirname(told.name)
before, where = os.dup(1), os.getcwd()
os.chdir(folder)
for mode in ("in-place", "fork"):
    file = os.open("out." + mode, os.O_WRONLY | os.O_CREAT, 384)
    os.dup2(file, 1)
    os.close(file)
    heaptrail.snapshot("-", mode=mode)
    os.dup2(before, 1)
    tell(mode, open("out." + mode, "rb").read(4) == b"\\x89HTR")
tell("there", os.path.exists("-"))
os.chdir(where)
""")
        self.assertEqual((told["in-place"], told["fork"], told["there"]), (True, True, False))


@interpreters.for_each(list(interpreters.found())[-1])  # one is enough: it takes ten seconds
class Reader(snapshot.OnInterpreter):
    def test_a_pipe_whose_reader_stands_still_ends_the_snapshot(self):
        _, told, _ = self.run_program("""
import os
pipe = os.path.join(os.path.dirname(told.name), "pipe")
os.mkfifo(pipe)
end = os.open(pipe, os.O_RDWR)
try:
    heaptrail.snapshot(pipe)
except OSError as error:
    tell("answer", [type(error).__name__, str(error)])
""")
        self.assertEqual(told["answer"][0], "TimeoutError")
        self.assertIn("nobody reads the other end of the pipe", told["answer"][1])


if __name__ == "__main__":
    unittest.main()
