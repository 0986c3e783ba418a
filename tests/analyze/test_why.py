"""`heaptrail why`: on heaps written as text, where the reader sees what the answer must be, and on a real program."""
import json, os, pty, re, subprocess, sys, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../graph"))
import graph_file

HEAPTRAIL = os.environ.get("HEAPTRAIL", os.path.join(HERE, "../../build/heaptrail"))
FOLDER = os.environ.get("TEST_TMP", "/tmp")


def why(path, *arguments):
    done = subprocess.run([HEAPTRAIL, "why", path] + list(arguments), capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise AssertionError((done.returncode, done.stderr))
    return done.stdout


class Graph(unittest.TestCase):
    """text: a heap; what is asked of it names objects as the text does: @record[7]."""
    text = None

    @classmethod
    def setUpClass(cls):
        if cls.text:
            cls.path = graph_file.snapshot(cls.text, FOLDER, cls.__name__)

    def why(self, asked, *options):
        return why(self.path, *options, "0x%x" % graph_file.address(asked[1:]) if asked.startswith("@") else asked)

    def json(self, asked, *options):
        return json.loads(self.why(asked, "--json", *options))

    def lines(self, asked, *options):
        return re.sub(r"id:\d+", "id", self.why(asked, *options)).splitlines()

    def dominators(self, asked):
        return [(row["type"], row["label"]) for row in self.json(asked)["rows"] if row["dominates"]]


TOP = """
root modules modules modules
modules   dict   -        : value __main__ main, value app app
main      module __main__ : field __dict__ names
names     dict   -        : value __name__ text, value keep keep
text      str    __main__
app       module app      : field __dict__ app_names
app_names dict   -        : value f function
function  function app.f  : field __globals__ app_names
"""


class Diamond(Graph):
    text = TOP + """
keep      app.Keep -       : attr a left, attr b right
left      list     -       : index - thing
right     dict     -       : value x thing
thing     app.Thing -      : attr child child
child     app.Child -      : attr parent thing
"""

    def test_its_top_and_what_is_above_have_a_star(self):
        self.assertEqual(self.dominators("@thing"), [("dict", None), ("module", "__main__"), ("dict", "__dict__"), ("app.Keep", "keep")])
        said = self.lines("@thing")
        self.assertEqual(said[0], "sys.modules")
        self.assertRegex(said[3], r"^\* -\['keep'\]-+> app\.Keep, length 2  retained 500 B, id$")
        self.assertRegex(said[4], r"^  -\.a-+> list, length 1  100 B, id$")
        self.assertEqual(said[6], "* every chain to it leads through these")

    def test_both_sides_must_let_go(self):
        said = self.lines("@thing")
        at = said.index("2 independent chains lead to it from app.Keep id: each must let go")
        self.assertEqual(said[at + 1], "beside the one above:")
        self.assertIn("  app.Keep, length 2  retained 500 B, id", said[at:])
        self.assertTrue(any(".b" in line for line in said[at:]) and not any(".a" in line for line in said[at:]), said)

    def test_json_has_the_chains_and_what_must_let_go(self):
        answer = self.json("@thing")
        gates = sorted(row["type"] for row in answer["independent"] if row["must_let_go"])
        self.assertEqual(gates, ["dict", "list"])
        self.assertEqual({row["chain"] for row in answer["independent"]}, {1, 2})
        self.assertEqual((answer["independent_complete"], answer["rows"][3]["id"]), (1, answer["independent_above"]))
        self.assertEqual(answer["retained_bytes"], 200)

    def test_what_only_one_holds_is_free_once_any_of_them_lets_go(self):
        self.assertIn("one chain: it is free once any step of it lets go", self.lines("@left"))


class Joined(Graph):
    """Two chains from two roots that meet before the object, and part again."""
    text = TOP + """
root frame running run~at~server.py:65
running   frame - pseudo : local x joint
keep      list -         : index - joint
joint     app.Joint -    : attr a one, attr b two
one       list -         : index - thing
two       list -         : index - thing
thing     app.Thing -
"""

    def test_where_they_meet_is_on_every_chain(self):
        self.assertEqual(self.dominators("@thing"), [("app.Joint", "0")])
        self.assertIn("2 independent chains lead to it from app.Joint id: each must let go", self.lines("@thing"))

    def test_to_where_they_meet_there_are_two_from_the_roots(self):
        said = self.lines("@joint")
        self.assertIn("2 independent chains lead to it from the roots: each must let go", said)
        self.assertEqual(said[0], "sys.modules")
        self.assertIn("  frame run at server.py:65", said)
        self.assertEqual(self.dominators("@joint"), [])


class Merged(Graph):
    text = TOP + """
keep        app.Keep -  : attr leak leak, attr table table
leak        list     -  : index - record[0..989]
table       dict     -  : value - record[990..999]
record[1000] app.Record - size=48 : attr data data[$]
data[1000]  bytearray -  size=1000
shared      bytearray -  size=5000
both        list     -  : index - shared
"""

    def test_a_set_comes_through_its_containers(self):
        said = self.lines("type:Record")
        self.assertRegex(said[0], r"^of 1,000 objects, retaining 1023\.4 KiB together:$")
        self.assertEqual(said[1:3], ["  990 come through keep.leak, list id", "   10 come through keep.table, dict id"])
        self.assertIn("the first of the 990 that come through keep.leak:", said)

    def test_what_holds_the_holders_lets_go_of_all(self):
        answer = self.json("type:Record")
        self.assertEqual([(row["objects"], row["through"], row["holder_type"]) for row in answer["ways"]], [(990, "keep.leak", "list"), (10, "keep.table", "dict")])
        self.assertEqual([row["type"] for row in answer["independent"] if row["must_let_go"]], ["list", "dict"])
        self.assertEqual((answer["objects"], answer["retained_bytes"]), (1000, 1000 * 1048))

    def test_every_way_has_its_chain_with_all(self):
        said = self.lines("type:Record", "--all")
        self.assertEqual(sum(line.startswith("the first of the ") for line in said), 2)
        self.assertEqual(len({row["way"] for row in self.json("type:Record", "--all")["rows"]}), 2)


class Apart(Graph):
    """Weak references and those of C code."""
    text = TOP + """
keep     app.Keep -  : attr ref weakref, attr held held
weakref  weakref  -  : weak - held, weak - c_only
other    weakref  -  : weak - held
root interpreter other x
held     app.Held -  refcount=+2
c_only   app.Held -  refcount=2
lost     app.Lost -  : attr me partner
partner  app.Lost -  : attr me lost
"""

    def test_weak_references_hold_nothing(self):
        said = self.lines("@held")
        self.assertIn("2 weak references, which hold nothing: weakref id, weakref id", said)
        self.assertIn("held 2 times from C code", said)
        self.assertEqual([row["type"] for row in self.json("@held")["weak"]], ["weakref", "weakref"])

    def test_what_c_code_alone_holds(self):
        said = self.lines("@c_only")
        self.assertTrue(said[0].startswith("C code"), said[0])
        self.assertIn("one chain: it is free once this root lets go", said)
        self.assertIn("1 weak reference, which holds nothing: weakref id", said)
        self.assertEqual([row["count"] for row in self.json("@c_only")["c_references"]], [2])

    def test_garbage_waits_for_the_collector(self):
        said = self.lines("@lost")
        self.assertEqual(said[0], "nothing: no root reaches it, it waits for the garbage collector")
        self.assertFalse(any("independent" in line or "free once" in line for line in said), said)
        self.assertEqual(self.json("@lost")["independent"], [])


class Misspelt(Graph):
    text = TOP + """
keep    app.Response - : attr x other
other   app.other.Session -
"""

    def refused(self, code, *words):
        done = subprocess.run([HEAPTRAIL] + list(words), capture_output=True, text=True)
        self.assertEqual(done.returncode, code)
        return done.stderr.splitlines()[0]

    def test_what_is_like_it_is_named(self):
        for asked in "Respons", "response", "Repsonse", "ap.Response", "RESPONSE":
            self.assertEqual(self.refused(3, "why", self.path, "type:" + asked),
                             "heaptrail why: '%s': there is no object of a type '%s': is it 'app.Response'?" % (self.path, asked))
        self.assertTrue(self.refused(3, "why", self.path, "type:Zzzzzzzz").endswith("of a type 'Zzzzzzzz'"))
        self.assertTrue(self.refused(3, "why", self.path, "module:App").endswith(": is it 'app' or 'app.other'?"), self.refused(3, "why", self.path, "module:App"))
        self.assertEqual(self.refused(2, "wyh"), "heaptrail: unknown command 'wyh': is it 'why'?")
        self.assertEqual(self.refused(2, "qqqqqqq"), "heaptrail: unknown command 'qqqqqqq'")

    def test_a_text_without_quotes_and_the_argument_that_is_missing(self):
        self.assertTrue(self.refused(2, "why", self.path, "where:type = dict").endswith("no such column: dict; a text stands in quotes, 'dict'"))
        self.assertEqual(self.refused(2, "why", self.path), "heaptrail why: an argument is missing, OBJECT: [OPTIONS] FILE OBJECT")
        self.assertEqual(self.refused(2, "why"), "heaptrail why: an argument is missing, FILE: [OPTIONS] FILE OBJECT")


class Beside(Graph):
    """The chain that is printed in full comes second among the independent ones, which are in the order of their lengths."""
    text = TOP + """
root context context x
context   app.First -    : attr variables second
second    app.Second -   : attr root third
third     app.Third -    : attr thing thing
keep      list -         : index - thing
thing     app.Thing -
"""

    def test_it_is_not_printed_a_second_time(self):
        said = self.lines("@thing")
        at = said.index("2 independent chains lead to it from the roots: each must let go")
        shown, beside = said[0], said[at + 2]
        self.assertEqual(said[at + 1], "beside the one above:")
        self.assertEqual((shown, beside), ("sys.modules", "  context x"))
        self.assertEqual(sum(line.strip() == shown for line in said), 1, said)


class OfC(Graph):
    """A set that C code holds object by object."""
    text = TOP + """
keep        list   -
held[150]   app.Held -  refcount=1
"""

    def test_a_bound_that_was_reached_is_said(self):
        said = self.lines("type:Held")
        self.assertEqual(said[-2:], ["at least 100 independent chains lead to them from the roots; of what must let go before all are free:", "  C code, and 99 alike"])
        answer = self.json("type:Held")
        self.assertEqual((len({row["chain"] for row in answer["independent"]}), answer["independent_complete"]), (100, 0))


class Many(Graph):
    """More objects than are looked at one by one."""
    text = TOP + """
keep           list -      : index - leak, index - table
leak           list -      : index - record[0..200000]
table          list -      : index - record[7]
record[200001] app.Record -
alone[3]       app.Alone -
"""

    def test_one_object_that_holds_all_is_known_from_the_tree_of_dominators(self):
        said = self.lines("type:Record")
        self.assertEqual(said[-2:], ["1 independent chain leads to them from the roots; what must let go before all are free:", "  list id"])
        answer = self.json("type:Record")
        gates = [row["id"] for row in answer["independent"] if row["must_let_go"]]
        self.assertEqual((gates, answer["independent_complete"]), ([self.json("@keep")["rows"][-1]["id"]], 1))

    def test_and_one_of_them_where_it_holds_all_others(self):
        answer = self.json("where:type IN ('app.Record', 'list')")
        self.assertEqual(([row["type"] for row in answer["independent"] if row["must_let_go"]], answer["independent_complete"]), (["dict"], 1))


class Marked(Graph):
    text = """
root modules modules modules
modules   dict   -        : value app app, value __main__ main, value logging logging, value atexit atexit
main      module __main__ : field __dict__ names
names     dict   -        : value fine fine, value stale old_class, value live new_class, value cache cached, value bounded bounded,
                            value error error, value logger logger, value quiet quiet, value exec made, value hook many[0]
logging   module logging  : field __dict__ logging_names
logging_names dict -      : value __name__ logging_text, value __spec__ spec, value Logger Logger, value shutdown shutdown
logging_text str logging
Logger    type   logging.Logger
shutdown  function logging.shutdown : field __globals__ logging_names
spec      app.Spec -
app       module app      : field __dict__ app_names
app_names dict   -        : value __name__ app_text, value __spec__ spec, value Thing new_class, value f new_f
app_text  str    app
new_f     function app.f  : field __globals__ app_names
new_class type   app.Thing
old_names dict   -        : value __name__ app_text, value __spec__ spec, value f old_f, value x old_data
old_f     function app.f  : field __globals__ old_names
old_data  app.Data -
old_class type   app.Thing : field doc old_doc
old_doc   app.Doc -
fine      list   -        : index - record
record    app.Record -
made      dict   -        : value __name__ app_text, value y made_data
made_data app.Data -
cached    functools._lru_cache_wrapper -  : field cache cache
cache     dict   -        : value - cache_value[*]
cache_value[20] app.Result -
bounded   functools._lru_cache_wrapper -  : field cache few
few       dict   -        : value - link
link      functools._lru_list_elem - : plain - bounded_value
bounded_value app.Result -
error     ValueError -    : field __traceback__ traceback
traceback traceback -     : field tb_frame old_frame
old_frame frame  -        : local big big
big       app.Big -
logger    logging.Logger - : attr handlers handlers
handlers  list   -        : index - handler[*]
handler[12] app.Handler -
quiet     logging.Logger - : attr handlers one_handler
one_handler list  -       : index - only_handler
only_handler app.Handler -
root atexit old_f callback~1~of~9
root frame running run~at~app.py:3
running   frame - pseudo  : local error now
now       KeyError -      : field __traceback__ now_traceback
now_traceback traceback - : field tb_frame now_frame
now_frame frame -         : local big now_big
now_big   app.Big -
atexit    module atexit   : field module~state late[*]
late[6]   method -        : field __self__ late_owner[$]
late_owner[6] app.Owner -
many[7]   method -        : field __self__ owner[$]
owner[7]  app.Owner -
root atexit many[3] callback~3~of~9
root atexit many[4] callback~4~of~9
root atexit many[5] callback~5~of~9
root atexit many[6] callback~6~of~9
root atexit many[1] callback~7~of~9
root os.register_at_fork many[2] before
"""

    @classmethod
    def setUpClass(cls):
        cls.text = cls.text.replace("os.register_at_fork", "4")
        super().setUpClass()

    def mark(self, asked):
        marked = [(row["type"], row["mark"]) for row in self.json(asked)["rows"] if row["mark"]]
        self.assertLessEqual(len(marked), 1)
        said = [line[4:] for line in self.lines(asked) if line.startswith("  ^ ")]
        self.assertEqual([reason for _, reason in marked], said)
        return marked[0] if marked else None

    def test_code_of_a_module_that_was_loaded_again(self):
        self.assertEqual(self.mark("@old_data"), ("function", "atexit keeps it for ever: one of 2 copies of module app: another is in sys.modules"))
        self.assertEqual(self.mark("@old_doc"), ("type", "one of 2 classes app.Thing: another is in its module"))

    def test_a_cache_without_a_bound(self):
        self.assertEqual(self.mark("@cache_value[3]"), ("dict", "a cache without a bound: lru_cache(maxsize=None), 20 entries"))
        self.assertIsNone(self.mark("@bounded_value"))

    def test_a_traceback_of_an_exception_that_is_over(self):
        self.assertEqual(self.mark("@big"), ("traceback", "a kept traceback holds the variables of calls that have ended"))
        self.assertIsNone(self.mark("@now_big"))

    def test_handlers_of_a_logger_when_they_are_many(self):
        self.assertEqual(self.mark("@handler[5]"), ("list", "12 handlers of one logger"))
        self.assertIsNone(self.mark("@only_handler"))

    def test_callbacks_alike_when_they_are_many(self):
        self.assertEqual(self.mark("@owner[4]"), ("method", "atexit keeps it for ever: one of 5 callbacks alike"))
        self.assertIsNone(self.mark("@owner[2]"))
        # As before 3.10: they hang from the module.
        self.assertEqual(self.mark("@late_owner[4]"), ("method", "atexit keeps it for ever: one of 6 callbacks alike"))

    def test_nothing_is_marked_where_it_cannot_be_known(self):
        for asked in "@record", "@made_data", "@new_f", "@app_names", "@new_class", "@owner[0]":
            self.assertIsNone(self.mark(asked), asked)

    def test_library_code_is_grey(self):
        grey = {row["label"] for row in self.json("@handler[5]")["rows"] if row["is_library"]}
        self.assertEqual(grey, {"logger", "handlers"})
        self.assertEqual({row["label"] for row in self.json("@cache_value[3]")["rows"] if row["is_library"]}, set())

    def test_grey_is_dim_on_a_terminal(self):
        parent, child = pty.openpty()
        run = subprocess.Popen([HEAPTRAIL, "why", self.path, "0x%x" % graph_file.address("handler[5]")], stdout=child, env=dict(os.environ, TERM="xterm", LC_ALL="C"))
        os.close(child)
        said = b""
        while True:
            try:
                read = os.read(parent, 65536)
            except OSError:
                break
            if not read:
                break
            said += read
        os.close(parent)
        self.assertEqual(run.wait(), 0)
        lines = said.decode().split("\r\n")
        self.assertTrue([line for line in lines if line.startswith("  \033[2m-['logger']")], said)
        self.assertTrue([line for line in lines if line.startswith("  \033[31m^ 12 handlers")], said)
        self.assertFalse([line for line in lines if "__main__" in line and line.startswith("  \033[2m")], said)


class Long(Graph):
    text = """
let n 30000
root modules modules modules
modules dict   - : value __main__ main
main    module __main__ : field __dict__ names
names   dict   - : value head node[0]
node[n] app.Node - : attr next node[$+1]
"""

    def test_the_page_of_a_long_chain_is_bounded(self):
        said = self.why("@node[29999]")
        self.assertLess(len(said), 6000)
        self.assertIn("29,962 more steps", said)
        self.assertIn("one chain: it is free once any step of it lets go", said)

    def test_all_of_it_is_in_the_rows(self):
        answer = self.json("@node[29999]")
        self.assertEqual(len(answer["rows"]), 30003)
        self.assertTrue(all(row["dominates"] for row in answer["rows"][:-1]))


PROGRAM = """
import atexit, functools, logging, sys, weakref, types, heaptrail
class Record:
    def __init__(self): self.payload = bytearray(1000)
class Keep: pass
keep = Keep()
keep.leak = [Record() for _ in range(990)]
keep.table = {(i, i): Record() for i in range(10)}
class Both: pass
keep.a = [Both()]
keep.b = {"x": keep.a[0]}
watch = weakref.ref(keep.a[0])
class Result: pass
@functools.lru_cache(maxsize=None)
def compute(n): return Result()
@functools.lru_cache(maxsize=100)
def bounded(n): return Bounded()
class Bounded: pass
for i in range(50): compute(i), bounded(i)
class Big: pass
def fail():
    big = Big()
    raise ValueError
try: fail()
except ValueError as error: saved = error
class Handler(logging.Handler): pass
for i in range(30): logging.getLogger("app").addHandler(Handler())
class Registered:
    def close(self): pass
for i in range(20): atexit.register(Registered().close)
heaptrail.snapshot(sys.argv[1])
import os; os._exit(0)
"""


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = os.path.join(FOLDER, "real.htrail")
        program = os.path.join(FOLDER, "app.py")
        with open(program, "w") as out:
            out.write(PROGRAM)
        subprocess.run([sys.executable, program, cls.path], check=True)

    def json(self, asked):
        return json.loads(why(self.path, "--json", asked))

    def marks(self, asked):
        return [row["mark"] for row in self.json(asked)["rows"] if row["mark"]]

    def test_a_set_comes_through_its_containers(self):
        self.assertRegex(why(self.path, "type:Record"), r"\Aof 1,000 objects, retaining 1\.\d MiB together:\n  990 come through keep\.leak, list id:\d+\n   10 come through keep\.table, dict id:\d+\n")

    def test_two_fields_hold_one_object(self):
        said = why(self.path, "type:Both")
        self.assertRegex(said, r"\n2 independent chains lead to it from __main__\.Keep id:\d+: each must let go\n")
        self.assertRegex(said, r"\n1 weak reference, which holds nothing: weakref\S* id:\d+\n")

    def test_what_should_not_be_there_is_marked(self):
        self.assertEqual(self.marks("type:Result"), ["a cache without a bound: lru_cache(maxsize=None), 50 entries"])
        self.assertEqual(self.marks("type:Big"), ["a kept traceback holds the variables of calls that have ended"])
        self.assertEqual(self.marks("type:Handler"), ["30 handlers of one logger"])
        self.assertEqual(self.marks("type:Registered"), ["atexit keeps it for ever: one of 20 callbacks alike"])

    def test_all_else_is_not(self):
        for asked in "type:Record", "type:Both", "type:Bounded", "type:Keep", "where:name = 'logging.Logger'", "where:name = 'functools.partial'", "type:NoneType":
            self.assertEqual(self.marks(asked), [], asked)

    def test_code_of_logging_is_the_library_s(self):
        rows = self.json("type:Handler")["rows"]
        self.assertEqual([row["is_library"] for row in rows], [0] + [1] * (len(rows) - 2) + [0])
        self.assertEqual([row["is_library"] for row in self.json("type:Record")["rows"]], [0] * 6)

    def test_the_page_of_none_is_short(self):
        said = why(self.path, "type:NoneType")
        self.assertLess(len(said.splitlines()), 40)
        self.assertIn("at least 8 independent chains lead to it from the roots: each must let go", said)


if __name__ == "__main__":
    unittest.main()
