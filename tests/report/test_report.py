"""The report in a real browser: every tab, sorting, filter, zoom, links, keys, light and dark; hostile names; a broken page."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import browser

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../graph"))
import graph_file

B, HEAPTRAIL = os.environ["B"], os.environ["HEAPTRAIL"]
PICTURES = os.path.join(B, "report") # kept: build output to look at

# Leaks in a list and in a dict, threads that pile up, and names that want to be markup.
PROGRAM = r"""
import sys, threading
sys.path.insert(0, %r)
import heaptrail
hostile = ["<script>document.title='run'</script>", "</script><script>document.title='run'</script>", "<img src=x onerror=document.title='run'>",
           "\"'&<>", "\u202eevil", "a" * 500, "]]>", "javascript:alert(1)", "{{7*7}}", "\x1b[31m", "\u2028", "<!--"]
class Record(object):
    def __init__(self): self.payload = bytearray(800)
class Session(object):
    def __init__(self, n): self.n = [n]
types = [type(name, (), {"__module__": name}) for name in hostile]
heaptrail.sample(1024)
records, sessions, kept, stop = [], {}, [], threading.Event()
evil = type("</script><b>", (), {})
many = {}
def work():
    records.extend(Record() for _ in range(2000))
    sessions.update((len(sessions) + i, Session(i)) for i in range(1000))
    kept.append([t() for t in types for _ in range(30)])
    many.setdefault("<svg onload=alert(1)>", []).extend(evil() for _ in range(1500))
    for _ in range(3):
        thread = threading.Thread(target=stop.wait)
        thread.daemon = True
        thread.start()
work()
for i in range(4):
    heaptrail.snapshot(sys.argv[1] + "/s%%d.htrail" %% i)
    work()
