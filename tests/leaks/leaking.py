"""Programs that leak, one generator a kind. What each leaks and where is in its Leak, in the order of size."""
from program import Leak

GENERATORS = []


def leaking(generator):
    GENERATORS.append(generator)
    return generator


# One container

@leaking
def global_list(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = []\n" % name, "%s.append(%s)" % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def global_dict(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = {}\n" % name, "%s[n] = %s" % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def global_set(d):
    item, name = d.item("object", "slots", "tuple", "str", "named"), d.noun()
    return d.write(item.define + "%s = set()\n" % name, "%s.add(%s)" % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def global_deque(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = collections.deque()\n" % name, "%s.appendleft(%s)" % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def ordered_dict(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = collections.OrderedDict()\n" % name, '%s["%%x" %% n] = %s' % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def default_dict_of_lists(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = collections.defaultdict(list)\n" % name, "%s[n // 2].append(%s)" % (name, item.make),
                   [Leak([(name,)], item.types + ("list",))])


@leaking
def attribute_of_object(d):
    item, name, attribute, cls = d.item(), d.place(), d.noun(), d.cls()
    return d.write(item.define + d.text("""
        class $cls(object):
            def __init__(self):
                self.$attribute = $empty
                self.size = 0
            def add(self, n):
                self.size += 1
                self.$attribute$add
        $name = $cls()
        """, cls=cls, attribute=attribute, name=name, **d.choice(({"empty": "[]", "add": ".append(%s)" % item.make},
                                                               {"empty": "{}", "add": "[n] = " + item.make}))),
                   "%s.add(n)" % name, [Leak([(attribute,)], item.types)])


@leaking
def buffer_in_a_dict(d):
    item, name, attribute, key, cls, keep = d.item(), d.place(), d.noun(), d.noun(), d.cls(), d.cls()
    return d.write(item.define + d.text("""
        class $keep(object):
            def __init__(self):
                self.$attribute = {"total": 0, "since": time.time(), "$key": []}
            def write(self, one):
                pass
            def add(self, one):
                self.$attribute["$key"].append({"call": self.write, "args": (one,)})
                self.$attribute["total"] += 1
                if self.$attribute["total"] > 50:
                    for job in self.$attribute["$key"][-50:]:
                        job["call"](*job["args"])
                    self.$attribute["total"] = 0
        class $cls(object):
            def __init__(self):
                self.writer = $keep()
        $name = $cls()
        """, keep=keep, cls=cls, attribute=attribute, key=key, name=name),
                   "%s.writer.add(%s)" % (name, item.make), [Leak([(key,)], item.types + ("dict",))])


@leaking
def slot_of_object(d):
    item, name, attribute, cls = d.item(), d.place(), d.noun(), d.cls()
    return d.write(item.define + d.text("""
        class $cls(object):
            __slots__ = ("$attribute", "opened")
            def __init__(self):
                self.opened, self.$attribute = 1, {}
        $name = {"first": $cls(), "second": $cls()}
        """, cls=cls, attribute=attribute, name=name), '%s["second"].%s[n] = %s' % (name, attribute, item.make), [Leak([(name, attribute)], item.types)])


@leaking
def class_attribute(d):
    item, attribute, cls = d.item(), d.noun(), d.cls()
    return d.write(item.define + d.text("""
        class $cls(object):
            $attribute = []
            def visit(self, n):
                self.$attribute.append($make)
        """, cls=cls, attribute=attribute, make=item.make), "%s().visit(n)" % cls, [Leak([(cls, attribute)], item.types)])


@leaking
def closure_cell(d):
    item, name, attribute, function = d.item(), d.noun(), d.noun(), "make_" + d.noun()
    return d.write(item.define + d.text("""
        def $function():
            $attribute = []
            def visit(one):
                $attribute.append(one)
                return len($attribute)
            return visit
        $name = $function()
        """, function=function, attribute=attribute, name=name), "%s(%s)" % (name, item.make), [Leak([(name,), (attribute,)], item.types)])


@leaking
def default_argument(d):
    item, name, argument = d.item(), "handle_" + d.noun(), d.noun()
    return d.write(item.define + d.text("""
        def $name(one, $argument=[]):
            $argument.append(one)
            return len($argument)
        """, name=name, argument=argument), "%s(%s)" % (name, item.make), [Leak([(name,), (argument,)], item.types)])


@leaking
def local_of_main(d):
    """The container is a local variable of a function that never returns."""
    item, name, function = d.item(), d.noun(), "serve_" + d.noun()
    return d.write(item.define + d.text("""
        def $function():
            $name = []
            while True:
                n = yield
                $name.append($make)
        running = $function()
        next(running)
        """, name=name, function=function, make=item.make), "running.send(n)", [Leak([(name,)], item.types)])


@leaking
def attributes_without_end(d):
    item, name, cls = d.item(), d.place(), d.cls()
    return d.write(item.define + d.text("""
        class $cls(object):
            pass
        $name = $cls()
        """, name=name, cls=cls), 'setattr(%s, "at_%%d" %% n, %s)' % (name, item.make), [Leak([(name,)], item.types)], times=15)


@leaking
def heap_of_cancelled_timers(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        import heapq
        class $cls(object):
            def __init__(self, due):
                self.due, self.cancelled, self.state = due, False, bytes($bytes)
            def __lt__(self, other):
                return self.due < other.due
        $name = []
        """, name=name, cls=cls, bytes=d.bytes()), d.text("""
        timer = $cls(n + random.randrange(10 ** 9))
        heapq.heappush($name, timer)
        timer.cancelled = True
        """, name=name, cls=cls), [Leak([(name,)], (cls,))])


@leaking
def queue_without_consumer(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "import queue\n%s = queue.Queue()\n" % name, "%s.put(%s)" % (name, item.make), [Leak([(name,)], item.types)])


@leaking
def thread_local_list(d):
    item, name, attribute = d.item(), d.place(), d.noun()
    return d.write(item.define + d.text("""
        $name = threading.local()
        $name.$attribute = []
        """, name=name, attribute=attribute), "%s.%s.append(%s)" % (name, attribute, item.make), [Leak([(attribute,)], item.types)])


# Several together

@leaking
def list_and_dict(d):
    item, name, other = d.item(), d.noun(), d.noun()
    return d.write(item.define + "%s, %s = [], {}\n" % (name, other), d.text("""
        one = $make
        $name.append(one)
        $other[n] = one
        """, name=name, other=other, make=item.make), [Leak([(name,), (other,)], item.types)])


@leaking
def three_indexes(d):
    item, name, first, second, third = d.item("object", "slots", "named"), d.place(), d.noun(), d.noun(), d.noun()
    return d.write(item.define + d.text("""
        class Index(object):
            def __init__(self):
                self.$first, self.$second, self.$third = {}, {}, set()
            def add(self, n):
                one = $make
                self.$first[n] = self.$second["%d" % n] = one
                self.$third.add(one)
        $name = Index()
        """, name=name, first=first, second=second, third=third, make=item.make), "%s.add(n)" % name,
                   [Leak([(first,), (second,), (third,)], item.types)])


@leaking
def parents_and_children(d):
    """Each is held by a table and by its parent, whose children are held by the table as well."""
    name, cls, attribute = d.noun(), d.cls(), d.noun()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n, parent):
                self.number, self.parent, self.$attribute = n, parent, []
                if parent is not None:
                    parent.$attribute.append(self)
        $name = {}
        """, name=name, cls=cls, attribute=attribute), '%s[n] = %s(n, %s.get(n - random.randrange(1, 9)))' % (name, cls, name), [Leak([(name,)], (cls,))])


# Spread over many small ones

@leaking
def many_small_lists(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = {number: [] for number in range(%d)}\n" % (name, d.choice((1000, 2500))),
                   "random.choice(%s).append(%s)" % (name, item.make), [Leak([(name,)], item.types)], times=120, rounds=10)


@leaking
def many_small_dicts(d):
    item, name, cls, attribute = d.item(), d.place(), d.cls(), d.noun()
    return d.write(item.define + d.text("""
        class $cls(object):
            def __init__(self, number):
                self.number, self.$attribute = number, {}
        $name = [$cls(number) for number in range($many)]
        """, name=name, cls=cls, attribute=attribute, many=d.choice((1000, 2500))),
                   "random.choice(%s).%s[n] = %s" % (name, attribute, item.make), [Leak([(attribute,), (cls,)], item.types)], times=120, rounds=10)


@leaking
def many_small_sets(d):
    name, cls, attribute = d.place(), d.cls(), d.noun()
    return d.write(d.text("""
        class $cls(object):
            __slots__ = ("number", "$attribute")
            def __init__(self, number):
                self.number, self.$attribute = number, set()
        $name = {number: $cls(number) for number in range($many)}
        """, name=name, cls=cls, attribute=attribute, many=d.choice((1000, 2000))),
                   'random.choice(%s).%s.add("%%d" %% n)' % (name, attribute), [Leak([(attribute,), (cls,)], ("str", "set"))], times=120, rounds=10)


# Linked lists

@leaking
def singly_linked_slots(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        class $cls(object):
            __slots__ = ("value", "next")
            def __init__(self, value, next):
                self.value, self.next = value, next
        $name = None
        def push(n):
            global $name
            $name = $cls(n, $name)
        """, name=name, cls=cls), "push(n)", [Leak([(name,)], (cls,))])


@leaking
def singly_linked_tail(d):
    name, cls, keeper, item = d.place(), d.cls(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        class $cls(object):
            def __init__(self, value):
                self.value, self.after = value, None
        class $keeper(object):
            def __init__(self):
                self.first = self.last = $cls(None)
            def add(self, value):
                one = $cls(value)
                self.last.after = one
                self.last = one
        $name = $keeper()
        """, name=name, cls=cls, keeper=keeper),
                   "%s.add(%s)" % (name, item.make), [Leak([(name,)], (cls,) + item.types)])


@leaking
def doubly_linked_slots(d):
    name, cls, keeper = d.place(), d.cls(), d.cls()
    return d.write(d.text("""
        class $cls(object):
            __slots__ = ("value", "before", "after")
        class $keeper(object):
            def __init__(self):
                self.head = self.tail = None
            def add(self, n):
                one = $cls()
                one.value, one.before, one.after = n, self.tail, None
                if self.tail is None:
                    self.head = one
                else:
                    self.tail.after = one
                self.tail = one
        $name = $keeper()
        """, name=name, cls=cls, keeper=keeper), "%s.add(n)" % name, [Leak([(name,)], (cls,))])


@leaking
def doubly_linked_ring(d):
    name, cls, item = d.place(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        class $cls(object):
            def __init__(self, value):
                self.value, self.before, self.after = value, self, self
            def insert(self, value):
                one = $cls(value)
                one.before, one.after = self.before, self
                self.before.after = one
                self.before = one
        $name = $cls(None)
        """, name=name, cls=cls), "%s.insert(%s)" % (name, item.make), [Leak([(name,)], (cls,) + item.types)])


@leaking
def errors_chained(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        class $cls(Exception):
            pass
        $name = None
        def fail(n):
            global $name
            try:
                raise $cls("%d" % n) from $name
            except $cls as error:
                error.__traceback__ = None
                $name = error
        """, name=name, cls=cls), "fail(n)", [Leak([(name,)], (cls,))])


@leaking
def handler_wrapped_again(d):
    name, wrap = "handle_" + d.noun(), "with_" + d.noun()
    return d.write(d.text("""
        def $wrap(function, n):
            seen = bytes($bytes)
            def wrapped(*args):
                return function if n > 0 and seen else None
            return wrapped
        def $name(*args):
            return args
        def install(n):
            global $name
            $name = $wrap($name, n)
        """, name=name, wrap=wrap, bytes=d.bytes()), "install(n)", [Leak([(name,), (wrap,)], ("function", "cell", "tuple", "bytes"))])


@leaking
def scopes_nested(d):
    name = d.noun()
    return d.write("%s = None\n" % name, d.text("""
        globals()["$name"] = (globals()["$name"], {"n": n, "text": "%d" % n})
        """, name=name), [Leak([(name,)], ("tuple", "dict"))])


# Without a known referrer

@leaking
def held_from_c(d):
    item = d.item("object", "slots", "nested", "list")
    return d.write("import ctypes\n" + item.define, "ctypes.pythonapi.Py_IncRef(ctypes.py_object(%s))" % item.make,
                   [Leak([("c", "code"), ("C", "code"), ("referrer",)], item.types)])


@leaking
def held_from_c_with_contents(d):
    """What C holds is a container full of other things; none of it is in any root."""
    item = d.item("object", "nested", "dict", "named")
    return d.write("import ctypes\n" + item.define, "ctypes.pythonapi.Py_IncRef(ctypes.py_object([%s, %s]))" % (item.make, item.make),
                   [Leak([("c", "code"), ("C", "code"), ("referrer",)], item.types + ("list",))])


@leaking
def cycles_without_collector(d):
    cls, bytes = d.cls(), d.bytes()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n):
                self.me, self.state = self, "%d" % n + "b" * $bytes
        gc.disable()
        """, cls=cls, bytes=bytes), "%s(n)" % cls, [Leak([("collector",), ("garbage",), ("unreachable",), ("cycles",), ("cycle",)], (cls,))], noise=False)


@leaking
def saved_by_the_collector(d):
    """Up to 3.10 the list has an instance and its dict."""
    cls, bytes = d.cls(), d.bytes()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n):
                self.me, self.state = self, "%d" % n + "b" * $bytes
        gc.set_debug(gc.DEBUG_SAVEALL)
        """, cls=cls, bytes=bytes), d.text("""
        $cls(n)
        if n % 20 == 0:
            gc.collect()
        """, cls=cls), [Leak([("garbage",)], (cls, "dict"))], noise=False)


