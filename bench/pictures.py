#!/usr/bin/env python3
"""How long a picture takes: `heaptrail graph` beside objgraph, and heaps of shapes that no picture has room for.

    bench/pictures.py             merged chains of 10,000 leaked objects among 1.6 M; a star, a chain, a clique, None, of a million
      --reload                    20 reloads of logging too, as objgraph draws them with the parameters of a report: half a minute

bench/run calls measure(). Each time is the whole command, from the loaded database to the file."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
B = os.environ.get("B", os.path.join(TOP, "build/release"))
PYTHON = "/usr/bin/python3"
HEAPTRAIL = os.path.join(B, "heaptrail")
HEAPS = os.path.join(TOP, "../shared/bench")
ROUNDS = 7
MILLION = 1000000
CHAIN_MS, SHAPE_MS = 1000, 2000

LEAK = """
import gc, heaptrail, json, sys, time
import realistic_heaps
keep = realistic_heaps.mixed()
heaptrail.snapshot(sys.argv[1] + ".before.htrail")
class Leaked:
    def __init__(self, number): self.number = number
class Client:
    def __init__(self): self.queue = []
clients = {number: Client() for number in range(42)}
for number in range(10000): clients[number % 42].queue.append(Leaked(number))
figures = dict(heaptrail.snapshot(sys.argv[1]))
try:
    import inspect, objgraph
    start = time.perf_counter()
    chain = objgraph.find_backref_chain(clients[7].queue[70], inspect.ismodule, max_depth=20)
    objgraph.show_chain(chain, filename=sys.argv[1] + ".objgraph.png")
    figures["objgraph"] = time.perf_counter() - start
except ImportError:
    pass
print(json.dumps(figures))
"""

# What a platform's engineers asked of objgraph after their reloads: everything that leads to the stale namespaces.
RELOAD = """
import gc, importlib, heaptrail, json, sys, time
def reload():
    for name in [name for name in sys.modules if name.split(".")[0] == "logging"]: del sys.modules[name]
    return importlib.import_module("logging.handlers")
for number in range(20): reload()
figures = dict(heaptrail.snapshot(sys.argv[1]))
try:
    import objgraph
    def wanted(o):
        name = getattr(o, "__module__", "") or getattr(o, "__name__", "")
        return not isinstance(name, str) or not (name.startswith(("graphviz", "logging.handlers")) or name.startswith("logging") and sys.getrefcount(o) <= 6)
    objects = [o for o in gc.get_objects() if type(o) is dict and o.get("__name__", "") == "logging"]
    start = time.perf_counter()
    objgraph.show_backrefs(objects, max_depth=100, filter=wanted, too_many=100, refcounts=True, shortnames=False, filename=sys.argv[1] + ".objgraph.dot")
    import subprocess
    subprocess.run(["dot", "-Tsvg", sys.argv[1] + ".objgraph.dot", "-o", sys.argv[1] + ".objgraph.svg"], check=True, timeout=300)
    figures["objgraph"] = time.perf_counter() - start
except ImportError:
    pass
print(json.dumps(figures))
"""

SHAPES = {
    "star": ("hub list - : index - leaf[*]\nleaf[n] app.Leaf -", "hub", ("type:app.Leaf", "type:list")),
    "chain": ("node[n] app.Node - : attr next node[$+1]", "node[0]", ("type:app.Node", "id:1000000")),
    "None": ("all list - : index - some[*]\nsome[n] app.Some - : attr nothing None\nNone NoneType - immortal", "all", ("type:NoneType",)),
    "clique": ("node[n/1000] app.Node - : index - node[*]", "node[0]", ("type:app.Node",)),
    "garbage": ("other list -\nnode[n] app.Node - : attr next node[$+1%n]", "other", ("type:app.Node", "id:500000")),
}
VIEWS = [], ["--raw"], ["--chain"], ["--backrefs"], ["--refs"]


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True, **options)
    if done.returncode != 0:
        sys.exit("pictures: %s ended with %d" % (" ".join(command), done.returncode))
    return done.stdout


def best(*command, rounds=ROUNDS):
    """Milliseconds, and those of the processor alone."""
    import resource
    took = []
    for _ in range(rounds):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        run(*command)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append((1000 * wall, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)))
    return min(t[0] for t in took), min(t[1] for t in took)


def heap_of(program, folder, name):
    """A snapshot that a program takes of itself, loaded."""
    module = os.path.dirname(glob.glob(B + "/python3.11/heaptrail.*.so")[0])
    file = os.path.join(folder, name + ".htrail")
    said = run(PYTHON, "-c", program, file, env=dict(os.environ, PYTHONPATH=os.pathsep.join([module, HEAPS])))
    figures = json.loads(said.splitlines()[-1])  # objgraph talks
    run(HEAPTRAIL, "load", file, "-o", file + ".db")
    return figures, file + ".db"


def leaked(row, folder, program, name, selector, target, what):
    figures, db = heap_of(program, folder, name)
    heap = "%.1f M objects" % (figures["objects"] / 1e6)
    wall, processor = best(HEAPTRAIL, "graph", db, selector, "-o", os.path.join(folder, "out.svg"))
    row("%s, ms" % what, heap, target, wall, "ms")
    row("  of them on the processor, ms", heap, None, processor, "ms")
    before = os.path.join(folder, name + ".htrail.before.htrail")
    if os.path.exists(before):
        run(HEAPTRAIL, "load", before)
        row("  with --since, on the processor, ms", heap, 2000, best(HEAPTRAIL, "graph", db, selector, "--since", before, "-o", os.path.join(folder, "out.svg"), rounds=2)[1], "ms")
    if "objgraph" in figures:
        row("  objgraph, ms", heap, None, 1000 * figures["objgraph"], "ms")
    else:
        print("%-44s %-16s %14s %12s" % ("  objgraph", heap, "", "no objgraph here"))


def shapes(row, folder):
    """The slowest view of each."""
    for name, (text, root, selectors) in SHAPES.items():
        file = os.path.join(folder, name + ".htrail")
        run(os.path.join(B, "graph-to-htrail"), "-", file, input="let n %d\nroot c_global %s a.so\n%s\n" % (MILLION, root, text))
        run(HEAPTRAIL, "load", file, "-o", file + ".db")
        took = [(best(HEAPTRAIL, "graph", file + ".db", selector, *view, "-o", os.path.join(folder, "out.svg"), rounds=2)[1], selector, view)
                for selector in selectors for view in VIEWS]
        slowest = max(took)
        row("slowest picture, ms: %s %s" % (slowest[1], " ".join(slowest[2])), name, CHAIN_MS if name == "chain" else SHAPE_MS, slowest[0], "ms")


def measure(row, folder, with_reload=False):
    leaked(row, folder, LEAK, "leaked", "type:__main__.Leaked", 100, "merged chain of 10,000 objects")
    if with_reload:
        leaked(row, folder, RELOAD, "reload", "module:logging", None, "20 reloads of logging")
    shapes(row, folder)


if __name__ == "__main__":
    def line(what, heap, target, measured, unit):
        print("%-44s %-16s %14s %12.1f %-4s %s" % (what, heap, "" if target is None else "<= %d" % target, measured, unit,
                                                   "" if target is None else "ok" if measured <= target else "MISSED"), flush=True)
    with tempfile.TemporaryDirectory(prefix="pictures.") as work:
        measure(line, work, "--reload" in sys.argv)
