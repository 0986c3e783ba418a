"""Everything that an independent oracle in Python finds is in the snapshot: object by object, size
by size, length by length, reference by reference."""
import collections
import unittest

import interpreters
import snapshot
from snapshot import FIELD, IMMORTAL, INDEX, KEY, LENGTH, PSEUDO, VALUE, WEAK

# Objects of every kind there is, then the oracle's list, the snapshot, the oracle's answers.
PROGRAM = """
import contextvars, dataclasses  # since 3.7
import array, asyncio, collections, ctypes, datetime, decimal, enum, functools, io, itertools
import json, logging.handlers, os, queue, random, re, socket, struct, threading, types, typing, weakref
import xml.etree.ElementTree as ElementTree
import oracle

class Slots:
    __slots__ = ("a", "__private", "b")
    def __init__(self): self.a, self.__private = [1], (2,)
class Child(Slots): __slots__ = ("c", "__dict__", "__weakref__")
class Plain:
    def __init__(self, n): self.n, self.text, self.me = n, "t%d" % n, self
class Text(str): pass
class Number(int): pass
class Dict(dict): pass
class List(list): pass
class Tuple(tuple): pass
class Set(set): pass
class Meta(type):
    def method(cls): return cls
class WithMeta(metaclass=Meta): x = 1
class Error(Exception): pass
class Colour(enum.Enum): red = 1; green = 2
Point = collections.namedtuple("Point", "x y")
@dataclasses.dataclass  # since 3.7
class Data:
    def __init__(self, a): self.a = a  # until 3.6
    a: int; b: list = None
def generator(n):
    x = [n]
    while True: yield x
async def coroutine(): await asyncio.sleep(0)
async def asynchronous():
    yield 1
def outer(a, *, k=3):
    b = [a]
    def inner(d=b): return a, b, inner
    return inner
@functools.lru_cache(None)
def cached(n): return [n]
keep = [Slots(), Child(), Text("a\\u1234"), Text("b" * 40), Number(10 ** 40), Number(0), Dict(a=1), List([1, 2]), Tuple((1, [2])),
        Set([1, 2]), WithMeta(), Meta, Error(1, [2]), Colour.red, Point(1, [2]), Data(1), outer(1), outer(2), cached]
keep[1].extra = []; keep[2].attr = 1; keep[6].y = 2
for i in range(100): keep.append(Plain(i))
keep[-1].__dict__; keep[-2].__dict__["more"] = 1; keep[-3].other = 1; del keep[-4].text
keep += ["", "ascii", "\\xe4", "\\u1234", "\\U00012345", "x" * 1000, b"", b"abc", bytearray(), bytearray(b"x" * 99), 0, -1, 2 ** 30, -2 ** 100,
         1.5, 1j, True, None, ..., NotImplemented, range(5), range(10 ** 30), slice(1, [2]), (), ((), ((1,),)), frozenset(), frozenset([1, "a"])]
big = bytearray(b"abc") * 10; big += b"d" * 7; keep.append(big); grown = []
for i in range(50): grown.append(i)
keep += [grown, set(range(1000)), {i: str(i) for i in range(2000)}, dict.fromkeys("abc"), {(1, 2): [3]}, {}, {1: {2: {3: {}}}}]
emptied = {i: i for i in range(100)}; [emptied.pop(i) for i in range(99)]; keep.append(emptied)
keep += [collections.deque(range(n)) for n in (0, 1, 63, 64, 65, 500)] + [collections.deque([1], 5)]
rotated = collections.deque(range(100)); rotated.rotate(30); rotated.popleft(); keep.append(rotated)
keep += [collections.OrderedDict((i, [i]) for i in range(50)), collections.OrderedDict(), collections.defaultdict(list, a=[1]), collections.Counter("abca"),
         collections.ChainMap({1: 2}), types.MappingProxyType({1: 2}), types.SimpleNamespace(a=1), array.array("d", range(20)), array.array("b")]
keep[-9].extra = [1]
g = generator(1); next(g); unstarted = generator(2); done = (i for i in ()); list(done)
co = coroutine(); ag = asynchronous(); keep += [g, unstarted, done, co, ag]
try: raise Error("x") from ValueError("cause")
except Error as e: keep.append(e)
keep[-1].add_note("note")  # since 3.11
try: open("/nowhere")
except OSError as e: keep.append(e)
keep += [weakref.ref(keep[0]) if False else weakref.ref(WithMeta), weakref.WeakValueDictionary(a=WithMeta), weakref.proxy(WithMeta, print)]
keep += [property(len), classmethod(len), staticmethod(len), super(Child, keep[1]), "a".join, [].append, keep[0].__init__, int.__add__, (1).__add__,
         dict.fromkeys, Slots.a, types.FunctionType.__code__, functools.partial(print, 1, sep=[2]), functools.partialmethod(print), typing.List[int],
         itertools.count(5), itertools.chain([1], [2]), zip([1]), map(len, []), enumerate([1]), reversed([1]), iter([]), iter(()), iter({}), iter({1}),
         iter("a"), iter(range(3)), {1: 2}.keys(), {1: 2}.values(), {1: 2}.items(), memoryview(b"abc"), itertools.product([1], [2]), filter(None, [])]
keep += [io.BytesIO(b"abc"), io.StringIO("abc"), open(os.devnull), open(os.devnull, "rb"), open(os.devnull, "wb"), re.compile("(a)|b"), re.match("a", "a"),
         struct.Struct("ihd"), datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(1), decimal.Decimal("1." + "2" * 200), decimal.Decimal(1),
         random.Random(1), queue.Queue(), threading.Lock(), threading.RLock(), threading.local(), socket.socket(),
         json.JSONDecoder(), json.JSONEncoder(), logging.getLogger("x")]
keep += [contextvars.ContextVar("v", default=[1]), contextvars.copy_context(), queue.SimpleQueue()]  # since 3.7
keep += [list[int], dict[str, int] | None]  # since 3.10
tree = ElementTree.fromstring("<a x='1'>" + "<b>t</b>" * 3000 + "</a>"); keep.append(tree)
[cached(i) for i in range(3000)]
frame = sys._getframe()
keep.append(types.TracebackType(None, frame, 1, 1))  # since 3.7
def finished():
    local = [1]; return sys._getframe()
keep.append(finished())
try:
    import numpy
    keep += [numpy.zeros(10), numpy.zeros((3, 4))[1:], numpy.array([[1], "a"], dtype=object), numpy.float64]
except ImportError: pass
for name in ("tm", "flags"): keep.append(__import__("time").localtime() if name == "tm" else sys.flags)
[oracle.static_length(()) for i in range(2000)]  # until 3.10
gc.collect(); gc.disable()
order = oracle.closure()
before = {id(o): len(o) for o in order if type(o) in (dict, set, list)}
take()
answers = oracle.described(order)
changed = [id(o) for o in order if type(o) in (dict, set, list) and len(o) != before[id(o)]]  # caches, by asking
tell("mine", [id(o) for o in (globals(), order, told, take, frame)] + changed)
tell("answers", {str(k): v for k, v in answers.items()})
"""


