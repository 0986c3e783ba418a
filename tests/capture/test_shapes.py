"""Heaps of any shape, in fixed memory and without recursion."""
import collections
import unittest

import interpreters
import snapshot
from snapshot import FIELD, INDEX, KEY, VALUE

UNTRACK = """
import ctypes
untrack = ctypes.pythonapi.PyObject_GC_UnTrack; untrack.argtypes = [ctypes.py_object]; untrack.restype = None
gc.disable()
"""


@interpreters.for_each()
class Shapes(snapshot.OnInterpreter):
    def everything(self, program, at_least):
        """The program's `ids` are all in the file, once, and the file is whole."""
        taken, told, _ = self.run_program(UNTRACK + program, kinds="OI")
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
    for c in head[1:]: ids += [id(c), id(c[1]), id(c[2])] + list(map(id, c[2])) + list(map(id, c[2].values()))
    ids.append(id(head)); head = head[0]
tell("ids", ids); told.close(); import os; os._exit(0)
""", 300000)

    def test_more_references_than_one_record_holds_go_on_in_order(self):
        taken, told, _ = self.run_program("""
import collections, functools
from xml.etree import cElementTree as ElementTree  # until 2.7
from xml.etree import ElementTree  # since 3.3
many = [str(i) for i in range(5000)]
table = {i: str(i) for i in range(5000)}
ordered = collections.OrderedDict((str(i), i) for i in range(3000))
queue = collections.deque(many)
unique = set(many)
pair = tuple(many)
cached = many  # until 2.7
@functools.lru_cache(5000)  # since 3.2
def cached(n): return [n]  # since 3.2
for i in range(3000): cached is many or cached(i)
class Wide(object): __slots__ = ["s%d" % i for i in range(1500)]
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
            self.assertEqual([r.target for r in taken.objects[ids[name]].refs if r.kind == INDEX], told["items"]["many"], name)
        self.assertEqual({r.target for r in taken.objects[ids["unique"]].refs}, set(told["items"]["many"]))
        self.assertEqual([r.kind for r in taken.objects[ids["table"]].refs], [KEY, VALUE] * 5000)
        kinds = collections.Counter(r.kind for r in taken.objects[ids["ordered"]].refs)
        self.assertEqual(kinds, {KEY: 3000, VALUE: 3000, INDEX: 3000} if self.since(3) else {KEY: 3000, VALUE: 3000, FIELD: 2})
        self.assertGreater(len(taken.objects[ids["cached"]].refs), 6000 if self.since(3, 7) else 3000 if self.since(3) else 4000) # 3.6: its links are objects
        if self.since(3, 7): # however many parts its record has
            labels = collections.Counter((r.kind, r.label) for r in taken.objects[ids["cached"]].refs)
            self.assertEqual(labels[FIELD, "cached"], 6000, labels)
            self.assertEqual([k for k in labels if k[0] == snapshot.PLAIN], [])
            self.assertEqual({n for (kind, label), n in labels.items() if kind == FIELD and label != "cached"}, {1}, labels)
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
        small, large = (int(self.run_program(program % n, kinds="MI")[0].meta["walk_memory_bytes"]) for n in (1000, 200000))
        # 1/64 of the 20 MB more, in slabs of 1 MiB; not a byte an object
        self.assertLess(large - small, 3 << 20)


if __name__ == "__main__":
    unittest.main()
