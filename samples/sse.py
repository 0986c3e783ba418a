#!/usr/bin/env python3
"""A server that sends events to browsers, one thread a connection. A generator makes each event and sends it; when
the browser has gone away, sending fails. But the generator takes every exception for a hiccup of its source and
goes on: no connection ever ends, and each one that was closed leaves its thread behind, with all that it has
prepared for its browser.

Find out why, from the folder above:

    build/heaptrail run -o /tmp/sse -- python3 samples/sse.py &
    build/heaptrail snap -o /tmp/sse/a.htrail $!        # a few seconds between the two
    build/heaptrail snap -o /tmp/sse/b.htrail $!

    build/heaptrail threads /tmp/sse/a.htrail /tmp/sse/b.htrail

The answer: so many threads more that all stand at one line of events. The cure is to let go of what is no
hiccup, the errors of a connection; --cured does so, and b.htrail has no more threads than a.htrail.
"""
import argparse
import socket
import sys
import threading
import time

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError: # Python 2
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn

HISTORY_BYTES = 64 << 10


def events(send, pause, cured):
    """Events for ever: each a line of the history of this connection."""
    history = bytearray(HISTORY_BYTES)
    number = 0
    while True:
        try:
            time.sleep(pause)
            number += 1
            send(("data: event %d of %d bytes\n\n" % (number, len(history))).encode("ascii"))
            yield number
        except (OSError, socket.error):
            if cured:
                return
        except Exception:
            continue


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in events(self.send, self.server.pause, self.server.cured):
            self.log_message("event %d is sent", number)

    def send(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *arguments):
        pass


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def __init__(self, pause, cured):
        HTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        self.pause, self.cured = pause, cured

    def handle_error(self, request, client_address):
        pass


def visit(address):
    """A browser that reads one event and goes away."""
    connection = socket.create_connection(address)
    connection.sendall(b"GET /events HTTP/1.0\r\n\r\n")
    received = b""
    while b"data: " not in received:
        received += connection.recv(1024)
    connection.close()


def main():
    parser = argparse.ArgumentParser(description="threads that never end; see the text on top of this file")
    parser.add_argument("--visits", type=int, default=5, help="connections in a row (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="how often (default %(default)s)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of rest after each round (default %(default)s)")
    parser.add_argument("--cured", action="store_true", help="without the leak")
    options = parser.parse_args()
    server = Server(0.05, options.cured)
    serving = threading.Thread(target=server.serve_forever, name="server")
    serving.daemon = True
    serving.start()
    for visits in range(options.visits, options.visits * options.rounds + 1, options.visits):
        for _ in range(options.visits):
            visit(server.server_address)
        print("%d connections closed" % visits)
        sys.stdout.flush()
        time.sleep(options.pause)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
