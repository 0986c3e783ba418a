#!/usr/bin/env python3
"""Does `heaptrail leaks` name every leak first, and nothing else? Over the corpus of tests/leaks.

    bench/leaks.py                          both halves of the seeds, on two versions of Python
    bench/leaks.py --open [NAME...]         the half that the detector's author may run, or these programs of it
    bench/leaks.py --open --quick           of it one seed, on one version
    bench/leaks.py --silence N              the four families of programs that do not leak, N random runs of each
      --versions 3.11,3.8                   instead of those that are chosen
      --keep DIR                            take the snapshots once and find them there the next time
      --show                                every verdict, and the text of each program that went wrong
      --check                               look whether each program, without its noise, leaks as it says; without `heaptrail leaks`

Recall: of the leaks, those that a verdict names at their place in the order of size. Precision: of the verdicts,
those that name a leak. Both should be 100 %. Each miss is printed by name, and the exit code is 1 if there is one."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests/leaks")]
import clean
import corpus
import interpreters
import seeds

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")
PREFERRED = "3.11", "3.8", "3.13", "3.12", "3.10", "3.9", "3.7", "3.6"
RETAINED_FLOOR = 1024  # bytes an interval; what a leak of the corpus grows by at least


def versions_to_run(wanted):
    found = interpreters.found()
    if wanted:
        missing = [v for v in wanted.split(",") if v not in found]
        if missing:
            sys.exit("leaks: no module was built for Python %s" % ", ".join(missing))
        return wanted.split(",")
    return [v for v in PREFERRED if v in found][:2]


class Run:
    """One program on one version, and what came of it."""

    def __init__(self, half, kind, program, version, keep):
        self.half, self.kind, self.program, self.version = half, kind, program, version
        self.keep = keep and os.path.join(keep, "%s-%d-%s-%s" % (program.name, program.seed, version, hashlib.sha256(program.source.encode()).hexdigest()[:12]))
        self.found, self.missed, self.false, self.rows = 0, [], [], []

    def __str__(self):
        return "%s %s, seed %d, Python %s" % (self.half, self.program.name, self.program.seed, self.version)

    def snapshots(self, folder):
        paths = [os.path.join(self.keep or folder, "%d.htrail" % i) for i in range(corpus.SNAPSHOTS)]
        if not all(map(os.path.exists, paths)):
            taken = corpus.run(self.program, interpreters.found()[self.version][0], interpreters.module_of(self.version), folder)
            if self.keep:
                os.makedirs(self.keep, exist_ok=True)
                for source, target in zip(taken, paths):
                    shutil.move(source, target)
        return paths

    def measure(self, judge):
        with tempfile.TemporaryDirectory(prefix="leaks.") as folder:
            judge(self, self.snapshots(folder))
        return self


def ask(*command):
    done = subprocess.run([HEAPTRAIL, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode != 0:
        raise RuntimeError("heaptrail %s ended with %d: %s" % (" ".join(command), done.returncode, done.stderr))
    return json.loads(done.stdout)["rows"]


def texts(value):
    """Every text in a value of JSON kind."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def words(value):
    return {word for text in texts(value) for word in re.findall(r"\w+", text)}


PLACE = "kind", "place", "expression", "holder", "also", "root", "chain"  # fields of a verdict that say where


def names(row, leak):
    """Does this verdict name that leak: the place and what piles up there?"""
    said = words([row.get(field) for field in PLACE])
    what = {row[field].split(".")[-1] for field in ("type", "carries")}  # "dicts of Record objects"
    return any(said.issuperset(point) for point in leak.points) and bool(what & {type.split(".")[-1] for type in leak.types})


def judge(run, paths):
    run.rows = ask("leaks", *paths, "--json")
    leaks, allowed = run.program.leaks, run.program.leaks + run.program.also
    for place, leak in enumerate(leaks):
        if place < len(run.rows) and names(run.rows[place], leak):
            run.found += 1
        else:
            run.missed.append(leak)
    run.false = [row for row in run.rows if not any(names(row, leak) for leak in allowed)]


