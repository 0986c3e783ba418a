"""A program with the agent in it behaves as it does without, whatever it does to itself."""
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
import unittest

from agent_case import AgentCase, HEAPTRAIL, IDLE, PYTHON


class Target(AgentCase):
    maxDiff = None

    def ask(self, program, line="go"):
        program.stdin.write(line + "\n")
        program.stdin.flush()

    def assert_no_agent(self, pid):
        self.assert_fails(self.snap(pid, "--no-attach"), "has no heaptrail agent")

    def cpu_seconds(self, program):
        with open("/proc/%d/stat" % program.pid) as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def test_a_server_keeps_answering_while_twenty_snapshots_are_taken(self):
        program = self.start("""
import socketserver, sys, threading
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
server = Server(('127.0.0.1', 0), Echo)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
""", ready=None)
        port = int(program.stdout.readline())
        answered, trouble, stop = [], [], threading.Event()

        def client():
            try:
                with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rwb") as stream:
                    while not stop.is_set():
                        line = b"%d\n" % len(answered)
                        stream.write(line)
                        stream.flush()
                        if stream.readline() != line:
                            raise ValueError("another answer")
                        answered.append(line)
                        time.sleep(0.001)
            except Exception as error:
                trouble.append(error)
        thread = threading.Thread(target=client)
        thread.start()
        counts = []
        for number in range(20):
            self.assert_snap(program)
            counts.append(len(answered))
        stop.set()
        thread.join()
        self.assertEqual(trouble, [])
        self.assertEqual(counts, sorted(set(counts)), "answers between all snapshots")
        self.assertEqual(self.finish(program), 0)

    def test_a_program_in_sleep_in_a_busy_loop_and_in_many_threads_can_be_asked(self):
        for script in ("import time; print('ready', flush=True); time.sleep(60)",
                       "print('ready', flush=True)\nn = 0\nwhile True: n += 1",
                       "import threading\ndef spin():\n while True: pass\n"
                       "[threading.Thread(target=spin, daemon=True).start() for _ in range(4)]\nprint('ready', flush=True)\nspin()"):
            with self.subTest(script):
                program = self.start(script)
                for _ in range(3):
                    self.assert_snap(program)
                self.end(program)

    def test_nothing_of_the_agent_is_seen_from_inside(self):
        script = ("import os, signal, sys, threading\nprint('ready', flush=True)\nsys.stdin.readline()\n"
                  "print([t.name for t in threading.enumerate()], len(sys._current_frames()), "
                  "[str(signal.getsignal(n)) for n in sorted(signal.valid_signals())], signal.pthread_sigmask(0, []), "
                  "sorted(n for n in os.environ if n.startswith('PYTHON')), sys.path, sorted(sys.modules), "
                  "os.open('/dev/null', 0), sys.flags, sys.warnoptions, threading.active_count())")
        outputs = []
        for command in ([PYTHON, "-c", script], None):
            program = self.start(script) if command is None else subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if command is None:
                self.assert_snap(program)
            outputs.append(program.communicate("go\n", timeout=60)[0].replace("ready\n", ""))
        self.assertEqual(outputs[0], outputs[1])

    def test_files_of_the_agent_are_not_among_the_programs(self):
        program = self.start(IDLE, stderr=subprocess.DEVNULL)
        self.assertEqual(sorted(os.listdir("/proc/%d/fd" % program.pid)), ["0", "1", "2"])

    def test_the_agent_keeps_no_file_of_the_program_open(self):
        reader, writer = os.pipe()
        program = self.start("import os, sys; print('ready', flush=True); sys.stdin.readline(); os.close(int(sys.argv[1])); "
                             "print('closed', flush=True); sys.stdin.read()", str(writer), pass_fds=[writer])
        os.close(writer)
        self.ask(program)
        self.assertEqual(program.stdout.readline(), "closed\n")
        self.assertEqual(select.select([reader], [], [], 5)[0], [reader])
        self.assertEqual(os.read(reader, 1), b"")
        os.close(reader)
        self.assert_snap(program)

    def test_a_program_that_is_out_of_descriptors_can_be_asked(self):
        program = self.start("""
import os, sys
files = []
try:
    while True: files.append(os.open('/dev/null', 0))
except OSError: print('ready', flush=True)
sys.stdin.read()
""")
        self.assert_snap(program)

    def test_signals_reach_the_program_and_never_the_agents_thread(self):
        program = self.start(IDLE)
        for thread in os.listdir("/proc/%d/task" % program.pid):
            with open("/proc/%d/task/%s/status" % (program.pid, thread)) as file:
                blocked = int(re.search(r"SigBlk:\s*([0-9a-f]+)", file.read()).group(1), 16)
            if int(thread) == program.pid:
                self.assertEqual(blocked, 0)
            else:
                for number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
                    self.assertTrue(blocked >> (number - 1) & 1, number)

    def test_a_child_by_fork_has_no_agent_and_the_parent_keeps_its_own(self):
        program = self.start("""
import os, sys
child = os.fork()
if child == 0:
    # Neither thread nor socket: only what any child has.
    sockets = [fd for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)
               and os.readlink('/proc/self/fd/' + fd).startswith('socket')]
    os.write(1, b'%d %d sockets\\n' % (len(os.listdir('/proc/self/task')), len(sockets)))
    os.read(0, 100)
    os._exit(0)
os.write(1, b'parent %d\\n' % child)
os.waitpid(child, 0)
print('ready', flush=True)
sys.stdin.read()
""", ready=None)
        first, second = sorted([program.stdout.readline(), program.stdout.readline()])
        self.assertEqual(first, "1 0 sockets\n")
        child = int(second.split()[1])
        self.assert_no_agent(child)
        self.assert_snap(program)
        self.ask(program)
        self.assertEqual(program.stdout.readline(), "ready\n")
        self.assert_snap(program)
        self.assertEqual(self.finish(program), 0)

    def test_a_child_does_not_keep_the_name_of_a_parent_that_is_gone(self):
        program = self.start("import os, sys, time\nif os.fork() == 0:\n time.sleep(60)\nprint('ready', flush=True)\nsys.stdin.read()")
        with open("/proc/%d/stat" % program.pid) as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        address = "\0heaptrail/%d/%s" % (program.pid, ticks)
        with open("/proc/%d/task/%d/children" % (program.pid, program.pid)) as file:
            children = file.read().split()
        self.assertEqual(len(children), 1)
        self.addCleanup(os.kill, int(children[0]), signal.SIGKILL)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(address)
        program.kill()
        program.wait()
        deadline = time.monotonic() + 5 # the child may not have run yet
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                try:
                    client.connect(address)
                except ConnectionRefusedError:
                    return
            time.sleep(0.05)
        self.fail("somebody still listens")

    def test_multiprocessing_and_subprocess_work_while_snapshots_are_taken(self):
        program = self.start("""
import multiprocessing, subprocess, sys
def square(n): return n * n
if __name__ == '__main__':
    print('ready', flush=True)
    for turn in range(15):
        with multiprocessing.get_context('fork').Pool(2) as pool:
            assert pool.map(square, range(20)) == [n * n for n in range(20)]
        subprocess.run(['/bin/true'], check=True)
    print('done', flush=True)
    sys.stdin.read()
""")
        while not select.select([program.stdout], [], [], 0)[0]:
            self.assert_snap(program)
        self.assertEqual(program.stdout.readline(), "done\n")
        self.assert_snap(program)
        self.assertEqual(self.finish(program), 0)

    def test_a_daemon_by_double_fork_is_a_child_and_left_alone(self):
        path = os.path.join(self.folder, "daemon")
        program = self.start("""
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for fd in range(3, 2048):
    try: os.close(fd)
    except OSError: pass
with open(sys.argv[1] + '.new', 'w') as file: file.write(str(os.getpid()))
os.rename(sys.argv[1] + '.new', sys.argv[1])
time.sleep(60)
""", path, ready=None)
        self.assertEqual(program.wait(60), 0)
        while not os.path.exists(path):
            time.sleep(0.02)
        with open(path) as file:
            daemon = int(file.read())
        self.addCleanup(os.kill, daemon, signal.SIGKILL)
        self.assert_no_agent(daemon)
        self.assertEqual(len(os.listdir("/proc/%d/task" % daemon)), 1)

    def test_a_program_that_closes_every_descriptor_can_still_be_asked(self):
        # And opens its own under the same numbers: nothing may be read from or written to them.
        program = self.start("""
import os, socket, sys
def close_all():
    for fd in range(3, 2048):
        try: os.close(fd)
        except OSError: pass
close_all()
pairs = []
while not pairs or max(p.fileno() for pair in pairs for p in pair) < 960:
    pairs.append(socket.socketpair())
print('ready', flush=True)
sys.stdin.readline()
for pair in pairs:
    for end in pair:
        end.setblocking(False)
        try: print('foreign', end.recv(100))
        except BlockingIOError: pass
print('checked', flush=True)
sys.stdin.readline()
for pair in pairs:
    for end in pair: end.detach()
close_all()
print('closed', flush=True)
sys.stdin.read()
""")
        before = self.cpu_seconds(program)
        for _ in range(3):
            self.assert_snap(program)
        time.sleep(0.5)
        self.assertLess(self.cpu_seconds(program) - before, 0.5, "no spinning")
        self.ask(program)
        self.assertEqual(program.stdout.readline(), "checked\n")
        self.ask(program)
        self.assertEqual(program.stdout.readline(), "closed\n")
        for _ in range(3):
            self.assert_snap(program)
        self.assertEqual(self.finish(program), 0)

    def test_an_interpreter_that_shuts_down_says_so_and_ends_as_ever(self):
        program = self.start("""
import os, time
class Slow:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(1, b'ready\\n')
        sleep(1.5)
keep = Slow()
""")
        self.assert_fails(self.snap(program), "the interpreter is shutting down")
        self.assertEqual(self.finish(program), 0)

    def test_after_exec_nothing_of_the_agent_is_left(self):
        program = self.start("import os, sys; os.execv('/bin/bash', ['bash', '-c', 'echo ready; grep -c heaptrail /proc/self/maps; "
                             "env | grep -c -e HEAPTRAIL_ -e LD_PRELOAD.*heaptrail; ls /proc/$$/task | wc -l; read x'])")
        self.assertEqual([program.stdout.readline() for _ in range(3)], ["0\n", "0\n", "1\n"])
        self.assert_no_agent(program)
        program = self.start("import os, sys; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])", IDLE)
        self.assert_no_agent(program)
        self.assertEqual(self.finish(program), 0)

    def test_requests_while_the_program_starts_and_ends_neither_crash_nor_hang_it(self):
        # Ends with a pause in atexit, in a module's teardown and in a thread that is not a daemon.
        script = """
import atexit, sys, threading, time
class Slow:
    def __del__(self):
        end = time.monotonic() + 0.05
        while time.monotonic() < end: pass
keep = Slow()
keep.self = keep
atexit.register(time.sleep, 0.05)
threading.Thread(target=time.sleep, args=(0.05,)).start()
sys.exit(5)
"""
        for turn in range(12):
            program = self.start(script, ready=None)
            outcomes = set()
            while program.poll() is None:
                snap = self.snap(program, "--timeout", "5")
                outcomes.add(snap.returncode)
                if snap.returncode != 0:
                    self.assertEqual(len(snap.stderr.splitlines()), 1, snap.stderr)
                    self.assertRegex(snap.stderr, "shutting down|has no heaptrail agent|there is no process|has ended|ended before")
            self.assertEqual(program.returncode, 5)
            self.assertLessEqual(outcomes, {0, 3})
        self.assertEqual([name for name in self.files(".partial") if os.path.getsize(os.path.join(self.folder, name)) == 0], [])

    def test_many_snapshots_in_a_row_leave_no_descriptor_no_thread_and_no_mapping(self):
        program = self.start(IDLE)

        def holdings():
            with open("/proc/%d/maps" % program.pid) as maps:
                return [len(os.listdir("/proc/%d/%s" % (program.pid, what))) for what in ("fd", "task")] + [len(maps.readlines())]
        for _ in range(3):
            self.assert_snap(program, "-o", self.folder + "/a.htrail")
        before = holdings()
        for _ in range(40):
            self.assertEqual(self.snap(program, "-o", self.folder + "/a.htrail").returncode, 0)
        self.assertEqual(holdings(), before)

    def test_a_stranger_on_the_socket_is_dropped_and_disturbs_nobody(self):
        program = self.start(IDLE)
        with open("/proc/%d/stat" % program.pid) as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        address = "\0heaptrail/%d/%s" % (program.pid, ticks)
        for message in (b"", b"x", b"\0" * 100, os.urandom(9000), b"HTRA" + os.urandom(2000) + b"\0"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(address)
                socket.send_fds(client, [message or b"\0"], [1, 1, 1, 1])
        self.assert_snap(program)
        for name in os.listdir("/proc/%d/fd" % program.pid):
            self.assertIn(int(name) < 3 or int(name) >= 900, (True,))

    def test_a_hung_collection_is_waited_for(self):
        # A finalizer that sleeps lets go of the GIL while the collector is at work.
        program = self.start("""
import gc, sys, time
class Slow:
    def __del__(self): time.sleep(1)
slow = Slow(); slow.self = slow; del slow
print('ready', flush=True)
gc.collect()
print('collected', flush=True)
sys.stdin.read()
""")
        self.assert_snap(program)
        self.assertEqual(program.stdout.readline(), "collected\n")


if __name__ == "__main__":
    unittest.main()
