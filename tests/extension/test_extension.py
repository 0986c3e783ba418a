"""htrail.so in the sqlite3 shell: virtual tables straight over a snapshot say what the loaded database says, and what
is no snapshot, is cut or is damaged is told in one sentence."""
import json, os, shutil, subprocess, sys, sysconfig, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

BUILD = os.path.abspath(os.environ.get("B", os.path.join(HERE, "../../build/release")))
EXTENSION, HEAPTRAIL = os.path.join(BUILD, "htrail"), os.path.join(BUILD, "heaptrail")
PRELOAD = {"LD_PRELOAD": os.environ["SANITIZER_PRELOAD"]} if "SANITIZER_PRELOAD" in os.environ else {}

PROGRAM = """
import sys, threading, time, weakref, heaptrail
class Record:
    def __init__(self, n): self.n, self.data = n, bytearray(n)
class Slotted:
    __slots__ = ("inner",)
def outer(held):
    return lambda: held
records = [Record(n) for n in range(3000)]
by_name = {"name %d" % n: records[n] for n in range(2500)}
by_number = {n: records[n] for n in range(1500)}
mixed = {"a": 1, 2: [], (3, 4): {}}
slotted = Slotted(); slotted.inner = [1, 2.5]
closure = outer(["held"])
weak = weakref.ref(records[7])
twice = [type("Twice", (), {})() for _ in range(2)]
def work(local): time.sleep(60)
threading.Thread(target=work, args=([1, 2],), daemon=True, name="worker").start()
time.sleep(0.05)
heaptrail.snapshot(sys.argv[1], contents=True)
"""
OBJECT = "address, type, length, size, refcount, is_tracked, is_pseudo, is_immortal"


