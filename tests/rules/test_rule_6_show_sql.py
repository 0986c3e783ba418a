"""Rule 6: what a command prints as a table it prints as SQL too (--show-sql), and the plain sqlite3 shell gives the
same rows for that text as the command does with --json. Goes through every command that `heaptrail --help` lists and
every --by that a command's help lists: a new one is tested here before it is landed.

A command that prints tables has --json and --show-sql and stands in TABLES with what to ask it. What --show-sql prints
is whole: other databases are attached in it, it ends in a semicolon, -n is a LIMIT (cli_show_sql does all that).
Several queries give the rows of one table one after the other, then those of the next table."""
import json
import re
import unittest

import rule

PROGRAM = rule.PROGRAM + """
import threading, time, tracemalloc, collections
tracemalloc.start(3)
class Record:
    def __init__(self, n): self.n = n; self.data = bytearray(500)
class Request: pass
keep, cache = [], collections.OrderedDict()
def work(n):
    local = [Record(n)]
    time.sleep(60)
for i in range(4): threading.Thread(target=work, args=(i,), daemon=True, name="worker %d" % i).start()
def grow(count):
    for i in range(count):
        keep.append(Record(i)); cache["k%d" % len(cache)] = [str(i) * 3]
    threading.Thread(target=work, args=(count,), daemon=True).start()
    time.sleep(0.05)
for name in "abc":
    grow(2000)
    heaptrail.snapshot(name + ".htrail")
"""

# What has no table, and why.
NO_TABLE = {
    "run": "runs a program",
    "snap": "one line about the snapshot that it took",
    "load": "the name of the database",
    "graph": "a picture",
    "report": "a page; its figures are those of the tables of top, diff, leaks and threads",
    "serve": "a page, as of report; what is asked of it there is SQL of one's own",
    "export": "a file for another tool",
    "import": "one line about the snapshot that it made",
}

# What to ask those that print tables; a.db, b.db and c.db are snapshots of one process. Each value of --by that the
# help of a command lists is put in front of the first of its questions, and of those that end in an object.
TABLES = {
    "info": [["a.db"], ["--all", "a.htrail"]],
    "check": [["a.db"], ["a.htrail"]],
    "top": [["b.db"], ["-n", "7", "--sort", "retained", "b.db"], ["b.db", "type:dict"], ["--by", "site", "--traceback", "b.db"],
            ["--tree", "--depth", "2", "-n", "2", "b.db"], ["--tree", "--by", "package", "b.db"], ["--tree", "--by", "root", "b.db"],
            ["b.db", "type:dict", "--tree", "--min", "0"]],
    "diff": [["a.db", "b.db"], ["-n", "3", "a.db", "b.db"], ["--by", "site", "--traceback", "a.db", "b.db"],
             ["a.db", "b.db", "c.db"], ["--by", "site", "a.db", "b.db", "c.db"], ["--by", "length", "--sort", "change", "--min-bytes", "1K", "--min-count", "2", "a.db", "b.db", "c.db"],
             ["--assert", "type:Record <= +0", "--assert", "total bytes <= +500%", "--assert", "module:threading == 5", "a.db", "b.db", "c.db"],
             ["--survivors", "a.db", "b.db"], ["-n", "9", "--objects", "new", "a.db", "b.db"], ["-n", "9", "--objects", "gone", "a.db", "b.db"]],
    "leaks": [["a.db", "b.db", "c.db"], ["a.db", "b.db"], ["--noisy", "a.db", "b.db", "c.db"]],
    "waste": [["b.db"], ["--kind", "empty", "-n", "5", "b.db"]],
    "threads": [["b.db"], ["--each", "b.db"], ["a.db", "b.db"], ["-n", "1", "b.db"]],
    "why": [["b.db", "type:__main__.Record"], ["-n", "3", "b.db", "type:dict"], ["b.db", "module:__main__"]],
    "sql": [["b.db", "SELECT type, count(*) AS n, avg(size) AS mean, NULL AS missing FROM object GROUP BY type -- by type"]],
}


