"""What tracemalloc traces is in the snapshot, exactly as it says itself: every block, its bytes, its lines."""
import bisect
import collections
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("..", "../capture")]
import interpreters
import snapshot

PROGRAM = """
import tracemalloc, threading
tracemalloc.start(%(depth)d)
BUILD = u'''
class Record(object):
    def __init__(self, number):
        self.number = number
        self.blob = bytearray(1000 + number)
        self.items = [number] * 50
        self.index = {"id": number, "pair": (number, str(number))}
def inner(count):
    return [Record(i) for i in range(count)]
def outer(count):
    return inner(count)
'''
scope = {}
exec(compile(BUILD, u"/srv/caf\\u00e9 \\u0434.py", "exec"), scope)
kept = scope["outer"](2000)
%(more)s
def lines(found):
    return [(s.traceback[0].filename, s.traceback[0].lineno, s.size, s.count) for s in found.statistics("lineno")]
gc.collect()
before = tracemalloc.take_snapshot()
take()
after = tracemalloc.take_snapshot()
tell("before", lines(before))
tell("after", lines(after))
found = [(id(o), tracemalloc.get_object_traceback(o)) for r in kept[::100] for o in (r, r.blob, r.items, r.index, r.index["pair"])]
tell("objects", [(o, [(f.filename, f.lineno) for f in t]) for o, t in found if t])
"""
# A thread that waits keeps the tables from being read directly.
THREAD = """
stop = threading.Event()
waiting = threading.Thread(target=stop.wait)
waiting.daemon = True
waiting.start()
"""
NUMPY = """
import numpy
array = numpy.zeros(123457)
"""


@interpreters.for_each("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
class Traces(snapshot.OnInterpreter):
    def run_traced(self, depth=1, more=""):
        self.snapshot, self.told, _ = self.run_program(PROGRAM % dict(depth=depth, more=more), kinds="MLBI")
        self.assertEqual(self.snapshot.meta["sites_source"], "tracemalloc")
        self.assertNotIn("sites_incomplete", self.snapshot.meta)
        self.assertEqual(int(self.snapshot.meta["sites_blocks"]), len(self.snapshot.blocks))
        self.sums = collections.defaultdict(lambda: [0, 0])
        for block in self.snapshot.blocks:
            site = self.snapshot.sites[block.site]
            self.assertEqual(block.weight, 0)
            self.sums[site.file, site.line][0] += block.size
            self.sums[site.file, site.line][1] += 1

    def expect_same_lines(self):
        before, after = ({(file, line): [size, count] for file, line, size, count in self.told[when]} for when in ("before", "after"))
        same = [key for key in before if before[key] == after.get(key)]
        self.assertGreater(len(same), len(before) * 3 // 4)
        self.assertEqual({key: before[key] for key in same}, {key: self.sums[key] for key in same})
        self.assertIn(("/srv/caf\u00e9 \u0434.py", 5), same)

    def expect_same_objects(self):
        self.assertGreater(len(self.told["objects"]), 50)
        blocks = sorted((block.address, block.size, block.site) for block in self.snapshot.blocks)
        for address, frames in self.told["objects"]:
            start, size, site = blocks[bisect.bisect_right(blocks, (address, float("inf"))) - 1]
            self.assertIn(address - start, (0, 16, 32))
            found = []
            while site is not None:
                found.append([self.snapshot.sites[site].file, self.snapshot.sites[site].line])
                site = self.snapshot.sites[site].caller
            if self.since(3, 7):
                frames = frames[::-1]  # the innermost last
            self.assertEqual(found, [list(f) for f in frames])

    def test_one_frame(self):
        self.run_traced()
        self.expect_same_lines()
        self.expect_same_objects()

    def test_stacks_in_a_process_with_threads(self):
        self.run_traced(5, THREAD)
        self.expect_same_lines()
        self.expect_same_objects()

    def test_domains(self):
        if not os.path.isdir("/usr/lib/python3/dist-packages/numpy") or not os.path.realpath(self.python).startswith("/usr/bin/"):
            return  # it is there for Debian's alone
        self.run_traced(1, NUMPY)
        self.assertIn(8 * 123457, [block.size for block in self.snapshot.blocks])
        self.expect_same_lines()

    def test_nothing_where_nothing_is_traced(self):
        found, _, _ = self.run_program("import tracemalloc\ntracemalloc.start()\nx = [{} for i in range(1000)]\ntracemalloc.stop()\ntake()", kinds="MLBI")
        self.assertEqual((found.sites, found.blocks), ([], []))
        self.assertNotIn("sites_source", found.meta)
