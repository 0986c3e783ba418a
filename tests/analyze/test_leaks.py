"""`heaptrail leaks` on heaps written as text (tests/graph): one for each kind of leak, and heaps that do not leak; and on
small programs."""
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../graph"), os.path.join(HERE, "..")]
import graph_file
import interpreters

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))

# What every heap of these tests has: a module, and a thousand records that stay.
MAIN = """
root modules modules modules
modules   dict   - : value __main__ main
main      module __main__ : field __dict__ globals
base      list   - size=8056 : index - steady[*]
steady[1000] app.Steady - size=48
"""


def snapshots(folder, text, numbers, **more):
    """A snapshot for each number: the text with n set to it."""
    return [graph_file.snapshot("let n %d\n" % n + MAIN + textwrap.dedent(text), folder, "%s%d" % (more.get("name", "s"), i)) for i, n in enumerate(numbers)]


def heaptrail(*words, code=0):
    done = subprocess.run([HEAPTRAIL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode != code:
        raise AssertionError("heaptrail %s ended with %d: %s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done.stdout, done.stderr


class Leaks(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="leaks.", dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def rows(self, text, numbers=(100, 200, 300, 400), options=()):
        return json.loads(heaptrail("leaks", "--json", *options, *snapshots(self.folder, text, numbers))[0])["rows"]

    def one(self, text, numbers=(100, 200, 300, 400)):
        rows = self.rows(text, numbers)
        self.assertEqual(len(rows), 1, [row["verdict"] for row in rows])
        return rows[0]

    LIST = """
    globals dict - : value keep keep, value base base
    keep app.Keep - : attr leak leak
    leak list - size=n*8+56 : index - record[*]
    record[n] app.Record - size=48 : attr data data[$]
    data[n] bytearray - size=1000
    """

    def test_one_container(self):
        row = self.one(self.LIST)
        self.assertEqual(row["verdict"], "keep.leak (list) grew by 100 Records in each of 3 intervals: +309.4 KiB retained, "
                         "held from sys.modules['__main__'].keep; confidence high")
        self.assertEqual((row["kind"], row["expression"], row["type"]), ("container", "sys.modules['__main__'].keep.leak", "app.Record"))
        self.assertEqual(row["retained"], 300 * (8 + 48 + 1000))
        self.assertEqual([step["type"] for step in row["chain"]], ["sys.modules", "dict", "module", "dict", "app.Keep", "list", "app.Record"])
        self.assertEqual([g["objects"] for g in row["growth"]], [100, 200, 300, 400])

    def test_what_several_containers_hold_together_is_one_leak(self):
        row = self.one("""
        globals dict - : value items items, value index index, value base base
        items list - size=n*8+56 : index - record[*]
        index dict - size=n*100 : pair number[*] record[*]
        record[n] app.Record - size=48
        number[n] int - size=32
        """)
        self.assertEqual((row["place"], row["also"], row["type"]), ("items", "index (dict)", "app.Record"))
        self.assertEqual(row["retained"], 300 * (8 + 100 + 48 + 32) - 300 * 100)

    def test_many_small_containers(self):
        row = self.one("""
        globals dict - : value users users, value base base
        users dict - : pair number[*] user[*]
        number[100] int -
        user[100] app.User - : attr history history[$]
        history[100] list - : index - event[$*n..$*n+n-1]
        event[n*100] app.Event - size=64
        """, (10, 20, 30, 40))
        self.assertEqual((row["kind"], row["place"], row["holders"], row["type"]), ("spread", "users[...].history", 100, "app.Event"))

    def test_a_linked_list(self):
        row = self.one("""
        globals dict - : value head node[0], value base base
        node[n] app.Node - size=48 : attr next node[$+1]
        """)
        self.assertEqual((row["kind"], row["place"], row["type"], row["retained"]), ("linked", "head", "app.Node", 300 * 48))
        growth = json.loads(row["growth"]) if isinstance(row["growth"], str) else row["growth"]
        self.assertEqual([one["objects"] for one in growth], [100, 200, 300, 400]) # the first link with them

    def test_a_linked_list_that_is_held_by_both_ends(self):
        files = []
        for n in (100, 200, 300, 400):
            text = """
            globals dict - : value line line, value base base
            line app.Line - : attr first node[0], attr last node[%d]
            node[n] app.Node - size=48 : attr next node[$+1], attr prev node[$-1]
            """ % (n - 1)
            files += snapshots(self.folder, text, (n,), name="b%d" % n)
        row, = json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]
        self.assertEqual((row["kind"], row["place"], row["type"], row["retained"]), ("linked", "line.first", "app.Node", 300 * 48))
        self.assertIn("grew by 100 Nodes in each", row["verdict"])

    def test_a_list_of_objects_that_have_a_type_each(self):
        files = []
        for n in (100, 200, 300, 400):
            text = textwrap.dedent(self.LIST).split(" : index")[0] + " : " + ", ".join("index - row%d" % i for i in range(n)) + "\n"
            text += "".join("row%d app.Row%d - size=500 : field __class__ class%d\nclass%d type app.Row%d size=1000\n" % ((i,) * 5) for i in range(n))
            files.append(graph_file.snapshot("let n %d\n" % n + MAIN + textwrap.dedent(text), self.folder, "y%d" % n))
        row, = json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]
        self.assertEqual((row["place"], row["type"], row["retained"]), ("keep.leak", "object", 300 * 1500 + 300 * 8))
        self.assertIn("grew by 100 objects in each of 3 intervals", row["verdict"])

    def test_a_variable_of_a_closure_is_named(self):
        row = self.one("""
        globals dict - : value handler handler, value base base
        handler function app.make.<locals>.handler : field __closure__ cells
        cells tuple - : cell seen cell
        cell cell - : cell cell_contents seen
        seen list - size=n*8 : index - event[*]
        event[n] app.Event - size=500
        """)
        self.assertEqual((row["place"], row["holder"]), ("handler closure variable seen", "sys.modules['__main__'].handler"))
        self.assertEqual(row["expression"], "sys.modules['__main__'].handler.__closure__[sys.modules['__main__'].handler.__code__.co_freevars.index('seen')].cell_contents")

    def test_who_else_holds_the_container_is_named(self):
        row = self.one("""
        root frame running
        running frame - pseudo : local events events
        globals dict - : value handler handler, value base base, value app app
        app app.App - : field __dict__ names
        names dict - : value log events
        handler function app.make.<locals>.handler : field __closure__ cells
        cells tuple - : cell seen cell
        cell cell - : cell cell_contents events
        events list - size=n*8 : index - event[*]
        event[n] app.Event - size=500
        """)
        self.assertEqual((row["root"], row["place"], row["also"]), ("sys.modules", "app.log", "handler closure variable seen"))

    def test_functions_of_one_name_are_named(self):
        row = self.one("""
        globals dict - : value bus bus, value base base
        bus list - size=n*8 : index - listener[*]
        listener[n] function app.Session.<lambda> size=500
        """)
        self.assertEqual(json.loads(row["chain"])[-1]["name"] if isinstance(row["chain"], str) else row["chain"][-1]["name"], "app.Session.<lambda>")

    def test_a_linked_list_of_two_kinds(self):
        row = self.one("""
        globals dict - : value head a[0], value base base
        a[n] app.A - size=48 : field __dict__ dict[$]
        dict[n] dict - size=100 : value b b[$]
        b[n] app.B - size=48 : attr next a[$+1]
        """)
        self.assertEqual((row["kind"], row["place"]), ("linked", "head"))

    def test_what_C_code_holds(self):
        row = self.one("globals dict - : value base base\nlost[n] list - size=100\n")
        self.assertEqual((row["kind"], row["type"], row["retained"]), ("c code", "list", 30000))
        self.assertTrue(row["verdict"].startswith("C code (no known referrer) grew by 100 lists in each of 3 intervals: +29.3 KiB retained;"), row)

    def test_an_object_that_becomes_longer(self):
        row = self.one("globals dict - : value buffer buffer, value base base\nbuffer bytearray - size=n*100 length=n*100\n")
        self.assertEqual((row["kind"], row["place"], row["retained"], row["confidence"]), ("length", "buffer", 30000, "medium"))

    def test_a_cache_under_names(self):
        row = self.one("""
        globals dict - : value cache cache, value base base
        cache dict - size=n*100 : value key$ entry[*]
        entry[n] app.Entry - size=64
        """)
        self.assertEqual((row["place"], row["type"]), ("cache", "app.Entry"))

    def test_names_that_come_are_data_however_few(self):
        row = self.one("""
        globals dict - : value cache cache, value base base
        cache dict - size=n*100 : value key$ entry[*]
        entry[n] app.Entry - size=640
        """, (10, 20, 30, 40))
        self.assertEqual((row["place"], row["type"]), ("cache", "app.Entry"))

    def test_threads(self):
        text = "globals dict - : value base base\n"
        files = []
        for i, count in enumerate((5, 10, 15, 20)):
            threads = "".join("thread %d name=T%d\nroot frame f%d thread=%d depth=0\nframe %d 0 serve /srv/app.py:7 object=f%d\n"
                              "f%d frame - pseudo size=500 : local buffer b%d\nb%d bytearray - size=2000\n" % (t, t, t, t, t, t, t, t, t)
                              for t in range(1000, 1000 + count))
            threads += "".join("thread %d name=Idle\nroot frame f%d thread=%d depth=0\nframe %d 0 wait /srv/pool.py:9 object=f%d\nf%d frame - pseudo size=500\n" % ((t,) * 6)
                               for t in range(8)) # they were there before, and stay
            files.append(graph_file.snapshot("let n 1\n" + MAIN + text + threads, self.folder, "t%d" % i))
        rows = json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]
        self.assertEqual([row["kind"] for row in rows], ["threads"])
        self.assertEqual((rows[0]["chain"][-1]["objects"], rows[0]["growth"][-1]["objects"]), (20, 20))
        self.assertEqual(rows[0]["verdict"], "20 threads (+15) at app.py:7 serve: they grew by 5 threads in each of 3 intervals: +36.6 KiB retained; confidence high")

    def test_modules_loaded_again(self):
        row = self.one("""
        globals dict - : value base base
        root atexit stop[*]
        stop[n] function plugin.stop : field __globals__ names[$]
        names[n] dict - size=2000 : value stop stop[$], value run run[$], value __name__ name
        run[n] function plugin.run : field __globals__ names[$]
        name str plugin
        """, (3, 6, 9, 12))
        self.assertEqual((row["kind"], row["root"]), ("modules", "atexit callback"))
        self.assertTrue(row["verdict"].startswith("module plugin loaded again and again: grew by 3 copies in each of 3 intervals: "), row["verdict"])

    def test_modules_loaded_for_the_first_time_are_no_copies(self):
        rows = self.rows("""
        globals dict - : value plugins plugins, value base base
        plugins dict - size=n*100 : value plugin$ plugin[*]
        plugin[n] module plugin$ : field __dict__ names[$]
        names[n] dict - size=2000 : value stop stop[$], value run run[$]
        stop[n] function plugin$.stop : field __globals__ names[$]
        run[n] function plugin$.run : field __globals__ names[$]
        """, (10, 60))
        self.assertEqual([row["kind"] for row in rows], ["container"], rows)

    def test_two_leaks_the_larger_first(self):
        rows = self.rows(self.LIST.replace("value base base", "value base base, value small small") + """
    small set - size=n*40 : index - word[*]
    word[n] str - size=60
        """)
        self.assertEqual([(row["place"], row["type"]) for row in rows], [("keep.leak", "app.Record"), ("small", "str")])

    def test_a_few_names_are_places_of_their_own(self):
        row = self.one("""
        globals dict - : value queues queues, value base base
        queues dict - : value in in, value out out, value failed failed
        in list - : index - first[*]
        out list - : index - second[*]
        failed list - : index - third[*]
        first[50] app.Job -
        second[50] app.Job -
        third[n] app.Job -
        """)
        self.assertEqual((row["kind"], row["place"], row["expression"]), ("container", "queues['failed']", "sys.modules['__main__'].queues['failed']"))

    def test_many_names_are_data(self):
        row = self.one("""
        globals dict - : value queues queues, value base base
        queues dict - : value q$ queue[*]
        queue[40] list - : index - job[$*n..$*n+n-1]
        job[n*40] app.Job -
        """, (2, 4, 6, 8))
        self.assertEqual((row["kind"], row["place"], row["holders"]), ("spread", "queues[...]", 40))

    def test_a_ring_is_named_by_its_objects_and_not_by_their_dicts(self):
        row = self.one("""
        globals dict - : value ring node[0], value base base
        node[n] app.Node - size=48 : field __dict__ dict[$]
        dict[n] dict - size=200 : value next node[$+1], value back node[$-1]
        """)
        self.assertEqual((row["kind"], row["place"], row["place_type"], row["type"]), ("linked", "ring", "Node", "app.Node"))

    def test_garbage_is_a_leak_where_the_collector_is_off(self):
        text = """
        meta gc_threshold_0 700
        meta gc_collections_0 %d
        meta gc_count_0 %d
        globals dict - : value base base
        a[n] app.A - : attr b b[$]
        b[n] app.B - : attr a a[$]
        """
        for collections, kinds in (((5, 5, 5, 5), ["garbage"]), ((5, 5, 6, 6), [])):
            files = [graph_file.snapshot("let n %d\n" % (i * 300 + 300) + MAIN + textwrap.dedent(text) % (collections[i], i * 600 + 600), self.folder, "g%d" % i) for i in range(4)]
            rows = json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]
            self.assertEqual([row["kind"] for row in rows], kinds)

    def test_keys_and_values_are_one_leak_and_the_values_name_it(self):
        row = self.one("""
        globals dict - : value table table, value base base
        table dict - size=n*100 : pair name[*] session[*]
        name[n] str - size=500
        session[n] app.Session - size=50
        """)
        self.assertEqual((row["place"], row["type"], row["retained"]), ("table", "app.Session", 300 * 650))

    # No leak.

    def test_what_is_copied_elsewhere_and_dropped_is_set_off(self):
        files = []
        for n in (100, 300, 500, 700):
            text = textwrap.dedent("""
            globals dict - : value todo todo, value done done, value base base
            todo list - : index - before[0..%d]
            done list - : index - after[0..%d]
            before[%d] app.Before - size=200
            after[%d] app.After - size=200
            """ % (999 - n, n - 1, 1000 - n, n))
            files.append(graph_file.snapshot("let n %d\n" % n + MAIN + text, self.folder, "c%d" % n))
        self.assertEqual(json.loads(heaptrail("leaks", "--json", *files)[0])["rows"], [])
        noisy, = json.loads(heaptrail("leaks", "--json", "--noisy", *files)[0])["rows"]
        self.assertEqual(noisy["noisy"], "the heap as a whole does not grow so much")

    def beside_a_buffer(self, *waiting):
        """The verdicts of a list that grows while so many items of 5,000 bytes wait in another; and what the heap grew by."""
        files, sizes = [], []
        for i, n in enumerate((100, 200, 300, 400)):
            text = textwrap.dedent(self.LIST).replace("value base base", "value base base, value buffer buffer") + textwrap.dedent("""
            buffer list - : index - waiting%d[*]
            waiting%d[%d] bytearray - size=5000
            """ % (i, i, waiting[i]))
            files.append(graph_file.snapshot("let n %d\n" % n + MAIN + text, self.folder, "b%d" % i))
        rows = json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]
        for path in files:
            with contextlib.closing(sqlite3.connect(path if path.endswith(".db") else path + ".db")) as db:
                sizes.append(int(db.execute("SELECT value FROM snapshot WHERE key = 'size_bytes'").fetchone()[0]))
        return rows, sizes

    def test_a_buffer_that_is_empty_at_the_end_hides_no_leak(self):
        rows, sizes = self.beside_a_buffer(1000, 1200, 900, 10)
        self.assertEqual([row["place"] for row in rows], ["keep.leak"])
        self.assertLess(sizes[-1], sizes[0])

    def test_no_verdict_is_larger_than_what_the_heap_grew_by(self):
        whole, _ = self.beside_a_buffer(10, 12, 9, 10)
        less, sizes = self.beside_a_buffer(10, 12, 9, 9)
        self.assertLess(sizes[-1] - sizes[0], whole[0]["retained"])
        self.assertEqual([(row["place"], row["retained"]) for row in less], [("keep.leak", sizes[-1] - sizes[0])])

    def test_where_the_heap_became_smaller_it_is_the_most_that_it_grew_by_in_between(self):
        rows, sizes = self.beside_a_buffer(1000, 998, 20, 30)
        rise = max(after - before for i, before in enumerate(sizes) for after in sizes[i:])
        self.assertEqual((sizes[-1] < sizes[0], [(row["place"], row["retained"]) for row in rows]), (True, [("keep.leak", rise)]))
        self.assertEqual(self.beside_a_buffer(1000, 900, 500, 10)[0], [])

    def test_nothing_is_said_of_a_heap_that_stays(self):
        self.assertEqual(self.rows(self.LIST, (400, 400, 400, 400)), [])
        out, _ = heaptrail("leaks", "--fail", *snapshots(self.folder, self.LIST, (400, 400)))
        self.assertEqual(out, "no leak: nothing grew steadily in 1 interval (the heap: 0 B)\n")

    def test_a_heap_that_grew_much_is_not_called_free_of_leaks(self):
        out, _ = heaptrail("leaks", *snapshots(self.folder, self.LIST, (100, 110, 120, 2000)))
        self.assertRegex(out, r"^no verdict: nothing grew steadily in 3 intervals, but the heap grew by \d+ % \(the heap: \+\S+ [KM]iB\)\n\nnoisy keep.leak ")

    def test_growth_that_does_not_hold_is_noisy(self):
        for numbers, why in (((100, 400, 900, 900), "not in every interval"), ((100, 300, 250, 900), "not in every interval"),
                             ((100, 300, 350, 360), "slows down"), ((100, 110, 120, 900), "by jumps")):
            self.assertEqual(self.rows(self.LIST, numbers), [])
            noisy = self.rows(self.LIST, numbers, ["--noisy"])
            self.assertEqual([row["noisy"] for row in noisy], [why], numbers)

    def test_what_moves_from_one_container_to_another_is_no_leak(self):
        """... though another thing leaks beside it."""
        for holds in "record", "text":  # of the program's own type, and of one that everything is made of
            files = []
            for n in (100, 300, 500, 700):
                text = textwrap.dedent(self.LIST).replace("value base base", "value base base, value before before, value after after") + textwrap.dedent("""
                before list - : index - X[%d..999]
                after dict - size=%d : pair number[*] X[0..%d]
                number[%d] int - size=64
                X[1000] TYPE - size=100
                """ % (n, n * 50, n - 1, n)).replace("X", "moving").replace("TYPE", "app.Moving" if holds == "record" else "bytearray")
                files.append(graph_file.snapshot("let n %d\n" % n + MAIN + text, self.folder, "m%d" % n))
            self.assertEqual([row["place"] for row in json.loads(heaptrail("leaks", "--json", *files)[0])["rows"]], ["keep.leak"])

    def test_what_is_replaced_all_the_time_is_no_leak(self):
        files = []
        for i, n in enumerate((100, 200, 300, 400)):
            text = self.LIST.replace("record", "record%d" % i)
            files.append(graph_file.snapshot("let n %d\n" % n + MAIN + textwrap.dedent(text), self.folder, "r%d" % i))
        self.assertEqual(json.loads(heaptrail("leaks", "--json", *files)[0])["rows"], [])

    # How it is asked.

    def test_two_snapshots_are_never_sure(self):
        self.assertEqual(self.one(self.LIST, (100, 400))["confidence"], "low")

    def test_fail_and_suppress(self):
        files = snapshots(self.folder, self.LIST, (100, 200, 300, 400))
        heaptrail("leaks", *files)
        heaptrail("leaks", "--fail", *files, code=1)
        known = os.path.join(self.folder, "known")
        for pattern in ("keep.*", "*.keep.leak", "type:app.Rec?rd", "kind:container", "sys.modules *-.leak-> list*"):
            with open(known, "w") as out:
                out.write("# known\n\n  %s\nnever\n" % pattern)
            said, warned = heaptrail("leaks", "--fail", "--suppress", known, *files)
            self.assertIn("suppressed by '%s': keep.leak (list) grew" % pattern, said)
            self.assertIn("'%s' line 4: 'never' matches nothing" % known, warned)
            self.assertEqual(json.loads(heaptrail("leaks", "--json", "-s", known, *files)[0])["rows"], [])
        self.assertIn("cannot read '%s/none'" % self.folder, heaptrail("leaks", "-s", self.folder + "/none", *files, code=3)[1])

    def test_snapshots_of_different_processes(self):
        files = snapshots(self.folder, "    meta pid 1\n" + self.LIST, (100,), name="a") + snapshots(self.folder, "    meta pid 2\n" + self.LIST, (200,), name="b")
        self.assertIn("are of different processes (another runtime, pid 1, and another runtime, pid 2)", heaptrail("leaks", *files, code=3)[1])
        said, warned = heaptrail("leaks", "--across", *files)
        self.assertIn("keep.leak (list) grew by 100 Records in one interval", said)
        self.assertIn("are of different processes (another runtime, pid 1, and another runtime, pid 2)", warned)
        late = snapshots(self.folder, "    meta created_ns 5\n" + self.LIST, (100,), name="c") + snapshots(self.folder, "    meta created_ns 4\n" + self.LIST, (200,), name="d")
        self.assertIn("the oldest comes first", heaptrail("leaks", *late, code=3)[1])

    def test_what_is_printed_can_be_asked_in_a_plain_shell(self):
        files = snapshots(self.folder, self.LIST, (100, 200, 300, 400))
        said, sql = heaptrail("leaks", "--show-sql", *files)
        shell = subprocess.run(["sqlite3", "-json", ":memory:"], input=sql, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual((shell.returncode, shell.stderr), (0, ""), sql)
        self.assertIn("keep.leak (list) grew by 100 Records", shell.stdout)
        database = os.path.join(self.folder, "kept.db")
        heaptrail("leaks", "-o", database, *files)
        asked = subprocess.run(["sqlite3", database, "SELECT c.snapshot, c.objects FROM leak_path l JOIN path_count c USING (path) WHERE l.role = 'grows' ORDER BY 1"],
                               stdout=subprocess.PIPE, universal_newlines=True).stdout
        self.assertEqual(asked, "1|100\n2|200\n3|300\n4|400\n")

    # A path that repeats itself before it is known to; a mapping that has too many names in some, and an attribute; an object that goes by
    # another name each time; functions.
    MANY_READERS = """
    globals dict - : value top top, value base base, value table table, value names names, value f[0] f[*], value keep keep
    keep app.Keep - : attr leak leak
    leak list - size=n*8+56 : index - record[*]
    record[n] app.Record - size=48
    top list - : index - and1
    and1 app.And - : attr exprs list1
    list1 list - size=80 : index - and2, index - opt
    and2 app.And - : attr exprs list2
    list2 list - size=96
    opt app.Opt - : attr expr and3
    and3 app.And - : attr exprs list3
    list3 list - size=112
    table app.Table - length=%d : %s
    row[%d] app.Row - size=64
    extra app.Extra - size=64
    names dict - : value %s moved
    moved app.Moved - size=100
    f[3] function app.f
    """

    def test_what_is_found_does_not_depend_on_the_processors(self):
        """Snapshots are read in a thread for each processor, and share the tree of those that the thread read before."""
        if not hasattr(os, "sched_setaffinity"):
            self.skipTest("processors cannot be chosen")
        files, kept, all_of_them = [], [], os.sched_getaffinity(0)
        for i, n in enumerate((20, 50, 90, 100, 130, 160)):
            text = self.MANY_READERS % ((i % 2 == 0 and (90, "value k[*] row[*], attr extra extra", 90) or (3, "value ka row[0], value kb row[1], value kc row[2]", 3)) + ("name%s" % "abcdef"[i],))
            files += snapshots(self.folder, text, (n,), name="m%d" % i)
        self.addCleanup(os.sched_setaffinity, 0, all_of_them)
        for number in range(2):
            if number == 0:
                os.sched_setaffinity(0, {min(all_of_them)})
            database = os.path.join(self.folder, "of%d.db" % number)
            told = heaptrail("leaks", "--noisy", "-o", database, *files)
            os.sched_setaffinity(0, all_of_them)
            with contextlib.closing(sqlite3.connect(database)) as db:
                self.assertEqual(db.execute("SELECT label, sum(stayed), sum(moved), sum(fresh) FROM path p JOIN path_count c ON c.path = p.id WHERE type = 'app.Moved'").fetchall(), [("", 5, 0, 0)])
                kept.append([told] + [db.execute("SELECT * FROM %s" % table).fetchall() for table in ("leak", "leak_growth", "leak_step", "leak_path", "path", "path_count")])
        for one, other in zip(*kept):
            self.assertEqual(one, other)
        self.assertGreater(len(kept[0][1]), 0)


PROGRAM = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import heaptrail
class Record(object):
    def __init__(self, n):
        self.n, self.payload = n, bytearray(100)
class Keep(object):
    pass
keep, spare, moved, stop = Keep(), [Record(n) for n in range(4000)], {}, threading.Event()
keep.leak, keep.index, keep.buffer, keep.cache = [], {}, [], {}
def request(n):
    local = bytearray(5000)
    stop.wait()
def leak(n):
    record = Record(n)
    keep.leak.append(record)
    keep.index[n] = record
def thread(n):
    if n % 100 == 0:
        one = threading.Thread(target=request, args=(n,))
        one.daemon = True
        one.start()
def clean(n):
    if n % 3 == 0:
        record = spare.pop()
        moved[id(record)] = record
    if n % 700 == 0:
        del keep.buffer[:]
    keep.buffer.append(Record(n))
    keep.cache[n % 300] = Record(n)
n = 0
for number in range(5):
    if number > 0:
        heaptrail.snapshot("%s/%d.htrail" % (sys.argv[2], number - 1))
    for n in range(n + 1, n + 1001):
        globals()[sys.argv[3]](n)
sys.stdout.flush()
heaptrail = None
import os
os._exit(0)
"""


@interpreters.for_each("2.7", "3.8", "3.11")
class RealProcesses:
    """The programs leak nothing else: each has one verdict."""

    def rows(self, what, **environ):
        with tempfile.TemporaryDirectory(prefix="leaks.", dir=os.environ.get("TEST_TMP")) as folder:
            subprocess.run([self.python, "-c", PROGRAM, self.module, folder, what], check=True, env=dict(os.environ, **environ))
            return json.loads(heaptrail("leaks", "--json", *("%s/%d.htrail" % (folder, i) for i in range(4)))[0])["rows"]

    def test_a_list_and_an_index(self):
        row, = self.rows("leak")
        self.assertRegex(row["verdict"], r"^keep\.leak \(list\) grew by 1,000 Records in each of 3 intervals: \+\d+\.\d [KM]iB retained, "
                         r"held from sys\.modules\['__main__'\]\.keep, also held by keep\.index \(dict\); confidence high$")

    def test_the_line_that_asked_for_it(self):
        if self.version == "2.7":
            return # has no tracemalloc
        row, = self.rows("leak", PYTHONTRACEMALLOC="1")
        lines = [(site["file"], PROGRAM.splitlines()[site["line"] - 1].strip()) for site in row["sites"]]
        self.assertIn(("<string>", "record = Record(n)"), lines)
        self.assertLessEqual({line for _, line in lines}, {"record = Record(n)", "self.n, self.payload = n, bytearray(100)", "for n in range(n + 1, n + 1001):"})
        self.assertEqual(max(site["objects"] for site in row["sites"]) // 4000, 1)

    def test_nobody_wrote_down_the_lines(self):
        row, = self.rows("leak")
        self.assertEqual(row["sites"], [])

    def test_threads(self):
        row, = self.rows("thread")
        self.assertRegex(row["verdict"], r"^40 threads \(\+30\) at .* request: they grew by 10 threads in each of 3 intervals: ")

    def test_a_program_that_does_not_leak(self):
        self.assertEqual(self.rows("clean"), [])


if __name__ == "__main__":
    unittest.main()
