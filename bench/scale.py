#!/usr/bin/env python3
"""What large heaps cost, printed beside the targets: bench/scale.py [MILLIONS...]   (1, 10, and 50 where there is room)

The heaps are made up (bench/synthetic.c: 2.9 references an object) and the same every time. Of the search for dominators
the processor's seconds are held to the target: it is one thread that computes, and machines are shared. `make bench`
runs it with what bench/run prints.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import serve

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
B = os.environ.get("B", os.path.join(TOP, "build/release"))
HEAPTRAIL = os.path.join(B, "heaptrail")
DOMINATOR_SECONDS = {10: 2.5, 50: 15}
WHY_MS, LEAKS_SECONDS = 50, 7
WHY_SET_SECONDS = {10: 1.5}  # a million of them
LARGEST_MEMORY, LARGEST_DISK = 14 << 30, 12 << 30

missed = []


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True, **options)
    if done.returncode != 0:
        sys.exit("scale: %s ended with %d" % (" ".join(command), done.returncode))
    return done.stdout


def row(what, heap, target, measured, unit, at_least=False):
    fine = target is None or (measured >= target if at_least else measured <= target)
    wanted = "" if target is None else "%s %s" % (">=" if at_least else "<=", format(target, ","))
    if not fine:
        missed.append((what, heap))
    print("%-44s %-16s %14s %12s %-14s %s" % (what, heap, wanted, format(round(measured, 2), ","), unit, "" if target is None else "ok" if fine else "MISSED"), flush=True)


def build(folder):
    flags = ["-D_GNU_SOURCE", "-O2", "-std=c11", "-I" + TOP, "-I" + TOP + "/include"]
    tools = []
    for name in "synthetic", "dominators":
        tools.append(os.path.join(folder, name))
        run(os.environ.get("CC", "cc"), *flags, os.path.join(HERE, name + ".c"), B + "/libhtrail.a", "-lzstd", "-lsqlite3", "-lm", "-pthread", "-o", tools[-1])
    return tools


def measured(*command):
    """Seconds by the clock, of the processor, and MiB at the peak."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        sys.exit("scale: %s ended with %d" % (" ".join(command), child.returncode))
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def without_a_load(snapshot, name, millions):
    """htrail.so in the sqlite3 shell, CPU seconds; targets are what a prototype over arrays took for ten million objects."""
    for what, kind, question, target in (("sums by type", "type", "SELECT name, objects, bytes FROM s ORDER BY bytes DESC LIMIT 10", 0.7),
                                         ("rows grouped by type", "object", "SELECT type, count(*), sum(size) FROM s GROUP BY type", 3.9)):
        _, cpu, _ = measured("sqlite3", "-batch", "-init", "/dev/null", "-cmd", ".load %s/htrail" % B, ":memory:",
                             "CREATE VIRTUAL TABLE temp.s USING htrail('%s', %s); %s;" % (snapshot, kind, question))
        row("htrail.so, no load: %s, CPU s" % what, name, target * millions / 10, cpu, "s")


def figures_of_dominators(dominators, *arguments):
    figures = run(dominators, *map(str, arguments)).split()
    return float(figures[3]), float(figures[4]), figures[5] == "1"


