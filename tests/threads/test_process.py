"""What kernel, malloc and the interpreter's allocator say of the process is in every snapshot."""
import os
import re
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("..", "../capture")]
import interpreters
import snapshot

OTHER, ARENAS, MALLOC, ANONYMOUS, STACK, LIBRARY, FILE, CAPTURE = range(8)
MAIN, RUNTIME = 1, 2

PROGRAM = """
import ctypes, os, mmap, threading, time
libc = ctypes.CDLL(None)
class Mallinfo2(ctypes.Structure):
    _fields_ = [(n, ctypes.c_size_t) for n in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
# A thread that is no thread of Python's: sleeps in C.
pause = ctypes.cast(libc.pause, ctypes.c_void_p)
thread = ctypes.c_ulong()
libc.pthread_create(ctypes.byref(thread), None, pause, None)
def burn(seconds):
    end = time.time() + seconds
    while time.time() < end:
        pass
burn(.3)
stop = threading.Event()
waiting = threading.Thread(target=stop.wait, name="waits")
waiting.start()
objects = [(i,) for i in range(60000)]
del objects[::2]
memory = mmap.mmap(-1, 24 << 20); memory.write(b"x" * (24 << 20))
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
blocks = [libc.malloc(50000) for _ in range(400)]
for block in blocks: ctypes.memset(block, 1, 50000)
libc.free.argtypes = [ctypes.c_void_p]
holes = [libc.malloc(3000) for _ in range(4000)]
for hole in holes[::2]: libc.free(hole)
time.sleep(.1)
take()
if hasattr(libc, "mallinfo2"):
    libc.mallinfo2.restype = Mallinfo2
    facts = libc.mallinfo2()
    tell("malloc", [facts.arena, facts.hblkhd, facts.uordblks + facts.hblkhd, facts.fordblks])
tell("tids", [int(t) for t in os.listdir("/proc/self/task")])
tell("pid", os.getpid())
tell("used", ctypes.addressof(ctypes.c_char.from_buffer(memory)))
tell("blocks", blocks[0])
tell("smaps", open("/proc/self/smaps").read())
sys.stderr.flush()
sys._debugmallocstats()  # since 3.3
sys.stderr.flush()
stop.set()
os._exit(0) if told.close() is None else 0
"""