class ShowSql(rule.RuleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shared = rule.RuleTest()
        shared.setUp()
        cls.shared, cls.answered = shared, {}
        shared.python(PROGRAM)
        for name in "abc":
            shared.heaptrail("load", name + ".htrail", "-o", name + ".db")

    @classmethod
    def tearDownClass(cls):
        cls.shared.doCleanups()
        super().tearDownClass()

    def setUp(self):
        self.folder = self.shared.folder

    def commands(self):
        said = self.heaptrail("--help")
        return re.findall(r"^  (\w+) ", said[said.index("commands:"):], re.M)

    def by(self, command):
        """The values that the help of a command lists for --by: "type (the default), module, ... or c-refs"."""
        said = self.heaptrail(command, "--help")
        found = re.search(r"--by KEY +(.*)", said)
        if found is None:
            self.assertNotRegex(said, r"--by\b", "the help lists what --by takes")
            return []
        values = re.split(r", | or ", re.sub(r" \(.*?\)", "", found.group(1)))
        self.assertGreater(len(values), 3, values)
        return values

    def questions(self, command):
        plain = TABLES[command]
        asked = [question for question in plain]
        for value in self.by(command):
            asked += [["--by", value] + question for question in plain[:1] + [q for q in plain if ":" in q[-1] and command == "top" and "--tree" not in q]]
        return asked

    def shell(self, text):
        """The rows of all queries of a text, as the sqlite3 shell gives them."""
        said = self.run_command("sqlite3", "-batch", "-init", "/dev/null", "-json", "-readonly", self.database, text)
        rows, at, decoder = [], 0, json.JSONDecoder()
        while said[at:].strip():
            at += len(said[at:]) - len(said[at:].lstrip())
            found, at = decoder.raw_decode(said, at)
            rows += self.rounded(found)
        return rows

    def answer(self, command, *question):
        if (command, question) not in self.answered:
            self.answered[command, question] = self.ask(command, question)
        return self.answered[command, question]

    def ask(self, command, question):
        self.database = ([word + ".db" if word.endswith(".htrail") else word for word in question if re.fullmatch(r"\w\.(db|htrail)", word)])[0]
        said = self.heaptrail(command, "--json", "--show-sql", *question, code=None)
        text = self.said
        self.assertRegex(text, r"(?s);\s*\Z", "the text of --show-sql is whole")
        rows = self.rounded([row for table in json.loads(said).values() if isinstance(table, list) for row in table])
        self.assertEqual(self.shell(text), rows, text)
        return rows, text

    def rounded(self, rows):
        """The shell writes a fraction with digits that it makes up, and a value that is JSON as its text."""
        def plain(value):
            if isinstance(value, str) and value.startswith("[{"):
                return json.loads(value)
            return float("%.12g" % value) if isinstance(value, float) else value
        return [{key: plain(value) for key, value in row.items()} for row in rows]

    def test_every_command_has_tables_with_their_sql_or_none(self):
        commands = self.commands()
        self.assertIn("top", commands)
        self.assertEqual(sorted(commands), sorted(list(TABLES) + list(NO_TABLE)), "a command stands in TABLES or in NO_TABLE")
        for command in commands:
            said = self.heaptrail(command, "--help")
            for option in "--json", "--show-sql":
                (self.assertIn if command in TABLES else self.assertNotIn)(option, said, "'%s'" % command)

    def test_the_shell_gives_the_rows_that_the_command_gives(self):
        for command in TABLES:
            for question in self.questions(command):
                with self.subTest(command=command, question=question):
                    rows, text = self.answer(command, *question)
                    self.assertTrue(rows, "no rows: nothing was compared")

    def test_a_table_for_people_is_of_the_same_query(self):
        for command in TABLES:
            with self.subTest(command=command):
                rows, text = self.answer(command, *TABLES[command][0])
                said = self.heaptrail(command, "--show-sql", *TABLES[command][0], code=None)
                self.assertTrue(said)
                query = self.said
                shown = self.shell(query)
                self.assertEqual(shown, rows[:len(shown)])
                self.assertEqual(re.sub(r"\nLIMIT \d+(?=;)", "", query), text)


if __name__ == "__main__":
    unittest.main()
