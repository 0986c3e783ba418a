"""The corpus is what bench/leaks.py takes it for: enough programs, always the same, that leak what they say and nothing else."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../bench")]
import clean
import corpus
import leaking
import leaks
import seeds

SMALL = "buffer_in_a_dict", "churn_between_containers"


class Corpus(unittest.TestCase):
    def test_at_least_thirty_of_each_kind_and_four_families(self):
        self.assertGreaterEqual(len({g.__name__ for g in leaking.GENERATORS}), 30)
        self.assertGreaterEqual(len({g.__name__ for g in clean.GENERATORS}), 30)
        self.assertEqual(len(clean.FAMILIES), 4)

    def test_half_of_the_seeds_are_hidden(self):
        self.assertEqual(len(seeds.OPEN), len(seeds.HIDDEN))
        self.assertFalse(set(seeds.OPEN) & set(seeds.HIDDEN))

    def test_a_seed_gives_one_program_and_another_seed_another(self):
        first, again = [list(corpus.programs(seeds.OPEN + seeds.HIDDEN)) for _ in range(2)]
        self.assertEqual(first, again)
        self.assertEqual(len({program.source for _, program in first}), len(first))

    def test_each_program_compiles_and_says_nothing_of_its_truth(self):
        for kind, program in corpus.programs(seeds.OPEN + seeds.HIDDEN):
            compile(program.source, program.name, "exec")
            self.assertEqual(kind == "leaking", bool(program.leaks), program.name)
            for word in "leak", program.name:
                self.assertNotIn(word, program.source.replace("default_argument", ""))

    def test_programs_leak_what_they_say(self):
        version = leaks.versions_to_run(None)[0]
        for kind, program in corpus.programs(seeds.OPEN[:1], SMALL, noise=False):
            run = leaks.Run("open", kind, program, version, None).measure(leaks.check)
            self.assertEqual((run.found, run.missed, run.false), (len(program.leaks), [], []), program.name)


if __name__ == "__main__":
    unittest.main()
