"""tests/run: what fails is seen, what is skipped is named, and the last line is the sum."""
import os
import shutil
import tempfile
import unittest

import make

UNITTEST = """import unittest
class T(unittest.TestCase):
    def test_passes(self): pass
    def test_fails(self): self.assertTrue(False)
    def test_fails_in_a_subtest(self):
        with self.subTest(i=1): self.fail()
    @unittest.skip("because")
    def test_skips(self): pass
"""


class Runner(unittest.TestCase):
    def run_files(self, **files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.makedirs(os.path.join(folder.name, "tests/x"))
        shutil.copy(os.path.join(make.ROOT, "tests/run"), os.path.join(folder.name, "tests/run"))
        for name, text in files.items():
            with open(os.path.join(folder.name, "tests/x", name.replace("_dot_", ".")), "w") as out:
                out.write(text)
        said = make.run("tests/run", cwd=folder.name, check=False, B=folder.name)
        code = make.run("sh", "-c", "tests/run >/dev/null; echo $?", cwd=folder.name, B=folder.name)
        return said, int(code)

    def test_counts_every_outcome(self):
        said, code = self.run_files(test_a_dot_py=UNITTEST, test_b_dot_sh="exit 0", test_c_dot_sh="exit 77",
                                test_d_dot_sh="exit 3", test_e_dot_py="import nothing_of_that_name")
        self.assertEqual(said.splitlines()[-1], "2 passed, 4 failed")
        self.assertIn("2 skipped:\n  tests/x/test_a.py: test_a.T.test_skips\n  tests/x/test_c.sh", said)
        self.assertEqual(code, 1)

    def test_all_passing_is_success(self):
        said, code = self.run_files(test_b_dot_sh="exit 0")
        self.assertEqual((said.splitlines()[-1], code), ("1 passed, 0 failed", 0))

    def test_nothing_to_run_is_a_failure(self):
        said, code = self.run_files()
        self.assertEqual((said.splitlines()[-1], code), ("0 passed, 0 failed", 1))

    def test_a_file_without_a_test_is_a_failure(self):
        said, code = self.run_files(test_a_dot_py="", test_b_dot_sh="exit 0")
        self.assertEqual((said.splitlines()[-1], code), ("1 passed, 1 failed", 1))


if __name__ == "__main__":
    unittest.main()
