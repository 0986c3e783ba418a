"""Rule 3: no ceilings: ids, sizes and counts of 64 bits come back as they went in, from the file and
from the database."""
import unittest

import rule

NUMBERS = [0x100000010, 0x7ffffffffff0, 0x123456789abcdef0, 0x7ffffffffffffff0]


class NoCeilings(rule.RuleTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.reader("wide", "wide.htrail"), "ok\n")

    def test_in_the_file(self):
        objects = [line.split() for line in self.reader("dump", "wide.htrail").splitlines() if line.startswith("object")]
        self.assertEqual([int(words[1], 16) for words in objects], NUMBERS)
        for i, words in enumerate(objects):
            self.assertEqual(words[3:6], ["size=%d" % (2**40 + i), "length=%d" % (2**33 + i), "refcount=%d" % (2**34 + i)])
            self.assertEqual([int(ref.split(":")[1], 16) for ref in words[8:]], [NUMBERS[(i + 1) % 4], NUMBERS[i]])
            self.assertEqual(int(words[9].split(":")[2], 16), 2**33 + i)

    def test_in_the_database(self):
        self.heaptrail("load", "wide.htrail", "-o", "wide.db")
        rows = self.sqlite3("wide.db", "SELECT address, size, length, refcount FROM object WHERE type = 'wide' ORDER BY size")
        self.assertEqual(rows, [{"address": number, "size": 2**40 + i, "length": 2**33 + i, "refcount": 2**34 + i}
                                for i, number in enumerate(NUMBERS)])
        edges = self.sqlite3("wide.db", "SELECT count(*) AS n FROM reference WHERE label LIKE '%8589934%'")
        self.assertEqual(edges, [{"n": 4}])
        total, = [row for row in self.rows("top", "wide.db", "--by", "type") if row["key"] == "wide"]
        self.assertEqual(total["bytes"], 4 * 2**40 + 6)

    def test_an_address_selects(self):
        steps = self.rows("why", "wide.htrail", hex(NUMBERS[2]))
        self.assertEqual([step["address"] for step in steps], NUMBERS[:3])


if __name__ == "__main__":
    unittest.main()
