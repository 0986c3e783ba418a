"""A busy server for the soak: threads that answer, churn, come and go; children that live for milliseconds;
interpreters within the interpreter, where the version has a module for them. Its answers are known, so that a
snapshot that disturbs it is noticed. Runs on 2.7 and 3.6 to 3.13.

Writes its port to the file that is its argument. GET /N answers with the same digest for the same N, always."""
import gc
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import weakref

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn


class Node(object):
    def __init__(self, number, children):
        self.number, self.children, self.parent = number, children, None
        for child in children:
            child.parent = weakref.ref(self)


def tree(number, depth):
    return Node(number, [tree(number * 7 + i, depth - 1) for i in range(3)] if depth else [])


def digest(number):
    """From objects of many kinds, made for it and dropped."""
    nodes, names = [tree(number, 4)], {}
    for node in nodes:
        nodes.extend(node.children)
        names.setdefault("n%d" % (node.number % 97), []).append((node.number, node.parent() is not None if node.parent else None))
    text = json.dumps(sorted(names.items()), sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = digest(int(self.path[1:])).encode("ascii")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128


# Later versions say that it is not wise beside threads; a child forked beside other interpreters waits for ever for
# the lock of one of their threads (PyOS_AfterFork_Child), without any snapshot.
FORKS = sys.version_info < (3, 12) and "interpreters" not in sys.argv[2:]

kept = [{"number": i, "text": "kept %d" % i, "items": list(range(i % 9))} for i in range(20000)]


def churn():
    """Cycles for the collector, dicts that grow and shrink, lists that move."""
    while True:
        ring = [{} for i in range(200)]
        for i, one in enumerate(ring):
            one["next"] = ring[i - 1]
            one.update((str(j), j * 1.5) for j in range(i % 13))
        slot = kept[len(ring[0]) % len(kept)]
        slot["items"] = list(range(9))
        time.sleep(0.002)


def come_and_go():
    while True:
        threads = [threading.Thread(target=digest, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def children():
    while True:
        subprocess.call(["/bin/true"], close_fds=True)
        if FORKS:
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        time.sleep(0.005)


def interpreters():
    try:
        try:
            import _interpreters as module
            create, run, destroy = module.create, getattr(module, "exec"), module.destroy
        except ImportError:
            import _xxsubinterpreters as module
            create, run, destroy = module.create, module.run_string, module.destroy
    except ImportError:
        return
    while True:
        number = create()
        run(number, "import collections, json; kept = [collections.OrderedDict(a=i) for i in range(100)]; json.dumps(kept)")
        destroy(number)
        time.sleep(0.02)


def main():
    server = Server(("127.0.0.1", 0), Handler)
    for job in [churn, churn, come_and_go, children] + ([interpreters] if "interpreters" in sys.argv[2:] else []):
        thread = threading.Thread(target=job)
        thread.daemon = True
        thread.start()
    with open(sys.argv[1] + ".partial", "w") as f:
        f.write("%d" % server.server_address[1])
    os.rename(sys.argv[1] + ".partial", sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
