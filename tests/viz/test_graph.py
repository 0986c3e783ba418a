"""What `heaptrail graph` can be asked for, on heaps written as text: each picture's cards, arrows and words."""
import contextlib
import json
import os
import pty
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("B", os.path.join(ROOT, "build/release"))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(BUILD, "heaptrail"))
SVG = "{http://www.w3.org/2000/svg}"

# Two clients that were there before, and a third one with its frames that were not.
LEAK = """
let n 100
let old 40
meta runtime cpython 3.11.2
meta pid 4711
root modules modules modules
modules   dict   -          : value app app
app       module app        : field __dict__ globals
globals   dict   -          : value frames frames, value current frame[3], value None None
frames    list   -          : index - frame[*]
frame[n]  app.Frame -       size=100 : attr data data[$]
data[n]   bytearray -       size=1000
None      NoneType - size=16 immortal
"""

# Who refers to an object: a list, two dicts by the same key, a frame; and what refers to those.
AROUND = """
meta runtime cpython 3.11.2
thread 4711 main
frame 4711 0 run server.py:65 object=running
root modules modules modules
root frame running run~at~server.py:65 thread=4711
running   frame  - pseudo : local box box
modules   dict   -          : value app app
app       module app        : field __dict__ globals
globals   dict   -          : value boxes boxes, value first one[0], value hidden Hidden
boxes     list   -          : index - box
one[2]    dict   -          : value key box
late      list   -          : index - one[1]
root c_global late _queue.so
box       app.Box -         : attr left left, attr right right
left      app.Half -        : attr shared shared
right     app.Half -        : attr shared shared
shared    bytearray -       size=1000
Hidden    app.Hidden -      : attr of box
"""

CLASSES = """
root c_global box a.so
root c_global shared a.so
box app.Box - : attr entries entries, field __class__ Box
entries dict - length=2 : key - shared, value a one, key - own, value b two
shared str - size=50
own str - size=5000
one app.One -
two app.Two -
Box type app.Box : field __base__ Base
Base type app.Base
"""

FRAMES = """
thread 1 main
thread 2
frame 1 0 run server.py:65 object=run[0]
frame 2 0 run server.py:65 object=run[1]
root frame run[0] run~at~server.py:65 thread=1
root frame run[1] run~at~server.py:65 thread=2
let n 2
run[n] frame - pseudo : local box box[$]
box[n] app.Box - : attr KEY half[$]
half[n] app.Half -
"""

# A writer whose tasks hold methods that are bound to it, and one that a frame's list holds too.
BOUND = """
root c_global writer a.so
root c_global late a.so
let n 30
writer app.Writer - : attr tasks tasks
tasks list - : index - call[*]
call[n] method app.Writer.write : attr __self__ writer, attr data data[$]
data[n] app.Data -
late list - : index - other[*]
other[2] method app.Writer.close : attr __self__ shared
shared app.Shared - : attr tasks more
more list - : index - again[*]
again[n] method app.Shared.write : attr __self__ shared
"""

KEYED = """
root c_global cache a.so
root c_global many a.so
let n 2000
cache app.Cache - : attr entries entries
entries dict - length=2000 : key - name[*], value k$ entry[*]
name[n] str~$ -
entry[n] app.Entry -
many app.Many - : attr all all
all list - : index - user[*]
let u 250
user[u] app.User - : attr a KA, attr b KB, attr c KC, attr d KD, attr e KE, attr f KF, attr g KG, attr h KH
KA app.A -
KB app.B -
KC app.C -
KD app.D -
KE app.E -
KF app.F -
KG app.G -
KH app.H -
"""

MANY = """
root modules modules modules
modules dict - : value app app
app module app : field __dict__ globals
globals dict - : value kept kept
kept dict - : value all all
let n 25000
all list - : index - item[*]
item[n] app.Item -
"""

# Three generators that run, each held by the frame that waits for it; a frame that is its own root.
RUNNING = """
meta runtime cpython 3.11.2
meta pid 4711
thread 4711 main
let n 3
frame 4711 0 events sse.py:40 object=generator[0]
frame 4711 1 get sse.py:56 object=get
root frame generator[*] events~at~sse.py:40 thread=4711
root frame get get~at~sse.py:56 thread=4711
generator[n] generator app.events : local data data[$]
data[n] bytearray - size=1000
get frame - pseudo : index - generator[*]
"""

