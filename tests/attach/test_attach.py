"""`heaptrail snap` of a process without the agent: wherever it is caught, it goes on as if nothing had been."""
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import unittest

from attach_case import HEAPTRAIL, IDLE, PYTHON, SANITIZED, SLEEPS, AttachCase, interpreters

HERE = os.path.dirname(os.path.abspath(__file__))

# Forks a threaded HTTP server for each line that it reads, and prints its process id and port.
SERVERS = """
import http.server, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = ('%s %d' % (self.path, os.getpid())).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
print('ready', flush=True)
for line in sys.stdin:
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    pid = os.fork()
    if pid == 0:
        server.serve_forever()
    print(pid, server.server_address[1], flush=True)
    server.server_close()
"""

# Answers each byte on its connection from a thread that asks no allocator but Python's own; the main
# thread does what it is told.
ECHO = """
import ctypes, os, socket, sys, threading, time
listener = socket.create_server(('127.0.0.1', 0))
def echo(client):
    while True: client.send(client.recv(8))
def accept():
    while True: threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
"""


class Client:
    """Asks and asks, in a thread; slowest_s is how long it waited for the slowest answer."""

    def __init__(self, ask):
        self.ask, self.answers, self.slowest_s, self.failure, self.ended = ask, 0, 0, None, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.ended:
                began = time.monotonic()
                self.ask(self.answers)
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.answers += 1
        except Exception as failure:
            self.failure = failure

    def end(self):
        self.ended = True
        self.thread.join()
        self.ask(None)
        return self.failure


def http_client(port, pid):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(number):
        if number is None:
            return connection.close()
        connection.request("GET", "/%d" % number)
        body = connection.getresponse().read()
        assert body == b"/%d %d" % (number, pid), body
        time.sleep(0.005)
    return Client(ask)


def echo_client(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)

    def ask(number):
        if number is None:
            return connection.close()
        connection.send(b"%d" % (number % 10))
        assert connection.recv(8) == b"%d" % (number % 10)
        time.sleep(0.001)
    return Client(ask)


@interpreters.for_each()
class EveryVersion(AttachCase):
    @unittest.skipIf(SANITIZED, "a program under a sanitizer is refused")
    def test_a_program_that_sleeps_and_one_that_works_are_entered(self):
        for script in (SLEEPS, "print('ready', flush=True)\nwhile True: x = [str(n) for n in range(500)]"):
            program = self.begin(script.replace("print('ready', flush=True)", "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush()"),
                                 python=self.python)
            threads = json.loads(subprocess.run([HEAPTRAIL, "threads", "--json", self.attach(program)], stdout=subprocess.PIPE, check=True).stdout)
            self.assertEqual([row["stack"] for row in threads["rows"] if "no Python code" in row["stack"]], [], "who brought the agent in has gone")
            self.attach(program, "--no-attach")
            self.assertEqual(self.threads_of_ours(program), 1)
            self.assertIsNone(program.poll())


