"""What the tests of the rules share: real interpreters, the real command, and two small programs in C."""
import json
import os
import subprocess
import sysconfig
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("B", os.path.join(ROOT, "build/release"))
COMMAND = os.path.join(BUILD, "heaptrail")
PYTHON = "/usr/bin/python3"
MODULES = os.path.join(BUILD, "python" + sysconfig.get_config_var("py_version_short"))
SANITIZED = "SANITIZER_PRELOAD" in os.environ
SANITIZE = ["-fsanitize=address,undefined"] if SANITIZED else []

# A heap with something of everything; SNAPSHOT is where a test takes its snapshot.
PROGRAM = """
import sys, heaptrail, collections, functools, threading, weakref
class Slots:
    __slots__ = ("left", "right")
class Node:
    def __init__(self, name): self.name = name; self.children = []
def closure():
    held = [1, 2, 3]
    def inner(default=held): return held
    return inner
kept = {"nodes": [Node("n%d" % i) for i in range(200)], "tuple": (1.5, b"bytes", frozenset("abc")), 7: bytearray(999)}
kept["nodes"][0].children.append(kept)
slots = Slots(); slots.left = closure(); slots.right = weakref.ref(kept["nodes"][1])
shared = [Node("x").__dict__ for i in range(5)]
"""

# And a large one, irregular enough to fill several blocks of a file.
MANY = """
import random
random.seed(1)
many = [{i: [str(random.random()), random.randrange(1 << 60)],
         "k%d" % random.randrange(1000): (random.random(), [None] * random.randrange(9))} for i in range(60000)]
"""


class RuleTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *command, code=0, env=None, text=True, **keywords):
        """Standard output; the exit code has to be the expected one."""
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=text, errors="replace" if text else None, env=dict(os.environ, PYTHONPATH=MODULES, **(env or {})),
                              **keywords)
        self.said = done.stderr
        if code is not None:
            self.assertEqual(done.returncode, code, "%s\n%s%s" % (command, done.stdout, done.stderr))
        return done.stdout

    def heaptrail(self, *arguments, **keywords):
        return self.run_command(COMMAND, *arguments, **keywords)

    def rows(self, *arguments, **keywords):
        return json.loads(self.heaptrail(*arguments, "--json", **keywords))["rows"]

    def sqlite3(self, database, query):
        """Rows as a plain sqlite3 shell gives them, without any extension."""
        said = self.run_command("sqlite3", "-batch", "-init", "/dev/null", "-json", database, query)
        return json.loads(said) if said.strip() else []

    def python(self, program, *arguments, **keywords):
        return self.run_command(PYTHON, "-c", program, *arguments, **keywords)

    def snapshot(self, name="a.htrail", program=PROGRAM, options="", **keywords):
        path = self.path(name)
        self.python(program + "\nimport heaptrail; heaptrail.snapshot(%r%s)" % (path, options), **keywords)
        return path

    def reader(self, *arguments, code=0):
        return self.run_command(self.compiled("reader"), *arguments, code=code)

    def compiled(self, name):
        """tests/rules/NAME.c, linked with all of ours that is no Python."""
        program = self.path(name)
        if not os.path.exists(program):
            self.run_command("gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-I" + ROOT + "/include", "-I" + ROOT, "-o",
                             program, ROOT + "/tests/rules/%s.c" % name, BUILD + "/all.a", "-lzstd", "-lm", *SANITIZE,
                             env={"LD_PRELOAD": ""})
        return program
