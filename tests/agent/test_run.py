"""heaptrail run becomes the program, and the program cannot tell."""
import os
import shutil
import signal
import subprocess
import unittest

import interpreters
from agent_case import AgentCase, HEAPTRAIL, IDLE, PYTHON, SANITIZED

SHOW = """
import os, sys
print(os.getpid(), sorted(name for name in os.environ if 'HEAPTRAIL' in name), os.environ.get('LD_PRELOAD'))
"""


def shims():
    """A python3 of the PATH that is a shell script."""
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, "python3")
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return path if file.read(2) == b"#!" else None


@unittest.skipIf(SANITIZED, "a sanitizer's own preload is in every program")
class Run(AgentCase):
    def run_program(self, *command, **keywords):
        return subprocess.run([HEAPTRAIL, "run", "-o", self.folder, "--", *command], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, **keywords)

    def test_the_program_has_the_pid_that_heaptrail_had_and_a_clean_environment(self):
        program = self.start(SHOW, ready=None, env={**os.environ, "LD_PRELOAD": ""})
        output, _ = program.communicate()
        self.assertEqual(output, "%d [] None\n" % program.pid)

    def test_a_preload_that_was_there_is_there_again(self):
        other = "/lib/x86_64-linux-gnu/libdl.so.2"
        if not os.path.exists(other):
            self.skipTest("no %s" % other)
        program = self.run_program(PYTHON, "-c", SHOW, env={**os.environ, "LD_PRELOAD": other})
        self.assertEqual(program.stdout.split(None, 1)[1], "[] %s\n" % other)

    def test_input_output_errors_and_exit_status_are_the_programs_own(self):
        program = self.run_program(PYTHON, "-c", "import sys; print(sys.stdin.read().upper()); "
                                   "print('oh', file=sys.stderr); sys.exit(7)", input="abc")
        self.assertEqual((program.stdout, program.stderr, program.returncode), ("ABC\n", "oh\n", 7))

    def test_a_signal_that_ends_the_program_is_its_exit_status(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            program = self.run_program(PYTHON, "-c", "import os, sys; os.kill(os.getpid(), int(sys.argv[1]))",
                                       str(int(number)))
            self.assertEqual(program.returncode, -number)

    def test_ctrl_c_reaches_the_program_as_ever(self):
        program = self.start("import time\ntry:\n print('ready', flush=True); time.sleep(60)\n"
                             "except KeyboardInterrupt:\n print('caught')")
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.communicate(timeout=60)[0], "caught\n")

    def test_import_heaptrail_works_without_installation(self):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        program = self.run_program(PYTHON, "-I", "-c", "import heaptrail; print(callable(heaptrail.snapshot))",
                                   env=environment)
        self.assertEqual((program.stdout, program.stderr), ("True\n", ""))

    def test_import_of_an_installed_heaptrail_starts_no_agent(self):
        program = subprocess.Popen([PYTHON, "-c", "import heaptrail; " + IDLE], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, program)
        self.assertEqual(program.stdout.readline(), "ready\n")
        self.assertEqual(len(os.listdir("/proc/%d/task" % program.pid)), 1)
        self.assert_fails(self.snap(program, "--no-attach"), "has no heaptrail agent")

    def test_an_interpreter_behind_a_shell_shim_has_the_agent(self):
        shim = os.path.join(self.folder, "shim")
        with open(shim, "w") as file:
            # Children before the exec, and one that is a Python itself.
            file.write("#!/bin/bash\nset -e\nls / | sort > /dev/null\n"
                       "%s -c 'import heaptrail' 2> \"$0.child\" || true\nexec %s \"$@\"\n" % (PYTHON, PYTHON))
        os.chmod(shim, 0o755)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        program = self.start(SHOW + IDLE, python=shim, ready=None, env=environment)
        self.assertEqual(program.stdout.readline(), "%d [] None\n" % program.pid)
        self.assertEqual(program.stdout.readline(), "ready\n")
        with open(shim + ".child") as file:
            self.assertIn("No module named 'heaptrail'", file.read())
        self.assert_snap(program)

    def test_the_python3_of_this_machine_has_the_agent_if_it_is_a_shim(self):
        shim = shims()
        if shim is None:
            self.skipTest("python3 in PATH is no script")
        version = subprocess.run([shim, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                                 stdout=subprocess.PIPE, text=True).stdout.strip()
        if not os.path.isdir(os.path.join(os.path.dirname(os.path.realpath(HEAPTRAIL)), "python" + version)):
            self.skipTest("no agent for %s %s" % (shim, version))
        program = self.start(IDLE, python=shim)
        self.assert_snap(program)

    def test_programs_that_are_no_python_do_not_notice(self):
        for command, output in ((["/bin/true"], ""), (["/bin/bash", "-c", "echo $((6*7))"], "42\n"),
                                (["node", "-e", "console.log(42)"], "42\n"), (["perl", "-e", "print 42"], "42")):
            with self.subTest(command[0]):
                if os.system("command -v %s > /dev/null" % command[0]) != 0:
                    self.skipTest("no %s" % command[0])
                program = self.run_program(*command)
                self.assertEqual((program.stdout, program.stderr, program.returncode), (output, "", 0))

    def test_children_are_left_alone(self):
        program = self.start("""
import os, subprocess, sys
code = 'import os, sys; print([n for n in os.environ if "HEAPTRAIL" in n or n == "LD_PRELOAD"], len(os.listdir("/proc/self/task")))'
print(subprocess.check_output([sys.executable, '-c', code], text=True), end='')
print('heaptrail' in open('/proc/self/maps').read(), flush=True)
child = subprocess.Popen([sys.executable, '-c', "import os, sys; os.write(1, b'%d' % open('/proc/self/maps').read().count('heaptrail.') + os.linesep.encode()); sys.stdin.read()"],
                         stdin=subprocess.PIPE)
os.write(1, b'%d\\n' % child.pid)
sys.stdin.read()
child.communicate()
""", ready="[] 1")
        self.assertEqual(program.stdout.readline(), "True\n")
        lines = sorted([program.stdout.readline(), program.stdout.readline()], key=len)
        self.assertEqual(lines[0], "0\n")
        self.assert_fails(self.snap(int(lines[1]), "--no-attach"), "has no heaptrail agent")

    def test_children_of_a_shell_are_left_alone(self):
        program = self.run_program("/bin/bash", "-c", "env | grep -c -e HEAPTRAIL -e LD_PRELOAD; %s -c 'import os; "
                                   "print(len(os.listdir(\"/proc/self/task\")))'; true" % PYTHON)
        self.assertEqual(program.stdout, "0\n1\n")

    def test_a_command_that_cannot_be_run_is_said_as_a_shell_says_it(self):
        missing = self.run_program("no-such-command")
        self.assertEqual((missing.returncode, missing.stderr),
                         (127, "heaptrail run: cannot run 'no-such-command': no such command in PATH\n"))
        missing = self.run_program("./no-such-file")
        self.assertEqual((missing.returncode, missing.stderr),
                         (127, "heaptrail run: cannot run './no-such-file': No such file or directory\n"))
        folder = self.run_program("/")
        self.assertEqual((folder.returncode, folder.stderr), (126, "heaptrail run: cannot run '/': Permission denied\n"))

    def test_the_folder_is_made_and_one_that_cannot_be_is_said_at_once(self):
        folder = os.path.join(self.folder, "new")
        subprocess.run([HEAPTRAIL, "run", "-o", folder, "--", "/bin/true"], check=True)
        self.assertTrue(os.path.isdir(folder))
        for bad, reason in (("/proc/new", "cannot make folder '/proc/new': No such file or directory"),
                            ("/etc/passwd", "cannot write snapshots to '/etc/passwd': not a folder")):
            program = subprocess.run([HEAPTRAIL, "run", "-o", bad, "--", "/bin/echo", "ran"], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
            self.assertEqual((program.returncode, program.stdout, program.stderr),
                             (3, "", "heaptrail run: %s\n" % reason))

    def test_a_python_without_an_agent_runs_undisturbed_and_says_so_at_start(self):
        others = [paths[0] for version, paths in interpreters.found().items() if version not in ("2.7", "3.11")]
        if not others:
            self.skipTest("no other Python here")
        # A command with one agent beside it, which is not that Python's.
        shutil.copy(HEAPTRAIL, self.folder)
        shutil.copy(os.path.join(os.path.dirname(os.path.realpath(HEAPTRAIL)), "heaptrail-agent.so"), self.folder)
        shutil.copytree(interpreters.module_of("3.11"), os.path.join(self.folder, "python3.11"))
        program = subprocess.run([os.path.join(self.folder, "heaptrail"), "run", "-o", self.folder, "--", others[0], "-c", SHOW],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertRegex(program.stdout, r"^\d+ \[\] None\n$")
        self.assertRegex(program.stderr, r"^heaptrail: this build has no agent for Python 3\.\d+, and the program runs "
                                         r"without an agent\n$")

    def test_no_command_is_wrong_use(self):
        program = subprocess.run([HEAPTRAIL, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(program.returncode, 2)


if __name__ == "__main__":
    unittest.main()