# The same in Python 2, with its own kinds.
PROGRAM_2 = """
import array, cPickle, cStringIO, collections, ctypes, datetime, decimal, functools, io, itertools, json, logging.handlers, mmap, operator
import os, Queue, random, re, socket, sqlite3, StringIO, struct, threading, types, urllib2, weakref
import xml.etree.cElementTree as ElementTree
import oracle

class Old:
    def __init__(self, n): self.n, self.text, self.me = n, "t%d" % n, self
class OldChild(Old, Queue.Queue):
    def __getattr__(self, name): raise AttributeError(name)
class WithLength:
    def __len__(self): return 5
class Slots(object):
    __slots__ = ("a", "__private", "b")
    def __init__(self): self.a, self.__private = [1], (2,)
class Child(Slots): __slots__ = ("c", "__dict__", "__weakref__")
class Plain(object):
    def __init__(self, n): self.n, self.text, self.me = n, "t%d" % n, self
class Mixed(Plain, Old): pass
class Text(str): pass
class Wide(unicode): pass
class Number(int): pass
class Long(long): pass
class Dict(dict): pass
class List(list): pass
class Tuple(tuple): pass
class Set(set): pass
class File(file): pass
class Meta(type):
    def method(cls): return cls
class WithMeta(object): __metaclass__ = Meta; x = 1
class Error(Exception): pass
Point = collections.namedtuple("Point", "x y")
def generator(n):
    x = [n]
    while True: yield x
def outer(a, k=3):
    b = [a]
    def inner(d=b): return a, b, inner
    return inner
keep = [Slots(), Child(), Text("a"), Text("b" * 40), Wide(u"b" * 40), Number(10), Long(10 ** 40), Dict(a=1), List([1, 2]), Tuple((1, [2])),
        Set([1, 2]), WithMeta(), Meta, Error(1, [2]), Point(1, [2]), outer(1), outer(2), Old, OldChild, WithLength(), Mixed(1)]
keep[1].extra = []; keep[2].attr = 1; keep[4].attr = 1; keep[7].y = 2
for i in range(100): keep.append(Plain(i)); keep.append(Old(i))
keep[-1].other = []; keep[-2].other = []; del keep[-4].text
keep += ["", "ascii", "\xe4", u"", u"ascii", u"\u1234", u"\U00012345", "x" * 1000, u"x" * 1000, bytearray(), bytearray(b"x" * 99), 0, -1, 2 ** 30, 2 ** 62,
         -2 ** 100, 0L, 5L, 1.5, 1j, True, None, Ellipsis, NotImplemented, xrange(5), xrange(3, 100, 7), slice(1, [2]), (), ((), ((1,),)), frozenset(), frozenset([1, "a"])]
encoded = u"".join([u"app", u"end"]); getattr(keep, encoded)(encoded)
big = bytearray(b"abc") * 10; big += b"d" * 7; keep.append(big); grown = []
for i in range(50): grown.append(i)
keep += [grown, set(range(1000)), {i: str(i) for i in range(2000)}, dict.fromkeys("abc"), {(1, 2): [3]}, {}, {1: {2: {3: {}}}}, {u"a": 1, "b": 2}]
emptied = {i: i for i in range(100)}; [emptied.pop(i) for i in range(99)]; keep.append(emptied)
keep += [collections.deque(range(n)) for n in (0, 1, 61, 62, 63, 500)] + [collections.deque([1], 5)]
rotated = collections.deque(range(100)); rotated.rotate(30); rotated.popleft(); keep.append(rotated)
keep += [collections.OrderedDict((i, [i]) for i in range(50)), collections.OrderedDict(), collections.defaultdict(list, a=[1]), collections.Counter("abca"),
         array.array("d", range(20)), array.array("b")]
g = generator(1); next(g); unstarted = generator(2); done = (i for i in ()); list(done); keep += [g, unstarted, done]
try: raise Error("x")
except Error as e: keep.append(e)
try: open("/nowhere")
except IOError as e: keep.append(e)
try: u"\xe4".encode("ascii")
except UnicodeError as e: keep.append(e)
keep += [weakref.ref(WithMeta), weakref.ref(Old), weakref.WeakValueDictionary(a=WithMeta), weakref.proxy(WithMeta, len)]
keep += [property(len), classmethod(len), staticmethod(len), super(Child, keep[1]), "a".join, [].append, keep[0].__init__, Plain.__init__, Old.__init__, Old(5).__init__,
         int.__add__, (1).__add__, dict.fromkeys, Slots.a, types.FunctionType.func_code, functools.partial(max, 1, key=[2]), Slots.__dict__,
         itertools.count(5), itertools.chain([1], [2]), itertools.izip([1]), itertools.imap(len, []), enumerate([1]), reversed([1]), iter([]), iter(()), iter({}),
         iter(set([1])), iter("a"), iter(xrange(3)), {1: 2}.viewkeys(), {1: 2}.viewvalues(), {1: 2}.viewitems(), memoryview(b"abc"), buffer("abc"), buffer("abc", 1),
         itertools.product([1], [2]), itertools.permutations([1, 2]), operator.itemgetter("a", [1]), operator.attrgetter("a"), operator.methodcaller("a", [1])]
keep += [io.BytesIO(b"abc"), io.StringIO(u"abc"), io.open(os.devnull), io.open(os.devnull, "rb"), io.open(os.devnull, "wb"), open(os.devnull), File(os.devnull),
         re.compile("(a)|b"), re.compile("(?P<name>a)"), re.match("a", "a"), re.finditer("a", "aa"), struct.Struct("ihd"), cStringIO.StringIO("abc"), cStringIO.StringIO(),
         StringIO.StringIO("abc"), cPickle.Pickler(cStringIO.StringIO()), datetime.datetime.now(), datetime.timedelta(1), decimal.Decimal(1), random.Random(1),
         Queue.Queue(), threading.Lock(), threading.RLock(), threading.local(), socket.socket(), json.JSONDecoder(), json.JSONEncoder(), logging.getLogger("x"),
         sqlite3.connect(":memory:"), mmap.mmap(-1, 100), urllib2.Request("http://a"), os.stat("/"), __import__("time").localtime(), sys.flags, sys.float_info]
class Zone(datetime.tzinfo):
    def utcoffset(self, moment): return datetime.timedelta(0)
    dst = utcoffset
keep += [datetime.datetime.now(Zone()), datetime.time(1, tzinfo=Zone())]
keep[-1].tzinfo.x = [1]
tree = ElementTree.fromstring("<a x='1'>" + "<b>t</b>" * 3000 + "</a>"); keep.append(tree)
class Point2(ctypes.Structure): _fields_ = [("x", ctypes.c_int)]
keep += [Point2(1), (Point2 * 3)(), ctypes.pointer(Point2(2)), ctypes.create_string_buffer(b"abc"), ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)]
frame = sys._getframe()
def finished():
    local = [1]; return sys._getframe()
keep.append(finished())
def failed():
    inside = [2]; raise Error("y")
try: failed()
except Error: keep.append(sys.exc_info())
sys.exc_clear()
[oracle.static_length(()) for i in range(2000)]
gc.collect(); gc.disable()
order = oracle.closure()
before = {id(o): len(o) for o in order if type(o) in (dict, set, list)}
take()
answers = oracle.described(order)
changed = [id(o) for o in order if type(o) in (dict, set, list) and len(o) != before[id(o)]]  # caches, by asking
tell("mine", [id(o) for o in (globals(), order, told, take, frame)] + changed)
tell("answers", {str(k): v for k, v in answers.items()})
"""


