#!/usr/bin/python3
"""Read an .htrail snapshot, as docs/format.md describes it. Slow and plain: it proves that the document is enough."""
import ctypes
import struct
import sys

MIB = 1 << 20
U64 = (1 << 64) - 1
META, STRINGS, TYPES, OBJECTS, ROOTS, THREADS, FRAMES, SITES, SITE_OF, MAPPINGS = 1, 2, 3, 4, 5, 7, 8, 9, 10, 11
END, INDEX = 100, 101
TRACKED, INLINE, CONTINUED, PSEUDO, LENGTH, IMMORTAL = 1, 2, 4, 8, 16, 32
KEY, VALUE, PAIRS = 2, 3, 15
COLUMNS = ("", "SHAPE", "ADDRESS", "REFCOUNT", "LENGTH", "DESCRIPTION", "FAR", "SELECTOR", "BACK", "AGE", "DELTA",
           "NAME_OBJECT", "NAME_LENGTH", "NAME_MODULE", "TEXT", "VALUE_OBJECT", "VALUE_FLAGS", "VALUE_HASH",
           "VALUE_LENGTH", "VALUE_TEXT", "NAME_FAR", "VALUE_FAR", "TAIL")


class SnapshotError(Exception):
    """Why a file was not read to its end; so_far is what the good frames before held."""
    so_far = None


Cut, Damaged, Newer = (type(name, (SnapshotError,), {}) for name in ("Cut", "Damaged", "Newer"))


def check(holds, sentence, *values):
    if not holds:
        raise Damaged(sentence % values)


# ---- bytes, numbers, checksums, zstd

def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
ZSTD.ZSTD_getFrameContentSize.argtypes = ctypes.c_char_p, ctypes.c_size_t
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_decompress.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t


def decompress(stored, raw_bytes):
    check(ZSTD.ZSTD_getFrameContentSize(stored, len(stored)) in (raw_bytes, U64), "zstd data of another size than told")
    raw = ctypes.create_string_buffer(raw_bytes)
    check(ZSTD.ZSTD_decompress(raw, raw_bytes, stored, len(stored)) == raw_bytes, "zstd data do not decompress")
    return raw.raw


class Data:
    """Bytes that are read from the front."""

    def __init__(self, data=b"", name="payload"):
        self.data, self.name, self.at = data, name, 0

    def bytes(self, count):
        check(count <= len(self.data) - self.at, "%s ends too early", self.name)
        self.at += count
        return self.data[self.at - count:self.at]

    def fixed(self, size):
        return int.from_bytes(self.bytes(size), "little")

    def varint(self):
        value = shift = 0
        try:
            while True:
                byte = self.data[self.at]
                self.at += 1
                value |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
                check(shift < 70, "a number in %s is too long", self.name)
        except IndexError:
            raise Damaged("%s ends too early" % self.name) from None
        check(value <= U64, "a number in %s is too large", self.name)
        return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        return self.bytes(self.varint())

    def finished(self):
        return self.at == len(self.data)


class Far(Data):
    """A column of whole addresses, each from the last one."""
    last = 0

    def next(self):
        self.last = (self.last + self.zigzag()) & U64
        return self.last


# ---- row sections

def rows(payload):
    payload = Data(payload)
    while not payload.finished():
        yield Data(payload.text(), "a row")


def read_meta(payload, out):
    for row in rows(payload):
        key = row.text()
        out["meta"][key] = row.text()


def read_strings(payload, out):
    for row in rows(payload):
        check(row.varint() == len(out["strings"]), "a string is out of order")
        out["strings"].append(row.text())


def read_types(payload, out):
    last = 0
    for row in rows(payload):
        last = (last + row.zigzag()) & U64
        flags, base = row.varint(), row.zigzag()
        out["types"].append(dict(
            id=last, flags=flags, base=(last + base) & U64 if base else 0, basic=row.varint(), item=row.varint(),
            name_label=row.varint(), module_label=row.varint(), name=row.text(), module=row.text()))


def read_roots(payload, out):
    last = 0
    for row in rows(payload):
        last = (last + row.zigzag()) & U64
        out["roots"].append(dict(object=last, kind=row.varint(), thread=row.varint(), depth=row.varint(),
                                 name=row.text()))


def read_threads(payload, out):
    last = 0
    for row in rows(payload):
        last = (last + row.zigzag()) & U64
        fields = {name: row.varint() for name in ("ident", "object", "flags", "state", "start", "user", "system")}
        out["threads"].append(dict(fields, tid=last, name=row.text(), comm=row.text(), wait=row.text()))


