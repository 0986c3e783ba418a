"""The exported heap snapshot opens in Chrome's memory panel: the panel's own code, in Debian's Chromium, reads it, and what that finds
by itself (counts, sizes, dominators) is what the database says."""
import json, os, shutil, subprocess, sys, unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "report")]
import browser

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
PANEL = "devtools://devtools/bundled/devtools_app.html"
WORKER = "devtools://devtools/bundled/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js"
# The worker of the panel, as it does when a profile is loaded.
LOAD = """(async () => {
  const panel = await import(%s);
  const loader = new panel.HeapSnapshotLoader.HeapSnapshotLoader({sendEvent() {}});
  for (let at = 0; at < text.length; at += 65536) loader.write(text.slice(at, at + 65536));
  loader.close();
  const ports = new MessageChannel();
  globalThis.second = new panel.HeapSnapshot.SecondaryInitManager(ports.port2);
  const heap = await loader.buildSnapshot(ports.port1), classes = {};
  for (const of of Object.values(heap.getAggregatesByClassKey(false, 'all'))) classes[of.name] = [of.count, of.self, of.maxRet];
  return JSON.stringify({nodes: heap.nodeCount, bytes: heap.totalSize, classes});
})()""" % json.dumps(WORKER)
PROGRAM = """
import gc, heaptrail
class Record:
    def __init__(self, i): self.data = bytearray(1000); self.number = 1000 + i
class Owner:
    def __init__(self, kept): self.kept = kept
kept = [Record(i) for i in range(300)]
owners = [Owner([kept[0], bytearray(5000)]), Owner(kept)]
gc.collect()
heaptrail.snapshot("a.htrail")
"""

# The panel adds up what each object dominates that no other of its class does; what two of them hold together is in the table's retained
# bytes, and not in these.
QUERY = """
WITH placed AS (SELECT type, retained, tree_first, max(tree_last) OVER (PARTITION BY type ORDER BY tree_first, tree_last DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS above FROM object),
  alone AS (SELECT type, sum(retained) AS r FROM placed WHERE above IS NULL OR above < tree_first GROUP BY type)
SELECT name, sum(objects) AS n, sum(bytes) AS s, alone.r, count(*) AS types FROM type JOIN alone ON alone.type = type.name GROUP BY name HAVING n > 0"""


@unittest.skipUnless(browser.CHROMIUM, "no Chromium here")
class Chrome(unittest.TestCase):
    def test_the_memory_panel_finds_what_the_database_says(self):
        subprocess.run([sys.executable, "-S", "-c", PROGRAM], cwd=TMP, check=True)
        subprocess.run([HEAPTRAIL, "export", "a.htrail", "-o", "a.heapsnapshot"], cwd=TMP, check=True)
        rows = json.loads(subprocess.run([HEAPTRAIL, "sql", "--json", "a.htrail", QUERY],
                                         cwd=TMP, stdout=subprocess.PIPE, check=True).stdout)["rows"]
        with open(os.path.join(TMP, "a.heapsnapshot")) as file:
            text = file.read()
        chromium = browser.Browser()
        try:
            page = browser.Page(chromium, PANEL)
            page.evaluate("globalThis.text = ''; 0")
            for at in range(0, len(text), 1 << 19):
                page.evaluate("text += %s; 0" % json.dumps(text[at:at + (1 << 19)]))
            found = json.loads(page.evaluate(LOAD))
        finally:
            chromium.close()
        head = json.loads(text[:text.index('"nodes"')].rstrip(", \n") + "}")["snapshot"]
        self.assertEqual((found["nodes"], found["bytes"]), (head["node_count"], sum(row["s"] for row in rows)))
        groups = {"str": "(string)", "bytes": "(string)", "function": "(closure)", "code": "(compiled code)"}
        plain = [row for row in rows if row["name"] not in groups and row["types"] == 1]
        self.assertGreater(len(plain), 50)
        self.assertEqual({row["name"]: found["classes"].get(row["name"], [None])[:2] for row in plain}, {row["name"]: [row["n"], row["s"]] for row in plain})
        # Dominators, each found by two programs.
        for row in plain:
            with self.subTest(row["name"]):
                self.assertEqual(found["classes"][row["name"]][2], row["r"])
        self.assertGreater(found["classes"]["__main__.Record"][2], 299 * 1000)


if __name__ == "__main__":
    unittest.main()
