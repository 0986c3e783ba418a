"""The page and the command escape the same characters: the page's own pattern, run by node, against what a terminal is shown."""
import json, os, re, shutil, subprocess, sys, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/graph"))
import graph_file

HEAPTRAIL, TMP = os.environ["HEAPTRAIL"], os.environ["TEST_TMP"]
RANGES = ((1, 0x30ff), (0xd7f0, 0xd7ff), (0xe000, 0x10010), (0x1fffe, 0x20000), (0xdfff0, 0xe01ff), (0x10fff0, 0x10ffff))
POINTS = [point for first, last in RANGES for point in range(first, last + 1)]


@unittest.skipIf(shutil.which("node") is None, "node is not installed")
class Visible(unittest.TestCase):
    def test_page_and_terminal_escape_the_same_characters(self):
        with open(os.path.join(ROOT, "viz/report/page.js")) as page:
            source = page.read()
        start, end = source.index("const HOSTILE"), source.index("/* All text goes through here. */")
        script = source[start:end] + """
            const shown = [];
            for (const [first, last] of %s) for (let point = first; point <= last; point++) shown.push(visible(String.fromCodePoint(point)));
            console.log(JSON.stringify(shown))""" % json.dumps(RANGES)
        page = json.loads(subprocess.run(["node", "-e", script], check=True, stdout=subprocess.PIPE).stdout)
        heap = graph_file.snapshot("list.graph", TMP, n=3)
        query = ("WITH RECURSIVE n(p, last) AS (VALUES %s UNION ALL SELECT p + 1, last FROM n WHERE p < last) SELECT p, 'x' || char(p) FROM n"
                 % ", ".join("(%d, %d)" % of for of in RANGES))
        lines = subprocess.run([HEAPTRAIL, "sql", heap, query], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")[1:]
        terminal = {int(line.split("x", 1)[0]): line.split("x", 1)[1] for line in lines if re.match(r" *\d+ +x", line)}
        self.assertEqual(len(terminal), len(POINTS))
        differing = [(hex(point), shown, terminal[point]) for point, shown in zip(POINTS, page) if shown.rstrip() != terminal[point].rstrip()]
        self.assertEqual(differing, [])
        self.assertIn("\\u202e", page)


if __name__ == "__main__":
    unittest.main()
