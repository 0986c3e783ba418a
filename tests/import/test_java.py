"""A heap dump of a real Java VM becomes a snapshot, and its figures are those that the VM itself gives.

jcmd PID GC.class_histogram counts and measures the live heap without our help; it and the dump collect garbage first."""
import json, os, re, shutil, subprocess, sys, unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import foreign

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
PRIMITIVES = {"Z": "boolean", "C": "char", "F": "float", "D": "double", "B": "byte", "S": "short", "I": "int", "J": "long"}
PROGRAM = """
import java.util.*;
import java.lang.ref.*;
public class Leak {
    static class Record { int id; long when; byte small; String name; byte[] data = new byte[100];
                          Record(int i) { id = i; name = "record-" + i; } }
    static class Wide extends Record { boolean flag; double d; Object o; Wide(int i) { super(i); } }
    static final List<Record> kept = new ArrayList<>();
    static final Map<Integer, Object> sparse = new HashMap<>();
    static WeakReference<Object> weak;
    static Object[] gaps = new Object[5];
    public static void main(String[] a) throws Exception {
        for (int i = 0; i < 5000; i++) kept.add(i % 5 == 0 ? new Wide(i) : new Record(i));
        weak = new WeakReference<>(kept.get(1));
        gaps[3] = new int[1000];
        Thread t = new Thread(() -> { byte[] local = new byte[12345];
            try { Thread.sleep(1000000); } catch (InterruptedException e) {} System.out.println(local.length); }, "sleeper \\u00e9");
        t.setDaemon(true); t.start();
        while (t.getState() != Thread.State.TIMED_WAITING) Thread.sleep(1);
        System.out.println("ready"); System.out.flush();
        System.in.read();
    }
}
"""


