"""The outermost layer of a snapshot file (docs/format.md) written down once more, independently of our C: header and
frames, so that a test can add to a file what a later version might."""
import struct

HEADER, HEAD = 32, 32
FRAME_MAGIC = b"\xf5HTF"
END, INDEX = 100, 101
END_TOTALS = 9  # varints of the END frame before the number of frames


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def with_crc(data):
    """data and the checksum of it, which stands at offset 28."""
    assert len(data) == 28
    return data + struct.pack("<I", crc32c(data))


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def skip_varints(data, count):
    at = 0
    for _ in range(count):
        while data[at] & 128:
            at += 1
        at += 1
    return at


class Frame:
    def __init__(self, kind, codec, flags, raw_bytes, payload):
        self.kind, self.codec, self.flags, self.raw_bytes, self.payload = kind, codec, flags, raw_bytes, payload


class Snapshot:
    @classmethod
    def load(cls, path):
        self = cls()
        with open(path, "rb") as file:
            data = file.read()
        assert data[:8] == b"\x89HTR\r\n\x1a\n" and with_crc(data[:28]) == data[:HEADER]
        self.major, self.minor = struct.unpack_from("<HH", data, 8)
        self.header = data[12:28]
        self.frames, at = [], HEADER
        while data[at:at + 4] == FRAME_MAGIC:
            head = data[at:at + HEAD]
            assert with_crc(head[:28]) == head
            kind, codec, flags, sequence, stored, raw, crc = struct.unpack_from("<HBBIIII", head, 4)
            payload = data[at + HEAD:at + HEAD + stored]
            assert sequence == len(self.frames) and len(payload) == stored
            self.frames.append(Frame(kind, codec, flags, raw, payload))
            at += HEAD + stored
        assert [frame.kind for frame in self.frames[-2:]] == [END, INDEX] and len(data) - at == 16
        return self

    def insert(self, position, kind, payload, flags=0):
        """A section of this kind, before the frame at position."""
        self.frames.insert(position, Frame(kind, 0, flags, len(payload), payload))

    def save(self, path):
        """With the END and INDEX frames that fit what is there now."""
        out, offsets, heads = bytearray(), [], b""
        out += with_crc(b"\x89HTR\r\n\x1a\n" + struct.pack("<HH", self.major, self.minor) + self.header)
        for sequence, frame in enumerate(self.frames):
            if frame.kind == END:
                at, after = skip_varints(frame.payload, END_TOTALS), skip_varints(frame.payload, END_TOTALS + 1)
                frame.payload = (frame.payload[:at] + varint(sequence) + struct.pack("<I", crc32c(heads)) +
                                 frame.payload[after + 4:])
            if frame.kind == INDEX:
                frame.payload = varint(len(offsets)) + b"".join(
                    varint(kind) + varint(offset - before)
                    for (kind, offset), (_, before) in zip(offsets, [(0, 0)] + offsets))
            if frame.kind in (END, INDEX):
                frame.raw_bytes = len(frame.payload)
            offsets.append((frame.kind, len(out)))
            head = with_crc(FRAME_MAGIC + struct.pack("<HBBIIIII", frame.kind, frame.codec, frame.flags, sequence,
                                                      len(frame.payload), frame.raw_bytes, crc32c(frame.payload), 0))
            heads += head
            out += head + frame.payload
        trailer = struct.pack("<Q", offsets[-1][1])
        out += trailer + struct.pack("<I", crc32c(trailer)) + b"HTRE"
        with open(path, "wb") as file:
            file.write(out)
