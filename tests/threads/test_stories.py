"""The samples whose leak is threads, and frames that pile up: two snapshots of each while it runs, and the
commands on top of the sample find it."""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("..", "../agent")]
import interpreters
from agent_case import AgentCase, HEAPTRAIL, ROOT

SPREAD = 3  # threads that at the moment of the snapshot stand at another line


class Story(AgentCase):
    def snapshots(self, sample, *arguments):
        """Two snapshots of the sample, with three rounds between them; what it printed before each."""
        program = subprocess.Popen([HEAPTRAIL, "run", "-o", self.folder, "--", self.python, os.path.join(ROOT, "samples", sample),
                                    "--pause", "0.4", "--rounds", "7", *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, program)
        paths, lines = [], []
        for name, rounds in ("a.htrail", 2), ("b.htrail", 3):
            for _ in range(rounds):
                line = program.stdout.readline()
            lines.append(line.strip())
            paths.append(self.assert_snap(program, "-o", os.path.join(self.folder, name)))
        self.assertEqual(program.wait(60), 0)
        return paths, lines

    def heaptrail(self, *arguments):
        command = subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual((command.returncode, command.stderr), (0, ""))
        return command.stdout


def line_of(sample, text):
    with open(os.path.join(ROOT, "samples", sample)) as lines:
        return next(number for number, line in enumerate(lines, 1) if text in line)


@interpreters.for_each()
class Stories(Story):
    def test_threads_of_closed_connections_stand_at_one_line(self):
        (before, after), said = self.snapshots("sse.py", "--visits", "12")
        self.assertEqual(said, ["24 connections closed", "60 connections closed"])
        printed = self.heaptrail("threads", before, after)
        at = line_of("sse.py", "time.sleep(pause)")
        head = re.match(r"(\d+) threads \(\+(\d+)\) at sse\.py:%d events <- sse\.py:\d+ (Handler\.)?do_GET <- \.\.\. <- "
                        r"(?i:socketserver)\.py:\d+ (ThreadingMixIn\.)?process_request_thread\n" % at, printed)
        self.assertIsNotNone(head, printed)
        threads, more = int(head[1]), int(head[2])
        self.assertTrue(60 - SPREAD <= threads <= 60, printed)
        self.assertTrue(36 - SPREAD <= more <= 36 + SPREAD, printed)
        # Each holds the history of its browser, 64 KiB, and nothing of what is everybody's.
        found = json.loads(self.heaptrail("threads", "--json", before, after))["rows"][0]
        self.assertEqual((found["threads"], found["threads_change"], found["daemons"]), (threads, more, threads))
        self.assertTrue(threads * 65536 < found["retained_bytes"] < threads * 90000, found)
        self.assertTrue(more * 65536 < found["retained_change"] < more * 90000, found)
        sleeping = re.match(r"(\d+) sleeping", found["states"])
        self.assertTrue(sleeping and int(sleeping[1]) >= threads * 3 // 4, found) # each wakes now and then
        files = [line.split(":")[0] for line in found["frames"].split("\n")]
        self.assertEqual(files[0], os.path.join(ROOT, "samples/sse.py"))
        self.assertTrue(files[-1].endswith("threading.py"), files)
        # By hand: the variables of the frame at that line.
        held = json.loads(self.heaptrail("sql", "--json", after,
                          "SELECT r.label, count(*) AS n FROM frame f JOIN reference r ON r.src = f.object JOIN object o ON o.id = r.dst "
                          "WHERE f.depth = 0 AND f.line = %d AND o.type = 'bytearray' GROUP BY 1" % at))["rows"]
        self.assertEqual([row["label"] for row in held], ["history"])
        self.assertTrue(threads <= held[0]["n"] <= 60, held)

    def test_without_the_leak_no_threads_are_left(self):
        (before, after), _ = self.snapshots("sse.py", "--visits", "12", "--cured")
        for path in before, after:
            rows = json.loads(self.heaptrail("threads", "--json", path))["rows"]
            self.assertLessEqual(sum(row["threads"] for row in rows if "sse.py" in row["stack"] and "events" in row["stack"]), 12)
            self.assertEqual(sum(row["threads"] for row in rows if row["stack"].startswith("heaptrail itself")), 1)

    def test_frames_pile_up_in_a_recording_that_missed_its_end(self):
        (before, after), said = self.snapshots("record.py")
        self.assertEqual(said, ["40 seconds seen, 1 recordings written", "100 seconds seen, 1 recordings written"])
        rows = json.loads(self.heaptrail("diff", before, after, "--by", "type", "--json"))["rows"]
        grown = {row["key"]: row["count_change"] for row in rows}
        self.assertEqual(grown["__main__.Frame"], 60 * 25 * 9 // 10)
        self.assertEqual(grown["bytearray"], grown["__main__.Frame"])
        self.assertIn("bytearray", [row["key"] for row in rows[:2]])
        why = self.heaptrail("why", after, "type:Frame")
        self.assertNotIn("unknown", why)
        found = [why.index(word) for word in ("recorder", "recording", "frames")]
        self.assertEqual(found, sorted(found), why)

    def test_with_the_right_comparison_every_recording_ends(self):
        (before, after), said = self.snapshots("record.py", "--cured")
        self.assertEqual(said, ["40 seconds seen, 7 recordings written", "100 seconds seen, 19 recordings written"])
        rows = json.loads(self.heaptrail("diff", before, after, "--by", "type", "--json"))["rows"]
        self.assertFalse([row for row in rows if row["key"] == "__main__.Frame" and row["count_change"] > 3 * 25])


if __name__ == "__main__":
    unittest.main()
