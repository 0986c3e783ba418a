"""The leaks of the samples are found by the line that asked for the memory, traced or sampled."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, folder) for folder in ("..", "../agent")]
from agent_case import AgentCase, HEAPTRAIL, PYTHON, ROOT, SANITIZED


def line_of(sample, text):
    with open(os.path.join(ROOT, "samples", sample)) as source:
        return [number for number, line in enumerate(source, 1) if text in line][0]


class BySite(AgentCase):
    def grown(self, sample, options, arguments, env):
        """What diff --by site --json says of two snapshots with rounds of the sample between them."""
        path = os.path.join(ROOT, "samples", sample)
        program = subprocess.Popen([HEAPTRAIL, "run", "-o", self.folder, *options, "--", PYTHON, path, "--pause",
                                    "2" if SANITIZED else "0.3", "--rounds", "6", *arguments],
                                   stdout=subprocess.PIPE, text=True, env=dict(os.environ, **env))
        self.addCleanup(self.end, program)
        files = []
        for name in "a.htrail", "b.htrail":
            for _ in range(2):
                self.assertTrue(program.stdout.readline())
            files.append(self.assert_snap(program, "-o", os.path.join(self.folder, name)))
        self.assertEqual(program.wait(60), 0)
        asked = subprocess.run([HEAPTRAIL, "diff", "--by", "site", "--json", *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual((asked.returncode, asked.stderr), (0, ""))
        return [row for row in json.loads(asked.stdout)["rows"] if row["file"] == path]

    def expect(self, sample, text, least_bytes, options=(), arguments=(), env={}):
        row = self.grown(sample, options, arguments, env)[0]
        self.assertEqual(row["line"], line_of(sample, text))
        self.assertGreaterEqual(row["bytes_change"], least_bytes)

    def test_buffer_traced(self):
        self.expect("buffer.py", "self.pixels = bytearray", 200 * 96 * 64 * 3, env={"PYTHONTRACEMALLOC": "1"})

    def test_record_traced(self):
        self.expect("record.py", "self.data = bytearray", 100 * 4096, env={"PYTHONTRACEMALLOC": "1"})

    def test_buffer_sampled(self):
        self.expect("buffer.py", "self.pixels = bytearray", 150 * 96 * 64 * 3, ["--sample", "64K"])

    def test_record_sampled(self):
        self.expect("record.py", "self.data = bytearray", 60 * 4096, ["--sample", "8K"])

    def test_sampling_begins_before_the_program_does(self):
        """Also on a Python whose allocators are chosen while it starts: there it begins anew with the first snapshot."""
        for env, least in ({}, 1), ({"PYTHONMALLOC": "malloc"}, 0):
            program = self.start("import sys; kept = [bytearray(100000) for i in range(500)]; print('ready', flush=True); sys.stdin.read()",
                                 options=["--sample", "100K"], env=dict(os.environ, **env))
            first = self.assert_snap(program)
            asked = subprocess.run([HEAPTRAIL, "sql", "--json", first, "SELECT sum(bytes) AS bytes FROM site WHERE file = '<string>'"],
                                   stdout=subprocess.PIPE, text=True)
            size = json.loads(asked.stdout)["rows"][0]["bytes"] or 0
            self.assertTrue(least * 35e6 <= size <= 65e6, (env, size))
            self.assertEqual(self.finish(program), 0)

    def test_a_wrong_interval_is_said(self):
        wrong = subprocess.run([HEAPTRAIL, "run", "--sample", "little", "--", "true"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'little' for 'sample' is no number of bytes", wrong.stderr)

    def test_buffer_cured(self):
        for row in self.grown("buffer.py", (), ["--cured"], {"PYTHONTRACEMALLOC": "1"}):
            self.assertLess(row["bytes_change"], 50 * 96 * 64 * 3)


if __name__ == "__main__":
    unittest.main()
