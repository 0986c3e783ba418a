"""Rule 5: no contents by default: types, names of fields, sizes and references; values only when asked
for, hashes in their place when asked for."""
import unittest

import rule

PROGRAM = """
import sys
SECRETS = ["".join(word) for word in (("tops", "ecret%d!" % i) for i in range(9))]
class Account:
    def __init__(self, password):
        self.password_field = password
text, data, array = SECRETS[0], SECRETS[1].encode(), bytearray(SECRETS[2].encode())
accounts = [Account(SECRETS[3])]
mapping = {SECRETS[4]: 1, (SECRETS[5], 2): 3}
loose = "".join(["topsecret", "identifier"])      # could be a name, but nobody interned it
by_loose = {loose: 1}
def holder():
    local_variable = SECRETS[6]
    try:
        raise ValueError(SECRETS[7])
    except ValueError as error:
        kept_error = error
    return lambda default=SECRETS[8]: (local_variable, kept_error)
function = holder()
import heaptrail
heaptrail.snapshot("a.htrail")
heaptrail.snapshot("hashes.htrail", hashes=True)
heaptrail.snapshot("contents.htrail", contents=True)
"""


class NoContents(rule.RuleTest):
    def setUp(self):
        super().setUp()
        with open(self.path("program.py"), "w") as out:
            out.write(PROGRAM)
        self.run_command(rule.PYTHON, "program.py")

    def everything_said_of(self, name):
        self.heaptrail("load", name, "-o", name + ".out.db")
        with open(self.path(name), "rb") as raw, open(self.path(name + ".out.db"), "rb") as database:
            return self.reader("dump", name), raw.read() + database.read()

    def assert_names_travel(self, records):
        for name in ("Account", "password_field", "accounts", "holder", "local_variable", "function"):
            self.assertIn("'%s'" % name, records)

    def test_by_default_names_travel_and_no_value_does(self):
        records, raw = self.everything_said_of("a.htrail")
        self.assert_names_travel(records)
        self.assertNotIn("topsecret", records)
        self.assertNotIn(b"topsecret", raw)
        self.assertNotIn("\nvalue", records)

    def test_hashes_stand_for_values(self):
        records, raw = self.everything_said_of("hashes.htrail")
        self.assert_names_travel(records)
        self.assertNotIn("topsecret", records)
        self.assertNotIn(b"topsecret", raw)
        self.assertIn("\nvalue", records)

    def test_contents_when_asked_for(self):
        records, _ = self.everything_said_of("contents.htrail")
        for i in range(9):
            self.assertIn("topsecret%d!" % i, records)


if __name__ == "__main__":
    unittest.main()
