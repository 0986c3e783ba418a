"""What travels and what does not: names do, contents only when they were asked for (rule 5)."""
import unittest

import interpreters
import snapshot

PROGRAM = """
import json, sys, types
class Account(object):
    def __init__(self): self.attribute_name = 1
    def method_name(self, parameter_name): local_name = self.other_attribute; return global_name
secret = ["hunter2_in_a_list", "hunter2 in a list"]
def constants(): return ("hunter2_constant", "hunter2 constant", b"hunter2 bytes")
table = {"plain_identifier_key": 1, "hunter2 key!": 2, "hunter2.key": 3, 5: 4, "hunter2_value_key": "hunter2_value"}
parsed = json.loads('{"hunter2json": "hunter2 json"}')
interned = getattr(sys, "intern", None) or intern  # until 2.7
interned = sys.intern  # since 3.0
interned = interned("hunter2-interned")
account = Account()
account.__dict__["hunter2 attribute"] = 1
setattr(Account(), "hunter2 set", 1)
sys.modules["dotted.module.name"] = types.ModuleType("dotted.module.name", "hunter2 doc")
module = types.ModuleType("lonely_module")
value = bytearray(b"hunter2 bytearray")
fake = {"__name__": "hunter2 fake name"}
path_like = "/home/hunter2/file"
unique_number = "hunter2 %d" % len(sys.modules)
duplicate = ["".join(["hunter2 ", "same"]) for i in range(2)]
other = b"hunter2 same"
wide = u"\\u0436hunter2" * 3
long = "hunter2" * 100
big = [int("123456789012345678901") for i in range(3)] + [float("1.5"), float("1.5"), float("nan"), int("-123456789012345678901"), 4711 * len(sys.modules), 4711 * len(sys.modules),
       complex("1.5"), complex("1.5")]
in_tuples = [(big[0],), (big[1], big[1]), tuple(big[3:])] # big[2] is in none
gc.collect()
gc.collect(0)
gc.disable()
result = take(**eval(sys.argv[1]))
tell("collections", [s["collections"] for s in gc.get_stats()] if hasattr(gc, "get_stats") else None)
tell("ids", {"same0": id(duplicate[0]), "same1": id(duplicate[1]), "bytes": id(other), "wide": id(wide), "long": id(long), "number": id(unique_number)})
tell("numbers", [id(n) for n in big])
tell("result", {k: v for k, v in result.items() if k != "path"})
"""