def check(run, paths):
    """Does what is said to pile up grow in every interval? Does a program without a leak fail to grow in one, garbage left out?"""
    what = [] if run.program.leaks else ["where:depth IS NOT NULL"]
    rows = [{row["key"].split(".")[-1]: row["bytes"] for row in ask("top", "-n", "0", "--by", "type", "--json", path, *what)} for path in paths]
    total = [sum(row.values()) for row in rows]
    for leak in run.program.leaks:
        sums = [sum(row.get(type.split(".")[-1], 0) for type in leak.types) for row in rows]
        if all(after - before >= RETAINED_FLOOR for before, after in zip(sums, sums[1:])):
            run.found += 1
        else:
            run.missed.append(leak)
            run.rows = [{"bytes": sums, "heap": total}]
    if not run.program.leaks and all(after - before >= 8 * RETAINED_FLOOR for before, after in zip(total, total[1:])):
        run.false = run.rows = [{"heap": total}]


def describe(row):
    return row.get("verdict") or json.dumps(row)[:400]


def tell(run, is_all):
    """What went wrong, as soon as it is known."""
    for leak in run.missed:
        first = describe(run.rows[0]) if run.rows else "no verdict"
        print("missed: %s: wanted %s of %s; first is: %s" % (run, " or ".join(".".join(p) for p in leak.points), ", ".join(leak.types), first))
    for row in run.false:
        print("false: %s: %s" % (run, describe(row)))
    for row in run.rows if is_all else ():
        print("%s: %s" % (run, json.dumps(row, indent=1)))
    if is_all and (run.missed or run.false):
        print("%s\n%s" % (run, run.program.source))
    sys.stdout.flush()


def table(runs, versions):
    """Lines of figures, a half and version; (recall, precision) of each."""
    result = {}
    print("%-8s %-8s %8s %8s %8s %8s %8s %10s %10s" % ("half", "python", "leaks", "first", "clean", "silent", "verdicts", "recall %", "precision %"))
    for half in dict.fromkeys(run.half for run in runs):
        for version in versions:
            these = [run for run in runs if (run.half, run.version) == (half, version)]
            leaks, found = sum(len(run.program.leaks) for run in these), sum(run.found for run in these)
            quiet = [run for run in these if not run.program.leaks]
            verdicts, false = sum(len(run.rows) for run in these), sum(len(run.false) for run in these)
            recall = 100.0 * found / leaks if leaks else 100.0
            precision = 100.0 * (verdicts - false) / verdicts if verdicts else 100.0
            result[half, version] = recall, precision
            print("%-8s %-8s %8d %8d %8d %8d %8d %10.1f %10.1f" % (half, version, leaks, found, len(quiet), sum(not run.false for run in quiet), verdicts, recall, precision))
    sys.stdout.flush()
    return result


def plan(options, versions):
    if options.silence:
        for family in clean.FAMILIES:
            for seed in range(1000, 1000 + options.silence):
                for version in versions:
                    yield "silence", "clean", corpus.generate("clean", family, seed), version
        return
    for half, chosen in ("open", seeds.OPEN), ("hidden", seeds.HIDDEN):
        if (half == "open" and options.hidden) or (half == "hidden" and options.open):
            continue
        for kind, program in corpus.programs(chosen[:1] if options.quick else chosen, options.names, not options.check):
            for version in versions:
                if corpus.runs_on(program, interpreters.number(version)):
                    yield half, kind, program, version


def measure(arguments):
    """(runs, figures of each half and version)"""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--hidden", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--silence", type=int, metavar="N")
    parser.add_argument("--versions")
    parser.add_argument("--keep", metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    versions = versions_to_run(options.versions)
    if options.quick:
        versions = versions[:1]
    runs = [Run(*one, options.keep) for one in plan(options, versions)]
    unknown = set(options.names) - {run.program.name for run in runs}
    if unknown:
        sys.exit("leaks: there is no program %s" % ", ".join(sorted(unknown)))
    measured = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for run in pool.map(lambda run: run.measure(check if options.check else judge), runs):
            tell(run, options.show)
            measured.append(run)
    return measured, table(measured, versions)


if __name__ == "__main__":
    sys.exit(1 if any(run.missed or run.false for run in measure(sys.argv[1:])[0]) else 0)
