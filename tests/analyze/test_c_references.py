"""References that C code holds, in every interpreter: what an extension leaks is found, with the variable that
holds it where there is one, and nothing else is blamed."""
import collections, json, os, sqlite3, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../capture")]
import interpreters

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))

# Runs the same code with and without the leaks, so that only they differ.
PROGRAM = """
import gc, sys, json, weakref
import heaptrail, leaky

class Lost(object): pass
class Global(object): pass
class Allocated(object): pass
class Clean(object):
    __slots__ = ("a", "__weakref__")
class Cyclic(object): pass

leaks = sys.argv[2] == "leak"
def use(call, o):
    if leaks:
        call(o)
    return id(o)
facts = {
    "lost": [use(leaky.lose, Lost()) for i in range(100)],
    "global": [use(leaky.keep, Global())],
    "allocated": [use(leaky.allocate, Allocated()) for i in range(5)],
}
twice = ["held twice"]
facts["twice"] = [use(leaky.lose, twice), use(leaky.lose, twice)][:1]
clean = [Clean() for i in range(500)]
for c in clean: c.a = [c, (1.5, str(id(c)))]
cyclic = [Cyclic() for i in range(50)]
for c in cyclic: c.me, c.weak, c.bound = c, weakref.ref(c), c.__init__
def generator():
    x = [1]
    yield x
    yield 2
g = generator(); next(g)
def closure(a):
    return lambda: a
kept = [closure([i]) for i in range(50)]
gc.collect()
heaptrail.snapshot(sys.argv[1])
print(json.dumps(facts))
"""


@interpreters.for_each()
class CReferences:
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="crefs.", dir=os.environ.get("TEST_TMP"))
        folder = cls.folder.name
        include, suffix = subprocess.check_output([cls.python, "-c", "import sysconfig as s; v = s.get_config_var\n"
                                                   "print(s.get_path('include')); print(v('EXT_SUFFIX') or v('SO'))"], text=True).split()
        subprocess.check_call([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-I" + include, os.path.join(HERE, "../capture/leaky.c"),
                               "-o", os.path.join(folder, "leaky" + suffix)])
        with open(os.path.join(folder, "program.py"), "w") as f:
            f.write(PROGRAM)
        cls.facts, cls.leaking = cls.take("leak")
        _, cls.baseline = cls.take("none")

    @classmethod
    def tearDownClass(cls):
        cls.leaking.close()
        cls.baseline.close()
        cls.folder.cleanup()

    @classmethod
    def take(cls, how):
        path = os.path.join(cls.folder.name, how + ".htrail")
        environ = dict(os.environ, PYTHONPATH=cls.module + os.pathsep + cls.folder.name)
        told = subprocess.check_output([cls.python, os.path.join(cls.folder.name, "program.py"), path, how], env=environ)
        subprocess.check_call([HEAPTRAIL, "load", path], stdout=subprocess.DEVNULL)
        return json.loads(told.decode()), sqlite3.connect(path + ".db")

    def holders(self, addresses):
        """of each object: holder -> count"""
        result = []
        for address in addresses:
            (number,), = self.leaking.execute("SELECT id FROM object WHERE address = ?", (address,))
            result.append(dict(self.leaking.execute("SELECT holder, count FROM c_reference WHERE object = ?", (number,))))
        return result

    def test_references_never_given_back_are_counted(self):
        self.assertEqual(self.holders(self.facts["lost"]), [{"": 1}] * 100)
        self.assertEqual(self.holders(self.facts["twice"]), [{"": 2}])

    def test_a_static_variable_is_named(self):
        (holder,), = map(list, self.holders(self.facts["global"]))
        self.assertRegex(holder, r"^leaky.*\.so\+0x[0-9a-f]+$")
        self.assertEqual(self.holders(self.facts["global"]), [{holder: 1}])

    def test_an_allocated_structure_is_c_code(self):
        self.assertEqual(self.holders(self.facts["allocated"]), [{"": 1}] * 5)

    def test_nothing_else_is_blamed(self):
        """Less what the same program without leaks has."""
        sql = "SELECT key, count FROM total WHERE \"by\" = 'c-refs'"
        found = collections.Counter(dict(self.leaking.execute(sql)))
        found.subtract(dict(self.baseline.execute(sql)))
        found = {key.split("+0x")[0]: n for key, n in found.items() if n}
        name, = (key for key in found if key.startswith("__main__.Global"))
        self.assertEqual(found, {"__main__.Lost <- C code": 100, name: 1, "__main__.Allocated <- C code": 5, "list <- C code": 2})
        for kind in ("Clean", "Cyclic"):
            blamed, = self.leaking.execute("SELECT count(*) FROM c_reference c JOIN object o ON o.id = c.object WHERE o.type = ?", ("__main__." + kind,))
            self.assertEqual(blamed, (0,))

    def test_what_roots_own_is_not_blamed_on_C_code(self):
        """The method cache, identifiers and what `ast` keeps are shared with variables of C, so those may be named twice."""
        blamed = self.baseline.execute("SELECT r.kind, r.name, count(*) FROM root r JOIN c_reference c ON c.object = r.object "
                                       "WHERE r.kind NOT LIKE 'C %' AND r.name NOT IN ('type cache', 'ast', 'identifier') GROUP BY 1, 2").fetchall()
        self.assertEqual(blamed, [])

    def test_the_difference_is_nought_for_nearly_every_object(self):
        """999 of 1,000 that have a count, less those of the program without leaks that the interpreter's own variables hold."""
        mortal, differ = self.baseline.execute(
            "SELECT count(*), count(c) FROM (SELECT (SELECT sum(count) FROM c_reference r WHERE r.object = o.id AND NOT is_own) AS c FROM object o "
            "WHERE is_immortal = 0 AND is_pseudo = 0)").fetchone()
        self.assertGreater(mortal, 8000)
        self.assertLess(differ, mortal / 200)  # a small heap: what is left is a constant
        print("%s: %d of %d objects differ" % (self.version, differ, mortal))

    def test_top_and_why_say_it(self):
        path = os.path.join(self.folder.name, "leak.htrail")
        top = subprocess.check_output([HEAPTRAIL, "top", "--by", "c-refs", "-n", "0", path], text=True)
        self.assertRegex(top, r"(?m)^__main__\.Lost <- C code +100 ")
        one = subprocess.check_output([HEAPTRAIL, "top", "--by", "c-refs", path, "0x%x" % self.facts["twice"][0]], text=True)
        self.assertRegex(one.splitlines()[1], r"^list <- C code +2 ")
        why = subprocess.check_output([HEAPTRAIL, "why", path, "0x%x" % self.facts["twice"][0]], text=True)
        self.assertIn("held 2 times from C code\n", why)
        why = subprocess.check_output([HEAPTRAIL, "why", path, "type:Global"], text=True)
        self.assertRegex(why, r"held 1 time from C code, by the static variable at leaky\S*\+0x")
        why = subprocess.check_output([HEAPTRAIL, "why", path, "type:Lost"], text=True)
        self.assertIn("held 1 time from C code\n", why)
        self.assertNotIn("held", subprocess.check_output([HEAPTRAIL, "why", path, "type:Clean"], text=True))


if __name__ == "__main__":
    unittest.main()