@interpreters.for_each()
class Names(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshots = {}
        for options in ("{}", "{'hashes': True}", "{'contents': True}", "{'contents': True, 'contents_bytes': 20, 'hashes': True, 'cmdline': False}"):
            cls.snapshots[options] = cls.run_program(PROGRAM, options)

    def words(self, options="{}"):
        return {name for name, module in self.snapshots[options][0].names.values()}

    def test_names_travel(self):
        words = self.words()
        for name in ("attribute_name", "parameter_name", "local_name", "other_attribute", "global_name", "plain_identifier_key",
                     "dotted.module.name", "lonely_module", "Account", "Account.method_name" if self.since(3) else "method_name"):
            self.assertIn(name, words)

    def test_contents_do_not(self):
        taken, told, _ = self.snapshots["{}"]
        self.assertEqual(taken.values, {})
        leaked = [w for w in self.words() if "hunter2" in w]
        # A key that the compiler interned because it looks like a name is one, by the rule.
        self.assertEqual(leaked, ["hunter2_value_key"])
        self.assertEqual(taken.meta["contents_policy"], "names")
        self.assertNotIn("hash_key_id", taken.meta)

    def test_no_byte_of_a_content_is_anywhere_in_the_records(self):
        taken, _, _ = self.snapshots["{}"]
        for t in taken.types.values():
            self.assertNotIn("hunter2", t.name + t.module)
        for root in taken.roots:
            self.assertNotIn("hunter2", root.name)
        self.assertEqual([k for k, v in taken.meta.items() if "hunter2" in v], [])

    def test_hashes_are_equal_where_contents_are_and_travel_without_text(self):
        taken, told, _ = self.snapshots["{'hashes': True}"]
        hashes = {k: v[0] for k, v in taken.values.items()}
        ids = told["ids"]
        self.assertEqual(hashes[ids["same0"]], hashes[ids["same1"]])
        (self.assertNotEqual if self.since(3) else self.assertEqual)(hashes[ids["same0"]], hashes[ids["bytes"]])
        self.assertNotEqual(hashes[ids["same0"]], hashes[ids["long"]])
        self.assertEqual({v[2] for v in taken.values.values()}, {""})
        strings = {o.id for o in taken.objects.values() if taken.type_name(o.id) in ("str", "bytes")}
        self.assertLessEqual(strings, set(hashes))
        self.assertEqual(taken.meta["contents_policy"], "hashes")
        self.assertEqual(len(taken.meta["hash_key_id"]), 16)

    def test_numbers_in_tuples_have_hashes_that_are_equal_where_they_are(self):
        taken, told, _ = self.snapshots["{'hashes': True}"]
        hashes = [taken.values[n][0] if n in taken.values else None for n in told["numbers"]]
        for a, b in (0, 1), (3, 4), (7, 8), (9, 10):
            self.assertEqual(hashes[a], hashes[b])
        self.assertEqual(len({hashes[n] for n in (0, 3, 6, 7, 9)} - {None}), 5)
        self.assertIsNone(hashes[2], "no tuple holds it")
        self.assertIsNone(hashes[5], "nan is not equal to itself")
        self.assertFalse(set(told["numbers"]) & set(self.snapshots["{}"][0].values))
        taken, told, _ = self.snapshots["{'contents': True}"]
        self.assertFalse(set(told["numbers"]) & set(taken.values), "contents are of texts")

    def test_another_process_has_another_key(self):
        first, second = self.snapshots["{'hashes': True}"][0], self.run_program(PROGRAM, "{'hashes': True}")[0]
        self.assertNotEqual(first.meta["hash_key_id"], second.meta["hash_key_id"])

    def test_contents_are_there_when_asked_for_and_cut_where_asked(self):
        taken, told, _ = self.snapshots["{'contents': True}"]
        self.assertEqual(taken.values[told["ids"]["same0"]][1:], (2, "hunter2 same"))
        self.assertEqual(taken.values[told["ids"]["wide"]][2], "\u0436hunter2" * 3)
        self.assertEqual(taken.values[told["ids"]["long"]][1:], (2 | 4, ("hunter2" * 100)[:256]))
        taken, told, _ = self.snapshots["{'contents': True, 'contents_bytes': 20, 'hashes': True, 'cmdline': False}"]
        self.assertEqual(taken.values[told["ids"]["long"]][1:], (1 | 2 | 4, "hunter2hunter2hunter"))
        self.assertEqual(taken.values[told["ids"]["wide"]][2], "\u0436hunter2\u0436hunter2\u0436")

    def test_the_command_line_is_left_out_on_request(self):
        self.assertIn("program.py", self.snapshots["{}"][0].meta["cmdline"])
        self.assertNotIn("cmdline", self.snapshots["{'contents': True, 'contents_bytes': 20, 'hashes': True, 'cmdline': False}"][0].meta)

    def test_the_metadata_says_what_was_recorded(self):
        taken, told, _ = self.snapshots["{}"]
        self.assertTrue(taken.meta["runtime"].startswith("cpython %d.%d." % self.number[:2]))
        for key in ("pid", "ppid", "uid", "thread_count", "rss_bytes", "vm_hwm_bytes", "created_ns", "start_time_ns", "pause_ns",
                    "gc_count_0", "gc_threshold_2", "gc_tracked", "gc_listed_0", "gc_listed_2", "walk_objects", "refcount_total"):
            self.assertTrue(taken.meta[key].isdigit(), key)
        self.assertEqual(int(taken.meta["walk_objects"]), len(taken.objects))
        # What is needed to tell how old an object is (docs/identity.md): the lists stand in the file one after the other.
        self.assertEqual(sum(int(taken.meta["gc_listed_%d" % i]) for i in range(3)) + int(taken.meta["gc_frozen"]), int(taken.meta["gc_tracked"]))
        self.assertLess(int(taken.meta["gc_listed_0"]), int(taken.meta["gc_listed_2"]))
        if self.since(3, 7):
            self.assertEqual([int(taken.meta["gc_collections_%d" % i]) for i in range(3)], told["collections"])
            self.assertEqual(taken.meta["gc_pending"], "0")
        self.assertEqual(told["result"]["objects"], len(taken.objects))
        self.assertEqual(told["result"]["references"], sum(len(o.refs) for o in taken.objects.values()))
        self.assertEqual(told["result"]["size_bytes"], sum(o.size for o in taken.objects.values()))
        self.assertTrue(told["result"]["complete"])
        self.assertLess(int(taken.meta["start_time_ns"]), int(taken.meta["created_ns"]))


if __name__ == "__main__":
    unittest.main()
