"""samples/reload.py on every Python: what its snapshot says is what was published of such a program
(100 requests on CPython 2.7, collections and types imported beforehand), and who keeps the copies."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(ROOT, "build/heaptrail"))
LIMIT_S = 200


def heaptrail(*arguments):
    command = subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if command.returncode != 0 or command.stderr:
        raise AssertionError("heaptrail %s ended with %d: %s" % (arguments[0], command.returncode, command.stderr))
    return command.stdout


class Story:
    """A snapshot of the sample after some requests, taken by `heaptrail snap`."""
    requests, imported = 20, ""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heaptrail-reload-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.snapshot = os.path.join(cls.folder, "a.htrail")
        program = subprocess.Popen([HEAPTRAIL, "run", "-o", cls.folder, "--", cls.python, os.path.join(ROOT, "samples/reload.py"),
                                    "--requests", str(cls.requests), "--rounds", "2", "--pause", "3", "--import", cls.imported],
                                   stdout=subprocess.PIPE, text=True)
        try:
            line = program.stdout.readline()
            if line != "%d requests served\n" % cls.requests:
                raise AssertionError(line)
            heaptrail("snap", "--mode", "in-place", "-o", cls.snapshot, str(program.pid))
        finally:
            program.kill()
            program.communicate()

    def counts(self, by, *objects):
        return {row["key"]: row["count"] for row in json.loads(heaptrail("top", "--by", by, "--json", self.snapshot, *objects))["rows"]}

    def ways(self, *options):
        return heaptrail("why", *options, self.snapshot, "module:logging").split("\n\n")

    def copies(self):
        return self.counts("type", "module:logging")

    def picture(self):
        path = os.path.join(self.folder, "a.dot")
        heaptrail("graph", self.snapshot, "module:logging", "-o", path)
        with open(path) as file:
            return file.read()


@interpreters.for_each("2.7")
class Published(Story):
    requests, imported = 100, "collections,types"

    def test_types_of_objects_that_the_collector_knows(self):
        types = self.counts("type", "where:is_tracked")
        self.assertAlmostEqual(types["function"], 31701, delta=10)
        self.assertEqual(types["type"], 4041)
        self.assertEqual(types["weakref"], 4385)

    def test_functions_and_classes_by_name(self):
        names = self.counts("name")
        self.assertEqual({n: names[n] for n in ("logging.__init__", "logging.handlers.__init__", "socket._fileobject", "logging.LogRecord")},
                         {"logging.__init__": 1300, "logging.handlers.__init__": 1200, "socket._fileobject": 100, "logging.LogRecord": 100})

    def test_dicts_by_the_module_that_they_belong_to(self):
        modules = self.counts("module", "type:dict")
        self.assertEqual((modules["logging"], modules["logging.handlers"]), (1500, 1300))

    def test_every_copy_is_held_by_a_handler_of_atexit(self):
        ways = self.ways()
        self.assertRegex(ways[0], r"^of 200 objects( \(\d+ are stale\))?, retaining [\d.]+ \S+ together:\n  100 dict come through atexit callbacks?")
        first = ways[1].splitlines()
        self.assertEqual(first[1], "atexit callback atexit._exithandlers")
        self.assertIn("function logging.shutdown", first[-2])
        self.assertIn("-__globals__-> dict of module logging", first[-1])
        self.assertRegex(ways[1], r"atexit keeps it for ever: one of \d+ copies of module logging")
        self.assertIn("atexit callback atexit._exithandlers", self.picture())
        roots = heaptrail("sql", "--json", self.snapshot, "SELECT count(*) AS lists FROM root WHERE name = 'atexit._exithandlers'")
        self.assertEqual(json.loads(roots)["rows"], [{"lists": 100}])  # one a copy of atexit: each holds the one before


@interpreters.for_each(since=(3, 6))
class Kept(Story):
    imported = "atexit"

    def test_every_copy_is_there(self):
        self.assertEqual(self.copies(), {"module": 20, "dict": 20})
        self.assertGreaterEqual(self.counts("name")["logging.shutdown"], 20)

    def test_why_leads_to_atexit_by_the_function_and_its_globals(self):
        first = self.ways()[1]
        for words in ("function logging.shutdown", "-__globals__-", "dict of module logging"):
            self.assertIn(words, first)
        self.assertIn("atexit callback 1 of 20" if self.number >= (3, 10) else "-module state->", first)
        self.assertRegex(self.ways()[0], r"^of 40 objects( \(\d+ are stale\))?, retaining [\d.]+ \S+ together:\n  20 dict come through ")

    def test_the_picture_names_atexit_and_from_3_7_on_the_hooks_of_fork(self):
        picture = self.picture()
        self.assertIn("atexit", picture)
        self.assertIn("function logging.shutdown  × 20", picture)
        (self.assertIn if self.number >= (3, 7) else self.assertNotIn)("os.register_at_fork", picture)


@interpreters.for_each("3.6")
class Forgotten(Story):
    def test_an_atexit_that_is_forgotten_keeps_the_last_copy_alone(self):
        ways = self.ways("--all")
        held = [way for way in ways if "module atexit" in way and way.startswith("the ")]
        self.assertEqual(len(held), 2)  # the module, and its dict
        for way in held:
            self.assertRegex(way, r"^the one that comes through ")
        self.assertIn("waits for the garbage collector", "".join(ways))


if __name__ == "__main__":
    unittest.main()