def read_frames(payload, out):
    tid = object = 0
    for row in rows(payload):
        tid = (tid + row.zigzag()) & U64
        ident = row.varint()
        object = (object + row.zigzag()) & U64
        out["stacks"].append(dict(tid=tid, ident=ident, object=object, depth=row.varint(), line=row.varint(),
                                  function=row.text(), file=row.text()))


def read_mappings(payload, out):
    last = 0
    for row in rows(payload):
        start = (last + row.zigzag()) & U64
        last = (start + row.zigzag()) & U64
        fields = {name: row.varint() for name in ("category", "flags", "rss", "pss", "private_dirty", "swap")}
        out["mappings"].append(dict(fields, start=start, end=last, path=row.text()))


def read_sites(payload, out):
    for row in rows(payload):
        number, distance = row.varint(), row.varint()
        check(number == len(out["sites"]) and distance <= number, "site %d is out of order", number)
        out["sites"].append(dict(id=number, caller=number - distance if distance else None, line=row.varint(),
                                 file=row.text(), function=row.text()))


def read_site_of(payload, out):
    last = 0
    for row in rows(payload):
        last = (last + row.zigzag()) & U64
        block = dict(address=last, site=row.varint(), size=row.varint(), weight=row.varint())
        check(block["weight"] == 0 or block["weight"] >= 65536, "a block stands for less than itself")
        out["blocks"].append(block)


# ---- a block of objects

class Shape:
    """What a description says: of one object, or of all objects of a shape. References are (kind, label, name key)."""
    refcount = 0

    def __init__(self, flags, type, size, length, references):
        self.flags, self.type, self.size, self.length = flags, type, size, length
        self.references, self.slots, self.stretches = references, None, False


class Slot:
    """What is remembered of the targets of one reference of a shape, or of many that share a context."""
    __slots__ = "last", "stride", "tracked", "back"

    def __init__(self):
        self.last = self.stride = self.tracked = self.back = 0


class Object:
    """An object, or with flag CONTINUED more references of one that came before: address and references alone."""
    __slots__ = "address", "type", "size", "length", "flags", "refcount", "references", "targets"


