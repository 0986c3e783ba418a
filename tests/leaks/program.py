"""One generated program of the corpus, and what a generator draws it from.

A generator (leaking.py, clean.py) is a function of a Draw: it takes names, item types, sizes and rates from it and
returns a Program. The seed alone decides, so a program is the same text on every run and every machine.

The program does work, takes four snapshots (one after its warm-up, three after equal work each) and ends. Beside
the leak it has a load of noise, that is drawn as well. What leaks is said in `leaks`, for the harness; the
program's text does not say it: nothing of it is named after what it does wrong."""
import collections
import random
import string
import textwrap

INTERVALS = 3

# What the harness expects of a verdict. points: any of these sets of words, all of them in what the verdict says of
# the place (identifiers, whole, in whatever syntax the path is written); types: any of them is what it says piles up.
Leak = collections.namedtuple("Leak", "points types")
# also: what else may be named as well, because it does grow (a thread's entry in two tables of threading).
Program = collections.namedtuple("Program", "name seed source leaks also since until")
Item = collections.namedtuple("Item", "define make types")

NOUNS = """accounts alarms albums answers appointments articles assets baskets batches bills bookings bookmarks branches
bundles cameras captures cards carriers charges chapters claims clients comments contacts contracts coupons courses
customers deliveries deposits devices digests documents drafts drivers editors emails employees exams exports feeds fields
fills flights folders forecasts frames goods grades grants guests hotels images imports incidents invoices issues journeys
labels lessons letters lights loans locations machines manuals markets matches meetings members menus messages meters
notes offers officers orders packets pages pallets parcels passes patients payments permits photos pictures pilots plans
players policies posts prices prints problems projects quotes races readings receipts refunds regions rentals replies
reports reviews rides rooms rounds routes samples schedules scores seats sensors servers shares shifts ships shipments
signals sites skills spaces stages stations stories streams suppliers surveys switches teams tickets tours tracks trades
trains transfers trips trucks tutors uploads vehicles vendors videos visits vouchers wagons wells windows zones""".split()
PLACES = """shelf cabinet drawer annex basement pantry attic depot hangar barn silo vault locker closet garage dock
harbour stable cellar warehouse loft shed yard gallery hall office studio library counter desk rack bench""".split()


