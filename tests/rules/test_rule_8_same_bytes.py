"""Rule 8: same input, same bytes out: tables, JSON, DOT and SVG can be compared and reviewed."""
import os
import unittest

import rule

GROW = rule.PROGRAM + """
heaptrail.snapshot("a.htrail")
leak = [Node("leak%d" % i) for i in range(1000)]
heaptrail.snapshot("b.htrail")
"""
ELSEWHERE = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "COLUMNS": "80", "HOME": "/nonexistent"}


class SameBytes(rule.RuleTest):
    def setUp(self):
        super().setUp()
        self.python(GROW)

    def twice(self, *arguments, out=None):
        """Bytes of a command, after both have been loaded anew and in another environment."""
        said = []
        for env in ({}, ELSEWHERE):
            for name in "ab":
                if os.path.exists(self.path(name + ".htrail.db")):
                    os.remove(self.path(name + ".htrail.db"))
            text = self.heaptrail(*arguments, text=False, env=env)
            if out:
                with open(self.path(out), "rb") as file:
                    text += file.read()
            said.append(text)
        self.assertEqual(said[0], said[1])
        self.assertGreater(len(said[0]), 20)

    def test_tables_and_json(self):
        for by in ("type", "module", "name", "size", "length"):
            for form in ((), ("--json",)):
                self.twice("top", "a.htrail", "--by", by, *form)
                self.twice("diff", "a.htrail", "b.htrail", "--by", by, *form)

    def test_chains(self):
        self.twice("why", "b.htrail", "type:Node")
        self.twice("why", "b.htrail", "type:Node", "--json")

    def test_pictures(self):
        self.twice("graph", "b.htrail", "type:Node", "-o", "a.dot", out="a.dot")
        self.twice("graph", "b.htrail", "type:Node", "-o", "a.svg", out="a.svg")

    def test_the_database(self):
        self.heaptrail("load", "a.htrail", "-o", "1.db")
        self.heaptrail("load", "a.htrail", "-o", "2.db", env=ELSEWHERE)
        dumps = [self.run_command("sqlite3", name, ".dump") for name in ("1.db", "2.db")]
        self.assertEqual(dumps[0], dumps[1])


if __name__ == "__main__":
    unittest.main()
