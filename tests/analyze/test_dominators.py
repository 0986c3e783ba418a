"""Dominators, retained sizes, owners and shared-out bytes of real processes, against another algorithm (Cooper,
Harvey and Kennedy's, over what `reference` and `root` say), against taking objects away, and against what the
program knows of itself."""
import json, os, sqlite3, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../capture")]
import interpreters

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))

PROGRAM = """
import collections, functools, gc, json, sys, threading
import heaptrail

class Node(object): pass
class Slotted(object):
    __slots__ = ("x",)
class Attributes(dict): pass
Pair = collections.namedtuple("Pair", "a b")

chain = nodes = [Node() for i in range(40)]
for a, b in zip(nodes, nodes[1:]): a.next, b.previous = b, a
ends = (nodes[0], nodes[-1])                # held by head and tail: each node is alone with what is its own
facts = {"ends": id(ends), "middle": id(nodes[20]), "middle_dict": id(vars(nodes[20]))}
del nodes[:], a, b
cache = {"blobs": [bytearray(1000) for i in range(50)]}
both = [bytearray(5000)]
one, other = Node(), Node()
one.held = other.held = both                # by two: retained by neither
facts.update(blobs=id(cache["blobs"]), both=id(both), one=id(one), other=id(other), cache=id(cache))
del both
classes = [Node(), Slotted(), Attributes(), Pair(1, 2)]
of_c = [collections.deque(), threading.Lock(), functools.partial(len), collections.defaultdict(list), iter([])]
facts.update(classes=list(map(id, classes)), of_c=list(map(id, of_c)))
gc.collect()
gc.disable()
a, b = [1.5], [bytearray(700)]              # garbage
a.append(b); b.append(a)
facts.update(garbage=[id(a), id(b)])
del a, b
heaptrail.snapshot(sys.argv[1])
print(json.dumps(facts))
"""


class Tree:
    """The same, in another way, from the views alone."""

    def __init__(self, db):
        self.rows = {row[0]: row[1:] for row in db.execute("SELECT id, size, holder, depth, dominator, retained, shared, owner_module, module, type FROM object")}
        self.out = {id: [] for id in self.rows}
        for src, dst in db.execute("SELECT DISTINCT src, dst FROM reference WHERE kind <> 'weak'"):
            self.out[src].append(dst)
        self.roots = {row[0] for row in db.execute("SELECT object FROM root UNION SELECT id FROM object WHERE is_immortal AND depth IS NOT NULL")}

    def reached(self, without=()):
        met = set(self.roots.difference(without))
        todo = list(met)
        while todo:
            for dst in self.out[todo.pop()]:
                if dst not in met and dst not in without:
                    met.add(dst)
                    todo.append(dst)
        return met

    def retained(self, *without):
        return sum(self.rows[id][0] for id in self.reached() - self.reached(without))

    def dominators(self):
        """Of what lives. 0 is above the roots."""
        order, number, stack = [], {0: None}, [(0, iter(sorted(self.roots)))]
        while stack:
            at, targets = stack[-1]
            for dst in targets:
                if dst not in number:
                    number[dst] = None
                    stack.append((dst, iter(self.out[dst])))
                    break
            else:
                stack.pop()
                number[at] = len(order)
                order.append(at)
        referrers = {id: [] for id in order}
        for src in order[:-1]:
            for dst in self.out[src]:
                referrers[dst].append(src)
        for root in self.roots:
            referrers[root].append(0)
        above, changed = {0: 0}, True
        while changed:
            changed = False
            for at in reversed(order[:-1]):
                new = None
                for src in referrers[at]:
                    if src not in above:
                        continue
                    if new is None:
                        new = src
                    while new != src:
                        if number[new] < number[src]:
                            new = above[new]
                        else:
                            src = above[src]
                changed |= above.get(at) != new
                above[at] = new
        return above

    def shared(self, keeps):
        """Smaller ids are nearer to a root."""
        referrers = {}
        for src, targets in self.out.items():
            for dst in targets:
                if src < dst:
                    referrers.setdefault(dst, []).append(src)
        shared = {id: row[0] for id, row in self.rows.items()}
        for id in sorted(self.rows, reverse=True):
            if id in keeps or id not in referrers:
                continue
            part, rest = divmod(shared[id], len(referrers[id]))
            for src in referrers[id]:
                shared[src] += part
            shared[id] = 0
            shared[self.rows[id][1] or id] += rest
        return shared