class Draw(random.Random):
    def __init__(self, kind, name, seed):
        super().__init__("%s %s %d" % (kind, name, seed))
        self.program, self.number_of_program = name, seed
        self.nouns, self.places = NOUNS[:], PLACES[:]
        self.shuffle(self.nouns)
        self.shuffle(self.places)
        # How much goes on beside the leak, and how large the heap is that does not move
        self.load, self.still = self.choice((0, 1, 2, 4)), self.choice((0, 0, 500, 3000))

    def noun(self):
        return self.nouns.pop()

    def place(self):
        return self.places.pop()

    def cls(self):
        noun = self.noun()
        return (noun[:-3] + "y" if noun.endswith("ies") else noun[:-1]).capitalize() + self.choice(("", "", "Item", "Entry", "Record"))

    def bytes(self):
        return self.choice((24, 80, 200, 700, 2000))

    def text(self, template, **names):
        return string.Template(textwrap.dedent(template)).substitute(names)

    def item(self, *kinds):
        """Something that a program makes many of: `make` is the expression for the n-th."""
        kind = self.choice(kinds or ("object", "object", "slots", "dict", "tuple", "bytearray", "str", "nested", "named"))
        names = {"cls": self.cls(), "make": self.choice(("read", "parse", "fetch", "open", "new")) + "_" + self.noun(), "bytes": self.bytes(),
                 "a": self.noun(), "b": self.noun(), "c": self.noun(), "parts": self.randint(2, 5)}
        make = "%(make)s(n)" % names
        if kind == "object":
            return Item(self.text("""
                class $cls(object):
                    def __init__(self, n):
                        self.$a = n
                        self.$b = "%d" % n + "b" * $bytes
                        self.$c = [n + 1, n + 2]
                def $make(n):
                    return $cls(n)
                """, **names), make, (names["cls"],))
        if kind == "slots":
            return Item(self.text("""
                class $cls(object):
                    __slots__ = ("$a", "$b", "__weakref__")
                    def __init__(self, n):
                        self.$a = n
                        self.$b = ("%d" % n).encode() + b"b" * $bytes
                def $make(n):
                    return $cls(n)
                """, **names), make, (names["cls"],))
        if kind == "nested":
            return Item(self.text("""
                class $cls(object):
                    def __init__(self, n):
                        self.$a = [{"$b": n + i, "$c": str(n) * 3} for i in range($parts)]
                def $make(n):
                    return $cls(n)
                """, **names), make, (names["cls"],))
        if kind == "named":
            return Item(self.text("""
                $cls = collections.namedtuple("$cls", "$a $b")
                def $make(n):
                    return $cls(n, "%d" % n + "b" * $bytes)
                """, **names), make, (names["cls"],))
        if kind == "dict":
            return Item(self.text("""
                def $make(n):
                    return {"$a": n, "$b": "%d" % n + "b" * $bytes, "$c": (n, n + 1)}
                """, **names), make, ("dict",))
        if kind == "tuple":
            return Item(self.text("""
                def $make(n):
                    return (n, "%d" % n + "b" * $bytes, n + 0.5)
                """, **names), make, ("tuple",))
        if kind == "bytearray":
            return Item(self.text("""
                def $make(n):
                    return bytearray(b"%d" % n + b"b" * $bytes)
                """, **names), make, ("bytearray",))
        if kind == "list":
            return Item(self.text("""
                def $make(n):
                    return [n, "%d" % n + "b" * $bytes]
                """, **names), make, ("list",))
        assert kind == "str", kind
        return Item(self.text("""
            def $make(n):
                return "%d" % n + "b" * $bytes
            """, **names), make, ("str",))

    def levels(self, least, most):
        """A size at each snapshot that goes up and down. All of them in rising order would be growth to any observer."""
        while True:
            levels = [self.randint(least, most) for _ in range(INTERVALS + 1)]
            if any(before > after for before, after in zip(levels, levels[1:])):
                return levels

    def noise(self):
        """(definitions, one round of it): comes and goes, fills up once, or swings; never grows for good."""
        item, name, other, cls = self.item(), self.noun(), self.noun(), self.cls()
        names = {"make": item.make, "name": name, "other": other, "cls": cls, "many": self.choice((20, 100, 400)), "step": "go_over_" + name}
        define, define_item = self.choice(NOISES), item.define
        if "$levels" in define:
            levels = self.levels(names["many"] // 4, names["many"] * 2)
            names["levels"] = levels[:-1] + levels[:1]  # from end to end it sets nothing off against a leak
        return define_item + self.text(define, **names), names["step"] + "()\n"

    def stillness(self):
        """A part of the heap that is built once."""
        if not self.still:
            return ""
        item, name = self.item(), self.noun()
        return item.define + self.text("$name = [$make for n in range($many)]\n", name=name, make=item.make, many=self.still)

    def write(self, define, step, leaks=(), also=(), before="", rounds=None, warm=None, times=None, since=(3, 6), until=(9,), noise=True):
        """define: definitions; step: statements, with n a number that is new each time, done `times` a round."""
        rounds, times = rounds or self.randint(4, 10), times or self.choice((15, 40, 120))
        noises = [self.noise() for _ in range(self.load if noise else 0)]
        source = PROLOGUE + before + self.stillness() + "".join(d for d, _ in noises) + textwrap.dedent(define) + self.text("""
            def work():
                for _ in range($times):
                    n = next(serial)
            $step
            $noise

            ROUNDS = $rounds
            def main():
                for interval in range(len(ROUNDS)):
                    for _ in range(ROUNDS[interval]):
                        work()
                    phase[0] += 1
                    heaptrail.snapshot(sys.argv[1] % interval)

            if __name__ == "__main__":
                main()
                sys.stdout.flush()
                os._exit(0)
            """, times=times, step=textwrap.indent(textwrap.dedent(step).strip("\n"), " " * 8), noise=textwrap.indent("".join(s for _, s in noises), " " * 4),
            rounds=(warm or self.randint(2, 6),) + INTERVALS * (rounds,))
        return Program(self.program, self.number_of_program, source, tuple(leaks), tuple(also), since, until)


PROLOGUE = """\
import collections, gc, itertools, json, os, random, sys, threading, time, weakref
import heaptrail
random.seed(int(sys.argv[2]))
serial = itertools.count(100000)
phase = [0]  # snapshots taken
"""

NOISES = (
    # temporary text
    """
    def $step():
        text = " ".join(str(i) for i in range($many))
        return len(text.split())
    """,
    # a cache of fixed size whose values are replaced
    """
    $name = {}
    def $step():
        for key in range($many):
            n = next(serial)
            $name["key-%d" % key] = $make
    """,
    # the last so many
    """
    $name = collections.deque(maxlen=$many)
    def $step():
        for _ in range($many):
            n = next(serial)
            $name.append($make)
    """,
    # up and down
    """
    $name = []
    def $step():
        del $name[:]
        for _ in range($levels[phase[0]]):
            n = next(serial)
            $name.append($make)
    """,
    # from one to the other and back, at random
    """
    $name, $other = {}, []
    for n in range($many):
        $name[n] = $make
    def $step():
        for _ in range(random.randrange($many)):
            if $name:
                $other.append($name.popitem())
        random.shuffle($other)
        for _ in range(random.randrange(len($other) + 1)):
            key, value = $other.pop()
            $name[key] = value
    """,
    # cycles for the collector
    """
    class $cls(object):
        pass
    def $step():
        for _ in range($many):
            one = $cls()
            one.other = [one]
    """,
    # text in and out
    """
    def $step():
        parsed = json.loads(json.dumps([{"number": i, "name": "n%d" % i} for i in range($many)]))
        return len(parsed)
    """,
    # all of it replaced at once, as many as before
    """
    $name = []
    def $step():
        global $name
        $name = [$make for n in range(next(serial), next(serial) + $many)]
    """,
)
