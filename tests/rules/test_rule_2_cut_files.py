"""Rule 2: a file cut at any byte still loads up to its last whole block, and says that it was cut
and where."""
import os
import unittest

import rule


class CutFiles(rule.RuleTest):
    def test_every_length_of_a_small_file(self):
        path = self.snapshot(options=", max_bytes=20000")
        self.assertLess(os.path.getsize(path), 20001)
        self.assertIn("records kept", self.reader("cut", path, "4", "1"))

    def test_many_lengths_of_a_real_file(self):
        path = self.snapshot()
        said = self.reader("cut", path, "4", "997")
        kept, whole = [int(word) for word in said.replace(",", "").split() if word.isdigit()][1:3]
        self.assertGreater(kept, whole // 2, said)

    def test_every_command_takes_a_cut_file_and_says_so(self):
        path = self.snapshot(program=rule.PROGRAM + rule.MANY)
        size = os.path.getsize(path)
        with open(path, "rb") as whole, open(self.path("cut.htrail"), "wb") as cut:
            cut.write(whole.read(size * 4 // 5))
        said = self.heaptrail("check", "cut.htrail", code=1) + self.said
        self.assertRegex(said, r"cut.htrail.*(cut|ends).*\d")
        whole = sum(row["count"] for row in self.rows("top", path, "--by", "type", "-n", "100000"))
        kept = sum(row["count"] for row in self.rows("top", "cut.htrail", "--by", "type", "-n", "100000"))
        self.assertTrue(whole // 3 < kept < whole, "%d of %d objects" % (kept, whole))
        self.assertRegex(self.said, r"cut.htrail")


if __name__ == "__main__":
    unittest.main()
