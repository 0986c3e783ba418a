"""heaptrail serve as a process, and requests to it as a script makes them."""
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse

HEAPTRAIL = os.environ["HEAPTRAIL"]


class Server:
    def __init__(self, *arguments, begun=lambda pid: None, **options):
        """begun: called with the process that has begun, before it says its address."""
        self.process = subprocess.Popen([HEAPTRAIL, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)
        begun(self.process.pid)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise AssertionError(self.process.communicate()[1])
        place = urllib.parse.urlsplit(self.url)
        self.host, self.port, self.token = place.netloc, place.port, place.path.strip("/")

    def end(self, signal=15):
        """What is left on standard error, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal)
        said = self.process.communicate(timeout=60)
        return self.process.returncode, said[1]

    def get(self, path, method="GET", headers=None, body=None):
        """Any path, with any Host: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Host": self.host, **(headers or {})})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode()
        finally:
            connection.close()

    def ask(self, question, status=200, **parameters):
        """A question as the page asks it; while objects are being put in order it is asked again."""
        while True:
            found, headers, text = self.get("/%s/%s?%s" % (self.token, question, urllib.parse.urlencode(parameters)))
            if found != 503:
                break
            time.sleep(0.05)
        if found != status:
            raise AssertionError("%s %s: %d %s" % (question, parameters, found, text))
        return json.loads(text)

    def sql(self, query, **parameters):
        return self.ask("sql", query=query, **parameters)

    def raw(self, data, wait=5):
        """Bytes as they are; what comes back until the other side ends, or nothing does."""
        with socket.create_connection(("127.0.0.1", self.port), wait) as connection:
            try:
                connection.sendall(data)
                answer = b""
                while True:
                    piece = connection.recv(1 << 16)
                    if not piece:
                        return answer
                    answer += piece
            except (socket.timeout, ConnectionError):
                return answer
