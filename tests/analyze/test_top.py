"""What top says of a real process, held to a count in Python that goes from the references alone: dominators by another
algorithm than ours, sets and their members one by one, what roots alone reach by leaving them out. And the tree of
a heap that is written as text, line by line."""
import collections, json, os, re, sqlite3, subprocess, sys, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
FOLDER = os.environ.get("TEST_TMP", "/tmp")

MODULES = {
    "shop/__init__.py": "from shop import cart\nfrom shop.db import pool\nname = 'x' * 3000\n",
    "shop/cart.py": "class Order:\n    def __init__(self, n): self.text = 'order %d' % n + 'y' * 100; self.lines = [n, n + 1000]\norders = [Order(n) for n in range(200)]\n",
    "shop/db/__init__.py": "",
    "shop/db/pool.py": "buffers = {n: bytearray(2000 + n) for n in range(50)}\n",
}
PROGRAM = """
import gc, sys, threading, time, tracemalloc
tracemalloc.start()
import heaptrail, shop
def work(size):
    held = [bytearray(size) for n in range(20)]
    ready.release()
    end.wait()
ready, end = threading.Semaphore(0), threading.Event()
threads = [threading.Thread(target=work, args=(size,), daemon=True, name="worker %d" % size) for size in (1000, 3000)]
for thread in threads: thread.start(); ready.acquire()
seen = [shop.cart.orders[7]] # one of them is not the list's alone
time.sleep(0.1)
gc.collect()
gc.disable()
heaptrail.snapshot(sys.argv[1])
end.set()
"""


