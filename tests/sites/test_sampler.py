"""The sampler keeps what is alive, knows where it was asked for, and its estimates hold."""
import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, folder) for folder in ("..", "../capture")]
import interpreters
import snapshot

spec = importlib.util.spec_from_file_location("sample", os.path.join(HERE, "../../bench/sample.py"))
sample = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sample)

EVERY = "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"
BUILD = u"""
import gc
CODE = u'''
def keep(count):
    return [bytearray(5000) for i in range(count)]
def grow(count):
    grown = bytearray()
    for i in range(count):
        grown += b"x" * 1000
    return grown
def outer(count):
    return keep(count)
'''
scope = {}
exec(compile(CODE, u"/srv/caf\\u00e9 \\u0434.py", "exec"), scope)
"""


def of_line(found, line, file=u"/srv/caf\u00e9 \u0434.py"):
    """blocks, estimated bytes, function of a line"""
    sites = {i: site for i, site in enumerate(found.sites) if (site.file, site.line) == (file, line)}
    blocks = [b for b in found.blocks if b.site in sites]
    return len(blocks), sum(b.size * b.weight / 65536 for b in blocks), {site.function for site in sites.values()}


@interpreters.for_each(*EVERY)
class Sampler(snapshot.OnInterpreter):
    def sampled(self, program, **options):
        found, self.told, _ = self.run_program(BUILD + program, kinds="MLBI", **options)
        self.assertEqual(found.meta["sites_source"], "sampler")
        for block in found.blocks:
            self.assertGreaterEqual(block.weight, 65536)
        return found

    def test_what_is_alive_is_kept_and_code_that_is_gone_keeps_its_name(self):
        found = self.sampled("""
heaptrail.sample(1, seed=3, frames=2)
kept = scope["outer"](500)
gone = scope["keep"](500)
del gone, kept[100:]
scope.clear()
gc.collect()
take()
""")
        blocks, size, functions = of_line(found, 3)
        self.assertIn(blocks, range(200, 210))  # an object and its bytes each, and the list
        self.assertAlmostEqual(size, 100 * 5000, delta=20000)
        comprehension = "keep.<locals>.<listcomp>" if self.since(3, 11) else "<listcomp>"
        self.assertEqual(functions, {"keep"} if self.since(3, 12) else {"keep", comprehension})
        callers = {(found.sites[s.caller].function, found.sites[s.caller].line) for s in found.sites if s.line == 3 and s.caller is not None}
        self.assertTrue(callers <= {("keep", 3), ("outer", 10)}, callers)

    def test_a_block_that_moves_is_one_block_of_its_last_size(self):
        found = self.sampled("""
heaptrail.sample(1, seed=3)
kept = scope["grow"](3000)
take()
""")
        blocks, size, _ = of_line(found, 7)
        self.assertEqual(blocks, 1)
        self.assertTrue(3000000 <= size < 3000000 * 1.3, size)

    def test_a_sample_stands_for_the_rest(self):
        found = self.sampled("""
heaptrail.sample(50000, seed=11)
kept = scope["keep"](4000)
tell("kept", heaptrail.sample(50000, seed=12))
kept = scope["keep"](4000)
take()
""")
        blocks, size, _ = of_line(found, 3)
        self.assertTrue(300 < blocks < 500, blocks)
        self.assertTrue(0.85 < size / (4000 * 5000.0) < 1.15, size)
        self.assertEqual(found.meta["sites_sample_bytes"], "50000")
        self.assertTrue(300 < self.told["kept"] < 500)

    def test_threads_forks_and_tracemalloc_beside_it(self):
        found = self.sampled("""
import os, threading, tracemalloc
heaptrail.sample(1000, seed=5)
tracemalloc.start()
kept = []
threads = [threading.Thread(target=lambda: kept.append(scope["keep"](500))) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
tracemalloc.stop()
child = os.fork()
if child == 0:
    del kept[1:]
    kept.append(scope["keep"](100))
    gc.collect()
    take()
    os._exit(0)
tell("status", os.waitpid(child, 0)[1])
""")
        self.assertEqual(self.told["status"], 0)
        blocks, size, _ = of_line(found, 3)
        self.assertTrue(0.9 < size / (600 * 5000.0) < 1.1, size)

    def test_hooks_that_were_taken_out_are_said_and_put_in_again(self):
        found = self.sampled("""
import tracemalloc
tracemalloc.start()
heaptrail.sample(1)
tracemalloc.stop()
kept = scope["keep"](10)
take()
""")
        self.assertIn("taken out", found.meta["sites_incomplete"])
        self.assertEqual(found.blocks, [])
        found = self.sampled("""
import tracemalloc
tracemalloc.start()
heaptrail.sample(1)
tracemalloc.stop()
heaptrail.sample(1)
kept = scope["keep"](10)
take()
""")
        self.assertNotIn("sites_incomplete", found.meta)
        self.assertIn(of_line(found, 3)[0], range(20, 23))

    def test_off(self):
        found, _, _ = self.run_program(BUILD + "heaptrail.sample(1)\nkept = scope['keep'](10)\nheaptrail.sample(0)\ntake()", kinds="MLBI")
        self.assertEqual((found.sites, found.blocks), ([], []))
        for wrong in "heaptrail.sample(-1)", "heaptrail.sample(1, frames=0)":
            _, _, done = self.run_program(wrong, kinds="M", check=False)
            self.assertIn(b"ValueError", done.stderr)


class Estimates(unittest.TestCase):
    """Against the exact figures of the same process; bench/sample.py does it with a hundred seeds."""

    def test_lines_lie_within_two_standard_errors(self):
        lines, recycled, *figures = sample.estimates("/usr/bin/python3", 12, records=1500, interval=3000)
        self.assertGreater(lines - recycled, 4)
        for enough, beyond, ratio in figures:
            self.assertGreater(enough, 50)
            self.assertLessEqual(beyond / enough, 0.12)
            self.assertAlmostEqual(ratio, 1, delta=0.05)


if __name__ == "__main__":
    unittest.main()
