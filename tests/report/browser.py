"""A real browser (Debian's Chromium, without a window), driven by the DevTools protocol over its pipe.

    page = browser.Page(browser.Browser(), "file:///tmp/a.html")
    page.evaluate("document.title")
    page.errors, page.requests
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import foreign

CHROMIUM = shutil.which("chromium")
LIMIT_S = 60


class Browser:
    def __init__(self):
        self.number, self.buffer, self.pages = 0, b"", {}
        self.folder = tempfile.mkdtemp(prefix="heaptrail-browser-")
        ends = [*os.pipe(), *os.pipe()]
        to_read, self.to, self.answers, from_write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 50) for end in ends)
        for end in ends:
            os.close(end)
        # It reads commands from descriptor 3 and answers on 4.
        become = "import os, sys; os.dup2(%d, 3); os.dup2(%d, 4); os.execv(sys.argv[1], sys.argv[1:])" % (to_read, from_write)
        self.process = subprocess.Popen([sys.executable, "-S", "-c", become, CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                                         "--remote-debugging-pipe", "--no-first-run", "--disable-extensions", "--user-data-dir=" + self.folder, "about:blank"],
                                        pass_fds=(to_read, from_write), env=foreign.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)

    def close(self):
        os.close(self.to)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        shutil.rmtree(self.folder, True)

    def receive(self):
        """The next message; what is about a page it is told."""
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], LIMIT_S)[0]:
                raise AssertionError("the browser gave no answer in %d s" % LIMIT_S)
            piece = os.read(self.answers, 1 << 16)
            if not piece:
                raise AssertionError("the browser ended")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(line)
        if message.get("sessionId") in self.pages:
            self.pages[message["sessionId"]].told(message)
        return message

    def post(self, method, parameters, session=None):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        return self.number

    def send(self, method, parameters, session=None):
        number = self.post(method, parameters, session)
        while True:
            message = self.receive()
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError("%s: %s" % (method, message["error"]["message"]))
                return message["result"]


class Page:
    def __init__(self, browser, url, width=1240, height=900, dark=False, phone=False):
        self.browser, self.errors, self.requests, self.loaded = browser, [], [], False
        self.target = browser.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = browser.send("Target.attachToTarget", {"targetId": self.target, "flatten": True})["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(domain + ".enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.loaded = False
        begun = time.monotonic()
        self.send("Page.navigate", url=url)
        while not self.loaded:
            browser.receive()
        self.load_s = time.monotonic() - begun

    def close(self):
        self.browser.send("Target.closeTarget", {"targetId": self.target})
        self.browser.pages.pop(self.session)

    def told(self, message):
        what, details = message.get("method"), message.get("params", {})
        if what == "Runtime.exceptionThrown":
            thrown = details["exceptionDetails"]
            self.errors.append(thrown.get("exception", {}).get("description", thrown["text"]))
        elif what == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
            self.errors.append("console: %s" % [part.get("value") for part in details["args"]])
        elif what == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            self.errors.append(details["entry"]["text"])
        elif what == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif what == "Page.loadEventFired":
            self.loaded = True
        elif what == "Page.javascriptDialogOpening":
            self.errors.append("a dialog: " + details["message"])
            self.browser.post("Page.handleJavaScriptDialog", {"accept": True}, self.session)

    def send(self, method, **parameters):
        return self.browser.send(method, parameters, self.session)

    def evaluate(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError("%s: %s" % (expression, result["exceptionDetails"]["exception"].get("description")))
        return result["result"].get("value")

    def click(self, selector, index=0):
        """With the mouse, where the element is."""
        box = self.evaluate("(() => { const e = document.querySelectorAll(%s)[%d]; e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect(); "
                            "return [b.left + b.width / 2, b.top + b.height / 2]; })()" % (json.dumps(selector), index))
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def key(self, key, text=None, code=0):
        """code: Windows' number of the key, without which the browser itself does nothing for it (Tab, Enter)."""
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def screenshot(self, path):
        self.send("Page.bringToFront") # of a page behind another nothing may be drawn, and there is no answer
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]))

    def pdf(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"]))
