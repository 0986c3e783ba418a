"""Rule 6: every figure printed can be asked for in SQL of the loaded database, in a plain sqlite3 shell."""
import unittest

import rule

GROW = rule.PROGRAM + """
heaptrail.snapshot("a.htrail")
leak = [bytearray(100 + i) for i in range(1000)]; del kept[7]
heaptrail.snapshot("b.htrail")
"""


class Figures(rule.RuleTest):
    def setUp(self):
        super().setUp()
        self.python(GROW)
        for name in "ab":
            self.heaptrail("load", name + ".htrail", "-o", name + ".db")

    def test_top(self):
        for key in ("type", "module", "name"):
            with self.subTest(by=key):
                rows = self.rows("top", "a.db", "--by", key, "-n", "1000000")
                asked = self.sqlite3("a.db", "SELECT %s AS k, count(*) AS n, sum(size) AS b FROM object GROUP BY 1" % key)
                self.assertEqual([(row["count"], row["bytes"]) for row in rows],
                                 sorted([(row["n"], row["b"]) for row in asked], key=lambda row: (-row[1], -row[0])))

    def test_top_by_ranges(self):
        for key in ("size", "length"):
            with self.subTest(by=key):
                rows = self.rows("top", "a.db", "--by", key, "-n", "1000000")
                self.assertGreater(len(rows), 5)
                for row in rows:
                    low, dash, high = row["key"].partition("-")
                    where = "BETWEEN %s AND %s" % (low, high if dash else low) if low.isdigit() else "IS NULL"
                    asked, = self.sqlite3("a.db", "SELECT count(*) AS n, sum(size) AS b FROM object WHERE %s %s" % (key, where))
                    self.assertEqual((row["count"], row["bytes"]), (asked["n"], asked["b"]), row["key"])

    def test_diff(self):
        rows = self.rows("diff", "a.db", "b.db", "--by", "type")
        asked = {row["k"]: row for row in self.sqlite3("a.db", """ATTACH 'b.db' AS later;
            SELECT k, sum(n0) AS n0, sum(n1) AS n1, sum(b0) AS b0, sum(b1) AS b1 FROM (
                SELECT type AS k, 1 AS n0, 0 AS n1, size AS b0, 0 AS b1 FROM main.object UNION ALL
                SELECT type, 0, 1, 0, size FROM later.object) GROUP BY k""")}
        self.assertGreater(len(rows), 0)
        for row in rows:
            said = asked[row["key"]]
            self.assertEqual([row["count_before"], row["count_after"], row["bytes_before"], row["bytes_after"]],
                             [said["n0"], said["n1"], said["b0"], said["b1"]])
            self.assertEqual([row["count_change"], row["bytes_change"]], [said["n1"] - said["n0"], said["b1"] - said["b0"]])

    def test_info(self):
        facts = {row["key"]: row["value"] for row in self.rows("info", "a.db")}
        asked = {row["key"]: row["value"] for row in self.sqlite3("a.db", "SELECT key, value FROM snapshot")}
        self.assertGreater(len(facts), 5)
        for key, value in facts.items():
            self.assertEqual(str(value), str(asked.get(key)), key)

    def test_why(self):
        steps = self.rows("why", "b.db", "where:type = 'bytearray' AND length = 1099")
        self.assertGreater(len(steps), 1)


if __name__ == "__main__":
    unittest.main()
