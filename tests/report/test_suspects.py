"""The picture of a suspect is of the objects that its verdict counts: of a linked list all links, of dicts the objects that their bytes hang
on, of threads what their frames hold, of modules the stale copies."""
import os, re, subprocess, sys, tempfile, unittest

HEAPTRAIL = os.environ["HEAPTRAIL"]
PROGRAM = r"""
import sys, threading
import heaptrail
class Link(object):
    def __init__(self, below): self.below, self.payload = below, bytearray(300)
class Image(object):
    def __init__(self): self.pixels = bytearray(3000)
stop, head, tasks = threading.Event(), None, []
def serve(started):
    answer = bytearray(50000)
    started.set()
    stop.wait()
for shot in range(4):
    for i in range(1000): head = Link(head)
    tasks.extend({"image": Image(), "done": False} for i in range(700))
    for i in range(20):
        started = threading.Event()
        threading.Thread(target=serve, args=(started,), daemon=True).start()
        started.wait()
    heaptrail.snapshot("%s/%d.htrail" % (sys.argv[1], shot))
"""
RELOAD = r"""
import sys
import heaptrail
for shot in range(3):
    for request in range(6):
        before = set(sys.modules)
        import logging.handlers
        for name in set(sys.modules) - before: del sys.modules[name]
    heaptrail.snapshot("%s/%d.htrail" % (sys.argv[1], shot))
"""


class Suspects(unittest.TestCase):
    def pictures(self, program, shots):
        """question: [title, count or bytes] of each red card"""
        with tempfile.TemporaryDirectory(prefix="suspects.", dir=os.environ.get("TEST_TMP")) as folder:
            subprocess.run([sys.executable, "-c", program, folder], check=True, timeout=100)
            page = os.path.join(folder, "r.html")
            subprocess.run([HEAPTRAIL, "report", *("%s/%d.htrail" % (folder, shot) for shot in range(shots)), "-o", page], check=True, stdout=subprocess.DEVNULL)
            with open(page) as file:
                pictures = re.findall(r'<div class="picture">(.*?)</div>', file.read(), re.DOTALL)
        return {re.search(r'class="h1"[^>]*>([^<]*)', picture)[1]: [re.findall(r'<text class="[tb]"[^>]*>([^<]*)', card)[:2] for card in re.findall(r'<g class="n S".*?</g>', picture, re.DOTALL)]
                for picture in pictures}

    def test_a_picture_is_of_the_objects_of_its_verdict(self):
        found = self.pictures(PROGRAM, 4)
        self.assertIn(["__main__.Link", "× 3,999"], found["What keeps 4,000 __main__.Link objects alive?"])
        self.assertEqual(found["What keeps 2,800 __main__.Image objects alive?"], [["__main__.Image", "× 2,800"]])
        self.assertEqual(found["What keeps 80 bytearray objects alive?"], [["bytearray", "× 80"]])

    @unittest.skipIf(sys.version_info < (3, 9), "it keeps no copies there")
    def test_of_modules_that_are_loaded_again_the_stale_copies(self):
        found = self.pictures(RELOAD, 3)
        self.assertEqual({title for title, _ in found["What keeps the stale copies of module logging alive?"]}, {"dict of module logging", "module logging"})


if __name__ == "__main__":
    unittest.main()