class Extension(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        cls.folder = cls.temporary.name
        modules = os.path.join(BUILD, "python" + sysconfig.get_config_var("py_version_short"))
        subprocess.run(["/usr/bin/python3", "-c", PROGRAM, cls.path("a.htrail")], check=True, env=dict(os.environ, PYTHONPATH=modules))
        subprocess.run([HEAPTRAIL, "load", cls.path("a.htrail")], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def whole(self):
        with open(self.path("a.htrail"), "rb") as file:
            return file.read()

    def shell(self, sql, code=0, database=":memory:", load=EXTENSION, prefix=(), env=None, is_json=True):
        """Rows of the last query. self.said: what the shell had to say."""
        done = subprocess.run([*prefix, "sqlite3", "-batch", "-bail", "-init", "/dev/null", "-json", database], capture_output=True, text=True,
                              cwd=self.folder, input=".load %s\n%s" % (load, sql), env=dict(os.environ, **PRELOAD, **(env or {})))
        self.said = done.stderr.strip()
        self.assertEqual(done.returncode, code, done.stderr)
        if not is_json:
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() and code == 0 else []

    def ask(self, query, *tables, file="a.htrail", **keywords):
        """tables: kinds, each under its own name; the database of the snapshot is attached as db."""
        made = "".join("CREATE VIRTUAL TABLE temp.%s USING htrail('%s', %s);\n" % (kind, file, kind) for kind in tables)
        return self.shell("ATTACH 'a.htrail.db' AS db;\n%s%s;" % (made, query), **keywords)

    def same(self, here, there, *tables):
        """Two queries give the same rows, and some."""
        count, = self.ask("SELECT (SELECT count(*) FROM (%s)) AS here, (SELECT count(*) FROM (%s)) AS there, "
                          "(SELECT count(*) FROM (%s EXCEPT %s)) AS more, (SELECT count(*) FROM (%s EXCEPT %s)) AS less" % (here, there, here, there, there, here), *tables)
        self.assertEqual((count["here"], count["more"], count["less"]), (count["there"], 0, 0), (here, there))
        self.assertGreater(count["here"], 0)

    def test_what_the_documents_show(self):
        shutil.copy(EXTENSION + ".so", self.path("htrail.so"))
        rows = self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('a.htrail');\n"
                          "SELECT type, count(*) AS n FROM s WHERE type = '__main__.Record' GROUP BY type;", load="htrail", env={"LD_LIBRARY_PATH": self.folder})
        self.assertEqual(rows, [{"type": "__main__.Record", "n": 3000}])
        self.assertEqual(self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('a.htrail'); SELECT count(*) > 9000 AS n FROM s;", load="./htrail"), [{"n": 1}])

    def test_objects_are_those_of_the_database(self):
        self.same("SELECT %s FROM temp.object" % OBJECT, "SELECT %s FROM db.object" % OBJECT, "object")
        self.same("SELECT id FROM temp.object", "SELECT address FROM db.object", "object")

    def test_sums_are_those_of_the_database_type_by_type(self):
        grouped = "SELECT type, count(*), sum(size), min(length), max(refcount) FROM %s.object GROUP BY type"
        self.same(grouped % "temp", grouped % "db", "object")
        self.same("SELECT type FROM temp.object GROUP BY type", "SELECT DISTINCT type FROM db.object", "object")
        self.same("SELECT name, sum(objects), sum(bytes) FROM temp.type WHERE objects > 0 GROUP BY name",
                  "SELECT key, count, bytes FROM db.total WHERE \"by\" = 'type'", "type")
        plan = self.shell("CREATE VIRTUAL TABLE temp.object USING htrail('a.htrail');\nEXPLAIN QUERY PLAN %s;" % (grouped % "temp"), is_json=False)
        self.assertIn("VIRTUAL TABLE", plan)
        self.assertNotIn("B-TREE", plan, "SQLite sorts nothing")
        for order in "", "DESC", "COLLATE NOCASE", "DESC, +size":
            for query in "SELECT type, count(*) AS n FROM %%s.object GROUP BY type ORDER BY type %s", "SELECT type, size FROM %%s.object WHERE length > 20 ORDER BY type %s", \
                    "SELECT DISTINCT type FROM %%s.object ORDER BY type %s":
                if "size" in order and "size" not in query:
                    continue
                here, there = (self.ask(query % order % schema, "object") for schema in ("temp", "db"))
                if "length" not in query or "size" in order:
                    self.assertEqual(here, there)
                self.assertEqual([row["type"] for row in here], [row["type"] for row in there])

    def test_types_are_those_of_the_database(self):
        columns = "name, module, qualname, address, basic_size, item_size, is_heap, is_pseudo, objects, bytes"
        self.same("SELECT %s FROM temp.type" % columns, "SELECT %s FROM db.type" % columns, "type")

    def test_references_are_those_of_the_database(self):
        """Under their labels, positions over many parts of an object too; but a closure's items have no names here,
        and the same label twice is not numbered."""
        here = ("SELECT src, dst, kind, label, r.key FROM temp.reference r JOIN address USING (dst) WHERE src NOT IN (SELECT src FROM closure)")
        there = ("SELECT s.address, d.address, kind, CASE WHEN r.key IS NOT NULL AND k.text IS NULL THEN NULL WHEN label GLOB '*#[0-9]' THEN substr(label, 1, length(label) - 2) ELSE label END, k.address "
                 "FROM db.reference r JOIN db.object s ON s.id = r.src JOIN db.object d ON d.id = r.dst LEFT JOIN db.object k ON k.id = r.key "
                 "WHERE s.address NOT IN (SELECT src FROM closure)")
        prepare = ("CREATE TEMP TABLE address(dst INTEGER PRIMARY KEY); INSERT INTO address SELECT address FROM db.object; CREATE TEMP TABLE closure(src INTEGER PRIMARY KEY); "
                   "INSERT OR IGNORE INTO closure SELECT o.address FROM db.reference r JOIN db.object o ON o.id = r.dst WHERE label = '__closure__'; "
                   "CREATE TEMP TABLE here AS %s; CREATE TEMP TABLE there AS %s; CREATE TEMP TABLE less AS SELECT * FROM here EXCEPT SELECT * FROM there; "
                   "CREATE TEMP TABLE more AS SELECT * FROM there EXCEPT SELECT * FROM here; " % (here, there))
        rows = self.ask(prepare + "SELECT (SELECT count(*) FROM here) AS here, (SELECT count(*) FROM there) AS there, (SELECT count(*) FROM less) AS less, "
                        "(SELECT count(*) FROM more) AS more, (SELECT group_concat(kind || ' ' || coalesce(label, 'NULL'), ', ') FROM (SELECT * FROM less LIMIT 5)) AS such", "reference")
        self.assertEqual((rows[0]["here"], rows[0]["less"], rows[0]["more"]), (rows[0]["there"], 0, 0), rows)
        self.assertGreater(rows[0]["here"], 20000)

    def test_a_list_of_many_parts_is_numbered_to_its_end(self):
        rows = self.ask("SELECT count(*) AS n, max(CAST(label AS INTEGER)) AS last FROM temp.reference WHERE src = (SELECT s.address FROM db.object s "
                        "WHERE type = 'list' AND length = 3000) AND kind = 'index'", "reference")
        self.assertEqual(rows, [{"n": 3000, "last": 2999}])

    def test_roots_threads_frames_and_facts_are_those_of_the_database(self):
        # The load finds out what C code holds beside them, and which global variables hold at all.
        self.same("SELECT object, kind, name, thread, depth FROM temp.root WHERE kind <> 'C global'",
                  "SELECT address, kind, r.name, thread, r.depth FROM db.root r JOIN db.object o ON o.id = r.object WHERE kind NOT IN ('C code', 'C global')", "root")
        self.same("SELECT name FROM temp.thread WHERE name <> ''", "SELECT name FROM db.thread WHERE name <> ''", "thread")
        self.same("SELECT tid, depth, function, file, line FROM temp.frame",
                  "SELECT tid, depth, function, file, line FROM db.frame f JOIN db.thread t ON t.id = f.thread", "frame")
        self.same("SELECT start, \"end\", category, access, rss, path FROM temp.mapping", "SELECT start, \"end\", category, access, rss, path FROM db.mapping", "mapping")
        self.same("SELECT key, value FROM temp.snapshot WHERE key NOT IN ('references', 'names', 'roots', 'strings')",
                  "SELECT key, value FROM db.snapshot WHERE key IN (SELECT key FROM temp.snapshot) AND key NOT IN ('references', 'names', 'roots', 'strings')", "snapshot")
        self.same("SELECT text FROM temp.value WHERE text IS NOT NULL", "SELECT text FROM db.object_text WHERE object IN (SELECT id FROM db.object "
                  "WHERE address IN (SELECT object FROM temp.value))", "value")
        self.same("SELECT object FROM temp.name WHERE text = 'Record' AND module = '__main__'", "SELECT address FROM db.object WHERE name = '__main__.Record'", "name")

    def test_a_type_and_addresses_are_looked_for_in_the_file(self):
        asked = ("type = 'list'", "type = 'nothing such'", "address = (SELECT max(address) FROM db.object)", "type = 'dict' AND length > 3", "type IN ('set', 'tuple')",
                 "address BETWEEN (SELECT avg(address) FROM db.object) AND (SELECT max(address) - 5 FROM db.object)", "address > 9e9 AND address <= 1e18",
                 "address = '17'", "address < 0", "address > -1", "address = 1.5", "type = 17", "type = NULL", "type LIKE 'DICT'", "type = 'DICT' COLLATE NOCASE")
        here, there = (self.ask(" UNION ALL ".join("SELECT count(*) AS n, total(size) AS size FROM %s.object WHERE %s" % (schema, where) for where in asked), "object")
                       for schema in ("temp", "db"))
        self.assertEqual(here, there)
        rows = self.ask("SELECT src FROM reference WHERE dst = (SELECT address FROM db.object WHERE type = 'list' AND length = 3000) AND kind = 'value'", "reference")
        self.assertEqual(len(rows), 1)

    def test_it_joins_itself_and_others(self):
        rows = self.ask("WITH t AS MATERIALIZED (SELECT * FROM type) SELECT t.is_heap, count(*) AS n FROM object o JOIN t ON t.name = o.type WHERE o.type = '__main__.Record'", "object", "type")
        self.assertEqual(rows, [{"is_heap": 1, "n": 3000}])
        # A text that outlives its scan is its own.
        rows = self.ask("SELECT max((SELECT max(type) FROM object o WHERE o.address = d.address)) AS most FROM (SELECT address FROM db.object LIMIT 20) d", "object")
        self.assertEqual(len(rows), 1)

    def test_a_view_and_a_table_of_a_database_find_the_file_again(self):
        database = self.path("kept.db")
        self.shell("CREATE VIRTUAL TABLE s USING htrail('a.htrail', types); CREATE VIEW v AS SELECT name FROM s WHERE bytes > 1000;", database=database)
        rows = self.shell("SELECT count(*) > 10 AS many FROM v;", database=database)
        self.assertEqual(rows, [{"many": 1}])
        self.shell("DROP TABLE s;", database=database)

    def failing(self, sql):
        self.shell(sql, code=1)
        self.assertEqual(len(self.said.splitlines()), 1, self.said)
        return self.said

    def test_what_is_no_snapshot_is_said_when_the_table_is_made(self):
        for arguments, said in (("'nothing.htrail'", "cannot read 'nothing.htrail': No such file or directory"), ("'.'", "cannot read '.'"), ("", "htrail('a.htrail')"),
                                ("'-'", "standard input"), ("'a.htrail', things", "there is no table 'things' of a snapshot: object, reference, type"),
                                ("'a.htrail', object, twice", "'twice'"), ("'text'", "cannot read 'text': it is no snapshot")):
            with open(self.path("text"), "w") as out:
                out.write("no snapshot, but a text of some length that stands where one should be")
            self.assertIn(said, self.failing("CREATE VIRTUAL TABLE temp.s USING htrail(%s);" % arguments))
        with open(self.path("quo'te.htrail"), "wb") as out:
            out.write(self.whole())
        self.assertEqual(self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('quo''te.htrail', types); SELECT count(*) > 9 AS n FROM s;"), [{"n": 1}])

    def test_a_cut_file_gives_rows_to_who_says_partial_and_a_sentence_to_others(self):
        whole = self.whole()
        with open(self.path("cut.htrail"), "wb") as out:
            out.write(whole[:len(whole) * 2 // 3])
        for query in "SELECT count(*) FROM s", "SELECT type, count(*) FROM s GROUP BY type":
            said = self.failing("CREATE VIRTUAL TABLE temp.s USING htrail('cut.htrail'); %s;" % query)
            self.assertIn("'cut.htrail' is cut at offset", said)
            self.assertIn("htrail('cut.htrail', object, partial)", said)
        rows = self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('cut.htrail', object, partial); SELECT count(*) AS n FROM s;")
        subprocess.run([HEAPTRAIL, "load", self.path("cut.htrail")], check=True, capture_output=True)
        told = subprocess.run(["sqlite3", self.path("cut.htrail.db"), "SELECT count(*) FROM object"], capture_output=True, text=True).stdout
        self.assertEqual(rows[0]["n"], int(told))
        self.assertGreater(rows[0]["n"], 100)
        facts = {row["key"]: row["value"] for row in self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('cut.htrail', snapshot); SELECT * FROM s;")}
        self.assertEqual((facts["complete"], facts["objects"]), ("0", told.strip()))
        self.assertIn("is cut at offset", facts["cut"])

    def test_damage_is_told_and_no_rows_pass_for_all(self):
        whole = self.whole()
        for place in 2, 4, 7:
            damaged = bytearray(whole)
            at = len(whole) * place // 8
            damaged[at:at + 8] = bytes(byte ^ 0x5a for byte in damaged[at:at + 8])
            with open(self.path("damaged.htrail"), "wb") as out:
                out.write(damaged)
            for query in "SELECT count(*) FROM s", "SELECT type, count(*) FROM s GROUP BY type", "SELECT count(DISTINCT label) FROM r":
                said = self.failing("CREATE VIRTUAL TABLE temp.s USING htrail('damaged.htrail'); "
                                    "CREATE VIRTUAL TABLE temp.r USING htrail('damaged.htrail', reference); %s;" % query)
                self.assertIn("'damaged.htrail'", said)

    def test_a_file_that_went_away_is_told_by_the_question(self):
        shutil.copy(self.path("a.htrail"), self.path("gone.htrail"))
        said = self.failing("CREATE VIRTUAL TABLE temp.s USING htrail('gone.htrail');\n.shell rm gone.htrail\nSELECT count(*) FROM s;")
        self.assertIn("cannot read 'gone.htrail': No such file or directory", said)

    def test_hand_written_heap(self):
        graph_file.snapshot("list.graph", self.folder, n=3000)
        rows = self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('list.htrail'); CREATE VIRTUAL TABLE temp.r USING htrail('list.htrail', reference); "
                          "SELECT type, count(*) AS n, sum(size) AS size FROM s GROUP BY type ORDER BY 3 DESC LIMIT 2;")
        self.assertEqual(rows, [{"type": "bytearray", "n": 3000, "size": 3000000}, {"type": "app.Record", "n": 3000, "size": 144000}])
        rows = self.shell("CREATE VIRTUAL TABLE temp.r USING htrail('list.htrail', reference); SELECT src, kind, label FROM r WHERE dst = %d;" % graph_file.address("record[2999]"))
        self.assertEqual(rows, [{"src": graph_file.address("keep"), "kind": "index", "label": "2999"}])

    @unittest.skipIf(PRELOAD, "the sanitizers look already")
    def test_valgrind_finds_nothing(self):
        graph_file.snapshot("shared.graph", self.folder)
        valgrind = ("valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite")
        self.shell("CREATE VIRTUAL TABLE temp.s USING htrail('shared.htrail'); CREATE VIRTUAL TABLE temp.r USING htrail('shared.htrail', reference); "
                   "CREATE VIRTUAL TABLE temp.t USING htrail('shared.htrail', type); CREATE VIRTUAL TABLE temp.m USING htrail('shared.htrail', meta); "
                   "SELECT type, count(*), sum(size), max(refcount) FROM s GROUP BY type; SELECT * FROM r JOIN t LIMIT 50; SELECT * FROM r WHERE dst > 5; SELECT * FROM m; "
                   "SELECT count(*) FROM s WHERE type = 'app.Item';", prefix=valgrind, is_json=False)
        self.assertEqual(self.said, "")


if __name__ == "__main__":
    unittest.main()
