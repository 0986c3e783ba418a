"""docs/schema.md: each question in it, asked in a plain sqlite3 shell of the heap of tests/graph/shop.graph, has the answer
that stands below it, and each table and view is asked. DOCUMENT_REWRITE=1 writes the answers anew: look at the diff."""
import os, re, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
DOCUMENT = os.path.join(HERE, "../../docs/schema.md")
# What stands for the address of an object that a reader has at hand.
PLACEHOLDER, OBJECT = "0x7f0000000000", "order[7]"
BLOCK = re.compile(r"```sql\n(.*?)```\n(?:\n((?:    [^\n]*\n)+))?", re.S)
BELOW_THE_VIEWS = re.compile(r"heap_|label$|object_text$|sqlite_")


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        for name, n in ("before", 600), ("after", 1000):
            path = graph_file.snapshot("shop.graph", cls.temporary.name, name, n=n)
            subprocess.run([HEAPTRAIL, "load", path], check=True, capture_output=True)
        os.symlink(os.path.dirname(DOCUMENT), os.path.join(cls.temporary.name, "docs"))
        with open(DOCUMENT) as file:
            cls.text = file.read()
        cls.address = "0x%x" % graph_file.address(OBJECT)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def shell(self, question):
        done = subprocess.run(["sqlite3", "-batch", "-bail", "-readonly", "after.htrail.db"], input=question.replace(PLACEHOLDER, self.address),
                              cwd=self.temporary.name, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), question)
        return done.stdout.replace(self.address, PLACEHOLDER)

    def test_each_question_has_its_answer(self):
        def block(found):
            return "```sql\n%s```\n\n%s" % (found[1], "".join("    %s\n" % line for line in self.shell(found[1]).splitlines()))

        self.assertGreater(len(BLOCK.findall(self.text)), 25)
        if os.environ.get("DOCUMENT_REWRITE"):
            with open(DOCUMENT, "w") as out:
                out.write(BLOCK.sub(block, self.text))
            return
        for found in BLOCK.finditer(self.text):
            with self.subTest(question=found[1]):
                answer = re.sub(r"^    ", "", found[2] or "", flags=re.M)
                self.assertNotEqual(answer, "", "a question and its answer")
                self.assertEqual(self.shell(found[1]), answer)

    def test_each_table_and_view_is_asked(self):
        names = self.shell("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view');").split()
        self.assertIn("object", names)
        questions = " ".join(question for question, answer in BLOCK.findall(self.text))
        for name in names:
            if not BELOW_THE_VIEWS.match(name):
                self.assertRegex(questions, r"(FROM|JOIN|,|before\.|after\.) *%s\b" % name, "a question to %s" % name)
                columns = self.shell("SELECT name FROM pragma_table_info('%s');" % name).split()
                for column in columns:
                    self.assertRegex(self.text, r"\b%s\b" % column, "%s.%s" % (name, column))


if __name__ == "__main__":
    unittest.main()
