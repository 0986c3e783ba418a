"""diff over several snapshots, and across processes: of heaps written as text and of real ones."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../graph")]
import graph_file
import interpreters

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")

HEAP = """
root modules main __main__
main      module __main__  : field __dict__ globals
globals   dict   -         : value keep keep
keep      list   -         size=n*8+56 : index - record[*]
record[n] app.Record -     size=48
meta pid %d
meta host %s
"""

PROGRAM = """
import sys
import heaptrail
class Record(object):
    def __init__(self, n): self.n = n
keep = []
for number in range(int(sys.argv[2])):
    keep.extend(Record(n) for n in range(500))
    heaptrail.snapshot("%s.%d.htrail" % (sys.argv[1], number))
"""


def heaptrail(*words, code=0):
    done = subprocess.run([HEAPTRAIL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if code is not None and done.returncode != code:
        raise AssertionError("heaptrail %s ended with %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="diff.", dir=os.environ.get("TEST_TMP"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def rows(self, *words):
        return {row["key"]: row for row in json.loads(heaptrail("diff", "--json", *words).stdout)["rows"]}

    def heaps(self, *counts, pid=1, host="one"):
        return [graph_file.snapshot(HEAP % (pid, host), self.folder, "%s.%d.%d" % (host, pid, i), n=n) for i, n in enumerate(counts)]

    def holds(self, *assertions, files):
        rows = json.loads(heaptrail("diff", "--json", *[word for a in assertions for word in ("--assert", a)], *files, code=None).stdout)["rows"]
        return [row["holds"] for row in rows]


class Series(Case):
    def test_each_snapshot_has_its_numbers_and_changes_are_from_the_first_to_the_last(self):
        rows = self.rows(*self.heaps(10, 30, 20, 50))
        self.assertEqual(rows["app.Record"], {
            "key": "app.Record", "count_before": 10, "count_2": 30, "count_3": 20, "count_after": 50, "count_change": 40,
            "bytes_before": 480, "bytes_2": 1440, "bytes_3": 960, "bytes_after": 2400, "bytes_change": 1920, "grew": 2, "trend": "\u2581\u2584\u2582\u2588"})
        self.assertEqual(sorted(rows), ["app.Record", "list"], "what is the same in all is left out")

    def test_what_came_and_went_is_shown_and_thresholds_leave_it_out(self):
        files = self.heaps(10, 30, 10)
        self.assertEqual(self.rows(*files)["app.Record"]["count_change"], 0)
        self.assertEqual(self.rows("--min-bytes", "1", *files), {})
        self.assertEqual(self.rows("--min-count", "1", *files), {})
        files = self.heaps(10, 30, 40)
        self.assertEqual(sorted(self.rows("--min-bytes", "1440", *files)), ["app.Record"])
        self.assertEqual(sorted(self.rows("--min-bytes", "1441", *files)), [])
        self.assertEqual(sorted(self.rows("--min-count", "30", *files)), ["app.Record"])

    def test_ten_snapshots_are_one_query(self):
        files = self.heaps(*range(10, 110, 10))
        said = heaptrail("diff", "--json", "--show-sql", *files)
        rows = json.loads(said.stdout)["rows"]
        self.assertEqual([rows[0]["count_%d" % i] for i in range(2, 10)], list(range(20, 100, 10)))
        self.assertEqual(rows[0]["trend"], "\u2581\u2581\u2582\u2583\u2584\u2584\u2585\u2586\u2587\u2588")
        shell = subprocess.run(["sqlite3", "-batch", "-json", ":memory:", said.stderr], stdout=subprocess.PIPE, check=True, universal_newlines=True)
        self.assertEqual(json.loads(shell.stdout), rows)

    def test_more_than_SQLite_attaches(self):
        files = self.heaps(*range(10, 130, 10))
        for by in "type", "path":
            said = heaptrail("diff", "--json", "--show-sql", "--by", by, *files)
            rows = json.loads(said.stdout)["rows"]
            record, = (row for row in rows if "Record" in row["key"] or row["key"].endswith("[*]"))
            self.assertEqual([record["count_%d" % i] for i in range(2, 12)], list(range(20, 120, 10)))
            self.assertEqual((record["count_before"], record["count_after"], record["grew"]), (10, 120, 11))
            shell = subprocess.run(["sqlite3", "-batch", "-json", ":memory:", said.stderr], stdout=subprocess.PIPE, check=True, universal_newlines=True)
            self.assertEqual(json.loads(shell.stdout), rows)
        self.assertEqual([bool(holds) for holds in self.holds("type:app.Record <= +110", "type:app.Record <= +109", files=files)], [True, False])
        self.assertEqual(len(self.rows(*files, *files[:-1] * 4, *files[-8:])["app.Record"]), 2 * 65 + 3)
        heaptrail("diff", *files[:1] * 65, code=2)

    def test_they_are_sorted_as_asked(self):
        files = self.heaps(50, 30, 10)
        self.assertEqual(list(self.rows("--sort", "bytes", *files)), ["list", "app.Record"], "what shrank most comes last")
        for order in "change", "key":
            self.assertEqual(list(self.rows("--sort", order, *files)), ["app.Record", "list"], order)
        self.assertEqual(list(self.rows("--sort", "after", *files)), ["app.Record", "list"])

    def test_a_terminal_without_room_keeps_the_ends_the_changes_and_the_trend(self):
        said = heaptrail("diff", *self.heaps(10, 30, 20)).stdout.splitlines()
        self.assertEqual(said[0].split(), "key count_before count_2 count_after count_change bytes_before bytes_2 bytes_after bytes_change grew trend".split())
        self.assertTrue(said[1].endswith("  _#:"), said[1])

    def test_a_process_that_grows(self):
        script = os.path.join(self.folder, "program.py")
        with open(script, "w") as f:
            f.write(PROGRAM)
        module = interpreters.module_of("3.11")
        subprocess.run([interpreters.found()["3.11"][0], script, os.path.join(self.folder, "p"), "4"], check=True, env=dict(os.environ, PYTHONPATH=module))
        rows = self.rows(*[os.path.join(self.folder, "p.%d.htrail" % i) for i in range(4)])
        record = rows["__main__.Record"]
        self.assertEqual([record["count_" + name] for name in ("before", "2", "3", "after", "change")], [500, 1000, 1500, 2000, 1500])
        self.assertEqual((record["grew"], record["trend"]), (3, "\u2581\u2583\u2585\u2588"))

        # The same in CI: a new record, and not one of those that were there, with its chain.
        files = [os.path.join(self.folder, "p.%d.htrail" % i) for i in range(4)]
        said = heaptrail("diff", "--assert", "type:Record <= +1499", "--assert", "type:Record <= +1500", *files, code=1).stdout.splitlines()
        self.assertEqual(said[0], "FAIL  type:Record <= +1499: 500 -> 2,000, +1,500")
        self.assertEqual([said[2], said[-2], said[-1]],
                         ["  sys.modules", "  sys.modules['__main__'].keep[500]", "ok    type:Record <= +1500: 500 -> 2,000, +1,500"])
        self.assertIn("-[500]", said[6])
        self.assertIn("sys.modules['__main__'].keep[500]", heaptrail("why", files[3], said[1].split()[-1]).stdout)


class Assertions(Case):
    def test_each_is_of_the_ends(self):
        files = self.heaps(10, 50, 20)
        self.assertEqual(self.holds("type:app.Record <= +10", "type:app.Record <= +9", "type:Record == 20", "type:Record < 20", "type:Record >= 20",
                                    "type:Record > +9", "type:Record bytes <= +480", "type:Record bytes < +480", "type:Record <= +100%",
                                    "type:Record <= +99%", "total objects <= +10", "type:list <= -1", "module:app == 20", files=files),
                         [1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1])

    def test_the_chain_is_that_of_what_gained(self):
        """recent has two new ones and lost two, log has one new one: that is where it grows, though recent is nearer."""
        heap = """
