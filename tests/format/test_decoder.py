"""A reader written from docs/format.md alone and the C reader find the same in a file."""
import glob
import os
import random
import subprocess
import sys
import unittest

import decoder

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("B", os.path.join(ROOT, "build/release")))
FOLDER = os.environ.get("TEST_TMP", "/tmp")
NAME = 2  # flag of a reference: the key is a name

PROGRAM = """
import sys, heaptrail
class Slotted:
    __slots__ = "left", "right"
    def __init__(self):
        self.left, self.right = [], {}
class Plain:
    def __init__(self, number):
        self.number, self.text, self.me = number, "text \\t\\\\ %d" % number, self
def generator():
    local = yield
things = [Slotted() for _ in range(50)] + [Plain(i) for i in range(50)] + [generator() for _ in range(5)]
wide = {"key %d" % i: [i] for i in range(3000)}
same = [dict(alpha="alpha", beta=i) for i in range(50)]
long = "x" * 100000, b"y" * 100000, [None] * 5000, float("nan"), 1 << 100
heaptrail.snapshot(sys.argv[1], hashes=True, contents=True)
"""


def path_of(name):
    return os.path.join(FOLDER, name)


def small_process(path):
    subprocess.run([sys.executable, "-c", PROGRAM, path], check=True,
                   env=dict(os.environ, PYTHONPATH=os.path.join(BUILD, "python%d.%d" % sys.version_info[:2])))
    return path


def random_heap(path, seed, tracked, block_bytes):
    subprocess.run([os.path.join(BUILD, "random-snapshot"), path, str(seed), str(tracked), str(block_bytes)],
                   check=True)
    return path