def heaptrail(*arguments, code=0):
    done = subprocess.run([HEAPTRAIL, *arguments], cwd=TMP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def sql(file, query):
    return json.loads(heaptrail("sql", "--json", file, query))["rows"]


def readable(name):
    """[Ljava.lang.Object; as Java's source has it."""
    element = name.lstrip("[")
    if element != name:
        return (PRIMITIVES[element] if len(element) == 1 else element[1:-1]) + "[]" * (len(name) - len(element))
    return re.sub(r"(Lambda\$\d+)[+/]", r"\1+", name)


def histogram(pid):
    text = subprocess.run(["jcmd", str(pid), "GC.class_histogram"], env=foreign.ENVIRONMENT, stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
    classes, total = {}, re.search(r"^Total +(\d+) +(\d+)", text, re.M)
    for count, size, name in re.findall(r"^ *\d+: +(\d+) +(\d+) +(\S+)", text, re.M):
        known = classes.get(readable(name), (0, 0))
        classes[readable(name)] = known[0] + int(count), known[1] + int(size)
    return classes, (int(total[1]), int(total[2]))


def dump(name, *flags):
    """(histogram before, histogram after, totals) of a program whose dump is NAME.hprof."""
    java = subprocess.Popen(["java", "-Xmx64m", "-XX:TieredStopAtLevel=1", *flags, "-cp", TMP, "Leak"], env=foreign.ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert java.stdout.readline() == b"ready\n"
        before, _ = histogram(java.pid)
        subprocess.run(["jcmd", str(java.pid), "GC.heap_dump", os.path.join(TMP, name + ".hprof")], env=foreign.ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
        after, totals = histogram(java.pid)
    finally:
        java.kill()
        java.communicate()
    return before, after, totals


@unittest.skipUnless(all(map(shutil.which, ("java", "javac", "jcmd"))), "no JDK here")
class Java(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(TMP, "Leak.java"), "w") as out:
            out.write(PROGRAM)
        subprocess.run(["javac", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "Leak.java"], env=foreign.ENVIRONMENT, cwd=TMP, check=True)
        cls.before, cls.after, cls.totals = dump("a", "-XX:+UseSerialGC")
        cls.said = heaptrail("import", "a.hprof", "-o", "a.htrail")

    def compare(self, file, before, after, totals):
        have = {row["type"]: (row["n"], row["bytes"]) for row in sql(file, "SELECT type, count(*) AS n, sum(size) AS bytes FROM object GROUP BY type")}
        have = {re.sub(r"(Lambda\$\d+)[+/]", r"\1+", name): figures for name, figures in have.items()}
        steady = {name for name in before if before[name] == after.get(name)}
        self.assertGreater(len(steady), 200)
        self.assertEqual({name: have.get(name) for name in steady}, {name: before[name] for name in steady})
        # What the VM does between a count and the dump is all that the sums differ by.
        self.assertAlmostEqual(sum(n for n, _ in have.values()), totals[0], delta=50)
        self.assertAlmostEqual(sum(size for _, size in have.values()), totals[1], delta=5000)

    def test_every_class_has_the_count_and_bytes_that_the_vm_gives(self):
        self.compare("a.htrail", self.before, self.after, self.totals)

    def test_a_heap_with_wide_references_too(self):
        before, after, totals = dump("wide", "-XX:+UseParallelGC", "-XX:-UseCompressedOops", "-XX:-UseCompressedClassPointers")
        heaptrail("import", "wide.hprof")
        self.compare("wide.hprof.htrail", before, after, totals)

    def test_it_is_whole_and_says_what_it_is(self):
        self.assertRegex(self.said, r"^a.htrail: [\d,]+ objects of 1\.\d MiB, of a file of format hprof\n$")
        self.assertIn("whole", heaptrail("check", "a.htrail"))
        self.assertIn("Java (hprof)", heaptrail("info", "a.htrail"))

    def test_why_names_classes_fields_and_roots(self):
        chain = heaptrail("why", "a.htrail", "type:Leak$Wide")
        for words in ("sticky class", "java.lang.Class Leak", ".kept", "java.util.ArrayList", ".elementData", "Leak$Wide"):
            self.assertIn(words, chain)

    def test_fields_items_and_weak_references_are_told_apart(self):
        self.assertEqual(sql("a.htrail", "SELECT r.kind, r.label FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst "
                                         "WHERE d.type = 'int[]' AND d.length = 1000"), [{"kind": "index", "label": "3"}])
        self.assertEqual(sql("a.htrail", "SELECT r.kind, r.label, d.type FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst "
                                         "WHERE s.type = 'java.lang.ref.WeakReference' AND d.type LIKE 'Leak%' ORDER BY r.kind"),
                         [{"kind": "weak", "label": "referent", "type": "Leak$Record"}])
        self.assertEqual(sql("a.htrail", "SELECT DISTINCT r.label FROM reference r JOIN object s ON s.id = r.src WHERE s.type = 'Leak$Wide' ORDER BY 1"),
                         [{"label": "<class>"}, {"label": "data"}, {"label": "name"}])

    def test_nothing_that_a_class_holds_is_garbage(self):
        lost = sql("a.htrail", "SELECT type, count(*) AS n FROM object WHERE depth IS NULL GROUP BY type HAVING type = 'java.lang.Class' OR type LIKE 'Leak%'")
        self.assertEqual(lost, [])

    def test_threads_have_names_stacks_and_what_they_hold(self):
        self.assertIn({"name": "sleeper \u00e9"}, sql("a.htrail", "SELECT name FROM thread"))
        self.assertEqual([row["function"] for row in sql("a.htrail", "SELECT function FROM frame f JOIN thread t ON t.id = f.thread WHERE t.name = 'main' AND file = 'Leak.java'")],
                         ["Leak.main"])
        self.assertEqual(sql("a.htrail", "SELECT o.type, o.length, root.kind FROM root JOIN object o ON o.id = root.object WHERE o.length = 12345 AND root.name LIKE 'Leak.%'"),
                         [{"type": "byte[]", "length": 12345, "kind": "frame"}])
        self.assertIn("Leak.main", heaptrail("threads", "a.htrail"))

    def test_the_modules_are_packages_and_the_program_owns_its_memory(self):
        self.assertEqual(sql("a.htrail", "SELECT DISTINCT module FROM object WHERE type = 'java.util.HashMap$Node'"), [{"module": "java.util"}])
        self.assertIn("java.lang.String", heaptrail("top", "a.htrail"))

    def test_a_gzip_of_it_is_the_same_heap(self):
        subprocess.run(["gzip", "-1", "-k", "-f", "a.hprof"], cwd=TMP, check=True)
        heaptrail("import", "a.hprof.gz", "-o", "gz.htrail")
        query = "SELECT type, count(*) AS n, sum(size) AS bytes, sum(retained) AS retained FROM object GROUP BY type"
        self.assertEqual(sql("gz.htrail", query), sql("a.htrail", query))

    def test_a_dump_that_is_cut_is_read_as_far_as_it_goes(self):
        size = os.path.getsize(os.path.join(TMP, "a.hprof"))
        subprocess.run("head -c %d a.hprof > cut.hprof" % (size * 3 // 4), cwd=TMP, shell=True, check=True)
        self.assertRegex(heaptrail("import", "cut.hprof"), "'cut.hprof' is imported as far as it goes: the file ends within the item that begins, at offset [0-9]+")
        self.assertIn("ended early", heaptrail("check", "cut.hprof.htrail"))
        self.assertIn("java.lang.String", heaptrail("top", "cut.hprof.htrail"))


if __name__ == "__main__":
    unittest.main()
