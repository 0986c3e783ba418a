"""Rule 4: the target is sacred: fixed memory taken before the pause, nothing allocated from its heap,
no Python code run, no refcount changed, the pause bounded, a limit ends in a valid shorter file,
everything given back."""
import json
import os
import sysconfig
import unittest

import rule

HEAP = rule.PROGRAM + """
import gc, os, json, ctypes, sys
ran = []
class Touchy(type):
    def __repr__(cls): ran.append("type.__repr__"); return "x"
    def __getattribute__(cls, name): ran.append("type." + name); return type.__getattribute__(cls, name)
class Nosy(metaclass=Touchy):
    def __init__(self, i): self.i = i
    def __sizeof__(self): ran.append("__sizeof__"); return 1
    def __repr__(self): ran.append("__repr__"); return "x"
    def __str__(self): ran.append("__str__"); return "x"
    def __hash__(self): ran.append("__hash__"); return 1
    def __eq__(self, other): ran.append("__eq__"); return True
    def __len__(self): ran.append("__len__"); return 1
    def __iter__(self): ran.append("__iter__"); return iter(())
    def __getattribute__(self, name): ran.append(name); return object.__getattribute__(self, name)
    def __del__(self): ran.append("__del__")
    @property
    def __class__(self): ran.append("__class__"); return int
nosy = [Nosy(i) for i in range(100)]
for item in nosy[:50]: item.other = nosy
cycle = []; cycle.append(cycle); del cycle
def everything():
    # What is tracked, and what that leads to: strings, numbers, untracked tuples and dicts.
    seen, todo = {}, gc.get_objects()
    own = {id(seen), id(todo)}
    while todo:
        item = todo.pop()
        if id(item) not in seen and id(item) not in own:
            seen[id(item)] = item
            todo.extend(gc.get_referents(item))
    items = list(seen.values())
    return items
"""


