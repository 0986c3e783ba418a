"""heaptrail waste: of a heap in text, counted by hand, and of a real program that counts its own waste with sys.getsizeof."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../graph"), os.path.join(HERE, "..")]
import graph_file
import interpreters

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")

PROGRAM = """
import collections, json, sys
import heaptrail

class Record(object):
    def __init__(self, n):
        self.number, self.label, self.parts = n, "label %d" % (n % 7), None
class Slotted(object):
    __slots__ = ("number", "label", "parts")
class Keeper(object):
    pass
Pair = collections.namedtuple("Pair", "left right")

told = {}
def tell(kind, field, objects, back):
    told[kind + " " + field] = [objects, back]
size = sys.getsizeof

records = [Record(1000 + n) for n in range(210)]
# Of an instance with a dict, that goes and three slots come; of one with an array beside it, as large as three slots are, the words for it.
old, new = size(records[0]), size(Slotted())
if sys.version_info < (3, 11):
    tell("slots", "__main__.records[]", 210, 210 * (old + size(records[0].__dict__) - new))
else:
    tell("slots", "__main__.records[]", 210, 210 * (old - (new - 3 * 8)))
tell("duplicate", "__main__.Record.label", 203, sum(size(r.label) for r in records[7:]))

keeper = Keeper()
keeper.texts = ["text %d" % (n % 10) for n in range(100)]
keeper.data = {n: b"data %d" % (n % 10) for n in range(100)}
tell("duplicate", "__main__.Keeper.texts[]", 90, sum(size(t) for t in keeper.texts[10:]))
tell("duplicate", "__main__.Keeper.data[]", 90, sum(size(keeper.data[n]) for n in range(10, 100)))
pairs = [("left %d" % (n % 4), "right %d" % (n % 4)) for n in range(40)]
named = [Pair("left %d" % (n % 4), ("right %d" % (n % 4), None)) for n in range(40)]
tell("duplicate", "__main__.pairs[]", 36, sum(size(p) for p in pairs[4:]))
tell("duplicate", "__main__.named[]", 36, sum(size(p) for p in named[4:]))
different = [(object(), "left 1") for n in range(40)]
# Numbers are equal where kind and value are; one that is not equal to itself is equal to none, and 0.0 is not -0.0.
points = [(1000 * (n % 4 + 1), -(10 ** (20 + n % 4)), (n % 4) / 8.0 + 0.1, complex(n % 4, 0.5), "point %d" % (n % 4)) for n in range(40)]
tell("duplicate", "__main__.points[]", 36, sum(size(p) for p in points[4:]))
unlike = [(float("nan"),), (float("nan"),), (float("2000"),), (int("2000"),), (int("-2000"),), (complex("2000"),), (float("0"),), (float("-0"),)]
def wrap(n):
    one = (5000 + n,)
    for _ in range(5):
        one = (one, "inner")
    return one
deep = [wrap(n % 4) for n in range(40)]
one = deep[-1]
for n in range(6):
    tell("duplicate", "__main__.deep" + (n + 1) * "[]", 36, 36 * size(one))
    one = one[0]

nothing = [[] for n in range(30)], [{} for n in range(30)], [set() for n in range(30)], [collections.deque() for n in range(30)]
emptied = list(range(500))
del emptied[:], nothing[0][0][:]
for n in range(30):
    nothing[0].append(list(range(n)))
    nothing[0][-1][:] = []
for kind in nothing:
    told.setdefault("empty __main__.nothing[][]", [0, 0])
    told["empty __main__.nothing[][]"][0] += len(kind)
    told["empty __main__.nothing[][]"][1] += sum(size(one) for one in kind)
tell("empty", "__main__.emptied", 1, size(emptied))

def grown(kind, count):
    result = kind()
    for n in range(count):
        result.append(n) if kind is list else result.add(n) if kind is set else result.setdefault(n) if kind is dict else result.append(n % 256)
    return result
def anew(one):
    if type(one) is dict:
        result = {}
        for key in one:
            result[key] = None
        return result
    return one[:] if type(one) is list else type(one)(one)
containers = []
for kind in list, set, dict, bytearray:
    for count in list(range(1, 90)) + [200, 1000, 5000]:
        one = grown(kind, count)
        containers.append(one)
        if kind is not bytearray and kind is not list and count > 20:
            shrunk = grown(kind, count)
            for n in range(count - 5):
                shrunk.pop(n) if kind is dict else shrunk.discard(n)
            containers.append(shrunk)
