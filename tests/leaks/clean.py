"""Programs that do not leak, one generator a kind. FAMILIES are the four that bench/leaks.py --silence runs again and again.

Some of them grow for a while after the first snapshot (a cache that is still being filled, a module imported late), but none in every
interval; or hold more at one snapshot than at the one before, but not each time; or shrink in one place by what they
grow in another."""
GENERATORS, FAMILIES = [], []


def clean(generator):
    GENERATORS.append(generator)
    return generator


def family(generator):
    FAMILIES.append(generator)
    return clean(generator)


# The four families

@family
def warmed_up_server(d):
    """Requests of sessions that come, stay for a while and go; a log of the last so many; counters; a cache of pages."""
    session, request, sessions, log, pages, counts = d.item("object", "nested", "slots"), d.item("dict", "object", "tuple"), d.noun(), d.noun(), d.noun(), d.noun()
    many = d.choice((50, 300))
    return d.write(session.define + request.define + d.text("""
        $sessions, $log, $pages, $counts = {}, collections.deque(maxlen=$log_size), {}, collections.Counter()
        def answer(n):
            key = random.randrange($many)
            if random.random() < 0.05 or key not in $sessions:
                $sessions[key] = $session
            received = $request
            $log.append((key, received))
            page = key % 40
            if page not in $pages:
                $pages[page] = "<p>%d</p>" % page * 50
            $counts[page] += 1
            return len($pages[page])
        for key in range($many):
            n = next(serial)
            $sessions[key] = $session
        for page in range(40):
            $pages[page], $counts[page] = "<p>%d</p>" % page * 50, 1000
        for key in range($log_size):
            n = next(serial)
            $log.append((key, $request))
        """, sessions=sessions, log=log, pages=pages, counts=counts, many=many, session=session.make, request=request.make, log_size=d.choice((20, 400))), "answer(n)")


@family
def cache_that_fills_and_stays(d):
    """Full after the warm-up, or after one or two of the three intervals; never in all of them."""
    item, name, full = d.item(), d.noun(), d.randint(0, 2)
    rounds, warm, times = 8, 4, d.choice((20, 60))
    size = times * (warm + rounds * full) or 1
    if full:
        size -= d.randint(0, rounds - 1) * times
    return d.write(item.define + d.text("""
        $name = {}
        asked = [0]
        def look_up(n):
            asked[0] = (asked[0] + 1) % $size
            key = "key %d" % asked[0]
            if key not in $name:
                $name[key] = $make
            return $name[key]
        """, name=name, size=size, make=item.make), "look_up(n)", rounds=rounds, warm=warm, times=times)


@family
def churn_between_containers(d):
    """A stock of records moves from one container to another, one way for the whole run or to and fro."""
    item, one, two = d.item(), d.noun(), d.noun()
    kinds = {"dict": ("{}", "%s[keys.pop()] = %s", "taken(%s)"), "list": ("[]", "%s.append(%s)", "%s.pop()"),
             "deque": ("collections.deque()", "%s.append(%s)", "%s.popleft()")}
    first, second = d.choice([(a, b) for a in kinds for b in kinds])
    stock, way = d.choice((3000, 8000)), d.choice(("one", "both"))
    take = lambda name, kind: kinds[kind][2] % name
    put = lambda name, kind, value: kinds[kind][1] % (name, value)
    moves = put(two, second, take(one, first))
    if way == "one":
        step = "if len(%s) > 100:\n    %s" % (one, moves)
    else:
        step = "if len(%s) > 100 and (len(%s) < 100 or random.random() < 0.5):\n    %s\nelse:\n    %s" % (one, two, moves, put(one, first, take(two, second)))
    return d.write(item.define + d.text("""
        keys = list(range(1000, 1000 + 2 * $stock))
        def taken(table):
            key, value = table.popitem()
            keys.append(key)
            return value
        $one, $two = $first, $second
        for n in range($stock):
            $put
        """, one=one, two=two, first=kinds[first][0], second=kinds[second][0], stock=stock, put=put(one, first, item.make)), step)


@family
def heap_that_grows_and_shrinks(d):
    item, name = d.item(), d.noun()
    kind = d.choice(("new", "kept"))
    clear = "del %s[:]" % name if kind == "new" else "del %s[size:]" % name
    return d.write(item.define + d.text("""
        $name = []
        def swing(low):
            size = low if low else random.randrange($most)
            $clear
            while len($name) < size:
                n = next(serial)
                $name.append($make)
        levels = $levels
        """, name=name, make=item.make, clear=clear, most=d.choice((2000, 6000)), levels=d.levels(100, d.choice((2000, 6000)))),
                   "swing(0)\nswing(levels[phase[0]])", times=2)


