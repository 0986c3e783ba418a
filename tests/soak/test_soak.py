"""Some snapshots of a busy server, on each version; `make soak` takes hundreds."""
import os, sys, unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import interpreters
import soak


@interpreters.for_each(*soak.VERSIONS)
@unittest.skipIf("SANITIZER_PRELOAD" in os.environ, "a sanitizer keeps what is freed, and the server is ten times slower")
class Soak:
    def undisturbed(self, mode, *extras):
        wrong, figures = soak.soak(self.version, mode, 3, 2, extras)
        print(figures)
        self.assertEqual(wrong, [])

    def test_in_place_the_server_goes_on_as_before(self):
        self.undisturbed("in-place")

    def test_in_a_copy_the_server_goes_on_as_before(self):
        self.undisturbed("fork")

    def test_with_interpreters_that_come_and_go(self):
        if self.number < (3, 8):
            self.skipTest("this version has no module for interpreters within the interpreter")
        self.undisturbed("in-place", "interpreters")


if __name__ == "__main__":
    unittest.main()