@interpreters.for_each()
class Complete(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.snapshot, told, _ = cls.run_program(PROGRAM if cls.number[0] >= 3 else PROGRAM_2)
        cls.answers = {int(k): v for k, v in told["answers"].items()}
        cls.mine = set(told["mine"])

    def each(self):
        """(address, what the oracle says, what the file has) of every object, but for those that asking changed."""
        for k, said in self.answers.items():
            if k in self.snapshot.objects and k not in self.mine:
                yield k, said, self.snapshot.objects[k]

    def named(self, address):
        return self.answers[address][4] if address in self.answers else hex(address)

    def test_every_object_the_oracle_reaches_is_in_the_file(self):
        missing = collections.defaultdict(list)
        for k, said in self.answers.items():
            if k not in self.snapshot.objects:
                missing[said[4]].append(hex(k))
        self.assert_none(missing)
        self.assertGreater(len(self.answers), 20000)

    def test_every_type_is_that_of_the_object(self):
        for k, said, o in self.each():
            self.assertEqual(o.type, said[0])
            self.assertIn(o.type, self.snapshot.types)

    def test_every_size_is_what_sys_getsizeof_says(self):
        wrong = collections.defaultdict(list)
        for k, (_, size, _, _, name, is_type), o in self.each():
            have = o.size
            if is_type:  # its shared key table is an object of its own in the file
                have += sum(self.snapshot.objects[r.target].size for r in o.refs if r.kind == FIELD and r.label == "keys")
            if size is not None and have != size:
                wrong[name].append("%d said, %d in the file" % (size, have))
        self.assert_none(wrong)

    def test_every_length_is_what_len_says_and_nothing_else_has_one(self):
        wrong = collections.defaultdict(list)
        for k, (_, _, length, _, name, _), o in self.each():
            have = o.length if o.flags & LENGTH else None
            if have != length and not (have is None and name.startswith(self.NO_LENGTH)):
                wrong[name].append("%s said, %s in the file" % (length, have))
        self.assert_none(wrong)

    # C code that computes its length.
    NO_LENGTH = ("numpy.", "abc.SignalDict", "_queue.SimpleQueue", "ctypes.", "__main__.Point2_Array")

    # Asking them for their references, sizes or lengths gave them another.
    CHANGED_BY_ASKING = ("_abc._abc_data", "_sitebuiltins._Printer", "builtins.set", "builtins.frame")

    def test_every_reference_that_tp_traverse_visits_is_there(self):
        wrong = collections.defaultdict(list)
        for k, (_, _, _, targets, name, _), o in self.each():
            missing = collections.Counter(targets) - collections.Counter(r.target for r in o.refs if r.kind != WEAK)
            if missing and name not in self.CHANGED_BY_ASKING:
                wrong[name].append("to %s" % ", ".join(map(self.named, missing)))
        self.assert_none(wrong)

    def test_no_reference_is_counted_twice(self):
        """What is there beyond tp_traverse is what docs/capture.md lists: keys, code, types, names, tables of keys, and
        (3.12 on) the code of a generator that is done, (3.13) the dict of an instance whose values are in the instance."""
        extra = collections.defaultdict(list)
        for k, (_, _, _, targets, name, is_type), o in self.each():
            if not targets and not self.since(3):  # many kinds that refer to objects have no tp_traverse in Python 2
                continue
            left = collections.Counter(targets)
            for r in o.refs:
                if r.kind == WEAK:
                    continue
                if left[r.target] > 0:
                    left[r.target] -= 1
                elif r.kind != KEY and not is_type:
                    extra[name, r.label if isinstance(r.label, str) else r.kind].append("to %s" % self.named(r.target))
        self.assert_none({k: n for k, n in extra.items()
                          if not k[0].startswith(("builtins.code", "builtins.range", "numpy.", "datetime.", "_abc._abc_data", "builtins._abc_data", "_sitebuiltins._Printer", "__main__.File"))
                          and not (k[1] == "__dict__" and self.since(3, 13))
                          and k[1] not in ("gi_code", "__name__", "__qualname__", "keys", "__class__") and k != ("builtins.dict", VALUE)
                          # Before 3.8 an OrderedDict does not visit the keys that its nodes hold.
                          and (self.since(3, 8) or k != ("collections.OrderedDict", INDEX))
                          # Nor a tuple with names the items that len() does not count.
                          and (self.since(3, 8) or k[0] not in ("time.struct_time", "os.stat_result"))
                          # Nor does the collector know of patterns and matches before 3.10.
                          and (self.since(3, 10) or not k[0].startswith(("_sre.", "re.")))})

    def test_every_target_of_a_reference_is_in_the_file(self):
        dangling = collections.defaultdict(list)
        for o in self.snapshot.objects.values():
            for r in o.refs:
                if r.target not in self.snapshot.objects and r.kind != WEAK:
                    dangling[self.snapshot.type_name(o.id)].append("%s %s to %s" % (r.kind, r.label, self.named(r.target)))
        self.assert_none(dangling)

    def test_counted_references_are_never_more_than_the_refcount(self):
        counted = collections.Counter(r.target for o in self.snapshot.objects.values() for r in o.refs if r.kind != WEAK)
        wrong = collections.defaultdict(list)
        for o in self.snapshot.objects.values():
            if o.flags & (PSEUDO | IMMORTAL) or o.id not in self.answers or self.answers[o.id][5]:
                continue
            if counted[o.id] > o.refcount:
                wrong[self.snapshot.type_name(o.id)].append("%d counted, refcount %d" % (counted[o.id], o.refcount))
        # The interned dict's references do not count, nor do those of deep-frozen tuples to what is static.
        wrong.pop("str", None)
        wrong.pop("bool", None)
        self.assert_none(wrong)


if __name__ == "__main__":
    unittest.main()
