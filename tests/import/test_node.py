"""A heap snapshot that node wrote of itself becomes a snapshot of ours: as many objects, references and bytes as node says."""
import json, os, shutil, subprocess, sys, unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import foreign

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
# node adds its own file up by itself, in JavaScript.
PROGRAM = r"""
const v8 = require("v8"), fs = require("fs");
class Leaky { constructor(i) { this.id = i; this.payload = Buffer.alloc(100); this.text = "record " + i + " \u00e9"; this.big = i * 1.5; } }
class Kept {}
globalThis.kept = [];
for (let i = 0; i < 2000; i++) kept.push(new Leaky(i));
globalThis.weakly = new WeakRef(kept[7]);
globalThis.closure = (() => { const inContext = new Kept(); return function named() { return inContext; }; })();
globalThis.sparse = []; globalThis.sparse[3] = new Kept();
globalThis.words = "a text of its own".split("").join("-");
gc(); gc();
const used = v8.getHeapStatistics().used_heap_size;
v8.writeHeapSnapshot("node.heapsnapshot");
const s = JSON.parse(fs.readFileSync("node.heapsnapshot")), f = s.snapshot.meta.node_fields.length;
const objects = s.snapshot.meta.node_types[0].indexOf("object");
let bytes = 0, leaky = 0;
for (let i = 0; i < s.nodes.length; i += f) { bytes += s.nodes[i + 3]; leaky += s.nodes[i] == objects && s.strings[s.nodes[i + 1]] == "Leaky"; }
console.log(JSON.stringify({nodes: s.snapshot.node_count, edges: s.snapshot.edge_count, bytes, leaky, used, version: process.versions.v8}));
"""


def heaptrail(*arguments, code=0):
    done = subprocess.run([HEAPTRAIL, *arguments], cwd=TMP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def sql(query, file="node.htrail"):
    return [tuple(row.values()) for row in json.loads(heaptrail("sql", "--json", file, query))["rows"]]


@unittest.skipUnless(shutil.which("node"), "no node here")
class Node(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        said = subprocess.run(["node", "--expose-gc", "-e", PROGRAM], env=foreign.ENVIRONMENT, cwd=TMP, stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
        cls.node = json.loads(said.splitlines()[-1])
        heaptrail("import", "node.heapsnapshot", "-o", "node.htrail", "--contents")

    def test_objects_references_and_bytes_are_those_that_node_says(self):
        self.assertEqual(sql("SELECT count(*), sum(size) FROM object"), [(self.node["nodes"], self.node["bytes"])])
        dangling = int((sql("SELECT value FROM snapshot WHERE key = 'references_dangling'") or [(0,)])[0][0])
        self.assertEqual((sql("SELECT count(*) FROM reference"), dangling), ([(self.node["edges"],)], 0))
        self.assertEqual(sql("SELECT count(*) FROM object WHERE type = 'Leaky'"), [(self.node["leaky"],)])
        self.assertEqual(self.node["leaky"], 2000)

    def test_the_heap_is_as_large_as_v8_says(self):
        # V8's own figure is without what C++ holds, and node took memory to write the file.
        javascript = sql("SELECT sum(size) FROM object WHERE type NOT LIKE 'Node / %' AND type <> 'system / JSArrayBufferData'")[0][0]
        self.assertAlmostEqual(javascript / self.node["used"], 1, delta=0.15)

    def test_all_that_is_there_is_held(self):
        self.assertEqual(sql("SELECT count(*) FROM object WHERE depth IS NULL AND type = 'Leaky'"), [(0,)])
        self.assertLess(sql("SELECT count(*) FROM object WHERE depth IS NULL")[0][0], self.node["nodes"] / 100)

    def test_why_says_who_keeps_the_leak(self):
        chain = heaptrail("why", "node.htrail", "type:Leaky")
        for words in ("runtime", "global", ".kept", "Array", "Leaky"):
            self.assertIn(words, chain)

    def test_properties_elements_variables_and_weak_references_are_told_apart(self):
        self.assertEqual(sql("SELECT r.kind, r.label FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst "
                             "WHERE s.type = 'system / Context' AND d.type = 'Kept'"), [("cell", "inContext")])
        self.assertIn(("index", "3"), sql("SELECT DISTINCT r.kind, r.label FROM reference r JOIN object d ON d.id = r.dst WHERE d.type = 'Kept'"))
        self.assertIn(("weak",), sql("SELECT r.kind FROM reference r JOIN object s ON s.id = r.src JOIN object d ON d.id = r.dst WHERE s.type = 'WeakRef' AND d.type = 'Leaky'"))
        self.assertEqual(sql("SELECT DISTINCT type FROM object WHERE name = 'named' AND type = '(closure)'"), [("(closure)",)])

    def test_texts_are_there_only_when_asked_for(self):
        self.assertGreater(sql("SELECT count(*) FROM object WHERE text LIKE '%\u00e9%'")[0][0], 0)
        heaptrail("import", "node.heapsnapshot", "-o", "plain.htrail")
        self.assertEqual(sql("SELECT count(*) FROM object WHERE text IS NOT NULL AND type LIKE '%string)'", "plain.htrail"), [(0,)])

    def test_one_that_is_cut_is_refused(self):
        subprocess.run("head -c -1000 node.heapsnapshot > cut.heapsnapshot", cwd=TMP, shell=True, check=True)
        self.assertRegex(heaptrail("import", "cut.heapsnapshot", code=3), "cannot import 'cut.heapsnapshot': the file ends within a value, at offset [0-9]+")
        self.assertFalse(os.path.exists(os.path.join(TMP, "cut.heapsnapshot.htrail")))


if __name__ == "__main__":
    unittest.main()