words = {"word %d" % n: n for n in range(100)}
for n in range(97):
    del words["word %d" % n]
fresh = {}
for key in words:
    fresh[key] = None
for kind in "over-allocated", "nearly-empty":
    excess = [(size(one), size(anew(one))) for one in containers]
    excess = [a - b for a, b in excess if a > b and (b * 4 <= a) == (kind == "nearly-empty")]
    tell(kind, "__main__.containers[]", len(excess), sum(excess))
tell("nearly-empty", "__main__.words", 1, size(words) - size(fresh))
del one, shrunk, fresh, kind, excess, key, n
heaptrail.snapshot(sys.argv[1], hashes=True)
heaptrail.snapshot(sys.argv[2])
print(json.dumps(told))
"""


class WasteTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def waste(self, *arguments, warns=""):
        done = subprocess.run([HEAPTRAIL, "waste", "--json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(warns, done.stderr)
        self.assertEqual(bool(warns), bool(done.stderr))
        return json.loads(done.stdout)["rows"]


class Text(WasteTest):
    def test_each_kind_as_counted_by_hand(self):
        path = graph_file.snapshot("waste.graph", self.folder)
        found = {(row["kind"], row["type"], row["held_by"]): (row["objects"], row["bytes"], row["back"]) for row in self.waste(path)}
        self.assertEqual(found, {
            ("duplicate", "str", "__main__.texts[]"): (2, 108, 108),
            ("duplicate", "tuple", "__main__.pairs[]"): (2, 112, 112),
            ("empty", "list", "__main__.lists[]"): (2, 176, 176),
            ("empty", "dict", "__main__.dicts[]"): (1, 64, 64),
            ("over-allocated", "list", "__main__.lists[]"): (1, 88, 8),
            ("nearly-empty", "list", "__main__.lists[]"): (1, 1056, 992),
            ("over-allocated", "dict", "__main__.dicts[]"): (1, 272, 88),
            ("over-allocated", "set", "__main__.seen[]"): (1, 728, 256),
            ("slots", "app.Record", "__main__.records[]"): (2, 112, 48),
        })
        self.assertEqual({row["kind"]: row["back"] for row in self.waste("--by", "kind", path)},
                         {"duplicate": 220, "empty": 240, "over-allocated": 352, "nearly-empty": 992, "slots": 48})
        self.assertEqual([row["back"] for row in self.waste("--kind", "slots", path)], [48])
        self.assertEqual([(row["owner"], row["back"]) for row in self.waste("--by", "owner", "--kind", "slots", path)], [("app", 48)])

    def test_wrong_use_is_said(self):
        for arguments in ["--kind", "new"], ["--by", "name"], ["-n", "few"]:
            self.assertEqual(subprocess.run([HEAPTRAIL, "waste", *arguments, "a.htrail"], stderr=subprocess.PIPE).returncode, 2)


DEEPEST = 8 # of tuples in tuples; what is higher is as an item equal to itself alone


def nested(seed):
    """A list of tuples in tuples up to 12 levels high, of texts and numbers that are there several times, as a .graph; how many of
    them are equal to one before."""
    draw, lines, made = random.Random(seed), [], []
    for n in range(30):
        kind, value = draw.choice(["str", "int", "float"]), draw.randrange(4)
        lines.append("leaf%d %s - size=%d hash=%d" % (n, kind, 28 + n, value))
        made.append(("leaf%d" % n, 0, (kind, value)))
    for n in range(120):
        level = [one for one in made if one[1] == n // 10]
        items = [draw.choice(level)] + [draw.choice(made[-25:]) for _ in range(draw.randrange(2))]
        height = 1 + max(one[1] for one in items)
        draw.shuffle(items)
        value = tuple(one[0] if height > DEEPEST + 1 and one[1] > DEEPEST else one[2] for one in items)
        lines.append("t%d tuple - size=%d length=%d : %s" % (n, 40 + 8 * len(items), len(items), ", ".join("index %d %s" % (i, one[0]) for i, one in enumerate(items))))
        made.append(("t%d" % n, height, value))
    tuples = made[30:]
    head = ["meta runtime cpython 3.11.2", "meta hash_key_id 1", "root modules main __main__", "main module __main__ : field __dict__ globals",
            "globals dict - : value keep keep", "keep list - size=1016 length=120 : " + ", ".join("index %d %s" % (i, one[0]) for i, one in enumerate(tuples))]
    return "\n".join(head + lines) + "\n", len(tuples) - len({one[2] for one in tuples})


class Nested(WasteTest):
    def test_equal_tuples_of_equal_numbers_and_tuples(self):
        for seed in range(5):
            text, more = nested(seed)
            rows = [row for row in self.waste("--kind", "duplicate", graph_file.snapshot(text, self.folder, "nested%d" % seed))]
            self.assertEqual([row["objects"] for row in rows if row["type"] == "tuple"], [more])
            self.assertFalse([row for row in rows if row["type"] in ("int", "float")], "a number alone is no waste")


class SameRows(WasteTest):
    """What is read from the pages is what the query says."""

    def compare(self, database, *arguments):
        found = subprocess.run([HEAPTRAIL, "waste", "--json", "--show-sql", *arguments, database], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=True)
        asked = subprocess.run(["sqlite3", "-json", "-readonly", database, found.stderr], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
        rows = json.loads(found.stdout)["rows"]
        self.assertEqual(rows, json.loads(asked or "[]"))
        return len(rows)

    def loaded(self, snapshot):
        return subprocess.check_output([HEAPTRAIL, "load", snapshot], universal_newlines=True).strip()

    def every_way(self, snapshot):
        database = self.loaded(snapshot)
        found = [self.compare(database, "--by", key) for key in ("field", "type", "owner", "kind")]
        kinds = [self.compare(database, "--kind", kind) for kind in ("duplicate", "empty", "nearly-empty", "over-allocated", "slots")]
        self.assertEqual(found[0], sum(kinds))
        return database

    def test_of_heaps_in_text(self):
        for graph in "waste.graph", "shop.graph":
            self.every_way(graph_file.snapshot(graph, self.folder))
        self.every_way(graph_file.snapshot(nested(7)[0], self.folder, "nested"))

    def test_where_the_pages_cannot_be_read(self):
        database = self.every_way(graph_file.snapshot("waste.graph", self.folder))
        before = self.waste(database)
        subprocess.run(["sqlite3", database, "PRAGMA journal_mode = WAL"], stdout=subprocess.DEVNULL, check=True)
        self.assertEqual(self.waste(database), before)
        self.assertTrue(before)

    def test_of_a_real_program(self):
        path = os.path.join(self.folder, "a.htrail")
        program = PROGRAM.replace("print(json", "(json") + """