def dominators(count, targets, roots):
    """Of 1 .. count: Cooper, Harvey and Kennedy. targets by object; 0 holds the roots and what they do not reach."""
    entered = set(roots)
    order, seen = [], [False] * (count + 1)

    def visit(start):
        stack = [(start, iter(targets[start]))]
        seen[start] = True
        while stack:
            at, rest = stack[-1]
            for target in rest:
                if not seen[target]:
                    seen[target] = True
                    stack.append((target, iter(targets[target])))
                    break
            else:
                order.append(at)
                stack.pop()

    for root in roots:
        if not seen[root]:
            visit(root)
    live = list(seen)
    place = {number: at for at, number in enumerate(order)}
    place[0] = len(order)
    sources = collections.defaultdict(list)
    for source in order:
        for target in targets[source]:
            sources[target].append(source)
    above = {root: 0 for root in roots}
    above[0] = 0
    changed = True
    while changed:
        changed = False
        for number in reversed(order):
            if number in entered:
                continue
            best = None
            for source in sources[number]:
                if source not in above:
                    continue
                if best is None:
                    best = source
                    continue
                other = source
                while best != other:
                    while place[best] < place[other]:
                        best = above[best]
                    while place[other] < place[best]:
                        other = above[other]
            if above.get(number) != best:
                above[number] = best
                changed = True
    return above, live


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for path, text in MODULES.items():
            os.makedirs(os.path.dirname(os.path.join(FOLDER, path)), exist_ok=True)
            with open(os.path.join(FOLDER, path), "w") as file:
                file.write(text)
        cls.file = os.path.join(FOLDER, "real.htrail")
        environ = dict(os.environ, PYTHONPATH=os.pathsep.join([FOLDER, os.environ.get("PYTHONPATH", "")]))
        subprocess.run([sys.executable, "-S", "-c", PROGRAM, cls.file], check=True, env=environ)
        cls.top()
        db = sqlite3.connect(cls.file + ".db")
        db.row_factory = sqlite3.Row
        cls.objects = {row["id"]: row for row in db.execute("SELECT id, type, module, name, length, size, root, depth, dominator, shared, owner_module, site FROM object")}
        cls.roots = [tuple(row) for row in db.execute("SELECT object, key, kind, thread FROM root ORDER BY id")]
        cls.root_of = [None] + cls.roots
        cls.immortal = [row[0] for row in db.execute("SELECT id FROM object WHERE is_immortal AND depth IS NOT NULL")] # nobody's: they never come back
        cls.threads = {row["tid"]: row for row in db.execute("SELECT tid, key, object FROM thread")}
        cls.lines = {row["id"]: "%s:%d" % (row["file"], row["line"]) for row in db.execute("SELECT id, file, line FROM site")}
        cls.targets = [[] for _ in range(len(cls.objects) + 1)]
        for source, target, kind in db.execute("SELECT src, dst, kind FROM reference"):
            if kind != "weak":
                cls.targets[source].append(target)
        db.close()
        cls.above, cls.live = dominators(len(cls.objects), cls.targets, [root[0] for root in cls.roots] + cls.immortal)
        cls.retained = {number: row["size"] for number, row in cls.objects.items()}
        for number in sorted((number for number in cls.above if number), reverse=True): # a dominator has a smaller number
            if cls.above[number]:
                cls.retained[cls.above[number]] += cls.retained[number]

    @classmethod
    def top(cls, *arguments):
        done = subprocess.run([HEAPTRAIL, "top", "--json", cls.file, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["rows"]

    def grouped(self, key_of, numbers=None):
        """(count, bytes, retained, shared) by key; what lies below another of its key is not counted again."""
        sums, keys = collections.defaultdict(lambda: [0, 0, 0, 0]), {}
        for number in numbers if numbers is not None else self.objects:
            key = key_of(self.objects[number])
            if key is not None:
                keys[number] = key
        for number, key in keys.items():
            row, sum_of = self.objects[number], sums[key]
            sum_of[0] += 1
            sum_of[1] += row["size"]
            sum_of[3] += row["shared"]
            at = self.above.get(number, 0)
            while at and keys.get(at) != key:
                at = self.above[at]
            if not at and number in self.above:
                sum_of[2] += self.retained[number]
        return {key: tuple(found) for key, found in sums.items()}

    def reached(self, leave_out):
        """Bytes of what is reached, without the roots left out and not through the objects left out."""
        roots_out, objects_out = leave_out
        seen, stack = set(), [root[0] for root in self.roots if root not in roots_out and root[0] not in objects_out]
        while stack:
            at = stack.pop()
            if at not in seen:
                seen.add(at)
                stack.extend(target for target in self.targets[at] if target not in objects_out)
        return sum(self.objects[number]["size"] for number in seen)

    def goes_with(self, members):
        """Bytes of what is not reached, or is itself in the set, once all members are gone."""
        seen, stack = set(), [number for number in [root[0] for root in self.roots] + self.immortal if number not in members]
        while stack:
            at = stack.pop()
            if at not in seen:
                seen.add(at)
                stack.extend(target for target in self.targets[at] if target not in members and target not in seen)
        return sum(row["size"] for number, row in self.objects.items() if number not in seen)

    @staticmethod
    def power(number):
        if number is None:
            return "none"
        low = 1 << (number.bit_length() - 1) if number else 0
        return str(number) if number < 2 else "%d-%d" % (low, 2 * low - 1)

    KEYS = {
        "type": lambda self, row: row["type"],
        "module": lambda self, row: row["module"],
        "owner": lambda self, row: row["owner_module"],
        "package": lambda self, row: row["owner_module"].split(".")[0],
        "name": lambda self, row: row["name"],
        "size": lambda self, row: self.power(row["size"]),
        "length": lambda self, row: self.power(row["length"]),
    }

    def assert_rows(self, rows, wanted):
        self.assertEqual({row["key"]: (row["count"], row["bytes"], row["retained"], row["shared"]) for row in rows}, wanted)
        order = [(-row["bytes"], -row["count"], row["key"].encode()) for row in rows]
        self.assertEqual(order, sorted(order))

    def test_dominators_are_those_of_another_algorithm(self):
        self.assertGreater(len(self.objects), 15000)
        for number, row in self.objects.items():
            if self.live[number]:
                self.assertEqual(row["dominator"] or 0, self.above[number], number)

    def test_every_key_that_an_object_has(self):
        self.assertTrue(all(self.live[1:]), "garbage is in this heap: what it retains is counted otherwise")
        for by, key_of in self.KEYS.items():
            with self.subTest(by=by):
                rows, alone = self.top("--by", by), self.grouped(lambda row: key_of(self, row))
                self.assert_rows(rows, {key: found[:2] + (together,) + found[3:] for (key, found), together in
                                        zip(alone.items(), self.together(rows, alone, key_of))})
                self.assertEqual(sum(row["shared"] for row in rows), sum(row["size"] for row in self.objects.values()))

    def together(self, rows, alone, key_of):
        """What the sets retain: of six where it is more than their members do, and of the six largest others, by taking them away."""
        claimed = {row["key"]: row["retained"] for row in rows}
        more = sorted((key for key in alone if claimed[key] != alone[key][2]), key=lambda key: -claimed[key])
        asked = set(more[:3] + more[-3:] + sorted(set(alone) - set(more), key=lambda key: -claimed[key])[:6])
        self.assertGreater(len(more), 2)
        for key in alone:
            if key in asked:
                yield self.goes_with({number for number, row in self.objects.items() if key_of(self, row) == key})
            else:
                self.assertGreaterEqual(claimed[key], alone[key][2])
                yield claimed[key]

    def test_every_key_of_some_objects(self):
        numbers = [number for number, row in self.objects.items() if row["type"] in ("dict", "list", "shop.cart.Order")]
        where = "where:type IN ('dict', 'list', 'shop.cart.Order')"
        for by, key_of in self.KEYS.items():
            with self.subTest(by=by):
                self.assert_rows(self.top(where, "--by", by), self.grouped(lambda row: key_of(self, row), numbers))
        keys = {"root": lambda row: self.root_of[row["root"]][1], "thread": self.thread_key, "site": lambda row: self.lines.get(row["site"], "(not known)")}
        for by, key_of in keys.items():
            with self.subTest(by=by):
                self.assert_rows(self.top(where, "--by", by), self.grouped(key_of, numbers))

    def test_strings_and_buffers_are_somebodys(self):
        of = {row["key"]: row for row in self.top("--by", "owner")}
        self.assertTrue(50 * 2000 < of["shop.db.pool"]["bytes"] < 50 * 2000 + 20000, of["shop.db.pool"])
        self.assertTrue(199 * 100 < of["shop.cart"]["bytes"] < 90000, of["shop.cart"])
        self.assertTrue(3000 < of["shop"]["bytes"] < 9000, of["shop"])
        package = {row["key"]: row for row in self.top("--by", "package")}["shop"]
        parts = [of[key] for key in of if key.split(".")[0] == "shop"]
        self.assertEqual([package[name] for name in ("count", "bytes", "shared")], [sum(part[name] for part in parts) for name in ("count", "bytes", "shared")])

    def thread_key(self, row):
        thread = self.threads.get(self.root_of[row["root"]][3]) if row["root"] else None
        return thread["key"] if thread is not None else "(no thread)"

    def test_threads_hold_their_buffers_alone(self):
        rows = {row["key"]: row for row in self.top("--by", "thread")}
        sums = self.grouped(self.thread_key)
        self.assertEqual(set(rows), set(sums) | {thread["key"] for thread in self.threads.values()})
        everything = self.reached(((), ()))
        for thread in self.threads.values():
            row = rows[thread["key"]]
            self.assertEqual((row["count"], row["bytes"], row["shared"]), sums[thread["key"]][:2] + sums[thread["key"]][3:])
            others = [root for root in self.roots if root[3] == thread["tid"]]
            self.assertEqual(row["retained"], everything - self.reached((others, {thread["object"]})), thread["key"])
        for size in 1000, 3000:
            key, = [key for key in rows if key.startswith("worker %d in " % size)]
            self.assertRegex(key, r" in (Condition\.)?wait at threading\.py:\d+$")
            self.assertTrue(20 * size < rows[key]["retained"] < 20 * size + 12000, rows[key])
        self.assertEqual(sum(row["shared"] for row in rows.values()), sum(row["size"] for row in self.objects.values()))

    def test_roots_hold_what_no_other_leads_to(self):
        everything = self.reached(((), ()))
        kinds = {row["key"]: row for row in self.top("--by", "root", "--tree", "-n", "0", "--depth", "1")}
        names = {row["key"]: row for row in self.top("--by", "root")}
        for rows, at in (kinds, 2), (names, 1):
            sums = self.grouped(lambda row: self.root_of[row["root"]][at])
            self.assertEqual({key: (row["count"], row["bytes"], row["shared"]) for key, row in rows.items() if row["count"]},
                             {key: found[:2] + found[3:] for key, found in sums.items()})
        for kind in "frame", "interpreter", "static type":
            self.assertEqual(kinds[kind]["retained"], everything - self.reached(({root for root in self.roots if root[2] == kind}, ())), kind)
        for key in [key for key in names if key.startswith("frame: work at ")]:
            self.assertEqual(names[key]["retained"], everything - self.reached(({root for root in self.roots if root[1] == key}, ())), key)
            self.assertGreater(names[key]["retained"], 20 * 4000)

    def test_lines_that_asked_for_memory(self):
        rows = {row["key"]: row for row in self.top("--by", "site")}
        sums = self.grouped(lambda row: self.lines.get(row["site"]))
        self.assertEqual({key: (row["retained"], row["shared"]) for key, row in rows.items() if key in sums},
                         {key: found[2:] for key, found in sums.items()})
        key, = [key for key in rows if key.endswith("shop/db/pool.py:1") and rows[key]["count"] > 50]
        self.assertGreater(rows[key]["retained"], 50 * 2000)

    def test_sorted_by_each_column(self):
        for column in "count", "bytes", "retained", "shared":
            for arguments in (), ("type:dict",):
                values = [row[column] for row in self.top("--by", "owner", "--sort", column, *arguments)]
                self.assertGreater(len(values), 10)
                self.assertEqual(values, sorted(values, reverse=True), column)

    def tree(self, *arguments):
        """Lines of the tree, each with those below it."""
        top, path = [], []
        for row in self.top("--tree", *arguments):
            node = dict(row, below=[])
            del path[row["depth"]:]
            (path[-1]["below"] if path else top).append(node)
            path.append(node)
        return top

    def test_the_tree_has_all_of_the_heap(self):
        everything = sum(row["size"] for row in self.objects.values())
        for arguments in (), ("--depth", "7", "-n", "2", "--min", "0"):
            stack, lines = [{"retained": everything, "bytes": 0, "depth": -1, "below": self.tree(*arguments)}], 0
            while stack:
                node = stack.pop()
                lines += 1
                if node["below"]:
                    self.assertEqual(sum(row["retained"] for row in node["below"]), node["retained"] - node["bytes"], node)
                    self.assertLessEqual(len(node["below"]), 6)
                stack.extend(node["below"])
            self.assertGreater(lines, 10)

    def test_many_of_a_list_are_one_line(self):
        orders, = self.tree("where:module = 'shop.cart' AND type = 'dict' AND name = ''", "--min", "0")
        listed, = [row for row in orders["below"] if row["key"] == "[orders] list"]
        line, = [row for row in listed["below"] if row["type"] == "shop.cart.Order"]
        self.assertEqual((line["key"], line["count"]), ("[*] shop.cart.Order", 199))
        texts, = [row for row in line["below"] if row["type"] == "str"]
        self.assertEqual((texts["key"], texts["count"]), (".text str", 199))

    def test_a_package_unfolds_into_its_modules(self):
        rows = self.top("--tree", "--by", "package", "-n", "0")
        at, = [place for place, row in enumerate(rows) if row["key"] == "shop"]
        below = []
        for row in rows[at + 1:]:
            if row["depth"] == 0:
                break
            below.append((row["depth"], row["key"]))
        self.assertEqual(below, [(1, "shop.db"), (2, "shop.db.pool"), (2, "shop.db (itself)"), (1, "shop.cart"), (1, "shop (itself)")])
        flat = {row["key"]: row for row in self.top("--by", "package")}
        for row in rows:
            if row["depth"] == 0:
                self.assertEqual({name: row[name] for name in flat[row["key"]]}, flat[row["key"]])


class Text(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.file = graph_file.snapshot("top.graph", FOLDER)

    def printed(self, *arguments):
        done = subprocess.run([HEAPTRAIL, "top", self.file, *arguments], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [re.sub(r"  +", "  ", line.rstrip()) if not line.startswith(" ") else line[:len(line) - len(line.lstrip())] + re.sub(r"  +", "  ", line.strip())
                for line in done.stdout.splitlines()]

    def test_tree(self):
        self.assertEqual(self.printed("--tree", "--depth", "5"), """\
key  count  bytes  retained  percent
sys.modules dict  1  100 B  9.6 KiB  48.0
  [shop.db.pool] module  1  100 B  9.2 KiB  46.0
    .__dict__ dict  1  100 B  9.1 KiB  45.5
      [buffers] list  1  200 B  9.0 KiB  45.0
        [*] bytearray  3  8.8 KiB  8.8 KiB  44.0
      (1 more)  1  10 B  10 B  0.0
  [shop.cart] module  1  100 B  210 B  1.0
    (1 more)  1  100 B  110 B  0.5
  (1 more)  1  100 B  100 B  0.5
frame: run at /srv/worker.py:7 frame  1  64 B  4.9 KiB  24.8
  local body bytearray  1  4.9 KiB  4.9 KiB  24.5
(several roots) dict shop  1  100 B  3.2 KiB  16.2
  [orders] list  1  200 B  3.1 KiB  15.6
    [*] shop.cart.Order  20  1000 B  2.9 KiB  14.7
      .text str  20  2.0 KiB  2.0 KiB  9.8
  (1 more)  1  10 B  10 B  0.0
(several roots) dict  1  1000 B  2.0 KiB  9.8
  [x] str  1  1001 B  1001 B  4.9
(3 more)  4  254 B  254 B  1.2""".splitlines())

    def test_tree_of_some(self):
        self.assertEqual(self.printed("where:type IN ('list', 'shop.cart.Order')", "--tree", "--min", "0"), """\
key  count  bytes  retained  percent
list  2  400 B  12.1 KiB  60.6
  [*] bytearray  3  8.8 KiB  8.8 KiB  44.0
  [*] shop.cart.Order  20  1000 B  2.9 KiB  14.7
    .text str  20  2.0 KiB  2.0 KiB  9.8
shop.cart.Order  1  50 B  50 B  0.2""".splitlines())

    def test_packages_and_roots(self):
        self.assertEqual(self.printed("--tree", "--by", "package"), """\
key  count  bytes  retained  shared  percent
shop  57  12.9 KiB  12.9 KiB  14.9 KiB  64.6
  shop.db  7  9.2 KiB  9.2 KiB  9.2 KiB  46.0
    shop.db.pool  7  9.2 KiB  9.2 KiB  9.2 KiB  46.0
  shop.cart  44  3.2 KiB  3.2 KiB  4.2 KiB  15.9
  shop (itself)  6  550 B  3.5 KiB  1.5 KiB  2.7
(nobody's)  6  7.1 KiB  16.6 KiB  5.1 KiB  35.4""".splitlines())
        self.assertEqual(self.printed("--tree", "--by", "root", "-n", "1"), """\
key  count  bytes  retained  shared  percent
sys.modules  57  14.8 KiB  9.6 KiB  14.8 KiB  74.0
(3 more)  6  5.2 KiB  5.2 KiB  26.0""".splitlines())

    def test_what_two_of_a_kind_hold_together_is_the_kinds(self):
        text = """
root modules table
root frame one f~at~/a.py:1
root frame two g~at~/a.py:2
table dict - size=100 : index - ours
one frame - size=64 : local own own, local jar jar, local ours ours
two frame - size=64 : local jar jar
own str - size=50
jar dict - size=1000 : value x inside
inside str - size=7
ours str - size=400
"""
        file = graph_file.snapshot(text, FOLDER, "kinds")
        rows = json.loads(subprocess.run([HEAPTRAIL, "top", file, "--tree", "--json", "--by", "root"], capture_output=True, text=True, check=True).stdout)["rows"]
        self.assertEqual([(row["depth"], row["key"], row["retained"]) for row in rows],
                         [(0, "frame", 64 + 64 + 50 + 1007), (1, "frame: f at /a.py:1", 64 + 50), (1, "frame: g at /a.py:2", 64), (0, "sys.modules", 100)])

    def test_many_small_keys_are_one_line_and_a_large_one_is_its_own(self):
        text = """
root modules table table
table dict - size=100 : pair word[*] item[*]
word[20] str word$ size=10 length=5
item[19] list - size=100
item[19]x list - size=100
"""
        text = text.replace("item[19]x", "large").replace("pair word[*] item[*]", "pair word[0..18] item[*], key - word[19], value - large").replace("large list - size=100", "large list - size=5000")
        file = graph_file.snapshot(text, FOLDER, "many")
        rows = json.loads(subprocess.run([HEAPTRAIL, "top", file, "--tree", "--json", "--min", "2"], capture_output=True, text=True, check=True).stdout)["rows"]
        self.assertEqual([(row["depth"], row["key"], row["count"], row["retained"]) for row in rows],
                         [(0, "sys.modules: table dict", 1, 7200), (1, "[word19] list", 1, 5000), (1, "[*] list", 19, 1900), (1, "key str", 20, 200)])

    def test_a_chain_of_a_hundred_thousand_is_no_matter(self):
        file = graph_file.snapshot("\nlet n 100000\nroot modules node[0] head\nnode[n] app.Node - size=48 : attr next node[$+1], attr text text[$]\ntext[n] str - size=52\n",
                                   FOLDER, "chain")
        done = subprocess.run([HEAPTRAIL, "top", file, "--json", "where:1"], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(json.loads(done.stdout)["rows"], [
            {"key": "str", "count": 100000, "bytes": 5200000, "retained": 5200000, "shared": 0},
            {"key": "app.Node", "count": 100000, "bytes": 4800000, "retained": 10000000, "shared": 10000000}])

    def test_wrong_use(self):
        for arguments, said in ((["--sort", "name"], "cannot sort by 'name'; it is count, bytes, retained or shared"),
                                (["--tree", "--by", "type"], "--tree is of dominators (without --by), packages and roots"),
                                (["--tree", "--by", "root", "type:dict"], "--tree with --by is of all objects, and takes no OBJECT"),
                                (["--depth", "3"], "--depth is for --tree"), (["--tree", "--depth", "x"], "'x' is not a number of levels"),
                                (["--tree", "--min", "101"], "'101' is not a percentage")):
            done = subprocess.run([HEAPTRAIL, "top", self.file, *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr.splitlines()[0]), (2, "", "heaptrail top: " + said))


if __name__ == "__main__":
    unittest.main()
