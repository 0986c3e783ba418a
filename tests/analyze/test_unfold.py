"""The tree of dominators has the rows that its SQL gives, which takes long: of a heap with all that is odd in it, of a real process with and
without hashes and texts, whatever is asked. And what SQL takes minutes for: a chain of many levels. And files that lie."""
import json, os, resource, sqlite3, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))

# Names that are those of the lines themselves, labels that are many and few, large and small; keys with a text, without, and of two
# types; what several hold, some of it weakly as well; two roots of one object, objects of one line held by different roots; garbage.
ODD = """
let n 30
root modules  modules modules
root frame    main    <module>~at~/srv/app.py:3  thread=11 depth=0
root atexit   bye[*]  callback
root atexit   main    callback
thread 11 name=MainThread main
frame 11 0 <module> /srv/app.py:3 object=main
modules   dict   -         size=100 : value app app, value other other, value * star, value more more
app       module app       size=100 : field __dict__ globals
other     module other     size=100 : field __dict__ others
globals   dict   -         size=900 : value registry registry, value numbers numbers, value words words, value (4~more) few, value shared shared, value owner owner
others    dict   -         size=300 : value shared shared, value bye bye[3], value list list
star      dict   *         size=77
more      list   (3~more)  size=77
bye[4]    function app.bye size=70 : field __closure__ closed[$]
closed[4] tuple  -         size=50 : index - item[$]
item[4]   str    -         size=40
registry  dict   -         size=2000 : value * odd, value large large, value $ small[*], value other wide[2]
odd       app.Order -      size=50 : attr text odd_text
odd_text  str    -         size=50000
large     app.Order -      size=50 : attr buffer buffer
buffer    bytearray -      size=90000
small[n]  app.Order -      size=50 : attr text text[$]
text[n]   str    -         size=60
wide[3]   app.Wide -       size=60 : slot a wide_a[$], slot b wide_a[$]
wide_a[3] list   -         size=80
numbers   dict   -         size=500 : pair number[*] wide[0..1], pair pairs[*] listed[*]
number[2] int    -         size=28
pairs[12] tuple  -         size=60
listed[12] list  -         size=70 : index - shared_item
shared_item bytearray -    size=5000
words     dict   -         size=500 : pair word[*] worded[*], pair unknown[*] not_known[*]
word[12]  str    -         size=50 text=same
worded[12] list  -         size=90
unknown[3] str   -         size=50 hash=4711
not_known[3] list -        size=90
few       list   -         size=60 : weak seen first, index - first, attr second first
first     bytearray -      size=700
shared    dict   -         size=400 : value deep deep
deep      list   -         size=60 : index - deeper[*]
deeper[5] app.Deep -       size=60 : attr next deepest[$], plain - deepest[$]
deepest[5] bytearray -     size=200
owner     app.Owner -      size=60 : attr left left, attr right right, weak seen both
left      list   -         size=60 : index - both, weak owner owner
right     list   -         size=60 : index - both
both      app.Both -       size=3000 : attr self both
list      list   -         size=60 : index - chain[0]
chain[40] app.Chain -      size=60 : attr next chain[$+1], attr end end
end       str    -         size=45
main      frame  -         size=64 pseudo : local app globals
lost      app.Lost lost    size=50 : attr self lost, attr what gone
gone      dict   gone      size=500
ring[3]   app.Ring -       size=50 : attr next ring[$+1], attr first ring[0]
"""

PROGRAM = """
import heaptrail, sys, threading
class Order: __slots__ = "text", "lines"
orders = {n: Order() for n in range(300)}
for n, order in orders.items(): order.text, order.lines = "order %d" % n, [n * 1000, float(n)]
tuples = {(n, str(n)): object() for n in range(50)}
words = {"word %d" % n: bytearray(n) for n in range(100)}
options = {"hashes": dict(hashes=True), "contents": dict(contents=True), "plain": {}}
heaptrail.snapshot(sys.argv[1], **options[sys.argv[2]])
"""

QUESTIONS = [
    [], ["--depth", "12", "-n", "12", "--min", "0.1"], ["--depth", "0", "-n", "0", "--min", "0"], ["--depth", "0", "-n", "1", "--min", "0"],
    ["--depth", "3", "-n", "0", "--min", "2.5"], ["--depth", "1", "-n", "3"], ["--depth", "0", "--min", "100"],
    ["type:dict", "--depth", "0", "-n", "0", "--min", "0"], ["type:list", "-n", "2"], ["where:id % 3 = 0", "--depth", "0", "-n", "3", "--min", "0.5"],
    ["where:depth IS NULL OR id % 5 = 1 -- not all", "--depth", "0", "--min", "0"], ["id:1", "--depth", "0", "-n", "0", "--min", "0"],
]


