"""Heaps of any shape in fixed memory, limits that end in valid shorter files, and refusals."""
import collections
import errno
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import snapshot
from snapshot import CONTINUED, FIELD, INDEX, KEY, VALUE

UNTRACK = """
import ctypes
untrack = ctypes.pythonapi.PyObject_GC_UnTrack; untrack.argtypes = [ctypes.py_object]; untrack.restype = None
gc.disable()
"""


class Shapes(unittest.TestCase):
    def everything(self, program, at_least):
        """The program's `ids` are all in the file, once, and the file is whole."""
        taken, told, _ = snapshot.run(UNTRACK + program)
        self.assertEqual(taken.end, "whole")
        self.assertGreater(len(told["ids"]), at_least)
        self.assertEqual([i for i in told["ids"] if i not in taken.objects], [])
        return taken, told

    def test_a_linked_list_of_untracked_tuples_needs_no_stack(self):
        self.everything("""
head = None
for i in range(70000): head = (i, head); untrack(head)
take()
ids = []
while head: ids.append(id(head)); ids.append(id(head[0])); head = head[1]
tell("ids", ids); sys.stdout.flush(); told.close(); import os; os._exit(0)
""", 100000)

    def test_a_list_that_leaves_work_behind_at_every_step_overflows_the_stack_and_nothing_is_lost(self):
        self.everything("""
head = None
for i in range(50000): head = (head, str(i), 1000.5 * i); untrack(head)
take()
ids = []
while head: ids += map(id, head[1:]); ids.append(id(head)); head = head[0]
tell("ids", ids); told.close(); import os; os._exit(0)
""", 140000)

    def test_wide_and_deep_at_once(self):
        taken, told = self.everything("""
class Key(str): pass
head, ids = None, []
for i in range(70):
    children = tuple((j, [], {"k%d" % j: Key(j)}) for j in range(1100))
    for c in children: untrack(c); untrack(c[1])
    head = (head,) + children; untrack(head)
take()
while head:
    for c in head[1:]: ids += [id(c), id(c[1]), id(c[2]), *map(id, c[2]), *map(id, c[2].values())]
    ids.append(id(head)); head = head[0]
tell("ids", ids); told.close(); import os; os._exit(0)
""", 300000)

    def test_more_references_than_one_record_holds_go_on_in_order(self):
        taken, told, _ = snapshot.run("""
import collections, functools
from xml.etree import ElementTree
many = [str(i) for i in range(5000)]
table = {i: str(i) for i in range(5000)}
ordered = collections.OrderedDict((str(i), i) for i in range(3000))
queue = collections.deque(many)
unique = set(many)
pair = tuple(many)
@functools.lru_cache(5000)
def cached(n): return [n]
for i in range(3000): cached(i)
class Wide: __slots__ = ["s%d" % i for i in range(1500)]
wide = Wide()
for i in range(1500): setattr(wide, "s%d" % i, [i])
element = ElementTree.Element("a")
for i in range(3000): ElementTree.SubElement(element, "b")
take()
tell("ids", {n: id(globals()[n]) for n in ("many", "table", "ordered", "queue", "unique", "pair", "cached", "wide", "element")})
tell("items", {"many": list(map(id, many)), "slots": [id(getattr(wide, "s%d" % i)) for i in range(1500)]})
""")
        ids = told["ids"]
        for name in ("many", "queue", "pair"):
            self.assertEqual([r.target for r in taken.objects[ids[name]].refs], told["items"]["many"], name)
        self.assertEqual({r.target for r in taken.objects[ids["unique"]].refs}, set(told["items"]["many"]))
        self.assertEqual([r.kind for r in taken.objects[ids["table"]].refs], [KEY, VALUE] * 5000)
        self.assertEqual(collections.Counter(r.kind for r in taken.objects[ids["ordered"]].refs), {KEY: 3000, VALUE: 3000, INDEX: 3000})
        self.assertGreater(len(taken.objects[ids["cached"]].refs), 6000)
        self.assertEqual(len([r for r in taken.objects[ids["element"]].refs if r.kind == INDEX]), 3000)
        self.assertEqual(taken.labels(ids["wide"], snapshot.SLOT), {"s%d" % i: v for i, v in enumerate(told["items"]["slots"])})
        for o in taken.objects.values():
            for r in o.refs:
                if r.kind != snapshot.WEAK:
                    self.assertIn(r.target, taken.objects)

    def test_memory_of_the_walk_does_not_grow_with_the_heap(self):
        program = """
keep = [[i] for i in range(%d)]
take()
"""
        small, large = (int(snapshot.run(program % n)[0].meta["walk_memory_bytes"]) for n in (1000, 200000))
        # 1/64 of the 20 MB more, in slabs of 1 MiB; not a byte an object
        self.assertLess(large - small, 3 << 20)


