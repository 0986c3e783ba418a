"""Which objects of a snapshot are those of an earlier one: fingerprints, ages, and what the comparison makes of them."""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../graph"), os.path.join(HERE, "../../bench")]
import graph_file
import identity
import interpreters

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")

# What the collector knows is `tracked`, and stands in the order of its lists: the oldest first.
FACTS = """
meta gc_listed_0 0
meta gc_listed_1 0
meta gc_listed_2 %(listed)d
meta gc_collections_0 0
meta gc_collections_1 0
meta gc_collections_2 0
meta gc_pending 0
meta gc_frozen %(frozen)d
"""

KEEP = """
root modules main __main__
main     module __main__ tracked : field __dict__ globals
globals  dict - tracked : value keep keep, value pair pair
keep     list - tracked : index 0 a, index 1 b
pair     tuple - tracked : index 0 word, index 1 a
a        app.Record - tracked : attr data data
b        app.Record - tracked
data     bytearray - length=10
word     str word length=4
"""


class Graph(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="identity.", dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def load(self, text, name, frozen=0):
        path = graph_file.snapshot(text + FACTS % {"listed": text.count(" tracked") - frozen, "frozen": frozen}, self.folder, name)
        subprocess.check_output([HEAPTRAIL, "load", path])
        return path + ".db"

    def column(self, database, column):
        with sqlite3.connect(database) as db:
            found = dict(db.execute("SELECT address, %s FROM object" % column))
        return {word: found[graph_file.address(word)] for word in ("main", "globals", "keep", "pair", "a", "b", "data", "word")}


class Fingerprints(Graph):
    def parts(self, text, name):
        found = self.column(self.load(text, name), "fingerprint")
        return [{word: value >> shift & mask for word, value in found.items()} for shift, mask in ((16, 0xffff), (8, 0xff), (0, 0xff))]

    def differing(self, left, right):
        return [sorted(word for word in a if a[word] != b[word]) for a, b in zip(self.parts(left, "left"), self.parts(right, "right"))]

    def test_the_same_heap_has_the_same(self):
        self.assertEqual(self.differing(KEEP, KEEP), [[], [], []])

    def test_what_an_object_is_does_not_change_with_what_it_holds(self):
        what, place, holds = self.differing(KEEP, KEEP.replace("index 1 b", "index 1 b, index 2 data"))
        self.assertEqual((what, holds), ([], ["keep"]))
        self.assertEqual(place, ["data"], "it has a shorter chain now")

    def test_of_a_fixed_kind_what_it_holds_is_what_it_is(self):
        what, place, holds = self.differing(KEEP, KEEP.replace("index 1 a\n", "index 1 b\n"))
        self.assertEqual((what, holds), (["pair"], ["pair"]))

    def test_a_type_a_length_and_a_place_tell_it_from_another(self):
        self.assertEqual(self.differing(KEEP, KEEP.replace("b        app.Record", "b        app.Request"))[0], ["b"])
        self.assertEqual(self.differing(KEEP, KEEP.replace("length=4", "length=5"))[0], ["word"])
        self.assertEqual(self.differing(KEEP, KEEP.replace("length=10", "length=11"))[0], [], "a bytearray may grow")
        moved = self.differing(KEEP, KEEP.replace("index 0 a, index 1 b", "index 0 b, index 1 a").replace("index 1 a\n", "index 1 b\n"))
        self.assertEqual(moved[1], ["a", "b"])

    def test_the_place_of_what_the_collector_does_not_know_is_the_whole_chain_to_what_it_does(self):
        tail = "\nroot modules keep other\nleaf str - length=1\nmiddle tuple - : index 0 leaf\n"
        first = KEEP.replace("attr data data", "attr data data, attr middle middle") + tail
        second = KEEP.replace("b        app.Record - tracked", "b        app.Record - tracked : attr middle middle") + tail
        for text, name in (first, "first"), (second, "second"):
            self.load(text, name)
        places = []
        for name in "first", "second":
            with sqlite3.connect(os.path.join(self.folder, name + ".htrail.db")) as db:
                places.append(db.execute("SELECT fingerprint >> 8 & 255 FROM object WHERE address = ?", (graph_file.address("leaf"),)).fetchone())
        self.assertNotEqual(*places)


class Ages(Graph):
    def test_they_are_in_the_order_of_the_collectors_lists(self):
        ages = self.column(self.load(KEEP, "a"), "age")
        self.assertEqual(ages, {"main": 1, "globals": 2, "keep": 3, "pair": 4, "a": 5, "b": 6, "data": None, "word": None})

    def test_what_was_frozen_stands_last_and_is_the_oldest(self):
        ages = self.column(self.load(KEEP, "a", frozen=2), "age")
        self.assertEqual(ages, {"a": 1, "b": 2, "main": 3, "globals": 4, "keep": 5, "pair": 6, "data": None, "word": None})

    def test_a_snapshot_that_is_cut_does_not_say(self):
        path = graph_file.snapshot(KEEP, self.folder, "a")
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) - 30)
        subprocess.check_output([HEAPTRAIL, "load", path])
        with sqlite3.connect(path + ".db") as db:
            self.assertEqual(db.execute("SELECT count(age), min(fingerprint) IS NULL FROM object").fetchone(), (0, 0))


