"""A real snapshot of a real interpreter, loaded, and asked in a plain sqlite3 shell: every question of
docs/schema.md gives the truth, as the program that was snapshotted knows it."""
import fcntl, json, os, re, stat, subprocess, sys, time, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(ROOT, "build/heaptrail"))
FOLDER = os.environ.get("TEST_TMP", "/tmp")
SNAPSHOT, DATABASE = os.path.join(FOLDER, "app.htrail"), os.path.join(FOLDER, "app.htrail.db")

PROGRAM = """
import gc, json, logging, sys, types, weakref, heaptrail

class Record:
    def __init__(self, number):
        self.number, self.payload = number, bytearray(number)

class Slotted:
    __slots__ = ("inner",)

def outer(captured):
    def inner(default=["default"]):
        return captured, default
    return inner

def counting():
    yield from range(9)

class Counter:
    def counting(self):
        yield 1

class Meta(type):
    pass

doubled = [Meta("Doubled", (), {}) for _ in range(2)] + [type("Plain", (), {}) for _ in range(3)]
running, fresh = counting(), Counter().counting()
next(running)
records = [Record(number) for number in range(3000)]
slotted = Slotted()
slotted.inner = ["in a slot"]
closure = outer(["captured"])
weak = weakref.ref(records[7])
numbered = {1: ["by number"], (2, 3): ["by tuple"]}
stale = types.ModuleType("stale_module")
exec("def f(): pass", stale.__dict__)
stale_function = stale.f
stale_dict = id(stale.__dict__)
del stale
cycle = []
cycle.append([cycle])
gc.collect()
lost = [id(cycle), id(cycle[0])]
gc.disable()
del cycle
def frame():
    local_list = ["local"]
    facts = {
        "record": id(records[7]), "records": id(records), "payload": id(records[7].payload), "slotted": id(slotted.inner),
        "captured": id(closure.__closure__[0].cell_contents), "cells": id(closure.__closure__), "default": id(closure.__defaults__[0]),
        "by_number": id(numbered[1]), "by_tuple": id(numbered[(2, 3)]), "numbered": id(numbered), "weak": id(weak),
        "local": id(local_list), "none": id(None), "stale_dict": stale_dict, "lost": lost,
        "logging": id(logging), "logging_dict": id(logging.__dict__), "logger": id(logging.Logger), "getLogger": id(logging.getLogger),
        "running": id(running), "fresh": id(fresh),
        "types": [id(dict), id(Record)],
    }
    heaptrail.snapshot(sys.argv[1])
    facts["refcount_records"] = sys.getrefcount(records) - 1
    return facts
print(json.dumps(frame()))
"""


class Shell:
    """The sqlite3 shell, as it comes with the system."""

    def __init__(self, database):
        self.database = database

    def __call__(self, sql):
        done = subprocess.run(["sqlite3", "-readonly", self.database, sql], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]


