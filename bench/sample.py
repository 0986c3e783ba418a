#!/usr/bin/env python3
"""The sampler of allocations against tracemalloc: how close its estimates are, and what both cost.

    bench/sample.py estimates PYTHON [SEEDS]     over so many seeds (100): lines beyond two standard errors
    bench/sample.py cost PYTHON [N]              time and memory of heap_workload.py, N records (100000)

Every figure is from one run, in which the three take turns. `make bench` calls it."""
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = os.path.abspath(os.environ.get("B") or os.path.join(TOP, "build/release"))
HEAPS = os.path.join(TOP, "../shared/bench")
RECORDS, INTERVAL, SAMPLES_MIN = 4000, 8192, 20

# A round to fill the free lists, one in which every byte is drawn, then a round a seed.
ESTIMATES = """
import json, sys, tracemalloc
import heap_workload, heaptrail
for number in range(-1, %d + 1):
    heaptrail.sample(%d if number > 0 else 1, seed=number + 2)
    tracemalloc.start()
    kept = heap_workload.build(%d)
    found = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, heap_workload.__file__)])
    tracemalloc.stop()
    heaptrail.snapshot("%%d.htrail" %% number)
    heaptrail.sample(0)
    del kept
    print(json.dumps({str(s.traceback): [s.size, s.count] for s in found.statistics("lineno")}))
    sys.stdout.flush()
"""
# The three take turns in one process; the best of each: shared machines are slower at times, never faster.
TIME = """
import gc, json, sys, time, tracemalloc
import heap_workload, heaptrail
count, rounds = int(sys.argv[1]), int(sys.argv[2])
times = {}
for i in range(rounds):
    for mode in "plain", "sampler", "tracemalloc":
        if mode == "tracemalloc" and i % 3:
            continue
        heaptrail.sample(512 << 10 if mode == "sampler" else 0)
        if mode == "tracemalloc":
            tracemalloc.start()
        gc.collect()
        begun = time.process_time()
        kept = heap_workload.build(count)
        del kept
        times.setdefault(mode, []).append(time.process_time() - begun)
        tracemalloc.stop()
print(json.dumps({mode: min(found) for mode, found in times.items()}))
"""
MEMORY = """
import json, sys
import heap_workload, heaptrail
if sys.argv[1] == "sampler":
    heaptrail.sample(512 << 10)
elif sys.argv[1] == "tracemalloc":
    import tracemalloc
    tracemalloc.start()
kept = heap_workload.build(int(sys.argv[2]))
with open("/proc/self/smaps_rollup") as lines:
    print(sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:"))) / 1024.0)
"""
MODES = "plain", "sampler", "tracemalloc"


def run(python, program, *arguments, folder=None, env={}):
    version = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join([os.path.join(B, "python" + version), HEAPS]), PYTHONHASHSEED="0", **env)
    return subprocess.run([python, "-c", program, *map(str, arguments)], cwd=folder, env=environ, stdout=subprocess.PIPE, check=True).stdout.decode()


def estimates(python, seeds, records=RECORDS, interval=INTERVAL):
    """(lines, of them those that tracemalloc counts elsewhere, and for bytes and for counts: lines with enough samples, of
    them beyond two standard errors of the exact figure, mean of estimate / exact).

    Since 3.7 tracemalloc moves an object that comes out of a free list to the line that took it out. No allocation
    is made there, so a sampler cannot know: such lines are held to what it says itself when it draws every byte."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP")) as folder:
        exact = [json.loads(line) for line in run(python, ESTIMATES % (seeds, interval, records), folder=folder).splitlines()][1:]
        top = [{row["key"]: row for row in json.loads(subprocess.run([os.path.join(B, "heaptrail"), "top", "--by", "site", "--json", "%d.htrail" % number],
                                                                     cwd=folder, stdout=subprocess.PIPE, check=True).stdout.decode())["rows"]}
               for number in range(seeds + 1)]
    every = {line: [top[0].get(line, {}).get(key, 0) for key in ("bytes", "count")] for line in exact[0]}
    recycled = {line for line in every if every[line] != exact[0][line]}
    result = []
    for which, value in ("bytes", 0), ("count", 1):
        lines = beyond = estimated = known = 0
        for truth, found in zip(exact[1:], top[1:]):
            for line in every:
                row, true = found.get(line), (every if line in recycled else truth)[line][value]
                known += true
                estimated += row[which] if row else 0
                if row and row["blocks"] >= SAMPLES_MIN:
                    lines += 1
                    beyond += abs(row[which] - true) > 2 * row[which + "_error"]
        result.append((lines, beyond, estimated / known))
    return len(every), len(recycled), result[0], result[1]


def cost(python, count, rounds=7):
    """mode -> (seconds, MB): what it takes to build the heap and let it go, and what the process then holds"""
    times = json.loads(run(python, TIME, count, rounds))
    return {mode: (times[mode], float(run(python, MEMORY, mode, count))) for mode in MODES}


def main():
    what, python = sys.argv[1:3]
    if what == "estimates":
        lines, recycled, *figures = estimates(python, int(sys.argv[3]) if len(sys.argv) > 3 else 100)
        print("%d lines, of them %d with objects out of free lists" % (lines, recycled))
        for name, (enough, beyond, ratio) in zip(("bytes", "counts"), figures):
            print("%s: %d of %d lines beyond two standard errors (%.1f %%), estimate / exact %.4f" % (name, beyond, enough, 100.0 * beyond / enough, ratio))
    else:
        found = cost(python, int(sys.argv[3]) if len(sys.argv) > 3 else 100000)
        plain = found["plain"]
        for mode, (seconds, megabytes) in found.items():
            print("%s: %.3f s (%+.1f %%), %.1f MB (%+.1f)" % (mode, seconds, 100 * (seconds / plain[0] - 1), megabytes, megabytes - plain[1]))


if __name__ == "__main__":
    main()
