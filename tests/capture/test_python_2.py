"""What CPython 2.7 alone has, and what it has in another way: names of references and roots."""
import collections
import unittest

import interpreters
import snapshot
from snapshot import (ATEXIT, ATTR, BUILTINS, CELL, CODECS, EXCEPTION, FIELD, FRAME, INDEX, INTERNED, KEY, LOCAL, MODULES, OFFSET, PLAIN, SLOT, STACK,
                      STATIC_TYPE, SYS, THREAD, VALUE, WEAK)

PROGRAM = """
import atexit, cStringIO, collections, datetime, functools, operator, os, re, struct, threading, types, weakref
import xml.etree.cElementTree as ElementTree
class Old:
    def __init__(self): self.first, self.second = [1], [2]
    def __getattr__(self, name): raise AttributeError(name)
class Child(Old): pass
class New(object):
    def __init__(self): self.first, self.second = [1], [2]
class Slots(object):
    __slots__ = ("a", "__private")
class Both(Slots):
    __slots__ = ("c", "__dict__")
old, child, new = Old(), Child(), New()
slots = Both(); slots.a, slots._Slots__private, slots.c, slots.other = [1], [2], [3], [4]
def outer(a, k=[3]):
    b = [a]
    def inner(d=b): return a, b
    return inner
outer.extra = [1]
inner = outer(["cell"])
def generator(parameter):
    local = [parameter]
    for item in [[1], [2]]:
        yield item
running = generator(["p"]); next(running)
table = {"key": [1], 5: [2], (1, 2): [3], u"wide": [4]}
default = collections.defaultdict(list, x=[1])
items, pair, unique = [[1], [2]], ([1], [2]), set([frozenset([1])])
queue = collections.deque([[1], [2]])
method, unbound, old_method = new.__init__, New.__init__, child.__init__
target = New()
reference = weakref.ref(target, lambda r: None)
dead = weakref.ref(New())
prop = property(lambda self: 1, None, None, "doc")
partial = functools.partial(max, [1], key=[2])
try: raise ValueError([1])
except ValueError as e: error = e
proxy = Old.__dict__ and New.__dict__
element = ElementTree.fromstring("<a x='1'>text<b/><c/>tail</a>")
time = __import__("time").localtime()
pattern = re.compile("(?P<group>x)"); match = pattern.match("x")
handle = open(os.devnull)
part = slice([1], [2], [3])
unpacker = struct.Struct("i")
text = u"".join([u"first"]); getattr(old, text)
buffered = buffer("abc" * 10)
reader = cStringIO.StringIO("abc" * 10)
class Zone(datetime.tzinfo):
    def utcoffset(self, moment): return datetime.timedelta(0)
    dst = utcoffset
zone = Zone()
moment, clock, naive = datetime.datetime(2000, 1, 1, tzinfo=zone), datetime.time(1, tzinfo=zone), datetime.datetime(2000, 1, 1)
def at_exit(*arguments, **keywords): pass
argument = [1]
atexit.register(at_exit, argument, name=[2])
ready, stop, thread_ids = threading.Event(), threading.Event(), []
def sleeper(parameter):
    in_thread = [parameter]
    ready.set(); stop.wait()
thread = threading.Thread(target=sleeper, args=(["p"],)); thread.start(); ready.wait()
def deep():
    held = [1]
    take()
    return held
def handles():
    try: raise KeyError([1])
    except KeyError as e:
        tell("exception", id(e))
        deep()
def calls(argument):
    before = [argument]
    for loop in [["looped"]]:
        handles()
def tracing(*arguments): return None
sys.setprofile(tracing)
calls(["argument"])
sys.setprofile(None)
stop.set(); thread.join()
def names(*wanted): return {n: id(globals()[n]) for n in wanted}
tell("ids", names("old", "child", "new", "slots", "outer", "inner", "running", "table", "default", "items", "pair", "unique", "queue", "method", "unbound",
    "old_method", "target", "reference", "dead", "prop", "partial", "error", "proxy", "element", "time", "pattern", "match", "handle", "part", "unpacker", "text",
    "buffered", "reader", "zone", "moment", "clock", "naive", "Old", "Child", "New", "Both", "Slots", "sys", "generator", "at_exit", "argument", "tracing"))
tell("of", {"first": id(old.first), "old_dict": id(old.__dict__), "new_dict": id(new.__dict__), "a": id(slots.a), "private": id(slots._Slots__private), "c": id(slots.c),
    "code": id(outer.__code__), "globals": id(globals()), "value": id(table["key"]), "deque0": id(queue[0]), "cells": [id(c) for c in inner.__closure__],
    "contents": [id(c.cell_contents) for c in inner.__closure__], "consts": id(outer.__code__.co_consts), "len": id(len), "args": id(error.args),
    "modules": id(sys.modules), "frame": id(running.gi_frame), "handlers": id(atexit._exithandlers), "exitfunc": id(sys.exitfunc), "sys": id(sys.__dict__),
    "builtins": id(__builtins__.__dict__), "main": os.getpid(), "bases": id(Child.__bases__)})
"""