@unittest.skipIf(SANITIZED, "a program under a sanitizer is refused")
class Attach(AttachCase):
    def build(self, name, *options):
        path = os.path.join(self.folder, name + (".so" if "-shared" in options else ""))
        subprocess.run(["gcc", "-O1", "-o", path, os.path.join(HERE, name + ".c"), *options], check=True)
        return path

    def echo(self, script="time.sleep(1000)", **keywords):
        program = self.begin(ECHO + script, ready=None, **keywords)
        return program, int(program.stdout.readline())

    def test_a_server_answers_its_clients_through_50_attaches(self):
        servers = self.begin(SERVERS)
        slowest_s = []
        for number in range(50):
            servers.stdin.write("\n")
            servers.stdin.flush()
            pid, port = map(int, servers.stdout.readline().split())
            client = http_client(port, pid)
            try:
                while client.answers < 3 and client.failure is None:
                    time.sleep(0.001)
                snap = self.snap(pid, "-o", os.path.join(self.folder, "a.htrail"))
                self.assertEqual((snap.returncode, snap.stderr), (0, ""))
                asked = client.answers
                while client.answers < asked + 3 and client.failure is None:
                    time.sleep(0.001)
                self.assertIsNone(client.end())
                slowest_s.append(client.slowest_s)
            finally:
                client.end()
                os.kill(pid, signal.SIGKILL)
        print("slowest answer around an attach and a snapshot, median of 50: %.1f ms" % (sorted(slowest_s)[25] * 1e3))

    def test_the_second_snapshot_needs_no_tracing(self):
        program = self.begin(IDLE)
        self.attach(program)
        with open("/proc/%d/status" % program.pid) as status:
            self.assertRegex(status.read(), r"TracerPid:\t0\n")
        self.attach(program, "--no-attach")
        self.assertEqual(self.threads_of_ours(program), 1)
        self.assertEqual(self.finish(program), 0)

    def test_a_file_without_a_name_is_put_where_the_asker_stands(self):
        program = self.begin(IDLE, cwd="/")
        snap = self.snap(program, cwd=self.folder)
        self.assertEqual((snap.returncode, snap.stderr), (0, ""))
        self.assertEqual(self.files(), ["python3-%d-0001.htrail" % program.pid])
        self.assert_whole(os.path.join(self.folder, snap.stdout.splitlines()[0]))

    def test_nothing_of_the_way_in_is_left_behind(self):
        program = self.begin(SLEEPS)

        def mappings():
            with open("/proc/%d/maps" % program.pid) as maps:
                return [line.split()[1] for line in maps if "rwx" in line or ("r-xp" in line and line.split()[4] == "0" and "[" not in line)]

        def code():
            """The end of every library's code, where the first instructions were for a moment."""
            result = []
            with open("/proc/%d/maps" % program.pid) as maps, open("/proc/%d/mem" % program.pid, "rb", 0) as memory:
                for line in maps:
                    if "r-xp" in line and "/" in line and "heaptrail" not in line:
                        memory.seek(int(line.split("-")[1].split()[0], 16) - 4096)
                        result.append(memory.read(4096))
            return result

        before = mappings(), code()
        self.attach(program)
        for _ in range(100):
            if mappings() == before[0]:
                break
            time.sleep(0.02)
        self.assertEqual((mappings(), code()), before)
        self.assertEqual(len(os.listdir("/proc/%d/task" % program.pid)), 2)

    def test_no_attach_asks_nobody(self):
        program = self.begin(IDLE)
        self.assert_fails(self.snap(program, "--no-attach"), "has no heaptrail agent", "heaptrail run --")
        self.assert_untouched(program)

    # Where it is caught.

    def test_a_sleep_ends_when_it_should(self):
        for call in ("time.sleep(1.2)", "select.select([], [], [], 1.2)", "select.poll().poll(1200)", "threading.Event().wait(1.2)",
                     "signal.sigtimedwait([signal.SIGUSR1], 1.2)", "select.epoll().poll(1.2)"):
            with self.subTest(call):
                program = self.begin("import select, signal, threading, time\nprint('ready', flush=True)\nbegan = time.monotonic()\n%s\n"
                                     "print(time.monotonic() - began, flush=True)\ninput()" % call)
                self.attach(program)
                slept_s = float(program.stdout.readline())
                self.assertGreater(slept_s, 1.2 - 0.001)
                self.assertLess(slept_s, 1.2 + 1)

    def test_a_system_call_does_not_see_that_it_was_interrupted(self):
        # Through ctypes, where Python does not try again: what the kernel says is what is printed.
        calls = {"epoll_wait": "libc.epoll_wait(epoll.fileno(), ctypes.create_string_buffer(64), 4, -1)",
                 "poll": "libc.poll(struct.pack('iHH', reader, 1, 0), 1, -1)",
                 "read": "libc.read(reader, ctypes.create_string_buffer(8), 8)",
                 "sigwaitinfo": "libc.sigwaitinfo(mask, None)",
                 "nanosleep": "libc.nanosleep(struct.pack('qq', 0, 900000000), None) + 1"}
        for name, call in calls.items():
            with self.subTest(name):
                program = self.begin("import ctypes, os, select, signal, struct, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                                     "reader, writer = os.pipe()\nepoll = select.epoll()\nepoll.register(reader)\n"
                                     "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
                                     "mask = struct.pack('16Q', 1 << signal.SIGUSR1 - 1, *[0] * 15)\n"
                                     "print(writer, flush=True)\nprint(%s > 0, ctypes.get_errno())" % call, ready=None)
                writer = int(program.stdout.readline())
                time.sleep(0.1)
                self.attach(program)
                with open("/proc/%d/fd/%d" % (program.pid, writer), "wb", 0) as pipe:
                    pipe.write(b"x")
                program.send_signal(signal.SIGUSR1)
                self.assertEqual((self.finish(program), self.rest), (0, "True 0\n"))

    def test_signals_arrive_and_all_of_them(self):
        # Real-time signals are queued, and each writes a byte, in C.
        program = self.begin("import os, signal, time\nreader, writer = os.pipe()\nos.set_blocking(writer, False)\n"
                             "signal.signal(signal.SIGRTMIN, lambda *_: None)\nsignal.set_wakeup_fd(writer)\nprint('ready', flush=True)\n"
                             "count = 0\nwhile count < 3000: count += len(os.read(reader, 1000))\nprint(count)")

        def send():
            for _ in range(3000):
                os.kill(program.pid, signal.SIGRTMIN)
                time.sleep(0.0001)
        sender = threading.Thread(target=send)
        sender.start()
        self.attach(program)
        self.assertTrue(sender.is_alive())
        sender.join()
        self.assertEqual((self.finish(program), self.rest), (0, "3000\n"))

    def test_a_long_call_of_c_without_the_gil(self):
        program = self.begin("import hashlib, time\nprint('ready', flush=True)\nbegan = time.monotonic()\n"
                             "print(hashlib.pbkdf2_hmac('sha256', b'p', b's', 1500000).hex())\ninput()")
        time.sleep(0.05)
        self.attach(program)
        self.assertEqual(program.stdout.readline().strip(), hashlib.pbkdf2_hmac("sha256", b"p", b"s", 1500000).hex())

    def test_a_long_call_of_c_with_the_gil(self):
        program = self.begin("import re\nprint('ready', flush=True)\nre.match('(a+)+b', 'a' * 25)\nprint('done', flush=True)\ninput()")
        time.sleep(0.1)
        self.assert_fails(self.snap(program, "-o", self.folder + "/a.htrail", "--timeout", "0.5"), "holds the GIL")
        self.assertEqual(self.threads_of_ours(program), 1)
        self.assertEqual(program.stdout.readline(), "done\n")
        self.attach(program)

    def test_nobody_holds_the_gil(self):
        program, port = self.echo()
        client = echo_client(port)
        self.attach(program)
        self.assertIsNone(client.end())
        self.assertGreater(client.answers, 0)

    def test_the_only_thread_inside_an_allocator_is_left_alone(self):
        library = self.build("blocking_malloc", "-shared", "-fPIC", "-fno-builtin")
        program = self.begin("import ctypes, os\nreader, writer = os.pipe()\nlibc = ctypes.CDLL(None)\n"
                             "ctypes.c_int.in_dll(libc, 'blocking_malloc_fd').value = reader\nprint(writer, flush=True)\n"
                             "libc.malloc(7654321)\nprint('done', flush=True)\nwhile True: x = sorted(map(str, range(99)))",
                             ready=None, env=dict(os.environ, LD_PRELOAD=library))
        writer = int(program.stdout.readline())
        time.sleep(0.1)
        self.assert_fails(self.snap(program, "-o", self.folder + "/a.htrail"), "inside the allocator")
        self.assert_untouched(program)
        with open("/proc/%d/fd/%d" % (program.pid, writer), "wb", 0) as pipe:
            pipe.write(b"x")
        self.assertEqual(program.stdout.readline(), "done\n")
        self.assertIsNone(program.poll())

    def test_a_thread_inside_the_allocator_stops_only_us(self):
        library = self.build("blocking_malloc", "-shared", "-fPIC", "-fno-builtin")
        program, port = self.echo("reader, writer = os.pipe()\nlibc = ctypes.CDLL(None)\nfor _ in range(9): time.sleep(0.01)\n"
                                  "ctypes.c_int.in_dll(libc, 'blocking_malloc_fd').value = reader\n"
                                  "sys.stdin.readline()\nprint(writer, flush=True)\nlibc.malloc(7654321)\nprint('done', flush=True)\ninput()",
                                  env=dict(os.environ, LD_PRELOAD=library))
        client = echo_client(port)
        try:
            program.stdin.write("\n")
            program.stdin.flush()
            writer = int(program.stdout.readline())
            time.sleep(0.2)
            asked = client.answers
            self.assert_fails(self.snap(program, "-o", self.folder + "/a.htrail", "--timeout", "0.5"), "lock of its allocator", "--timeout")
            time.sleep(0.1)
            self.assertGreater(client.answers, asked + 10)
            with open("/proc/%d/fd/%d" % (program.pid, writer), "wb", 0) as pipe:
                pipe.write(b"x")
            self.assertEqual(program.stdout.readline(), "done\n")
            time.sleep(0.2)
            self.assert_untouched(program)
            self.attach(program)
        finally:
            self.assertIsNone(client.end())

    def test_a_heaptrail_that_is_killed_leaves_a_program_that_goes_on(self):
        chance = random.Random(4711)
        alive = {"threads": self.echo(), "one thread": (self.begin(SLEEPS), None)}
        port = alive["threads"][1]
        client = echo_client(port)
        try:
            for number in range(30):
                program = alive["threads" if number % 2 else "one thread"][0]
                snap = subprocess.Popen([HEAPTRAIL, "snap", "-o", self.folder + "/a.htrail", str(program.pid)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0.001, 0.012))
                snap.kill()
                snap.wait()
                self.assertIsNone(program.poll())
                if self.threads_of_ours(program):
                    if program is alive["threads"][0]:
                        self.assertIsNone(client.end())
                        self.end(program)
                        alive["threads"] = self.echo()
                        client = echo_client(alive["threads"][1])
                    else:
                        self.end(program)
                        alive["one thread"] = self.begin(SLEEPS), None
            for program, _ in alive.values():
                self.attach(program)
        finally:
            self.assertIsNone(client.end())

    def test_a_child_that_an_entered_program_forks_is_entered_for_itself(self):
        program = self.begin("import os, sys, time\nprint('ready', flush=True)\nsys.stdin.readline()\npid = os.fork()\n"
                             "if pid: print(pid, flush=True); os.waitpid(pid, 0)\nelse: time.sleep(1000)")
        self.attach(program)
        program.stdin.write("\n")
        program.stdin.flush()
        child = int(program.stdout.readline())
        self.attach(child, name="b.htrail")
        self.attach(child, "--no-attach", name="b.htrail")
        self.attach(program, "--no-attach")
        os.kill(child, signal.SIGKILL)
        self.assertEqual(self.finish(program), 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_container_without_our_files(self):
        # Its own process ids, network and mounts, and an empty folder where heaptrail lies for us.
        hidden = os.path.dirname(os.path.realpath(HEAPTRAIL))
        inside = "mount -t tmpfs none %s && exec %s -c \"%s\"" % (hidden, PYTHON, IDLE)
        container = subprocess.Popen(["unshare", "-n", "-p", "-f", "-m", "--mount-proc", "/bin/sh", "-c", inside], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.end, container)
        if container.stdout.readline() != "ready\n":
            self.skipTest("cannot unshare")
        with open("/proc/%d/task/%d/children" % (container.pid, container.pid)) as file:
            pid = int(file.read())
        self.assertFalse(os.path.exists("/proc/%d/root%s/heaptrail" % (pid, hidden)))
        files = os.listdir("/proc/%d/fd" % pid)
        self.attach(pid)
        self.attach(pid, "--no-attach")
        self.assertEqual(os.listdir("/proc/%d/fd" % pid), files)
        container.communicate("")
        self.assertEqual(container.returncode, 0)


if __name__ == "__main__":
    unittest.main()
