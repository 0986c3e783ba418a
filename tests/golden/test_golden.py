"""Files of released versions are read for ever, as they were read then; and each bad file gets
the exit code that its name begins with, with a sentence that names it."""
import glob
import hashlib
import os
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("B", os.path.join(HERE, "../../build/release"))
VERSIONS = "1.0", "1.1"
# Of what htrail-dump prints for VERSION-blocks.htrail: too long to keep as text.
BLOCKS_SHA256 = {"1.0": "0c96b6b249b84a35e26303356cc561ca9e9a6792b0c1087419d6f58c67a6c471",
                 "1.1": "39cd5f6e4e6eaa6ec4424be9fa21e617b7512f4c0d3744d5b55f6c04e2c53ce7"}


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Golden(unittest.TestCase):
    def dump(self, name):
        done = run(os.path.join(BUILD, "htrail-dump"), os.path.join(HERE, "good", name + ".htrail"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_small_file_of_each_version_reads_as_it_did(self):
        for version in VERSIONS:
            with self.subTest(version), open(os.path.join(HERE, "good", version + "-small.tsv"), "rb") as expected:
                self.assertEqual(self.dump(version + "-small").decode(), expected.read().decode())

    def test_a_file_of_each_version_with_several_blocks_reads_as_it_did(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.assertEqual(hashlib.sha256(self.dump(version + "-blocks")).hexdigest(), BLOCKS_SHA256[version])

    def test_files_of_1_1_hold_threads_frames_mappings_and_sites(self):
        kinds = [line.split(b"\t")[0] for line in self.dump("1.1-blocks").splitlines()]
        self.assertEqual([kinds.count(kind) for kind in (b"D", b"F", b"A", b"L", b"B")], [18, 22, 9, 18, 36])

    def test_good_files_are_whole(self):
        for path in sorted(glob.glob(os.path.join(HERE, "good/*.htrail"))):
            done = run(os.path.join(BUILD, "heaptrail"), "check", path)
            self.assertEqual((done.returncode, done.stderr), (0, b""), path)

    def test_bad_files_get_their_exit_code_and_a_sentence_that_names_them(self):
        paths = sorted(glob.glob(os.path.join(HERE, "bad/*.htrail")))
        self.assertGreater(len(paths), 10)
        for path in paths:
            done = run(os.path.join(BUILD, "heaptrail"), "check", path)
            self.assertEqual(done.returncode, int(os.path.basename(path)[0]), path)
            self.assertIn(os.path.basename(path), (done.stdout + done.stderr).decode())


if __name__ == "__main__":
    unittest.main()