# Threads

@leaking
def blocked_threads(d):
    name, event, item = "wait_for_" + d.noun(), d.noun(), d.item()
    return d.write(item.define + d.text("""
        $event = threading.Event()
        def $name(n):
            held = [$make for _ in range(20)]
            $event.wait()
            return held
        threading.stack_size(256 * 1024)
        """, name=name, event=event, make=item.make), "threading.Thread(target=%s, args=(n,), daemon=True).start()" % name,
                   [Leak([(name,), ("threading", "_active"), ("thread",), ("threads",)], ("Thread", "list", "frame") + item.types)],
                   [Leak([("threading",), ("_active",), ("thread",), ("threads",), ("_shutdown_locks",), ("_dangling",), (name,), (event,), ("_waiters",)],
                         ("Thread", "lock", "Condition", "Event", "deque", "frame", "list", "weakref", "ReferenceType", "_ThreadHandle", "int", "str", "dict", "tuple", "method",
                          "builtin_function_or_method") + item.types)],
                   times=d.randint(3, 6), rounds=d.randint(2, 4))


@leaking
def streams_of_clients_gone(d):
    cls, attribute, stream = d.cls(), d.place(), "stream_" + d.noun()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n):
                self.$attribute, self.gate = bytearray($bytes * 30), threading.Lock()
                self.gate.acquire()
            def $stream(self):
                while True:
                    try:
                        yield self.gate.acquire()
                    except Exception:
                        pass
            def run(self):
                for _ in self.$stream():
                    pass
        threading.stack_size(256 * 1024)
        """, cls=cls, attribute=attribute, stream=stream, bytes=d.bytes()), "threading.Thread(target=%s(n).run, daemon=True).start()" % cls,
                   [Leak([(stream,), ("threading", "_active"), ("thread",), ("threads",), ("run", cls)], ("Thread", "frame", "generator", "bytearray", cls))],
                   [Leak([("threading",), ("_active",), ("thread",), ("threads",), ("_shutdown_locks",), ("_dangling",), (stream,), (cls,), ("_waiters",)],
                         ("Thread", "lock", "Condition", "Event", "deque", "frame", "list", "weakref", "ReferenceType", "_ThreadHandle", "int", "str", "dict", "tuple", "method",
                          "bytearray", "generator", "builtin_function_or_method", cls))],
                   times=d.randint(3, 6), rounds=d.randint(2, 4))


# Modules loaded again and again

def reloaded(d, register, points):
    """A module of some size is written beside the program and loaded again in each round, as a platform does that takes new code live."""
    name, function, item = d.noun(), "on_" + d.noun(), d.item()
    body = item.define + d.text("""
        table = {i: "%s %d" % (__name__, i) for i in range($many)}
        def $function(*args):
            return table
        """, many=d.choice((50, 200)), function=function) + "".join("def helper_%d(a, b=%d):\n    return a + b\n\n" % (i, i) for i in range(d.randint(3, 20))) + \
        register.replace("FUNCTION", function)
    return d.write("NEW_CODE = %r\n" % ("import collections\n" + body) + d.text("""
        import importlib
        folder = os.path.dirname(sys.argv[1])
        with open(os.path.join(folder, "$name.py"), "w") as file:
            file.write(NEW_CODE)
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        def load():
            importlib.import_module("$name")
            del sys.modules["$name"]
        """, name=name), "load()", [Leak([tuple(w.replace("FUNCTION", function) for w in point) for point in points + [(name,)]],
                                         ("function", "dict", "module", "code", "type", "str", "tuple", "Handler", name) + item.types)], times=d.randint(3, 6), rounds=d.randint(2, 5))


@leaking
def module_in_atexit(d):
    return reloaded(d, "import atexit\natexit.register(FUNCTION)\n", [("atexit",)])


@leaking
def module_in_handler(d):
    return reloaded(d, "import logging\nclass Handler(logging.Handler):\n    def emit(self, record):\n        FUNCTION()\nlogging.getLogger('app').addHandler(Handler())\n",
                    [("handlers",), ("Handler",), ("_handlerList",)])


@leaking
def module_at_fork(d):
    return reloaded(d, "import os\nos.register_at_fork(after_in_child=FUNCTION)\n", [("fork",), ("at_fork",), ("after_in_child",), ("register_at_fork",)])._replace(since=(3, 7))


@leaking
def module_in_codec_like_registry(d):
    return reloaded(d, "import copyreg\nclass Handler(object):\n    pass\ncopyreg.pickle(Handler, FUNCTION)\n", [("dispatch_table",), ("copyreg",)])


@leaking
def classes_made_at_work(d):
    name = d.noun()
    return d.write("%s = {}\n" % name, '%s["model_%%d" %% n] = type("Model%%d" %% n, (object,), {"number": n, "get": lambda self: n})' % name,
                   [Leak([(name,)], ("type", "dict", "function"))], times=15)


# Caches without a bound

@leaking
def lru_cache_without_bound(d):
    name, item = "look_up_" + d.noun(), d.item()
    return d.write(item.define + d.text("""
        import functools
        @functools.lru_cache(maxsize=None)
        def $name(n):
            return $make
        """, name=name, make=item.make), "%s(n)" % name, [Leak([(name,)], item.types)])


@leaking
def memo_of_a_decorator(d):
    memo, name, wrap, item = d.noun(), "compute_" + d.noun(), "with_" + d.noun(), d.item()
    return d.write(item.define + d.text("""
        import functools
        def $wrap(function):
            $memo = {}
            @functools.wraps(function)
            def wrapped(*args):
                if args not in $memo:
                    $memo[args] = function(*args)
                return $memo[args]
            return wrapped
        @$wrap
        def $name(n, unit):
            return $make
        """, memo=memo, name=name, wrap=wrap, make=item.make), '%s(n, "m")' % name, [Leak([(memo,), (name,)], item.types + ("tuple",))])


@leaking
def loggers_by_connection(d):
    name = d.noun()
    return d.write("import logging\n", 'logging.getLogger("%s-%%d" %% n).info("connected")' % name, [Leak([("loggerDict",)], ("Logger",))], times=15)


# Errors

@leaking
def errors_kept(d):
    name, cls, item = d.noun(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        class $cls(Exception):
            pass
        $name = []
        def process(n):
            body = [$make for _ in range(4)]
            if n > 0:
                raise $cls("%d" % n, )
            return body
        def handle(n):
            try:
                process(n)
            except $cls as error:
                $name.append(error)
        """, name=name, cls=cls, make=item.make), "handle(n)", [Leak([(name,)], (cls, "traceback", "frame") + item.types)])