def hostile(dominators, count):
    """Shapes that real heaps can take. The registry is the one that semi-NCA needs quadratic time for."""
    for shape in "chain", "ring", "registry", "star":
        seconds, _, fallback = figures_of_dominators(dominators, shape, count)
        row("dominators of a %s%s, s" % (shape, ", by Lengauer-Tarjan" if fallback else ""), "%d M objects" % (count // 1000000), DOMINATOR_SECONDS[10], seconds, "s")


def heap(synthetic, dominators, folder, millions):
    name = "%d M objects" % millions
    one, db = os.path.join(folder, "one.htrail"), os.path.join(folder, "one.db")
    objects, references = map(int, run(synthetic, one, str(millions * 1000000)).split())
    row("references/object", name, None, references / objects, "")
    seconds, each, _ = figures_of_dominators(dominators, one)
    row("dominators and retained sizes, CPU s", name, DOMINATOR_SECONDS.get(millions), seconds, "s")
    row("their memory, bytes/object", name, 55, each, "B")
    without_a_load(one, name, millions)
    clock, cpu, peak = measured(HEAPTRAIL, "load", one, "-o", db)
    row("load with them, objects/s", name, 500000, objects / clock, "/s", at_least=True)
    row("load with them, objects/CPU s", name, None, objects / cpu, "/s")
    row("load with them, memory, bytes/object", name, None, peak * 1024 * 1024 / objects, "B")
    row("database, bytes/object", name, None, os.path.getsize(db) / objects, "B")
    if millions == 10:
        limited = os.path.join(folder, "limited.db")
        clock, cpu, peak = measured(HEAPTRAIL, "load", "--max-memory", "256M", one, "-o", limited)
        row("load with --max-memory 256M, peak", name, 256, peak, "MiB")
        row("load with --max-memory 256M, objects/s", name, None, objects / clock, "/s")
        row("load with --max-memory 256M, objects/CPU s", name, None, objects / cpu, "/s")
        os.unlink(limited)
    record = run("sqlite3", "-readonly", db, "SELECT id FROM object WHERE type = 'app.Record' LIMIT 1 OFFSET 70000").strip()
    for command, target in (["top", db], None), (["why", db, "id:" + record], WHY_MS):
        best = min((measured(HEAPTRAIL, *command) for _ in range(3)), key=lambda figures: figures[0])
        row(command[0] + (" of one object" if command[0] == "why" else ""), name, target, 1000 * best[0], "ms")
        row("%s, memory" % command[0], name, 256, best[2], "MiB")
    _, cpu, peak = measured(HEAPTRAIL, "why", db, "type:app.Record")
    row("why of all records, CPU s", name, WHY_SET_SECONDS.get(millions), cpu, "s")
    row("  memory", name, None, peak, "MiB")
    if millions == 10:
        ready, worst = serve.clicks(db)
        row("serve: until all orders are there", name, None, ready, "s")
        for question in worst:
            row("serve: slowest click, " + question, name, serve.CLICK_MS, worst[question], "ms")
        other = os.path.join(folder, "two.db")
        run(synthetic, os.path.join(folder, "two.htrail"), str(millions * 1000000 + 100000))
        run(HEAPTRAIL, "load", os.path.join(folder, "two.htrail"), "-o", other)
        clock, _, peak = measured(HEAPTRAIL, "diff", db, other)
        row("diff of two", name, None, clock, "s")
        row("diff of two, memory", name, 256, peak, "MiB")
        if "leaks" in run(HEAPTRAIL, "--help"):
            row("leaks of two", name, LEAKS_SECONDS, measured(HEAPTRAIL, "leaks", db, other)[0], "s")


def sizes_that_fit():
    """Fifty million where there is room for them: said where there is not."""
    with open("/proc/meminfo") as file:
        memory = next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
    disk = shutil.disk_usage(tempfile.gettempdir()).free
    if memory >= LARGEST_MEMORY and disk >= LARGEST_DISK:
        return 1, 10, 50
    print("50 M objects: left out, they take 14 GiB of memory and 12 GiB of disk, and there are %.1f and %.1f" % (memory / (1 << 30), disk / (1 << 30)))
    return 1, 10


def main(sizes=None):
    for millions in sizes or sizes_that_fit():
        with tempfile.TemporaryDirectory() as folder:
            synthetic, dominators = build(folder)
            if millions == 10:
                hostile(dominators, 10000000)
            heap(synthetic, dominators, folder, millions)
    return missed


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
    print("%d targets missed%s" % (len(missed), ": " + ", ".join("%s (%s)" % m for m in missed) if missed else ""))
