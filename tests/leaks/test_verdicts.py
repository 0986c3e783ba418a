"""heaptrail leaks on a small part of the corpus: three programs that leak, each named first, and three that do not, without
a verdict. bench/leaks.py runs all of it, the hidden half too."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../bench")]
import corpus
import leaks
import seeds

LEAKING = "list_and_dict", "many_small_dicts", "held_from_c"
CLEAN = "warmed_up_server", "churn_between_containers", "heap_that_grows_and_shrinks"


class Verdicts(unittest.TestCase):
    def runs(self, names):
        version = leaks.versions_to_run(None)[0]
        found = [leaks.Run("open", kind, program, version, None).measure(leaks.judge) for kind, program in corpus.programs(seeds.OPEN[:1], names)]
        self.assertEqual({run.program.name for run in found}, set(names))
        return found

    def test_a_leak_is_named_first(self):
        for run in self.runs(LEAKING):
            self.assertEqual((run.found, run.missed, run.false), (len(run.program.leaks), [], []), run)

    def test_nothing_is_said_of_a_program_that_does_not_leak(self):
        for run in self.runs(CLEAN):
            self.assertEqual(run.rows, [], run)


if __name__ == "__main__":
    unittest.main()
