"""Build one heap and snapshot it: python heap.py HEAP OUT ROUNDS [hashes]; run by bench/run.

HEAP is a number (of records of heap_workload.py), `imported` or `mixed` (realistic_heaps.py).
Prints JSON: objects, references, file_bytes, and best of ROUNDS in seconds of gc.collect(),
fork() and the snapshot, all of one run.
"""
import gc
import json
import os
import sys
import time

import heaptrail


def best(rounds, call):
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def fork_once():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def build(heap):
    if heap.isdigit():
        import heap_workload
        return heap_workload.build(int(heap))
    import realistic_heaps
    return getattr(realistic_heaps, heap)()


if __name__ == "__main__":
    heap, out, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    kept = build(heap)
    gc.collect()
    figures = {}
    children = []

    def snapshot():
        figures.update(heaptrail.snapshot(out, hashes="hashes" in sys.argv))

    figures["gc_s"] = best(rounds, gc.collect)
    figures["snapshot_s"] = best(rounds, snapshot)
    figures["gc_s"] = min(figures["gc_s"], best(rounds, gc.collect))
    figures["fork_s"] = best(3, lambda: children.append(fork_once()))
    for child in children:
        os.waitpid(child, 0)
    print(json.dumps(figures, default=str))