class Block:
    def __init__(self, payload, unit_shift):
        data = Data(payload, "a block")
        self.counts = [data.varint() for _ in range(5)]
        check(max(self.counts) <= 1 << 21, "a count of a block is too large")
        sums = data.fixed(8), data.fixed(8)
        self.unit_shift = unit_shift
        self.columns(data)
        self.shapes, self.types, self.last_label, self.shape_references = [], [], 0, 0
        self.last_address = [0] * 34
        self.contexts = {}
        self.remembered = []
        self.objects, self.addresses, self.tracked = [], [], []
        self.pending, self.waiting = [], {}
        objects, parts, references, names, values = self.counts
        for _ in range(objects + parts):
            self.record()
        self.tail()
        self.names = list(self.read_names(names))
        self.values = list(self.read_values(values))
        for column in self.column.values():
            check(column.finished(), "%s has more than is used", column.name)
        check(len(self.addresses) == objects, "a block has other objects than told")
        check(sum(len(o.targets) for o in self.objects) == references, "a block has other references than told")
        check(sum(o.size for o in self.objects if not o.flags & CONTINUED) & U64 == sums[0], "sizes do not sum up")
        check(sum(sum(o.targets) for o in self.objects) & U64 == sums[1], "targets do not sum up")

    def columns(self, data):
        self.column = {name: (Far if "FAR" in name else Data)(name=name) for name in COLUMNS}
        last = total = 0
        for _ in range(data.varint()):
            number, raw_bytes, stored_bytes = data.fixed(1), data.varint(), data.fixed(4)
            total += raw_bytes
            check(number > last and total <= 32 * MIB, "a column is out of order or too large")
            last = number
            stored = data.bytes(stored_bytes)
            if number < len(COLUMNS):
                raw = stored if stored_bytes == raw_bytes else decompress(stored, raw_bytes)
                self.column[COLUMNS[number]].data = raw
        check(data.finished(), "a block goes on behind its columns")
        self.far = self.column["FAR"]

    def units(self, count):
        return count << self.unit_shift

    def description(self, is_shape):
        """Flags, type, size, length, and runs of references."""
        data = self.column["DESCRIPTION"]
        flags, number = data.varint(), data.varint()
        check(number <= len(self.types), "a description has a type that is not known")
        if number == 0:
            self.types.append(self.far.next())
        type = self.types[number - 1]
        size = data.varint()
        length = data.varint() if flags & LENGTH else 0
        count = data.varint()
        check(count <= self.counts[2], "a description has too many references")
        references = []
        while len(references) < count:
            head = data.varint()
            kind, mode = head & 15, head >> 4
            check(kind <= 12 or kind == PAIRS and mode == 0, "a reference of an unknown kind")
            check(mode <= 3 and (kind != KEY or mode == 0 or mode == 2 and is_shape), "a label of an unknown mode")
            if mode == 0:
                run = data.varint()
                check(1 <= run <= count - len(references), "a run is empty or too long")
                references += [(KEY, 0, 0), (VALUE, 0, 0)] * run if kind == PAIRS else [(kind, 0, 0)] * run
            elif mode == 1:
                references.append((kind, data.varint() * 2 + 1, 0))
            elif mode == 2:
                label = self.next_label(data.zigzag())
                references.append((kind, 0, label) if kind == KEY else (kind, label, 0))
            else:
                references.append((kind, data.varint(), 0))
        check(len(references) == count, "a description has more references than told")
        return Shape(flags, type, size, length, references)

    def next_label(self, delta):
        self.last_label = (self.last_label + self.units(delta)) & U64 if delta else self.far.next()
        return self.last_label

    def shape(self):
        """The shape of the next record, and whether it was known."""
        number = self.column["SHAPE"].varint()
        if number >= 2:
            check(number - 2 < len(self.shapes), "a shape is not known")
            return self.shapes[number - 2], True
        shape = self.description(number == 1)
        if number == 1:
            self.shape_references += len(shape.references)
            check(len(shape.references) <= 48 and len(self.shapes) < 4096 and self.shape_references <= 32768,
                  "shapes are too many or too large")
            shape.slots = [Slot() for _ in shape.references]
            shape.stretches = not shape.references and shape.flags & LENGTH and shape.size >= shape.length
            self.shapes.append(shape)
        return shape, False

    def record(self):
        shape, known = self.shape()
        o = Object()
        o.type, o.size, o.length, o.flags, o.refcount = shape.type, shape.size, shape.length, shape.flags, 0
        if o.flags & CONTINUED:
            o.address, o.type, o.size, o.length, o.flags = self.far.next(), 0, 0, 0, CONTINUED
        else:
            if known and shape.stretches:
                o.length = self.column["LENGTH"].varint()
                o.size = shape.size - shape.length + o.length
            o.address = self.address(o.size)
            o.refcount = shape.refcount = (shape.refcount + self.column["REFCOUNT"].zigzag()) & U64
            self.number(o)
        o.references = shape.references
        o.targets = self.targets(o, shape)
        self.objects.append(o)

    def address(self, size):
        size_class = 0 if size > 512 else (size + 15) // 16 + 1
        delta = self.column["ADDRESS"].zigzag()
        address = (self.last_address[size_class] + self.units(delta)) & U64 if delta else self.far.next()
        self.last_address[size_class] = address
        return address

    def number(self, o):
        """Give the object its numbers, and to those that waited for it its address."""
        self.addresses.append(o.address)
        if o.flags & TRACKED:
            for targets, place in self.waiting.pop(len(self.tracked), ()):
                targets[place] = o.address
            self.tracked.append(o.address)
        if o.flags & INLINE:
            check(self.pending, "an inline object that no reference waits for")
            targets, place = self.pending.pop()
            targets[place] = o.address

    def targets(self, o, shape):
        targets, new, previous = [0] * len(shape.references), [], 0
        for place, (kind, label, name_key) in enumerate(shape.references):
            if name_key:
                previous = targets[place] = name_key
                continue
            slot = shape.slots[place] if shape.slots else self.context(o, kind, place)
            selector = self.column["SELECTOR"].fixed(1)
            if selector == 0:
                new.append((targets, place))
                continue
            ahead, target = self.target(selector, slot, o, previous)
            if ahead:
                self.waiting.setdefault(len(self.tracked) - 1 + ahead, []).append((targets, place))
            else:
                previous = targets[place] = target
        self.pending += reversed(new)
        return targets

    def context(self, o, kind, position):
        number = ((o.type >> 4) * 7 + kind * 31 + min(position, 6)) * 0x9E3779B97F4A7C15 % (1 << 64) >> 56
        return self.contexts.setdefault(number, Slot())

    def target(self, selector, slot, o, previous):
        """How many tracked numbers ahead the target is, or 0; and the target."""
        n = 0
        for direct, first, column in (9, 160, "AGE"), (8, 96, "BACK"), (7, 32, "BACK"):
            if selector >= first:
                selector, n = direct, selector - first + 1
            elif selector == direct:
                n = self.column[column].varint()
        if 16 <= selector:
            slot.tracked = selector - 15
        if 16 <= selector or selector == 3 and slot.tracked > 0:
            return slot.tracked, 0
        if selector == 1:
            slot.stride = 0
            return 0, slot.last
        if selector == 2:
            target = (slot.last + slot.stride) & U64
        elif selector in (3, 5, 7):
            slot.tracked = slot.tracked if selector == 3 else -n
            target = self.back_in(self.tracked, -slot.tracked)
        elif selector in (4, 8):
            slot.back = slot.back if selector == 4 else n
            target = self.back_in(self.addresses, slot.back)
        elif selector == 6:
            target = previous
        elif selector == 9:
            check(n <= 16384, "a target that is not remembered")
            target = self.back_in(self.remembered, n - 1)
        elif selector in (10, 11):
            base = slot.last if selector == 10 else o.address
            target = (base + self.units(self.column["DELTA"].zigzag())) & U64
        else:
            check(selector == 12, "an unknown selector")
            target = self.far.next()
        slot.stride, slot.last = target - slot.last, target
        if selector >= 8:
            self.remembered.append(target)
        return 0, target

    @staticmethod
    def back_in(addresses, back):
        check(0 <= back < len(addresses), "a reference leads before the first object")
        return addresses[-1 - back]

    def tail(self):
        """The targets that still wait."""
        data = self.column["TAIL"]
        if not data.data:
            check(not self.pending and not self.waiting, "references wait, and no tail")
            return
        tail = Far(data.data, "TAIL")
        check(tail.varint() == len(self.pending), "the tail has other references than wait")
        while self.pending:
            targets, place = self.pending.pop()
            targets[place] = tail.next()
        ahead = tail.varint()
        check(ahead <= 16, "the tail is too long")
        for number in range(len(self.tracked), len(self.tracked) + ahead):
            address = tail.next()
            for targets, place in self.waiting.pop(number, ()):
                targets[place] = address
        check(not self.waiting, "a reference waits for more than the tail has")
        self.column["TAIL"] = tail

    def some_objects(self, count, column, far):
        """The objects that names, or values, are given to."""
        number = -1
        for _ in range(count):
            delta = self.column[column].zigzag()
            number += delta
            check(delta == 0 or 0 <= number < len(self.addresses), "a name or value of an object that is not known")
            yield self.addresses[number] if delta else self.column[far].next()

    def read_names(self, count):
        text, lengths, modules, name, last = self.column["TEXT"], self.column["NAME_LENGTH"], [], b"", b""
        for address in self.some_objects(count, "NAME_OBJECT", "NAME_FAR"):
            module = self.column["NAME_MODULE"].varint()
            if module == 2:
                modules.append(text.bytes(self.column["NAME_MODULE"].varint()))
                last = modules[-1]
            elif module >= 3:
                check(module - 3 < len(modules), "a module that is not known")
                last = modules[module - 3]
            shared, own = lengths.varint(), lengths.varint()
            check(shared <= min(len(name), 256), "a name shares more than there is")
            name = name[:shared] + text.bytes(own)
            yield address, name, last if module else b""

    def read_values(self, count):
        places, place = [None] * 256, 0
        hashes = self.column["VALUE_HASH"]
        for address in self.some_objects(count, "VALUE_OBJECT", "VALUE_FAR"):
            flags = self.column["VALUE_FLAGS"].fixed(1)
            value = text = None
            if flags & 1:
                if flags & 128:
                    value = places[hashes.fixed(1)]
                    check(value is not None, "a hash that is not known")
                else:
                    place = place % 255 + 1
                    value = places[place] = hashes.fixed(8)
            if flags & 2:
                text = self.column["VALUE_TEXT"].bytes(self.column["VALUE_LENGTH"].varint())
            yield address, value, text, bool(flags & 4)


