"""`heaptrail why` and `heaptrail graph` on snapshots of real programs."""
import json, os, re, resource, shutil, sqlite3, struct, subprocess, sys, tempfile, textwrap, unittest
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("B", os.path.join(ROOT, "build/release"))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(BUILD, "heaptrail"))
SVG = "{http://www.w3.org/2000/svg}"

RELOAD = """
    import importlib.util, heaptrail
    spec = importlib.util.spec_from_file_location("reload", %r)
    reload = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reload)
    for number in range(6):
        reload.serve(number)
""" % os.path.join(ROOT, "samples/reload.py")

LEAK = """
    import sys, collections
    class Task: pass
    class Keep:
        __slots__ = ("leak",)
    def outer():
        total = [Task()]
        def inner(): return total
        return inner
    def generate():
        item = [Task()]
        yield item
    early = Task()
    keep = Keep(); keep.leak = [Task() for number in range(600)]
    closure = outer()
    generator = generate(); next(generator)
    by_name = {"it's": [Task()], 5: [Task()], "deque": collections.deque([Task()])}
    def walk():
        local = [Task()]
        heaptrail.snapshot(PATH)
"""

COVERED = """
    import collections, heaptrail, sys
    class Item: pass
    class Hidden:
        @property
        def y(self): return None
    class Strict(dict):
        def __getitem__(self, key): raise KeyError(key)
    class Missing(dict):
        def __missing__(self, key): return None
    class Guarded:
        def __getattribute__(self, name): raise AttributeError(name)
    class Items(list): pass
    class NoItems(list):
        def __getitem__(self, position): raise IndexError(position)
    class Slots:
        __slots__ = ("first",)
    class CoveredSlots(Slots):
        __slots__ = ()
        first = property()
    class Meta(type):
        thing = property()
    class WithMeta(metaclass=Meta): thing = Item()
    hidden = Hidden(); hidden.__dict__["y"] = Item(); hidden.z = Item()
    strict = Strict(k=Item())
    missing = Missing(k=Item())
    guarded = Guarded(); object.__setattr__(guarded, "x", Item())
    pair = collections.namedtuple("Pair", "a b")(Item(), Item())
    items = Items([Item()])
    no_items = NoItems([Item()])
    slots = Slots(); slots.first = Item()
    covered = CoveredSlots(); Slots.first.__set__(covered, Item())
    queue = collections.deque([Item()])
    numbers = {5: Item(), (1, 2): Item()}
    bag = {Item()}
"""

# Names that a heap may hold and no picture may take for its own.
HOSTILE = ["</title><script>alert(1)</script>", "\"/><a href='http://example.org/'>&amp;", "<![CDATA[x]]><!--", "\\N\\G\\E\\", "quote\"quote", "<<b>html</b>>",
           "control\x1b[31m\x00\x01\x7f", "line\nbreak\ttab", "reorder\u202eabc\u2066", "wide \u4e00\u4e8c\u4e09 \U0001f40d", "\ufffe\uffff", "n" * 300]

NAMES = """
    things = []
    for name in %r:
        kind = type(name.replace("\\0", ""), (), {"__module__": name})
        thing = kind()
        setattr(thing, name, kind())
        things.append(thing)
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__[name] = kind()
""" % (HOSTILE,)

BIG = """
    class Hub: pass
    class Node: pass
    class Leaf: pass
    hub = Hub()
    star = [[hub] for number in range(100000)]
    nones = [[None] for number in range(100000)]
    head = node = Node()
    for number in range(100000):
        node.next = Node()
        node = node.next
    node.leaf = Leaf()
    del node
"""


def run(*arguments, **options):
    return subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


