#!/usr/bin/env python3
"""A platform that takes new code live by forgetting the old: after each request it deletes the
modules that the request imported, so that the next request imports them afresh. One request
imports logging.handlers, and memory grows with every request, although nobody keeps a thing.

Find out why, from the folder above:

    build/heaptrail run -o /tmp/reload -- python3 samples/reload.py &
    build/heaptrail snap -o /tmp/reload/a.htrail $!        # a few seconds between the two
    build/heaptrail snap -o /tmp/reload/b.htrail $!

    build/heaptrail diff /tmp/reload/a.htrail /tmp/reload/b.htrail --by module
    build/heaptrail why /tmp/reload/b.htrail module:logging
    build/heaptrail graph /tmp/reload/b.htrail module:logging -o /tmp/reload/leak.svg

The answer: while it is imported, logging hands a function to atexit (and others to
os.register_at_fork). Each keeps the module that it is of, and no Python code can see
either list. The cure is to import logging before the first request.
"""
import argparse
import sys
import time


def handle_request(number):
    """What the business wrote: harmless."""
    from logging.handlers import RotatingFileHandler
    return "request %d is logged by a %s" % (number, RotatingFileHandler.__name__)


def serve(number):
    """What the platform does around it."""
    before = set(sys.modules)
    try:
        return handle_request(number)
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]


def main():
    parser = argparse.ArgumentParser(description="a leak by hot reload; see the text on top of this file")
    parser.add_argument("--requests", type=int, default=20, help="requests in a row (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="how often (default %(default)s)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of rest after each round (default %(default)s)")
    options = parser.parse_args()
    for served in range(options.requests, options.requests * options.rounds + 1, options.requests):
        for number in range(served - options.requests, served):
            serve(number)
        print("%d requests served" % served, flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
