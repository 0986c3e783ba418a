"""heaptrail snap: a file, or one sentence and nothing."""
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

from agent_case import AgentCase, HEAPTRAIL, IDLE, PYTHON

# Holds the GIL in C code: a regular expression that backtracks for ever. In a child of
# the interpreter's own making, so that it can be told when to begin.
HOLD_GIL = "import re, sys; print('ready', flush=True); sys.stdin.readline(); re.match('(a+)+b', 'a' * 60)"


def has_users():
    return os.geteuid() == 0


class Snap(AgentCase):
    def test_prints_path_objects_sizes_and_pause(self):
        program = self.start(IDLE)
        snap = self.snap(program)
        self.assertEqual((snap.returncode, snap.stderr), (0, ""))
        path, counts, mode = snap.stdout.splitlines()
        self.assertEqual(path, os.path.join(os.path.realpath(self.folder), "python3-%d-0001.htrail" % program.pid))
        self.assertRegex(counts, r"^[\d,]+ objects of [\d.]+ MiB in a file of [\d.]+ KiB, paused \d+\.\d ms$")
        self.assertRegex(mode, r"^(fork: a copy takes at most|in-place: a copy may take up to) [\d.]+ MiB, and .+ leaves [\d.]+ [MG]iB$")
        self.assert_whole(path)
        self.assertEqual(self.finish(program), 0)

    def test_files_are_numbered_and_named_after_the_script(self):
        script = os.path.join(self.folder, "my app.py")
        with open(script, "w") as file:
            file.write(IDLE)
        for arguments, name in (([script], "my_app"), (["-u", "-X", "dev", "-W", "ignore", script], "my_app"),
                                (["-m", "timeit", "-n1", "-r1", "-s", IDLE], "timeit"), (["-Bmtimeit", "-n1", "-r1", IDLE], "timeit")):
            with self.subTest(arguments):
                program = subprocess.Popen([HEAPTRAIL, "run", "-o", self.folder, "--", PYTHON, *arguments],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                self.addCleanup(self.end, program)
                self.assertEqual(program.stdout.readline(), "ready\n")
                for number in (1, 2):
                    path = self.assert_snap(program)
                    self.assertEqual(os.path.basename(path), "%s-%d-%04d.htrail" % (name, program.pid, number))

    def test_a_number_that_has_a_file_already_is_passed_over(self):
        program = self.start(IDLE)
        taken = os.path.join(self.folder, "python3-%d-0001.htrail" % program.pid)
        with open(taken, "w") as file:
            file.write("mine")
        self.assertTrue(self.assert_snap(program).endswith("-0002.htrail"))
        self.assertTrue(self.assert_snap(program).endswith("-0003.htrail"))
        with open(taken) as file:
            self.assertEqual(file.read(), "mine")

    def test_output_is_relative_to_who_asks_and_replaces_what_is_there(self):
        program = self.start(IDLE, cwd="/")
        with open(os.path.join(self.folder, "a.htrail"), "w") as file:
            file.write("old")
        path = self.assert_snap(program, "-o", "a.htrail", cwd=self.folder)
        self.assertEqual(os.path.realpath(path), os.path.join(os.path.realpath(self.folder), "a.htrail"))
        self.assertGreater(os.path.getsize(path), 1000)
        self.assertEqual(self.files(), ["a.htrail"])

    def test_output_to_a_pipe_and_to_a_file_behind_standard_output(self):
        program = self.start(IDLE)
        snap = self.snap(program, "-o", "-", text=False)
        self.assertEqual(snap.returncode, 0, snap.stderr)
        self.assertRegex(snap.stderr.decode(), r"^[\d,]+ objects of .*\n(fork|in-place): .*\n$")
        piped, file = (os.path.join(self.folder, name) for name in ("piped.htrail", "file.htrail"))
        with open(piped, "wb") as out:
            out.write(snap.stdout)
        with open(file, "wb") as out:
            subprocess.run([HEAPTRAIL, "snap", "-o", "-", str(program.pid)], stdout=out, stderr=subprocess.PIPE, check=True)
        for path in (piped, file):
            self.assert_whole(path)

    def test_a_terminal_gets_no_snapshot(self):
        program = self.start(IDLE)
        master, slave = pty.openpty()
        snap = subprocess.run([HEAPTRAIL, "snap", "-o", "-", str(program.pid)], stdout=slave, stderr=subprocess.PIPE, text=True)
        os.close(slave)
        os.close(master)
        self.assertEqual(snap.returncode, 2)
        self.assertIn("standard output is a terminal", snap.stderr)

    def test_progress_is_shown_on_a_terminal_after_half_a_second(self):
        program = self.start(HOLD_GIL)
        program.stdin.write("\n")
        program.stdin.flush()
        time.sleep(0.3)
        master, slave = pty.openpty()
        snap = subprocess.Popen([HEAPTRAIL, "snap", "--timeout", "1.5", str(program.pid)], stderr=slave)
        os.close(slave)
        shown = b""
        while snap.poll() is None or select.select([master], [], [], 0)[0]:
            try:
                if select.select([master], [], [], 0.1)[0]:
                    shown += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
        snap.wait()
        waiting = re.findall(rb"waiting for process %d \.\.\. ([\d.]+) s" % program.pid, shown)
        self.assertTrue(waiting, shown)
        self.assertGreaterEqual(float(waiting[0]), 0.5)

    def test_a_process_that_holds_its_gil_is_said_and_goes_on_unharmed(self):
        program = self.start("import time; print('ready', flush=True); import sys; sys.stdin.readline()\n"
                             "import re; re.match('(a+)+b', 'a' * 24); print('done', flush=True); sys.stdin.read()")
        program.stdin.write("\n")
        program.stdin.flush()
        self.assertEqual(program.stdout.readline(), "done\n")
        self.assert_snap(program)
        holder = self.start(HOLD_GIL)
        holder.stdin.write("\n")
        holder.stdin.flush()
        time.sleep(0.3)
        self.assert_fails(self.snap(holder, "--timeout", "0.7"), "holds the GIL", "--timeout")
        self.assertEqual(self.files(), [os.path.basename("python3-%d-0001.htrail" % program.pid)])

    def test_who_was_given_up_on_does_not_take_the_snapshot_later(self):
        # The GIL is held for about two seconds; nobody waits for the snapshot any more then.
        program = self.start("import re, sys, time; print('ready', flush=True); sys.stdin.readline()\n"
                             "end = time.time() + 2\n"
                             "while time.time() < end: re.match('(a+)+b', 'a' * 22)\n"
                             "print('done', flush=True); sys.stdin.read()")
        program.stdin.write("\n")
        program.stdin.flush()
        self.snap(program, "--timeout", "0.01")
        self.assertEqual(program.stdout.readline(), "done\n")
        self.assert_snap(program)
        self.assertEqual(self.files(".partial"), [])

    def test_there_is_no_such_process(self):
        gone = subprocess.Popen(["/bin/true"])
        gone.wait()
        self.assert_fails(self.snap(gone), "there is no process %d" % gone.pid)

    def test_a_process_without_an_agent_is_told_how_to_get_one(self):
        program = subprocess.Popen(["/bin/sleep", "60"])
        self.addCleanup(self.end, program)
        time.sleep(0.1)
        self.assert_fails(self.snap(program, "--no-attach"), "process %d (sleep) has no heaptrail agent" % program.pid, "heaptrail run --", "forks or starts has none", "CPython 3.11")
        self.assert_fails(self.snap(program), "process %d (sleep) has no heaptrail agent, and cannot be given one: no Python runs in it" % program.pid)

    def test_a_process_that_has_ended_is_said(self):
        program = subprocess.Popen(["/bin/true"])
        self.addCleanup(program.wait)
        time.sleep(0.2)
        self.assert_fails(self.snap(program), "has ended")

    def test_a_stopped_process_is_said_and_answers_later(self):
        program = self.start(IDLE)
        program.send_signal(signal.SIGSTOP)
        self.assert_fails(self.snap(program, "--timeout", "0.5"), "is stopped", "kill -CONT %d" % program.pid)
        program.send_signal(signal.SIGCONT)
        self.assert_snap(program)

    @unittest.skipUnless(has_users(), "needs root")
    def test_another_users_process_is_refused_and_root_may_ask(self):
        os.chmod(self.folder, 0o777)
        def demote(user):
            return lambda: (os.setgid(user), os.setuid(user))
        other = self.start(IDLE, preexec_fn=demote(1234), cwd="/")
        asked = self.snap(other, "-o", self.folder + "/a.htrail", preexec_fn=demote(2345), cwd="/")
        self.assert_fails(asked, "belongs to user '1234'", "as that user or as root")
        self.assert_snap(other, "-o", self.folder + "/b.htrail", preexec_fn=demote(1234), cwd="/")
        path = self.assert_snap(other, "-o", self.folder + "/c.htrail")
        self.assertEqual(os.stat(path).st_uid, 0)
        mine = self.start(IDLE)
        asked = self.snap(mine, "-o", self.folder + "/d.htrail", preexec_fn=demote(1234), cwd="/")
        self.assert_fails(asked, "belongs to user 'root'")
        self.assertNotIn("d.htrail", self.files())

    @unittest.skipUnless(has_users(), "needs root")
    def test_a_program_that_gives_up_its_rights_can_still_be_asked(self):
        os.chmod(self.folder, 0o777)
        program = self.start("import os; os.setgid(1234); os.setuid(1234); " + IDLE)
        self.assert_snap(program)
        self.assert_snap(program, preexec_fn=lambda: (os.setgid(1234), os.setuid(1234)), cwd="/")

    @unittest.skipUnless(has_users(), "needs root")
    def test_a_process_in_a_container_is_asked_from_outside(self):
        # Its own process ids, network and mounts; its folder is not ours.
        inside = "mount -t tmpfs none /mnt && exec %s run -o /mnt -- %s -c \"%s\"" % (HEAPTRAIL, PYTHON, IDLE)
        container = subprocess.Popen(["unshare", "-n", "-p", "-f", "-m", "--mount-proc", "/bin/sh", "-c", inside],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(container.stderr.close)
        self.addCleanup(self.end, container)
        if container.stdout.readline() != "ready\n":
            self.skipTest("cannot unshare")
        with open("/proc/%d/task/%d/children" % (container.pid, container.pid)) as file:
            pid = int(file.read())
        path = self.snap(pid).stdout.splitlines()[0]
        self.assertEqual(path, "/proc/%d/root/mnt/python3-1-0001.htrail" % pid)
        self.assert_whole(path)
        self.assert_snap(pid, "-o", os.path.join(self.folder, "a.htrail"))
        container.communicate("")

    @unittest.skipUnless(has_users(), "needs root")
    def test_somebody_else_who_took_the_name_is_asked_nothing(self):
        import socket
        victim = subprocess.Popen(["/bin/sleep", "60"])
        self.addCleanup(self.end, victim)
        time.sleep(0.1)
        with open("/proc/%d/stat" % victim.pid) as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as thief:
            thief.bind("\0heaptrail/%d/%s" % (victim.pid, ticks))
            thief.listen()
            self.assert_fails(self.snap(victim), "answers in the name of process %d" % victim.pid)

    def test_a_full_disk_is_said_and_nothing_is_left(self):
        program = self.start(IDLE)
        self.assert_fails(self.snap(program, "-o", "/dev/full"), "cannot write '/dev/full': No space left on device", "-o FILE")
        self.assert_snap(program)

    @unittest.skipUnless(has_users(), "needs root")
    def test_a_file_system_that_fills_up_is_left_as_it_was(self):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        if os.system("mount -t tmpfs -o size=64k none %s 2> /dev/null" % disk) != 0:
            self.skipTest("cannot mount")
        self.addCleanup(os.system, "umount %s" % disk)
        program = self.start(IDLE)
        self.assert_fails(self.snap(program, "-o", disk + "/a.htrail"), "a.htrail': No space left on device")
        self.assertEqual(os.listdir(disk), [])

    def test_a_folder_that_cannot_be_written_is_said(self):
        program = self.start(IDLE)
        for path, reason in (("/no/such/a.htrail", "No such file or directory"), (self.folder, "Is a directory"),
                             ("/proc/a.htrail", "No such file or directory"), ("", "No such file or directory")):
            self.assert_fails(self.snap(program, "-o", path), "cannot write '%s': %s" % (path, reason))

    def test_a_link_that_lies_in_wait_is_not_followed(self):
        program = self.start(IDLE)
        victim = os.path.join(self.folder, "victim")
        with open(victim, "w") as file:
            file.write("untouched")
        os.symlink(victim, os.path.join(self.folder, "a.htrail.partial"))
        self.assert_snap(program, "-o", os.path.join(self.folder, "a.htrail"))
        with open(victim) as file:
            self.assertEqual(file.read(), "untouched")

    def test_wrong_use(self):
        for arguments in (["abc"], ["0"], ["-1"], [], ["1", "2"], ["--timeout", "x", "1"], ["--timeout", "0", "1"], ["1K"], ["--max-bytes", "x", "1"], ["--max-pause", "-1", "1"],
                          ["--max-pause", "5x", "1"], ["--timeout", "s", "1"]):
            snap = subprocess.run([HEAPTRAIL, "snap", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(snap.returncode, 2, arguments)

    def info(self, path):
        import json
        info = subprocess.run([HEAPTRAIL, "info", "--json", path], stdout=subprocess.PIPE, check=True)
        return {row["key"]: row["value"] for row in json.loads(info.stdout)["rows"]}

    def test_what_travels_is_chosen_by_run_and_by_snap(self):
        for run, snap, policy, cmdline in (((), (), "names", True), ((), ("--hashes",), "hashes", True),
                                           (("--hashes",), (), "hashes", True), ((), ("--contents",), "contents", True),
                                           (("--contents", "--no-cmdline"), (), "contents", False), ((), ("--no-cmdline",), "names", False)):
            with self.subTest(run=run, snap=snap):
                program = self.start(IDLE, options=run)
                path = self.assert_snap(program, *snap)
                with open(path, "rb") as file:
                    self.assertTrue(file.read(8).startswith(b"\x89HTR"))
                info = self.info(path)
                self.assertEqual(info["contents_policy"], policy)
                self.assertEqual("cmdline" in info, cmdline)
                self.assertEqual((info["pid"], info["sequence"]), (str(program.pid), "1"))

    def test_a_limit_ends_in_a_valid_shorter_file_and_is_said(self):
        program = self.start("import sys\nkeep = [str(n) + 'x' for n in range(200000)]\n" + IDLE)
        whole = os.path.getsize(self.assert_snap(program))
        for limit, most in (("--max-bytes", "60K"), ("--max-pause", "0.001"), ("--max-pause", "1ms")):
            snap = self.snap(program, "--mode", "in-place", limit, most)
            self.assertEqual(snap.returncode, 0, snap.stderr)
            self.assertRegex(snap.stderr, r"^heaptrail snap: the snapshot is shorter than the heap: [^\n]+\n$")
            path = snap.stdout.splitlines()[0]
            self.assert_whole(path)
            self.assertLessEqual(os.path.getsize(path), 60 * 1024 if limit == "--max-bytes" else whole - 1)
        self.assert_snap(program)

    def test_many_at_a_time_are_served_one_after_the_other(self):
        program = self.start(IDLE)
        snaps = [subprocess.Popen([HEAPTRAIL, "snap", "-o", "%s/%d.htrail" % (self.folder, number), str(program.pid)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for number in range(8)]
        for snap in snaps:
            output, errors = snap.communicate(timeout=60)
            self.assertEqual((snap.returncode, errors), (0, ""))
            self.assert_whole(output.splitlines()[0])
        defaults = [subprocess.Popen([HEAPTRAIL, "snap", str(program.pid)], stdout=subprocess.PIPE, text=True) for _ in range(4)]
        paths = {snap.communicate(timeout=60)[0].splitlines()[0] for snap in defaults}
        self.assertEqual(len(paths), 4)
        self.assertEqual(self.finish(program), 0)

    def test_a_killed_client_leaves_nothing_and_ends_the_pause(self):
        # The reader of the pipe reads nothing: the program waits for it, until the client dies.
        program = self.start("import sys, threading, time\nkeep = [str(n) + 'x' for n in range(300000)]\n"
                             "print('ready', flush=True)\nsys.stdin.readline()\nprint('still here', flush=True)\nsys.stdin.read()")
        reader, writer = os.pipe()
        snap = subprocess.Popen([HEAPTRAIL, "snap", "--mode", "in-place", "-o", "-", str(program.pid)], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        time.sleep(0.7)
        self.assertIsNone(snap.poll())
        program.stdin.write("\n")
        program.stdin.flush()
        self.assertEqual(select.select([program.stdout], [], [], 0.3)[0], [])
        snap.kill()
        snap.communicate()
        began = time.monotonic()
        self.assertEqual(program.stdout.readline(), "still here\n")
        self.assertLess(time.monotonic() - began, 5)
        os.close(reader)
        self.assert_snap(program)

    def test_a_pipe_that_is_closed_or_never_read_ends_the_snapshot(self):
        program = self.start("import sys\nkeep = [str(n) + 'x' for n in range(300000)]\nprint('ready', flush=True)\nsys.stdin.read()")
        for closed, reason in ((True, "Broken pipe"), (False, "nobody reads the other end of the pipe")):
            reader, writer = os.pipe()
            if closed:
                os.close(reader)
            snap = subprocess.run([HEAPTRAIL, "snap", "-o", "-", str(program.pid)], stdout=writer, stderr=subprocess.PIPE, text=True)
            os.close(writer)
            if not closed:
                os.close(reader)
            self.assertEqual((snap.returncode, snap.stderr),
                             (3, "heaptrail snap: cannot write standard output: %s\n" % reason))
            self.assert_snap(program)

    def test_a_client_that_is_interrupted_or_killed_leaves_no_file(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                program = self.start(HOLD_GIL.replace("'a' * 60", "'a' * 26"))
                program.stdin.write("\n")
                program.stdin.flush()
                time.sleep(0.2)
                snap = subprocess.Popen([HEAPTRAIL, "snap", str(program.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                time.sleep(0.2)
                self.assertIsNone(snap.poll())
                snap.send_signal(number)
                snap.communicate()
                self.assertEqual(snap.returncode, -number)
                program.communicate(timeout=60)
                self.assertEqual(self.files(".partial"), [])

    def test_what_a_killed_program_wrote_is_left_and_can_be_read(self):
        for _ in range(20):
            program = self.start("import sys\nkeep = [[n, str(n)] for n in range(300000)]\nprint('ready', flush=True)\nsys.stdin.read()")
            path = os.path.join(self.folder, "a.htrail")
            snap = subprocess.Popen([HEAPTRAIL, "snap", "-o", path, str(program.pid)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
            while snap.poll() is None and not (os.path.exists(path + ".partial") and os.path.getsize(path + ".partial")):
                pass
            program.kill()
            output, errors = snap.communicate(timeout=60)
            if snap.returncode == 0:
                continue # the snapshot was faster
            self.assertEqual((snap.returncode, output), (3, ""))
            self.assertEqual(errors, "heaptrail snap: process %d (python3) ended before its snapshot was complete: "
                             "what it wrote is in '%s.partial'\n" % (program.pid, path))
            check = subprocess.run([HEAPTRAIL, "check", path + ".partial"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(check.returncode, 1, check.stdout)
            info = subprocess.run([HEAPTRAIL, "info", path + ".partial"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertIn(info.returncode, (0, 1), info.stdout)
            return
        self.fail("never killed in time")

    def test_a_program_that_is_killed_in_the_middle_leaves_no_fifo_behind(self):
        # Half of the snapshot is in a slow pipe when the program is killed.
        program = self.start("import sys\nkeep = [str(n) + 'x' for n in range(300000)]\nprint('ready', flush=True)\nsys.stdin.read()")
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        snap = subprocess.Popen([HEAPTRAIL, "snap", "-o", fifo, str(program.pid)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        time.sleep(0.7)
        program.kill()
        output, errors = snap.communicate(timeout=60)
        os.close(reader)
        self.assertEqual((snap.returncode, output), (3, ""))
        self.assertEqual(errors, "heaptrail snap: process %d (python3) ended before its snapshot was complete\n" % program.pid)


if __name__ == "__main__":
    unittest.main()