shared = Keeper()
shared.__dict__, shared.own = keeper.__dict__, {"by number": {}, 3: {}, "x": [[]]}
class Other(object):
    pass
near, others = {"first": 1, "second": 2}, [[Other(), Other()], [Record(1), Record(2)]]
for one in others[0] + others[1]:
    one.__dict__ = near # is nearer to a root than they, and of two classes
heaptrail.snapshot(sys.argv[1], hashes=True, contents=len(sys.argv) > 3)
"""
        for contents in [], ["contents"]:
            subprocess.run([sys.executable, "-c", program, path, os.path.join(self.folder, "plain.htrail"), *contents], check=True)
            database = self.loaded(path)
            self.compare(database)
        self.compare(database, "--by", "owner")


@interpreters.for_each("3.8", "3.11")
class Real(WasteTest):
    def test_what_the_program_counts_itself(self):
        hashed, plain = os.path.join(self.folder, "hashed.htrail"), os.path.join(self.folder, "plain.htrail")
        told = json.loads(subprocess.check_output([self.python, "-c", PROGRAM, hashed, plain], env=dict(os.environ, PYTHONPATH=self.module)))
        found = {}
        whole = self.waste(hashed)
        for row in whole:
            sums = found.setdefault("%s %s" % (row["kind"], row["held_by"]), [0, 0])
            sums[0] += row["objects"]
            sums[1] += row["back"]
        self.assertEqual({key: found.get(key) for key in told}, told)
        self.assertNotIn("duplicate __main__.different[]", found)
        self.assertNotIn("duplicate __main__.unlike[]", found)
        self.assertFalse([row for row in whole if row["kind"] == "duplicate" and row["type"] in ("int", "float", "complex")])
        self.assertFalse([key for key in found if key.startswith("slots __main__") and key not in told])
        # Without hashes: that is said, and tuples are known to be equal where they hold the same objects.
        rows = self.waste(plain, warns="no hashes")
        self.assertFalse([row for row in rows if row["kind"] == "duplicate" and row["type"] != "tuple"])
        self.assertEqual({row["kind"] for row in rows}, {row["kind"] for row in whole})


if __name__ == "__main__":
    unittest.main()