# All boxes are in a list, and one of them in a local variable; three functions are in a table of their own, all others in two.
FEW = """
thread 4711 main
frame 4711 0 main record.py:88 object=main
root frame main main~at~record.py:88 thread=4711
root c_global boxes a.so
root c_global own a.so
root c_global table a.so
root c_global other a.so
let n 40
boxes app.Boxes - : attr all all
all list - : index - box[*]
main frame - pseudo : local box box[7]
box[n] app.Box - size=100
own dict - : value f early[*]
early[3] function app.call
table tuple - : index - call[*]
other tuple - : index - call[*]
call[n] function app.call
"""

SHAPES = {
    "star": ("root c_global hub a.so\nlet n 20000\nhub list - : index - leaf[*]\nleaf[n] app.Leaf -", ("type:app.Leaf", "type:list")),
    "chain": ("root c_global node[0] a.so\nlet n 20000\nnode[n] app.Node - : attr next node[$+1]", ("type:app.Node", "id:20000", "id:10000")),
    "none": ("root c_global all a.so\nlet n 20000\nall list - : index - some[*]\nsome[n] app.Some - : attr nothing None\nNone NoneType - immortal", ("type:NoneType",)),
    "clique": ("root c_global node[0] a.so\nlet n 100\nnode[n] app.Node - : index - node[*]", ("type:app.Node", "id:50")),
    "ring": ("root c_global other a.so\nlet n 1000\nother list -\nnode[n] app.Node - : attr next node[$+1%n]", ("type:app.Node", "id:500")),
    "alone": ("root c_global other a.so\nother list -\nalone app.Alone - pseudo", ("type:app.Alone", "type:list")),
    "kinds": ("root c_global all a.so\nlet n 2000\nall dict - : value k$ item[*]\nitem[n] app.Item~$ - : attr a_$ thing[$], attr b_$ thing[0]\nthing[n] app.Thing -", ("type:app.Thing", "type:dict")),
}
VIEWS = [], ["--raw"], ["--chain"], ["--backrefs"], ["--refs"], ["--raw", "--backrefs"], ["--raw", "--refs"]


def run(*arguments, **options):
    return subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


class Heap:
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="graph-", dir=os.environ.get("TEST_TMP"))
        cls.prepare()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def ask(self, *arguments):
        result = run("graph", self.file, *arguments, "-o", "-")
        self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
        return result.stdout

    def svg(self, *arguments):
        data = self.ask(*arguments)
        lint = subprocess.run(["xmllint", "--noout", "--nonet", "-"], input=data, stderr=subprocess.PIPE)
        self.assertEqual((lint.returncode, lint.stderr), (0, b""), arguments)
        return ElementTree.fromstring(data)

    def tree(self, *arguments):
        return self.ask(*arguments, "--format", "txt").decode()

    def cards(self, svg):
        """title: the group, of each card."""
        groups = [group for group in svg.iter(SVG + "g") if (group.get("class") or "").split()[:1] == ["n"]]
        return {next((text.text for text in group.iter(SVG + "text") if text.get("class") == "t"), ""): group for group in groups}

    def words(self, group, kind):
        return [text.text for text in group.iter(SVG + "text") if text.get("class") == kind]


