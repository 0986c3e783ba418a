"""Why objects live that no object holds: every such reason has a name in the file."""
import collections
import unittest

import interpreters
import snapshot
from snapshot import (ATEXIT, ATFORK, BUILTINS, CODECS, CONTEXT, EXCEPTION, FIELD, FRAME, IMMORTAL, INTERNED, INTERPRETER, KEY, LOCAL, MODULES, PSEUDO,
                      STATIC_TYPE, SYS, THREAD, WEAK)

PROGRAM = """
import atexit, os, sys, threading, time
import contextvars  # since 3.7
def native_id(): return int(os.readlink("/proc/thread-self").split("/")[-1])
def first(*args, **kwargs): pass
def second(): pass
argument, keyword = [1], [2]
atexit.register(first, argument, name=keyword)
atexit.register(second)
def before(): pass
def parent(): pass
def child(): pass
os.register_at_fork(before=before, after_in_parent=parent, after_in_child=child)  # since 3.7
variable = contextvars.ContextVar("variable"); variable.set([1])  # since 3.7
def watching(*args): pass
sys.monitoring.use_tool_id(3, "tool of the test")  # since 3.12
sys.monitoring.register_callback(3, sys.monitoring.events.LINE, watching)  # since 3.12
ready, stop = threading.Event(), threading.Event()
def sleeper(parameter):
    in_thread = [parameter]
    try: raise KeyError
    except KeyError: pass
    thread_ids.append(native_id())
    ready.set(); stop.wait()
thread_ids = []
thread = threading.Thread(target=sleeper, args=(["p"],)); thread.start(); ready.wait()
def generator():
    inside = [1]
    take()
    yield 1
def tracing(*args): return None
def handles():
    try: raise KeyError([1])
    except KeyError as e:
        tell("exception", id(e))
        for _ in generator():
            break
sys.setprofile(tracing)
handles()
sys.setprofile(None)
stop.set(); thread.join()
tell("ids", {"first": id(first), "watching": id(watching), "second": id(second), "argument": id(argument), "keyword": id(keyword), "before": id(before), "parent": id(parent),
    "child": id(child), "modules": id(sys.modules), "tracing": id(tracing), "tid": thread_ids[0], "main": native_id(), "sys": id(sys.__dict__), "atexit": id(atexit),
    "builtins": id(__builtins__.__dict__), "none": id(None)})
"""


