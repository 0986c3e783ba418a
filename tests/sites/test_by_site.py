"""top and diff --by site say what tracemalloc says, in its words and its order."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("..", "../capture")]
import interpreters

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")
PROGRAM = """
import gc, json, sys, tracemalloc
import heaptrail
%s
BUILD = '''
def text(count):
    return [str(i) * 40 for i in range(count)]
def blobs(count):
    return [bytearray(3 << 20) for i in range(count)]
def drop(kept, key):
    del kept[key]
def caller(count):
    return text(count)
class Thing: pass
def things(count):
    return [Thing() for i in range(count)]
'''
scope = {}
exec(compile(BUILD, "/srv/video.py", "exec"), scope)
kept = {"gone": scope["text"](3000), "blobs": scope["blobs"](7)}
def take(name):
    gc.collect()
    heaptrail.snapshot(name + ".htrail")
    return tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "/srv/*")])
a = take("a")
scope["drop"](kept, "gone")
kept["texts"] = scope["caller"](20000)
kept["more"] = scope["blobs"](40)
kept["things"] = scope["things"](700)
b = take("b")
json.dump({"a": [str(s) for s in a.statistics("lineno")], "b": [str(s) for s in b.statistics("lineno")],
           "diff": [str(s) for s in b.compare_to(a, "lineno") if s.size_diff or s.count_diff],
           "stacks": [[str(f) for f in s.traceback][::-1] for s in b.statistics("traceback")]}, sys.stdout)
"""


def run_in(folder, start, python="/usr/bin/python3"):
    environ = dict(os.environ, PYTHONPATH=interpreters.module_of("3.11"))
    done = subprocess.run([python, "-c", PROGRAM % start], cwd=folder, env=environ, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode())


class BySite(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="sites.", dir=os.environ.get("TEST_TMP"))
        cls.said = run_in(cls.folder.name, "tracemalloc.start(4)")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def ask(self, *words, status=0):
        done = subprocess.run([HEAPTRAIL, *words], cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, status, done.stderr)
        return (done.stdout or done.stderr).decode()

    def ours(self, *words):
        return [line for line in self.ask(*words).splitlines() if line.startswith("/srv/video.py")]

    def test_top(self):
        for name in "ab":
            self.assertEqual(self.ours("top", "--by", "site", "-n", "0", name + ".htrail"), self.said[name])
        self.assertIn("size=141 MiB, count=", self.said["b"][0])

    def test_diff(self):
        self.assertEqual(self.ours("diff", "--by", "site", "-n", "0", "a.htrail", "b.htrail"), self.said["diff"])
        self.assertTrue(any("(+120 MiB)" in line for line in self.said["diff"]), self.said["diff"])
        self.assertEqual(self.ask("diff", "--by", "site", "b.htrail", "b.htrail"), "nothing differs by site\n")

    def test_stacks(self):
        rows = json.loads(self.ask("top", "--by", "site", "--traceback", "--json", "b.htrail"))["rows"]
        stacks = [row["key"].split("\n") for row in rows if row["key"].startswith("/srv/video.py")]
        self.assertEqual(sorted(stacks), sorted(self.said["stacks"]))
        text = self.ask("top", "--by", "site", "--traceback", "-n", "0", "b.htrail")
        self.assertIn("count=20001, average=", text)
        self.assertIn("\n    /srv/video.py:9\n    <string>:27\n", text)

    def test_json_has_plain_numbers(self):
        rows = json.loads(self.ask("diff", "--by", "site", "--json", "a.htrail", "b.htrail"))["rows"]
        row = next(row for row in rows if row["key"] == "/srv/video.py:5")
        self.assertGreater(row["bytes_change"], 40 * 3 << 20)
        self.assertEqual((row["count_error"], row["bytes_error"]), (0, 0))

    def test_the_site_of_an_object_in_sql(self):
        found = self.ask("sql", "b.htrail", "SELECT o.type, s.line, count(*) FROM object o JOIN site s ON s.id = o.site WHERE "
                                            "o.type IN ('bytearray', 'builtins.Thing', 'Thing') AND s.file = '/srv/video.py' GROUP BY 1, 2 ORDER BY 1, 2", "--json")
        self.assertEqual([list(row.values()) for row in json.loads(found)["rows"]], [["Thing", 12, 700], ["bytearray", 5, 47]])

    def test_some_objects(self):
        rows = json.loads(self.ask("top", "--by", "site", "--json", "b.htrail", "type:Thing"))["rows"]
        self.assertEqual([(row["key"], row["count"]) for row in rows], [("/srv/video.py:12", 700)])
        self.assertIn("(not known)", self.ask("top", "--by", "site", "b.htrail", "type:module"))
        self.assertIn("takes no OBJECT", self.ask("top", "--by", "site", "--traceback", "b.htrail", "type:Thing", status=2))

    def test_where_nothing_was_traced_it_is_said(self):
        with tempfile.TemporaryDirectory(prefix="sites.", dir=os.environ.get("TEST_TMP")) as folder:
            subprocess.run(["/usr/bin/python3", "-c", "import heaptrail; heaptrail.snapshot('none.htrail')"], cwd=folder, check=True,
                           env=dict(os.environ, PYTHONPATH=interpreters.module_of("3.11")))
            self.assertIn("does not say where memory was asked for", self.ask("top", "--by", "site", folder + "/none.htrail", status=3))

    def test_wrong_use(self):
        self.assertIn("--traceback is for --by site", self.ask("top", "--traceback", "b.htrail", status=2))


if __name__ == "__main__":
    unittest.main()
