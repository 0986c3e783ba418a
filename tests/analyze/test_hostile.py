"""What a snapshot or a database says is not believed: numbers that no memory has, and tables that somebody changed. Each answer is
a right one, or one sentence and exit code 3; never a crash, never an endless loop."""
import os, resource, shutil, signal, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
TIMEOUT_S = 60

KEEP = """
let n 100
let size 64
meta runtime cpython 3.11.2
meta pid 4711
root modules main app
main module app : value keep keep, value head node[0]
keep list - size=56 : index - item[*]
item[n] app.Item - size=size
node[n] app.Node - size=64 : slot next node[$+1]
"""


def full_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))


class Hostile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def heaptrail(self, *arguments, code=0):
        done = subprocess.run([HEAPTRAIL, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr if code else done.stdout

    def changed(self, name, sql, **lets):
        """Database of a heap, with something else in its tables."""
        graph_file.snapshot(KEEP, self.folder, name, **lets)
        self.heaptrail("load", name + ".htrail", "-o", name + ".db")
        subprocess.run(["sqlite3", os.path.join(self.folder, name + ".db"), sql], check=True)
        return name + ".db"

    def test_sums_past_what_can_be_addressed_do_not_turn_over(self):
        """Under the sanitizers an overflow is a failure; without them an absurd sentence."""
        for size in (1 << 56, 1 << 60):
            files = [graph_file.snapshot(KEEP, self.folder, "s%d" % n, n=n, size=size) for n in (100, 300, 500)]
            self.assertIn("no leak", self.heaptrail("leaks", "--noisy", *files))
            self.heaptrail("leaks", "--noisy", "--across", *reversed(files))

    def test_a_dominator_that_is_no_object_is_refused(self):
        first = graph_file.snapshot(KEEP, self.folder, "first", n=50)
        other = self.changed("other", "UPDATE heap_object SET dominator = 4000000000 WHERE type = (SELECT id FROM type WHERE name = 'app.Node')")
        self.assertRegex(self.heaptrail("leaks", first, other, code=3), r"^heaptrail leaks: .*object \d+ is not where its number says\n$")

    def test_waste_in_numbers_that_lead_nowhere(self):
        whole = os.path.join(self.folder, self.changed("whole", "SELECT 1"))
        def waste(sql, *arguments, code=0):
            path = shutil.copy(whole, os.path.join(self.folder, "other.db"))
            subprocess.run(["sqlite3", path, sql], check=True)
            return self.heaptrail("waste", "--json", *arguments, path, code=code)
        for sql in ("UPDATE heap_object SET holder = 4000000000", "UPDATE heap_object SET label = -1, holder = id + 1", "UPDATE heap_object SET length = 1 << 60, size = 1 << 62",
                    "UPDATE heap_object SET size = -9223372036854775808, length = 9223372036854775807", "UPDATE heap_object SET type = 4000000000, name = 4000000000",
                    "UPDATE type SET basic_size = -9223372036854775808, is_heap = 1, item_size = 0", "UPDATE OR REPLACE heap_reference SET dst = 4000000000", "UPDATE heap_reference SET label = 1 << 40"):
            waste(sql)
        waste("UPDATE heap_object SET owner = 4000000000, module = -1", "--by", "owner")
        self.assertRegex(waste("UPDATE heap_object SET id = 4000000000 WHERE id = (SELECT max(id) FROM heap_object)", code=3), r"object 4000000000 is not where its number says\n$")

    def test_places_in_the_tree_past_all_numbers(self):
        """Under the sanitizers an overflow is a failure."""
        other = self.changed("other", "UPDATE heap_object SET tree_place = 9223372036854775807, tree_below = 9223372036854775807")
        for what in ("type:app.Node", "type:app.Item", "id:3"):
            self.heaptrail("why", other, what)

    def test_a_root_with_an_endless_number_is_left_out(self):
        first = graph_file.snapshot(KEEP, self.folder, "first", n=50)
        self.heaptrail("leaks", first, self.changed("other", "UPDATE root SET id = 4294967290"))

    def test_survivors_of_a_long_chain_of_what_the_collector_does_not_know(self):
        files = [graph_file.snapshot(KEEP, self.folder, name, n=30000) for name in ("before", "after")]
        self.assertRegex(self.heaptrail("diff", "--survivors", *files), r"app.Node +30,000 +30,000 +0 +0 ")

    def test_a_full_disk_leaves_the_result_that_was_there(self):
        """The limit of the size of a file stands for the disk."""
        files = [graph_file.snapshot(KEEP, self.folder, "s%d" % n, n=n) for n in (100, 300, 500)]
        path = os.path.join(self.folder, "found.db")
        self.heaptrail("leaks", "-o", path, *files)
        with open(path, "rb") as file:
            before = file.read()
        there = sorted(os.listdir(self.folder))
        done = subprocess.run([HEAPTRAIL, "leaks", "-o", path, *files], capture_output=True, text=True, preexec_fn=full_disk)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertRegex(done.stderr, r"^heaptrail leaks: cannot write '.*found.db': .+\n$")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(sorted(os.listdir(self.folder)), there)


if __name__ == "__main__":
    unittest.main()
