#!/usr/bin/python3
"""Snapshots of a busy server, many of them: tests/soak/soak.py [--snapshots N] [--version 3.11]... [--mode fork]...

For each version and mode: the server answers clients all the time, each answer is checked, N snapshots are taken and
read back whole; then its memory is what it was. Prints a line each; exits with 1 where anything was wrong. `make
soak` takes 200 each on 2.7, 3.8, 3.11, 3.12 and 3.13; tests/soak/test_soak.py some."""
import argparse, http.client, os, signal, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import interpreters

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
VERSIONS = ["2.7", "3.8", "3.11", "3.12", "3.13"]
MODES = ["in-place", "fork"]
CLIENTS = 3
QUESTIONS = 40
WARM_UP = 4       # snapshots before memory is looked at
RSS_SLACK = 6 << 20


def rss(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Client(threading.Thread):
    """Asks and checks until it is stopped."""

    def __init__(self, port, wanted):
        super().__init__(daemon=True)
        self.port, self.wanted = port, wanted
        self.answers, self.wrong, self.longest, self.ending = 0, [], 0.0, False

    def run(self):
        number = 0
        while not self.ending:
            begun = time.monotonic()
            try:
                got = ask(self.port, number % QUESTIONS)
                if got != self.wanted[number % QUESTIONS]:
                    self.wrong.append("the answer to %d was %r" % (number, got))
            except Exception as error:
                if not self.ending:
                    self.wrong.append("no answer to %d: %s" % (number, error))
            self.answers += 1
            self.longest = max(self.longest, time.monotonic() - begun)
            number += 1


def ask(port, number):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/%d" % number)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


class Soak:
    """One server, in one interpreter."""

    def __init__(self, version, mode, folder, extras=()):
        self.mode, self.folder, self.wrong = mode, folder, []
        # Interpreters that end leave memory behind by themselves: 30 MiB a second on 3.12 and 3.13, without any snapshot.
        self.grows = bool(extras)
        python = interpreters.found()[version][0]
        port_file = os.path.join(folder, "port")
        self.log = open(os.path.join(folder, "log"), "w+")
        self.server = subprocess.Popen([HEAPTRAIL, "run", "-o", folder, "--", python, os.path.join(HERE, "server.py"), port_file, *extras],
                                       stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + 60
        while not os.path.exists(port_file):
            if self.server.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise RuntimeError("the server in %s did not start: %s" % (python, self.log.read()))
            time.sleep(0.02)
        with open(port_file) as f:
            self.port = int(f.read())
        wanted = [ask(self.port, number) for number in range(QUESTIONS)]
        self.clients = [Client(self.port, wanted) for _ in range(CLIENTS)]

    def snapshot(self, is_checked):
        path = os.path.join(self.folder, "one.htrail")
        snap = subprocess.run([HEAPTRAIL, "snap", "--mode", self.mode, "-o", path, str(self.server.pid)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if snap.returncode != 0:
            self.wrong.append("a snapshot failed: %s" % snap.stdout.strip())
        elif is_checked:
            check = subprocess.run([HEAPTRAIL, "check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if check.returncode != 0:
                self.wrong.append("a snapshot is not whole: %s" % check.stdout.strip())
        if snap.returncode == 0:
            os.unlink(path)

    def run(self, count, check_every):
        for client in self.clients:
            client.start()
        for _ in range(WARM_UP):
            self.snapshot(True)
        before = [rss(self.server.pid)]
        for i in range(count):
            self.snapshot(i % check_every == 0)
            if self.server.poll() is not None:
                self.wrong.append("the server ended with %d" % self.server.returncode)
                break
            if i < count // 4:
                before.append(rss(self.server.pid))
        after = []
        for _ in range(10 if self.server.poll() is None else 0):
            time.sleep(0.05)
            after.append(rss(self.server.pid))
        for client in self.clients:
            client.ending = True
        for client in self.clients:
            client.join(60)
            self.wrong += client.wrong
            if client.is_alive():
                self.wrong.append("a client waits for an answer for ever")
        if not self.grows and after and min(after) > max(before) + RSS_SLACK:
            self.wrong.append("memory grew from %.1f to %.1f MiB" % (max(before) / 2**20, min(after) / 2**20))
        children = subprocess.run(["ps", "--ppid", str(self.server.pid), "-o", "stat="], stdout=subprocess.PIPE, text=True).stdout
        if "Z" in children:
            time.sleep(0.3)
            children = subprocess.run(["ps", "--ppid", str(self.server.pid), "-o", "pid=,stat="], stdout=subprocess.PIPE, text=True).stdout
            if "Z" in children:
                self.wrong.append("a child was left: %s" % children)
        return before, after

    def end(self):
        if self.server.poll() is None:
            os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.log.seek(0)
        said = [line for line in self.log.read().splitlines() if line.strip()]
        if said:
            self.wrong.append("the server said: %s" % " / ".join(said[:5]))
        self.log.close()


def soak(version, mode, count, check_every, extras=()):
    """What was wrong, and one line of figures."""
    with tempfile.TemporaryDirectory(prefix="soak.", dir=os.environ.get("TEST_TMP")) as folder:
        one = Soak(version, mode, folder, extras)
        begun = time.monotonic()
        try:
            before, after = one.run(count, check_every)
        finally:
            one.end()
        answers = sum(client.answers for client in one.clients)
        return one.wrong, "%-5s %-9s %4d snapshots in %5.1f s, %6d answers, longest %4.0f ms, memory %.1f -> %.1f MiB" % (
            version, mode, count, time.monotonic() - begun, answers, 1e3 * max(client.longest for client in one.clients),
            max(before) / 2**20, min(after or [0]) / 2**20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--snapshots", type=int, default=200)
    parser.add_argument("--version", action="append")
    parser.add_argument("--mode", action="append")
    parser.add_argument("--interpreters", action="store_true", help="with interpreters within the interpreter")
    arguments = parser.parse_args()
    failed = False
    for version in arguments.version or [v for v in VERSIONS if v in interpreters.found()]:
        for mode in arguments.mode or MODES:
            wrong, figures = soak(version, mode, arguments.snapshots, 10, ["interpreters"] if arguments.interpreters else [])
            print(figures, "FAILED" if wrong else "fine", flush=True)
            for what in wrong[:10]:
                print("    " + what, flush=True)
            failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