class Database(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A program in a file is __main__ with a name; -c would do as well.
        path = os.path.join(FOLDER, "app.py")
        with open(path, "w") as out:
            out.write(PROGRAM)
        cls.facts = json.loads(subprocess.run([sys.executable, path, SNAPSHOT], capture_output=True, text=True, check=True).stdout)
        subprocess.run([HEAPTRAIL, "load", SNAPSHOT], check=True, capture_output=True)
        cls.ask = Shell(DATABASE)

    def one(self, sql):
        rows = self.ask(sql)
        self.assertEqual(len(rows), 1, "%s gave %s" % (sql, rows))
        return rows[0]

    def test_the_database_is_sound(self):
        self.assertEqual(self.ask("PRAGMA integrity_check"), [("ok",)])

    def test_types_are_named_in_full_and_builtins_plainly(self):
        f = self.facts
        for address, name in ((f["record"], "__main__.Record"), (f["payload"], "bytearray"), (f["numbered"], "dict"),
                              (f["logger"], "type"), (f["getLogger"], "function")):
            self.assertEqual(self.one("SELECT type FROM object WHERE address = %d" % address), (name,))

    def test_functions_classes_and_modules_have_names(self):
        f = self.facts
        self.assertEqual(self.one("SELECT name, module FROM object WHERE address = %d" % f["logger"]), ("logging.Logger", "logging"))
        self.assertEqual(self.one("SELECT name, module FROM object WHERE address = %d" % f["getLogger"]), ("logging.getLogger", "logging"))
        self.assertEqual(self.one("SELECT name, module FROM object WHERE address = %d" % f["logging"]), ("logging", "logging"))
        self.assertEqual(self.one("SELECT name, module FROM object WHERE address = %d" % f["types"][1]), ("__main__.Record", "__main__"))
        self.assertEqual(self.one("SELECT count(*) FROM object WHERE name = 'logging.Logger'"), ("1",))

    def test_generators_are_named_as_their_functions(self):
        for key, name in (("running", "__main__.counting"), ("fresh", "__main__.Counter.counting")):
            self.assertEqual(self.one("SELECT type, name, module FROM object WHERE address = %d" % self.facts[key]), ("generator", name, "__main__"))

    def test_a_dict_belongs_to_the_module_that_it_is_of_also_when_that_is_gone(self):
        f = self.facts
        self.assertEqual(self.one("SELECT type, name, module FROM object WHERE address = %d" % f["logging_dict"]), ("dict", "", "logging"))
        self.assertEqual(self.one("SELECT module FROM object WHERE address = %d" % f["stale_dict"]), ("stale_module",))
        self.assertEqual(self.one("SELECT module FROM object WHERE address = %d" % f["record"]), ("__main__",))
        self.assertEqual(self.one("SELECT module FROM object WHERE address = %d" % f["numbered"]), ("builtins",))

    def test_sizes_lengths_and_counts(self):
        f = self.facts
        self.assertEqual(self.one("SELECT length, refcount FROM object WHERE address = %d" % f["records"])[0], "3000")
        self.assertEqual(self.one("SELECT length, size FROM object WHERE address = %d" % f["payload"]), ("7", str(sys.getsizeof(bytearray(7)))))

    def labels(self, address):
        return self.ask("SELECT s.type, r.kind, r.label FROM reference r JOIN object s ON s.id = r.src "
                        "WHERE r.dst = (SELECT id FROM object WHERE address = %d) ORDER BY 1, 2, 3" % address)

    def test_references_are_labelled(self):
        f = self.facts
        self.assertIn(("list", "index", "7"), self.labels(f["record"]))
        self.assertIn("weak", [kind for _, kind, _ in self.labels(f["record"])])
        self.assertIn(("__main__.Record", "attr", "payload"), self.labels(f["payload"]))
        self.assertIn(("__main__.Slotted", "slot", "inner"), self.labels(f["slotted"]))
        self.assertIn(("dict", "value", "(int)"), self.labels(f["by_number"]))
        self.assertIn(("dict", "value", "(tuple)"), self.labels(f["by_tuple"]))
        self.assertIn(("dict", "value", "records"), self.labels(f["records"]))
        self.assertIn(("frame", "local", "local_list"), self.labels(f["local"]))

    def test_a_cell_has_the_name_of_its_variable(self):
        rows = self.ask("SELECT kind, label FROM reference WHERE src = (SELECT id FROM object WHERE address = %d)" % self.facts["cells"])
        self.assertIn(("cell", "captured"), rows)

    def test_a_value_under_a_key_that_is_no_name_says_which_key(self):
        rows = self.ask("SELECT k.type FROM reference r JOIN object k ON k.id = r.key WHERE r.dst = (SELECT id FROM object WHERE address = %d)"
                        % self.facts["by_tuple"])
        self.assertEqual(rows, [("tuple",)])

    def test_why_is_a_walk_upwards(self):
        rows = self.ask("""WITH RECURSIVE up(id, step) AS (
              SELECT id, 0 FROM object WHERE address = %d
              UNION ALL SELECT o.holder, step + 1 FROM up JOIN object o ON o.id = up.id WHERE o.holder IS NOT NULL)
            SELECT o.type, o.holder_label, o.depth FROM up JOIN object o ON o.id = up.id ORDER BY step""" % self.facts["payload"])
        self.assertEqual([row[1] for row in rows[:3]], ["payload", "7", "records"])
        self.assertEqual(rows[-1][2], "0")
        root = self.one("SELECT r.kind FROM object o JOIN root r ON r.id = o.root WHERE address = %d" % self.facts["payload"])
        self.assertEqual(root, ("sys.modules",))

    def test_garbage_that_waits_has_no_chain(self):
        for address in self.facts["lost"]:
            self.assertEqual(self.one("SELECT depth, holder, root FROM object WHERE address = %d" % address), ("", "", ""))

    def test_roots_are_named_never_unknown(self):
        kinds = {row[0] for row in self.ask("SELECT kind FROM root")}
        self.assertIn("sys.modules", kinds)
        self.assertIn("frame", kinds)
        self.assertFalse({kind for kind in kinds if "unknown" in kind})
        self.assertTrue(self.ask("SELECT name FROM root WHERE kind = 'frame' AND name LIKE 'frame at %app.py:%'"))

    def test_references_are_counted_as_the_interpreter_counts(self):
        """All but a few in a thousand objects have as many references as their count says."""
        mortal = "is_pseudo = 0 AND is_immortal = 0 AND refcount < 1000"
        all_of, off = self.one("SELECT count(*), sum(refcount <> (SELECT count(*) FROM reference WHERE dst = o.id AND kind <> 'weak') "
                               "+ (SELECT count(*) FROM root WHERE object = o.id AND kind <> 'C code')) FROM object o WHERE " + mortal)
        self.assertLess(int(off), int(all_of) * 0.05)

    def test_two_databases_attach(self):
        rows = self.ask("ATTACH '%s' AS other; SELECT count(*) FROM object a JOIN other.object b ON b.id = a.id AND b.address = a.address" % DATABASE)
        self.assertEqual(rows, self.ask("SELECT count(*) FROM object"))

    def test_an_index_answers_from_both_ends(self):
        for column in ("src", "dst"):
            plan = "\n".join("|".join(row) for row in self.ask("EXPLAIN QUERY PLAN SELECT * FROM reference WHERE %s = 5" % column))
            self.assertNotIn("SCAN", plan)
        for query in ("SELECT id FROM object WHERE type = 'dict'",
                      "SELECT count(*) FROM reference WHERE dst = (SELECT id FROM object WHERE type = 'NoneType')",
                      "SELECT s.type, count(*) FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst WHERE d.type = 'NoneType' GROUP BY 1",
                      "WITH RECURSIVE up(id) AS (VALUES(5) UNION SELECT r.src FROM up JOIN reference r ON r.dst = up.id) SELECT count(*) FROM up"):
            plan = "\n".join("|".join(row) for row in self.ask("EXPLAIN QUERY PLAN " + query))
            self.assertFalse(re.search(r"SCAN [a-z]+ *$|AUTOMATIC|SCAN [oe]$", plan.replace("SCAN up", ""), re.M), plan)

    def test_classes_that_are_there_twice_are_found_whatever_their_metaclass_is(self):
        text = open(os.path.join(ROOT, "docs/schema.md")).read()
        question = re.search(r"Which classes are there more than once.*?```sql\n(.*?)```", text, re.S)[1]
        self.assertEqual([row for row in self.ask(question) if row[0].startswith("__main__.")], [("__main__.Plain", "3"), ("__main__.Doubled", "2")])

    def test_the_questions_of_the_document_have_its_answers_columns(self):
        text = open(os.path.join(ROOT, "docs/schema.md")).read()
        questions = re.findall(r"```sql\n(.*?)```", text, re.S)
        self.assertGreater(len(questions), 8)
        for question in questions:
            with self.subTest(question=question):
                asked = question.replace("0x7f0000000000", str(self.facts["record"])).replace("before.htrail.db", DATABASE).replace("after.htrail.db", DATABASE)
                done = subprocess.run(["sqlite3", "-batch", "-bail", "-readonly", DATABASE], input=asked, cwd=ROOT, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


class Store(unittest.TestCase):
    """Where databases are put, and when they are used again."""

    def setUp(self):
        self.folder = os.path.join(FOLDER, self.id().rsplit(".", 1)[1])
        os.makedirs(self.folder)
        self.file = os.path.join(self.folder, "a.htrail")
        subprocess.run([sys.executable, "-c", "import heaptrail; heaptrail.snapshot(%r)" % self.file], check=True)

    def run_command(self, *arguments, **more):
        return subprocess.run([HEAPTRAIL, *arguments], capture_output=True, text=True, **more)

    def test_it_is_loaded_once(self):
        self.run_command("top", self.file)
        before = os.stat(self.file + ".db")
        self.run_command("top", self.file)
        after = os.stat(self.file + ".db")
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_several_commands_may_load_it_at_once(self):
        children = [subprocess.Popen([HEAPTRAIL, "top", self.file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(6)]
        outputs = {child.communicate()[0] for child in children}
        self.assertEqual([child.returncode for child in children], [0] * 6, outputs)
        self.assertEqual(len(outputs), 1)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.htrail", "a.htrail.db"])

    def test_what_a_killed_load_left_goes_with_the_next_one(self):
        left, living = ("%s.db.%d.partial" % (self.file, number) for number in (4194305, 4194306))
        others = [self.file + ".db.partial", self.file + ".db.1x.partial", os.path.join(self.folder, "b.htrail.db.7.partial")]
        with open(living, "w") as under_way:
            fcntl.flock(under_way, fcntl.LOCK_EX)
            for path in [left, *others]:
                open(path, "w").close()
            self.run_command("top", self.file)
            self.assertEqual(sorted(os.listdir(self.folder)),
                             sorted(["a.htrail", "a.htrail.db", *map(os.path.basename, [living, *others])]))

    def test_a_load_that_was_killed_is_made_good(self):
        for delay_ms in range(0, 40, 4):
            child = subprocess.Popen([HEAPTRAIL, "load", self.file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay_ms / 1000)
            child.kill()
            child.wait()
        os.path.exists(self.file + ".db") and os.unlink(self.file + ".db")
        self.run_command("top", self.file)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.htrail", "a.htrail.db"])

    def test_a_database_is_as_private_as_a_snapshot(self):
        self.run_command("top", self.file)
        self.assertEqual(os.stat(self.file + ".db").st_mode & 0o777, 0o600)

    def test_what_is_no_database_of_ours_is_not_written_over(self):
        self.run_command("load", self.file, "-o", os.path.join(self.folder, "a.db"))
        foreign, mine, text = (os.path.join(self.folder, name) for name in ("foreign.db", "a.db", "notes.txt"))
        subprocess.run(["sqlite3", foreign, "CREATE TABLE precious(a)"], check=True)
        with open(text, "w") as out:
            out.write("precious")
        for command, code in ((("load", "-o", self.file, self.file), 3), (("load", "-o", foreign, self.file), 3), (("load", "-o", text, self.file), 3),
                              (("leaks", "-o", mine, mine, mine), 3), (("leaks", "-o", foreign, mine, mine), 3),
                              (("export", "--format", "csv", "-o", self.file, self.file), 2), (("import", "-o", text, text), 2)):
            with self.subTest(command=command):
                before = open(command[command.index("-o") + 1], "rb").read()
                done = self.run_command(*command)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertRegex(done.stderr, r"(stays as it is|not written over)\n")
                self.assertEqual(open(command[command.index("-o") + 1], "rb").read(), before)

    def test_beside_a_database_of_somebody_else_the_cache_is_used(self):
        subprocess.run(["sqlite3", self.file + ".db", "CREATE TABLE precious(a)"], check=True)
        self.assertIn("dict", self.run_command("top", self.file, env=dict(os.environ, XDG_CACHE_HOME=os.path.join(self.folder, "cache"))).stdout)
        self.assertEqual(Shell(self.file + ".db")("SELECT name FROM sqlite_schema"), [("precious",)])
        self.assertEqual(len(os.listdir(os.path.join(self.folder, "cache/heaptrail"))), 1)

    def test_a_pipe_and_a_device_are_not_replaced(self):
        """By their names a database is not written: that would put a file in the place of /dev/null."""
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        done = self.run_command("load", "-o", pipe, self.file)
        self.assertEqual((done.returncode, done.stderr), (3, "heaptrail load: cannot write '%s': it is there and no loaded snapshot, and stays as it is\n" % pipe))
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.htrail", "pipe"])

    def test_a_database_of_another_snapshot_is_replaced(self):
        self.run_command("top", self.file)
        before = os.stat(self.file + ".db").st_ino
        subprocess.run([sys.executable, "-c", "import heaptrail; x = ['more'] * 1000; heaptrail.snapshot(%r)" % self.file], check=True)
        self.run_command("top", self.file)
        self.assertNotEqual(before, os.stat(self.file + ".db").st_ino)

    def test_in_a_read_only_folder_the_cache_is_used(self):
        cache = os.path.join(FOLDER, "cache")
        done = self.as_nobody(["top", "-n", "1", self.file], XDG_CACHE_HOME=cache)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(self.file + ".db"))
        self.assertEqual(len(os.listdir(os.path.join(cache, "heaptrail"))), 1)
        again = self.as_nobody(["top", "-n", "1", self.file], XDG_CACHE_HOME=cache)
        self.assertEqual(again.stdout, done.stdout)
        self.assertEqual(len(os.listdir(os.path.join(cache, "heaptrail"))), 1)

    def as_nobody(self, arguments, **environ):
        """Root may write everywhere: give that up."""
        os.chmod(self.folder, 0o555)
        os.chmod(self.file, 0o444)
        os.chmod(FOLDER, 0o777)
        def drop():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
        try:
            return self.run_command(*arguments, env=dict(os.environ, **environ), preexec_fn=drop)
        finally:
            os.chmod(self.folder, 0o755)

    def test_nothing_is_left_of_standard_input(self):
        with open(self.file, "rb") as stream:
            done = self.run_command("top", "-n", "1", "-", stdin=stream, env=dict(os.environ, TMPDIR=self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.folder), ["a.htrail"])

    def test_a_partial_file_is_read_up_to_the_cut(self):
        partial = os.path.join(self.folder, "b.htrail.partial")
        with open(self.file, "rb") as whole, open(partial, "wb") as cut:
            cut.write(whole.read()[:os.path.getsize(self.file) * 9 // 10])
        done = self.run_command("sql", "--json", partial, "SELECT value FROM snapshot WHERE key = 'complete'")
        self.assertEqual(done.returncode, 0)
        self.assertIn("cut at offset", done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [{"value": "0"}])

    def test_a_damaged_file_is_refused_and_nothing_left(self):
        with open(self.file, "r+b") as file:
            file.seek(os.path.getsize(self.file) // 2)
            file.write(b"XXXXXXXXXXXXXXXX")
        done = self.run_command("top", self.file)
        self.assertEqual(done.returncode, 3)
        self.assertIn("damaged", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["a.htrail"])


if __name__ == "__main__":
    unittest.main()