# Bounded

@clean
def bounded_lru_cache(d):
    item, name = d.item(), "look_up_" + d.noun()
    return d.write(item.define + d.text("""
        import functools
        @functools.lru_cache(maxsize=$size)
        def $name(n):
            return $make
        """, name=name, make=item.make, size=d.choice((16, 64))), "%s(n)" % name, times=40)


@clean
def bounded_deque(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = collections.deque(maxlen=%d)\n" % (name, d.choice((10, 70))), "%s.append(%s)" % (name, item.make), times=40)


@clean
def ordered_dict_with_eviction(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = collections.OrderedDict()\n" % name, d.text("""
        $name[n] = $make
        while len($name) > $size:
            $name.popitem(last=False)
        """, name=name, make=item.make, size=d.choice((10, 70))), times=40)


@clean
def sliding_window(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = []\n" % name, d.text("""
        $name.append($make)
        $name = $name[-$size:]
        """, name=name, make=item.make, size=d.choice((20, 70))).replace("%s = %s[" % (name, name), "%s[:] = %s[" % (name, name)), times=40)


@clean
def ring_of_nodes(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n, next):
                self.n, self.next = n, next
        $name = None
        length = 0
        def push(n):
            global $name, length
            $name = $cls(n, $name)
            length += 1
            if length > $size:
                one = $name
                for _ in range($size - 1):
                    one = one.next
                one.next, length = None, $size
        """, name=name, cls=cls, size=d.choice((20, 60))), "push(n)", times=40)


@clean
def memo_over_few_keys(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = {n: %s for n in range(200)}\n" % (name, item.make), d.text("""
        n = random.randrange(200)
        $name[n] = $make
        """, name=name, make=item.make))


@clean
def sessions_with_expiry(d):
    """Each lives for a number of steps that is drawn when it begins."""
    item, name = d.item(), d.noun()
    life = d.choice((40, 150))
    return d.write(item.define + d.text("""
        import heapq
        $name, due = {}, []
        """, name=name), d.text("""
        $name[n] = $make
        heapq.heappush(due, (n + random.randrange(1, $life), n))
        while due and due[0][0] <= n:
            $name.pop(heapq.heappop(due)[1], None)
        """, name=name, make=item.make, life=life), times=120)


@clean
def pool_of_objects(d):
    item, free, used = d.item("object", "bytearray", "nested"), d.noun(), d.noun()
    return d.write(item.define + d.text("""
        $free, $used = [$make for n in range($many)], []
        """, free=free, used=used, make=item.make, many=d.choice((50, 500))), d.text("""
        if $free and random.random() < 0.5:
            $used.append($free.pop())
        elif $used:
            $free.append($used.pop(random.randrange(len($used))))
        """, free=free, used=used))


@clean
def rotated_logs(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = [[]]\n" % name, d.text("""
        $name[-1].append($make)
        if len($name[-1]) >= $size:
            $name.append([])
            del $name[:-3]
        """, name=name, make=item.make, size=d.choice((10, 15))), times=120)


# Given back

@clean
def batch_written_when_full(d):
    item, name, size = d.item(), d.noun(), d.choice((37, 90))
    return d.write(item.define + "%s = []\n" % name, d.text("""
        $name.append($make)
        if len($name) >= $size:
            json.dumps([str(one) for one in $name])
            del $name[:]
        """, name=name, make=item.make, size=size), times=97, rounds=d.choice((4, 6, 9)))


@clean
def double_buffer(d):
    item, one, two = d.item(), d.noun(), d.noun()
    return d.write(item.define + "%s, %s = [], []\n" % (one, two), d.text("""
        $one.append($make)
        if len($one) >= $size:
            $two[:] = $one
            del $one[:]
        """, one=one, two=two, make=item.make, size=d.choice((10, 20))), times=40)


@clean
def producer_and_consumer(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        import queue
        $name, done = queue.Queue(), []
        def consume():
            while True:
                one = $name.get()
                done.append(str(one))
                del done[:-10]
                $name.task_done()
        threading.Thread(target=consume, daemon=True).start()
        """, name=name), "%s.put(%s)\nif n %% 10 == 0:\n    %s.join()" % (name, item.make, name))


@clean
def generators_closed(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        def follow(n):
            body = $make
            while True:
                yield body
        $name = []
        """, name=name, make=item.make), d.text("""
        stream = follow(n)
        next(stream)
        $name.append(stream)
        if len($name) >= 8:
            $name.pop(0).close()
        """, name=name))


@clean
def errors_handled(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        $name = [None]
        def process(n):
            body = $make
            raise ValueError(n, body)
        def handle(n):
            try:
                process(n)
            except ValueError as error:
                $name[0] = str(error)[:20]
        """, name=name, make=item.make), "handle(n)")