class Limits(unittest.TestCase):
    def test_a_longest_pause_ends_in_a_valid_shorter_file(self):
        taken, told, _ = snapshot.run("""
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
        taken, told, _ = snapshot.run("""
keep = [None] * 20000000
whole = heaptrail.snapshot(path)["pause"]
result = take(max_pause=whole / 20)
tell("result", {"pause": result["pause"], "whole": whole, "complete": result["complete"]})
""")
        self.assertFalse(told["result"]["complete"])
        self.assertLess(told["result"]["pause"], told["result"]["whole"] / 2)

    def test_a_largest_file_ends_in_a_valid_shorter_file(self):
        taken, told, _ = snapshot.run("""
import random
keep = [[str(random.random())] for i in range(100000)]
result = take(max_bytes=60000)
tell("result", {k: v for k, v in result.items() if k != "path"})
""")
        self.assertFalse(told["result"]["complete"])
        self.assertLessEqual(told["result"]["file_bytes"], 60000)
        self.assertTrue(taken.end.startswith("stopped early: "), taken.end)


class Refusals(unittest.TestCase):
    def told(self, program):
        taken, told, _ = snapshot.run("""
def refused(call, *args, **kwargs):
    try: call(*args, **kwargs)
    except BaseException as e: return [type(e).__name__, str(e)]
    return None
""" + program)
        return taken, told

    def test_a_snapshot_from_within_a_collection_is_refused_and_leaves_no_file(self):
        taken, told = self.told("""
answers = []
def callback(phase, info): answers.append(refused(take))
gc.callbacks.append(callback); gc.collect(); gc.callbacks.remove(callback)
tell("answers", answers)
""")
        self.assertEqual(told["answers"], [["RuntimeError", "called from within a garbage collection"]] * 2)
        self.assertIsNone(taken)

    def test_an_interpreter_of_another_version_is_refused_and_unharmed(self):
        others = [path for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")))
                  if int(path.split("/")[-3].split(".")[1]) >= 8 and not path.split("/")[-3].startswith("3.%d." % sys.version_info[1])]
        if not others:
            self.skipTest("no other Python here")
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            # By a name that every version takes: its own ends in one that only this version looks for.
            shutil.copy(glob.glob(os.path.join(snapshot.MODULE, "heaptrail*.so"))[0], os.path.join(folder, "heaptrail.so"))
            for python in others:
                done = subprocess.run([python, "-c", "import heaptrail, sys\ntry: heaptrail.snapshot(sys.argv[1])\n"
                                       "except NotImplementedError as e: print(e)", os.path.join(folder, "a.htrail")],
                                      env=dict(os.environ, PYTHONPATH=folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual((python, done.returncode, done.stdout),
                                 (python, 0, "this interpreter is not the CPython %d.%d that this build of the walker knows\n" % sys.version_info[:2]))
            self.assertEqual(os.listdir(folder), ["heaptrail.so"])

    def test_wrong_arguments_are_told_with_their_names(self):
        taken, told = self.told("""
s = heaptrail.snapshot
tell("a", [refused(s), refused(s, 5), refused(s, "/nowhere/x"), refused(take, max_pause="1"), refused(take, max_pause=-1), refused(take, max_bytes=0),
    refused(take, max_bytes=1.5), refused(take, surprise=1), refused(s, "a\\0b"), refused(take, max_pause=float("nan"))])
""")
        kinds = [a[0] for a in told["a"]]
        self.assertEqual(kinds, ["TypeError", "TypeError", "FileNotFoundError", "TypeError", "ValueError", "ValueError", "TypeError", "TypeError",
                                 "ValueError", "ValueError"])
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
tell("bytes", caught(os.fsencode("/nonexistent/\xe4.htrail"))[:3])
tell("place", folder)
""")
        self.assertEqual(told["missing"], ["FileNotFoundError", errno.ENOENT, "/nonexistent/a.htrail",
                                           "cannot write '/nonexistent/a.htrail.partial': No such file or directory"])
        self.assertEqual(told["bytes"], ["FileNotFoundError", errno.ENOENT, "/nonexistent/\xe4.htrail"])
        self.assertEqual(told["folder"][:3], ["IsADirectoryError", errno.EISDIR, told["place"]])

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
import os, pathlib
folder = os.path.dirname(told.name)
for path in (pathlib.Path(folder, "p.htrail"), os.path.join(folder, "b.htrail").encode(), os.path.join(folder, "\\u0436.htrail")):
    heaptrail.snapshot(path)
tell("there", sorted(f for f in os.listdir(folder) if f.endswith(".htrail")))
""")
        self.assertEqual(told["there"], ["b.htrail", "p.htrail", "\u0436.htrail"])


if __name__ == "__main__":
    unittest.main()
