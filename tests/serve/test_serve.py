"""heaptrail serve as a script sees it: who is answered and who is not, what the answers say, and what a query may not do."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import server

PROGRAM = r"""
import sys
sys.path.insert(0, %r)
import heaptrail
class Client(object):
    __slots__ = ("name", "queue")
    def __init__(self, n): self.name, self.queue = "client %%d" %% n, []
class Frame(object):
    __slots__ = ("number", "payload", "client")
    def __init__(self, n): self.number, self.payload, self.client = n, bytearray(100 + n), None
clients = {"c1": Client(1), "c2": Client(2), "c3": Client(3)}
names = [None] * 100 + ["text %%d" %% i for i in range(250)]
many = [object() for i in range(25000)]
first = None
for i in range(900):
    first = (first,)
for n in range(2):
    clients["c3"].queue.extend(Frame(i) for i in range(300))
    heaptrail.snapshot(sys.argv[1] + "/s%%d.htrail" %% n)
""" % os.environ["PYTHONPATH"]


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heaptrail-serve-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        subprocess.run([sys.executable, "-c", PROGRAM, cls.folder], check=True)
        cls.files = [os.path.join(cls.folder, "s%d.htrail" % i) for i in range(2)]
        cls.server = server.Server(*cls.files, "--sql-rows", "50", "--sql-seconds", "1")
        cls.addClassCleanup(cls.server.end)

    def path(self, rest=""):
        return "/%s/%s" % (self.server.token, rest)

    def one(self, query, snapshot=1):
        rows = self.server.sql(query, snapshot=snapshot)["rows"]
        self.assertTrue(rows, query)
        return rows[0]

    def id_of(self, type, order="id"):
        return self.one("SELECT id FROM object WHERE type = '%s' ORDER BY %s LIMIT 1" % (type, order))[0]

    # Who is answered.
    def test_the_page_for_who_has_the_token(self):
        status, headers, text = self.server.get(self.path())
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn('id="data"', text)
        self.assertEqual(len(self.server.token), 32)
        for name, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store"), ("content-security-policy", "frame-ancestors 'none'")):
            self.assertEqual(headers[name], value)
        policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
        self.assertRegex(policy, r"^default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[^']+' 'sha256-[^']+'; connect-src 'self'; base-uri 'none'; form-action 'none'$")

    def test_nobody_else_is_answered(self):
        wrong = "0" * 32
        for path in ("/", "/" + wrong + "/", "/" + wrong + "/object?id=1", "/" + self.server.token[:-1] + "/", "/" + self.server.token + "x/", "/object?id=1&token=" + self.server.token, "//"):
            status, headers, text = self.server.get(path)
            self.assertEqual((status, text.count("\n")), (403, 1), path)
            self.assertIn("token", text)
            self.assertNotIn(self.server.token, text)

    def test_a_host_that_is_not_this_server(self):
        for host in ("evil.example", "evil.example:%d" % self.server.port, "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:%d" % self.server.port, ""):
            status, headers, text = self.server.get(self.path("object?id=1"), headers={"Host": host})
            self.assertIn(status, (400, 403), host)
            self.assertNotIn("address", json.dumps(text) if text.startswith("{") else "")
            self.assertNotIn('"id"', text)
        self.assertEqual(self.server.get(self.path("object?id=1"), headers={"Host": "localhost:%d" % self.server.port})[0], 200)
        answer = self.server.raw(b"GET /%s/object?id=1 HTTP/1.0\r\n\r\n" % self.server.token.encode())
        self.assertNotIn(b'"id"', answer)

    def test_methods(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"):
            status, headers, text = self.server.get(self.path("object?id=1"), method=method, body="{}" if method in ("POST", "PUT") else None)
            self.assertEqual((status, headers.get("allow")), (405, "GET, HEAD"), method)
        status, headers, text = self.server.get(self.path("object?id=1"), method="HEAD")
        self.assertEqual((status, text), (200, ""))

    def test_it_listens_on_this_machine_alone(self):
        with open("/proc/net/tcp") as file:
            lines = [line.split() for line in file if line.split()[1].endswith(":%04X" % self.server.port) and line.split()[3] == "0A"]
        self.assertEqual([line[1].split(":")[0] for line in lines], ["0100007F"])

    # What is answered.
    def test_an_object_and_what_is_around_it(self):
        client = self.one("SELECT r.src FROM reference r JOIN object o ON o.id = r.src WHERE o.type = '__main__.Client' AND r.label = 'queue' ORDER BY o.retained DESC LIMIT 1")[0]
        found = self.server.ask("object", snapshot=1, id=client)
        self.assertEqual((found["type"], found["fields"], found["referrers"]), ("__main__.Client", 3, 1))
        self.assertEqual(self.server.ask("find", snapshot=1, address=found["address"]), {"id": client, "offset": 0})
        inside = hex(int(found["address"], 16) + 5)
        self.assertEqual(self.server.ask("find", snapshot=1, address=inside), {"id": client, "offset": 5})
        fields = {row[8]: row for row in self.server.ask("fields", snapshot=1, id=client)["rows"]}
        self.assertEqual((fields["name"][1], fields["queue"][1], fields["queue"][3]), ("str", "list", 600))
        holders = self.server.ask("referrers", snapshot=1, id=client)["rows"]
        self.assertEqual([(row[1], row[7], row[8]) for row in holders], [("dict", "value", "c3")])
        chain = self.server.ask("chain", snapshot=1, id=client)
        self.assertEqual(chain["root"][0], "sys.modules")
        self.assertEqual([row[8] for row in chain["steps"]][1:], ["__main__", "__dict__", "clients", "c3"])
        self.assertEqual(chain["steps"][-1][0], client)
        above = self.server.ask("dominators", snapshot=1, id=client)["steps"]
        self.assertEqual([row[0] for row in above], [row[0] for row in self.server.sql("SELECT id FROM dominator WHERE object = %d ORDER BY step" % client, snapshot=1)["rows"]])

    def test_what_an_object_retains_comes_largest_first_page_by_page(self):
        queue = self.one("SELECT d.id FROM object o JOIN reference r ON r.src = o.id JOIN object d ON d.id = r.dst WHERE o.type = '__main__.Client' AND r.label = 'queue' ORDER BY d.retained DESC LIMIT 1")[0]
        wanted = self.server.sql("SELECT count(*), sum(retained), (SELECT retained - size FROM object WHERE id = %d) FROM dominated WHERE object = %d" % (queue, queue), snapshot=1)["rows"][0]
        seen, at = [], 0
        while True:
            page = self.server.ask("dominated", snapshot=1, id=queue, at=at)
            self.assertEqual(page["total"], wanted[0])
            if not page["rows"]:
                break
            seen += page["rows"]
            at += 100
        self.assertEqual([row[5] for row in seen], sorted((row[5] for row in seen), reverse=True))
        self.assertEqual([len({row[0] for row in seen}), sum(row[5] for row in seen), sum(row[5] for row in seen)], wanted)
        frames = [row for row in seen if row[1] == "__main__.Frame"]
        self.assertEqual((len(frames), {row[7] for row in frames}, sorted(int(row[8]) for row in frames)), (600, {"index"}, list(range(600))))
        top = self.server.ask("dominated", snapshot=1, id=0)
        self.assertEqual(top["total"], self.one("SELECT count(*) FROM object WHERE dominator IS NULL")[0])
        self.assertEqual(top["rows"][0][5], self.one("SELECT max(retained) FROM object WHERE dominator IS NULL")[0])
        of_type = self.server.ask("type", snapshot=1, name="__main__.Frame")
        self.assertEqual((of_type["total"], len(of_type["rows"])), (600, 100))
        self.assertEqual(of_type["rows"][0][0], seen[0][0])

    def pages(self, question, id):
        """All rows, from page to page as the reader of them goes on."""
        seen, key = [], {}
        while True:
            rows = self.server.ask(question, snapshot=1, id=id, **key)["rows"]
            seen += rows[:100]
            if len(rows) <= 100:
                return seen
            key = {"key": rows[99][9], "after": rows[99][0]}

    def test_every_reference_is_on_one_page_and_only_one(self):
        for type, order in (("NoneType", "id"), ("list", "length DESC"), ("dict", "abs(length - 300)")):
            id = self.id_of(type, order)
            for question, here, there in (("referrers", "dst", "src"), ("fields", "src", "dst")):
                wanted = self.one("SELECT count(*), coalesce(sum(%s), 0) FROM reference WHERE %s = %d" % (there, here, id))
                seen = self.pages(question, id)
                self.assertEqual([len(seen), sum(row[0] for row in seen)], wanted, (type, question))
                self.assertEqual(len({(row[0], row[9]) for row in seen}), len(seen))

    def test_a_chain_of_a_thousand_is_followed_in_pieces(self):
        end = self.one("SELECT id FROM object WHERE type = 'tuple' ORDER BY depth DESC LIMIT 1")[0]
        depth, steps, at = self.server.ask("object", snapshot=1, id=end)["depth"], [], end
        self.assertGreater(depth, 850)
        while at is not None:
            piece = self.server.ask("chain", snapshot=1, id=at)["steps"]
            self.assertLessEqual(len(piece), 41)
            steps = piece[:-1] + steps
            at = piece[0][0] if piece[0][9] else None
        self.assertEqual(len(steps), depth)

    def test_each_snapshot_answers_for_itself(self):
        counts = [self.server.ask("types", snapshot=i, find="main__.FRAME")["rows"][0][1] for i in (0, 1)]
        self.assertEqual(counts, [300, 600])

    def test_what_is_not_there_and_what_is_no_question(self):
        for question, parameters, status in (("object", {"id": 10 ** 9}, 404), ("object", {"id": "x"}, 400), ("object", {"id": "-1"}, 400), ("object", {}, 404), ("chain", {"id": 0}, 404),
                                             ("object", {"id": 1, "snapshot": 2}, 404), ("object", {"id": 1, "snapshot": "99999999999999999999"}, 400), ("nothing", {}, 404), ("../page", {}, 404),
                                             ("type", {"name": "no such"}, 404), ("find", {"address": "0x1"}, 404), ("find", {"address": "1"}, 400), ("find", {"address": "0xfffffffffffffffffff"}, 400)):
            answer = self.server.ask(question, status, **{"snapshot": 1, **parameters})
            self.assertEqual(list(answer), ["error"])
        for question in ("fields", "referrers", "dominated"):
            self.assertEqual(self.server.ask(question, snapshot=1, id=10 ** 9)["rows"], [])
        self.assertEqual(self.server.ask("dominated", snapshot=1, id=0, at=10 ** 15)["rows"], [])

    # Queries of one's own.
    def contents(self):
        """What the folder holds: names and a hash of each."""
        found = {}
        for name in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def test_sql_in_its_bounds(self):
        answer = self.server.sql("SELECT id AS n, 1.5 AS half, NULL AS missing, '<b>\"\\' AS text, x'00ff' AS bytes, 9007199254740993 AS big, 9e999 AS endless FROM object ORDER BY id")
        self.assertEqual(answer["columns"], ["n", "half", "missing", "text", "bytes", "big", "endless"])
        self.assertEqual(answer["rows"][0], [1, 1.5, None, '<b>"\\', "x'00FF'", "9007199254740993", "Inf"])
        self.assertEqual((len(answer["rows"]), answer["more"]), (50, True))
        exact = self.server.sql("SELECT id FROM object LIMIT 50")
        self.assertEqual((len(exact["rows"]), exact["more"]), (50, False))
        self.assertEqual(len(self.server.sql("SELECT replace(hex(zeroblob(100000)), '0', 'é')")["rows"][0][0]), 2001)
        begun = time.monotonic()
        self.assertIn("longer than 1000 ms", self.server.sql("SELECT count(*) FROM reference a, reference b, reference c")["error"])
        self.assertLess(time.monotonic() - begun, 10)
        self.assertIn("too big", self.server.sql("SELECT length(zeroblob(1000000000))")["error"])
        for query in ("", "  -- nothing", "SELECT 1; SELECT 2", "SELECT no_such FROM object", "SELEC 1", "SELECT '" + "x" * 40000 + "'"):
            self.assertIn("error", self.server.sql(query), query[:30])
        for query in ("SELECT 1; SELECT 2", "SELECT 1; DELETE FROM object", "SELECT 1; nonsense"):
            self.assertEqual(self.server.sql(query), {"error": "one query at a time"})
        self.assertIn("rows", self.server.sql("SELECT 1; -- and no more"))
        for query in ("DELETE FROM object", "UPDATE root SET name = ''", "INSERT INTO chain VALUES(1)", "DELETE FROM heap_object"):
            self.assertTrue(self.server.sql(query)["error"].startswith("a snapshot is read, not changed"), query)
        self.assertEqual(self.server.sql("SELECT way FROM way JOIN object o ON o.id = object WHERE o.type = 'module' LIMIT 1")["columns"], ["way"])
        self.assertEqual(self.server.sql("SELECT value FROM json_each('[1,2]')")["rows"], [[1], [2]])

    def test_no_query_changes_or_reaches_anything(self):
        before = self.contents()
        outside = os.path.join(self.folder, "outside.db")
        for query in ("ATTACH '%s' AS other" % outside, "VACUUM INTO '%s'" % outside, "PRAGMA query_only = 0", "PRAGMA journal_mode = wal", "PRAGMA writable_schema = 1", "PRAGMA user_version = 5",
                      "PRAGMA temp_store_directory = '/'", "DELETE FROM heap_object", "UPDATE snapshot SET value = 'x'", "INSERT INTO snapshot VALUES('a', 'b')", "DROP VIEW object",
                      "CREATE TABLE a(b)", "CREATE TEMP TABLE a AS SELECT 1", "CREATE TEMP VIEW a AS SELECT 1", "SELECT load_extension('%s')" % outside, "SELECT LOAD_EXTENSION('x', 'y')",
                      "BEGIN IMMEDIATE", "SAVEPOINT a", "REINDEX", "ANALYZE", "DETACH main", "SELECT * FROM pragma_journal_mode('wal')", "WITH a AS (SELECT 1) DELETE FROM type",
                      "EXPLAIN DELETE FROM type", "SELECT writefile('%s', 'x')" % outside, "SELECT fts3_tokenizer('simple', x'00')", "ALTER TABLE type RENAME TO t"):
            answer = self.server.sql(query, snapshot=1)
            self.assertEqual(list(answer), ["error"], query)
        self.assertEqual(self.server.sql("SELECT count(*) FROM pragma_table_info('type')")["more"], False)
        self.assertEqual(before, self.contents())

    # What it survives.
    def test_requests_that_are_none_and_too_large(self):
        head = b"GET /%s/object?id=1 HTTP/1.1\r\nHost: %s\r\n" % (self.server.token.encode(), self.server.host.encode())
        for data in (b"\0" * 1000, b"\r\n\r\n", b"GET\r\n\r\n", b"GET /" + b"a" * 300000 + b" HTTP/1.1\r\n\r\n", head + b"X: " + b"y" * 300000 + b"\r\n\r\n", head + b"X: y\r\n" * 30000 + b"\r\n",
                     head + b"Content-Length: 99999999999999\r\n\r\n" + b"z" * 100000, head + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b"z" * 100000,
                     b"GET /" + self.server.token.encode() + b"/%00%ff/../../etc/passwd HTTP/1.1\r\nHost: " + self.server.host.encode() + b"\r\n\r\n"):
            self.assertNotIn(b'"refcount"', self.server.raw(data, 0.3), data[:60])
        self.assertEqual(self.server.ask("object", id=1)["id"], 1)

    def test_slow_and_many_connections(self):
        slow = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(40)]
        try:
            for connection in slow:
                connection.sendall(b"GET /")
            begun = time.monotonic()
            self.assertEqual(self.server.ask("object", id=1)["id"], 1)
            self.assertLess(time.monotonic() - begun, 5)
        finally:
            for connection in slow:
                connection.close()
        flood = []
        try:
            for _ in range(200):
                flood.append(socket.create_connection(("127.0.0.1", self.server.port), 5))
        except OSError:
            pass
        finally:
            for connection in flood:
                connection.close()
        for attempt in range(50):
            try:
                self.assertEqual(self.server.ask("object", id=1)["id"], 1)
                break
            except OSError:
                time.sleep(0.1)
        else:
            self.fail("no answer any more")

    def test_queries_beside_each_other_do_not_hold_up_a_click(self):
        one = server.Server(self.files[0], "--sql-seconds", "100")
        self.addCleanup(one.end)
        self.assertNotEqual(one.token, self.server.token)
        refused = []
        threads = [threading.Thread(target=self.endless, args=(one, refused)) for _ in range(6)]
        for thread in threads:
            thread.start()
        begun, taken = time.monotonic(), []
        while time.monotonic() - begun < 0.4:
            asked = time.monotonic()
            self.assertEqual(one.ask("object", id=1)["id"], 1)
            taken.append(time.monotonic() - asked)
        self.assertEqual(one.end(), (0, ""))
        for thread in threads:
            thread.join()
        self.assertEqual(len(refused), 2)
        self.assertLess(sorted(taken)[len(taken) // 2], 0.3)

    def endless(self, one, refused):
        try:
            status, headers, text = one.get("/%s/sql?query=SELECT+count(*)+FROM+reference+a,reference+b,reference+c" % one.token)
            if status == 503:
                refused.append(text)
        except OSError:
            pass

    # How it begins and ends.
    def test_it_ends_cleanly_also_in_the_middle_of_a_query(self):
        for number in (signal.SIGINT, signal.SIGHUP):
            one = server.Server(self.files[0], "--sql-seconds", "100")
            asking = threading.Thread(target=self.endless, args=(one, []))
            asking.start()
            time.sleep(0.1)
            with open("/proc/%d/task/%d/children" % (one.process.pid, one.process.pid)) as file:
                children = file.read().split()
            begun = time.monotonic()
            self.assertEqual(one.end(number), (0, ""))
            self.assertLess(time.monotonic() - begun, 10)
            asking.join()
            self.assertEqual([child for child in children if os.path.exists("/proc/" + child)], [])

    def test_a_port_that_is_taken_and_wrong_use(self):
        done = subprocess.run([server.HEAPTRAIL, "serve", "--port", str(self.server.port), self.files[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertEqual(done.stderr, "heaptrail serve: cannot listen on 127.0.0.1 port %d: Address already in use\n" % self.server.port)
        for arguments in ([], ["--port", "70000", self.files[0]], ["--port", "x", self.files[0]], ["--sql-rows", "0", self.files[0]], ["--sql-seconds", "x", self.files[0]]):
            self.assertEqual(subprocess.run([server.HEAPTRAIL, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode, 2, arguments)
        self.assertEqual(subprocess.run([server.HEAPTRAIL, "serve", self.folder + "/none.htrail"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode, 3)

    def test_a_browser_is_given_a_file_of_the_users_own_and_no_address(self):
        said = os.path.join(self.folder, "browser.txt")
        script = os.path.join(self.folder, "browser.sh")
        with open(script, "w") as file:
            file.write("#!/bin/sh\nstat -c %%a \"$1\" > %s.new; cat \"$1\" >> %s.new; echo \"$*\" >> %s.new; mv %s.new %s\n" % ((said,) * 5))
        os.chmod(script, 0o755)
        one = server.Server("--open", self.files[0], env=dict(os.environ, BROWSER=script))
        for _ in range(200):
            if os.path.exists(said):
                break
            time.sleep(0.05)
        one.end()
        with open(said) as file:
            mode, page, argument = file.read().splitlines()
        self.assertEqual(mode, "600")
        self.assertIn("url=" + one.url, page)
        self.assertNotIn(one.token, argument)
        self.assertFalse(os.path.exists(argument))


if __name__ == "__main__":
    unittest.main()
