"""References carry the names that Python has for them: one test a kind of object."""
import unittest

import interpreters
import snapshot
from snapshot import ATTR, CELL, FIELD, INDEX, KEY, LOCAL, OFFSET, PLAIN, PSEUDO, SLOT, STACK, VALUE, WEAK

PROGRAM = """
import asyncio, collections, ctypes, functools, re, struct, sys, types, weakref
from xml.etree import ElementTree
class Plain:
    def __init__(self): self.first, self.second = [1], [2]
class Slots:
    __slots__ = ("a", "__private")
class Both(Slots):
    __slots__ = ("c", "__dict__")
plain, dicted = Plain(), Plain()
dicted.__dict__["third"] = [3]
split = Plain().__dict__
slots = Both(); slots.a, slots._Slots__private, slots.c, slots.other = [1], [2], [3], [4]
def outer(a, *, k=[3]):
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
async def coroutine(parameter): await asyncio.sleep(0)
waiting = coroutine([1])
table = {"key": [1], 5: [2], (1, 2): [3]}
ordered = collections.OrderedDict(a=[1]); ordered.extra = [2]
default = collections.defaultdict(list, x=[1])
items, pair, unique = [[1], [2]], ([1], [2]), {frozenset([1])}
queue = collections.deque([[1], [2]])
method = plain.__init__
class Target: pass
target = Target()
reference = weakref.ref(target, lambda r: None)
dead = weakref.ref(Target())
prop = property(lambda self: 1, None, None, "doc")
partial = functools.partial(print, [1], sep=[2])
try: raise ValueError([1]) from KeyError([2])
except ValueError as e: error = e
proxy = types.MappingProxyType(table)
element = ElementTree.Element("a")
time = __import__("time").localtime()
pattern = re.compile("x")
import datetime
zone = datetime.timezone(datetime.timedelta(hours=3), "zone")
moment, clock, naive = datetime.datetime(2000, 1, 1, tzinfo=zone), datetime.time(1, tzinfo=zone), datetime.datetime(2000, 1, 1)
def deep():
    held = [1]
    take()
    return held
class Holder:
    def __getattr__(self, name): return deep()
def calls(argument):
    before = [argument]
    for loop in [["looped"]]:
        print([deep()], file=None) if False else deep()
calls(["argument"])
def names(*wanted): return {n: id(globals()[n]) for n in wanted}
tell("ids", names("plain", "dicted", "split", "slots", "outer", "inner", "running", "waiting", "table", "ordered", "default", "items", "pair",
    "unique", "queue", "method", "target", "reference", "dead", "prop", "partial", "error", "proxy", "element", "time", "pattern", "Plain", "Both",
    "Slots", "sys", "generator", "zone", "moment", "clock", "naive"))
tell("of", {"first": id(plain.first), "third": id(dicted.__dict__["third"]), "a": id(slots.a), "private": id(slots._Slots__private), "c": id(slots.c),
    "split_dict": id(split), "code": id(outer.__code__), "globals": id(globals()), "kwdefaults": id(outer.__kwdefaults__), "value": id(table["key"]),
    "deque0": id(queue[0]), "cells": [id(c) for c in inner.__closure__], "contents": [id(c.cell_contents) for c in inner.__closure__],
    "consts": id(outer.__code__.co_consts), "len": id(len), "str.join": id("".join), "args": id(error.args), "modules": id(sys.modules)})
"""