def read_objects(payload, out):
    block = Block(payload, out["header"]["unit_shift"])
    out["objects"] += block.objects
    out["names"] += block.names
    out["values"] += block.values


# ---- the file

def read_header(data):
    check(len(data) >= 4 and data[:8] == b"\x89HTR\r\n\x1a\n"[:len(data)], "not a snapshot: the magic is another")
    if len(data) < 32:
        raise Cut("cut in the header, at %d bytes" % len(data))
    major, minor, pointer, unit_shift, big_endian, _, file_id, _, checksum = struct.unpack("<HHBBBBQII", data[8:32])
    check(crc32c(data[:28]) == checksum, "the header's checksum does not hold")
    if major != 1:
        raise Newer("the file has major version %d" % major)
    check(pointer in (4, 8) and unit_shift <= 16, "the header has an impossible size")
    return dict(major=major, minor=minor, pointer=pointer, unit_shift=unit_shift, big_endian=big_endian,
                file_id=file_id)


def read_frame(data, at, number):
    """Section, whether it is critical, its head, its payload if the section is known, and where the next frame is."""
    head = data[at:at + 32]
    check(head[:4] == b"\xf5HTF"[:len(head)], "frame %d has no magic", number)
    if len(head) < 32:
        raise Cut("cut in the head of frame %d, at %d bytes" % (number, len(data)))
    section, codec, flags, told, stored_bytes, raw_bytes, crc, _, checksum = struct.unpack("<HBBIIIIII", head[4:])
    check(crc32c(head[:28]) == checksum, "the checksum of the head of frame %d does not hold", number)
    check(told == number, "frame %d says it is frame %d", number, told)
    check(max(stored_bytes, raw_bytes) <= 16 * MIB, "frame %d is too large", number)
    stored = data[at + 32:at + 32 + stored_bytes]
    if len(stored) < stored_bytes:
        raise Cut("cut in frame %d, at %d bytes" % (number, len(data)))
    check(crc32c(stored) == crc, "the checksum of frame %d does not hold", number)
    if section in READERS and section != OBJECTS and codec == 1:
        stored = decompress(stored, raw_bytes)
    elif section in (*READERS, END, INDEX):
        check(codec == 0 and raw_bytes == stored_bytes, "frame %d is of another codec or size than may be", number)
    return section, flags & 1, head, stored, at + 32 + stored_bytes


