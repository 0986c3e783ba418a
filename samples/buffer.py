#!/usr/bin/env python3
"""A camera box that collects images in a buffer and writes them to disk when enough have come
together. Every flush takes the size and the time of the buffer back to nothing, but not its
list of tasks, and each task holds its image.

Find out why, from the folder above:

    build/heaptrail run -o /tmp/buffer -- python3 samples/buffer.py &
    build/heaptrail snap -o /tmp/buffer/a.htrail $!        # a few seconds between the two
    build/heaptrail snap -o /tmp/buffer/b.htrail $!

    build/heaptrail diff /tmp/buffer/a.htrail /tmp/buffer/b.htrail --by type
    build/heaptrail why /tmp/buffer/b.htrail type:Image
    build/heaptrail graph /tmp/buffer/b.htrail type:Image -o /tmp/buffer/leak.svg

The answer: the images are items of writer.buffer['tasks']. The cure is one more line in
ImageWriter.flush; --cured runs the program with it, and b.htrail is no larger than a.htrail.
"""
import argparse
import sys
import tempfile
import time

WIDTH, HEIGHT = 96, 64


class Image:
    """A picture as it comes from the camera."""

    def __init__(self, number):
        self.number = number
        self.pixels = bytearray(WIDTH * HEIGHT * 3)


class ImageWriter:
    FLUSH_BYTES = 10 * WIDTH * HEIGHT * 3

    def __init__(self, path, cured):
        self.path = path
        self.cured = cured
        self.buffer = {"since": time.time(), "total_size": 0, "tasks": []}

    def add(self, image):
        self.buffer["tasks"].append({"call": self.write, "args": (image,)})
        self.buffer["total_size"] += len(image.pixels)
        if self.buffer["total_size"] >= self.FLUSH_BYTES:
            self.flush()

    def flush(self):
        with open(self.path, "wb") as disk:
            for task in self.buffer["tasks"]:
                task["call"](disk, *task["args"])
        self.buffer["since"] = time.time()
        self.buffer["total_size"] = 0
        if self.cured:
            self.buffer["tasks"] = []

    def write(self, disk, image):
        disk.seek(image.number % 10 * len(image.pixels))
        disk.write(image.pixels)


def main():
    global writer
    parser = argparse.ArgumentParser(description="a leak in a write buffer; see the text on top of this file")
    parser.add_argument("--images", type=int, default=100, help="images in a row (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="how often (default %(default)s)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of rest after each round (default %(default)s)")
    parser.add_argument("--cured", action="store_true", help="without the leak")
    options = parser.parse_args()
    with tempfile.NamedTemporaryFile(suffix=".images") as disk:
        writer = ImageWriter(disk.name, options.cured)
        for taken in range(options.images, options.images * options.rounds + 1, options.images):
            for number in range(taken - options.images, taken):
                writer.add(Image(number))
            print("%d images taken" % taken, flush=True)
            time.sleep(options.pause)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
