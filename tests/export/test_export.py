"""What is exported is what the database says, read by other people's readers: gzip, json, csv, XML of Python and libxml2, node."""
import csv, gzip, io, json, os, shutil, subprocess, sys, unittest
import xml.etree.ElementTree as ElementTree

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
# A chain that is deep, a name that is hostile, garbage, and a leak.
PROGRAM = r"""
import gc, heaptrail, sys, types
class Node:
    def __init__(self, below): self.below = below
class Record:
    def __init__(self, i): self.data = bytearray(1000); self.number = 1000 + i
chain = None
for i in range(5000): chain = Node(chain)
kept = [Record(i) for i in range(300)]
hostile = {"<a&b>;\"\x1b\x00\u202e": [bytearray(777)]}
Odd = type("O;d<d>&\"", (), {}); odd = Odd()
Hidden = type("Hi\u202edden\x1b[2J\u200b\ue000", (), {}); hidden = Hidden()
gc.disable()
ring = []; ring.append(ring); del ring
heaptrail.snapshot("a.htrail")
"""


def heaptrail(*arguments, code=0):
    done = subprocess.run([HEAPTRAIL, *arguments], cwd=TMP, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[:500], done.stderr)
    return done.stdout if code == 0 else done.stderr.decode()


def sql(query):
    return [tuple(row.values()) for row in json.loads(heaptrail("sql", "--json", "a.htrail", query))["rows"]]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """(field, number or bytes) of a protobuf message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        yield key >> 3, value


def packed(data):
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=TMP, check=True)
        heaptrail("load", "a.htrail")
        cls.objects, cls.bytes = sql("SELECT count(*), sum(size) FROM object")[0]
        cls.references = sql("SELECT count(*) FROM reference")[0][0]

    def test_folded_stacks_add_up_to_the_heap_and_to_what_is_retained(self):
        lines = [line.rsplit(" ", 1) for line in heaptrail("export", "--format", "folded", "a.htrail").decode().splitlines()]
        self.assertEqual(sum(int(size) for _, size in lines), self.bytes)
        below = sum(int(size) for stack, size in lines if "list .kept" in stack.split(";"))
        self.assertEqual([(below,)], sql("SELECT o.retained FROM object o JOIN reference r ON r.dst = o.id WHERE r.label = 'kept' AND o.type = 'list' AND o.length = 300"))
        roots = [stack.split(";")[0] for stack, _ in lines]
        changes = [root for root, before in zip(roots, [None] + roots) if root != before]
        self.assertEqual(len(changes), len(set(roots)), "what belongs together stands together")
        self.assertTrue(all(len(stack.split(";")) <= 193 for stack, _ in lines))
        self.assertTrue(any(stack.startswith("(garbage);") for stack, _ in lines))
        self.assertTrue(any("__main__.O,d<d>&\"" in stack for stack, _ in lines), "a ';' of a name parts no frames")

    def test_what_a_name_hides_or_turns_round_is_visible_in_stacks(self):
        folded = heaptrail("export", "--format", "folded", "a.htrail").decode()
        profile = gzip.decompress(heaptrail("export", "--format", "pprof", "a.htrail")).decode("utf-8", "replace")
        for text in (folded, profile):
            self.assertIn("__main__.Hi\\u202edden\\x1b[2J\\u200b\ue000", text)
        self.assertNotRegex(folded, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")

    def test_the_namespace_of_a_module_has_its_name(self):
        stacks = [line.rsplit(" ", 1)[0].split(";") for line in heaptrail("export", "--format", "folded", "a.htrail").decode().splitlines()]
        self.assertTrue(any("dict __main__" in stack and stack[-1].startswith("__main__.Record") for stack in stacks), stacks[:5])

    def test_pprof_has_the_same_stacks_and_sums(self):
        profile = list(fields(gzip.decompress(heaptrail("export", "--format", "pprof", "a.htrail"))))
        strings = [value.decode() for field, value in profile if field == 6]
        functions = {dict(fields(value))[1]: strings[dict(fields(value))[2]] for field, value in profile if field == 5}
        locations = {dict(fields(value))[1]: dict(fields(dict(fields(value))[4]))[1] for field, value in profile if field == 4}
        samples = [(packed(dict(fields(value))[1]), packed(dict(fields(value))[2])) for field, value in profile if field == 2]
        types = [tuple(strings[of] for _, of in fields(value)) for field, value in profile if field == 1]
        self.assertEqual(strings[0], "")
        self.assertEqual(types, [("objects", "count"), ("space", "bytes")])
        self.assertEqual([sum(values[k] for _, values in samples) for k in (0, 1)], [self.objects, self.bytes])
        folded = sorted(line for line in heaptrail("export", "--format", "folded", "a.htrail").decode().splitlines())
        again = []
        for places, (_, size) in samples:
            if size > 0:
                names = [functions[locations[place]] for place in reversed(places)]
                again.append("%s %d" % (";".join(name.replace(";", ",") for name in names), size))
        self.assertEqual(sorted(again), folded)

    def test_heapsnapshot_is_a_graph_of_the_same_objects(self):
        heap = json.loads(heaptrail("export", "--format", "heapsnapshot", "a.htrail"))
        meta, width = heap["snapshot"]["meta"], len(heap["snapshot"]["meta"]["node_fields"])
        self.assertEqual(len(heap["nodes"]), width * heap["snapshot"]["node_count"])
        self.assertEqual(len(heap["edges"]), 3 * heap["snapshot"]["edge_count"])
        self.assertEqual(sum(heap["nodes"][4::width]), heap["snapshot"]["edge_count"])
        self.assertEqual(sum(heap["nodes"][3::width]), self.bytes)
        ids = heap["nodes"][2::width]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertTrue(all(to % width == 0 and to < len(heap["nodes"]) for to in heap["edges"][2::3]))
        synthetic = meta["node_types"][0].index("synthetic")
        self.assertEqual(sum(kind != synthetic for kind in heap["nodes"][0::width]), self.objects)
        names = [heap["strings"][name] for name in heap["nodes"][1::width]]
        self.assertEqual(names.count("__main__.Record"), 300)
        # Everything is held from the first node on, as the panel wants it.
        starts, at = [], 0
        for count in heap["nodes"][4::width]:
            starts.append(at)
            at += count
        seen, todo = {0}, [0]
        while todo:
            node = todo.pop()
            for edge in range(starts[node], starts[node] + heap["nodes"][node * width + 4]):
                to = heap["edges"][3 * edge + 2] // width
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        self.assertEqual(len(seen), heap["snapshot"]["node_count"])

    def test_heapsnapshot_comes_back_by_import(self):
        heaptrail("export", "a.htrail", "-o", "a.heapsnapshot")
        heaptrail("import", "a.heapsnapshot", "-o", "back.htrail")
        back = json.loads(heaptrail("sql", "--json", "back.htrail", "SELECT count(*) AS n, sum(size) AS s FROM object WHERE NOT is_pseudo"))["rows"]
        self.assertEqual(back, [{"n": self.objects, "s": self.bytes}])

    def test_graphml_is_xml_with_every_object_and_reference(self):
        heaptrail("export", "a.htrail", "-o", "a.graphml")
        subprocess.run(["xmllint", "--noout", "--huge", "a.graphml"], cwd=TMP, check=True)
        root, space = ElementTree.parse(os.path.join(TMP, "a.graphml")).getroot(), "{http://graphml.graphdrawing.org/xmlns}"
        self.assertEqual((len(root.findall(".//%snode" % space)), len(root.findall(".//%sedge" % space))), (self.objects, self.references))
        self.assertIn("__main__.O;d<d>&\"", {data.text for data in root.iter("%sdata" % space)})

    def test_csv_is_the_table_total(self):
        rows = list(csv.reader(io.StringIO(heaptrail("export", "--format", "csv", "a.htrail").decode(), newline="")))
        self.assertEqual(rows[0], ["by", "key", "count", "bytes", "retained", "shared"])
        self.assertEqual([tuple(row) for row in rows[1:]], [tuple("" if value is None else str(value) for value in row) for row in
                                                            sql('SELECT "by", key, count, bytes, retained, shared FROM total ORDER BY "by", bytes DESC, count DESC, key')])

    def test_the_same_database_gives_the_same_bytes(self):
        for name in "pprof", "heapsnapshot":
            self.assertEqual(heaptrail("export", "--format", name, "a.htrail"), heaptrail("export", "--format", name, "a.htrail"))

    def test_the_ending_says_the_format_and_failures_leave_nothing(self):
        self.assertIn("in which format?", heaptrail("export", "a.htrail", "-o", "a.xyz", code=2))
        self.assertIn("there is no format 'png'", heaptrail("export", "--format", "png", "a.htrail", code=2))
        self.assertIn("cannot write 'nowhere/a.csv'", heaptrail("export", "a.htrail", "-o", "nowhere/a.csv", code=3))
        if os.path.exists("/dev/full"):
            os.symlink("/dev/full", os.path.join(TMP, "full.csv.partial"))
            self.assertIn("cannot write 'full.csv': No space left on device", heaptrail("export", "a.htrail", "-o", "full.csv", code=3))
            self.assertFalse(os.path.lexists(os.path.join(TMP, "full.csv.partial")))


if __name__ == "__main__":
    unittest.main()