class Options(Heap, unittest.TestCase):
    @classmethod
    def prepare(cls):
        cls.file = graph_file.snapshot(LEAK, cls.folder, "after")
        cls.before = graph_file.snapshot(LEAK, cls.folder, "before", n=40)

    def test_what_is_new_has_a_pill_with_its_number(self):
        svg = self.svg("type:app.Frame", "--since", self.before)
        cards = self.cards(svg)
        self.assertEqual(self.words(svg, "p"), ["60 NEW", "NEW"])  # the other one is the legend's
        self.assertEqual(self.words(cards["list"], "p"), [])
        self.assertIn("not in before.htrail", self.words(svg, "s"))
        self.assertRegex(self.tree("type:app.Frame", "--since", self.before), r"app\.Frame × 99 · .* 60 NEW \(asked for\)")

    def test_without_an_earlier_snapshot_nothing_is_new(self):
        self.assertNotIn(b"NEW", self.ask("type:app.Frame"))

    def test_an_earlier_snapshot_of_another_process_is_refused(self):
        other = graph_file.snapshot(LEAK.replace("4711", "4712"), self.folder, "other")
        result = run("graph", self.file, "type:app.Frame", "--since", other, "-o", "-")
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertIn(b"they are of two processes", result.stderr)

    def test_raw_has_a_card_for_each_object_and_counts_the_others(self):
        tree = self.tree("type:app.Frame", "--raw")
        self.assertEqual(len(re.findall(r"\] *[━┄]+[▶▷] app\.Frame", tree)), 7, tree)  # five of a holder, and the one that is held twice, twice
        self.assertIn("─▷ 94 more objects (not drawn)\n", tree)
        self.assertIn("one card an object", tree)
        for place in 0, 1:
            self.assertIn("━[%d]━▶ app.Frame" % place, tree)  # where it stands, as `why` says it
        self.assertIn("━[i]━▶ app.Frame × 99", self.tree("type:app.Frame"))

    def test_chain_draws_one_object_and_nothing_beside_its_chain(self):
        tree = self.tree("type:app.Frame", "--chain")
        self.assertEqual(tree.splitlines()[0], "What keeps this app.Frame alive?")
        self.assertEqual(tree.count("app.Frame ·"), 1, tree)
        self.assertIn("1 item · 1 more holder,", tree)
        self.assertNotIn("not drawn", tree)

    def test_highlight_info_attr_and_refcounts_say_what_was_asked(self):
        svg = self.svg("type:app.Frame", "--raw", "--highlight", "holder_label = '1'", "--info", "'<' || id || '>'", "--attr", "kind=type || '\"<'", "--attr", "size=size", "--refcounts")
        cards = [group for group in svg.iter(SVG + "g") if (group.get("class") or "").startswith("n")]
        yellow = [group for group in cards if "H" in group.get("class").split()]
        self.assertEqual(len(yellow), 1)
        self.assertEqual(yellow[0].get("data-kind"), "app.Frame\"<")
        self.assertEqual(yellow[0].get("data-size"), "100")
        self.assertTrue(any(re.match(r"^<\d+>$", text) for text in self.words(yellow[0], "s")))
        self.assertTrue(any(text.endswith("refcount 1") for text in self.words(yellow[0], "s")))
        self.assertIn("highlighted", self.words(svg, "s"))
        merged = self.svg("type:app.Frame", "--info", "id")
        self.assertTrue(any(text.endswith(", others differ") for text in self.words(merged, "s")))
        dot = self.ask("type:app.Frame", "--attr", "shape='ellipse'", "--format", "dot")
        plain = subprocess.run(["dot", "-Tplain"], input=dot, stdout=subprocess.PIPE, check=True).stdout
        self.assertIn(b" ellipse ", plain)

    def test_raw_has_a_card_for_each_frame_and_no_label_is_cut_where_names_are_long(self):
        key = "k" * 60
        file, self.file = self.file, graph_file.snapshot(FRAMES.replace("KEY", key), self.folder, "frames")
        try:
            self.assertIn("frame run at server.py:65 × 2", self.tree("type:app.Box"))
            self.assertEqual(self.tree("type:app.Box", "--raw").count("frame run at server.py:65\n"), 2)
            self.assertNotIn(key, self.tree("type:app.Half"))
            self.assertIn(key, self.tree("type:app.Half", "--long-names"))
        finally:
            self.file = file

    def test_without_a_layout_the_picture_is_a_tree_and_the_command_says_so(self):
        """The child that lays out is given no time: the command may not use more than a second, and so cannot hand it two."""
        def limit():
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534) # who is root may have more
            resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        whole = self.tree("type:app.Frame")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o777)
        for file in HEAPTRAIL, self.file, self.file + ".db":
            os.chmod(shutil.copy2(file, folder), 0o777) # where everybody may read them
        out = os.path.join(folder, "late.svg")
        done = subprocess.run([os.path.join(folder, "heaptrail"), "graph", os.path.join(folder, os.path.basename(self.file)), "type:app.Frame", "-o", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit, universal_newlines=True)
        self.assertEqual((done.returncode, done.stderr), (0, "heaptrail graph: the layout of '%s' did not end in time: the picture is a tree in '%s.txt'; a .dot file needs no layout\n" % (out, out)))
        self.assertRegex(done.stdout, r"late\.svg\.txt: \d+ cards, \d+ arrows\n$")
        self.assertFalse(os.path.exists(out))
        with open(out + ".txt") as tree:
            self.assertEqual(tree.read(), whole)

    def test_a_tree_keeps_to_the_width_and_to_the_letters_of_a_terminal(self):
        whole = self.tree("type:app.Frame")
        self.assertGreater(max(map(len, whole.splitlines())), 60)
        narrow = self.tree("type:app.Frame", "--width", "40")
        self.assertLessEqual(max(map(len, narrow.splitlines())), 40)
        self.assertIn("…", narrow)
        for line in "sys.modules", "app.Frame × 99":
            self.assertIn(line, narrow)
        end, terminal = pty.openpty()
        environ = dict(os.environ, LC_ALL="C", COLUMNS="50", TERM="xterm")
        done = subprocess.run([HEAPTRAIL, "graph", self.file, "type:app.Frame", "-f", "txt", "-o", "-"], stdout=terminal, stderr=subprocess.PIPE, env=environ)
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError): # the end of what a terminal was shown
            while piece := os.read(end, 65536):
                shown += piece
        os.close(end)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = shown.decode("ascii").replace("\r", "").splitlines()
        self.assertLessEqual(max(map(len, lines)), 50)
        self.assertIn("app.Frame x 99", "\n".join(lines))
        self.assertTrue(any(line.endswith("=> module app - 1 item, 107.7 KiB") for line in lines), lines)

    def test_a_deep_tree_says_the_level_where_there_is_no_room_for_lines(self):
        file, self.file = self.file, graph_file.snapshot("root c_global node0 a.so\n" + "".join("node%d app.Node%d - : attr next node%d\n" % (i, i, i + 1) for i in range(30)) + "node30 app.Last -\n", self.folder, "deep")
        try:
            tree = self.tree("type:app.Last", "--chain", "--width", "44")
        finally:
            self.file = file
        self.assertLessEqual(max(map(len, tree.splitlines())), 44)
        self.assertIn("\n29 └━.next━▶ app.Node29", tree)

    def test_long_names_are_whole(self):
        file = graph_file.snapshot("root c_global a a.so\na app." + "N" * 60 + " -", self.folder, "long")
        short, long = (run("graph", file, "where:1", "-o", "-", "--format", "txt", *more).stdout.decode() for more in ([], ["--long-names"]))
        self.assertNotIn("N" * 60, short)
        self.assertIn("app." + "N" * 60, long)

    def test_tooltips_have_the_address_and_cards_have_anchors(self):
        svg = self.svg("type:app.Frame")
        tooltips = "\n".join(title.text for title in svg.iter(SVG + "title"))
        self.assertRegex(tooltips, r"for example id:\d+ at 0x[0-9a-f]+")
        self.assertIn("at 0x%x" % graph_file.address("frames"), tooltips)
        anchors = [group.get("id") for group in svg.iter(SVG + "g") if group.get("id")]
        self.assertEqual(len(anchors), len(set(anchors)))
        self.assertGreaterEqual(len(anchors), 5)

    def test_every_format_is_the_same_twice_and_of_its_kind(self):
        for name, magic in (("svg", b"<svg"), ("dot", b"digraph"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("txt", b"What keeps")):
            first, second = (self.ask("type:app.Frame", "--format", name) for _ in range(2))
            self.assertEqual(first, second, name)
            self.assertTrue(first.startswith(magic), name)
            path = os.path.join(self.folder, "out." + name)
            result = run("graph", self.file, "type:app.Frame", "-o", path)
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            with open(path, "rb") as file:
                self.assertEqual(file.read(), first)
        self.assertNotIn(b"CreationDate", self.ask("type:app.Frame", "--format", "pdf"))

    def test_wrong_use_is_a_sentence(self):
        for part, arguments in (
                ("one of --chain, --backrefs and --refs", ["--chain", "--refs"]),
                ("--filter is for --backrefs and --refs", ["--filter", "1"]),
                ("--extra-ignore is for --backrefs and --refs", ["--extra-ignore", "id:1"]),
                ("--highlight: no expression over the object table: no_column: no such column", ["--highlight", "no_column"]),
                ("--info: no expression", ["--info", "1, 2"]),
                ("--info: no expression", ["--info", "1) FROM object; DELETE FROM object WHERE (1"]),
                ("--attr takes NAME=SQL", ["--attr", "on click=1"]),
                ("--attr size is there twice", ["--attr", "size=1", "--attr", "size=2"]),
                ("--extra-ignore: 'x' names no object", ["--refs", "--extra-ignore", "x"])):
            result = run("graph", self.file, "type:app.Frame", "-o", "-", *arguments)
            self.assertEqual((result.returncode, result.stdout), (2, b""), arguments)
            self.assertIn(part, result.stderr.decode())


class Fresh(Heap, unittest.TestCase):
    """What has a pill is what `diff --objects new` lists, on a program that replaces half of what it has."""
    PROGRAM = """
import gc, heaptrail, random, sys
class Record:
    def __init__(self, number):
        self.number, self.pair, self.names, self.more = number + 1000, (number, str(number)), {"a": [number]}, {str(number): {}}
rng = random.Random(5)
keep = [Record(number) for number in range(2000)]
table = {number: Record(number) for number in range(500)}
gc.collect()
heaptrail.snapshot(sys.argv[1])
for number in range(2000):
    if rng.random() < 0.5: keep[number] = Record(number)
table.update((number, Record(number)) for number in range(400, 900))
heaptrail.snapshot(sys.argv[2])
"""

    @classmethod
    def prepare(cls):
        cls.before, cls.file = os.path.join(cls.folder, "before.htrail"), os.path.join(cls.folder, "after.htrail")
        environ = dict(os.environ)
        environ.setdefault("PYTHONPATH", os.path.join(BUILD, "python%d.%d" % sys.version_info[:2]))
        subprocess.run([sys.executable, "-c", cls.PROGRAM, cls.before, cls.file], env=environ, check=True)

    def test_it_agrees_with_the_query(self):
        rows = json.loads(run("diff", self.before, self.file, "--objects", "new", "--json", "-n", "0").stdout)["rows"]
        new = {row["id"] for row in rows}
        self.assertGreater(len(new), 3000)
        rng = random.Random(11)
        with contextlib.closing(sqlite3.connect(self.file + ".db")) as database:
            for kind in "dict", "tuple", "str", "list", "int", "__main__.Record":
                ids = [row[0] for row in database.execute("SELECT id FROM object WHERE type = ? AND depth > 2 ORDER BY id", [kind])]
                for is_new in True, False:
                    some = rng.sample([id_ for id_ in ids if (id_ in new) == is_new], 5)
                    lines = self.tree(*("id:%d" % id_ for id_ in some), "--raw", "--since", self.before).splitlines()
                    cards = [line for line in lines if "(asked for)" in line and "(above)" not in line]
                    self.assertEqual((len(cards), sum(" NEW " in line for line in cards)), (5, 5 * is_new), (kind, lines))


class Running(Heap, unittest.TestCase):
    """What a root holds directly is no part of the root's card, unless it is the root."""
    @classmethod
    def prepare(cls):
        cls.file = graph_file.snapshot(RUNNING, cls.folder, "running")

    def test_what_a_frame_root_holds_has_its_card_with_count_and_bytes(self):
        for view in [], ["--backrefs"]:
            tree = self.tree("type:generator", *view)
            self.assertRegex(tree, r"\nframe events at sse\.py:40 × 3\n", view)
            self.assertRegex(tree, r"▷ generator app\.events × 3 .*3\.[0-9] KiB \(asked for\)", view)
        self.assertEqual(len(re.findall(r"▷ generator app\.events.* \d.* B \(asked for\)|▷ generator app\.events.*KiB \(asked for\)", self.tree("type:generator", "--raw"))), 3)
        self.assertIn("S", self.cards(self.svg("type:generator"))["generator app.events"].get("class").split())
        self.assertRegex(self.tree("type:generator", "--refs"), r"generator app\.events × 3")

    def test_a_frame_that_was_asked_for_is_one_card_with_its_bytes(self):
        tree = self.tree("type:frame")
        self.assertRegex(tree, r"\nframe get at sse\.py:56 .*B \(asked for\)\n")
        self.assertEqual(tree.count("frame get"), 1)


class Few(Heap, unittest.TestCase):
    """An arrow speaks for the whole card, or says of how many of its objects."""
    @classmethod
    def prepare(cls):
        cls.file = graph_file.snapshot(FEW, cls.folder, "few")

    def test_one_loop_variable_does_not_hide_what_holds_all_others(self):
        for view in [], ["--backrefs"]:
            tree = self.tree("type:app.Box", *view)
            self.assertRegex(tree, r"━\[i\] · 39 of 40━▶ app\.Box", view)
            self.assertRegex(tree, r"┄local box · 1 of 40┄▷ app\.Box", view)
        self.assertIn("━[i] · 39 of 40━▶ app.Box", self.tree("type:app.Boxes", "--refs"))
        self.assertIn("[i] · 39 of 40", [text.text for text in self.svg("type:app.Box").iter(SVG + "text")])

    def test_who_holds_a_few_alone_is_one_of_several_holders_of_the_card(self):
        tree = self.tree("type:function", "--backrefs", "--max-depth", "1")
        self.assertRegex(tree, r"┄\['f'\] · 3 of 43┄▷ function app\.call × 43")
        self.assertEqual(len(re.findall(r"┄\[i\] · 40 of 43┄▷ function", tree)), 1, tree)
        self.assertNotIn("━", tree.split("the only holder")[0])


class Around(Heap, unittest.TestCase):
    @classmethod
    def prepare(cls):
        cls.file = graph_file.snapshot(AROUND, cls.folder, "around")

    def test_backrefs_draws_every_referrer_and_says_how_each_holds(self):
        tree = self.tree("type:app.Box", "--backrefs")
        self.assertEqual(tree.splitlines()[0], "Who refers to 1 app.Box object?")
        for line in ("frame run at server.py:65", "local box┄▷ app.Box", "['key']┄▷ app.Box", "[i]┄▷ app.Box", ".of┄▷ app.Box"):
            self.assertIn(line, tree)
        self.assertIn("['boxes']━▶ list", tree)
        self.assertIn("['first']", tree)
        self.assertIn("module app\n", re.sub(r" · .*", "", tree))
        self.assertNotIn("sys.modules", self.tree("type:app.Box", "--backrefs", "--max-depth", "6"), "a module is not followed")

    def test_all_roots_stand_at_the_top(self):
        heights = [circle.get("cy") for circle in self.svg("type:app.Box").iter(SVG + "circle")]
        self.assertGreaterEqual(len(heights), 2)
        self.assertEqual(len(set(heights)), 1, heights)

    def test_refs_draws_what_it_refers_to_once(self):
        tree = self.tree("type:app.Box", "--refs")
        self.assertEqual(tree.splitlines()[0], "What does 1 app.Box object refer to?")
        self.assertRegex(tree, r"━\.left━▶ app\.Half")
        self.assertRegex(tree, r"━\.right━▶ app\.Half")
        self.assertEqual(len(re.findall(r"┄\.shared┄▷ bytearray", tree)), 2)
        self.assertEqual(tree.count("(above)"), 1)

    def test_refs_do_not_follow_classes_and_leave_out_keys_that_others_hold(self):
        file, self.file = self.file, graph_file.snapshot(CLASSES, self.folder, "classes")
        try:
            tree = self.tree("type:app.Box", "--refs")
            self.assertIn("·  1 module or class not followed · 1 shared key left out".replace("  ", " "), tree)
            self.assertIn("class app.Box", tree)
            self.assertNotIn("Base", tree)
            self.assertEqual(tree.count("─key"), 0, tree)
            self.assertEqual(tree.count("━key"), 1, tree)  # what the dict alone holds would go with it
            self.assertIn("Base", self.tree("where:name = 'app.Box'", "--refs"))
            self.assertEqual(self.tree("type:app.Box", "--refs", "--raw").count("key"), 2)
        finally:
            self.file = file

    def test_max_depth_filter_and_extra_ignore_leave_out(self):
        near = self.tree("type:app.Box", "--backrefs", "--max-depth", "1")
        self.assertNotIn("module", near)
        self.assertIn(", 1 step,", near)
        filtered = self.tree("type:app.Box", "--backrefs", "--filter", "type = 'list'")
        self.assertIn("list", filtered)
        self.assertNotIn("dict", filtered)
        ignored = self.tree("type:app.Box", "--backrefs", "--extra-ignore", "type:app.Hidden", "--extra-ignore", "type:list")
        self.assertNotIn("Hidden", ignored)
        self.assertNotIn("─▷ list", ignored)
        self.assertRegex(filtered, r" · without \d+ objects by --filter · heap")
        self.assertRegex(ignored, r" · without [2-9] objects by --extra-ignore · heap")
        self.assertNotIn("without", near)

    def test_what_is_left_out_downwards_is_references(self):
        file, self.file = self.file, graph_file.snapshot(KEYED, self.folder, "keyed")
        try:
            self.assertIn("3,000 more references", self.tree("type:app.Cache", "--refs", "--max-depth", "2"))
            # 2,000 to keys and 4 to values are drawn
            self.assertIn("1,996 more references", self.tree("type:app.Cache", "--refs", "--max-depth", "2", "--too-many", "5000"))
            # Of eight kinds under one card two are drawn no more: each is referred to 250 times, as one object.
            self.assertIn("750 more references", self.tree("type:app.Many", "--refs", "--max-depth", "3", "--too-many", "5000"))
        finally:
            self.file = file

    def test_too_many_counts_the_rest(self):
        tree = self.tree("type:app.Box", "--backrefs", "--too-many", "2", "--max-depth", "1")
        self.assertIn("3 more referrers", tree)


    def why(self, *arguments):
        return run("why", self.file, *arguments)

    def test_why_to_finds_the_nearest_referrer_along_any_reference(self):
        chain = self.why("type:bytearray", "--to", "type = 'app.Hidden'")
        self.assertEqual((chain.returncode, chain.stderr), (0, b""))
        self.assertEqual([re.split(r" {2,}|, length| retained", line.strip())[0] for line in chain.stdout.decode().splitlines()],
                         ["app.Hidden", "-.of-----> app.Box", "-.left---> app.Half", "-.shared-> bytearray"])
        rows = json.loads(self.why("type:bytearray", "--to", "type = 'app.Hidden'", "--json").stdout)["rows"]
        self.assertEqual([(row["type"], row["label"]) for row in rows], [("app.Hidden", None), ("app.Box", "of"), ("app.Half", "left"), ("bytearray", "shared")])

    def test_why_to_ends_with_1_where_there_is_none(self):
        none = self.why("type:bytearray", "--to", "type = 'set'")
        self.assertEqual((none.returncode, none.stdout), (1, b""))
        self.assertEqual(none.stderr, b"heaptrail why: no object for which this holds leads to it: type = 'set'\n")
        self.assertEqual(self.why("type:list", "--to", "type = 'app.Box'").returncode, 1)
        self.assertEqual(self.why("type:list", "--to", "nothing at all").returncode, 2)


class Shapes(Heap, unittest.TestCase):
    """Any heap gives a picture that can be read, in time (bench/pictures.py has a million of each)."""
    @classmethod
    def prepare(cls):
        cls.files = {name: graph_file.snapshot(text + "\n", cls.folder, name) for name, (text, _) in SHAPES.items()}

    def test_every_shape_is_bounded_in_every_view(self):
        for name, (_, selectors) in SHAPES.items():
            self.file = self.files[name]
            for selector in selectors:
                for view in VIEWS:
                    before = resource.getrusage(resource.RUSAGE_CHILDREN)
                    svg = ElementTree.fromstring(self.ask(selector, *view))
                    after = resource.getrusage(resource.RUSAGE_CHILDREN)
                    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                    what = (name, selector, view)
                    self.assertLess(seconds, 6 if "asan" in BUILD else 2, what)
                    drawn = [group for group in svg.iter(SVG + "g") if (group.get("class") or "").split()[:1] == ["n"]]
                    self.assertGreaterEqual(len(drawn), 1, what)
                    self.assertLessEqual(len(drawn), 45, what)
                    self.assertLess(float(svg.get("width")), 3000, what)
                    self.assertTrue(any("S" in group.get("class").split() for group in drawn), what)

    def test_one_of_several_holders_has_the_others_beside_it_or_their_number(self):
        lonely = 0
        for name, (_, selectors) in SHAPES.items():
            self.file = self.files[name]
            for arguments in [[selector, *view] for selector in selectors for view in VIEWS[:3]]:
                dot = self.ask(*arguments, "--format", "dot").decode().replace("\\\n", "")
                cards = dict(re.findall(r'\n\tn(\d+)\t\[(.*?)\];', dot, re.DOTALL))
                arrows = re.findall(r'\n\tn\d+ -> n(\d+)\t\[(.*?)\];', dot, re.DOTALL)
                for to, arrow in arrows:
                    if "style=dashed" in arrow and sum(other == to for other, _ in arrows) == 1:
                        lonely += 1
                        self.assertRegex(cards[to], "more holder|held from below too", arguments)
        self.assertGreater(lonely, 5)

    def test_what_an_object_holds_is_no_further_holder_of_it_however_many(self):
        self.file = graph_file.snapshot(BOUND, self.folder, "bound")
        for few in [], ["--too-many", "5"]:
            tree = self.tree("type:app.Data", *few)
            self.assertNotIn("more holder", tree)
            self.assertNotIn("─▷", tree)
            self.assertRegex(tree, "━▶ app.Writer")
            self.assertRegex(self.tree("type:app.Shared", *few), r"━\[i\]━▶ method app\.Writer\.close × 2 .*\n +├┄\.__self__┄▷ app\.Shared · 1 item, ")

    def test_many_objects_leave_room_for_what_is_around_them(self):
        self.file = graph_file.snapshot(MANY, self.folder, "many")
        tree = self.tree("type:app.Item", "--backrefs")
        for line in ("['all']", "['kept']", "module app"):
            self.assertIn(line, tree)
        self.assertRegex(tree, r"app\.Item × 20,000\+ · 20,000 of 25,000 looked at, [\d.]+ MiB\+ \(asked for\)")
        self.assertRegex(tree, r" list · 25,000 items, [\d.]+ MiB\n")

    def test_what_is_left_out_is_said(self):
        self.file = self.files["star"]
        raw = self.tree("type:app.Leaf", "--raw")
        self.assertIn("20,000 objects, the first 1,000 looked at", raw)
        self.assertEqual(re.findall(r"[\d,]+ more .*", raw), ["995 more objects (not drawn)", "19,000 more not looked at (not drawn)"])
        self.assertRegex(self.tree("type:list", "--refs"), r"app\.Leaf × 1,000\+ · 1,000 of 20,000 references looked at, [\d.]+ KiB\+\n")
        self.assertIn("19,000 more references", self.tree("type:list", "--refs"))
        self.assertRegex(self.tree("type:list", "--refs", "--too-many", "20000"), r"app\.Leaf × 20,000 · [\d.]+ MiB\n")
        self.file = self.files["none"]
        self.assertIn("19,000 more referrers", self.tree("type:NoneType", "--backrefs"))
        self.file = self.files["chain"]
        self.assertRegex(self.tree("id:20000", "--chain"), r"\b19,993 steps left out")
        self.file = self.files["ring"]
        self.assertIn("garbage", self.tree("id:500"))
        self.file = self.files["clique"]
        self.assertRegex(self.tree("id:50", "--raw", "--backrefs"), r"\d+ more referrers")


if __name__ == "__main__":
    unittest.main()