class SacredTarget(rule.RuleTest):
    def witness(self, program, **keywords):
        name = "witness" + sysconfig.get_config_var("EXT_SUFFIX")
        self.run_command("gcc", "-std=gnu11", "-O1", "-fPIC", "-shared", "-I" + rule.ROOT + "/include",
                         "-I" + sysconfig.get_path("include"), "-o", name, rule.ROOT + "/tests/rules/witness.c", "-ldl")
        program = HEAP + "import sys; sys.path.insert(0, %r); import witness\n" % self.folder + program
        return json.loads(self.python(program, env={"LD_PRELOAD": self.path(name)}))

    @unittest.skipIf(rule.SANITIZED, "both want to be malloc")
    def test_the_walk_calls_no_allocator_and_changes_no_refcount(self):
        # The C call: between the two looks there is nothing but the snapshot.
        said = self.witness("""
library = ctypes.CDLL(%r)
address = ctypes.cast(library.htrail_snapshot_cpython, ctypes.c_void_p).value
items = everything(); del ran[:]
said = witness.watch(items, address, "a.htrail")
print(json.dumps(dict(said, ran=list(ran))))
""" % (rule.BUILD + "/libhtrail-capture.so"))
        self.assertEqual((said["status"], said["message"], said["ran"]), (0, "", []))
        self.assertGreater(said["captured"], said["objects"] // 2)
        self.assertGreater(said["objects"], 10000)
        self.assertEqual({key: said[key] for key in ("changed", "libc", "raw", "mem", "object", "blocks")},
                         {"changed": 0, "libc": 0, "raw": 0, "mem": 0, "object": 0, "blocks": 0})

    @unittest.skipIf(rule.SANITIZED, "both want to be malloc")
    def test_the_module_leaves_nothing_behind_and_its_calls_do_not_grow_with_the_heap(self):
        counts = []
        for extra in (0, 100000):
            said = self.witness("""
more = [[i] for i in range(%d)]
items = everything(); del ran[:]
said = witness.watch(items, heaptrail.snapshot, "a.htrail")
print(json.dumps(dict(said, ran=list(ran))))
""" % extra)
            self.assertEqual((said["changed"], said["blocks"], said["ran"]), (0, 0, []))
            counts.append({key: said[key] for key in ("libc", "raw", "mem", "object")})
        self.assertEqual(counts[0], counts[1])
        self.assertLess(sum(counts[0].values()), 60, counts)

    def test_python_sees_no_difference(self):
        said = json.loads(self.python(HEAP + """
import tracemalloc
def state():
    with open("/proc/self/maps") as text: lines = [line.split()[0] + line[45:] for line in text if "[heap]" not in line]
    return lines, sorted(os.listdir("/proc/self/fd")), sorted(os.listdir("/proc/self/task"))
gc.disable(); gc.collect()
for i in range(2): heaptrail.snapshot("warm.htrail") # a collection empties the free lists of floats and dicts
cycle = []; cycle.append(cycle); del cycle
def measure(call):
    # What changes across a call; measuring changes a little itself.
    before = state()
    collector = gc.get_stats(), len(gc.get_objects())
    tracemalloc.start()
    traced = tracemalloc.get_traced_memory()[0]
    blocks = sys.getallocatedblocks()
    call("a.htrail")
    blocks = sys.getallocatedblocks() - blocks
    traced = tracemalloc.get_traced_memory()[0] - traced
    tracemalloc.stop()
    after = state()
    return {"blocks": blocks, "traced": traced, "collector": collector == (gc.get_stats(), len(gc.get_objects())),
            "maps": sorted(set(before[0]) ^ set(after[0])), "fds": before[1] == after[1], "tasks": before[2] == after[2]}
for call in (len, len):
    nothing = measure(call)
del ran[:]
print(json.dumps([nothing, measure(heaptrail.snapshot), ran]))
"""))
        if rule.SANITIZED: # their shadow grows as they like
            said[0]["maps"] = said[1]["maps"] = []
        self.assertEqual(said[0], dict(said[0], maps=[], fds=True, tasks=True))
        self.assertEqual(said[1], said[0])
        self.assertEqual(said[2], [])

    def test_a_limit_of_the_disk_ends_in_a_valid_shorter_file(self):
        said = json.loads(self.python(HEAP + rule.MANY + """
whole = heaptrail.snapshot("whole.htrail")
print(json.dumps([whole, heaptrail.snapshot("short.htrail", max_bytes=whole["file_bytes"] * 3 // 4)]))
"""))
        limit = said[0]["file_bytes"] * 3 // 4
        self.assertEqual((said[0]["complete"], said[1]["complete"]), (True, False))
        self.assertIn("limit of %d bytes" % limit, said[1]["reason"])
        self.assertTrue(0 < os.path.getsize(self.path("short.htrail")) <= limit)
        self.assertFalse(os.path.exists(self.path("short.htrail.partial")))
        self.heaptrail("check", "short.htrail")
        self.assertGreater(len(self.rows("top", "short.htrail", "--by", "type")), 0)

    def test_the_pause_is_bounded(self):
        said = json.loads(self.python(HEAP + """
import time
many = [[i, {i: str(i)}] for i in range(300000)]
def seconds(**limits):
    # The quickest of some: the machine may have other things to do.
    taken = []
    for i in range(5):
        start = time.monotonic()
        said = heaptrail.snapshot("a.htrail", **limits)
        taken.append(time.monotonic() - start)
    return min(taken), said["complete"], said["reason"]
print(json.dumps([seconds(), seconds(max_pause=0.01)]))
"""))
        (whole, complete, _), (limited, limited_complete, reason) = said
        self.assertEqual((complete, limited_complete), (True, False))
        self.assertIn("pause", reason)
        self.assertLess(limited, 0.01 + whole / 2)
        self.heaptrail("check", "a.htrail")


if __name__ == "__main__":
    unittest.main()
