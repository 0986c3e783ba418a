"""Before the first walk of a process the walker looks whether the interpreter is laid out as it believes, and
refuses one that is not: nothing is written, and the program goes on."""
import os
import stat
import subprocess
import tempfile
import unittest

import interpreters
import snapshot

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Words of the running interpreter are changed, and changed back before anything else runs.
PROGRAM = """
import ctypes, os
word = ctypes.sizeof(ctypes.c_void_p)
def refused(address, value):
    place = ctypes.c_ssize_t.from_address(address)
    before = place.value
    place.value = value
    try: heaptrail.snapshot(path)
    except NotImplementedError as e: return str(e)
    finally: place.value = before
    return None
gc.collect(); gc.disable()
answers = {}
# tp_basicsize: behind the head of an object with a length, and tp_name
cell = type((lambda x: lambda: x)(1).__closure__[0])
answers["size"] = refused(id(cell) + 4 * word, 1 << 20)
# the links of the first objects of the youngest generation
young = [[] for i in range(50)]
head = id(young[0]) - (sys.getsizeof([]) - [].__sizeof__())
answers["backward"], answers["forward"] = refused(head + word, 4096), refused(head, 8)
tell("answers", answers)
tell("left", [n for n in os.listdir(os.path.dirname(path)) if "htrail" in n])
keep = [[i] for i in range(1000)]
gc.collect()
take()
tell("last", id(keep[-1]))
"""


@interpreters.for_each()
class Selftest(snapshot.OnInterpreter):
    def test_another_layout_is_refused_with_a_sentence_and_the_program_goes_on(self):
        taken, told, _ = self.run_program(PROGRAM)
        lays, keeps = ("this interpreter %s in a way that this build of the walker does not know" % what
                       for what in ("lays out its objects", "keeps its state"))
        self.assertEqual(told["answers"], {"size": lays, "backward": keeps, "forward": keeps})
        self.assertEqual(told["left"], [])
        self.assertIn(told["last"], taken.objects)


@interpreters.for_each()
class DebugBuild(snapshot.OnInterpreter):
    def test_an_interpreter_that_checks_its_reference_counts_is_refused(self):
        """By the function that only such a build has."""
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            library = os.path.join(folder, "debug.so")
            subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-o", library, "-x", "c", "-"], input=b"void _Py_NegativeRefcount(void) {}", check=True)
            taken, told, _ = self.run_program("""
try: heaptrail.snapshot(path)
except NotImplementedError as e: tell("refused", str(e))
""", env={"LD_PRELOAD": library})
        self.assertEqual(told["refused"], "this interpreter is a debug build, and the walker knows the others alone")
        self.assertIsNone(taken)


class Interpreters(unittest.TestCase):
    """tools/pythons.sh: what no module is built for."""

    def ask(self, answer, implementation="cpython", debug=0):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
            path = os.path.join(folder, "python")
            with open(path, "w") as out:
                out.write("#!/bin/sh\necho '%s|%s|%d'\n" % (answer, implementation, debug))
            os.chmod(path, stat.S_IRWXU)
            done = subprocess.run([os.path.join(ROOT, "tools/pythons.sh"), path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  universal_newlines=True)
            return done.returncode, done.stdout.replace(path, "PYTHON"), done.stderr.replace(path, "PYTHON")

    def test_a_version_whose_layout_is_not_known_is_left_out_with_a_sentence(self):
        self.assertEqual(self.ask("3.99|/usr/include|.so|3.99.0|"), (1, "", "PYTHON: left out, the layout of Python 3.99 is not known\n"))

    def test_a_build_without_the_lock_is_left_out_with_a_sentence(self):
        self.assertEqual(self.ask("3.13|/usr/include|.cpython-313t-x86_64-linux-gnu.so|3.13.0|1"),
                         (1, "", "PYTHON: left out, it is built without the global interpreter lock, and the walk needs it\n"))

    def test_another_python_than_cpython_is_left_out_with_a_sentence(self):
        self.assertEqual(self.ask("3.9|/usr/include|.pypy39-pp73-x86_64-linux-gnu.so|3.9.16|0", "pypy"),
                         (1, "", "PYTHON: left out, it is pypy, and only the layout of CPython is known\n"))

    def test_a_debug_build_is_left_out_with_a_sentence(self):
        self.assertEqual(self.ask("3.8|/usr/include|.cpython-38d-x86_64-linux-gnu.so|3.8.18|0", debug=1),
                         (1, "", "PYTHON: left out, it is a debug build, whose objects are laid out in another way\n"))

    def test_one_that_is_known_is_a_line(self):
        self.assertEqual(self.ask("3.13|/usr/include|.so|3.13.0|0"), (0, "3.13|/usr/include|.so|PYTHON\n", ""))


if __name__ == "__main__":
    unittest.main()
