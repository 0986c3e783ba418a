"""What a terminal gets that a pipe does not: colour, columns that fit, and no more of a heap's bytes than its text."""
import fcntl, os, pty, re, struct, subprocess, sys, termios, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(ROOT, "build/heaptrail"))
FOLDER = os.environ.get("TEST_TMP", "/tmp")
FILE = os.path.join(FOLDER, "terminal.htrail")


def on_terminal(arguments, columns=80, **environ):
    """What the command writes to a terminal that is so wide."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    env.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **environ})
    process = subprocess.Popen([HEAPTRAIL, *arguments], stdin=subprocess.DEVNULL, stdout=child, stderr=child, env=env)
    os.close(child)
    output = b""
    while True:
        try:
            chunk = os.read(parent, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    os.close(parent)
    process.wait()
    return output.decode().replace("\r\n", "\n")


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        program = ("import heaptrail\n"
                   "keep = [type('A_class_with_a_name_that_is_so_long_that_no_terminal_has_room_for_it_' + str(i) * 40, (), {})() for i in range(9)]\n"
                   "evil = type('\\x1b[31mred\\x07\\u202egnp', (), {'__slots__': ('big',)})()\n"
                   "evil.big = [type(evil)() for _ in range(20000)]\n"
                   "heaptrail.snapshot(%r)\n" % FILE)
        subprocess.run([sys.executable, "-c", program], check=True)
        subprocess.run([HEAPTRAIL, "load", FILE], check=True, capture_output=True)
        cls.small = os.path.join(FOLDER, "small.htrail")
        subprocess.run([sys.executable, "-c", "import heaptrail; heaptrail.snapshot(%r)" % cls.small], check=True)

    def test_the_heads_are_bold_and_without_escapes_under_no_color(self):
        self.assertIn("\x1b[1m", on_terminal(["top", FILE]))
        self.assertNotIn("\x1b", on_terminal(["top", FILE], NO_COLOR="1"))
        self.assertNotIn("\x1b", on_terminal(["top", FILE], TERM="dumb"))
        self.assertNotIn("\x1b", subprocess.run([HEAPTRAIL, "top", FILE], capture_output=True, text=True).stdout)

    def test_no_line_is_wider_than_the_terminal(self):
        for columns in (50, 80, 120):
            for line in on_terminal(["top", "-n", "0", FILE], columns, NO_COLOR="1").splitlines():
                self.assertLessEqual(len(line), columns, line)

    def test_long_names_are_cut_in_the_middle(self):
        text = on_terminal(["top", "-n", "0", FILE], 80, NO_COLOR="1")
        self.assertRegex(text, r"__main__\.A_class_wi.*\u2026.*7777777")
        self.assertNotIn("\u2026", subprocess.run([HEAPTRAIL, "top", "-n", "0", FILE], capture_output=True, text=True).stdout)

    def diff(self, columns, **environ):
        lines = on_terminal(["diff", self.small, FILE], columns, NO_COLOR="1", **environ).splitlines()
        return lines[next(i for i, line in enumerate(lines) if line.startswith("key ")):]  # before it: that they are of two processes, and the sum

    def test_diff_leaves_room_for_the_key(self):
        whole = ["key", "count_before", "count_after", "count_change", "bytes_before", "bytes_after", "bytes_change"]
        short = ["key", "before", "after", "change", "before", "after", "change"]
        self.assertEqual(self.diff(300)[0].split(), whole)
        self.assertEqual(self.diff(96)[0].split(), short)
        self.assertEqual(self.diff(80)[0].split(), ["key", "after", "change", "after", "change"])
        self.assertEqual(self.diff(300, COLUMNS="80"), self.diff(80))
        for columns in (80, 96, 300):
            lines = self.diff(columns)
            self.assertLessEqual(max(map(len, lines)), columns)
            self.assertGreaterEqual(max(len(re.match(r"\S+", line)[0]) for line in lines), 24)

    def test_the_trend_is_drawn_as_the_terminal_can(self):
        for locale, low, high in ("C.UTF-8", "\u2581", "\u2588"), ("C", "_", "#"):
            lines = on_terminal(["diff", self.small, FILE, self.small], 300, NO_COLOR="1", LC_ALL=locale).splitlines()
            self.assertTrue(any(line.endswith(low + high + low) for line in lines), locale)

    def test_a_pipe_has_the_names_of_the_columns_however_narrow(self):
        done = subprocess.run([HEAPTRAIL, "diff", self.small, FILE], capture_output=True, text=True, env=dict(os.environ, COLUMNS="80"))
        self.assertIn("count_before  count_after", done.stdout.splitlines()[0])

    def test_names_cannot_speak_to_the_terminal(self):
        text = on_terminal(["top", FILE], 200, NO_COLOR="1")
        self.assertIn(r"__main__.\x1b[31mred\x07\u202egnp", text)
        self.assertFalse(re.search("[\x00-\x09\x0b-\x1f\u202e]", text))

    def test_rows_left_out_are_counted(self):
        self.assertRegex(on_terminal(["top", "-n", "3", FILE], NO_COLOR="1"), r"\.\.\. and \d+ more")


if __name__ == "__main__":
    unittest.main()