class Unfold(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def heaptrail(self, *arguments, code=0):
        done = subprocess.run([HEAPTRAIL, *arguments], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def loaded(self, path):
        self.heaptrail("load", path, "-o", path + ".db")
        return path + ".db"

    def compare(self, database, question):
        objects = [word for word in question if ":" in word]
        done = self.heaptrail("top", "--tree", "--json", "--show-sql", database, *objects, *[word for word in question if word not in objects])
        at = done.stderr.rindex("SELECT depth,")
        db = sqlite3.connect("file:%s?mode=ro" % database, uri=True)
        db.row_factory = sqlite3.Row
        db.executescript(done.stderr[:at])
        wanted = [dict(row) for row in db.execute(done.stderr[at:])]
        db.close()
        rows = json.loads(done.stdout)["rows"]
        for row in rows + wanted:
            row["percent"] = float("%.12g" % row["percent"])
        self.assertEqual(rows, wanted)
        return rows

    def test_the_rows_of_an_odd_heap_are_those_of_the_sql(self):
        for n in 8, 9, 200: # just not many, just many, and many; the one that is called '*' is large
            database = self.loaded(graph_file.snapshot(ODD, self.folder, "odd%d" % n, n=n))
            for question in QUESTIONS if n == 200 else QUESTIONS[2:3]:
                with self.subTest(n=n, question=question):
                    rows = self.compare(database, question)
                    if question == QUESTIONS[2]:
                        keys = [(row["kind"], row["label"], row["type"]) for row in rows]
                        for line in (("", "", "app.Both"), ("value", "*", "app.Order"), ("value", "(tuple)", "list"), ("value", "same", "list"), ("value", "(str)", "list"),
                                     ("index", "", "bytearray"), ("(garbage)", "lost", "app.Lost"), ("(several roots)", "app", "dict")):
                            self.assertIn(line, keys)
                        self.assertEqual(keys.count(("value", "6", "app.Order")), 1 if n == 8 else 0)
                        self.assertGreater(max(row["depth"] for row in rows), 42)

    def test_the_rows_of_a_real_process_are_those_of_the_sql(self):
        for kind in "plain", "hashes", "contents":
            path = os.path.join(self.folder, kind + ".htrail")
            subprocess.run([sys.executable, "-S", "-c", PROGRAM, path, kind], check=True)
            database = self.loaded(path)
            for question in QUESTIONS[:3] + QUESTIONS[7:10] if kind == "plain" else QUESTIONS[1:2]:
                with self.subTest(kind=kind, question=question):
                    self.assertGreater(len(self.compare(database, question)), 1)

    def test_the_rows_of_a_database_with_a_log_beside_it(self):
        """Which is not read from its pages: what was written last is not in them."""
        database = self.loaded(graph_file.snapshot(ODD, self.folder, "log"))
        db = sqlite3.connect(database)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE heap_object SET size = size + 1000, retained = retained + 1000 WHERE type = (SELECT id FROM type WHERE name = 'app.Owner')")
        db.commit()
        found = [row for row in self.compare(database, QUESTIONS[2]) if row["type"] == "app.Owner"]
        self.assertEqual([row["bytes"] for row in found], [1060])
        db.close()

    def test_a_chain_of_many_levels_takes_no_longer_than_its_length(self):
        """50,000 levels; the SQL takes 25 seconds of the processor for 3,000."""
        text = "let n 10\nroot modules chain[0] chain\nchain[n] app.Node - size=64 : slot next chain[$+1], slot value value[$]\nvalue[n] str - size=50\n"
        database = self.loaded(graph_file.snapshot(text, self.folder, "chain", n=50000))
        done = subprocess.Popen([HEAPTRAIL, "top", "--tree", "--depth", "0", "--min", "0", "--json", database], stdout=subprocess.PIPE, text=True,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)))
        rows = deepest = 0
        with done:
            for line in done.stdout:
                if '"depth":' in line:
                    rows += 1
                    deepest = max(deepest, int(line.split('"depth":')[1].split(",")[0]))
        self.assertEqual((done.returncode, rows, deepest), (0, 100000, 50000))

    def test_what_a_file_says_of_its_objects_is_not_believed(self):
        text = "let n 10\nroot modules chain[0] chain\nchain[n] app.Node - size=64 : slot next chain[$+1], slot value value[$]\nvalue[n] str - size=50\n"
        path = graph_file.snapshot(text, self.folder, "chain")
        for sql, question, said in (
                ("UPDATE heap_object SET dominator = 4000000000 WHERE id = 7", [], "object 7 is dominated by one that is not there"),
                ("UPDATE heap_object SET dominator = -1 WHERE id = 7", [], "object 7 is dominated by one that is not there"),
                ("UPDATE heap_object SET id = 4000000000 WHERE id = 20", [], "object 4000000000 is not where its number says"),
                ("DELETE FROM heap_object WHERE id = 5", [], "object 6 is not where its number says"),
                ("UPDATE heap_object SET dominator = 20 WHERE id = 5; UPDATE heap_object SET dominator = 5 WHERE id = 20", ["where:id IN (5, 20)"], None),
                ("UPDATE heap_object SET dominator = id", ["id:5"], None), ("UPDATE heap_object SET type = -7, label = -1, name = 4000000000, module = -9", [], None),
                ("UPDATE heap_object SET label = (1 << 31) - 13, dominator = NULL", ["id:1"], None), ("DELETE FROM type", ["where:id > 0"], None),
                ("UPDATE heap_object SET retained = 9223372036854775807, dominator = nullif(holder, 0)", [], None), ("UPDATE root SET object = NULL, kind = NULL", [], None)):
            with self.subTest(sql=sql):
                database = self.loaded(path)
                db = sqlite3.connect(database)
                db.executescript(sql.replace("root SET object = NULL, kind = NULL", "root SET object = -1, kind = ''"))
                db.commit()
                db.close()
                done = self.heaptrail("top", "--tree", database, *question, "--depth", "0", "--min", "0", code=3 if said else 0)
                self.assertEqual(done.stderr, "heaptrail top: %s\n" % said if said else "")
                os.remove(database)


if __name__ == "__main__":
    unittest.main()
