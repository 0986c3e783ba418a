"""The samples leak as they say, and the commands on top of each find the leak."""
import json
import os
import subprocess
import unittest

from agent_case import AgentCase, HEAPTRAIL, PYTHON, ROOT, SANITIZED


class Samples(AgentCase):
    def snapshots(self, sample, *arguments):
        """Two snapshots, with three rounds of the sample between them."""
        program = subprocess.Popen([HEAPTRAIL, "run", "-o", self.folder, "--", PYTHON, os.path.join(ROOT, "samples", sample),
                                    "--pause", "2" if SANITIZED else "0.3", "--rounds", "6", *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, program)
        paths = []
        for name in ("a.htrail", "b.htrail"):
            for _ in range(2):
                self.assertRegex(program.stdout.readline(), r"^\d+ (requests served|images taken)$")
            paths.append(self.assert_snap(program, "-o", os.path.join(self.folder, name)))
        self.assertEqual(program.wait(60), 0)
        return paths

    def heaptrail(self, *arguments):
        command = subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual((command.returncode, command.stderr), (0, ""))
        return command.stdout

    def grown(self, before, after, key):
        rows = json.loads(self.heaptrail("diff", before, after, "--by", key, "--json"))["rows"]
        return {row["key"]: row["count_change"] for row in rows}

    def test_reload_keeps_every_logging_module_by_atexit(self):
        before, after = self.snapshots("reload.py")
        grown = self.grown(before, after, "module")
        self.assertGreater(grown["logging"], 20 * 100)
        self.assertGreater(grown["logging.handlers"], 20 * 50)
        why = self.heaptrail("why", after, "module:logging")
        self.assertIn("atexit callback", why)
        self.assertIn("logging.shutdown", why)
        self.assertIn("__globals__", why)
        self.assertNotIn("unknown", why)
        picture = os.path.join(self.folder, "leak.svg")
        self.heaptrail("graph", after, "module:logging", "-o", picture)
        with open(picture) as file:
            picture = file.read()
        for word in ("atexit", "__globals__", "logging"):
            self.assertIn(word, picture)

    def test_buffer_keeps_every_image_in_its_list_of_tasks(self):
        before, after = self.snapshots("buffer.py")
        grown = self.grown(before, after, "type")
        images = [count for key, count in grown.items() if key.endswith("Image")]
        self.assertEqual(len(images), 1)
        self.assertGreaterEqual(images[0], 200)
        why = self.heaptrail("why", after, "type:Image")
        self.assertIn("tasks", why)
        self.assertNotIn("unknown", why)

    def test_buffer_cured_keeps_nothing(self):
        before, after = self.snapshots("buffer.py", "--cured")
        self.assertFalse([key for key, count in self.grown(before, after, "type").items() if key.endswith("Image") and count > 10])


if __name__ == "__main__":
    unittest.main()
