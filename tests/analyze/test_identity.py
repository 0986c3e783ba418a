"""Which objects of a snapshot are those of an earlier one: fingerprints, ages, and what the comparison makes of them."""
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../graph"))
import graph_file

BUILD = os.environ.get("B") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release")
HEAPTRAIL = os.path.join(BUILD, "heaptrail")

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


if __name__ == "__main__":
    unittest.main()
