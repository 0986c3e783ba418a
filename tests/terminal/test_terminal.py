"""What a person sees: every command in a real terminal of 80 and of 200 columns (screen.py), and what a pipe gets, to the
byte in NAME.exact beside this file.

    CLI_REWRITE=1 tests/run terminal     writes those files anew: look at what changed"""
import os
import subprocess
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../graph")]
import graph_file
import screen

# Names that a terminal should not obey, wide ones, ones with accents, and one that no terminal has room for.
NAMES = """
meta pid 4711
meta runtime cpython 3.11.2
meta cmdline python3 -m server.with.a.long.name --port 8080 \033[31m--red --database /srv/data/production/main.db --workers 16
root modules main __main__
main      module __main__ : field __dict__ globals
globals   dict   -        : value bad\033[2J\033]0;title\007 red, value \u202eevil list, value \u65e5\u672c\u8a9e wide
red       list   -        size=9000 : index - one[*]
one[40]   app.\033[31mRed\u202e - size=100
list      list   -        size=800  : index - two[*]
two[30]   app.\u65e5\u672c\u8a9e\U0001f40d - size=90
wide      list   -        size=700  : index - three[*]
three[20] app.e\u0301te\u0301 - size=80 : attr data data[$]
data[20]  app.models.registry.declarative.MappedRegistryCollectionAdapterFactoryOfEverythingWithAnExtremelyLongNameIndeed - size=70
"""
THREADS = """
let count 3
meta start_time_ns 1000000000
root frame lost wait thread=100
lost  frame - size=64 pseudo : local buffer buffer
buffer bytearray - size=5000
thread 100 name=MainThread main
frame 100 0 wait /srv/application/queue.py:100 object=lost
frame 100 1 run_forever /srv/application/loop.py:65
frame 100 2 main /srv/application/__main__.py:10
""" + "".join("""
thread %d name=worker-%d daemon
frame %d 0 recv /usr/lib/python3.11/socket.py:706
frame %d 1 ConnectionPoolWithALongName.read_one_message_and_answer /srv/application/connections/pool.py:1234
frame %d 2 Worker.run /srv/application/worker.py:%d
""" % (i, i, i, i, i, 7 + i % 4) for i in range(200, 216))
SHOPS = "shop300.htrail shop600.htrail shop1000.htrail"

SITES = """
let count 4
root modules all all
site main /srv/application/__main__.py:10 main
site load /srv/application/connections/readers/loader_of_everything.py:1234 Loader.read_all_of_it_at_once caller=main
site keep /srv/application/cache.py:5 keep caller=load
all list - size=100 site=main : index - one[*], index - two[*]
one[count] app.One - size=5000 site=load
two[9] app.Two - size=800 site=keep
"""

# By file: what stands in the environment of a terminal of 80 columns, and a command; with its styles.
STYLES = [({}, "leaks " + SHOPS), ({}, "check shop300.htrail cut.htrail"), ({}, "top --tree -n 2 shop300.htrail"), ({}, "why shop300.htrail id:15"),
          ({}, "why --color never shop300.htrail id:15"), ({"NO_COLOR": "1"}, "leaks " + SHOPS), ({"NO_COLOR": ""}, "check shop300.htrail"),
          ({"NO_COLOR": "1"}, "check --color always shop300.htrail"), ({"TERM": "dumb"}, "why shop300.htrail id:15"),
          ({"LC_ALL": "C"}, "leaks " + SHOPS), ({"LC_ALL": "C"}, "diff " + SHOPS), ({"LC_ALL": "C"}, "top --tree top.htrail"),
          ({"LC_ALL": "C"}, "why shop300.htrail id:15"), ({"LC_ALL": "C"}, "top names.htrail"), ({"LC_ALL": "", "LANG": ""}, "top -n 2 names.htrail"),
          ({"COLUMNS": "50"}, "diff --by path shop300.htrail shop600.htrail"), ({"LINES": "12"}, "top many.htrail"), ({"COLUMNS": "50"}, "top --width 0 -n 1 names.htrail"),
          ({}, "top --width 40 -n 1 names.htrail | cat"), ({}, "top -n 1 names.htrail | cat")]

# By file: commands, each at both sizes and in a pipe.
SCREENS = {
    "top": ["top shop1000.htrail", "top -n 3 --by size shop1000.htrail", "top --by c-refs shop300.htrail", "top names.htrail", "top many.htrail"],
    "tree": ["top --tree shop1000.htrail", "top --tree --min 0 top.htrail", "top --tree -n 1 --depth 3 top.htrail", "top --tree --by package top.htrail", "top --tree names.htrail",
             "top --tree -n 1 --depth 0 --min 0 deep.htrail"],
    "diff": ["diff shop300.htrail shop600.htrail", "diff " + SHOPS, "diff --by path shop300.htrail shop600.htrail", "diff shop600.htrail shop300.htrail",
             "diff shop300.htrail shop300.htrail"],
    "leaks": ["leaks " + SHOPS, "leaks shop300.htrail shop600.htrail", "leaks shop1000.htrail shop1000.htrail", "leaks " + " ".join("shop%d.htrail" % i for i in range(10, 22))],
    "info": ["info shop300.htrail", "info names.htrail"],
    "threads": ["threads shop300.htrail", "threads threads1.htrail", "threads --frames threads1.htrail threads2.htrail", "threads --each threads2.htrail"],
    "why": ["why shop1000.htrail type:shop.Order", "why shop300.htrail id:15", "why top.htrail type:shop.cart.Order", "why top.htrail type:dict",
            "why names.htrail 'where:type LIKE \"app.m%\"'", "why names.htrail 'where:type LIKE \"app.%Red%\" LIMIT 1'"],
    "sites": ["top --by site sites.htrail", "top --by site --traceback sites.htrail", "diff --by site sites.htrail sites2.htrail"],
    "survivors": ["diff --survivors shop300.htrail shop600.htrail", "diff --objects new -n 3 shop300.htrail shop600.htrail",
                  "diff --assert 'type:shop.Order <= +0' --assert 'total bytes <= +500%' shop300.htrail shop600.htrail"],
    "files": ["load -o one.db shop300.htrail", "export -o one.folded shop300.htrail", "export --formats", "import --formats", "import -o meliae.htrail meliae.json",
              "check --help", "top nothing.htrail", "top --by nonsense shop300.htrail"],
    "waste": ["waste shop1000.htrail"],
    "check": ["check %s cut.htrail" % SHOPS, "check shop300.htrail"],
    "sql": ["sql shop300.htrail 'SELECT nothing FROM a_table_that_is_not_there_and_whose_name_is_long'",
            "sql many.htrail 'SELECT id, type, name, size, length FROM object ORDER BY id'"],
}