@leaking
def tracebacks_kept(d):
    name, item = d.noun(), d.item()
    return d.write(item.define + d.text("""
        $name = collections.deque()
        def process(n):
            body = [$make for _ in range(4)]
            return body[n]
        """, name=name, make=item.make), d.text("""
        try:
            process(n)
        except IndexError:
            $name.append(sys.exc_info()[2])
        """, name=name), [Leak([(name,)], ("traceback", "frame") + item.types)])


# Callbacks

@leaking
def listeners_never_removed(d):
    name, cls, bus, item = d.place(), d.cls(), d.cls(), d.item()
    listeners = d.noun()
    return d.write(item.define + d.text("""
        class $bus(object):
            def __init__(self):
                self.$listeners = {"opened": [], "closed": []}
            def on(self, event, function):
                self.$listeners[event].append(function)
        class $cls(object):
            def __init__(self, n):
                self.body = $make
            def changed(self):
                return self.body
        $name = $bus()
        """, name=name, bus=bus, cls=cls, listeners=listeners, make=item.make), '%s.on("closed", %s(n).changed)' % (name, cls),
                   [Leak([(listeners,)], ("method", cls) + item.types)])


@leaking
def weak_references_pile_up(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        class $cls(object):
            pass
        def gone(reference):
            pass
        $name = {}
        """, name=name, cls=cls), d.text("""
        one = $cls()
        $name[n] = weakref.ref(one, gone)
        """, name=name, cls=cls), [Leak([(name,)], ("weakref", "ReferenceType", "int"))])


@leaking
def finalizers_of_one_that_stays(d):
    name, cls, item = d.place(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        class $cls(object):
            pass
        $name = $cls()
        def clean_up(one):
            return one
        """, name=name, cls=cls), "weakref.finalize(%s, clean_up, %s)" % (name, item.make), [Leak([("_registry",), ("finalize",)], ("finalize", "_Info") + item.types)],
        [Leak([(name,), (cls,), ("finalize",), ("_registry",)], ("finalize", "_Info", "weakref", "ReferenceType") + item.types)])


