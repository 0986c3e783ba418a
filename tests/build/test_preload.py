"""The launcher, and the module that is also the agent, have to load into processes that hold no Python, and stay silent there."""
import glob
import os
import subprocess
import unittest

import make


class Preload(unittest.TestCase):
    def run_with_agent(self, *command, **changes):
        modules = glob.glob(os.path.join(make.BUILD, "python*/heaptrail*.so")) + [os.path.join(make.BUILD, "heaptrail-agent.so")]
        preload = ":".join(filter(None, [os.environ.get("SANITIZER_PRELOAD"), *modules]))
        done = subprocess.run(command, env=make.environment(LD_PRELOAD=preload, **changes),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_a_process_without_python(self):
        self.assertEqual(self.run_with_agent("/bin/true"), (0, "", ""))

    def test_a_shell_that_becomes_an_interpreter(self):
        self.assertEqual(self.run_with_agent("/bin/bash", "-c", "echo a; exec /usr/bin/python3 -c 'print(1)'"),
                         (0, "a\n1\n", ""))

    def test_with_every_symbol_bound_at_once(self):
        self.assertEqual(self.run_with_agent("/bin/bash", "-c", "/bin/true; echo a", LD_BIND_NOW="1"), (0, "a\n", ""))


if __name__ == "__main__":
    unittest.main()