def facts(oldest, younger=0, collections=0, pending=0):
    return FACTS.replace("gc_listed_0 0", "gc_listed_0 %d" % younger).replace("gc_collections_2 0", "gc_collections_2 %d" % collections) \
        .replace("gc_pending 0", "gc_pending %d" % pending) % {"listed": oldest, "frozen": 0}


class Fates(Graph):
    """Of small heaps: what becomes of the objects of one in the other."""

    def heap(self, text, name, **lists):
        return graph_file.snapshot(text + facts(text.count(" tracked") - lists.get("younger", 0), **lists), self.folder, name)

    def fates(self, before, after):
        """word -> what became of it; by their addresses, so that a word and what took its place are told apart by their fate"""
        found = {}
        words = dict(zip(graph_file.address("main", "globals", "keep", "pair", "a", "b", "c", "data", "word"), "main globals keep pair a b c data word".split()))
        for address, type, fate in identity.ask(before, after):
            found.setdefault(words[address], set()).add(fate)
        return {word: "/".join(sorted(fates)) for word, fates in found.items()}

    def test_of_the_same_heap_all_are_the_same(self):
        fates = self.fates(self.heap(KEEP, "a"), self.heap(KEEP, "b"))
        self.assertEqual(fates, {"main": "certain", "globals": "certain", "keep": "certain", "pair": "certain", "a": "certain", "b": "certain",
                                 "data": "likely", "word": "likely"})

    def test_a_new_object_at_the_address_of_an_old_one_is_new(self):
        """Same type, same size, same place in the list, and it holds the same: only its age tells."""
        record = "a        app.Record - tracked : attr data data\n"
        fates = self.fates(self.heap(KEEP, "a"), self.heap(KEEP.replace(record, "") + record, "b"))
        self.assertEqual(fates["a"], "gone/new")
        self.assertEqual((fates["b"], fates["keep"]), ("certain", "certain"))
        self.assertEqual(fates["data"], "gone/new", "it came with the one that holds it")

    def test_a_container_that_grew_is_itself(self):
        grown = KEEP.replace("index 1 b", "index 1 b, index 2 c").replace("keep keep,", "keep keep, value more c,") + "c app.Record - tracked\n"
        before, after = self.heap(KEEP, "a"), self.heap(grown.replace("keep     list -", "keep     list - size=500"), "b")
        fates = self.fates(before, after)
        self.assertEqual((fates["keep"], fates["globals"], fates["a"], fates["c"]), ("certain", "certain", "certain", "new"))
        new, = json.loads(subprocess.check_output([HEAPTRAIL, "diff", "--json", "--objects", "new", before, after]))["rows"]
        self.assertEqual((int(new["address"], 16), new["type"], new["held_as"]), (graph_file.address("c"), "app.Record", "more"))
        rows = json.loads(subprocess.check_output([HEAPTRAIL, "diff", "--json", "--survivors", before, after]))["rows"]
        self.assertEqual([row for row in rows if row["key"] in ("list", "app.Record")], [
            {"key": "app.Record", "count_before": 2, "count_after": 3, "new": 1, "gone": 0, "certain": 2, "likely": 0, "unsure": 0,
             "bytes_new": 100, "bytes_gone": 0, "bytes_grown": 0},
            {"key": "list", "count_before": 1, "count_after": 1, "new": 0, "gone": 0, "certain": 1, "likely": 0, "unsure": 0,
             "bytes_new": 0, "bytes_gone": 0, "bytes_grown": 400}])

    def test_a_full_collection_may_move_those_that_had_none_yet(self):
        """a and b are young in the first, and have changed places in the second: no proof that one is new."""
        a, b = "a        app.Record - tracked : attr data data\n", "b        app.Record - tracked\n"
        moved = KEEP.replace(a, "").replace(b, b + a)
        fates = self.fates(self.heap(KEEP, "a", younger=2), self.heap(moved, "b", collections=1))
        self.assertEqual((fates["a"], fates["b"], fates["keep"]), ("likely", "likely", "certain"))
        fates = self.fates(self.heap(KEEP, "c", pending=2), self.heap(moved.replace("attr data data", "attr data word"), "d", collections=1))
        self.assertEqual(fates["a"], "unsure", "and it holds something else")
        fates = self.fates(self.heap(KEEP, "e"), self.heap(moved, "f", collections=1))
        self.assertEqual(fates["a"], "gone/new", "all had one before")

    def test_a_list_that_grows_at_its_head_is_moved_and_not_new(self):
        """c was put before b since the last full collection, and stands behind it: the next one moves b and all that it holds behind c."""
        first = "root modules main __main__\nmain module __main__ tracked : field __dict__ globals\nglobals dict - tracked : value head c\n"
        b, c = "b app.Record - tracked : attr next a\na app.Record - tracked : attr items keep\nkeep list - tracked\n", "c app.Record - tracked : attr next b\n"
        before = self.heap(first + b + c, "a", pending=1)
        fates = self.fates(before, self.heap(first + c + b, "b", collections=1))
        self.assertEqual({word: fates[word] for word in ("a", "b", "c", "keep")}, {"a": "likely", "b": "likely", "c": "likely", "keep": "likely"})
        tree = subprocess.check_output([HEAPTRAIL, "graph", os.path.join(self.folder, "b.htrail"), "type:app.Record", "--since", before, "-o", "-", "--format", "txt"])
        self.assertNotIn(b"NEW", tree.replace(b"NEW not in", b""))
        fates = self.fates(before, self.heap(first + c + b, "c"))
        self.assertEqual((fates["a"], fates["b"]), ("gone/new", "gone/new"), "nothing moves without one")

    def test_without_the_collectors_facts_nothing_is_certain(self):
        path = [graph_file.snapshot(text, self.folder, name) for text, name in
                ((KEEP, "a"), (KEEP.replace("b        app.Record - tracked", "b        app.Record - tracked : attr data data"), "b"))]
        fates = self.fates(*path)
        self.assertEqual((fates["a"], fates["keep"], fates["word"]), ("likely", "likely", "likely"))

    def test_two_processes_and_half_a_snapshot_are_refused(self):
        one, other = self.heap(KEEP + "\nmeta pid 1\n", "a"), self.heap(KEEP + "\nmeta pid 2\n", "b")
        cut = self.heap(KEEP, "c")
        with open(cut, "r+b") as f:
            f.truncate(os.path.getsize(cut) - 30)
        for files, why in ((one, other), "they are of two processes"), ((cut, one), "c.htrail' is not whole"):
            done = subprocess.run([HEAPTRAIL, "diff", "--survivors", *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn(why, done.stderr)


class Replaced:
    """Of a real process: of the records that took the place of others at most 1 % are taken for them, and those
    that stayed are recognised. bench/identity.py does it in more ways."""

    def test_records_replaced_by_others_of_the_same_type_and_size(self):
        count = identity.RECORDS if self.version == "3.11" else 4000
        for row in identity.measure(self.python, self.module, "in place", identity.SHARES if self.version == "3.11" else (0.5,), count):
            with self.subTest(share=row["share"], row=row):
                self.assertEqual(row["new"], int(count * row["share"]))
                self.assertGreater(row["reused"], 0.5 * row["new"], "otherwise nothing is tested")
                self.assertLessEqual(row["taken"], identity.TARGET * row["new"])
                self.assertGreaterEqual(row["recognised"], 0.99 * row["survivors"])
                self.assertGreaterEqual(row["of new"].get("new", 0), 0.95 * row["new"])


interpreters.for_each("3.8", "3.11", "3.13")(Replaced)
del Replaced


if __name__ == "__main__":
    unittest.main()
