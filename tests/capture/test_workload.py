"""Every record of a large heap is there, whatever its size: an instance with attributes, one with slots, a dict
with a bytearray that only the dict holds, a closure, strings, cycles."""
import os
import subprocess
import tempfile
import unittest

import interpreters
import snapshot

PROGRAM = """
import json, random
class Point(object):
    __slots__ = ("x", "y", "owner")
    def __init__(self, x, y, owner): self.x, self.y, self.owner = x, y, owner
class Record(object):
    def __init__(self, number, peer):
        self.number, self.name, self.peer = number, "record-%d" % number, peer
        self.tags = ["tag-%d" % (number % 97), "tag-%d" % (number % 89)]
        self.point = Point(number * 0.5, number * 2.0, None)
        self.index = {"id": number, "pair": (number, self.name), "blob": bytearray(number % 113)}
        self.callback = lambda: number
count, chance = int(sys.argv[2]), random.Random(7)
table, leak = {}, []
for number in range(count):
    record = Record(number, table.get(chance.randrange(number)) if number % 16 == 0 and number else None)
    if number % 64 == 0: record.point.owner = record
    if number % 10 == 0: leak.append(record)
    else: table[number] = record
gc.collect()
heaptrail.snapshot(sys.argv[1])
with open(sys.argv[1] + ".told", "w") as out:
    for r in leak + list(table.values()):
        out.write("%x %x %x %x %x %x\\n" % tuple(map(id, (r, r.point, r.index, r.index["blob"], r.index["pair"], r.callback))))
"""
QUICK, WHOLE = 3000, 100000 # WORKLOAD=whole: on every version


@interpreters.for_each()
class Workload(snapshot.OnInterpreter):
    def run_workload(self, count):
        """types, objects by type and the targets of each wanted dict, without a Python object for each record of the file"""
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            path = os.path.join(folder, "a.htrail")
            self.run_program(PROGRAM, path, str(count))
            with open(path + ".told") as lines:
                told = [line.split() for line in lines]
            index = {row[2] for row in told}
            types, type_of, targets, owner = {}, {}, {i: set() for i in index}, None
            with subprocess.Popen([snapshot.DUMP, path], stdout=subprocess.PIPE, universal_newlines=True, errors="surrogateescape") as dump:
                for line in dump.stdout:
                    row = line.split("\t", 4)
                    if row[0] == "O":
                        type_of.setdefault(row[1], row[2])
                        owner = targets.get(row[1])
                    elif row[0] == "R" and owner is not None:
                        owner.add(row[1])
                    elif row[0] == "T":
                        types[row[1]] = row[3]
            self.assertEqual(dump.returncode, 0)
            return told, types, type_of, targets

    def check(self, count):
        told, types, type_of, targets = self.run_workload(count)
        self.assertEqual(len(told), count)
        for column, name in enumerate(("Record", "Point", "dict", "bytearray", "tuple", "function")):
            missing = [row[column] for row in told if row[column] not in type_of]
            self.assertEqual(missing[:3], [], "%d of %d of type %s are not in the file" % (len(missing), count, name))
            self.assertEqual({types[type_of[row[column]]] for row in told}, {name})
        wrong = [row for row in told if not {row[3], row[4]} <= targets[row[2]]]
        self.assertEqual(wrong[:3], [], "%d dicts do not lead to their bytearray and tuple" % len(wrong))

    def test_every_record_of_a_heap_is_in_the_file_with_what_it_holds(self):
        self.check(WHOLE if self.version == "3.11" or os.environ.get("WORKLOAD") == "whole" else QUICK)


if __name__ == "__main__":
    unittest.main()