class Snapshots:
    """One snapshot a class: program leaves it at PATH."""
    program = ""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pictures-", dir=os.environ.get("TEST_TMP"))
        cls.file = os.path.join(cls.folder, "a.htrail")
        code = textwrap.dedent(cls.program).replace("PATH", repr(cls.file))
        if "heaptrail.snapshot" not in code + cls.last():
            code += "\nheaptrail.snapshot(%r)\n" % cls.file
        environ = dict(os.environ)
        environ.setdefault("PYTHONPATH", os.path.join(BUILD, "python%d.%d" % sys.version_info[:2]))
        subprocess.run([sys.executable, "-c", "import sys, types, heaptrail\n" + code + "\n" + cls.last()], env=environ, check=True)

    @classmethod
    def last(cls):
        return ""

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def why(self, *arguments):
        result = run("why", self.file, *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
        return result.stdout.decode()

    def why_json(self, *arguments):
        return json.loads(self.why("--json", *arguments))

    def graph(self, name, *arguments):
        """Draw, check that the SVG is one, and return its root element."""
        path = os.path.join(self.folder, name)
        result = run("graph", self.file, *arguments, "-o", path)
        self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
        self.assertFalse(os.path.exists(path + ".partial"))
        if not name.endswith(".svg"):
            return path
        subprocess.run(["xmllint", "--noout", "--nonet", path], check=True)
        return ElementTree.parse(path).getroot()

    def texts(self, svg, kind=None):
        return [text.text for text in svg.iter(SVG + "text") if kind is None or text.get("class") == kind]


class Reload(Snapshots, unittest.TestCase):
    program = RELOAD

    def test_why_names_atexit_above_the_stale_namespace(self):
        lines = self.why("module:logging").splitlines()
        self.assertRegex(lines[0], r"^of 12 objects( \(\d+ are stale\))?, retaining [\d.]+ \S+ together:$")
        self.assertRegex(lines[1], r"^  6 dict come through atexit callbacks, function logging\.shutdown$")
        first = [i for i, line in enumerate(lines) if re.match(r"^atexit callback \d of 6$", line)][0]
        self.assertRegex(lines[first + 1], r"^  [-─]callback[-─]*[>→] function logging\.shutdown  ")
        self.assertRegex(lines[first + 2], r"^  \^ atexit keeps it for ever: one of 6 copies of module logging: \w+ is in sys.modules$")
        self.assertRegex(lines[first + 3], r"-__globals__-> dict of module logging, length \d+  ")

    def test_the_picture_shows_atexit_and_at_fork(self):
        svg = self.graph("leak.svg", "module:logging")
        titles = self.texts(svg, "t")
        self.assertIn("atexit callbacks", titles)
        self.assertIn("os.register_at_fork before", titles)
        self.assertIn("function logging.shutdown", titles)
        self.assertIn("dict of module logging", titles)
        self.assertIn("__globals__", self.texts(svg, "m"))
        self.assertIn("callback", self.texts(svg, "m"))
        self.assertEqual(self.texts(svg, "h1"), ["What keeps the stale copies of module logging alive?"])
        suspects = [card.find(SVG + "title").text.splitlines()[0] for card in svg.iter(SVG + "g") if card.get("class") in ("n S",)]
        self.assertEqual(suspects, ["dict of module logging", "module logging"])
        self.assertIn("the only holder: cut it and they go", self.texts(svg, "s"))

    def test_the_same_snapshot_gives_the_same_bytes(self):
        pictures = set()
        for environ in ({"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8", "COLUMNS": "40"}, {"LC_ALL": "de_DE.UTF-8"}):
            result = run("graph", self.file, "module:logging", "-o", "-", env=dict(os.environ, **environ))
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            pictures.add(result.stdout)
        self.assertEqual(len(pictures), 1)
        loaded = run("load", self.file, "-o", os.path.join(self.folder, "b.db"))
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        result = run("graph", os.path.join(self.folder, "b.db"), "module:logging", "-o", "-")
        self.assertIn(result.stdout, pictures)

    def test_dot_opens_the_dot_file(self):
        path = self.graph("leak.dot", "module:logging")
        drawn = subprocess.run(["dot", "-Tplain", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertEqual(drawn.stderr, b"")
        self.assertIn(b"atexit callbacks", drawn.stdout)
        self.assertIn(b"__globals__", drawn.stdout)

    def test_a_png_is_twice_the_size_of_the_svg(self):
        svg = self.graph("size.svg", "module:logging")
        with open(self.graph("size.png", "module:logging"), "rb") as file:
            head = file.read(24)
        self.assertEqual(head[:16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
        self.assertEqual(struct.unpack(">II", head[16:]), (2 * int(svg.get("width")), 2 * int(svg.get("height"))))

    def test_max_depth_and_too_many_bound_the_picture(self):
        whole = self.texts(self.graph("whole.svg", "type:function"), "t")
        near = self.texts(self.graph("near.svg", "module:logging", "--max-depth", "1"), "t")
        self.assertIn("dict of module logging", near)
        self.assertNotIn("module logging.handlers", near)
        self.assertLessEqual(len(whole), 43)
        few = self.graph("few.svg", "where:type = 'NoneType'", "--too-many", "5")
        self.assertTrue(any(re.match(r"^[\d,]{5,} more holders$", text) for text in self.texts(few)), self.texts(few))

    def test_themes(self):
        path = os.path.join(self.folder, "theme.svg")
        for theme, fill in (("dark", "#0f1319"), ("light", "#fff")):
            self.assertEqual(run("graph", self.file, "id:1", "-o", path, "--theme", theme).returncode, 0)
            with open(path) as file:
                self.assertIn(".bg{fill:%s}" % fill, file.read())

    def test_errors_are_sentences_with_their_exit_code(self):
        out = os.path.join(self.folder, "out.svg")
        for code, part, arguments in (
                (3, "there is no object of a type 'Nothing'", ["why", self.file, "type:Nothing"]),
                (3, "no object fits: name = 'no such name'\n", ["why", self.file, "where:name = 'no such name'"]),
                (3, "no object fits: 0", ["graph", self.file, "where:0", "-o", out]),
                (2, "'nothing' names no object", ["why", self.file, "nothing"]),
                (2, "no such column: no_column", ["why", self.file, "where:no_column"]),
                (2, "where to?", ["graph", self.file, "id:1"]),
                (2, "ends in none of", ["graph", self.file, "id:1", "-o", "x.gif"]),
                (2, "is no format", ["graph", self.file, "id:1", "-o", "x", "--format", "gif"]),
                (2, "is no theme", ["graph", self.file, "id:1", "-o", out, "--theme", "pink"]),
                (2, "--max-depth takes a number", ["graph", self.file, "id:1", "-o", out, "--max-depth", "0"]),
                (3, "No such file or directory", ["graph", self.file, "id:1", "-o", self.folder + "/no/out.svg"]),
                (3, "/missing.htrail", ["why", self.folder + "/missing.htrail", "id:1"])):
            result = run(*arguments)
            self.assertEqual(result.returncode, code, (arguments, result.stderr))
            self.assertIn(part, result.stderr.decode())
            self.assertEqual(result.stdout, b"")
        self.assertFalse(os.path.exists(out))

    def test_a_full_disk_leaves_what_was_there(self):
        for out in ("/dev/full",):
            with open(out, "wb") as full:
                result = subprocess.run([HEAPTRAIL, "graph", self.file, "id:1", "-o", "-"], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(result.returncode, 3)
            self.assertIn(b"No space left on device", result.stderr)
            self.assertEqual(result.stderr.count(b"\n"), 1)

    def test_one_card_is_no_cards(self):
        result = run("graph", self.file, "id:1", "-o", os.path.join(self.folder, "one.svg"))
        self.assertEqual(result.stdout.decode(), "%s/one.svg: 1 card, 0 arrows\n" % self.folder)


def asking(snapshot, choice):
    """Before the program ends it asks why of objects of its own, and looks whether it is so."""
    def last(cls):
        return textwrap.dedent("""
            import builtins, gc, json, random, sqlite3, subprocess
            %(snapshot)s
            subprocess.run([%(command)r, "load", %(file)r], check=True, stdout=subprocess.DEVNULL)
            database = sqlite3.connect(%(file)r + ".db")
            ids = [row[0] for row in database.execute("SELECT id FROM object WHERE NOT is_pseudo ORDER BY id")]
            %(choice)s
            results = []
            for id_ in chosen:
                output = subprocess.run([%(command)r, "why", "--json", %(file)r, "id:%%d" %% id_], stdout=subprocess.PIPE, check=True).stdout
                answer = json.loads(output)
                expression, right = answer["expression"], None
                if expression is not None:
                    try:
                        right = id(eval(expression, {"sys": sys, "gc": gc, "builtins": builtins})) == answer["rows"][-1]["address"]
                    except Exception as error:
                        right = repr(error)
                results.append((expression, right))
            json.dump(results, open(%(results)r, "w"))
        """) % {"command": HEAPTRAIL, "file": cls.file, "results": os.path.join(cls.folder, "expressions.json"), "snapshot": snapshot.replace("PATH", repr(cls.file)), "choice": textwrap.dedent(choice).strip()}
    return last


class Leak(Snapshots, unittest.TestCase):
    program = LEAK

    last = classmethod(asking("walk()", """
            chosen = [row[0] for row in database.execute("SELECT id FROM object WHERE type = '__main__.Task' ORDER BY id DESC LIMIT 8")]
            chosen += [row[0] for row in database.execute("SELECT id FROM object WHERE type IN ('cell', 'staticmethod', 'property') ORDER BY id LIMIT 8")]
            chosen += random.Random(7).sample(ids, 60)"""))

    def test_an_expression_leads_to_the_object(self):
        with open(os.path.join(self.folder, "expressions.json")) as file:
            results = json.load(file)
        self.assertEqual([result for result in results if result[1] not in (True, None)], [])
        self.assertGreater(sum(result[1] is True for result in results), len(results) // 3)

    def test_the_expression_of_the_issue(self):
        address = self.why_json("type:Task")["rows"]
        rows = [row for row in self.why_json("--all", "type:__main__.Task")["rows"] if row["label"] == "leak"]
        self.assertEqual(len(rows), 1, address)
        last = self.why("where:type = '__main__.Task' AND holder = %d AND holder_label = '500'" % rows[0]["id"])
        self.assertIn("\nsys.modules['__main__'].keep.leak[500]\n", last)

    def test_a_local_variable_of_a_running_frame_is_under_the_frame(self):
        chains = self.why("--all", "type:Task")
        self.assertRegex(chains, r"(?m)^frame walk at <string>:\d+$")
        self.assertIn("-local local-", chains)

    def test_all_objects_come_some_way(self):
        counts = [int(count.replace(",", "")) for count in re.findall(r"(?m)^ *([\d,]+) comes? through", self.why("--all", "type:Task"))]
        self.assertEqual(sum(counts), 607)
        self.assertEqual(max(counts), 600)

    def test_the_way_of_most_objects_comes_first(self):
        counts = [int(count.replace(",", "")) for count in re.findall(r"(?m)^ *([\d,]+) comes? through", self.why("--all", "type:Task"))]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertRegex(self.why("type:Task"), r"\Aof 607 objects, retaining [\d.]+ KiB together:\n  600 come through keep.leak, list id:")

    def test_json_has_a_row_a_step_with_the_names_of_the_sql(self):
        answer = self.why_json("type:Keep")
        self.assertEqual((answer["command"], answer["format"]), ("why", 1))
        self.assertEqual([row["type"] for row in answer["rows"]], ["dict", "module", "dict", "__main__.Keep"])
        self.assertEqual([row["step"] for row in answer["rows"]], [0, 1, 2, 3])
        self.assertEqual(answer["rows"][0]["root_kind"], "sys.modules")
        self.assertEqual(answer["expression"], "sys.modules['__main__'].keep")
        database = sqlite3.connect(self.file + ".db")
        for row in answer["rows"]:
            found = database.execute("SELECT type, name, length, size, refcount, holder_label FROM object WHERE id = ?", [row["id"]]).fetchone()
            self.assertEqual(found, tuple(row[key] for key in ("type", "name", "length", "size", "refcount", "label")))
        database.close()

    def test_the_query_is_shown_on_request(self):
        result = run("why", "--json", "--show-sql", self.file, "type:Keep")
        self.assertIn(b"WITH RECURSIVE", result.stderr)


class Covered(Snapshots, unittest.TestCase):
    """Classes that answer something else than what their objects hold."""
    program = COVERED
    last = classmethod(asking("heaptrail.snapshot(PATH)", """
            chosen = [row[0] for row in database.execute("SELECT id FROM object WHERE type = '__main__.Item' ORDER BY id")]"""))

    def test_an_expression_leads_to_the_object_past_its_class(self):
        with open(os.path.join(self.folder, "expressions.json")) as file:
            results = json.load(file)
        self.assertEqual([result for result in results if result[1] not in (True, None)], [])
        found = {expression for expression, right in results if right}
        for expression in ("hidden.__dict__['y']", "dict.__getitem__(@.strict, 'k')", "missing['k']", "pair[1]", "items[0]", "list.__getitem__(@.no_items, 0)",
                           "slots.first", "WithMeta.__dict__['thing']", "queue[0]"):
            expression = expression if "@" in expression else "@." + expression
            self.assertIn(expression.replace("@", "sys.modules['__main__']"), found)
        self.assertTrue(any(re.match(r"next\(v for v in sys.modules\['__main__'\].numbers.values\(\) if id\(v\) == 0x[0-9a-f]+\)$", text) for text in found), found)
        self.assertEqual(sum(expression is None for expression, right in results), 2)

    def test_it_says_where_there_is_none(self):
        chain = self.why("where:holder_label = 'x' AND type = '__main__.Item'")
        self.assertIn("\nno expression: Python has no sure way from __main__.Guarded to .x\n", chain)


class Registry(Snapshots, unittest.TestCase):
    """Many classes that are held in the same way."""
    program = """
        registry = [type("Made%d" % (number % 50), (), {"__slots__": ()}) for number in range(200)]
    """
    classes = "where:type = 'type' AND name LIKE '__main__.Made%'"

    def test_classes_of_many_names_come_one_way(self):
        self.assertRegex(self.why(self.classes), r"\Aof 200 objects, retaining \S+ \S+ together, 200 come through .*, by 50 names of class\n")

    def test_the_picture_has_one_card_for_them(self):
        svg = self.graph("registry.svg", self.classes)
        self.assertIn("class", self.texts(svg, "t"))
        self.assertFalse([text for text in self.texts(svg, "t") if "more" in text])
        self.assertTrue(any(text.startswith("50 names") for text in self.texts(svg, "s")), self.texts(svg, "s"))
        self.assertIn("class", self.texts(self.graph("dicts.svg", "where:holder_label = '__dict__' AND holder IN (SELECT id FROM object WHERE name LIKE '__main__.Made%')"), "t"))


class Names(Snapshots, unittest.TestCase):
    program = NAMES

    def test_no_name_is_taken_for_markup(self):
        svg = self.graph("names.svg", "where:module IN (SELECT name FROM module) AND type NOT IN ('str', 'dict') AND depth > 0", "--max-depth", "3")
        views = ([], ["--raw"], ["--backrefs"], ["--refs", "--info", "name || type"], ["--chain", "--attr", "kind=type || name", "--highlight", "1"])
        for number, extra in enumerate(("where:holder_label LIKE '%script%'", "where:type LIKE '%href%'", "where:type LIKE '%CDATA%'", "where:type LIKE '%' || char(10) || '%'", "where:length(type) > 300",
                      "where:type LIKE '%control%'", "where:type LIKE '%reorder%'", "where:type LIKE '%wide%'", "where:name LIKE '%quote%' AND type = 'module'",
                      "where:type LIKE '%html%'")):
            svg = self.graph("names.svg", extra, *views[number % len(views)])
            allowed = {SVG + name for name in ("svg", "title", "style", "rect", "text", "g", "path", "polygon", "circle")}
            self.assertLessEqual({element.tag for element in svg.iter()}, allowed, extra)
            for element in svg.iter():
                self.assertFalse([name for name in element.keys() if "href" in name or name.startswith("on")], extra)
            for text in svg.itertext():
                self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
            for text in self.texts(svg, "t"):
                self.assertLessEqual(len(text), 34)
            tree = run("graph", self.file, extra, "-o", "-", "--format", "txt", *views[(number + 1) % len(views)]).stdout.decode()
            self.assertNotRegex(tree, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
            why = run("why", self.file, extra)
            self.assertEqual(why.returncode, 0, why.stderr)
            self.assertNotRegex(why.stdout.decode(), "[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]")
            json.loads(run("why", "--json", self.file, extra).stdout.decode())

    def test_dot_reads_every_name(self):
        path = self.graph("names.dot", "where:holder_label LIKE '%script%' OR type LIKE '%href%' OR type LIKE '%N%G%E%' OR type LIKE '%quote%' OR type LIKE '%html%'")
        drawn = subprocess.run(["dot", "-Tsvg", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((drawn.returncode, drawn.stderr), (0, b""))
        texts = "".join(ElementTree.fromstring(drawn.stdout).itertext())
        self.assertIn("\\N\\G\\E\\", texts)
        self.assertIn("quote\"quote", texts)
        self.assertIn("<<b>html</b>>", texts)


class Big(Snapshots, unittest.TestCase):
    program = BIG

    def test_big_heaps_give_small_pictures_in_time(self):
        for selector, cards in (("type:Hub", 12), ("where:type = 'NoneType'", 22), ("type:Node", 8), ("type:Leaf", 12), ("type:list", 40), ("where:1", 43)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            svg = self.graph("big.svg", selector)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            self.assertLess(seconds, 4 if "asan" in BUILD else 2, selector)
            drawn = [group for group in svg.iter(SVG + "g") if (group.get("class") or "").split()[:1] == ["n"]]
            self.assertLessEqual(len(drawn), cards, selector)
            self.assertLess(float(svg.get("width")), 3000, selector)

    def test_a_long_chain_is_printed_by_its_ends(self):
        database = sqlite3.connect(self.file + ".db") if os.path.exists(self.file + ".db") else None
        if database is None:
            self.why("type:Hub")
            database = sqlite3.connect(self.file + ".db")
        deepest = database.execute("SELECT id, depth FROM object ORDER BY depth DESC LIMIT 1").fetchone()
        database.close()
        self.assertGreater(deepest[1], 100000)
        lines = self.why("id:%d" % deepest[0]).splitlines()
        self.assertLess(len(lines), 60)
        self.assertRegex("\n".join(lines), r"\n  \.\.\. (?:9\d{4}|1\d{5}|\d{2,3},\d{3}) more steps \.\.\.\n")
        self.assertEqual(len(self.why_json("id:%d" % deepest[0])["rows"]), deepest[1] + 1)


if __name__ == "__main__":
    unittest.main()