@interpreters.for_each()
class Process(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, cls.told, cls.done = cls.run_program(PROGRAM)
        cls.meta = {k: int(v) for k, v in cls.snapshot.meta.items() if v.isdigit()}

    def near(self, found, expected, most):
        self.assertLessEqual(abs(found - expected), most, "%d, not %d" % (found, expected))

    def sums(self, field):
        result = dict.fromkeys(range(8), 0)
        for mapping in self.snapshot.mappings:
            result[mapping.category] += getattr(mapping, field)
        return result

    def test_every_thread_is_there_as_the_kernel_knows_it(self):
        kernel = {t.tid: t for t in self.snapshot.threads if t.state}
        self.assertEqual(sorted(kernel), sorted(self.told["tids"]))
        main = kernel[self.told["pid"]]
        self.assertEqual(main.flags & MAIN, MAIN)
        self.assertGreater(main.user + main.system, 100 * 10**6)
        self.assertTrue(main.comm.startswith("python"), main)
        others = [t for t in kernel.values() if t is not main]
        self.assertEqual([(chr(t.state), t.flags & MAIN) for t in others], [("S", 0)] * 2)
        started = self.meta["start_time_ns"]
        self.near(main.start, started, 10**9)  # two clocks are read one after the other
        first, second = sorted(t.start for t in others)
        self.assertTrue(main.start <= first <= second - 2 * 10**8 < main.start + 60 * 10**9, others)

    def test_a_thread_of_c_has_no_frames(self):
        runtime = {t.tid for t in self.snapshot.threads if t.flags & RUNTIME}
        native = {t.tid for t in self.snapshot.threads if t.state} - runtime
        self.assertEqual(len(native), 1)
        self.assertFalse([f for f in self.snapshot.frames if f.tid in native])

    def test_mappings_are_those_of_smaps(self):
        known = {}
        for line in self.told["smaps"].splitlines():
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if head:
                known[int(head[1], 16)] = (int(head[2], 16), head[4])
        found = {m.start: (m.end, m.path) for m in self.snapshot.mappings if m.start in known}
        self.assertGreater(len(found), len(known) * .8)
        differ = [start for start in found if found[start] != known[start]]
        self.assertLess(len(differ), 10, [(found[s], known[s]) for s in differ])

    @unittest.skipIf("SANITIZER_PRELOAD" in os.environ, "a sanitizer's malloc is another")
    def test_memory_is_named_by_what_it_is_for(self):
        rss = self.sums("rss")
        self.near(sum(rss.values()), self.meta["rss_bytes"], 16 << 20)  # with what the snapshot itself takes
        self.assertEqual(self.meta["pss_bytes"], sum(self.sums("pss").values()))
        self.assertEqual(self.meta["private_dirty_bytes"], sum(self.sums("private_dirty").values()))
        self.assertGreater(rss[LIBRARY], 1 << 20)
        self.assertGreater(rss[MALLOC], 400 * 50000)
        self.assertLess(rss[MALLOC], 400 * 50000 + (24 << 20))
        self.assertLess(rss[OTHER], 64 << 10)
        of = {m.start: m for m in self.snapshot.mappings}

        def category(address):
            return [m.category for m in of.values() if m.start <= address < m.end]
        self.assertIn(category(self.told["used"])[0], (ANONYMOUS, FILE))
        self.assertEqual(category(self.told["blocks"]), [MALLOC])
        small = [o.id for o in self.snapshot.objects.values() if self.snapshot.type_name(o.id) == "tuple" and o.length == 1]
        in_arenas = sum(category(address) == [ARENAS] for address in small[::100])
        self.assertGreater(in_arenas, len(small[::100]) * .95)
        # stacks: the first thread's, and of one more thread at least
        stacks = [m for m in self.snapshot.mappings if m.category == STACK]
        self.assertEqual([m.path for m in stacks if m.path], ["[stack]"])
        self.assertGreaterEqual(len(stacks), 3)

    @unittest.skipIf("SANITIZER_PRELOAD" in os.environ, "a sanitizer's malloc is another")
    def test_mallocs_own_figures(self):
        if "malloc" not in self.told:
            self.skipTest("glibc has no mallinfo2")
        names = "malloc_heap_bytes", "malloc_mmapped_bytes", "malloc_used_bytes", "malloc_free_bytes"
        for name, expected in zip(names, self.told["malloc"]):
            with self.subTest(name):
                self.near(self.meta[name], expected, 2 << 20)
        self.assertGreater(self.meta["malloc_used_bytes"], 400 * 50000)
        self.assertGreater(self.meta["malloc_free_bytes"], 2000 * 3000 * .9)
        self.assertNotIn("malloc_free_partial", self.meta)

    def test_arenas_as_the_interpreter_prints_them(self):
        if not self.since(3, 3):
            self.skipTest("sys._debugmallocstats came with 3.3")
        said = self.done.stderr.decode()

        def number(what):
            return int(re.search(r"%s *= *([\d,]+)" % re.escape(what), said)[1].replace(",", ""))
        arena = 1 << (20 if self.since(3, 10) else 18)
        self.assertEqual(self.meta["pymalloc_arena_bytes"], self.meta["pymalloc_arenas"] * arena)
        self.near(self.meta["pymalloc_arenas"], number("# arenas allocated current"), 2)
        self.near(self.meta["pymalloc_used_bytes"], number("# bytes in allocated blocks"), 1 << 20)
        self.assertEqual(self.meta["pymalloc_free_bytes"], self.meta["pymalloc_arena_bytes"] - self.meta["pymalloc_used_bytes"])
        self.assertGreater(self.meta["pymalloc_free_bytes"], 30000 * 48 * .9)  # every other one was deleted

    def test_the_control_group(self):
        if "cgroup_memory_bytes" not in self.meta:
            self.skipTest("no memory control group")
        self.assertIn(self.meta["cgroup_version"], (1, 2))
        self.assertTrue(self.snapshot.meta["cgroup"].startswith("/"))
        self.assertGreater(self.meta["cgroup_memory_bytes"], 1 << 20)

    def test_another_allocator_has_no_arenas(self):
        if not self.since(3, 6):
            self.skipTest("PYTHONMALLOC came with 3.6")
        for name in "malloc", "malloc_debug", "pymalloc_debug":
            taken, _, _ = self.run_program("take()", env={"PYTHONMALLOC": name})
            with self.subTest(name):
                if name != "pymalloc_debug":
                    self.assertNotIn("pymalloc_arenas", taken.meta)
                self.assertEqual(taken.end, "whole")


if __name__ == "__main__":
    unittest.main()