@clean
def last_error_is_replaced(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        $name = {"last": None}
        def handle(n):
            body = $make
            try:
                raise ValueError(n, body)
            except ValueError as error:
                $name["last"] = error
        """, name=name, make=item.make), "handle(n)")


@clean
def listeners_removed(d):
    name, cls, item = d.noun(), d.cls(), d.item()
    return d.write(item.define + d.text("""
        $name = []
        class $cls(object):
            def __init__(self, n):
                self.body = $make
            def changed(self):
                return self.body
        """, name=name, cls=cls, make=item.make), d.text("""
        one = $cls(n)
        $name.append(one.changed)
        if len($name) > 12:
            $name.remove(random.choice($name))
        """, name=name, cls=cls))


@clean
def weak_values(d):
    item, name, held = d.item("object", "slots", "nested"), d.noun(), d.noun()
    return d.write(item.define + "%s, %s = weakref.WeakValueDictionary(), collections.deque(maxlen=%d)\n" % (name, held, d.choice((10, 60))), d.text("""
        one = $make
        $name[n] = one
        $held.append(one)
        """, name=name, held=held, make=item.make), times=120)


@clean
def weak_set_and_finalizers(d):
    item, name = d.item("object", "slots", "nested"), d.noun()
    return d.write(item.define + "%s = weakref.WeakSet()\n" % name, d.text("""
        one = $make
        $name.add(one)
        weakref.finalize(one, int, n)
        del one
        """, name=name, make=item.make))


# Libraries

@clean
def thread_pool(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        from concurrent.futures import ThreadPoolExecutor
        def compute(n):
            return [$make for _ in range(3)]
        $name = ThreadPoolExecutor($workers)
        list($name.map(compute, range(200)))
        """, name=name, make=item.make, workers=d.choice((2, 5))), "%s.submit(compute, n).result()" % name, times=15)


@clean
def threads_come_and_go(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + d.text("""
        def $name(n):
            held = [$make for _ in range(10)]
            return held
        """, name=name, make=item.make), d.text("""
        one = threading.Thread(target=$name, args=(n,))
        one.start()
        one.join()
        """, name=name), times=6)


@clean
def logging_busy(d):
    name = d.noun()
    return d.write(d.text("""
        import logging
        logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
        $name = [logging.getLogger("app.part%d" % i) for i in range(20)]
        """, name=name), 'random.choice(%s).info("number %%d of %%s", n, [n])' % name)


@clean
def regular_expressions(d):
    return d.write("import re\nfor n in range(600):\n    re.compile('a%d+b|c[%d]' % (n % 701, n % 10))\n", 're.match("a%d+b|c[%d]" % (n % 701, n % 10), "aaa")')


@clean
def sqlite_in_memory(d):
    name = d.noun()
    return d.write(d.text("""
        import sqlite3
        $name = sqlite3.connect(":memory:")
        $name.execute("CREATE TABLE t (n INTEGER, text TEXT)")
        """, name=name), d.text("""
        $name.execute("INSERT INTO t VALUES (?, ?)", (n, "text %d" % n))
        $name.execute("DELETE FROM t WHERE n < ?", (n - 50,))
        row = $name.execute("SELECT count(*), max(text) FROM t").fetchone()
        """, name=name), times=80)


@clean
def json_in_and_out(d):
    name = d.noun()
    return d.write("%s = [None]\n" % name, d.text("""
        $name[0] = json.loads(json.dumps({"n": n, "parts": [{"i": i, "text": str(i + n)} for i in range($many)]}))
        """, name=name, many=d.choice((10, 300))))


@clean
def asyncio_at_work(d):
    item = d.item()
    return d.write(item.define + d.text("""
        import asyncio
        loop = asyncio.new_event_loop()
        async def serve(n):
            body = $make
            await asyncio.sleep(0)
            return body
        async def once(n):
            return await asyncio.gather(*[loop.create_task(serve(n + i)) for i in range($many)])
        """, make=item.make, many=d.choice((3, 12))), "loop.run_until_complete(once(n))", times=15)


@clean
def module_reloaded_cleanly(d):
    name = d.noun()
    return d.write(d.text("""
        import importlib
        folder = os.path.dirname(sys.argv[1])
        with open(os.path.join(folder, "$name.py"), "w") as file:
            file.write("table = {i: str(i) for i in range(200)}\\ndef run():\\n    return table\\n")
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        def load():
            importlib.import_module("$name").run()
            del sys.modules["$name"]
        """, name=name), "load()", times=4)