""" % os.environ["PYTHONPATH"]


def heaptrail(*arguments, **options):
    return subprocess.run([HEAPTRAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)


@unittest.skipIf(browser.CHROMIUM is None, "chromium is not installed")
class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heaptrail-report-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.makedirs(PICTURES, exist_ok=True)
        subprocess.run([sys.executable, "-c", PROGRAM, cls.folder], check=True)
        cls.files = [os.path.join(cls.folder, "s%d.htrail" % i) for i in range(4)]
        cls.html = os.path.join(cls.folder, "report.html")
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)
        done = heaptrail("report", *cls.files, "-o", cls.html)
        if done.returncode != 0:
            raise AssertionError(done.stderr)

    def open(self, path=None, **options):
        page = browser.Page(self.browser, "file://" + (path or self.html), **options)
        self.addCleanup(page.close)
        return page

    def assert_quiet(self, page):
        """Nothing went wrong, nothing was fetched, nobody's script ran."""
        self.assertEqual(page.errors, [])
        self.assertEqual([url for url in page.requests if not url.startswith("file://" + self.folder)], [])
        self.assertEqual(len(page.requests), 1, page.requests)
        self.assertNotIn(page.evaluate("document.title"), ("run", ""))

    def texts(self, page, selector):
        return page.evaluate("[...document.querySelectorAll(%r)].map(e => e.textContent)" % selector)

    def numbers(self, page, column):
        """The figures of a column of the growth table, as they are sorted."""
        units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
        found = []
        for text in self.texts(page, "#growth-panel tbody td:nth-child(%d)" % column):
            match = re.match(r"([+−]?)([\d,.]+)(?: (\w+))?$", text)
            found.append((-1 if match[1] == "−" else 1) * float(match[2].replace(",", "")) * units.get(match[3], 1) if match else -1)
        return found

    def test_what_leaks_stands_at_the_top_with_its_chain(self):
        page = self.open()
        self.assertRegex(page.evaluate("document.querySelector('#verdict-head').textContent"), r"^Leaking: \+[\d.]+ MiB in .*explain")
        verdicts = self.texts(page, "#verdict-list li")
        self.assertTrue(any("records" in text and "Record" in text for text in verdicts), verdicts)
        links = page.evaluate("[...document.querySelectorAll('#verdict-list a')].map(a => a.getAttribute('href'))")
        self.assertGreaterEqual(len(links), 2)
        for i, link in enumerate(links):
            self.assertEqual(page.evaluate("document.querySelectorAll('%s .picture svg').length" % link), 1, link)
            page.click("#verdict-list a", i)
            self.assertEqual(page.evaluate("location.hash"), link)
            self.assertTrue(page.evaluate("(() => { const b = document.querySelector('%s').getBoundingClientRect(); return b.top < innerHeight && b.bottom > 0; })()" % link))
        self.assert_quiet(page)

    def test_what_is_new_since_the_first_snapshot_is_marked_in_the_chains(self):
        page = self.open()
        number = next(i for i, v in enumerate(page.evaluate("JSON.parse(document.getElementById('data').textContent).verdicts"), 1) if v["place"] == "records")
        card = "[...document.querySelectorAll('#chain-%d svg g.n')].find(e => e.textContent.includes('__main__.Record'))" % number
        self.assertIn("6,000 NEW", page.evaluate(card + ".textContent")) # of 8,000: 2,000 each time
        words = page.evaluate("document.querySelector('#chain-%d').textContent" % number)
        self.assertIn("not in s0.htrail", words)

    def test_a_suspect_is_told_in_words_and_figures_too(self):
        page = self.open()
        rows = json.loads(heaptrail("leaks", *self.files, "--json").stdout)["rows"]
        number = next(i for i, row in enumerate(rows, 1) if row["place"] == "records")
        row = rows[number - 1]
        facts = dict(zip(self.texts(page, "#chain-%d dt" % number), self.texts(page, "#chain-%d dd" % number)))
        self.assertEqual(list(facts), ["objects", "retained", "allocated at", "held by", "go on with"])
        self.assertEqual(facts["objects"], "{:,} → {:,}".format(row["growth"][0]["objects"], row["growth"][-1]["objects"]))
        self.assertRegex(facts["allocated at"], r"^<string>:\d+ \S+ \(\d+ %\)")
        self.assertRegex(facts["held by"], r"^sys.modules .*─\['records'\]→ list ─\[i\]→ __main__.Record ×8,000$")
        self.assertRegex(facts["retained"], "by what gathers there, and the container itself$")
        self.assertIn("What keeps 8,000 __main__.Record objects alive?", page.evaluate("document.querySelector('#chain-%d .picture svg').textContent" % number))
        self.assertEqual(facts["go on with"], "heaptrail why %s id:%d" % (self.files[-1], row["example"]))
        self.assertEqual(heaptrail(*facts["go on with"].split()[1:]).returncode, 0)
        self.assertEqual(page.evaluate("document.querySelectorAll('#chain-%d dl svg[role=img]').length" % number), 2)

    def test_every_tab_shows_its_rows_and_arrow_keys_go_through_them(self):
        page = self.open()
        tabs = self.texts(page, "#growth-tabs [role=tab]")
        self.assertEqual(tabs, ["by type", "by module", "by owner", "by package", "by allocation site", "by thread", "by root"])
        seen = set()
        for i in range(len(tabs)):
            page.click("#growth-tabs [role=tab]", i)
            self.assertEqual(self.texts(page, "#growth-tabs [aria-selected=true]"), [tabs[i]])
            rows = tuple(self.texts(page, "#growth-panel td.name"))
            self.assertGreater(len(rows), 0)
            seen.add(rows)
        self.assertEqual(len(seen), len(tabs))
        page.click("#growth-tabs [role=tab]", 0)
        page.key("ArrowRight")
        self.assertEqual(self.texts(page, "#growth-tabs [aria-selected=true]"), ["by module"])
        page.key("ArrowLeft")
        page.key("ArrowLeft")
        self.assertEqual(self.texts(page, "#growth-tabs [aria-selected=true]"), ["by root"])
        self.assert_quiet(page)

    def test_figures_are_those_that_diff_prints(self):
        page = self.open()
        rows = dict(zip(self.texts(page, "#growth-panel td.name"), self.numbers(page, 2)))
        printed = json.loads(heaptrail("top", self.files[-1], "--json").stdout)
        counts = {row["key"]: row["count"] for row in next(value for value in printed.values() if isinstance(value, list))}
        self.assertEqual(rows["bytearray"], counts["bytearray"])
        self.assertEqual(next(n for name, n in rows.items() if name.startswith("__main__.Record")), counts["__main__.Record"])

    def test_a_click_on_a_head_sorts_and_another_turns_it_round(self):
        page = self.open()
        self.assertEqual(page.evaluate("document.querySelector('#growth-panel th[aria-sort]').textContent"), "Δ bytes ▾")
        for column in (2, 3, 4, 5, 6):
            page.click("#growth-panel th:nth-child(%d) button" % column)
            first = self.numbers(page, column)
            page.click("#growth-panel th:nth-child(%d) button" % column)
            second = self.numbers(page, column)
            directions = {tuple(sorted(first)) == tuple(first), tuple(sorted(second)) == tuple(second)}
            self.assertEqual(directions, {True, False}, (column, first, second))
        page.click("#growth-panel th:nth-child(1) button")
        names = self.texts(page, "#growth-panel td.name")
        names = [name for name in names if "\\" not in name] # those stand where what they stand for does
        self.assertEqual(names, sorted(names))
        self.assert_quiet(page)

    def test_the_filter_and_all_rows(self):
        page = self.open()
        few = len(self.texts(page, "#growth-panel tbody tr"))
        self.assertEqual(few, 25)
        page.click("#growth-more")
        self.assertGreater(len(self.texts(page, "#growth-panel tbody tr")), few)
        page.evaluate("document.activeElement.blur()")
        page.key("/", "/")
        self.assertEqual(page.evaluate("document.activeElement.id"), "growth-filter")
        page.type("RECORD")
        names = self.texts(page, "#growth-panel td.name")
        self.assertTrue(names and all("record" in name.lower() for name in names), names)
        page.type("-no such thing")
        self.assertEqual(self.texts(page, "#growth-panel td.name"), [])
        self.assertTrue(page.evaluate("document.querySelector('#growth-count').textContent").startswith("0 of"))
        self.assert_quiet(page)

    def test_the_tree_zooms_in_and_out_and_is_searched(self):
        page = self.open()
        whole = self.texts(page, "#icicle .cell")
        self.assertTrue(whole[0].startswith("heap "))
        page.click("#icicle .cell", 1)
        inner = self.texts(page, "#icicle .cell")
        self.assertEqual(inner[0], whole[1])
        self.assertEqual(len(self.texts(page, "#icicle-path button")), 2)
        page.evaluate("document.querySelector('#icicle .cell').focus()")
        page.key("Escape")
        self.assertEqual(self.texts(page, "#icicle .cell"), whole)
        page.click("#icicle .cell", 1)
        page.click("#icicle-path button", 0)
        self.assertEqual(self.texts(page, "#icicle .cell"), whole)
        page.evaluate("document.querySelector('#icicle-search').focus()")
        page.type("bytearray")
        hits = self.texts(page, "#icicle .cell.hit")
        self.assertTrue(hits and all("bytearray" in text for text in hits), hits)
        self.assert_quiet(page)

    def test_everything_by_mouse_in_the_dark(self):
        page = self.open(dark=True)
        for i in range(len(self.texts(page, "#growth-tabs [role=tab]"))):
            page.click("#growth-tabs [role=tab]", i)
            for head in range(page.evaluate("document.querySelectorAll('#growth-panel th button').length")):
                page.click("#growth-panel th button", head)
                self.assertEqual(len(self.texts(page, "#growth-panel th[aria-sort]")), 1)
            if page.evaluate("!document.querySelector('#growth-more').hidden"):
                page.click("#growth-more")
            self.assertGreater(len(self.texts(page, "#growth-panel tbody tr")), 0)
        for panel in ("threads", "waste"):
            for head in range(page.evaluate("document.querySelectorAll('#%s th button').length" % panel)):
                page.click("#%s th button" % panel, head)
                self.assertEqual(len(self.texts(page, "#%s th[aria-sort]" % panel)), 1)
        for deep in range(3):
            page.click("#icicle .cell", 1)
            self.assertEqual(len(self.texts(page, "#icicle-path button")), deep + 2)
        page.screenshot(os.path.join(PICTURES, "zoomed.png"))
        links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        self.assertGreater(len(links), 8)
        for i, link in enumerate(links):
            page.click("a", i)
            self.assertEqual(page.evaluate("location.hash"), link)
            self.assertEqual(page.evaluate("document.querySelectorAll(location.hash).length"), 1, link)
        self.assert_quiet(page)

    def test_hostile_names_are_shown_as_they_are(self):
        page = self.open()
        page.click("#growth-more")
        names = page.evaluate("[...document.querySelectorAll('#growth-panel td.name span')].map(e => e.title)")
        for name in ("<script>document.title='run'</script>", "</script><script>document.title='run'</script>", "<img src=x onerror=document.title='run'>", "\"'&<>"):
            self.assertTrue(any(name in text for text in names), (name, names))
        for name in ("\\u202eevil", "\\x1b[31m", "\\u2028"): # as on a terminal
            self.assertTrue(any(name in text for text in names), (name, names))
        for what in "textContent", "outerHTML":
            self.assertEqual(page.evaluate("document.querySelector('main').%s.match(/[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e]/g)" % what), None)
        self.assertEqual(page.evaluate("document.querySelectorAll('img, iframe, object, embed, link, svg script, [onload], [onerror], [href^=javascript]').length"), 0)
        self.assert_quiet(page)

    def test_bytes_are_rounded_as_on_a_terminal(self):
        text = "root modules modules modules\nmodules dict - : value app app\napp module app : field __dict__ names\nnames dict - : index - a, index - b, index - c, index - d\n"
        sizes = {"a": 134400, "b": 29952 - 51, "c": 1048550, "d": 768} # 131.25 KiB, and where a unit ends
        file = graph_file.snapshot(text + "".join("%s app.%s - size=%d\n" % (name, name.upper(), size) for name, size in sizes.items()), self.folder, "sizes")
        path = os.path.join(self.folder, "sizes.html")
        self.assertEqual(heaptrail("report", file, "-o", path).returncode, 0)
        page = self.open(path)
        rows = dict(zip(self.texts(page, "#growth-panel td.name"), self.texts(page, "#growth-panel td:nth-child(4)")))
        self.assertEqual(rows["app.A"], "131.2 KiB")
        printed = heaptrail("top", file).stdout
        for name in ("A", "B", "C", "D"):
            self.assertRegex(printed, r"(?m)^app\.%s +1 +%s " % (name, re.escape(rows["app." + name])))

    def test_a_site_is_about_so_much(self):
        page = self.open()
        page.click("#tab-site")
        self.assertNotIn("retained", self.texts(page, "#growth-panel th button"))
        rows = self.texts(page, "#growth-panel tbody tr")
        rows = [row for row in rows if not row.endswith("0 B0")] # of nothing nothing is estimated
        self.assertGreater(len(rows), 3)
        self.assertTrue(all(row.count("\u2248") >= 2 and "\xb1" in row for row in rows), rows)
        self.assertIn("standard error", self.texts(page, "#growth-left")[0])
        page.click("#tab-type")
        self.assertFalse(any("\u2248" in row for row in self.texts(page, "#growth-panel tbody tr")))
        self.assertNotIn("standard error", self.texts(page, "#growth-left")[0])

    def test_memory_adds_up_and_none_is_negative_without_a_word(self):
        page = self.open()
        data = page.evaluate("JSON.parse(document.getElementById('data').textContent).unexplained")
        self.assertEqual([sum(row[1][i] for row in data[1:]) for i in range(4)], data[0][1])
        file = graph_file.snapshot("meta rss_bytes 1000\nroot modules modules modules\nmodules dict - : value app app\napp app.A - size=5000\n", self.folder, "less") # than what is counted
        path = os.path.join(self.folder, "less.html")
        self.assertEqual(heaptrail("report", file, "-o", path).returncode, 0)
        less = self.open(path).evaluate("JSON.parse(document.getElementById('data').textContent).unexplained")
        self.assertEqual([sum(row[1][0] for row in less[1:]), less[-2][1], less[-1][1][0] < 0], [1000, [0], True])
        for name, sizes in data + less:
            self.assertTrue(all(size >= 0 for size in sizes) or name.startswith("counted twice"), (name, sizes))

    def test_paper_shows_all_of_the_tables_and_the_tree(self):
        page = self.open(width=720)
        page.send("Emulation.setEmulatedMedia", media="print")
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.parentElement.clientWidth).map(e => e.id)"), [])
        self.assertGreater(page.evaluate("[...document.querySelectorAll('#icicle .cell')].filter(e => e.checkVisibility() && e.offsetWidth > 40).length"), 3)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#growth-tabs button')].filter(e => e.checkVisibility()).map(e => e.textContent)"), ["by type"])
        self.assertEqual(page.evaluate("getComputedStyle(document.querySelector('#growth-panel th'), '::before').content"), '"name"') # repeated on every page

    def test_paper_has_a_wide_picture_in_strips_that_can_be_read(self):
        path = os.path.join(self.folder, "wide.html")
        with open(self.html) as file:
            html = file.read()
        with open(path, "w") as file: # the same, as it is of a heap with many roots side by side
            file.write(re.sub(r'(<svg [^>]*?)width="\d+" (height="\d+") viewBox="0 0 \d+ ', r'\1width="2600" \2 viewBox="0 0 2600 ', html))
        page = self.open(path, width=740)
        shown = "[...document.querySelectorAll('#chain-1 .strips svg, #chain-1 .picture svg')].filter(e => e.checkVisibility()).map(e => [e.clientWidth / e.viewBox.baseVal.width, e.viewBox.baseVal.x, e.viewBox.baseVal.width])"
        self.assertEqual(len(page.evaluate(shown)), 1)
        page.send("Emulation.setEmulatedMedia", media="print")
        strips = page.evaluate(shown)
        self.assertGreater(len(strips), 1)
        self.assertGreaterEqual(min(scale for scale, left, width in strips), 0.57)
        for (_, left, width), (_, after, _) in zip(strips, strips[1:]):
            self.assertLess(after, left + width)
        self.assertGreaterEqual(strips[-1][1] + strips[-1][2], 2599)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i)"), [])

    def test_what_is_wider_than_a_phone_says_so_and_a_long_name_is_cut(self):
        page = self.open(width=390, height=844, phone=True)
        self.assertTrue(page.evaluate("(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).backgroundImage.split('linear-gradient').length === 5)(document.querySelector('#growth-panel'))"))
        page.click("#growth-more")
        cut = "[...document.querySelectorAll('#growth-panel td.name span')].find(e => e.title.includes('a'.repeat(500)))"
        self.assertLessEqual(page.evaluate("(window.long = %s).textContent.length" % cut), 60)
        page.evaluate("long.click()")
        self.assertGreaterEqual(page.evaluate("long.textContent.length"), 500)
        page.evaluate("long.click()")
        self.assertLessEqual(page.evaluate("long.textContent.length"), 60)
        self.assert_quiet(page)

    def test_the_colours_of_the_tree_are_explained(self):
        page = self.open()
        self.assertIn("a suspect", self.texts(page, "#icicle-legend li"))
        same = "getComputedStyle(document.querySelector('#icicle-legend .suspect'), '::before').backgroundColor === getComputedStyle(document.querySelector('.cell.suspect')).backgroundColor"
        self.assertTrue(page.evaluate(same))
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.cell')].filter(e => e.textContent && e.offsetWidth < 30).length"), 0)
        kinds = page.evaluate("JSON.parse(document.getElementById('data').textContent).verdicts.map(v => v.kind)")
        self.assertIn("threads", kinds)

    def test_suspects_are_what_the_verdicts_name_and_not_all_of_a_type(self):
        page = self.open()
        red = [title.split(" ×")[0].split(",")[0] for title in page.evaluate("[...document.querySelectorAll('.cell.suspect')].map(e => e.title)")]
        self.assertLessEqual({"[records] list", "[*] __main__.Record", "[sessions] dict", "[(int)] __main__.Session"}, set(red))
        self.assertFalse([key for key in red if re.match(r"(\(\w+ \w+\) )?(dict|list|type)( |$)", key)], red)
        rows = json.loads(heaptrail("leaks", *self.files, "--json").stdout)["rows"]
        pills = dict(zip(self.texts(page, "#growth-panel tbody tr:has(.pill) td:first-child span"), self.texts(page, "#growth-panel .pill")))
        self.assertEqual(pills["__main__.Record"], "suspect")
        lists = next((row for row in rows if row["type"] == "list"), None)
        if lists is not None:
            self.assertRegex(pills["list"], r"^suspect: %s of [\d,]+$" % "{:,}".format(lists["growth"][-1]["objects"]))

    def test_threads_are_told_by_their_stacks(self):
        page = self.open()
        number = next(i for i, kind in enumerate(page.evaluate("JSON.parse(document.getElementById('data').textContent).verdicts.map(v => v.kind)"), 1) if kind == "threads")
        facts = dict(zip(self.texts(page, "#chain-%d dt" % number), self.texts(page, "#chain-%d dd" % number)))
        self.assertEqual(facts["threads"], "3 → 12")
        self.assertEqual(facts["go on with"], "heaptrail threads %s %s" % (self.files[0], self.files[-1]))

    def test_the_thread_that_takes_the_snapshots_is_none_of_the_program_s(self):
        file = graph_file.snapshot("meta threads 3\nthread 1 main\nthread 2\nthread 3 capture\nroot modules modules modules\nmodules dict -\n", self.folder, "own")
        self.assertEqual(heaptrail("report", file, "-o", self.folder + "/own.html").returncode, 0)
        page = self.open(self.folder + "/own.html")
        self.assertEqual(dict(zip(self.texts(page, "#tiles dt"), self.texts(page, "#tiles dd:nth-of-type(1)")))["threads"], "2")

    def test_light_and_dark_as_the_viewer_is_set_and_by_the_button(self):
        colour = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.chain svg .bg')).fill"
        light, dark = self.open(), self.open(dark=True)
        self.assertNotEqual(light.evaluate(colour), dark.evaluate(colour))
        light.screenshot(os.path.join(PICTURES, "light.png"))
        dark.screenshot(os.path.join(PICTURES, "dark.png"))
        before = light.evaluate(colour)
        light.click("#theme")
        self.assertEqual(light.evaluate(colour), dark.evaluate(colour))
        light.click("#theme")
        self.assertEqual(light.evaluate(colour), before)
        self.assert_quiet(light)
        self.assert_quiet(dark)

    def test_a_phone_shows_it_without_scrolling_sideways_and_paper_too(self):
        page = self.open(width=360, height=780, phone=True)
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 360)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('button, input, #contents a')].filter(e => e.offsetParent && !e.closest('th, #icicle-rows') && e.getBoundingClientRect().height < 24).length"), 0)
        self.assertGreaterEqual(page.evaluate("Math.min(...[...document.querySelectorAll('#memory-chart text')].map(e => e.getBoundingClientRect().height))"), 10)
        page.screenshot(os.path.join(PICTURES, "phone.png"))
        # A picture that is wider begins at the root that its verdict names, below its question, and says on which side there is more; its legend wraps.
        wide = page.evaluate("""[...document.querySelectorAll('.picture')].filter(e => e.scrollWidth > e.clientWidth).map(e => {
            const roots = [...e.querySelectorAll('g.root .box')].map(box => box.getBoundingClientRect()).filter(box => box.left >= 0 && box.left + box.width / 2 < 360);
            const sides = [...e.previousElementSibling.children].map(side => side.checkVisibility({visibilityProperty: true}));
            return [e.previousElementSibling.previousElementSibling.textContent, roots.length, sides, [e.scrollLeft > 4, e.scrollLeft + e.clientWidth < e.scrollWidth - 4]];
        })""")
        self.assertGreaterEqual(len(wide), 1)
        for question, roots, said, sides in wide:
            self.assertRegex(question, r"^What keeps .* alive\?")
            self.assertGreaterEqual(roots, 1, question)
            self.assertEqual(said, sides, question)
            self.assertIn(True, sides)
        room = page.evaluate("[...document.querySelectorAll('.captioned svg')].map(e => { const v = e.viewBox.baseVal, b = [...e.querySelectorAll('g.n, g.e')].map(n => n.getBBox()); "
                             "return [Math.min(...b.map(b => b.x)) - v.x, v.x + v.width - Math.max(...b.map(b => b.x + b.width))]; })")
        self.assertTrue(all(0 <= side < 10 for sides in room for side in sides), room) # no side has more that is nothing
        moved = page.evaluate("""(async () => {
            const e = [...document.querySelectorAll('.picture')].find(e => e.scrollWidth > e.clientWidth);
            e.scrollLeft = e.scrollWidth;
            await new Promise(done => setTimeout(done, 100));
            return [...e.previousElementSibling.children].map(side => side.checkVisibility({visibilityProperty: true}));
        })()""")
        self.assertEqual(moved, [True, False])
        words = page.evaluate("[...document.querySelectorAll('.legend li')].map(e => [e.textContent, e.getBoundingClientRect().right, e.querySelector('svg').children.length])")
        self.assertIn("what was asked for", [word for word, right, signs in words])
        self.assertTrue(all(right <= 360 and signs > 0 for word, right, signs in words), words)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#waste-panel tbody tr')].filter(e => !/held by ./.test(e.innerText) || e.cells[0].getBoundingClientRect().right > 250).length"), 0)
        for section, head in ("waste", "would come back"), ("threads", "retained"), ("unexplained", "Δ bytes"):
            self.assertIn(head, self.texts(page, "#%s-panel th" % section)[1])
            self.assertLess(page.evaluate("document.querySelectorAll('#%s-panel tbody td')[1].getBoundingClientRect().right" % section), 360, section)
        paper = os.path.join(PICTURES, "paper.pdf")
        page = self.open(dark=True)
        card = "getComputedStyle(document.querySelector('.card')).backgroundColor"
        dark = page.evaluate(card)
        page.evaluate("dispatchEvent(new Event('beforeprint'))") # paper is white all the same
        self.assertEqual(page.evaluate(card), "rgb(255, 255, 255)")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        self.assertEqual(page.evaluate(card), dark)
        page.pdf(paper)
        with open(paper, "rb") as file:
            written = file.read()
        self.assertTrue(written.startswith(b"%PDF"))
        self.assertIn(len(re.findall(rb"/Type\s*/Page\b", written)), range(2, 15))
        self.assert_quiet(page)

    def test_what_is_read_aloud(self):
        """The tree that Chromium hands to a screen reader."""
        page = self.open()
        nodes = [node for node in page.send("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
        roles = {}
        for node in nodes:
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        for role in ("button", "link", "searchbox", "tab", "image", "table", "region", "navigation", "tablist", "tabpanel", "columnheader", "heading"):
            self.assertTrue(roles.get(role), (role, sorted(roles)))
            self.assertNotIn("", [name.strip() for name in roles[role]], role)
        for role in ("banner", "main", "contentinfo"):
            self.assertEqual(len(roles.get(role, [])), 1, role)
        tables = page.evaluate("document.querySelectorAll('table').length")
        self.assertEqual(len(roles["table"]), tables)
        self.assertEqual(len(set(roles["region"])), len(roles["region"]), roles["region"])
        self.assertEqual(page.evaluate("[...document.querySelectorAll('table')].filter(t => !t.querySelector('th[scope=col]')).length"), 0)
        self.assertEqual(page.evaluate("document.documentElement.lang"), "en")

    def test_keys_alone_reach_everything(self):
        page = self.open()
        reached = set()
        for _ in range(150):
            page.key("Tab", code=9)
            reached.add(page.evaluate("(e => e.id === 'theme' || e.tagName === 'INPUT' ? e.id : e.closest('[id]').id + ' ' + e.tagName.toLowerCase())(document.activeElement)"))
            if page.evaluate("document.activeElement.closest('#waste') !== null"):
                break
        for what in ("theme", "contents a", "verdict-list a", "tab-type button", "growth-filter", "growth-panel button", "growth-more button", "icicle-path button", "icicle-search",
                     "icicle-rows button"):
            self.assertIn(what, reached)
        page.evaluate("document.querySelector('#icicle-rows button').focus()")
        page.key("ArrowDown", code=40)
        page.key("Enter", "\r", code=13)
        self.assertEqual(len(self.texts(page, "#icicle-path button")), 2)
        page.key("Escape", code=27)
        self.assertEqual(len(self.texts(page, "#icicle-path button")), 1)
        page.evaluate("document.querySelector('#verdict-list a').focus()")
        page.key("Enter", "\r", code=13)
        self.assertEqual(page.evaluate("location.hash"), "#chain-1")
        self.assert_quiet(page)

    def test_threads_waste_and_what_is_not_explained(self):
        page = self.open()
        self.assertEqual(len(self.texts(page, "#waste-panel tbody tr")), 12)
        page.click("#waste .show-more")
        waste = self.texts(page, "#waste-panel tbody tr")
        printed = json.loads(heaptrail("waste", self.files[-1], "--json").stdout)
        rows = next(value for value in printed.values() if isinstance(value, list))
        self.assertEqual(len(waste), min(40, len({(row["kind"], row["held_by"]) for row in rows})))
        self.assertIn(rows[0]["held_by"], waste[0])
        stacks = self.texts(page, "#threads-panel tbody tr")
        self.assertTrue(any("wait" in row and "+9" in row for row in stacks), stacks)
        rows = self.texts(page, "#unexplained-panel td.name")
        self.assertTrue(rows[0].startswith("RSS") and rows[-1].startswith("not explained"), rows)

    def test_one_snapshot_and_two_that_are_the_same(self):
        for files, head in ((self.files[:1], r"^One snapshot"), (self.files[:1] * 2, r"^No leak found")):
            path = os.path.join(self.folder, "few.html")
            done = heaptrail("report", *files, "-o", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            page = self.open(path)
            self.assertRegex(page.evaluate("document.querySelector('#verdict-head').textContent"), head)
            self.assert_quiet(page)

    def test_of_one_snapshot_it_says_what_holds_most_and_what_to_ask_next(self):
        file = graph_file.snapshot("let n 900\nroot modules modules modules\nmodules dict - : value app app\napp module app : field __dict__ names\n"
                                   "names dict - : value items items\nitems list - : index - item[*]\nitem[n] app.Item - size=1000\n", self.folder, "one")
        path = os.path.join(self.folder, "one.html")
        self.assertEqual(heaptrail("report", file, "-o", path).returncode, 0)
        page = self.open(path)
        words = page.evaluate("document.querySelector('#verdict').innerText")
        self.assertRegex(words, r"One snapshot: most is held by .*, 87\d\.\d KiB of ")
        self.assertRegex(words, r"87\d\.\d KiB, \d+ % of the heap: .*items\] list → \[\*\] app.Item ×900")
        command = re.search(r"heaptrail (why) (\S+) (type:\S+)", words)
        self.assertEqual(command[3].rstrip(":"), "type:app.Item")
        self.assertIn("900 objects", heaptrail("why", command[2], command[3].rstrip(":")).stdout)

    def test_a_heap_that_grew_by_jumps_is_not_called_free_of_leaks(self):
        text = "let n %d\nroot modules modules modules\nmodules dict - : value app app\napp module app : field __dict__ names\nnames dict - : value items items\nitems list - : index - item[*]\nitem[n] app.Item - size=1000\n"
        files = [graph_file.snapshot(text % n, self.folder, "jumps%d" % n) for n in (500, 510, 520, 5000)]
        path = os.path.join(self.folder, "jumps.html")
        self.assertEqual(heaptrail("report", *files, "-o", path).returncode, 0)
        page = self.open(path)
        self.assertRegex(page.evaluate("document.querySelector('#verdict-head').textContent"), r"^No verdict: nothing grew steadily, but the heap grew by 8\d\d %")
        self.assertEqual(page.evaluate("document.querySelector('#verdict').className.includes('open')"), True)
        # What carries it is named, with chain and picture, and is no verdict.
        said = heaptrail("leaks", *files).stdout
        self.assertRegex(said, r"^no verdict: nothing grew steadily in 3 intervals, but the heap grew by 8\d\d % .*\n\nnoisy app.items \(list\) grew by .* no verdict: by jumps\n")
        self.assertEqual(json.loads(heaptrail("leaks", "--json", *files).stdout)["rows"], [])
        self.assertEqual(heaptrail("leaks", "--fail", *files).returncode, 0)
        told = self.texts(page, "#verdict-list li")
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], "^app.items .* no verdict: by jumps chain$")
        self.assertEqual(self.texts(page, ".chain h2"), ["What most of the growth hangs on"])
        self.assertIn("What keeps 5,000 app.Item objects alive?", page.evaluate("document.querySelector('#chain-1 .picture svg').textContent"))
        self.assertEqual(self.texts(page, ".cell.suspect, #growth-panel .pill"), [])
        self.assert_quiet(page)

    def test_snapshots_that_make_no_story_are_refused(self):
        other = graph_file.snapshot("meta pid 1\nroot modules modules modules\nmodules dict -\n", self.folder, "other")
        for files, why in ((self.files[1::-1], "was taken before"), ([self.files[0], other], "are of different processes")):
            for command in ("report", "-o", os.path.join(self.folder, "no.html")), ("serve", "--port", "0"):
                done = heaptrail(*command[:1], *files, *command[1:], timeout=30)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (3, 1), done.stderr)
                self.assertIn(why, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "no.html")))

    def test_a_page_that_is_broken_on_purpose_is_noticed(self):
        with open(self.html) as file:
            html = file.read()
        for broken in (html.replace('"snapshots":', '"snapshot":'), html.replace("'use strict';", "'use strict'; "),
                       html.replace("</main>", '</main><img src="http://127.0.0.1:9/x.png">')):
            self.assertNotEqual(broken, html)
            path = os.path.join(self.folder, "broken.html")
            with open(path, "w") as file:
                file.write(broken)
            page = self.open(path)
            with self.assertRaises(AssertionError):
                self.assert_quiet(page)

    def test_the_same_snapshots_give_the_same_bytes(self):
        again = os.path.join(self.folder, "again.html")
        heaptrail("report", *self.files, "-o", again, check=True)
        with open(self.html, "rb") as one, open(again, "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_wrong_use_and_a_place_that_cannot_be_written(self):
        self.assertEqual(heaptrail("report", self.files[0]).returncode, 2)
        done = heaptrail("report", self.files[0], "-o", self.folder + "/no/such/place.html")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (3, 1))
        self.assertIn("cannot write", done.stderr)


if __name__ == "__main__":
    unittest.main()