@interpreters.for_each(since=(3, 6))  # test_python_2.py has the others
class Roots(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, told, _ = cls.run_program(PROGRAM)
        cls.ids, cls.exception = told["ids"], told["exception"]
        cls.roots = cls.snapshot.roots

    def of(self, kind):
        return {r.name: r.object for r in self.roots if r.kind == kind}

    def test_sys_modules_is_a_root(self):
        self.assertEqual(self.of(MODULES), {"modules": self.ids["modules"]})

    def test_atexit_callbacks_and_their_arguments_are_roots_with_their_number(self):
        roots = self.of(ATEXIT)
        if not self.since(3, 10):  # the module holds them, with their arguments
            self.assertEqual(roots, {"module": self.ids["atexit"]})
            held = {r.target for r in self.snapshot.objects[self.ids["atexit"]].refs if r.label == "module state"}
            self.assertLessEqual({self.ids["first"], self.ids["second"]}, held)
            held |= {r.target for o in held for r in self.snapshot.objects[o].refs}
            self.assertLessEqual({self.ids["argument"], self.ids["keyword"]}, held)
            return
        self.assertEqual({n for n in roots if "arguments" not in n}, {n for n in roots if n.count(" ") == 3})
        by_object = {v: k for k, v in roots.items()}
        self.assertRegex(by_object[self.ids["first"]], r"^callback \d+ of \d+$")
        self.assertIn(self.ids["second"], by_object)
        arguments = [o for r, o in roots.items() if r.startswith(by_object[self.ids["first"]] + ", arguments")]
        held = {r.target for o in self.roots if o.kind == ATEXIT for r in self.snapshot.objects[o.object].refs}
        self.assertTrue(arguments)
        self.assertLessEqual({self.ids["argument"], self.ids["keyword"]}, held)

    def test_fork_hooks_are_roots_by_name(self):
        if not self.since(3, 7):
            self.skipTest("os.register_at_fork came with 3.7")
        hooks = self.of(ATFORK)
        for name, hook in (("before", "before"), ("after_in_parent", "parent"), ("after_in_child", "child")):
            self.assertIn(self.ids[hook], [r.target for r in self.snapshot.objects[hooks[name]].refs])

    def test_frames_of_every_thread_are_roots_with_place_thread_and_depth(self):
        frames = [r for r in self.roots if r.kind == FRAME]
        sleeper = [r for r in frames if r.name.startswith("sleeper at ")]
        self.assertEqual([r.thread for r in sleeper], [self.ids["tid"]])
        self.assertRegex(sleeper[0].name, r"program\.py:\d+$")
        self.assertIn("in_thread", {r.label for r in self.snapshot.objects[sleeper[0].object].refs if r.kind == LOCAL})
        depths = collections.defaultdict(list)
        for r in frames:
            depths[r.thread].append(r.depth)
        self.assertEqual(set(depths), {self.ids["tid"], self.ids["main"]})
        for found in depths.values():
            self.assertEqual(sorted(found), list(range(len(found))))

    def test_a_frame_that_runs_in_a_generator_is_the_generator_where_it_is_no_object(self):
        frame = [r for r in self.roots if r.kind == FRAME and r.name.startswith("generator at ")]
        self.assertEqual(self.snapshot.type_name(frame[0].object), "generator" if self.since(3, 11) else "frame")
        self.assertIn("inside", {r.label for r in self.snapshot.objects[frame[0].object].refs if r.kind == LOCAL})

    def test_exceptions_contexts_and_hooks_of_threads_are_roots(self):
        exceptions = [r.object for r in self.roots if r.kind == EXCEPTION]
        self.assertIn(self.exception, exceptions)
        self.assertNotIn(self.ids["none"], exceptions)  # what the other thread handles: nothing
        if self.since(3, 7):
            self.assertEqual([self.snapshot.type_name(r.object) for r in self.roots if r.kind == CONTEXT],
                             ["_contextvars.Context" if self.since(3, 10) else "Context"])
        self.assertEqual(self.of(THREAD)["profile"], self.ids["tracing"])

    def test_fields_of_the_interpreter_are_roots(self):
        self.assertEqual(self.of(SYS)["sysdict"], self.ids["sys"])
        self.assertEqual(self.of(BUILTINS)["builtins"], self.ids["builtins"])
        self.assertLessEqual({"search_path", "search_cache", "error_registry"}, set(self.of(CODECS)))
        self.assertLessEqual({"importlib", "import_func"}, set(self.of(INTERPRETER)))
        if self.since(3, 7):
            self.assertIn("gc.callbacks", self.of(INTERPRETER))

    def test_what_sys_monitoring_calls_is_a_root(self):
        if not self.since(3, 12):
            self.skipTest("sys.monitoring came with 3.12")
        self.assertIn(self.ids["watching"], [r.object for r in self.roots if r.name == "sys.monitoring, callback"])
        self.assertIn("sys.monitoring, name of a tool", self.of(INTERPRETER))

    def test_static_types_are_roots_and_types_of_class_statements_are_not(self):
        static = [r.object for r in self.roots if r.kind == STATIC_TYPE]
        self.assertGreater(len(static), 50)
        self.assertEqual([o for o in static if self.snapshot.types.get(o) and self.snapshot.types[o].flags & 1], [])

    def test_the_table_of_interned_strings_is_an_object_that_keeps_nothing_others_hold(self):
        [root] = [r for r in self.roots if r.kind == INTERNED]
        table = self.snapshot.objects[root.object]
        self.assertEqual(self.snapshot.type_name(table.id), "dict")
        self.assertEqual({self.snapshot.type_name(r.target) for r in table.refs}, {"str"})
        self.assertLess(len([r for r in table.refs if r.kind == KEY]), len(table.refs) / 2)

    def test_nothing_in_the_file_is_without_a_way_to_it_from_a_root(self):
        reached, todo = set(), [r.object for r in self.roots]
        while todo:
            o = todo.pop()
            if o in reached or o not in self.snapshot.objects:
                continue
            reached.add(o)
            todo.extend(r.target for r in self.snapshot.objects[o].refs if r.kind != WEAK)
        lost = {o for o in self.snapshot.objects if o not in reached}
        held = {r.target for o in lost for r in self.snapshot.objects[o].refs}
        # What static variables of C code hold: a dozen objects, and what hangs on them.
        self.assertLess(len(lost), len(self.snapshot.objects) / 50)
        self.assertLess(len(lost - held), 20, collections.Counter(map(self.snapshot.type_name, lost - held)))

    def test_deep_frozen_objects_are_immortal(self):
        if not self.since(3, 11):
            self.skipTest("3.11 is the first to have such objects")
        immortal = [o for o in self.snapshot.objects.values() if o.flags & IMMORTAL]
        self.assertGreater(len(immortal), 100)
        self.assertEqual([o for o in immortal if o.flags & PSEUDO], [])


if __name__ == "__main__":
    unittest.main()