@leaking
def partials_scheduled(d):
    name, item = d.noun(), d.item()
    return d.write(item.define + d.text("""
        import functools
        $name = []
        def later(one):
            return one
        """, name=name), "%s.append(functools.partial(later, %s))" % (name, item.make), [Leak([(name,)], ("partial",) + item.types)])


# Suspended code

@leaking
def generators_never_closed(d):
    name, function, item = d.noun(), "follow_" + d.noun(), d.item()
    return d.write(item.define + d.text("""
        def $function(n):
            body = $make
            while True:
                yield body
        $name = []
        """, name=name, function=function, make=item.make), d.text("""
        stream = $function(n)
        next(stream)
        $name.append(stream)
        """, name=name, function=function), [Leak([(name,)], ("generator", function, "frame") + item.types)])


@leaking
def tasks_never_done(d):
    name, function, item = d.noun(), "wait_" + d.noun(), d.item()
    return d.write(item.define + d.text("""
        import asyncio
        loop = asyncio.new_event_loop()
        $name = set()
        async def $function(n):
            body = $make
            await loop.create_future()
            return body
        async def once(n):
            task = loop.create_task($function(n))
            $name.add(task)
            await asyncio.sleep(0)
        """, name=name, function=function, make=item.make), "loop.run_until_complete(once(n))",
                   [Leak([(name,), (function,)], ("Task", "coroutine", "Future", function, "frame", "FutureIter") + item.types)],
                   [Leak([("_all_tasks",), ("_scheduled_tasks",), ("tasks",), (name,), (function,)], ("weakref", "ReferenceType", "Task", "coroutine"))])


