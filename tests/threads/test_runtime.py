"""What the interpreter knows of its threads: number, name, daemon, and the stack of each, innermost first."""
import os
import sys
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("..", "../capture")]
import interpreters
import snapshot
from snapshot import FRAME, LOCAL

RUNTIME, DAEMON = 2, 4

PROGRAM = """
import ctypes, threading, time
def tid():
    return ctypes.CDLL(None, use_errno=True).syscall(%d)
class Worker(threading.Thread):
    def run(self):
        self.tid = tid()
        self.deep(3)
    def deep(self, n):
        mine = [n]
        if n:
            return self.deep(n - 1)
        ready.release()
        stop.wait()
ready, stop, workers = threading.Semaphore(0), threading.Event(), []
for i in range(3):
    worker = Worker(name=u"worker \\u00fc %%d" %% i)  # since 3.0
    worker = Worker(name="worker %%d" %% i)  # until 2.7
    worker.daemon = i == 1
    worker.start()
    workers.append(worker)
for worker in workers:
    ready.acquire()
def generator():
    take()
    yield
next(generator())
stop.set()
tell("threads", [(w.tid, w.ident, id(w), w.name, w.daemon) for w in workers])
tell("main", (tid(), id(threading.current_thread())))
for worker in workers:
    worker.join()
""" % {"x86_64": 186, "aarch64": 178}[os.uname().machine]


@interpreters.for_each()
class Threads(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, cls.told, _ = cls.run_program(PROGRAM)
        cls.frames = {}
        for frame in cls.snapshot.frames:
            cls.frames.setdefault(frame.tid, []).append(frame)

    def test_each_thread_has_the_kernels_number_and_its_own(self):
        found = {t.tid: t.ident for t in self.snapshot.threads if t.tid and t.flags & RUNTIME}
        for tid, ident, *_ in self.told["threads"]:
            self.assertEqual(found[tid], ident)
        self.assertIn(self.told["main"][0], found)
        self.assertEqual(len(found), 4)

    def test_its_object_name_and_whether_it_is_a_daemon(self):
        named = {t.ident: t for t in self.snapshot.threads if t.object}
        for _, ident, object, name, daemon in self.told["threads"]:
            self.assertEqual((named[ident].object, named[ident].name, bool(named[ident].flags & DAEMON)), (object, name, daemon))
        self.assertEqual({t.name for t in named.values()} - {row[3] for row in self.told["threads"]}, {"MainThread"})
        self.assertIn(self.told["main"][1], self.snapshot.objects)

    def test_stacks_are_innermost_first(self):
        own = [(f.function.split(".")[-1], os.path.basename(f.file)) for f in self.frames[self.told["main"][0]]]
        self.assertEqual(own, [("take", "program.py"), ("generator", "program.py"), ("<module>", "program.py")])
        for tid, *_ in self.told["threads"]:
            frames = self.frames[tid]
            self.assertEqual([f.depth for f in frames], list(range(len(frames))))
            names = [f.function.split(".")[-1] for f in frames]
            at = names.index("deep")
            self.assertEqual(names[at:at + 5], ["deep"] * 4 + ["run"])
            self.assertTrue(all(f.file.endswith("threading.py") for f in frames[:at]), frames)
            self.assertRegex(names[-1], r"_bootstrap$")
            lines = [f.line for f in frames[at:at + 5]]
            self.assertEqual(lines[1:4], [lines[1]] * 3)
            self.assertEqual([lines[0] - lines[1], lines[1] - lines[4]], [2, 4])

    def test_qualified_names_where_code_has_them(self):
        names = {f.function for f in self.snapshot.frames if f.function.endswith("deep")}
        self.assertEqual(names, {"Worker.deep"} if self.since(3, 11) else {"deep"})

    def test_a_frame_is_the_root_that_holds_its_variables(self):
        roots = {(r.thread, r.depth): r for r in self.snapshot.roots if r.kind == FRAME}
        for frame in self.snapshot.frames:
            root = roots[frame.tid, frame.depth]
            self.assertEqual(root.object, frame.object)
            self.assertEqual(root.name, "%s at %s:%d" % (frame.function, frame.file, frame.line))
        for tid, *_ in self.told["threads"]:
            deep = [f for f in self.frames[tid] if f.function.endswith("deep")]
            held = [self.snapshot.labels(f.object, LOCAL) for f in deep]
            self.assertEqual([self.snapshot.objects[h["mine"]].length for h in held], [1] * 4)
            self.assertEqual(len({h["mine"] for h in held}), 4)


if __name__ == "__main__":
    unittest.main()