def totals(out):
    whole = [o for o in out["objects"] if not o.flags & CONTINUED]
    return dict(objects=len(whole), parts=len(out["objects"]) - len(whole),
                references=sum(len(o.targets) for o in out["objects"]), names=len(out["names"]),
                values=len(out["values"]), types=len(out["types"]), strings=len(out["strings"]),
                roots=len(out["roots"]), sizes=sum(o.size for o in whole) & U64)


def read_end(payload, out, frames, heads_crc):
    data = Data(payload, "END")
    for what, count in (*totals(out).items(), ("frames", frames)):
        check(data.varint() == count, "the total of %s does not hold", what)
    check(data.fixed(4) == heads_crc, "the checksum of the frames' heads does not hold")
    return dict(stopped=data.fixed(1), reason=data.text())


def read_index(payload, frames):
    data, at = Data(payload, "INDEX"), 0
    count = data.varint()
    check(count <= len(frames), "the index has more frames than the file")
    for frame in frames[:count]:
        section = data.varint()
        at += data.varint()
        check((section, at) == frame, "the index is wrong")


def read_trailer(data, at, index_at):
    trailer = struct.pack("<Q", index_at)
    trailer += struct.pack("<I", crc32c(trailer)) + b"HTRE"
    check(data[at:at + 16] == trailer[:len(data) - at], "the trailer is wrong")
    if len(data) < at + 16:
        raise Cut("cut in the trailer, at %d bytes" % len(data))
    check(len(data) == at + 16, "something is behind the trailer")


READERS = {META: read_meta, STRINGS: read_strings, TYPES: read_types, OBJECTS: read_objects, ROOTS: read_roots,
           THREADS: read_threads, FRAMES: read_frames, MAPPINGS: read_mappings, SITES: read_sites,
           SITE_OF: read_site_of}


def decode(data):
    out = dict(header=None, meta={}, strings=[], types=[], objects=[], names=[], values=[], roots=[], threads=[],
               stacks=[], mappings=[], sites=[], blocks=[], end=None, frames=[])
    try:
        out["header"] = read_header(data)
        at, heads_crc, section = 32, 0, None
        while section != INDEX:
            start, number = at, len(out["frames"])
            section, critical, head, payload, at = read_frame(data, at, number)
            check((section == INDEX) == (out["end"] is not None), "frame %d is not in its place", number)
            if section in READERS:
                READERS[section](payload, out)
            elif section == END:
                out["end"] = read_end(payload, out, number, heads_crc)
            elif section == INDEX:
                read_index(payload, out["frames"])
            elif critical:
                raise Newer("frame %d has section %d, which this reader must know" % (number, section))
            out["frames"].append((section, start))
            heads_crc = crc32c(head, heads_crc)
        read_trailer(data, at, start)
    except SnapshotError as error:
        error.so_far = out
        raise
    return out


def read(path):
    with open(path, "rb") as file:
        return decode(file.read())


def main(paths):
    for path in paths:
        try:
            out, why = read(path), "whole"
        except SnapshotError as error:
            out, why = error.so_far, "%s: %s" % (type(error).__name__.lower(), error)
        print(path, why)
        print("  ", *("%s %d" % item for item in totals(out).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
