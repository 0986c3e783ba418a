"""HEAPTRAIL=... with heaptrail.pth where Python looks for it: an agent without 'heaptrail run'."""
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import interpreters
from agent_case import AgentCase, ROOT, THREAD

SHOW = "import os, sys; print(os.environ.get('HEAPTRAIL'), 'heaptrail' in sys.modules, len(os.listdir('/proc/self/task')))"
READY = "import sys; print('ready'); sys.stdout.flush(); sys.stdin.read()"


@interpreters.for_each()
class Variable(AgentCase):
    def environment(self, settings, module=True):
        """As installed: a folder of the user's own that site looks into, with the .pth and the module."""
        base = os.path.join(self.folder, "base")
        packages = os.path.join(base, "lib/python%s/site-packages" % self.version)
        if not os.path.isdir(packages):
            os.makedirs(packages)
            shutil.copy(os.path.join(ROOT, "capture/launch/heaptrail.pth"), packages)
        for name in os.listdir(self.module):
            link = os.path.join(packages, name)
            if name.endswith(".so") and module and not os.path.lexists(link):
                os.symlink(os.path.join(self.module, name), link)
        environ = dict(os.environ, PYTHONUSERBASE=base, **({} if settings is None else {"HEAPTRAIL": settings}))
        environ.pop("PYTHONPATH", None)
        environ.pop("PYTHONNOUSERSITE", None)
        return environ

    def run_with(self, settings, script, **keywords):
        return subprocess.run([self.python, "-c", script], env=self.environment(settings, **keywords), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    def test_an_agent_starts_and_the_variable_is_gone(self):
        program = subprocess.Popen([self.python, "-c", SHOW + "\n" + (THREAD if self.number < (3, 7) else "") + READY], env=self.environment("dir=" + self.folder),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, program)
        self.assertEqual(program.stdout.readline(), "None True 2\n" if self.number >= (3,) else "(None, True, 2)\n")
        self.assertEqual(program.stdout.readline(), "ready\n")
        with open("/proc/net/unix") as sockets:
            self.assertIn("@heaptrail/%d/" % program.pid, sockets.read())
        self.assertEqual(os.path.dirname(self.assert_snap(program)), os.path.realpath(self.folder))
        program.communicate()
        self.assertEqual(program.returncode, 0)

    def test_triggers_work_and_the_folder_is_made(self):
        folder = os.path.join(self.folder, "a,b")
        done = self.run_with("dir=%s,exit,memory-error,keep=3" % folder.replace(",", "\\,"), "kept = []")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(len(os.listdir(folder)), 1)

    def test_without_the_variable_nothing_is_imported(self):
        for settings in (None, "", "/usr/bin/heaptrail"):
            done = self.run_with(settings, SHOW)
            self.assertEqual(done.stderr, "")
            self.assertIn("False", done.stdout)

    def test_a_bad_setting_is_one_sentence_and_the_program_goes_on(self):
        for settings, sentence in (("every=soon", "heaptrail: HEAPTRAIL: 'soon' for 'every' is no time"), ("exit,fly", "heaptrail: HEAPTRAIL: there is no setting 'fly'"),
                                   ("dir=/proc/no", "heaptrail: HEAPTRAIL: cannot write snapshots to '/proc/no': No such file or directory")):
            done = self.run_with(settings, SHOW)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 1), done.stderr)
            self.assertTrue(done.stderr.startswith(sentence), done.stderr)
            self.assertTrue(done.stderr.endswith("and the program runs without an agent\n"))
            self.assertIn("1", done.stdout)

    def test_a_python_without_the_module_says_so_and_goes_on(self):
        done = self.run_with("exit", "print('ran')", module=False)
        self.assertEqual((done.returncode, done.stdout), (0, "ran\n"))
        self.assertRegex(done.stderr, r"^heaptrail: HEAPTRAIL is set, but the module cannot be imported: .*\n$")

    def test_what_is_started_has_no_agent_unless_asked_for(self):
        script = "import subprocess, sys; subprocess.call([sys.executable, '-c', %r])" % SHOW
        self.assertIn("False", self.run_with("exit,dir=" + self.folder, script).stdout)
        settings = "exit, children,dir=" + self.folder
        self.assertIn("True", self.run_with(settings, script).stdout)
        self.assertEqual(len(self.files(".htrail")), 3) # of the first run its own alone


if __name__ == "__main__":
    unittest.main()
