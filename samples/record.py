#!/usr/bin/env python3
"""A camera box that records a few seconds of video around each event. Frames of the recording pile up until the
clock shows the second after its last one; then they are written to disk and let go. But the clock is looked
at only when a frame comes in, and the network may hold frames up for longer than a second: then that very second
is never seen, the recording never ends, and every later frame is added to it.

Find out why, from the folder above:

    build/heaptrail run -o /tmp/record -- python3 samples/record.py &
    build/heaptrail snap -o /tmp/record/a.htrail $!        # a few seconds between the two
    build/heaptrail snap -o /tmp/record/b.htrail $!

    build/heaptrail diff /tmp/record/a.htrail /tmp/record/b.htrail --by type
    build/heaptrail why /tmp/record/b.htrail type:Frame

The answer: the frames are items of recorder.recording['frames']. The cure is >= instead of == in
Recorder.add; --cured runs the program with it, and b.htrail is no larger than a.htrail.
"""
import argparse
import sys
import tempfile
import time

FRAMES_A_SECOND, FRAME_BYTES = 25, 4096


class Frame(object):
    """A piece of the video as it comes from the network."""

    def __init__(self, second, number):
        self.second = second
        self.number = number
        self.data = bytearray(FRAME_BYTES)


class Recorder(object):
    def __init__(self, disk, cured):
        self.disk = disk
        self.cured = cured
        self.recording = None
        self.written = 0

    def start(self, second, seconds):
        self.recording = {"end": second + seconds - 1, "frames": []}

    def add(self, frame):
        if self.recording is None:
            return
        self.recording["frames"].append(frame)
        after = self.recording["end"] + 1
        if frame.second == after or self.cured and frame.second >= after:
            self.finish()

    def finish(self):
        self.disk.seek(0)
        for frame in self.recording["frames"]:
            self.disk.write(frame.data)
        self.written += 1
        self.recording = None


def camera(seconds):
    """The frames of a number of seconds; every tenth second the network holds them up until it is over."""
    for second in seconds:
        if second % 10 == 9:
            continue
        for number in range(FRAMES_A_SECOND):
            yield Frame(second, number)


def main():
    global recorder
    parser = argparse.ArgumentParser(description="a recording that never ends; see the text on top of this file")
    parser.add_argument("--seconds", type=int, default=20, help="of video in a row (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="how often (default %(default)s)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of rest after each round (default %(default)s)")
    parser.add_argument("--cured", action="store_true", help="without the leak")
    options = parser.parse_args()
    with tempfile.NamedTemporaryFile(suffix=".video") as disk:
        recorder = Recorder(disk, options.cured)
        for end in range(options.seconds, options.seconds * options.rounds + 1, options.seconds):
            for frame in camera(range(end - options.seconds, end)):
                if recorder.recording is None and frame.number == 0 and frame.second % 5 == 1:
                    recorder.start(frame.second, 3)
                recorder.add(frame)
            print("%d seconds seen, %d recordings written" % (end, recorder.written))
            sys.stdout.flush()
            time.sleep(options.pause)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
