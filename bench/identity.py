#!/usr/bin/env python3
"""How often a new object at an old address is taken for the old one: a real process replaces 10, 50 and 100 % of 20,000
records by others of the same type and size, in several ways, and says itself which are which.

    bench/identity.py [--quick] [VERSION...]        a row for each way and share; --quick: one way
"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests"))
import interpreters

HEAPTRAIL = os.path.join(interpreters.BUILD, "heaptrail")
RECORDS, SHARES = 20000, (0.1, 0.5, 1)
TARGET = 0.01  # of the replaced ones may be taken for survivors

PROGRAM = """
import gc, json, logging, random, sys, threading
import heaptrail
way, folder, shares, count = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
class Record(object):
    def __init__(self):
        global serial
        serial += 1
        self.serial = serial + 100000
        self.payload = bytearray(200)
        self.tag = "record %08d" % serial
class Server(object): pass
serial = 0
server = Server()
server.records = [Record() for i in range(count)]
def take(name):
    if "collected" in way: gc.collect()
    heaptrail.snapshot("%s/%s.htrail" % (folder, name))
    with open("%s/%s.json" % (folder, name), "w") as f:
        json.dump({id(r): r.serial for r in server.records}, f)
take("0")
for number, share in enumerate(shares, 1):
    chosen = random.Random(number).sample(range(count), int(count * share))
    records = server.records
    if way.startswith("in place"):      # each new one is made before the old one goes
        for i in chosen: records[i] = Record()
    elif way.startswith("dropped"):     # all old ones go first
        for i in chosen: records[i] = None
        chosen.sort()
        for i in chosen: records[i] = Record()
    elif way.startswith("queue"):       # the oldest go, new ones are added
        for i in chosen:
            records.append(Record())
            del records[0]
    elif way.startswith("copied"):      # into another list
        chosen = set(chosen)
        server.records = records = [Record() if i in chosen else r for i, r in enumerate(records)]
    del records, chosen
    take(str(number))
"""
WAYS = ("in place", "in place, collected", "dropped", "dropped, collected", "queue", "queue, collected", "copied")


def measure(python, module, way, shares=SHARES, records=RECORDS):
    """A dict for each share: new (records), reused (at the address of an earlier one), and of the new ones and of the
    survivors how many were called certain, likely, unsure, new."""
    with tempfile.TemporaryDirectory(prefix="identity.", dir=os.environ.get("TEST_TMP")) as folder:
        script = os.path.join(folder, "program.py")
        with open(script, "w") as f:
            f.write(PROGRAM)
        subprocess.run([python, script, way, folder, json.dumps(shares), str(records)], check=True, env=dict(os.environ, PYTHONPATH=module))
        found = []
        for number, share in enumerate(shares, 1):
            before, after = (os.path.join(folder, "%d.htrail" % n) for n in (number - 1, number))
            truth = []
            for path in before, after:
                with open(path[:-len("htrail")] + "json") as f:
                    truth.append({int(address): serial for address, serial in json.load(f).items()})
            old, new = truth[0], newcomers(*truth)
            verdicts = {address: verdict for address, type, verdict in ask(before, after) if type.endswith(".Record") and verdict != "gone"}
            row = {"way": way, "share": share, "new": len(new), "reused": sum(address in old for address in new),
                   "of new": {}, "of survivors": {}, "survivors": len(truth[1]) - len(new)}
            for address in truth[1]:
                of = row["of new" if address in new else "of survivors"]
                of[verdicts[address]] = of.get(verdicts[address], 0) + 1
            row["taken"] = row["of new"].get("certain", 0) + row["of new"].get("likely", 0)
            row["recognised"] = row["of survivors"].get("certain", 0) + row["of survivors"].get("likely", 0)
            found.append(row)
        return found


def newcomers(before, after):
    serials = set(before.values())
    return {address for address, serial in after.items() if serial not in serials}


def ask(before, after):
    """(address, type, verdict) of every object, by the query that heaptrail prints, in plain SQLite."""
    said = subprocess.run([HEAPTRAIL, "diff", "--survivors", "--show-sql", "--json", before, after], check=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True).stderr
    attach, query = said[:said.index("WITH RECURSIVE")], said[said.index("WITH RECURSIVE"):said.index("SELECT type AS key")]
    db = sqlite3.connect(":memory:")
    try:
        for line in attach.split(";")[:-1]:
            db.execute(line)
        return db.execute(query + "SELECT coalesce(a.address, b.address), fate.type, verdict FROM fate LEFT JOIN after.heap_object a ON a.id = fate.id "
                          "LEFT JOIN before.heap_object b ON b.id = fate.id_before").fetchall()
    finally:
        db.close()


def main(arguments):
    quick = "--quick" in arguments
    versions = [a for a in arguments if a != "--quick"]
    missed = 0
    print("%-6s %-20s %5s %7s %7s | %9s %6s | %9s %9s %8s" % ("python", "way", "share", "new", "reused", "taken for", "unsure", "survivors", "certain", "likely"))
    for version, pythons in sorted(interpreters.found().items(), key=lambda item: interpreters.number(item[0])):
        if versions and version not in versions:
            continue
        for way in WAYS[1:2] if quick else WAYS:
            for row in measure(pythons[0], interpreters.module_of(version), way):
                missed += row["taken"] > TARGET * row["new"]
                print("%-6s %-20s %4.0f%% %7d %6.0f%% | %9d %6d | %9d %8.1f%% %7.1f%%" % (
                    version, way, 100 * row["share"], row["new"], 100.0 * row["reused"] / row["new"], row["taken"], row["of new"].get("unsure", 0),
                    row["survivors"], *(100.0 * row["of survivors"].get(v, 0) / max(1, row["survivors"]) for v in ("certain", "likely"))), flush=True)
    print("taken for survivors: %s more than 1 %% of the replaced ones" % ("never" if missed == 0 else "%d times" % missed))
    return missed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
