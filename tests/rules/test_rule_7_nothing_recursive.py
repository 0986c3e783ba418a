"""Rule 7: nothing recursive over the graph: a linked list of two million objects is captured, loaded and
explained on a stack of 256 KB."""
import re
import resource
import unittest

import rule

COUNT = 200000 if rule.SANITIZED else 2000000
PROGRAM = """
import gc; gc.disable()
class Node:
    __slots__ = ("next",)
head = node = Node()
for i in range(%d):
    node.next = Node()
    node = node.next
class Last: pass
node.next = Last()
del node
import heaptrail
heaptrail.snapshot("list.htrail")
import os; os._exit(0)
""" % COUNT


class NothingRecursive(rule.RuleTest):
    def test_a_long_list_on_a_small_stack(self):
        def small_stack():
            resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))
        small = {} if rule.SANITIZED else {"preexec_fn": small_stack}
        self.python(PROGRAM, **small)
        self.heaptrail("check", "list.htrail", **small)
        self.heaptrail("load", "list.htrail", "-o", "list.db", **small)
        said = self.heaptrail("why", "list.db", "type:Last", **small)
        steps = len(said.splitlines()) + int(re.search(r"([\d,]+) more steps", said)[1].replace(",", ""))
        self.assertGreater(steps, COUNT)
        self.heaptrail("top", "list.db", "--by", "type", **small)
        self.heaptrail("graph", "list.db", "type:Last", "-o", "list.svg", **small)


if __name__ == "__main__":
    unittest.main()
