"""Processes that `heaptrail snap` may not or cannot enter: each is told why in one sentence, and goes on."""
import ctypes
import os
import signal
import struct
import subprocess
import time
import unittest

from attach_case import HEAPTRAIL, IDLE, PYTHON, SANITIZED, SLEEPS, AttachCase

PTRACE_SEIZE, PTRACE_DETACH, PTRACE_INTERRUPT = 0x4206, 17, 0x4207
NOBODY = 65534
X86_64 = os.uname().machine == "x86_64"

# Installs a filter that answers the system calls of argv[1] with argv[2] (a number of seccomp's), allows the rest.
FILTERED = """
import ctypes, struct, sys
numbers, answer = [int(n) for n in sys.argv[1].split(',')], int(sys.argv[2], 0)
def code(operation, yes, no, k): return struct.pack('HBBI', operation, yes, no, k)
program = code(0x20, 0, 0, 0) + b''.join(code(0x15, 0, 1, n) + code(0x06, 0, 0, answer) for n in numbers) + code(0x06, 0, 0, 0x7fff0000)
buffer = ctypes.create_string_buffer(program)
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.byref(ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(program) // 8, ctypes.addressof(buffer)))), 0, 0) == 0
print('ready', flush=True)
sys.stdin.read()
"""
KILL, ERRNO, NO_SUCH_CALL = 0x80000000, 0x00050001, 0x00050026


def user(number):
    return lambda: (os.setgid(number), os.setuid(number))


class Refused(AttachCase):
    def assert_refused(self, program, *words, **keywords):
        self.assert_fails(self.snap(program, "-o", os.path.join(self.folder, "a.htrail"), **keywords), "process %d (" % program.pid, *words)
        self.assert_untouched(program)
        self.assertIsNone(program.poll())

    def build(self, name, code, *options):
        source, path = os.path.join(self.folder, name + ".c"), os.path.join(self.folder, name)
        with open(source, "w") as file:
            file.write(code)
        if subprocess.run(["gcc", "-o", path, source, *options], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("cannot build with " + " ".join(options))
        return path

    def run_program(self, path):
        plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"} # a sanitizer's, which is no library of musl's
        program = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=plain)
        self.addCleanup(self.end, program)
        time.sleep(0.1)
        return program

    def test_what_is_no_python(self):
        self.assert_refused(self.run_program("/bin/cat"), "(cat)", "no Python runs in it")

    def test_what_is_linked_statically(self):
        path = self.build("still", "#include <unistd.h>\nint main(void) { for (;;) pause(); }", "-static")
        self.assert_refused(self.run_program(path), "linked statically")

    def test_what_has_32_bits(self):
        path = self.build("narrow", "void _start(void) { for (;;) __asm__ volatile(\"int $0x80\" :: \"a\"(29)); }", "-m32", "-nostdlib",
                          "-static", "-fno-pic", "-no-pie")
        self.assert_refused(self.run_program(path), "32-bit program")

    @unittest.skipUnless(os.path.exists("/lib/ld-musl-x86_64.so.1"), "no musl is installed")
    def test_what_has_another_c_library(self):
        path = self.build("small", "void _start(void) { for (;;) __asm__ volatile(\"syscall\" :: \"a\"(34) : \"rcx\", \"r11\"); }", "-nostdlib", "-pie",
                          "-fPIC", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
        self.assert_refused(self.run_program(path), "musl")

    def test_what_is_traced_already(self):
        program = self.begin(SLEEPS)
        ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.assertEqual(ptrace(PTRACE_SEIZE, program.pid, None, None), 0)
        try:
            with open("/proc/self/comm") as comm:
                self.assert_refused(program, "traced by process %d (%s)" % (os.getpid(), comm.read().strip()))
        finally:
            ptrace(PTRACE_INTERRUPT, program.pid, None, None)
            os.waitpid(program.pid, 0)
            ptrace(PTRACE_DETACH, program.pid, None, None)

    def test_what_is_stopped(self):
        program = self.begin(IDLE)
        program.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        self.assert_refused(program, "is stopped", "kill -CONT %d" % program.pid)
        program.send_signal(signal.SIGCONT)
        if not SANITIZED:
            self.attach(program)

    def test_what_has_ended(self):
        program = self.begin("print('ready', flush=True)")
        time.sleep(0.3)
        self.assert_fails(self.snap(program), "has ended")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_another_users_process(self):
        os.chmod(self.folder, 0o777)
        program = self.begin(IDLE)
        self.assert_refused(program, "belongs to user 'root'", preexec_fn=user(NOBODY), cwd="/")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_ones_own_process_that_may_not_be_traced_and_root_enters_it(self):
        os.chmod(self.folder, 0o777)
        hidden = self.begin("import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); " + IDLE, preexec_fn=user(NOBODY), cwd="/")
        asked = self.snap(hidden, "-o", self.folder + "/a.htrail", preexec_fn=user(NOBODY), cwd="/")
        self.assert_fails(asked, "other rights than you", "as root")
        self.assert_untouched(hidden)
        if SANITIZED:
            return
        self.attach(hidden)
        plain = self.begin(IDLE, preexec_fn=user(NOBODY), cwd="/")
        self.attach(plain, name="b.htrail", preexec_fn=user(NOBODY), cwd="/")

    @unittest.skipUnless(X86_64 and os.geteuid() == 0 and not SANITIZED, "needs root, and numbers of system calls")
    def test_a_filter_that_forbids_a_thread_and_one_that_forbids_what_is_not_needed(self):
        for numbers, answer, word in (("56", KILL, "clone"), ("9", ERRNO, "mmap"), ("435", KILL, "clone3"), ("435", ERRNO, "clone3")):
            with self.subTest(word):
                self.assert_refused(self.begin(FILTERED, numbers, hex(answer)), "seccomp filter", "system call %s," % word)
        # As Docker's: no unshare, no clone3.
        self.attach(self.begin(FILTERED, "272", hex(ERRNO)))
        self.attach(self.begin(FILTERED, "435", hex(NO_SUCH_CALL)), name="b.htrail")

    @unittest.skipUnless(X86_64 and os.geteuid() == 0 and not SANITIZED, "needs root to give it up")
    def test_a_filter_that_cannot_be_read(self):
        os.chmod(self.folder, 0o777)
        program = self.begin(FILTERED, "272", hex(ERRNO), preexec_fn=user(NOBODY), cwd="/")
        asked = self.snap(program, "-o", self.folder + "/a.htrail", preexec_fn=user(NOBODY), cwd="/")
        self.assert_fails(asked, "seccomp filter", "as root")
        self.assert_untouched(program)

    @unittest.skipUnless(SANITIZED, "no program is under a sanitizer")
    def test_a_program_under_a_sanitizer(self):
        self.assert_refused(self.begin(IDLE), "sanitizer")


if __name__ == "__main__":
    unittest.main()
