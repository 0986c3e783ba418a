#!/usr/bin/python3
"""What a program waits for, and what a snapshot costs it beside: python bench/pause.py [HEAP...]

HEAP is a number of records of heap_workload.py, `mixed` or `imported`; without one those of the targets: 140 MB,
1.2 GB, and mixed. Each is measured in a process of its own against gc.collect() and fork() of that
process. On a machine that is shared the ratios decide; a fork is measured in the real-time class where
that is allowed, so that others' work is not counted as its own. Called by bench/run; here alone:

    B=$PWD/build/release bench/pause.py 100000
"""
import gc
import glob
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = os.path.abspath(os.environ.get("B", os.path.join(TOP, "build/release")))
PYTHON = "/usr/bin/python3"
HEAPS = os.path.join(TOP, "../shared/bench")
ROUNDS = 5
TARGET_PAUSE_MS = {"100000": 5, "1000000": 30}
NAMES = {"100000": "workload 140 MB", "1000000": "workload 1.2 GB"}


# ---- in the process that is measured ----

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


class AtOnce:
    """In the real-time class, if that is allowed; for milliseconds only."""

    def __enter__(self):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except OSError:
            pass

    def __exit__(self, *_):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def fork_s():
    with AtOnce():
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            os._exit(0)
        took = time.perf_counter() - start
    os.waitpid(child, 0)
    return took


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(heap, out, only_walk):
    import heaptrail
    if heap.isdigit():
        import heap_workload
        kept = heap_workload.build(int(heap))
    else:
        import realistic_heaps
        kept = getattr(realistic_heaps, heap)()
    gc.collect()
    heaptrail.snapshot(out) # touches what is touched once: static memory, stack, the file
    heap_bytes = anonymous()
    figures = {"heap_bytes": heap_bytes, "gc_s": 1e9, "in_place_s": 1e9}
    for _ in range(3):
        figures["gc_s"] = min(figures["gc_s"], seconds(gc.collect))
        result = heaptrail.snapshot(out)
        figures["in_place_s"] = min(figures["in_place_s"], result["pause"])
        figures["objects"] = result["objects"]
    if only_walk:
        return figures
    figures["left_bytes"] = anonymous() - heap_bytes
    pauses, forks = [], []
    for _ in range(ROUNDS):
        forks.append(fork_s())
        with AtOnce():
            result = heaptrail.snapshot(out, mode="fork")
        pauses.append(result["pause"])
        figures["copy_memory_bytes"] = result["private_bytes"]
    figures.update(fork_pause_s=min(pauses), fork_s=min(forks), left_forked_bytes=anonymous() - heap_bytes)
    if heap.isdigit():
        figures.update(busy(heaptrail, kept, out))
    return figures


def busy(heaptrail, kept, out):
    """A program that goes on writing to all it has while its copy lives."""
    records = list(kept.table.values())

    def touch():
        for record in records:
            record.number += 0
            record.point.x += 0.0
    plain = min(seconds(touch) for _ in range(3))
    result = {}
    thread = threading.Thread(target=lambda: result.update(heaptrail.snapshot(out, mode="fork")))
    thread.start()
    passes = [seconds(touch)]
    while thread.is_alive():
        passes.append(seconds(touch))
    thread.join()
    return {"touch_s": plain, "touch_copied_s": passes[0], "copied_bytes": result["copied_bytes"]}


# ---- here ----

missed = []


def row(what, heap, target, measured, unit):
    fine = target is None or measured <= target
    if not fine:
        missed.append((what, heap))
    print("%-44s %-16s %14s %12s %-14s %s" % (what, heap, "" if target is None else "<= %s" % format(round(target, 2), ","),
                                              format(round(measured, 2), ","), unit, "" if target is None else "ok" if fine else "MISSED"), flush=True)


def run(heap, out, modules, *more):
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join([modules, HEAPS]))
    return json.loads(subprocess.run([PYTHON, os.path.abspath(__file__), "--measure", heap, out, *more], env=environ, check=True,
                                     stdout=subprocess.PIPE).stdout)


def report(heap, folder, walk_modules):
    """walk_modules: where a module with a writer that only counts is, or None."""
    name, fresh = NAMES.get(heap, heap), heap.isdigit()
    modules = os.path.dirname(glob.glob(B + "/python3.11/heaptrail.*.so")[0])
    figures = run(heap, os.path.join(folder, "pause.htrail"), modules)
    per_object = 1e9 / figures["objects"]
    if walk_modules:
        walked = run(heap, os.path.join(folder, "pause.none"), walk_modules, "--walk")
        row("in place, walk, ns/object", name, 60 if fresh else 100, walked["in_place_s"] * 1e9 / walked["objects"], "ns")
        row("in place, walk / gc.collect()", name, 0.75, walked["in_place_s"] / walked["gc_s"], "x")
    row("in place, pause, ns/object", name, 120 if fresh else 190, figures["in_place_s"] * per_object, "ns")
    row("in place, pause / gc.collect()", name, 1.5, figures["in_place_s"] / figures["gc_s"], "x")
    row("in place, pause / fork()", name, None, figures["in_place_s"] / figures["fork_s"], "x")
    row("gc.collect(), ns/object", name, None, figures["gc_s"] * per_object, "ns")
    row("fork, pause, ms", name, TARGET_PAUSE_MS.get(heap), figures["fork_pause_s"] * 1e3, "ms")
    row("fork, pause / fork()", name, None, figures["fork_pause_s"] / figures["fork_s"], "x")
    row("fork, pause / gc.collect()", name, None, figures["fork_pause_s"] / figures["gc_s"], "x")
    row("memory of the snapshot, MiB", name, 8 + 0.03 * figures["heap_bytes"] / 2**20, figures["copy_memory_bytes"] / 2**20, "MiB")
    row("memory not given back, in place, KiB", name, 256, figures["left_bytes"] / 1024, "KiB")
    row("memory not given back, fork, KiB", name, 256, figures["left_forked_bytes"] / 1024, "KiB")
    if fresh:
        row("busy program: pages there twice, MiB", name, None, figures["copied_bytes"] / 2**20, "MiB")
        row("busy program: pages there twice, % of heap", name, None, figures["copied_bytes"] / figures["heap_bytes"] * 100, "%")
        row("busy program: first pass over all / plain", name, None, figures["touch_copied_s"] / figures["touch_s"], "x")


def main(heaps=(), walk_modules=None):
    with tempfile.TemporaryDirectory() as folder:
        for heap in heaps or ("100000", "1000000", "mixed"):
            report(heap, folder, walk_modules)
    return missed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3], "--walk" in sys.argv)))
    else:
        main(sys.argv[1:])