@interpreters.for_each("2.7")
class PythonTwo(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, told, _ = cls.run_program(PROGRAM)
        cls.ids, cls.of, cls.exception = told["ids"], told["of"], told["exception"]
        cls.roots = cls.snapshot.roots

    def labels(self, name, kind=FIELD):
        return self.snapshot.labels(self.ids[name], kind)

    def type_of(self, name):
        return self.snapshot.type_name(self.ids[name])

    def keys_of(self, address):
        """Text of the key, or its address where no name travels, -> value."""
        return {self.snapshot.names.get(k, (k,))[0]: v for k, v in self.snapshot.items(address).items()}

    def root_names(self, kind):
        return {r.name: r.object for r in self.roots if r.kind == kind}

    def test_an_old_style_instance_is_of_its_class_and_leads_to_class_and_dict(self):
        self.assertEqual(self.type_of("old"), "__main__.Old")
        self.assertEqual(self.type_of("child"), "__main__.Child")
        self.assertEqual(self.labels("old"), {"__class__": self.ids["Old"], "__dict__": self.of["old_dict"]})
        self.assertEqual(self.keys_of(self.of["old_dict"])["first"], self.of["first"])
        row = self.snapshot.types[self.ids["Old"]]
        self.assertEqual(self.snapshot.types[row.base].name, "instance")

    def test_an_old_style_class_names_what_makes_it(self):
        self.assertEqual(self.type_of("Old"), "classobj")
        self.assertLessEqual({"__bases__", "__dict__", "__name__", "__getattr__"}, set(self.labels("Old")))
        self.assertEqual(self.labels("Child")["__bases__"], self.of["bases"])
        self.assertEqual(self.snapshot.names[self.ids["Old"]], ("Old", "__main__"))

    def test_an_instance_leads_to_its_class_and_dict(self):
        self.assertEqual(self.labels("new"), {"__class__": self.ids["New"], "__dict__": self.of["new_dict"]})
        self.assertLessEqual({"first", "second"}, set(self.keys_of(self.of["new_dict"])))
        self.assertEqual([r for o in self.snapshot.objects.values() for r in o.refs if r.kind == ATTR], [])

    def test_slots_are_named_along_the_mro(self):
        self.assertEqual(self.labels("slots", SLOT), {"a": self.of["a"], "_Slots__private": self.of["private"], "c": self.of["c"]})
        self.assertIn("other", self.keys_of(self.labels("slots")["__dict__"]))

    def test_types_name_what_makes_them(self):
        self.assertLessEqual({"__dict__", "__bases__", "__mro__", "__base__", "__name__"}, set(self.labels("New")))
        self.assertEqual(self.labels("Both")["__base__"], self.ids["Slots"])
        self.assertIn("__slots__", self.labels("Slots"))
        self.assertIn("__subclasses__", self.labels("Slots"))

    def test_functions_and_code_name_their_parts(self):
        self.assertLessEqual({"__globals__", "__code__", "__defaults__", "__dict__", "__name__", "__module__"}, set(self.labels("outer")))
        self.assertEqual(self.labels("outer")["__globals__"], self.of["globals"])
        closure = self.snapshot.objects[self.labels("inner")["__closure__"]]
        self.assertEqual([r.target for r in closure.refs], self.of["cells"])
        for cell, contents in zip(self.of["cells"], self.of["contents"]):
            self.assertEqual([r[:3] for r in self.snapshot.objects[cell].refs], [(contents, CELL, "cell_contents")])
        code = self.snapshot.labels(self.of["code"], FIELD)
        self.assertEqual(code["co_consts"], self.of["consts"])
        self.assertLessEqual({"co_names", "co_varnames", "co_cellvars", "co_filename", "co_name", "co_lnotab", "co_code"}, set(code))
        self.assertEqual({self.snapshot.names[r.target][0] for r in self.snapshot.objects[code["co_varnames"]].refs}, {"a", "k", "inner"})

    def test_a_method_knows_function_instance_and_class(self):
        self.assertEqual(self.labels("method")["__self__"], self.ids["new"])
        self.assertEqual(self.labels("method")["im_class"], self.ids["New"])
        self.assertEqual(set(self.labels("unbound")), {"__func__", "im_class"})
        self.assertEqual(self.labels("old_method")["im_class"], self.ids["Child"])

    def test_a_generator_leads_to_its_frame_and_that_to_its_variables(self):
        self.assertEqual(set(self.labels("running")), {"gi_frame", "gi_code"})
        self.assertEqual(self.labels("running")["gi_frame"], self.of["frame"])
        self.assertEqual(set(self.snapshot.labels(self.of["frame"], LOCAL)), {"parameter", "local", "item"})
        self.assertEqual([self.snapshot.type_name(r.target) for r in self.snapshot.objects[self.of["frame"]].refs if r.kind == STACK], ["listiterator"])

    def test_dicts_have_each_key_before_its_value_and_unicode_is_no_name(self):
        self.assertEqual([r.kind for r in self.snapshot.objects[self.ids["table"]].refs], [KEY, VALUE] * 4)
        keys = self.keys_of(self.ids["table"])
        self.assertEqual(keys["key"], self.of["value"])
        self.assertEqual(len([k for k in keys if isinstance(k, str)]), 1)
        self.assertIn("default_factory", self.labels("default"))

    def test_sequences_sets_and_deques_have_positions(self):
        for name in ("items", "pair", "queue"):
            self.assertEqual([r.kind for r in self.snapshot.objects[self.ids[name]].refs], [INDEX] * 2, name)
        self.assertEqual(self.snapshot.objects[self.ids["queue"]].refs[0].target, self.of["deque0"])
        self.assertEqual([r.kind for r in self.snapshot.objects[self.ids["unique"]].refs], [INDEX])

    def test_a_weak_reference_is_weak_and_a_dead_one_leads_nowhere(self):
        weak = [r for r in self.snapshot.objects[self.ids["reference"]].refs if r.kind == WEAK]
        self.assertEqual([(r.target, r.label) for r in weak], [(self.ids["target"], "referent")])
        self.assertIn("__callback__", self.labels("reference"))
        self.assertEqual(self.snapshot.objects[self.ids["dead"]].refs, [])

    def test_properties_partials_exceptions_and_proxies_name_their_fields(self):
        self.assertLessEqual({"fget", "__doc__"}, set(self.labels("prop")))
        self.assertLessEqual({"func", "args", "keywords"}, set(self.labels("partial")))
        self.assertEqual(self.labels("error")["args"], self.of["args"])
        self.assertIn("message", self.labels("error"))
        self.assertEqual(set(self.labels("proxy")), {"mapping"})

    def test_what_is_not_the_collectors_names_what_it_holds(self):
        self.assertEqual(set(self.labels("handle")), {"__name__", "mode", "encoding", "errors"})
        self.assertEqual(set(self.labels("part")), {"start", "stop", "step"})
        self.assertEqual(set(self.labels("pattern")), {"pattern", "groupindex", "indexgroup"})
        self.assertEqual(self.labels("match")["re"], self.ids["pattern"])
        self.assertEqual(set(self.labels("unpacker")), {"format"})
        self.assertEqual(set(self.labels("text")), {"encoded"})
        self.assertEqual(set(self.labels("buffered")), {"base"})
        self.assertEqual(set(self.labels("reader")), {"obj"})
        self.assertEqual({self.labels(n)["tzinfo"] for n in ("moment", "clock")}, {self.ids["zone"]})
        self.assertEqual(self.snapshot.objects[self.ids["naive"]].refs, [])
        self.assertLessEqual({"tm_year", "tm_yday"}, set(self.labels("time")))
        self.assertLessEqual({"tag", "text", "attrib"}, set(self.labels("element")))
        self.assertEqual([r.kind for r in self.snapshot.objects[self.ids["element"]].refs].count(INDEX), 2)

    def test_built_in_functions_and_modules_have_names(self):
        self.assertEqual(self.snapshot.names[self.of["len"]], ("len", "__builtin__"))
        self.assertEqual(self.snapshot.names[self.ids["New"]], ("New", "__main__"))
        self.assertEqual(self.snapshot.names[self.ids["sys"]][0], "sys")

    def test_nothing_visited_is_without_an_offset_or_a_name(self):
        plain = [(self.snapshot.type_name(o.id), self.snapshot.type_name(r.target)) for o in self.snapshot.objects.values()
                 for r in o.refs if r.kind == PLAIN]
        self.assertEqual(plain, [])
        self.assertTrue([r for o in self.snapshot.objects.values() for r in o.refs if r.kind == OFFSET])

    def test_frames_name_their_variables_and_what_loops_go_over(self):
        frames = {r.name.split(" at ")[0]: r for r in self.roots if r.kind == FRAME}
        self.assertLessEqual({"deep", "handles", "calls", "<module>", "take", "sleeper"}, set(frames))
        calls = self.snapshot.objects[frames["calls"].object]
        self.assertEqual({r.label for r in calls.refs if r.kind == LOCAL}, {"argument", "before", "loop"})
        self.assertLessEqual({"f_back", "f_code", "f_globals", "f_builtins"}, {r.label for r in calls.refs if r.kind == FIELD})
        self.assertEqual([self.snapshot.type_name(r.target) for r in calls.refs if r.kind == STACK], ["listiterator", "function"])
        self.assertEqual((frames["take"].depth, frames["<module>"].depth), (0, 4))
        self.assertEqual(frames["calls"].thread, self.of["main"])
        self.assertNotEqual(frames["sleeper"].thread, self.of["main"])

    def test_handlers_of_atexit_are_a_root_and_so_is_what_calls_them(self):
        roots = self.root_names(ATEXIT)
        self.assertEqual(roots["sys.exitfunc"], self.of["exitfunc"])
        self.assertEqual(roots["atexit._exithandlers"], self.of["handlers"])
        held = {r.target for o in self.snapshot.objects[self.of["handlers"]].refs for r in self.snapshot.objects[o.target].refs}
        self.assertIn(self.ids["at_exit"], held)

    def test_nothing_is_frozen_where_nothing_can_be(self):
        self.assertEqual(self.snapshot.meta["gc_frozen"], "0")

    def test_interpreter_threads_and_exceptions_are_roots(self):
        self.assertEqual(self.root_names(MODULES), {"modules": self.of["modules"]})
        self.assertEqual(self.root_names(SYS), {"sysdict": self.of["sys"]})
        self.assertEqual(self.root_names(BUILTINS), {"builtins": self.of["builtins"]})
        self.assertLessEqual({"search_path", "search_cache", "error_registry"}, set(self.root_names(CODECS)))
        self.assertIn(self.exception, [r.object for r in self.roots if r.kind == EXCEPTION])
        self.assertEqual(self.root_names(THREAD)["profile"], self.ids["tracing"])
        self.assertGreater(len([r for r in self.roots if r.kind == STATIC_TYPE]), 50)

    def test_the_table_of_interned_strings_keeps_nothing_that_others_hold(self):
        [root] = [r for r in self.roots if r.kind == INTERNED]
        table = self.snapshot.objects[root.object]
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
        # What static variables of C code hold: a few dozen objects (import.c keeps the dicts of extension modules).
        self.assertLess(len(lost - held), 60, collections.Counter(map(self.snapshot.type_name, lost - held)))


if __name__ == "__main__":
    unittest.main()