class Screens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heaptrail-terminal-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        for count in (300, 600, 1000):
            graph_file.snapshot("shop.graph", cls.folder, "shop%d" % count, n=count)
        graph_file.snapshot(NAMES, cls.folder, "names")
        for i in range(10, 22):
            graph_file.snapshot("shop.graph", cls.folder, "shop%d" % i, n=i * i)
        graph_file.snapshot("shop.graph", cls.folder, "big", n=30000)
        graph_file.snapshot(SITES, cls.folder, "sites")
        graph_file.snapshot(SITES, cls.folder, "sites2", count=400)
        with open(os.path.join(cls.folder, "meliae.json"), "w") as dump:
            dump.write('{"address": 16, "type": "dict", "size": 100, "len": 1, "refs": [32]}\n{"address": 32, "type": "str", "size": 50, "refs": []}\n')
        graph_file.snapshot("top.graph", cls.folder, "top")
        graph_file.snapshot("let n 45\nroot modules deep[0] deep\ndeep[n] app.Node - size=60 : slot next deep[$+1], slot value value[$]\nvalue[n] str -\n", cls.folder, "deep")
        graph_file.snapshot(THREADS, cls.folder, "threads1", count=3)
        graph_file.snapshot(THREADS + "thread 300 name=\033[7mlate\nframe 300 0 late late.py:1\n", cls.folder, "threads2", count=30)
        graph_file.snapshot("root modules all all\nall list - : index - " + ", index - ".join("one%d" % i for i in range(40)) + "".join(
            "\none%d app.Type%02d - size=%d" % (i, i, 1000 - 7 * i) for i in range(40)) + "\n", cls.folder, "many")
        whole = open(os.path.join(cls.folder, "shop300.htrail"), "rb").read()
        with open(os.path.join(cls.folder, "cut.htrail"), "wb") as cut:
            cut.write(whole[:len(whole) - 100])
        cls.terminal = screen.Terminal(cls.folder)
        cls.addClassCleanup(cls.terminal.close)

    def compare(self, name, text):
        path = os.path.join(HERE, name + ".exact")
        if os.environ.get("CLI_REWRITE"):
            with open(path, "w") as file:
                file.write(text)
        with open(path) as file:
            self.maxDiff = None
            self.assertEqual(text, file.read())

    def pipe(self, command):
        done = subprocess.run("heaptrail() { %s/heaptrail \"$@\"; }; %s" % (screen.B, command), shell=True, cwd=self.folder, env=self.terminal.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        return done.stdout

    def show_all(self, commands):
        text = ""
        for command in commands:
            command = "heaptrail " + command
            text += "$ %s\n" % command
            for columns, lines in ((80, 24), (200, 50)):
                text += "-- %d x %d\n%s" % (columns, lines, self.terminal.show(command, columns, lines))
            text += "-- pipe\n%s\n" % self.pipe(command)
        return text


    def test_styles(self):
        text = ""
        for environment, command in STYLES:
            shown = self.terminal.show("heaptrail " + command, colors=True, **environment)
            text += "".join("%s=%s " % item for item in environment.items()) + "heaptrail %s\n%s\n" % (command, shown.replace("\033", "<ESC>"))
        self.compare("styles", text)

    def test_progress_is_shown_after_half_a_second_and_gone_at_the_end(self):
        slow = "(head -c 1000 big.htrail; sleep %s; tail -c +1001 big.htrail) | " + os.path.join(screen.B, "heaptrail") + " check - %s"
        for seconds, streams, wanted in ("0.7", "", True), ("0.1", "", False), ("0.7", "2> said; cat said", False):
            # All that is written to a terminal.
            said = subprocess.run(["script", "-qec", slow % (seconds, streams), "/dev/null"], cwd=self.folder, env=dict(self.terminal.environment, SHELL="/bin/sh"),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
            self.assertEqual("reading '-'" in said, wanted, (seconds, streams, said))
            if wanted:
                self.assertRegex(said, r"^\n\x1b\[Kreading '-'  .* [KM]iB(\n\x1b\[K.*)*\n\x1b\[K\x1b\[1mfile")  # \n: it was \r


def screens_of(name):
    return lambda self: self.compare(name, self.show_all(SCREENS[name]))


for name in SCREENS:
    setattr(Screens, "test_" + name, screens_of(name))

if __name__ == "__main__":
    unittest.main()
