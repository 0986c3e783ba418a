"""Files as PyHeap, meliae and dump-heap write them, of a real CPython process: as many objects and bytes as Python itself says.

The tools are not in Debian; the program below writes the three formats as docs and sources of the tools say they are, of its own heap."""
import json, os, subprocess, sys, unittest

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
PROGRAM = r"""
import gc, json, struct, sys, types
class Record:
    def __init__(self, i): self.number = i; self.data = bytearray(100)
class Slotted:
    __slots__ = ("kept",)
app = types.ModuleType("app"); app.records = [Record(i) for i in range(500)]; app.table = {"slotted": Slotted()}; app.table["slotted"].kept = "a text"
gc.collect(); gc.disable()
# Only what app leads to, and not through what belongs to all: the heap stays still while it is written.
stop = {id(sys.modules), id(__builtins__)}
seen, order, todo = set(), [], [app]
while todo:
    o = todo.pop()
    if id(o) in seen or id(o) in stop or isinstance(o, (types.FrameType,)) or (isinstance(o, types.ModuleType) and o is not app) or isinstance(o, type): continue
    seen.add(id(o)); order.append(o); todo.extend(reversed(gc.get_referents(o)))
size = {id(o): sys.getsizeof(o) for o in order}
refs = {id(o): [id(r) for r in gc.get_referents(o)] for o in order}

with open("a.meliae", "w") as out:
    for o in order:
        row = {"address": id(o), "type": type(o).__name__, "size": size[id(o)]}
        if isinstance(o, (list, tuple, dict, str)): row["len"] = len(o)
        if isinstance(o, str): row["value"] = o[:100]
        if o is app: row["name"] = "app"
        row["refs"] = refs[id(o)]
        out.write(json.dumps(row) + "\n")

def text(s): b = s.encode(); return struct.pack("!H", len(b)) + b
common = {int, float, bool, str, bytes, list, set, dict}
with open("a.pyheap", "wb") as out:
    w = out.write
    w(struct.pack("!QI", 123000321, 1) + text("2024-01-01T00:00:00") + struct.pack("!Q", 1) + struct.pack("!I", 4))
    for t in (list, tuple, dict, set): w(text(t.__name__) + struct.pack("!Q", id(t)))
    w(struct.pack("!I", 1) + text("MainThread") + b"\1\0" + struct.pack("!I", 1) + text("app.py") + struct.pack("!I", 12) + text("run") + struct.pack("!I", 1) + text("record") + struct.pack("!Q", id(app.records[7])))
    w(struct.pack("!I", 1) + text("number"))
    w(struct.pack("!I", len(common)) + b"".join(struct.pack("!QI", id(t), 0) for t in common))
    w(struct.pack("!I", len(order)))
    for o in order:
        w(struct.pack("!QQI", id(o), id(type(o)), size[id(o)]))
        rest = set(refs[id(o)])
        if type(o) is dict:
            w(struct.pack("!I", len(o)))
            for k, v in o.items(): w(struct.pack("!QQ", id(k), id(v))); rest -= {id(k), id(v)}
        elif type(o) in (list, tuple, set):
            w(struct.pack("!I", len(o)))
            for v in o: w(struct.pack("!Q", id(v))); rest -= {id(v)}
        w(struct.pack("!I", len(rest)) + b"".join(struct.pack("!Q", r) for r in rest))
        if type(o) not in common:
            attributes = [("number", o.number), ("data", o.data)] if isinstance(o, Record) else []
            w(struct.pack("!I", len(attributes)))
            for name, value in attributes: w((struct.pack("!h", -1) if name == "number" else text(name)) + struct.pack("!Q", id(value)))
        if type(o) not in (dict, list, tuple, set): w(text(str(o)[:50] if isinstance(o, str) else ""))
    kinds = {type(o) for o in order}
    w(struct.pack("!I", len(kinds)) + b"".join(struct.pack("!Q", id(t)) + text(t.__name__) for t in kinds) + struct.pack("!Q", 123000321))

def s(b): return (bytes([0xa0 | len(b)]) if len(b) < 32 else b"\xd9" + bytes([len(b)])) + b
def n(v): return bytes([v]) if v < 128 else b"\xcf" + struct.pack("!Q", v)
with open("a.bin", "wb") as out:
    known = set()
    for o in order:
        t = type(o)
        if t not in known:
            known.add(t)
            out.write(b"\x83" + s(b"t") + s(b"type") + s(b"objtype_addr") + n(id(t)) + s(b"typename") + s(("%s.%s" % (t.__module__, t.__name__)).encode()))
        payload = o[:100].encode() if isinstance(o, str) else b"app" if o is app else b""
        out.write((b"\x87" if payload else b"\x86") + s(b"t") + s(b"object") + s(b"root") + b"\xc3" + s(b"thread_root") + b"\xc2" + s(b"objtype_addr") + n(id(t)) + s(b"addr") + n(id(o)) + s(b"size") + n(size[id(o)])
                  + (s(b"payload") + b"\xc4" + bytes([len(payload)]) + payload if payload else b""))
        if refs[id(o)]:
            out.write(b"\x83" + s(b"t") + s(b"referents") + s(b"addr") + n(id(o)) + s(b"child_addrs") + b"\xdd" + struct.pack("!I", len(refs[id(o)])) + b"".join(map(n, refs[id(o)])))
    out.write(b"\x81" + s(b"t") + s(b"done"))
inner = sum(r in seen for rs in refs.values() for r in rs)
print(json.dumps({"objects": len(order), "bytes": sum(size.values()), "references": inner, "records": sum(type(o) is Record for o in order)}))
"""