@interpreters.for_each("2.7", "3.11", "3.13")
class Dominators:
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="dominators.", dir=os.environ.get("TEST_TMP"))
        path = os.path.join(cls.folder.name, "a.htrail")
        cls.facts = json.loads(subprocess.check_output([cls.python, "-c", PROGRAM, path], env=dict(os.environ, PYTHONPATH=cls.module), text=True))
        subprocess.run([HEAPTRAIL, "load", path], check=True, stdout=subprocess.DEVNULL)
        cls.db = sqlite3.connect(path + ".db")
        cls.tree = Tree(cls.db)
        cls.ids = dict(cls.db.execute("SELECT address, id FROM object"))

    @classmethod
    def tearDownClass(cls):
        cls.db.close()
        cls.folder.cleanup()

    def object_id(self, fact):
        return self.ids[self.facts[fact]]

    def object(self, fact, columns):
        return self.db.execute("SELECT %s FROM object WHERE address = ?" % columns, (self.facts[fact],)).fetchone()

    def test_every_dominator_is_as_another_algorithm_says(self):
        above = self.tree.dominators()
        wrong = [id for id, row in self.tree.rows.items() if row[2] is not None and (row[3] or 0) != above[id]]
        self.assertEqual(wrong, [])
        self.assertEqual(len(above) - 1, sum(row[2] is not None for row in self.tree.rows.values()))

    def test_every_retained_size_is_that_of_what_is_dominated(self):
        retained = {id: row[0] for id, row in self.tree.rows.items()}
        above = {id: row[3] for id, row in self.tree.rows.items()}
        depth = {None: 0}
        for id in above:
            path = []
            while id not in depth:
                path.append(id)
                id = above[id]
            for at in reversed(path):
                depth[at] = depth[above[at]] + 1
        for id in sorted(above, key=depth.get, reverse=True):
            if above[id] is not None:
                retained[above[id]] += retained[id]
        self.assertEqual([id for id in above if retained[id] != self.tree.rows[id][4]], [])
        self.assertEqual(sum(retained[id] for id in above if above[id] is None), sum(row[0] for row in self.tree.rows.values()))

    def test_taking_an_object_away_brings_back_what_it_retains(self):
        largest = [row[0] for row in self.db.execute("SELECT id FROM object WHERE depth > 0 ORDER BY retained DESC LIMIT 5")]
        for id in largest + [self.object_id(fact) for fact in ("blobs", "both", "one", "ends", "middle", "cache")]:
            self.assertEqual(self.tree.rows[id][4], self.tree.retained(id), self.tree.rows[id])

    def test_what_the_program_built(self):
        blobs, = self.object("blobs", "retained")
        self.assertGreater(blobs, 50 * 1000)
        self.assertLess(blobs, 50 * 1200)
        self.assertEqual(self.db.execute("SELECT id FROM object WHERE id = ?", self.object("blobs", "dominator")).fetchone()[0], self.object_id("cache"))
        self.assertLess(self.object("one", "retained")[0], 5000)
        self.assertNotIn(self.object("both", "dominator")[0], (self.object_id("one"), self.object_id("other")))
        self.assertGreater(self.object("both", "retained")[0], 5000)
        middle = self.object("middle", "retained, dominator")
        self.assertLess(middle[0], 1000) # and not half of the list
        self.assertEqual(middle[1], self.object_id("ends"))
        self.assertGreater(self.object("ends", "retained")[0], 40 * 56)

    def test_garbage_hangs_below_where_it_is_entered_and_has_its_own(self):
        a, b = (self.ids[address] for address in self.facts["garbage"])
        first = self.tree.rows[min(a, b)], self.tree.rows[max(a, b)]
        self.assertEqual([row[2] for row in first], [None, None])
        self.assertIsNone(first[0][3])
        self.assertEqual(first[1][3], min(a, b))
        self.assertGreater(first[0][4], 700)

    def test_shared_out_bytes_sum_to_the_heap_and_are_as_a_plain_loop_says(self):
        # Who keeps is seen in the result: it is a root or says its module, and so its owner is its own.
        keepers = self.db.execute("SELECT o.id, o.type, o.module = o.owner_module, t.is_heap FROM object o JOIN type t ON t.name = o.type "
                                  "WHERE o.shared > 0 AND o.depth IS NOT NULL").fetchall()
        says = {"dict", "type", "classobj", "module", "function", "builtin_function_or_method", "frame", "generator", "coroutine",
                "wrapper_descriptor", "method_descriptor", "classmethod_descriptor"}
        self.assertEqual([row for row in keepers if row[0] not in self.tree.roots and not (row[2] and (row[3] or row[1] in says))], [])
        shared = self.tree.shared(self.tree.roots | {row[0] for row in keepers})
        self.assertEqual([id for id, row in self.tree.rows.items() if row[5] != shared[id]], [])
        self.assertEqual(sum(shared.values()), sum(row[0] for row in self.tree.rows.values()))
        one, other = self.object("one", "shared")[0], self.object("other", "shared")[0]
        self.assertGreater(one, 2500)
        self.assertLess(abs(one - other), 100)

    def test_instances_of_classes_have_a_module_and_those_of_c_code_do_not(self):
        for address in self.facts["classes"]:
            shared, owner = self.db.execute("SELECT shared, owner_module FROM object WHERE address = ?", (address,)).fetchone()
            self.assertEqual(owner, "__main__")
            self.assertGreater(shared, 0)
        for address in self.facts["of_c"]:
            type, shared, owner = self.db.execute("SELECT type, shared, owner_module FROM object WHERE address = ?", (address,)).fetchone()
            self.assertEqual((shared, owner), (0, "__main__"), type)


if __name__ == "__main__":
    unittest.main()