root modules main __main__
main      module __main__ tracked : field __dict__ globals
globals   dict - tracked : value recent recent, value keep keep
recent    list - tracked : index - %s
keep      app.Keep - tracked : attr log log
log       list - tracked : index - b[*]%s
b[3]      app.Record - tracked
%s
meta gc_listed_0 0
meta gc_listed_1 0
meta gc_listed_2 99
meta gc_collections_0 0
meta gc_collections_1 0
meta gc_collections_2 0
meta gc_pending 0
meta gc_frozen 0
"""
        before = graph_file.snapshot(heap % ("old[*]", "", "old[2] app.Record - tracked"), self.folder, "recent.0")
        after = graph_file.snapshot(heap % ("new[*]", ", index - more", "new[2] app.Record - tracked\nmore app.Record - tracked"), self.folder, "recent.1")
        said = heaptrail("diff", "--assert", "type:Record <= +0", before, after, code=1).stdout
        self.assertIn(".log", said)
        self.assertIn("type:Record <= +0: 5 -> 6, +1", said)

    def test_where_each_has_a_holder_of_its_own_the_way_that_gained_most_is_shown(self):
        """A frame holds the last one, which is nearer to a root than those that listeners hold, one each."""
        heap = """
root modules main __main__
root frame running run~at~bus.py:65 thread=5
thread 5 name=main
running    frame - pseudo : local x %s
main       module __main__ : field __dict__ globals
globals    dict - : value bus bus
bus        list - : index - listener[*]
listener[n] function app.f : field __closure__ held[$]
held[n]    app.Session -
%s app.Session -
"""
        before, after = (graph_file.snapshot(heap % held, self.folder, "bus.%d" % n, n=n) for held, n in ((("bus", "lost"), 5), (("last", "last"), 20)))
        for subject in "type:Session", "root:sys.modules", "package:app", "size:64-127", "length:none":
            said = heaptrail("diff", "--assert", subject + " <= +0", before, after, code=1).stdout
            self.assertIn("  sys.modules __main__\n", said, subject)
            self.assertIn("-['bus']", said, subject)
        for subject in "root:frame", "root:frame: run at bus.py:65":
            self.assertIn("  frame run at bus.py:65\n", heaptrail("diff", "--assert", subject + " < 1", before, after, code=1).stdout, subject)

    def test_a_root_s_kind_and_a_package_s_package_are_keys_too(self):
        heap = HEAP % (1, "one") + "root frame running run~at~bus.py:%d\nrunning frame - pseudo : local x local\nlocal list - : index - more[*]\nmore[n] app.sub.Item -\n"
        files = [graph_file.snapshot(heap % line, self.folder, "kind.%d" % line, n=n) for line, n in ((7, 5), (8, 20))]
        self.assertEqual(self.holds("root:frame <= +15", "root:frame <= +14", "root:frame: run at bus.py:8 < 1", "package:app.sub <= +15", "package:app.sub < 20", files=files),
                         [1, 0, 0, 1, 0])

    def test_what_is_retained_is_a_measure(self):
        files = self.heaps(10, 50)
        self.assertEqual(self.holds("type:list retained <= +2240", "type:list retained <= +2239", files=files), [1, 0])
        said = heaptrail("diff", "--assert", "type:list retaned <= +0", *files, code=2).stderr
        self.assertIn("'retaned' is no measure; it is count (or objects), bytes, retained or shared", said)
        self.assertIn("is no assertion", heaptrail("diff", "--assert", "total retained <= +0", *files, code=2).stderr)

    def test_what_no_snapshot_has_is_said_and_with_strict_no_use(self):
        files = self.heaps(10, 10)
        for misspelt in "type:Recrd", "type:record", "type:Rec*", "type:ap.Record":
            said = heaptrail("diff", "--assert", misspelt + " <= +0", *files)
            self.assertIn("'%s <= +0': no snapshot has such a type: is it 'app.Record'?" % misspelt, said.stderr)
            self.assertIn("ok", said.stdout)
            self.assertIn("is it 'app.Record'?", heaptrail("diff", "--strict", "--assert", misspelt + " <= +0", *files, code=2).stderr)
        rows = json.loads(heaptrail("diff", "--json", "--assert", "type:Recrd <= +0", "--assert", "type:Record <= +0", *files).stdout)["rows"]
        self.assertEqual([row["known"] for row in rows], [0, 1])
        heaptrail("diff", "--strict", "--assert", "type:Record <= +0", *files)

    def test_units(self):
        files = self.heaps(10, 1000)
        self.assertEqual(self.holds("type:Record bytes <= 47KiB", "type:Record bytes <= 46K", "type:Record bytes < 1MiB", files=files), [1, 0, 1])

    def test_of_other_processes_the_nearest_object_is_shown(self):
        said = heaptrail("diff", "--assert", "type:Record <= +0", *self.heaps(10), *self.heaps(20, pid=7), code=1).stdout
        self.assertRegex(said, r"-\[0\]-+> app\.Record")


class Paths(Case):
    """By how objects are held: no address, no position, nothing that differs from process to process."""

    def paths(self, text, **lets):
        path = graph_file.snapshot("\nroot modules main __main__\nmain module __main__ : field __dict__ globals\n" + text, self.folder, "p", **lets)
        rows = json.loads(heaptrail("sql", "--json", path, "SELECT key, count FROM path WHERE count > 0").stdout)["rows"]
        self.assertEqual(sum(row["count"] for row in rows),
                         json.loads(heaptrail("sql", "--json", path, "SELECT count(*) AS n FROM object").stdout)["rows"][0]["n"])
        return {row["key"][len("sys.modules > module > "):]: row["count"] for row in rows if row["key"].startswith("sys.modules > module > ")}

    def test_positions_are_left_out_and_attributes_are_so_wherever_they_stand(self):
        self.assertEqual(self.paths("globals dict - : value keep keep\nkeep list - : index - a[*]\na[7] app.A - : field __dict__ d[$]\n"
                                    "d[7] dict - : value x x[$], index 3 y[$]\nx[7] app.X -\ny[7] app.Y -\n"),
                         {"__dict__ dict": 1, ".keep list": 1, ".keep list > [i] app.A": 7, ".keep list > [i] app.A > __dict__ dict": 7,
                          ".keep list > [i] app.A > .x app.X": 7, ".keep list > [i] app.A > __dict__ dict > [i] app.Y": 7})

    def test_keys_of_a_large_mapping_are_data(self):
        for count, expected in (64, 64), (65, 1):
            items = ", ".join("value k%d item[%d]" % (i, i) for i in range(count))
            found = self.paths("globals dict - : value table table\ntable dict - : %s\nitem[%d] app.Item -\n" % (items, count))
            self.assertEqual(len([key for key in found if key.endswith("app.Item")]), expected, count)

    def test_what_repeats_itself_is_one_step(self):
        found = self.paths("globals dict - : value head node[0]\nnode[5000] app.Node - : attr next node[$+1]\n")
        self.assertEqual(found, {"__dict__ dict": 1, ".head app.Node": 1, ".head app.Node > .next app.Node": 4999})
        found = self.paths("globals dict - : value head node[0]\nnode[5000] app.Node - : attr link link[$]\nlink[5000] app.Link - : slot next node[$+1]\n")
        self.assertEqual(found, {"__dict__ dict": 1, ".head app.Node": 1, ".head app.Node > .link app.Link": 1,
                                 ".head app.Node > .link app.Link > .next app.Node": 4999,
                                 ".head app.Node > .link app.Link > .next app.Node > .link app.Link": 4999})

    def test_a_way_that_never_repeats_itself_ends(self):
        chain = "".join("n%d app.N - : attr %s n%d\n" % (i, "ab"[bin(i * 2654435761 & 0xffff).count("1") % 2] + "x" * (i % 7), i + 1) for i in range(500))
        found = self.paths("globals dict - : value head n0\n" + chain + "n500 app.N -\n")
        self.assertLess(max(key.count(" > ") for key in found), 50)
        self.assertGreater(max(found.values()), 400)

    def test_growth(self):
        rows = self.rows("--by", "path", *self.heaps(10, 30))
        self.assertEqual(rows["sys.modules > module > .keep list > [i] app.Record"]["count_change"], 20)


class Across(Case):
    def test_two_hosts_are_compared_and_a_line_says_so(self):
        files = self.heaps(10) + self.heaps(20, pid=7, host="other")
        said = heaptrail("diff", "--json", *files)
        self.assertEqual(json.loads(said.stdout)["rows"][0]["count_change"], 10)
        self.assertEqual(said.stderr, "heaptrail diff: the processes differ: another runtime, pid 1 on one, and another runtime, pid 7 on other\n")
        self.assertEqual(heaptrail("diff", *self.heaps(10, 20)).stderr, "")
        self.assertEqual(heaptrail("diff", "--show-sql", *files).stderr.splitlines()[0][:28], "-- the processes differ: ano")


@unittest.skipIf(len(interpreters.found()) < 2, "only one version of Python was found")
class TwoVersions(Case):
    def test_two_versions_of_python(self):
        script, files = os.path.join(self.folder, "program.py"), []
        with open(script, "w") as f:
            f.write(PROGRAM)
        found = list(interpreters.found())
        for version, count in (found[0], 1), ("3.11" if found[0] != "3.11" else found[-1], 3):
            subprocess.run([interpreters.found()[version][0], script, os.path.join(self.folder, version), str(count)], check=True,
                           env=dict(os.environ, PYTHONPATH=interpreters.module_of(version)))
            files.append(os.path.join(self.folder, "%s.%d.htrail" % (version, count - 1)))
        said = heaptrail("diff", "--json", *files)
        record, = [row for row in json.loads(said.stdout)["rows"] if row["key"] == "__main__.Record"]
        self.assertEqual((record["count_before"], record["count_after"]), (500, 1500))
        by_path = self.rows("--by", "path", *files)
        self.assertEqual(by_path["sys.modules > ['__main__'] module > .keep list > [i] __main__.Record"]["count_change"], 1000)
        self.assertRegex(said.stderr, r"the processes differ: cpython \S+, pid \d+ on \S+, and cpython \S+, pid \d+")


if __name__ == "__main__":
    unittest.main()
