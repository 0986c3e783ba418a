"""What tests of the walker share: run a program in a fresh interpreter, read the snapshot it took.

The program is Python text; in it are `heaptrail`, `take(**options)`, which writes the snapshot
of this test, and `tell(name, value)`, which hands a value of JSON kind back to the test. One
text serves every version from 2.7 on: a line that ends in `# since 3.8` is left out on older
versions, one that ends in `# until 3.7` on newer ones.

    @interpreters.for_each()
    class Roots(snapshot.OnInterpreter):
        def test_it(self):
            taken, told, done = self.run_program(PROGRAM)
            if self.since(3, 10): ...
"""
import collections
import gc
import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("B") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release")
DUMP = os.path.join(BUILD, "htrail-dump")
MODULE = os.path.join(BUILD, "python%d.%d" % sys.version_info[:2])

PLAIN, INDEX, KEY, VALUE, ATTR, SLOT, FIELD, LOCAL, CELL, DEFAULT, OFFSET, STACK, WEAK = range(13)
TRACKED, INLINE, CONTINUED, PSEUDO, LENGTH, IMMORTAL = (1 << i for i in range(6))
MODULES, FRAME, ATEXIT, ATFORK, THREAD, EXCEPTION, CONTEXT, CODECS, BUILTINS, SYS, INTERPRETER, STATIC_TYPE, FROZEN, \
    C_REFERENCE, INTERNED = range(1, 16)

REF_LINE = ord("R")
Ref = collections.namedtuple("Ref", "target kind label flags")
Type = collections.namedtuple("Type", "id module name base basic item flags")
Root = collections.namedtuple("Root", "object kind thread depth name")
Thread = collections.namedtuple("Thread", "tid ident object start user system flags state name comm wait")
Frame = collections.namedtuple("Frame", "tid ident object depth line function file")
Site = collections.namedtuple("Site", "caller line file function")
Block = collections.namedtuple("Block", "address site size weight")
Mapping = collections.namedtuple("Mapping", "start end category flags rss pss private_dirty swap path")

PRELUDE = """# -*- coding: utf-8 -*-
from __future__ import print_function
import gc, sys, json
import heaptrail
path = %(path)r
def take(**options):
    return heaptrail.snapshot(path, **options)
def tell(name, value):
    json.dump({name: value}, told)
    told.write("\\n")
    told.flush()
told = open(%(told)r, "a")
"""


class Object:
    """Its references are read when they are first asked for: a test looks at those of few objects."""
    __slots__ = ("id", "type", "size", "length", "refcount", "flags", "lines", "snapshot", "known_refs")

    def __init__(self, snapshot, row, lines):
        self.id, self.type = int(row[0], 16), int(row[1], 16)
        self.size, self.length, self.refcount, self.flags = map(int, row[2:6])
        self.snapshot, self.lines, self.known_refs = snapshot, lines, None

    @property
    def refs(self):
        if self.known_refs is None:
            self.known_refs = [self.snapshot.ref(line) for line in self.lines]
            self.lines = None
        return self.known_refs


