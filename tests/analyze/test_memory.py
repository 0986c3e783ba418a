"""A load under a limit of resident memory: the same database, with less of it."""
import os, resource, subprocess, sys, tempfile, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
PROGRAM = """
import sys, heaptrail
class Record(object): pass
shared = [1.5, "x"]
kept = [(shared, Record, None, i & 7) for i in range(500000)]
heaptrail.snapshot(sys.argv[1])
"""


def peak_of(*command, **environ):
    """MiB that a command had resident, and its exit code."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ, **environ))
    said = child.stderr.read().decode()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1024, child.returncode, said


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="memory.", dir=os.environ.get("TEST_TMP"))
        cls.file = os.path.join(cls.folder.name, "a.htrail")
        subprocess.run([sys.executable, "-c", PROGRAM, cls.file], check=True)
        cls.usual = os.path.join(cls.folder.name, "usual.db")
        cls.usual_peak, code, said = peak_of(HEAPTRAIL, "load", cls.file, "-o", cls.usual, TMPDIR="/nonexistent")
        assert code == 0, said

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def database(self):
        return open(self.usual, "rb").read()

    @unittest.skipIf("SANITIZER_PRELOAD" in os.environ or "asan" in os.environ.get("B", ""), "a sanitizer has memory of its own")
    def test_a_limit_holds_and_the_database_is_the_same(self):
        limited = os.path.join(self.folder.name, "limited.db")
        peak, code, said = peak_of(HEAPTRAIL, "load", "--max-memory", "64M", self.file, "-o", limited, TMPDIR=self.folder.name)
        self.assertEqual((code, said), (0, ""))
        self.assertTrue(open(limited, "rb").read() == self.database())
        self.assertGreater(self.usual_peak, 100)
        self.assertLess(peak, 80)  # 64 and what a machine that is busy lets it look at late
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["a.htrail", "limited.db", "usual.db"])
        os.unlink(limited)

    def test_what_is_no_limit_is_a_wrong_use(self):
        for words, environment, sentence in ((("load", "--max-memory", "10"), {}, "a load needs 64M at least, and --max-memory is '10'"),
                                             (("load", "--max-memory", "0"), {}, "a load needs 64M at least, and --max-memory is '0'"),
                                             (("load",), {"HEAPTRAIL_MEMORY": "foo"}, "HEAPTRAIL_MEMORY is 'foo', which is no number of bytes"),
                                             (("load",), {"HEAPTRAIL_MEMORY": "64MX"}, "HEAPTRAIL_MEMORY is '64MX', which is no number of bytes"),
                                             (("load",), {"HEAPTRAIL_MEMORY": "-1"}, "HEAPTRAIL_MEMORY is '-1', which is no number of bytes"),
                                             (("top",), {"HEAPTRAIL_MEMORY": "63M"}, "HEAPTRAIL_MEMORY is '63M', and a load needs 64M at least")):
            done = subprocess.run([HEAPTRAIL, *words, self.file], env=dict(os.environ, **environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual((done.returncode, done.stderr.splitlines()[0]), (2, "heaptrail %s: %s" % (words[0], sentence)))

    def test_other_commands_are_told_by_the_environment(self):
        peak, code, said = peak_of(HEAPTRAIL, "top", self.file, HEAPTRAIL_MEMORY="64M", TMPDIR="/nonexistent")
        self.assertEqual(code, 3)
        self.assertIn("no room for a file of", said)
        self.assertIn("in '/nonexistent' (No such file or directory)", said)


if __name__ == "__main__":
    unittest.main()
