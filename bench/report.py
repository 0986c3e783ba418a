#!/usr/bin/env python3
"""The report of nine snapshots of a heap of 1.5 M objects that grows: bench/report.py, and with all the rest bench/run.

A real process (realistic_heaps.mixed, then 1,500 events, 300 sessions and a thread more before each snapshot) takes them. All nine are
loaded first, which does not count. The clock is held to the target; the processor's seconds stand beside it, since machines are shared.
The page is opened from disk by Chromium: until its load event, and until a frame with all of it has been drawn.
"""
import glob
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
B = os.environ.get("B", os.path.join(TOP, "build/release"))
HEAPTRAIL = os.path.join(B, "heaptrail")
HEAPS = os.path.join(TOP, "../shared/bench")
SNAPSHOTS, REPORT_S, TREE_S, WASTE_S, PAGE_KB, OPEN_MS, ROUNDS = 9, 5, 0.6, 0.8, 300, 1000, 3

PROGRAM = """
import sys, threading, heaptrail, realistic_heaps
class Event(object):
    def __init__(self, n): self.n, self.payload, self.tags = n, bytearray(400), ["t%d" % n]
class Session(object):
    def __init__(self, n): self.user, self.history = "u%d" % n, []
kept, events, sessions, stop = realistic_heaps.mixed(), [], {}, threading.Event()
for i in range(int(sys.argv[2])):
    events.extend(Event(n) for n in range(1500))
    sessions.update(("s%d-%d" % (i, n), Session(n)) for n in range(300))
    threading.Thread(target=stop.wait, daemon=True).start()
    told = heaptrail.snapshot(sys.argv[1] + "/%d.htrail" % i)
print(told["objects"])
"""


def drawn(path, browser):
    """Milliseconds until the load event, and until a frame is drawn."""
    page = browser.Page(CHROMIUM, "file://" + path)
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    result = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"), page.evaluate(frame)
    assert not page.errors and page.evaluate("document.querySelectorAll('.picture svg').length") > 0, page.errors
    page.close()
    return result


def processor(arguments):
    """Seconds of the processor."""
    before = os.times()
    subprocess.run([HEAPTRAIL] + arguments, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure(row, folder):
    global CHROMIUM
    module = os.path.dirname(glob.glob(B + "/python3.11/heaptrail.*.so")[0])
    done = subprocess.run(["/usr/bin/python3", "-c", PROGRAM, folder, str(SNAPSHOTS)], stdout=subprocess.PIPE, universal_newlines=True, check=True,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join([module, HEAPS])))
    name = "mixed %.1f M x %d" % (int(done.stdout) / 1e6, SNAPSHOTS)
    files = [os.path.join(folder, "%d.htrail" % i) for i in range(SNAPSHOTS)]
    for file in files:
        subprocess.run([HEAPTRAIL, "load", file], stdout=subprocess.DEVNULL, check=True)
    path, best = os.path.join(folder, "report.html"), None
    for _ in range(ROUNDS):
        before, start = os.times(), time.perf_counter()
        subprocess.run([HEAPTRAIL, "report", *files, "-o", path], stdout=subprocess.DEVNULL, check=True)
        clock, after = time.perf_counter() - start, os.times()
        figures = clock, after.children_user + after.children_system - before.children_user - before.children_system
        best = min(best or figures, figures)
    row("report, s", name, REPORT_S, best[0], "s")
    for what, arguments in ("four levels", []), ("as in a report", ["--depth", "12", "-n", "12", "--min", "0.1"]), ("all levels", ["--depth", "0", "-n", "0", "--min", "0"]):
        best_tree = min(processor(["top", "--tree", files[-1]] + arguments) for _ in range(ROUNDS))
        row("top --tree, %s: CPU s" % what, name, TREE_S, best_tree, "s")
    row("waste, CPU s", name, WASTE_S, min(processor(["waste", files[-1]]) for _ in range(ROUNDS)), "s")
    row("report, of the processor, s", name, None, best[1], "s")
    row("report, the page", name, PAGE_KB, os.path.getsize(path) / 1000, "KB")
    sys.path.insert(0, os.path.join(TOP, "tests/report"))
    import browser
    if browser.CHROMIUM is None:
        print("report, opened: left out, chromium is not installed")
        return
    CHROMIUM = browser.Browser()
    try:
        load, frame = (min(times) for times in zip(*(drawn(path, browser) for _ in range(ROUNDS))))
    finally:
        CHROMIUM.close()
    row("report, opened from disk: load event", name, OPEN_MS, load, "ms")
    row("report, opened from disk: drawn", name, OPEN_MS, frame, "ms")


def print_row(what, heap, target, measured, unit):
    print("%-44s %-16s %14s %12.2f %-4s %s" % (what, heap, "" if target is None else "<= %g" % target, measured, unit, "" if target is None else "ok" if measured <= target else "MISSED"), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measure(print_row, folder)
