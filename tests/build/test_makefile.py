"""The Makefile: what is rebuilt and when, and what it may grow to."""
import os
import tempfile
import time
import unittest

import make

OBJECT = "build/x/obj/format/status.o"


class Makefile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = make.copy_tree(folder.name)

    def build(self, *arguments):
        """Whether the object was compiled."""
        return "CC\t" in make.run("make", "B=build/x", OBJECT, *arguments, cwd=self.tree)

    def test_is_under_150_lines(self):
        with open(os.path.join(self.tree, "Makefile")) as text:
            self.assertLess(len(text.readlines()), 150)

    def test_compiles_only_what_changed(self):
        self.assertTrue(self.build())
        self.assertFalse(self.build())

    def test_a_changed_header_rebuilds_its_users(self):
        self.build()
        time.sleep(0.05)  # the kernel's clock for files ticks in steps of 4 ms
        os.utime(os.path.join(self.tree, "include/htrail/status.h"))
        self.assertTrue(self.build())

    def test_changed_flags_rebuild_and_are_honoured(self):
        self.build()
        for flags in ("CFLAGS=-O0", "CPPFLAGS=-DX=1", "CC=gcc"):
            self.assertTrue(self.build(flags), flags)
        commands = make.run("make", "B=build/x", OBJECT, "V=1", "CFLAGS=-O1 -DIN_CFLAGS", cwd=self.tree)
        self.assertIn("-O1 -DIN_CFLAGS", commands)
        self.assertNotIn("-O2", commands)

    def test_a_banned_call_does_not_compile(self):
        with open(os.path.join(self.tree, "format/bad.c"), "w") as source:
            source.write("void bad(char *to);\nvoid bad(char *to) { strcpy(to, \"x\"); }\n")
        said = make.run("make", "DEV=1", "B=build/x", "build/x/obj/format/bad.o", cwd=self.tree, check=False)
        self.assertIn("strcpy_is_banned", said)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "build/x/obj/format/bad.o")))

    def test_missing_packages_are_named_before_a_compiler_is_called(self):
        with open(os.path.join(self.tree, "packages.txt"), "a") as packages:
            packages.write("heaptrail-no-such-package\n")
        said = make.run("make", "B=build/x", cwd=self.tree, check=False)
        self.assertIn("missing packages: heaptrail-no-such-package; run 'make setup'", said)
        self.assertNotIn("CC\t", said)


if __name__ == "__main__":
    unittest.main()