@clean
def decimals_and_structs(d):
    return d.write("import decimal, struct\ntotal = decimal.Decimal(0)\n", d.text("""
        total_now = sum((decimal.Decimal(i) / 7 for i in range(20)), total)
        struct.unpack("<5Q", struct.pack("<5Q", n, 1, 2, 3, 4))
        """))


# Noise

@clean
def text_noise(d):
    name = d.noun()
    return d.write("%s = ''\n" % name, d.text("""
        parts = ["%d-%s" % (n, "x" * random.randrange(200)) for _ in range(40)]
        globals()["$name"] = ",".join(parts)
        """, name=name))


@clean
def interned_strings(d):
    return d.write("words = [sys.intern('word%d' % i) for i in range(500)]\n", "sys.intern('word%d' % (n % 500))")


@clean
def numbers_only(d):
    name = d.noun()
    return d.write("%s = collections.Counter()\n" % name, '%s["seen %%d" %% (n %% 16)] += 10 ** 6\n%s["most"] = n ** 9' % (name, name))


@clean
def cycles_that_wait(d):
    """Cycles in numbers, some of which live long enough to reach the oldest generation before they are garbage."""
    cls, name, bytes = d.cls(), d.noun(), d.bytes()
    return d.write(d.text("""
        class $cls(object):
            def __init__(self, n):
                self.me, self.state, self.parts = self, "%d" % n + "b" * $bytes, [n]
        $name = collections.deque(maxlen=$many)
        """, cls=cls, name=name, bytes=bytes, many=d.choice((10, 800))), "%s.append(%s(n))" % (name, cls), times=120)


@clean
def all_replaced_at_once(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = []\n" % name, "%s[:] = [%s for n in range(n, n + %d)]" % (name, item.make, d.choice((50, 400))), times=3)


@clean
def periodic_jobs(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        import heapq
        class $cls(object):
            def __init__(self, period):
                self.period, self.runs, self.last = period, 0, None
            def __call__(self, now):
                self.runs += 1
                self.last = {"at": now, "result": [now + i for i in range(5)]}
        $name = [(i, i, $cls(i + 1)) for i in range($many)]
        for _, _, job in $name:
            job(1000)
        """, name=name, cls=cls, many=d.choice((10, 200))), d.text("""
        due, i, job = heapq.heappop($name)
        job(due)
        heapq.heappush($name, (due + job.period, i, job))
        """, name=name))


@clean
def tree_rebuilt(d):
    name, cls = d.noun(), d.cls()
    return d.write(d.text("""
        class $cls(object):
            __slots__ = ("key", "left", "right")
            def __init__(self, key):
                self.key, self.left, self.right = key, None, None
        def insert(node, key):
            while True:
                side = "left" if key < node.key else "right"
                below = getattr(node, side)
                if below is None:
                    setattr(node, side, $cls(key))
                    return
                node = below
        $name = [None]
        """, name=name, cls=cls), d.text("""
        $name[0] = $cls(0.5)
        for _ in range($many):
            insert($name[0], random.random())
        """, name=name, cls=cls, many=d.choice((30, 300))), times=3)


@clean
def keys_of_a_dict_change(d):
    """As many keys as before, but others, in a dict whose table is rebuilt now and then."""
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = {n: %s for n in range(100000 - %d, 100000)}\n" % (name, item.make, d.choice((100, 1000))), d.text("""
        $name[n] = $make
        del $name[next(iter($name))]
        """, name=name, make=item.make))


@clean
def classes_made_and_collected(d):
    return d.write("", 'type("Model%d" % n, (object,), {"number": n})\nif n % 5 == 0:\n    gc.collect()', times=15, rounds=5)


# Grown once

@clean
def module_imported_late(d):
    module = d.choice(("decimal", "argparse", "csv", "html.parser", "configparser", "difflib"))
    return d.write("import importlib\n", "if phase[0] == %d:\n    importlib.import_module(%r)" % (d.randint(1, 3), module), times=4)


@clean
def table_loaded_late(d):
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = []\n" % name, d.text("""
        if phase[0] == $when and not $name:
            $name.extend([$make for n in range($many)])
        """, name=name, make=item.make, when=d.randint(1, 3), many=d.choice((1000, 5000))))


@clean
def settings_collected_at_first(d):
    """Grows in the first two intervals and in the third no more."""
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = []\n" % name, "if phase[0] < 3:\n    %s.append(%s)" % (name, item.make))


@clean
def stock_used_up(d):
    """Shrinks all the time."""
    item, name = d.item(), d.noun()
    return d.write(item.define + "%s = [%s for n in range(5000)]\n" % (name, item.make), "if %s:\n    %s.pop()" % (name, name))