@leaking
def requests_waiting_for_answers(d):
    """A future for each request is kept by its number until the answer comes, which some requests never get."""
    name, cls, item = d.noun(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        import asyncio
        loop = asyncio.new_event_loop()
        class $cls(object):
            def __init__(self):
                self.$name = {}
            def ask(self, n):
                answer = loop.create_future()
                self.$name[n] = (answer, $make)
                if n % 3:
                    answer.set_result(n)
                    del self.$name[n]
        connection = $cls()
        """, name=name, cls=cls, make=item.make), "connection.ask(n)", [Leak([(name,)], ("Future", "tuple") + item.types)], times=120)


@leaking
def tee_that_lags(d):
    name, item = d.noun(), d.item()
    return d.write(item.define + d.text("""
        def source():
            for n in itertools.count(1000):
                yield $make
        ahead, $name = itertools.tee(source())
        """, name=name, make=item.make), "next(ahead)", [Leak([(name,), ("tee",), ("_tee",)], ("_tee_dataobject", "itertools._tee_dataobject", "teedataobject") + item.types)])


# Held by something nearer, for a moment

@leaking
def looked_through_meanwhile(d):
    """While a snapshot is taken a thread is in the middle of a loop over the container: a holder that is nearer than its own."""
    item, name, attribute, key, cls, keep = d.item(), d.place(), d.noun(), d.noun(), d.cls(), d.cls()
    loop = d.choice(("for one in %s:", "for place, one in enumerate(%s):", "for one in (one for one in %s if one):", "for one in map(repr, %s):"))
    return d.write(item.define + d.text("""
        class $keep(object):
            def __init__(self):
                self.$attribute = {"since": time.time(), "$key": []}
            def look(self, began, done):
                $loop
                    began.set()
                    done.wait()
                    break
        class $cls(object):
            def __init__(self):
                self.writer = $keep()
        $name = $cls()
        began, done = threading.Event(), threading.Event()
        looking = threading.Thread(target=$name.writer.look, args=(began, done))
        """, keep=keep, cls=cls, attribute=attribute, key=key, name=name, loop=loop % ('self.%s["%s"]' % (attribute, key))), d.text("""
        $name.writer.$attribute["$key"].append($make)
        if phase[0] == $phase and not began.is_set():
            looking.start()
            began.wait()
        elif phase[0] == $phase + 1 and not done.is_set():
            done.set()
            looking.join()
        """, name=name, attribute=attribute, key=key, make=item.make, phase=d.randint(0, 3)), [Leak([(key,)], item.types)])


# One object that grows

@leaking
def bytearray_appended(d):
    name = d.noun()
    return d.write("%s = bytearray()\n" % name, '%s.extend(b"%%08d" %% n * %d)' % (name, d.choice((4, 20, 80))), [Leak([(name,)], ("bytearray", "bytes"))])


@leaking
def text_appended(d):
    name, cls, attribute = d.place(), d.cls(), d.noun()
    return d.write(d.text("""
        class $cls(object):
            $attribute = ""
        $name = $cls()
        """, name=name, cls=cls, attribute=attribute), '%s.%s += "%%08d " %% n * %d' % (name, attribute, d.choice((4, 20))), [Leak([(name,), (attribute,)], ("str",))])


@leaking
def list_of_one_thing(d):
    """Nothing new but the list itself: its items are all the same object."""
    name = d.noun()
    return d.write("%s = []\n" % name, "%s.extend([None] * %d)" % (name, d.choice((20, 60))), [Leak([(name,)], ("list", "NoneType"))])


@leaking
def io_buffer(d):
    name = d.noun()
    return d.write("import io\n%s = []\n" % name, '%s.append(io.StringIO("%%d" %% n * 20))' % name, [Leak([(name,)], ("StringIO", "_io.StringIO"))])


# Two at once

@leaking
def large_and_small(d):
    one, two, name, other = d.item("nested"), d.item("tuple", "str"), d.noun(), d.noun()
    return d.write(one.define + two.define + "%s, %s = [], {}\n" % (name, other), d.text("""
        $name.extend([$one for _ in range(6)])
        $other[n] = $two
        """, name=name, other=other, one=one.make, two=two.make), [Leak([(name,)], one.types), Leak([(other,)], two.types)])
