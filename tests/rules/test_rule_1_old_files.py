"""Rule 1: old files are read for ever. A section that a reader does not know is skipped by its
length; only a new major version is refused."""
import glob
import os
import struct
import unittest

import rule
from layout import Snapshot


class OldFiles(rule.RuleTest):
    def test_a_section_of_tomorrow_is_skipped(self):
        path = self.snapshot()
        snapshot = Snapshot.load(path)
        for position in (0, len(snapshot.frames) // 2, len(snapshot.frames) - 2):
            newer = Snapshot.load(path)
            newer.insert(position, kind=0x7abc, payload=b"what a later version writes" * 99)
            newer.save(self.path("newer.htrail"))
            self.heaptrail("check", "newer.htrail")
            self.assertEqual(self.rows("top", "newer.htrail", "--by", "type"), self.rows("top", path, "--by", "type"))
            os.remove(self.path("newer.htrail.db"))

    def test_a_new_minor_version_is_read(self):
        snapshot = Snapshot.load(self.snapshot())
        snapshot.minor += 7
        snapshot.save(self.path("newer.htrail"))
        self.heaptrail("check", "newer.htrail")
        self.rows("top", "newer.htrail", "--by", "type")

    def test_a_new_major_version_is_refused_in_a_sentence(self):
        snapshot = Snapshot.load(self.snapshot())
        snapshot.major += 1
        snapshot.save(self.path("newer.htrail"))
        self.heaptrail("top", "newer.htrail", code=3)
        self.assertIn("newer.htrail", self.said)
        self.assertIn("version %d" % snapshot.major, self.said)
        self.assertFalse(os.path.exists(self.path("newer.htrail.db")))


if __name__ == "__main__":
    unittest.main()
