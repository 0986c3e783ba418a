"""The explorer in a real browser: from the report to every object and back, pages, snapshots, SQL, keys, light and dark; hostile names."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import server

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "report"))
import browser

PICTURES = os.path.join(os.environ["B"], "serve") # kept: build output to look at

PROGRAM = r"""
import sys
sys.path.insert(0, %r)
import heaptrail
hostile = ["<script>document.title='run'</script>", "</script><script>document.title='run'</script>", "<img src=x onerror=document.title='run'>",
           "\"'&<>", "\u202eevil", "a" * 500, "javascript:alert(1)", "#/0/object/1", "\x1b[31m", "\u2028", "%%00%%zz"]
types = [type(name, (), {"__module__": "<b>"}) for name in hostile]
class Client(object):
    __slots__ = ("name", "queue")
    def __init__(self, n): self.name, self.queue = n, []
class Frame(object):
    __slots__ = ("number", "payload")
    def __init__(self, n): self.number, self.payload = n, bytearray(100 + n)
by_place = {(i, i + 1): Client(i) for i in range(9)}
clients = {"one": Client("one"), "two": Client("two"), "<img src=x onerror=document.title='run'>": Client("<i>")}
shelf = {"both": [1.5]}
register = [shelf["both"]]
evil = []
for n in range(2):
    clients["two"].queue.extend(Frame(i) for i in range(150))
    evil.append([t() for t in types])
    for one in evil[-1]: setattr(one, "<svg onload=alert(1)>", "<b>text</b>")
    heaptrail.snapshot(sys.argv[1] + "/s%%d.htrail" %% n)