class Snapshot:
    """All records of a file. Labels of references are text, or numbers where the kind says so."""

    def __init__(self, path, kinds=None):
        """kinds: letters of htrail-dump; only such records. References are records of their own there: R."""
        gc.disable()  # a million tuples at once: the collector would look through them a hundred times
        try:
            self.read(path, kinds)
        finally:
            gc.enable()

    def read(self, path, kinds):
        self.objects, self.types, self.names, self.roots, self.values, self.meta = {}, {}, {}, [], {}, {}
        self.threads, self.frames, self.mappings, self.sites, self.blocks = [], [], [], [], []
        self.strings, parts, lines = {}, [], None
        dump = subprocess.Popen([DUMP, path] + ([kinds] if kinds else []), stdout=subprocess.PIPE)
        for line in dump.stdout:
            if line[0] == REF_LINE:
                lines.append(line)
                continue
            row = line.decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
            kind, row = row[0], row[1:]
            if kind == "O":
                lines = []
                parts.append(Object(self, row, lines))
            elif kind == "T":
                self.types[int(row[0], 16)] = Type(int(row[0], 16), row[1], row[2], int(row[3], 16), *map(int, row[4:7]))
            elif kind == "S":
                self.strings[int(row[0])] = row[1]
            elif kind == "N":
                if int(row[0], 16) in self.names:
                    raise AssertionError("two names for one object: %s" % line)
                self.names[int(row[0], 16)] = (row[1], row[2])
            elif kind == "X":
                self.roots.append(Root(int(row[0], 16), *map(int, row[1:4]), row[4]))
            elif kind == "D":
                self.threads.append(Thread(int(row[0]), int(row[1]), int(row[2], 16), *map(int, row[3:8]), *row[8:11]))
            elif kind == "F":
                self.frames.append(Frame(int(row[0]), int(row[1]), int(row[2], 16), int(row[3]), int(row[4]), row[5], row[6]))
            elif kind == "A":
                self.mappings.append(Mapping(int(row[0], 16), int(row[1], 16), *map(int, row[2:8]), row[8]))
            elif kind == "L":
                self.sites.append(Site(None if row[1] == "-" else int(row[1]), int(row[2]), row[3], row[4]))
            elif kind == "B":
                self.blocks.append(Block(int(row[0], 16), *map(int, row[1:])))
            elif kind == "V":
                self.values[int(row[0], 16)] = (int(row[1], 16), int(row[2]), row[3])
            elif kind == "M":
                self.meta[row[0]] = row[1]
            elif kind == "I":
                self.end = row[0]
        dump.stdout.close()
        self.status = dump.wait()
        for part in parts:
            if part.flags & CONTINUED:
                self.objects[part.id].lines.extend(part.lines)
            elif part.id in self.objects:
                raise AssertionError("object 0x%x is in the file twice" % part.id)
            else:
                self.objects[part.id] = part

    def ref(self, line):
        _, target, kind, label, flags = line.split(b"\t")
        kind, label = int(kind), int(label, 16)
        if kind not in (INDEX, OFFSET, STACK, KEY) and label != 0:
            if label & 1:
                label = self.strings[label >> 1]
            else:
                label = self.names[label][0] if label in self.names else label  # a string whose text stays
        return Ref(int(target, 16), kind, label, int(flags))

    def type_name(self, object):
        type = self.types[self.objects[object].type]
        return type.name if type.module == "builtins" else type.module + "." + type.name

    def of_type(self, name):
        return [o for o in self.objects.values() if self.type_name(o.id) == name]

    def labels(self, object, kind=None):
        """label -> target, of the references that have one"""
        return {r.label: r.target for r in self.objects[object].refs if r.label and kind in (None, r.kind)}

    def items(self, object):
        """key's address -> value's address of a dict"""
        result, key = {}, None
        for ref in self.objects[object].refs:
            if ref.kind == KEY:
                key = ref.target
            elif ref.kind == VALUE:
                result[ref.label or key] = ref.target
        return result


def for_version(program, number):
    """The program without the lines that are of other versions."""
    def kept(line):
        mark = re.search(r"# (since|until) (\d+)\.(\d+)$", line)
        if not mark:
            return True
        bound = (int(mark.group(2)), int(mark.group(3)))
        return number[:2] >= bound if mark.group(1) == "since" else number[:2] <= bound
    return "\n".join(line for line in program.split("\n") if kept(line))


def run(program, *arguments, env=None, check=True, python=sys.executable, module=MODULE, number=sys.version_info[:2], kinds=None):
    """The snapshot that the program took in that interpreter, and what it told. Its own files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="capture.", dir=os.environ.get("TEST_TMP")) as folder:
        path, told = os.path.join(folder, "a.htrail"), os.path.join(folder, "told")
        script = os.path.join(folder, "program.py")
        with open(script, "w", encoding="utf-8") as f:
            f.write(PRELUDE % {"path": path, "told": told} + for_version(program, number))
        environ = dict(os.environ, PYTHONPATH=module + os.pathsep + os.path.dirname(os.path.abspath(__file__)), **(env or {}))
        fault = ["-X", "faulthandler"] if number >= (3, 3) else []
        done = subprocess.run([python, *fault, script, *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if check and done.returncode != 0:
            raise AssertionError("the program ended with %s in %s\n%s" % (done.returncode, python, done.stderr.decode("utf-8", "replace")[-4000:]))
        values = {}
        with open(told) as lines:
            for line in lines:
                values.update(json.loads(line))
        return Snapshot(path, kinds) if os.path.exists(path) else None, values, done


class OnInterpreter:
    """For tests of interpreters.for_each, which gives them python, module and number."""
    maxDiff = None

    @classmethod
    def run_program(cls, program, *arguments, **options):
        return run(program, *arguments, python=cls.python, module=cls.module, number=cls.number, **options)

    @classmethod
    def since(cls, *number):
        return cls.number >= number

    def assert_none(self, wrong):
        """wrong: type's name -> list of what is wrong with an object of it. Says how many of each, and shows some."""
        if wrong:
            self.fail("%s differs: " % self.python + "".join(
                "\n%s: %d, for example %s" % (name, len(found), ", ".join(map(str, found[:3]))) for name, found in sorted(wrong.items(), key=str)))
