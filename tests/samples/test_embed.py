"""samples/embed.c, built for every Python whose library is here: the leak of reload.py in a host written in C."""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from test_reload import HEAPTRAIL, ROOT, heaptrail

DESCRIBE = """import sysconfig as s; v = s.get_config_var
print(s.get_path("include")); print(v("LIBDIR")); print(v("LDVERSION") or v("VERSION")); print(v("LIBPL"))"""
SYSTEM = ("-ldl", "-lm", "-lutil", "-lpthread", "-lz", "-lexpat")


@interpreters.for_each()
class Embed:
    def library(self, shared):
        """Words for the compiler; None where there is no such library."""
        include, libs, version, archives = subprocess.run([self.python, "-c", DESCRIBE], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        if not shared:
            archive = os.path.join(archives, "libpython%s.a" % version)
            return ["-I" + include, "-no-pie", archive] if os.path.exists(archive) else None  # made for a program, not for a library
        for folder in (libs, "/usr/lib/%s-linux-gnu" % os.uname().machine):
            if os.path.exists(os.path.join(folder, "libpython%s.so" % version)):
                return ["-I" + include, "-L" + folder, "-Wl,-rpath," + folder, "-lpython" + version]
        return None

    def check(self, shared):
        folder = tempfile.mkdtemp(prefix="heaptrail-embed-")
        self.addCleanup(shutil.rmtree, folder, True)
        library, program = self.library(shared), os.path.join(folder, "embed")
        if library is None:
            self.skipTest("Python %s has no %s" % (self.version, "libpython.so" if shared else "libpython.a"))
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-O1", "-o", program, os.path.join(ROOT, "samples/embed.c"), *library, "-rdynamic", *SYSTEM],
                       check=True)
        host = subprocess.Popen([HEAPTRAIL, "run", "-o", folder, "--", program, "10", "3", "2", "atexit"], stdout=subprocess.PIPE, text=True,
                                env=dict(os.environ, PYTHONHOME=os.path.dirname(os.path.dirname(self.python))))
        try:
            self.assertEqual(host.stdout.readline(), "10 requests served\n")
            heaptrail("snap", "--mode", "in-place", "-o", os.path.join(folder, "a.htrail"), str(host.pid))
        finally:
            host.kill()
            host.communicate()
        why = heaptrail("why", os.path.join(folder, "a.htrail"), "module:logging")
        for words in ("atexit", "function logging.shutdown", "-__globals__-", "dict of module logging"):
            self.assertIn(words, why)
        self.assertRegex(why, r"of 2\d objects( \(2\d are stale\))?, retaining [\d.]+ \S+ together:\n  1\d (dict|module) come through atexit\b")

    def test_atexit_keeps_every_copy_in_a_host_that_links_libpython(self):
        self.check(shared=True)

    def test_atexit_keeps_every_copy_in_a_host_that_has_python_in_itself(self):
        self.check(shared=False)


if __name__ == "__main__":
    unittest.main()
