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

The answer: while it is imported, logging hands a function to atexit (and, from Python 3.8 on,
others to os.register_at_fork). Each keeps the module that it is of. The cure is to import
logging before the first request: --import logging.

    --requests N     requests in a row (20)
    --rounds N       how often (30)
    --pause SECONDS  of rest after each round (2.0)
    --import A,B     modules that the platform itself imports, before the first request

It runs on Python 2.7 and 3.6 to 3.13. What --import names decides how much is kept: what is
there already is not imported again. Python 3.6 forgets the functions of an atexit that was
itself forgotten, and keeps copies only with --import atexit.
"""
import sys
import time

# No argparse: it would import, for good, half of what a request imports.
OPTIONS = {"--requests": 20, "--rounds": 30, "--pause": 2.0, "--import": ""}


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


def read_options(words):
    options = dict(OPTIONS)
    while words:
        name = words.pop(0)
        try:
            options[name] = type(OPTIONS[name])(words.pop(0))
        except (KeyError, IndexError, ValueError):
            sys.stdout.write(__doc__)
            sys.exit(0 if name == "--help" else 2)
    return options


def main():
    options = read_options(sys.argv[1:])
    for name in filter(None, options["--import"].split(",")):
        __import__(name)
    requests, number = options["--requests"], 0
    for _ in range(options["--rounds"]):
        for _ in range(requests):
            serve(number)
            number += 1
        sys.stdout.write("%d requests served\n" % number)
        sys.stdout.flush()
        time.sleep(options["--pause"])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
