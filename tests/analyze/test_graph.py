"""Heaps written as text, loaded with the command and asked in a plain sqlite3 shell: the questions stand in the
.graph files of tests/graph beside their answers."""
import glob, os, re, subprocess, sys, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
FOLDER = os.environ.get("TEST_TMP", "/tmp")


def load(path):
    subprocess.run([HEAPTRAIL, "check", path], check=True, capture_output=True)
    subprocess.run([HEAPTRAIL, "load", path], check=True, capture_output=True)
    return path + ".db"


def shell(database, sql):
    done = subprocess.run(["sqlite3", "-readonly", database, sql], capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else [done.stderr.strip()]


def questions(path):
    """(line, SQL, rows) of a .graph file."""
    with open(path) as lines:
        found = []
        for number, line in enumerate(lines, 1):
            if line.startswith("#?"):
                found.append((number, line[2:].strip(), []))
            elif line.startswith("#="):
                found[-1][2].append(line[2:].strip())
    return found


class Graphs(unittest.TestCase):
    def test_each_question_has_the_answer_that_stands_beside_it(self):
        graphs = {path: questions(path) for path in sorted(glob.glob(os.path.join(HERE, "../graph/*.graph")))}
        graphs = {path: asked for path, asked in graphs.items() if asked} # the others have tests that name them
        self.assertGreater(len(graphs), 4)
        for path, asked in graphs.items():
            database = load(graph_file.snapshot(os.path.basename(path), FOLDER))
            for number, sql, rows in asked:
                with self.subTest("%s:%d" % (os.path.basename(path), number)):
                    sql = re.sub(r"@([A-Za-z_]\w*(?:\[\d+\])?)", lambda found: str(graph_file.address(found.group(1))), sql)
                    self.assertEqual(shell(database, sql), rows, sql)

    def test_a_text_that_asks_nothing_is_named_by_a_test(self):
        tests = ""
        for test in glob.glob(os.path.join(HERE, "../*/*.[pcs]*")):
            with open(test, errors="replace") as file:
                tests += file.read()
        for path in glob.glob(os.path.join(HERE, "../graph/*.graph")):
            if not questions(path):
                self.assertIn(os.path.basename(path), tests)

    def test_what_is_set_from_outside_stands_for_what_the_text_says(self):
        small, large = (load(graph_file.snapshot("list.graph", FOLDER, name, n=n)) for name, n in (("small", 3), ("large", 5000)))
        self.assertEqual(shell(small, "SELECT objects, bytes FROM type WHERE name = 'bytearray'"), ["3|3000"])
        self.assertEqual(shell(large, "SELECT objects, bytes FROM type WHERE name = 'bytearray'"), ["5000|5000000"])
        self.assertEqual(shell(large, "SELECT length, size, refcount FROM object WHERE address = %d" % graph_file.address("keep")), ["5000|40056|2"])

    def test_an_object_has_the_same_address_in_every_text(self):
        asked = "SELECT address FROM object ORDER BY 1"
        one = shell(load(graph_file.snapshot("\nroot modules b\na[3] list -\nb app.B -\n", FOLDER, "one")), asked)
        two = shell(load(graph_file.snapshot("b app.C -\nnew app.B - at=gone\na[2] dict -\n", FOLDER, "two")), asked)
        numbers = sorted(graph_file.address("a[0]", "a[1]", "a[2]", "b"))
        self.assertEqual(list(map(int, one)), numbers)
        self.assertEqual(list(map(int, two)), sorted(graph_file.address("a[0]", "a[1]", "b", "gone")))

    def test_what_is_no_heap_is_told_with_its_line(self):
        for text, message in (
                ("a list\n", "line 1: 'a list' is no object: ID TYPE NAME"),
                ("\na list - : index - b\n", "line 2: no object 'b'"),
                ("a[3] list -\nb list - : index - a\n", "line 2: 'a' is 3 objects: say which"),
                ("a[3] list -\nb list - : index - a[3]\n", "line 2: 'a' has no [3]: it is 3 objects"),
                ("a list -\na list -\n", "line 2: the object 'a' is there already"),
                ("a list - : holds - a\n", "line 1: no kind of reference: 'holds'"),
                ("a list - : index a\n", "line 1: 'index a' is no reference: KIND LABEL TARGET"),
                ("a[3] dict - : pair a[*] b[*]\nb[2] str -\n", "line 1: 'a[*]' and 'b[*]' are not as many"),
                ("a list - weight=3\n", "line 1: what is 'weight=3' of an object?"),
                ("a list - size=n*2\n", "line 1: 'n' is no number"),
                ("root elsewhere a\na list -\n", "line 1: no kind of root: 'elsewhere'"),
                ("let n 0\na[3] list - size=$/n\n", "line 2: division by zero")):
            with self.assertRaises(ValueError, msg=text) as caught:
                graph_file.snapshot(text, FOLDER, "bad")
            self.assertIn(": " + message, str(caught.exception))
            self.assertFalse(os.path.exists(os.path.join(FOLDER, "bad.htrail")))


if __name__ == "__main__":
    unittest.main()