@interpreters.for_each(since=(3, 6))  # test_python_2.py has the others
class Labels(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, cls.told, _ = cls.run_program(PROGRAM)
        cls.ids, cls.of = cls.told["ids"], cls.told["of"]

    def labels(self, name, kind=FIELD):
        return self.snapshot.labels(self.ids[name], kind)

    def test_attributes_beside_an_instance_are_named(self):
        self.assertEqual(self.labels("plain")["__class__"], self.ids["Plain"])
        if not self.since(3, 11):  # they are in its dict, which was there from the first on
            values = self.snapshot.labels(self.labels("plain")["__dict__"], VALUE)
            self.assertEqual((set(values), values["first"]), ({"first", "second"}, self.of["first"]))
            self.assertEqual(self.labels("plain", ATTR), {})
            return
        self.assertEqual(set(self.labels("plain", ATTR)), {"first", "second"})
        self.assertEqual(self.labels("plain", ATTR)["first"], self.of["first"])
        self.assertNotIn("__dict__", self.labels("plain"))

    def test_an_instance_with_a_dict_leads_to_it_and_the_dict_names_its_values(self):
        values = self.snapshot.objects[self.labels("dicted")["__dict__"]]
        self.assertEqual(values.refs[0].label, "keys")
        if self.since(3, 13):  # the dict goes on using the array in the instance
            self.assertEqual(set(self.labels("dicted", ATTR)), {"first", "second", "third"})
            self.assertEqual(self.labels("dicted", ATTR)["third"], self.of["third"])
            self.assertEqual([r for r in values.refs if r.kind == VALUE], [])
        else:
            self.assertEqual({r.label for r in values.refs if r.kind == VALUE}, {"first", "second", "third"})

    def test_the_dict_that_outlives_its_instance_holds_the_values(self):
        split = self.snapshot.objects[self.ids["split"]]
        self.assertEqual({r.label for r in split.refs if r.kind == VALUE}, {"first", "second"})

    def test_a_shared_key_table_is_one_pseudo_object_that_type_and_dicts_share(self):
        keys = self.labels("Plain")["keys"]
        self.assertEqual(self.snapshot.type_name(keys), "dictkeys")
        self.assertTrue(self.snapshot.objects[keys].flags & PSEUDO)
        self.assertEqual(self.snapshot.labels(self.ids["split"], FIELD)["keys"], keys)
        names = [self.snapshot.names[r.target][0] for r in self.snapshot.objects[keys].refs]
        self.assertEqual(names, ["first", "second", "third"])
        self.assertFalse([r for r in self.snapshot.objects[self.ids["split"]].refs if r.kind == KEY])

    def test_slots_are_named_along_the_mro(self):
        slots = self.labels("slots", SLOT)
        self.assertEqual(slots, {"a": self.of["a"], "_Slots__private": self.of["private"], "c": self.of["c"]})
        if self.since(3, 13) or not self.since(3, 11):  # values are beside instances without slots alone, or in dicts
            self.assertIn("other", [self.snapshot.names[k][0] for k in self.snapshot.items(self.labels("slots")["__dict__"]) if k in self.snapshot.names] +
                          list(self.snapshot.items(self.labels("slots")["__dict__"])))
        else:
            self.assertEqual(set(self.labels("slots", ATTR)), {"other"})

    def test_functions_name_their_parts(self):
        if self.since(3, 10):
            self.assertIn("__builtins__", self.labels("outer"))
        self.assertLessEqual({"__globals__", "__code__", "__kwdefaults__", "__dict__", "__name__", "__qualname__", "__module__"},
                             set(self.labels("outer")))
        self.assertEqual(self.labels("outer")["__code__"], self.of["code"])
        self.assertEqual(self.labels("outer")["__kwdefaults__"], self.of["kwdefaults"])
        closure = self.snapshot.objects[self.labels("inner")["__closure__"]]
        self.assertEqual([r.target for r in closure.refs], self.of["cells"])
        self.assertTrue(self.labels("inner")["__defaults__"])

    def test_cells_lead_to_what_is_in_them(self):
        for cell, contents in zip(self.of["cells"], self.of["contents"]):
            self.assertEqual([r[:3] for r in self.snapshot.objects[cell].refs], [(contents, CELL, "cell_contents")])

    def test_code_names_its_parts_although_nothing_visits_them(self):
        code = self.snapshot.labels(self.of["code"], FIELD)
        self.assertEqual(code["co_consts"], self.of["consts"])
        self.assertLessEqual({"co_names", "co_filename", "co_name", "co_linetable" if self.since(3, 10) else "co_lnotab"}, set(code))
        for variables in ("co_localsplusnames",) if self.since(3, 11) else ("co_varnames", "co_cellvars", "co_freevars"):
            for name in self.snapshot.objects[code[variables]].refs:
                self.assertIn(self.snapshot.names[name.target][0], ("a", "k", "b", "inner"))

    def test_generators_and_coroutines_name_their_variables(self):
        def frame(name):
            return self.ids[name] if self.since(3, 11) else self.labels(name)["gi_frame"]
        self.assertEqual(set(self.snapshot.labels(frame("running"), LOCAL)), {"parameter", "local", "item"})
        self.assertEqual([r.kind for r in self.snapshot.objects[frame("running")].refs].count(STACK), 1)
        self.assertEqual(set(self.snapshot.labels(frame("waiting"), LOCAL)), {"parameter"})
        self.assertIn("gi_code", self.labels("running"))

    def test_dicts_have_each_key_before_its_value(self):
        kinds = [r.kind for r in self.snapshot.objects[self.ids["table"]].refs]
        self.assertEqual(kinds, [KEY, VALUE] * 3)
        named = {self.snapshot.names.get(k, ("",))[0]: v for k, v in self.snapshot.items(self.ids["table"]).items()}
        self.assertEqual(named["key"], self.of["value"])

    def test_dicts_written_in_c_have_their_own_fields_too(self):
        self.assertIn("__dict__", self.labels("ordered"))
        self.assertEqual([r.kind for r in self.snapshot.objects[self.ids["ordered"]].refs].count(INDEX), 1)
        self.assertIn("default_factory", self.labels("default"))
        self.assertTrue(self.snapshot.items(self.ids["default"]))

    def test_sequences_and_sets_have_positions(self):
        for name in ("items", "pair", "queue"):
            self.assertEqual([r.kind for r in self.snapshot.objects[self.ids[name]].refs if r.label != "__class__"], [INDEX] * 2, name)
        self.assertIn(self.of["deque0"], [r.target for r in self.snapshot.objects[self.ids["queue"]].refs])
        self.assertEqual([r.kind for r in self.snapshot.objects[self.ids["unique"]].refs], [INDEX])

    def test_a_weak_reference_is_weak_and_a_dead_one_leads_nowhere(self):
        weak = [r for r in self.snapshot.objects[self.ids["reference"]].refs if r.kind == WEAK]
        self.assertEqual([(r.target, r.label) for r in weak], [(self.ids["target"], "referent")])
        self.assertIn("__callback__", self.labels("reference"))
        self.assertEqual(self.snapshot.objects[self.ids["dead"]].refs, [])

    def test_bound_methods_properties_partials_and_exceptions_name_their_fields(self):
        self.assertEqual(self.labels("method")["__self__"], self.ids["plain"])
        self.assertLessEqual({"fget", "__doc__"}, set(self.labels("prop")))
        self.assertLessEqual({"func", "args", "keywords"}, set(self.labels("partial")))
        self.assertLessEqual({"args", "__cause__", "__traceback__"}, set(self.labels("error")))
        self.assertEqual(self.labels("error")["args"], self.of["args"])
        self.assertEqual(self.labels("proxy")["mapping"], self.ids["table"])

    def test_moments_hold_their_time_zone_although_nothing_visits_it(self):
        for name in ("moment", "clock"):
            self.assertEqual(self.labels(name), {"tzinfo": self.ids["zone"]})
        self.assertEqual(self.snapshot.objects[self.ids["naive"]].refs, [])
        self.assertEqual({k: self.snapshot.type_name(v) for k, v in self.labels("zone").items()}, {"offset": "datetime.timedelta", "name": "str"})

    def test_a_struct_sequence_names_its_items(self):
        self.assertLessEqual({"tm_year", "tm_zone"}, set(self.labels("time")))

    def test_types_name_what_makes_them(self):
        self.assertLessEqual({"__dict__", "__bases__", "__mro__", "__base__", "__name__", "__qualname__", "keys"}, set(self.labels("Plain")))
        self.assertEqual(self.labels("Both")["__base__"], self.ids["Slots"])
        self.assertIn("__slots__", self.labels("Slots"))
        self.assertIn("__subclasses__", self.labels("Slots"))

    def test_built_in_functions_have_names_of_their_own(self):
        self.assertEqual(self.snapshot.names[self.of["len"]], ("len", "builtins"))
        self.assertEqual(self.snapshot.names[self.ids["Plain"]], ("Plain", "__main__"))
        self.assertEqual(self.snapshot.names[self.ids["sys"]][0], "sys")

    def test_c_extension_types_have_offsets_or_member_names_and_never_nothing(self):
        plain = [(self.snapshot.type_name(o.id), self.snapshot.type_name(r.target)) for o in self.snapshot.objects.values()
                 for r in o.refs if r.kind == PLAIN]
        self.assertEqual(plain, [])
        self.assertTrue([r for o in self.snapshot.objects.values() for r in o.refs if r.kind == OFFSET])

    def test_running_frames_name_their_variables_and_hold_their_functions(self):
        frames = {r.name.split(" at ")[0]: r for r in self.snapshot.roots if r.kind == snapshot.FRAME}
        self.assertLessEqual({"deep", "calls", "<module>", "take"}, set(frames))
        calls = self.snapshot.objects[frames["calls"].object]
        self.assertEqual(bool(calls.flags & PSEUDO), self.since(3, 11))
        self.assertEqual({r.label for r in calls.refs if r.kind == LOCAL}, {"argument", "before", "loop"})
        self.assertLessEqual({"f_func" if self.since(3, 11) else "f_globals", "f_code"}, {r.label for r in calls.refs if r.kind == FIELD})
        stack = [self.snapshot.type_name(r.target) for r in calls.refs if r.kind == STACK]
        # Before 3.11 what is called stays on the stack until it has returned.
        self.assertEqual(stack, ["tuple_iterator" if self.since(3, 8) else "list_iterator"] + (["function"] if not self.since(3, 11) else []))
        self.assertEqual(frames["take"].depth, 0)
        self.assertEqual(frames["<module>"].depth, 3)



MORE = """
import asyncio, contextvars, ctypes, functools, sys, threading, types, typing  # since 3.7
import asyncio, ctypes, functools, sys, threading, types, typing  # until 3.6
async def asynchronous(parameter):
    local = [parameter]
    yield local
class Meta(type): pass
class WithMeta(metaclass=Meta): pass
class Structure(ctypes.Structure): _fields_ = [("number", ctypes.c_int), ("object", ctypes.py_object)]
structure, array = Structure(1, [1]), (ctypes.py_object * 2)([1], [2])
called = ctypes.CFUNCTYPE(None)(lambda: None)
@functools.lru_cache(None)
def cached(n): return [n]
@functools.lru_cache(10)
def bounded(n): return [n]
kept = [cached(1), bounded(2)]
local = threading.local(); local.attribute = [1]
def generic[T: int](x: T): return x  # since 3.12
class Generic[T]: pass  # since 3.12
type Alias[T] = list[T]  # since 3.12
variable = typing.TypeVar("variable", bound=int)
class Future(asyncio.Future): pass
def closed(): return lambda: cell_variable
cell_variable = 1
def enclosing(cell_variable): return lambda: cell_variable
closure = enclosing([1])
generator = (item for item in [[1]])
next(generator)
async def inner(parameter): await waited
async def main():
    global ag, waited, task, sub, waiting
    ag = asynchronous(["p"])
    await ag.__anext__()
    waited = asyncio.get_event_loop().create_future()
    waited.attribute = [1]
    sub = Future()
    sub.attribute = [2]
    waiting = inner(["q"])
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    take()
    waited.set_result(None)
    await task
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
import _json
try: import numpy
except ImportError: numpy = None
wanted = "ag waited sub task waiting structure array called cached bounded local generic Generic Alias variable WithMeta Meta closure generator Structure loop"
tell("ids", {n: id(globals()[n]) for n in wanted.split() if n in globals()})
tell("of", {"cached": id(kept[0]), "bounded": id(kept[1]), "cell": id(closure.__closure__[0]), "in cell": id(closure.__closure__[0].cell_contents),
    "int": id(int), "bool": id(bool), "object": id(object), "attribute": id(waited.attribute), "sub attribute": id(sub.attribute),
    "wrapped": id(cached.__wrapped__), "int dict": [id(o) for o in gc.get_referents(int.__dict__)], "type": id(type)})
"""


@interpreters.for_each(*[version for version in interpreters.found() if version != "2.7"])
class MoreLabels(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, told, _ = cls.run_program(MORE)
        cls.ids, cls.of = told["ids"], told["of"]

    def labels(self, name, kind=None):
        return self.snapshot.labels(self.ids[name], kind)

    def test_asynchronous_generators_and_coroutines_name_their_variables(self):
        if self.since(3, 11):  # before, their frame does
            self.assertEqual(set(self.labels("ag", LOCAL)), {"parameter", "local"})
            self.assertEqual(set(self.labels("waiting", LOCAL)), {"parameter"})
        self.assertLessEqual({"gi_code", "__name__", "__qualname__"}, set(self.labels("ag")))
        code = [r.label for r in self.snapshot.objects[self.ids["ag"]].refs if r.label in ("gi_code", "f_code")]
        self.assertEqual(len(code), 1 if self.since(3, 12) else len(code), "one reference, counted once")

    def test_closures_lead_to_their_cells_and_these_to_what_is_in_them(self):
        cells = self.snapshot.objects[self.labels("closure")["__closure__"]]
        self.assertEqual([r.target for r in cells.refs], [self.of["cell"]])
        self.assertEqual([r[:3] for r in self.snapshot.objects[self.of["cell"]].refs], [(self.of["in cell"], CELL, "cell_contents")])

    def test_what_lru_cache_keeps_is_named(self):
        names = self.labels("cached")
        if self.since(3, 8):
            self.assertEqual(names["__wrapped__"], self.of["wrapped"])
        cache = [r.target for r in self.snapshot.objects[self.ids["cached"]].refs if self.snapshot.type_name(r.target) == "dict"]
        self.assertTrue(any(self.of["cached"] in [r.target for r in self.snapshot.objects[c].refs] for c in cache))
        held = {r.target: r.label for r in self.snapshot.objects[self.ids["bounded"]].refs}
        links = {r.target for o in held if self.snapshot.type_name(o) == "functools._lru_list_elem" for r in self.snapshot.objects[o].refs}
        self.assertTrue(held.get(self.of["bounded"]) == "cached" or self.of["bounded"] in links)

    def test_ctypes_keeps_its_objects_by_name(self):
        for name in ("structure", "array", "called"):
            self.assertIn("_objects", self.labels(name), name)

    def test_a_metaclass_is_the_class_of_its_class(self):
        self.assertEqual(self.snapshot.objects[self.ids["WithMeta"]].type, self.ids["Meta"])
        self.assertEqual(self.labels("Meta")["__base__"], self.of["type"])
        self.assertIn("__dict__", self.labels("WithMeta"))

    def test_static_types_have_their_dict_and_their_subclasses(self):
        names = self.snapshot.labels(self.of["int"], FIELD)
        self.assertEqual(names["__base__"], self.of["object"])
        self.assertEqual([names["__dict__"]], self.of["int dict"])
        references = self.snapshot.objects[names["__subclasses__"]].refs
        weak = {r.target for ref in references for r in self.snapshot.objects[ref.target].refs if r.kind == WEAK}
        self.assertIn(self.of["bool"], weak)

    def test_attributes_of_an_instance_of_a_type_written_in_c_are_found(self):
        for name, attribute in (("waited", "attribute"), ("sub", "sub attribute")):
            named = self.labels(name, ATTR)
            inside = self.labels(name).get("__dict__")
            found = set(named.values()) | ({r.target for r in self.snapshot.objects[inside].refs} if inside else set())
            self.assertIn(self.of[attribute], found, name)
        self.assertEqual([r for r in self.snapshot.objects[self.ids["sub"]].refs if r.kind == PLAIN or r.label == "internal"], [])

    def test_a_task_names_its_coroutine_and_what_it_waits_for(self):
        if not self.since(3, 11):
            self.skipTest("by offset before 3.11")
        self.assertEqual(self.labels("task")["coro"], self.ids["waiting"])
        self.assertEqual(self.labels("task")["fut_waiter"], self.ids["waited"])
        self.assertEqual(self.labels("task")["loop"], self.ids["loop"])

    def test_type_parameters_are_named(self):
        if not self.since(3, 12):
            self.skipTest("they came with 3.12")
        [parameter] = [r.target for r in self.snapshot.objects[self.labels("generic")["__type_params__"]].refs]
        self.assertEqual(self.snapshot.type_name(parameter), "typing.TypeVar")
        self.assertIn("evaluate_bound", self.snapshot.labels(parameter))
        self.assertEqual(self.snapshot.names[self.snapshot.labels(parameter)["__name__"]][0], "T")
        self.assertEqual(self.labels("variable")["__bound__"], self.of["int"])
        self.assertLessEqual({"__name__", "__type_params__", "compute_value"}, set(self.labels("Alias")))

    def test_module_state_in_c_memory_is_named(self):
        state = [r for o in self.snapshot.of_type("module") for r in o.refs if r.label == "module state"]
        self.assertTrue(state)


if __name__ == "__main__":
    unittest.main()