def dump(path):
    """What the C reader finds: status, lines of each kind (references among the objects), and its last line."""
    dumped = subprocess.run([os.path.join(BUILD, "htrail-dump"), path], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    lines = {kind: [] for kind in "HMSTONVXDFALBI"}
    for line in dumped.stdout.splitlines() if dumped.returncode < 2 else ():
        fields = line.split(b"\t")
        if fields[0] == b"R":
            fields[4] = b"%d" % (int(fields[4]) & NAME)
        lines["O" if fields[0] == b"R" else fields[0].decode()].append(tuple(fields[1:]))
    return dumped.returncode, lines, dumped.stdout.splitlines()[-1].decode()


def shown(text):
    return b"".join(b"\\x%02x" % c if c < 32 or c in b"\\\x7f" else b"%c" % c for c in text)


def read_back(found):
    """The same lines of what the decoder found; of the metadata the last of each key."""
    header = found["header"]
    lines = {
        "H": [(b"%d.%d" % (header["major"], header["minor"]), b"%x" % header["file_id"], b"%d" % header["pointer"])],
        "M": [(shown(key), shown(value)) for key, value in found["meta"].items()],
        "S": [(b"%d" % number, shown(text)) for number, text in enumerate(found["strings"])],
        "T": [(b"%x" % t["id"], shown(t["module"]), shown(t["name"]), b"%x" % t["base"], b"%d" % t["basic"],
               b"%d" % t["item"], b"%d" % t["flags"], b"%x" % t["name_label"], b"%x" % t["module_label"])
              for t in found["types"]],
        "N": [(b"%x" % address, shown(name), shown(module)) for address, name, module in found["names"]],
        "V": [(b"%x" % address, b"%x" % (value or 0), b"%d" % ((value is not None) + 2 * (text is not None) + 4 * cut),
               shown(text or b"")) for address, value, text, cut in found["values"]],
        "X": [(b"%x" % r["object"], b"%d" % r["kind"], b"%d" % r["thread"], b"%d" % r["depth"], shown(r["name"]))
              for r in found["roots"]],
        "D": [(b"%d" % t["tid"], b"%d" % t["ident"], b"%x" % t["object"], b"%d" % t["start"], b"%d" % t["user"],
               b"%d" % t["system"], b"%d" % t["flags"], b"%d" % t["state"], shown(t["name"]), shown(t["comm"]),
               shown(t["wait"])) for t in found["threads"]],
        "F": [(b"%d" % f["tid"], b"%d" % f["ident"], b"%x" % f["object"], b"%d" % f["depth"], b"%d" % f["line"],
               shown(f["function"]), shown(f["file"])) for f in found["stacks"]],
        "A": [(b"%x" % m["start"], b"%x" % m["end"], b"%d" % m["category"], b"%d" % m["flags"], b"%d" % m["rss"],
               b"%d" % m["pss"], b"%d" % m["private_dirty"], b"%d" % m["swap"], shown(m["path"]))
              for m in found["mappings"]],
        "L": [(b"%d" % s["id"], b"-" if s["caller"] is None else b"%d" % s["caller"], b"%d" % s["line"], shown(s["file"]),
               shown(s["function"])) for s in found["sites"]],
        "B": [(b"%x" % b["address"], b"%d" % b["site"], b"%d" % b["size"], b"%d" % b["weight"]) for b in found["blocks"]],
        "O": [],
    }
    for o in found["objects"]:
        lines["O"].append((b"%x" % o.address, b"%x" % o.type, b"%d" % o.size, b"%d" % o.length, b"%d" % o.refcount,
                           b"%d" % o.flags))
        for (kind, label, name_key), target in zip(o.references, o.targets):
            lines["O"].append((b"%x" % target, b"%d" % kind, b"%x" % label, b"%d" % (NAME if name_key else 0)))
    return lines


class SameInBoth(unittest.TestCase):
    def expect_same(self, path, at_least):
        status, expected, _ = dump(path)
        found = decoder.read(path)
        self.assertEqual(status, 0)
        expected["M"] = list(dict(expected["M"]).items())
        for kind, lines in read_back(found).items():
            self.assertEqual(len(lines), len(expected[kind]), kind)
            for at, (line, wanted) in enumerate(zip(lines, expected[kind])):
                self.assertEqual(line, wanted, "line %d of kind %s" % (at, kind))
            self.assertGreaterEqual(len(lines), at_least.get(kind, 0), kind)
        return found

    def test_a_small_process(self):
        found = self.expect_same(small_process(path_of("process.htrail")), dict(H=1, M=20, S=20, T=50, O=30000, N=1000,
                                                                                V=1000, X=50))
        self.assertEqual(found["end"], dict(stopped=0, reason=b""))
        self.assertEqual({cut for _, _, text, cut in found["values"] if text}, {False, True})

    def test_random_heaps_of_one_block(self):
        for seed in range(1, 21):
            with self.subTest(seed=seed):
                self.expect_same(random_heap(path_of("small.htrail"), seed, 5 + seed % 15, 1 << 20), dict(O=10, D=2, A=1))

    def test_a_random_heap_of_many_blocks(self):
        found = self.expect_same(random_heap(path_of("blocks.htrail"), 30, 65, 32 << 10), dict(O=30000, N=500, V=300, D=10, F=10, A=5, L=10, B=10))
        self.assertGreater(sum(section == decoder.OBJECTS for section, _ in found["frames"]), 3)

    def test_golden_files(self):
        for path in glob.glob(os.path.join(ROOT, "tests/golden/good/*.htrail")):
            with self.subTest(path=path):
                self.expect_same(path, dict(O=50))


class NotWhole(unittest.TestCase):
    def setUp(self):
        self.path, self.damaged = path_of("whole.htrail"), path_of("damaged.htrail")
        random_heap(self.path, 3, 30, 64 << 10)
        with open(self.path, "rb") as file:
            self.data = file.read()
        self.frames = decoder.decode(self.data)["frames"]
        self.ends = [start for _, start in self.frames[1:]] + [len(self.data) - 16]

    def write(self, data):
        with open(self.damaged, "wb") as file:
            file.write(data)
        return self.damaged

    def test_cut_at_fifty_places(self):
        places = {8, 31, 32, 33, 63, 64, len(self.data) - 1, len(self.data) - 15, len(self.data) - 16}
        places |= {at + off for at in self.ends[-4:] for off in (-1, 0, 1)}
        chance = random.Random(1)
        while len(places) < 50:
            places.add(chance.randrange(32, len(self.data)))
        for at in sorted(places):
            with self.subTest(at=at):
                status, expected, sentence = dump(self.write(self.data[:at]))
                with self.assertRaises(decoder.Cut) as caught:
                    decoder.read(self.damaged)
                found = caught.exception.so_far
                self.assertIn("at %d bytes" % at, str(caught.exception))
                self.assertEqual(status, 2 if at < 32 else 1)
                self.assertEqual(found["frames"], self.frames[:sum(end <= at for end in self.ends)])
                if status == 1:
                    objects = decoder.totals(found)["objects"]
                    self.assertIn("cut at offset %d: %d objects before that are whole" % (at, objects), sentence)
                    lines = read_back(found)
                    self.assertEqual([(kind, lines[kind] == expected[kind]) for kind in lines],
                                     [(kind, True) for kind in lines])

    def test_a_flipped_bit_is_damage_to_both(self):
        chance = random.Random(2)
        places = [*range(0, 32, 5), len(self.data) - 1]
        places += (start + 24 for _, start in self.frames[::4] + self.frames[-2:])
        for at in places + [chance.randrange(len(self.data)) for _ in range(20)]:
            with self.subTest(at=at):
                data = bytearray(self.data)
                data[at] ^= 1 << chance.randrange(8)
                self.assertNotEqual(dump(self.write(data))[0], 0)
                with self.assertRaises(decoder.Damaged):
                    decoder.read(self.damaged)

    def test_bad_golden_files_are_refused_for_what_they_are(self):
        for path in glob.glob(os.path.join(ROOT, "tests/golden/bad/*.htrail")):
            name = os.path.basename(path)
            wanted = decoder.Newer if name.startswith("3-") else decoder.Cut if "cut" in name else decoder.Damaged
            with self.subTest(name), self.assertRaises(wanted):
                decoder.read(path)

    def test_something_behind_the_end_is_damage_to_both(self):
        self.assertEqual(dump(self.write(self.data + b"\0"))[0], 1)
        with self.assertRaises(decoder.Damaged):
            decoder.read(self.damaged)


if __name__ == "__main__":
    unittest.main()
