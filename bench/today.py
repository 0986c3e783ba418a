"""What one would do today on the heap of heap_workload.py, beside what heaptrail does: python today.py N FOLDER; run by bench/run.

Prints JSON, seconds: a loop over gc.get_objects() with sys.getsizeof, objgraph.show_growth() and the
chain to one leaked object, all in the program, which waits; and gc.collect() for comparison.
"""
import collections
import gc
import inspect
import io
import json
import os
import sys
import time

import heap_workload

try:
    import objgraph
except ImportError:
    objgraph = None


def took(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def loop():
    """By type, as everybody writes it."""
    counts, sizes = collections.Counter(), collections.Counter()
    for o in gc.get_objects():
        name = type(o).__name__
        counts[name] += 1
        sizes[name] += sys.getsizeof(o)
    return counts, sizes


if __name__ == "__main__":
    import heaptrail
    kept = heap_workload.build(int(sys.argv[1]))
    figures = {"gc": took(gc.collect)[0]}
    figures["loop"], (counts, _) = took(loop)
    figures["loop_objects"] = sum(counts.values())
    if objgraph is not None:
        figures["objgraph_growth"], _ = took(lambda: objgraph.show_growth(file=io.StringIO()))
        record = next(o for o in gc.get_objects() if type(o).__name__ == "Record")
        figures["objgraph_chain"], chain = took(lambda: objgraph.find_backref_chain(record, inspect.ismodule, max_depth=20))
        figures["objgraph_chain_length"] = len(chain)
    figures["snapshot"], told = took(lambda: heaptrail.snapshot(os.path.join(sys.argv[2], "today.htrail")))
    figures["snapshot_objects"], figures["fork_pause"] = told["objects"], heaptrail.snapshot(os.path.join(sys.argv[2], "fork.htrail"), mode="fork")["pause"]
    print(json.dumps(figures))