""" % os.environ["PYTHONPATH"]


@unittest.skipIf(browser.CHROMIUM is None, "chromium is not installed")
class Explorer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heaptrail-explorer-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.makedirs(PICTURES, exist_ok=True)
        subprocess.run([sys.executable, "-c", PROGRAM, cls.folder], check=True)
        cls.files = [os.path.join(cls.folder, "s%d.htrail" % i) for i in range(2)]
        cls.server = server.Server(*cls.files)
        cls.addClassCleanup(cls.server.end)
        while not cls.server.ask("page")["whole"]:
            time.sleep(0.05)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def open(self, where="", **options):
        page = browser.Page(self.browser, self.server.url + where, **options)
        self.addCleanup(page.close)
        return page

    def wait(self, page, expression):
        """Until it is so; what is asked of the server takes its time."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if page.evaluate(expression):
                return
            time.sleep(0.02)
        self.fail("%s; %s; %s" % (expression, page.errors, page.evaluate("document.body.innerText")[:1500]))

    def settle(self, page):
        self.wait(page, "!document.querySelector('[aria-busy]') && document.querySelectorAll('#explorer section').length > 1")

    def assert_quiet(self, page):
        """Nothing went wrong, nothing but the server was asked, nobody's script ran."""
        self.assertEqual(page.errors, [])
        self.assertEqual([url for url in page.requests if not url.startswith(self.server.url)], [])
        self.assertNotIn(page.evaluate("document.title"), ("run", ""))
        self.assertEqual(page.evaluate("document.querySelectorAll('#explorer img, #explorer script, #explorer b, #explorer i, #explorer svg').length"), 0)

    def texts(self, page, selector):
        return page.evaluate("[...document.querySelectorAll(%s)].filter(e => e.offsetParent).map(e => e.innerText)" % json.dumps(selector))

    def title(self, page):
        return page.evaluate("(document.querySelector('#explorer h2.title') || {}).textContent")

    def list(self, title, rest=""):
        return "#explorer section[aria-label=%s] %s" % (json.dumps(title), rest)

    def client(self, snapshot=1):
        rows = self.server.sql("SELECT o.id FROM object o JOIN reference r ON r.src = o.id AND r.label = 'queue' JOIN object q ON q.id = r.dst WHERE o.type = '__main__.Client' ORDER BY q.length DESC LIMIT 1", snapshot=snapshot)
        return rows["rows"][0][0]

    def object(self, id, snapshot=1, **options):
        page = self.open("#/%d/object/%d" % (snapshot, id), **options)
        self.settle(page)
        return page

    def test_from_the_report_by_a_type_to_an_object_and_on_and_back(self):
        page = self.open()
        self.wait(page, "document.querySelectorAll('#growth-panel td.name a').length > 5")
        links = self.texts(page, "#growth-panel td.name > a:first-child")
        page.click("#growth-panel td.name > a:first-child", links.index("__main__.Frame"))
        self.settle(page)
        self.assertEqual(self.title(page), "__main__.Frame")
        self.assertTrue(page.evaluate("document.querySelector('main').hidden && !document.querySelector('#contents').offsetParent"))
        rows = self.texts(page, self.list("Objects, those that retain most first", "tbody tr"))
        self.assertEqual(len(rows), 100)
        page.click(self.list("Objects, those that retain most first", "tbody a"))
        self.wait(page, "document.querySelectorAll('#explorer section.list').length === 6")
        self.settle(page)
        self.assertEqual(self.title(page), "__main__.Frame")
        self.assertEqual(self.texts(page, self.list("Chain from a root", ".pill"))[0], "sys.modules: modules")
        by = self.texts(page, self.list("Chain from a root", "td.by"))
        self.assertEqual(by[:5], ["", "['__main__']", ".__dict__", "['clients']", "['two']"])
        self.assertEqual(by[5], ".queue")
        self.assertEqual(self.texts(page, self.list("What it holds", "td.by")), [".__class__", ".number", ".payload"])
        page.click(self.list("Who refers to it", "tbody a"))
        self.wait(page, "document.querySelector('#explorer h2.title').textContent === 'list'")
        self.settle(page)
        page.evaluate("history.back()")
        self.wait(page, "document.querySelector('#explorer h2.title').textContent === '__main__.Frame' && document.querySelectorAll('#explorer section.list').length === 6")
        page.click("#explorer-bar nav a", 0)
        self.wait(page, "!document.querySelector('main').hidden")
        self.assert_quiet(page)

    def test_a_type_s_page_begins_with_its_figures_and_who_holds_them(self):
        page = self.open("#/1/type/__main__.Frame")
        self.settle(page)
        self.wait(page, "document.querySelectorAll('#explorer .tile').length === 4")
        name = os.path.basename(self.files[0])
        now, first = (self.server.ask("figures", name="__main__.Frame", snapshot=n) for n in (1, 0))
        self.assertEqual((now["count"], first["count"]), (300, 150))
        tiles = self.texts(page, "#explorer .tile")
        self.assertEqual(tiles[0].split("\n"), ["objects", "300", "+150 since " + name])
        printed = json.loads(subprocess.run([os.environ["HEAPTRAIL"], "top", "--json", "-n", "0", self.files[1]], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout)
        row = next(row for row in printed["rows"] if "__main__.Frame" in row.values())
        self.assertEqual((now["count"], now["retained"]), (row["count"], row["retained"]))
        holders = self.texts(page, self.list("What holds them", "tbody tr"))
        self.assertEqual(len(holders), 1)
        self.assertRegex(holders[0], r"^list #\d+\s+\[index\]\s+300\s+1$")
        rows = self.texts(page, self.list("Objects, those that retain most first", "tbody tr"))
        self.assertRegex(rows[0], r"^__main__.Frame #\d+\s+list length 300.*\[\d+\]")
        self.assertEqual(len(set(rows)), len(rows)) # each can be told from the others
        page = self.open("#/1/type/__main__.Frame", width=390, height=844, phone=True)
        self.settle(page)
        self.wait(page, "document.querySelectorAll('#explorer .tile').length === 4")
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#explorer .tile')].filter(e => e.getBoundingClientRect().right > 390 || e.scrollWidth > e.clientWidth).length"), 0)
        self.assert_quiet(page)

    def test_what_must_let_go_is_what_why_says(self):
        for query in ("type = '__main__.Frame'", "type = '__main__.Client'"):
            id = self.server.sql("SELECT max(id) FROM object WHERE " + query, snapshot=1)["rows"][0][0]
            found = self.server.ask("let_go", id=id, snapshot=1)
            self.assertTrue(found["complete"])
            said = subprocess.run([os.environ["HEAPTRAIL"], "why", self.files[1], "id:%d" % id], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
            many = re.search(r"^(?:at least )?(\d+) independent chains", said, re.M)
            self.assertEqual(len(found["chains"]), int(many[1]) if many else 1, said)
            page = self.object(id)
            self.wait(page, "document.querySelectorAll(%s).length === %d" % (json.dumps(self.list("What must be let go of", "tbody tr")), len(found["chains"])))
            for _, gate, way in found["chains"]:
                self.assertEqual(way[-1][0], id)
                if many and gate:
                    self.assertIn(" id:%d" % gate, said)
        # An object in two containers of one module: each of them, and not the module.
        id = self.server.sql("SELECT o.id FROM object o JOIN reference r ON r.dst = o.id WHERE r.label = 'both' LIMIT 1", snapshot=1)["rows"][0][0]
        page = self.object(id)
        rows = self.list("What must be let go of", "tbody tr")
        self.wait(page, "document.querySelectorAll(%s).length === 2" % json.dumps(rows))
        self.assertTrue(any("shelf" in row for row in self.texts(page, rows)), self.texts(page, rows))
        self.assertTrue(any("register" in row for row in self.texts(page, rows)), self.texts(page, rows))
        self.assert_quiet(page)

    def test_from_the_picture_of_the_heap_to_the_objects_of_a_cell(self):
        page = self.open()
        self.wait(page, "document.querySelectorAll('#icicle-rows .cell').length > 5")
        self.assertEqual(self.texts(page, "#icicle-path a"), [])
        cells = page.evaluate("[...document.querySelectorAll('#icicle-rows .cell')].map(e => e.title)")
        cell = next(i for i, title in enumerate(cells) if re.match(r"\S+ __main__\.Frame\b", title))
        page.click("#icicle-rows .cell", cell)
        self.assertEqual(self.texts(page, "#icicle-path a"), ["objects of type __main__.Frame"])
        page.click("#icicle-path a")
        self.settle(page)
        self.assertEqual(self.title(page), "__main__.Frame")
        self.assert_quiet(page)

    def test_an_address_that_leads_nowhere_says_so(self):
        for where, why in (("#/9/object/1", "no such snapshot: 9"), ("#/1/garbage/x", "no such page"), ("#/1/\u202e", "no such page: #/1/%E2%80%AE")):
            page = self.open(where)
            self.wait(page, "document.querySelector('#explorer .failed') !== null")
            self.assertIn(why, self.texts(page, "#explorer .failed")[0])
            self.assertTrue(page.evaluate("document.querySelector('main').hidden"))
            self.assert_quiet(page)

    def test_steps_are_counted_and_things_that_are_alike_told_apart(self):
        id = self.server.sql("SELECT o.id FROM object o JOIN reference r ON r.dst = o.id AND r.label = 'queue' WHERE o.length = 300", snapshot=1)["rows"][0][0]
        page = self.object(id)
        steps = self.texts(page, self.list("Chain from a root", "tbody td:first-child"))
        tiles = dict(zip(self.texts(page, "#explorer .tile dt"), self.texts(page, "#explorer .tile dd:nth-child(2)")))
        self.assertEqual(steps, [str(n) for n in range(int(tiles["steps from a root"]) + 1)])
        rows = self.texts(page, self.list("What it holds", "tbody td:nth-child(3)"))
        self.assertEqual(len(set(rows)), 100, rows[:3])
        self.assertEqual(self.texts(page, self.list("What it holds", "tbody td:first-child"))[:2], ["1", "2"])
        page.click(self.list("What it holds", ".pager button"), 2)
        self.wait(page, "document.querySelector(%s).innerText === '101'" % json.dumps(self.list("What it holds", "tbody td:first-child")))
        self.assert_quiet(page)

    def test_the_keys_of_a_dict_lead_to_objects(self):
        id = self.server.sql("SELECT r.dst FROM reference r JOIN object o ON o.id = r.dst WHERE r.label = 'by_place' AND o.type = 'dict'", snapshot=1)["rows"][0][0]
        page = self.object(id)
        keys = [text for text in self.texts(page, self.list("What it holds", "td.by")) if text.startswith("[(tuple)")]
        self.assertEqual(len(set(keys)), 9, keys)
        self.assertTrue(all(re.match(r"\[\(tuple\) #\d+\]$", key) for key in keys), keys)
        page.click(self.list("What it holds", "td.by a"))
        self.wait(page, "document.querySelector('#explorer h2.title').textContent === 'tuple'")
        self.assert_quiet(page)

    def test_a_card_of_a_chain_leads_to_its_object(self):
        page = self.open()
        self.wait(page, "document.querySelectorAll('#suspects svg a').length > 2")
        name = page.evaluate("[...document.querySelectorAll('#suspects svg a')].map(a => a.querySelector('text.t').textContent)")
        page.click("#suspects svg a rect.box", name.index("module __main__"))
        self.settle(page)
        self.assertEqual(self.title(page), "module __main__")
        self.assert_quiet(page)

    def test_figures_are_those_of_the_database(self):
        id = self.client()
        page = self.object(id)
        shown = dict(zip(self.texts(page, "#explorer .tile dt"), self.texts(page, "#explorer .tile dd:nth-child(2)")))
        own, referrers, depth = self.server.sql("SELECT size, referrers, depth FROM object WHERE id = %d" % id, snapshot=1)["rows"][0]
        self.assertEqual((shown["own"], shown["referrers"], shown["steps from a root"], shown["fields"]), ("%d B" % own, str(referrers), str(depth), "3"))

    def test_pages_forth_and_back(self):
        queue = self.server.sql("SELECT dst FROM reference WHERE src = %d AND label = 'queue'" % self.client(), snapshot=1)["rows"][0][0]
        page = self.object(queue)
        for title in "What it holds", "What it retains":
            link, seen = self.list(title, "tbody a"), []
            status = self.list(title, "[role=status]")
            first = page.evaluate("[...document.querySelectorAll(%s)].map(a => a.hash)" % json.dumps(link))
            self.assertEqual(len(first), 100)
            while True:
                now = page.evaluate("[...document.querySelectorAll(%s)].map(a => a.hash)" % json.dumps(link))
                seen += now
                if page.evaluate("document.querySelectorAll(%s)[2].disabled" % json.dumps(self.list(title, ".pager button"))):
                    break
                before = self.texts(page, status)
                page.click(self.list(title, ".pager button"), 2)
                self.wait(page, "document.querySelector(%s).textContent !== %s" % (json.dumps(status), json.dumps(before[0])))
            self.assertEqual(len(seen), len(set(seen)))
            self.assertGreaterEqual(len(seen), 300)
            self.assertRegex(self.texts(page, status)[0], r"^\d01–%d of %d$" % (len(seen), len(seen)))
            page.click(self.list(title, ".pager button"), 0)
            self.wait(page, "document.querySelector(%s).textContent.startsWith('1–100')" % json.dumps(status))
            self.assertEqual(page.evaluate("[...document.querySelectorAll(%s)].map(a => a.hash)" % json.dumps(link)), first)
        self.assert_quiet(page)

    def test_each_click_stays_in_its_snapshot(self):
        page = self.open("#/0/type/__main__.Frame")
        self.settle(page)
        self.wait(page, "/of 150$/.test(document.querySelector('#explorer [role=status]').textContent)")
        page.click("#explorer tbody a")
        self.wait(page, "location.hash.startsWith('#/0/object/')")
        self.settle(page)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#explorer a')].filter(a => !a.hash.startsWith('#/0/')).length"), 0)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#explorer-bar nav a')].slice(1).filter(a => !a.hash.startsWith('#/0/')).length"), 0)
        page.evaluate("location.hash = '#/0/type/__main__.Frame'")
        self.settle(page)
        page.evaluate("(() => { const s = document.querySelector('#snapshot'); s.value = '1'; s.dispatchEvent(new Event('change')); })()")
        self.wait(page, "location.hash === '#/1/type/__main__.Frame' && /of 300$/.test(document.querySelector('#explorer [role=status]').textContent)")
        self.assertIn("s1.htrail", self.texts(page, "#explorer p.mono")[0])
        self.assert_quiet(page)

    def test_finding_by_address_by_id_and_by_a_part_of_a_name(self):
        id = self.client()
        address = self.server.ask("object", snapshot=1, id=id)["address"]
        page = self.open()
        page.evaluate("location.hash = '#/1/object/0'")
        self.settle(page)
        self.assertEqual(self.title(page), "The heap")
        page.key("/", "/")
        self.assertEqual(page.evaluate("document.activeElement.id"), "find")
        for text, where in ((address, "#/1/object/%d" % id), ("#%d" % (id + 1), "#/1/object/%d" % (id + 1)), (hex(int(address, 16) + 3), "#/1/object/%d" % id), ("main__.fra", "#/1/types/main__.fra")):
            page.evaluate("document.querySelector('#find').value = ''; document.querySelector('#find').focus()")
            page.type(text)
            page.key("Enter", "\r")
            self.wait(page, "location.hash === %s" % json.dumps(where))
        self.wait(page, "document.querySelectorAll('#explorer tbody tr').length === 1")
        self.assertEqual(self.texts(page, "#explorer tbody a"), ["__main__.Frame"])
        page.evaluate("document.querySelector('#types-filter').focus()")
        page.type("no such")
        self.wait(page, "document.querySelectorAll('#explorer tbody tr').length === 0")
        self.assert_quiet(page)

    def test_sql_with_links_to_objects_and_what_is_refused(self):
        id = self.client()
        page = self.open("#/1/sql/")
        self.wait(page, "document.activeElement.id === 'sql-text'")
        page.type("SELECT id, type, '<img src=x onerror=alert(1)>' AS text, NULL AS missing FROM object WHERE id = %d" % id)
        page.key("Tab")
        page.click("#sql-run")
        self.wait(page, "document.querySelectorAll('#sql-rows tbody tr').length === 1")
        self.assertEqual(self.texts(page, "#sql-rows td"), [str(id), "__main__.Client", "<img src=x onerror=alert(1)>", "NULL"])
        self.assertIn("1 row", self.texts(page, "#sql-status")[0])
        self.assertIn("SELECT", urllib.parse.unquote(page.evaluate("location.hash")))
        page.evaluate("document.querySelector('#sql-text').value = 'DELETE FROM type'")
        page.click("#sql-run")
        self.wait(page, "document.querySelector('#sql-rows .failed') !== null")
        self.assertIn("read, not changed", self.texts(page, "#sql-rows .failed")[0])
        for i in range(5):
            page.click(".examples button", i)
            self.wait(page, "!document.querySelector('#sql-run').disabled && !document.querySelector('#sql-rows .failed')")
        page.evaluate("document.querySelector('#sql-text').value = 'SELECT object FROM root ORDER BY id LIMIT 1'")
        page.click("#sql-run")
        self.wait(page, "document.querySelectorAll('#sql-rows tbody a').length === 1")
        page.click("#sql-rows tbody a")
        self.wait(page, "location.hash.startsWith('#/1/object/')")
        self.settle(page)
        self.assert_quiet(page)

    def test_hostile_names_are_text(self):
        types = [row[0] for row in self.server.ask("types", snapshot=1, find="<b>")["rows"]]
        self.assertGreaterEqual(len(types), 9)
        page = self.open("#/1/types/<b>")
        for name in types[::3] + [name for name in types if "script" in name]:
            page.evaluate("location.hash = %s" % json.dumps("#/1/type/" + urllib.parse.quote(name, safe="")))
            self.wait(page, "/type/.test(location.hash) && document.querySelectorAll('#explorer section[aria-label^=Objects] tbody tr').length === 2")
            page.click("#explorer section[aria-label^=Objects] tbody a")
            self.wait(page, "/object/.test(location.hash) && document.querySelectorAll('#explorer section.list').length > 3")
            self.settle(page)
            self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 1240)
        self.assert_quiet(page)
        page = self.open("#/1/types/<b>")
        self.wait(page, "document.querySelectorAll('#explorer tbody tr').length === %d" % len(types))
        self.assertTrue(any("<script>" in text for text in self.texts(page, "#explorer tbody a")))
        for where in ("#/1/object/<img src=x onerror=document.title='run'>", "#/1/type/%", "#/9/object/1", "#/1/object/999999999", "#/1/nothing/", "#x'\"><script>"):
            page.evaluate("location.hash = %s" % json.dumps(where))
            time.sleep(0.05)
        self.assertNotEqual(page.evaluate("document.title"), "run")
        self.assertEqual([error for error in page.errors if "status of 40" not in error], [])

    def test_on_a_phone_each_figure_stands_below_its_own_head(self):
        page = self.open("#/1/types/", width=390, height=844, phone=True)
        self.wait(page, "document.querySelectorAll('#explorer tbody tr').length > 3")
        shown = "[...%s.children].filter(e => e.offsetParent).map(e => Math.round(e.getBoundingClientRect().right))"
        heads, cells = (page.evaluate(shown % ("document.querySelector('#explorer %s tr')" % part)) for part in ("thead", "tbody"))
        self.assertEqual(heads, cells)
        self.assertGreaterEqual(len(heads), 3)

    def test_light_and_dark_desktop_and_phone(self):
        id = self.client()
        background = "getComputedStyle(document.body).backgroundColor"
        seen = {}
        for name, where in (("object", "#/1/object/%d" % id), ("heap", "#/1/object/0"), ("sql", "#/1/sql/" + urllib.parse.quote("SELECT id, type, length, retained FROM object ORDER BY retained DESC LIMIT 12"))):
            for kind, options in (("light", {}), ("dark", {"dark": True}), ("phone", dict(width=390, height=844, phone=True))):
                if (name, kind) not in (("object", "light"), ("object", "phone"), ("heap", "light"), ("sql", "dark")):
                    continue
                page = self.open(where, **options)
                self.settle(page)
                self.wait(page, "document.querySelectorAll('#explorer tbody tr').length > 2")
                seen[kind] = page.evaluate(background)
                self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), options.get("width", 1240), (name, kind))
                page.screenshot(os.path.join(PICTURES, "%s-%s.png" % (name, kind)))
                self.assert_quiet(page)
        self.assertNotEqual(seen["light"], seen["dark"])

    def test_what_is_read_aloud_and_the_keyboard(self):
        page = self.object(self.client())
        self.assertEqual(page.evaluate("document.activeElement.className"), "title")
        self.assertTrue(page.evaluate("document.title").startswith("__main__.Client"))
        nameless = page.evaluate("[...document.querySelectorAll('#explorer *, #explorer-bar *')].filter(e => /^(A|BUTTON|INPUT|SELECT|TEXTAREA|TABLE|SECTION|NAV|FORM)$/.test(e.tagName) && e.offsetParent && "
                                 "!(e.textContent.trim() || e.getAttribute('aria-label'))).map(e => e.outerHTML)")
        self.assertEqual(nameless, [])
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#explorer th')].filter(t => t.scope !== 'col').length"), 0)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('main')].filter(m => !m.hidden).length"), 1)
        self.assertEqual(self.texts(page, "#explorer-bar [aria-current=page]"), ["Objects"])
        reached = set()
        for _ in range(40):
            page.send("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            page.send("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            reached.add(page.evaluate("(document.activeElement.closest('section') || document.body).getAttribute('aria-label')"))
        self.assertLessEqual({"Chain from a root", "What it holds", "Who refers to it", "What it retains", "What must be let go of"}, reached)

    def test_what_takes_long_of_the_report_follows(self):
        children = []
        def stop(pid):
            while not children:
                with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
                    children.extend(map(int, file.read().split()))
            os.kill(children[0], signal.SIGSTOP)
        one = server.Server(*self.files, begun=stop)
        self.addCleanup(one.end)
        page = browser.Page(self.browser, one.url)
        self.addCleanup(page.close)
        self.wait(page, "/is being made/.test(document.querySelector('#notice').textContent)")
        self.assertEqual(page.evaluate("document.querySelector('#icicle').hidden && document.querySelectorAll('#growth-panel tbody tr').length > 5"), True)
        os.kill(children[0], signal.SIGCONT)
        self.wait(page, "document.querySelector('#notice button') !== null")
        page.click("#notice button")
        self.wait(page, "document.querySelectorAll('#icicle .cell').length > 3 && document.querySelector('#notice').textContent === ''")
        self.assertEqual(page.errors, [])

    def test_a_server_that_has_ended_is_said(self):
        one = server.Server(self.files[0])
        page = browser.Page(self.browser, one.url)
        self.addCleanup(page.close)
        one.end()
        page.evaluate("location.hash = '#/0/types/'")
        self.wait(page, "document.querySelector('#explorer .failed') !== null")
        self.assertIn("has ended", self.texts(page, "#explorer .failed")[0])


if __name__ == "__main__":
    unittest.main()