def heaptrail(*arguments):
    done = subprocess.run([HEAPTRAIL, *arguments], cwd=TMP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.returncode == 0, (arguments, done.stdout)
    return done.stdout


def sql(file, query):
    return [tuple(row.values()) for row in json.loads(heaptrail("sql", "--json", file, query))["rows"]]


class Python(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=TMP, stdout=subprocess.PIPE, check=True, universal_newlines=True)
        cls.said = json.loads(done.stdout)
        for file in "a.meliae", "a.pyheap", "a.bin":
            heaptrail("import", file, "--contents")

    def test_objects_and_bytes_are_those_that_python_says(self):
        self.assertGreater(self.said["records"], 499)
        for file in "a.meliae", "a.pyheap", "a.bin":
            with self.subTest(file):
                self.assertEqual(sql(file + ".htrail", "SELECT count(*), sum(size), sum(type IN ('Record', '__main__.Record')) FROM object"),
                                 [(self.said["objects"], self.said["bytes"], self.said["records"])])

    def test_references_are_those_that_python_says(self):
        # PyHeap's list the keys of dicts too, and another object once.
        for file in "a.meliae", "a.bin":
            self.assertEqual(sql(file + ".htrail", "SELECT count(*) FROM reference"), [(self.said["references"],)])

    def test_why_goes_from_the_module_to_the_record(self):
        for file, type in ("a.meliae", "Record"), ("a.bin", "__main__.Record"), ("a.pyheap", "Record"):
            chain = heaptrail("why", file + ".htrail", "type:" + type)
            self.assertIn("sys.modules", chain)
            self.assertIn("Record", chain)

    def test_labels_are_what_the_file_knows_of_them(self):
        query = "SELECT DISTINCT r.kind, r.label FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst WHERE s.type = 'Record' AND d.type IN ('int', 'bytearray') ORDER BY 2"
        self.assertEqual(sql("a.pyheap.htrail", query), [("attr", "data"), ("attr", "number")])
        query = "SELECT r.label FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst JOIN reference n ON n.src = d.id JOIN object i ON i.id = n.dst WHERE s.type = 'list' AND d.type = 'Record' ORDER BY r.dst LIMIT 1"
        self.assertEqual(len(sql("a.meliae.htrail", query)), 1)
        self.assertEqual(sql("a.meliae.htrail", "SELECT DISTINCT r.kind FROM reference r JOIN object s ON s.id = r.src WHERE s.type = 'list'"), [("index",)])

    def test_a_frame_of_pyheap_holds_its_variable(self):
        self.assertEqual(sql("a.pyheap.htrail", "SELECT o.type, root.kind, root.name FROM root JOIN object o ON o.id = root.object WHERE root.kind = 'frame'"),
                         [("Record", "frame", "run at app.py:12")])
        self.assertIn("MainThread", heaptrail("sql", "a.pyheap.htrail", "SELECT name FROM thread"))


if __name__ == "__main__":
    unittest.main()
