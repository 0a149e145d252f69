"""Opens a page of `sapo report` in headless Chromium and uses it: mouse, keyboard, dark mode, a phone's width.

    python3 scripts/tests/report_page.py report.html [FOLDER FOR SCREENSHOTS]

The page is that of the tests' own grid (crates/sapo-lab/tests/report). Needs Chromium and its driver; where they are
not installed it says "not run" and ends well. It speaks WebDriver itself, so that no package is needed.
"""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

TAB, ENTER, SPACE = "\ue004", "\ue007", " "
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
HOSTILE = "</script><script>alert(1)</script>"
CELLS = '[data-place="cells"]'


class Browser:
    """A session of Chromium."""

    def __init__(self, chromium, driver):
        self.profile = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = None
        for line in self.process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                port = found.group(1)
                break
        if port is None:
            raise RuntimeError("the driver did not start")
        self.root = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--disable-dev-shm-usage", f"--user-data-dir={self.profile.name}"]
        options = {"binary": chromium, "args": arguments}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.root += "/" + self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.root + path, method=method)
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].splitlines()[0]) from None

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        return self.ask("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def protocol(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, css):
        return self.ask("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.ask("POST", f"/element/{self.find(css)}/click", {})

    def click_text(self, css, text):
        """Clicks the first element of this kind whose text begins so."""
        found = "return [...document.querySelectorAll(arguments[0])].find((e) => e.textContent.startsWith(arguments[1]))"
        element = self.script(found, css, text)
        assert element is not None, f"no {css} with text {text}"
        self.ask("POST", f"/element/{element[ELEMENT]}/click", {})

    def type(self, css, text):
        self.ask("POST", f"/element/{self.find(css)}/value", {"text": text})

    def press(self, key):
        self.script("return 1")  # what the last key did is done
        keys = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def focused(self):
        return self.script("const e = document.activeElement; return [e.tagName, e.textContent.trim(), e.className]")

    def tab_to(self, wanted, what, most=150):
        """Presses Tab until the focus is where it shall be, and checks that it can be seen there."""
        for _ in range(most):
            self.press(TAB)
            if wanted(*self.focused()):
                outline = self.script("return getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"the focus on {what} cannot be seen"
                return
        raise AssertionError(f"{what} cannot be reached by Tab")

    def screen(self, width, height, phone=False):
        self.protocol("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def prefer(self, scheme):
        self.protocol("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def save(self, folder, name):
        if folder is not None:
            image = self.protocol("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (folder / f"{name}.png").write_bytes(base64.b64decode(image))

    def log(self, kind):
        return self.ask("POST", "/se/log", {"type": kind})

    def end(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
            shutil.rmtree(self.profile.name, ignore_errors=True)


def column(browser, number):
    """The texts of a column of the cells' table (the first holds the buttons)."""
    rows = f"{CELLS} .scroll > table > tbody > tr:not([hidden])"
    return browser.script("return [...document.querySelectorAll(arguments[0])].map((r) => r.children[arguments[1]]?.textContent)",
                          rows, number)


def sorts(browser):
    before = column(browser, 3)
    browser.click_text(f"{CELLS} button.sort", "AP")
    rising = column(browser, 3)
    assert rising == sorted(before, key=float) and rising != before, f"{before} became {rising}"
    headers = "return [...document.querySelectorAll(arguments[0])].map((h) => h.getAttribute('aria-sort')).filter(Boolean)"
    assert browser.script(headers, f"{CELLS} th") == ["ascending"]
    browser.click_text(f"{CELLS} button.sort", "AP")
    assert column(browser, 3) == rising[::-1]
    assert browser.script(headers, f"{CELLS} th") == ["descending"]


def filters(browser):
    count = f"return document.querySelector('{CELLS} output').textContent"
    assert browser.script(count) == "6 rows"
    browser.type(f"{CELLS} input", "SAPO")
    assert set(column(browser, 1)) == {"sapo"} and browser.script(count) == "3 of 6 rows"
    browser.script("const s = document.querySelectorAll(arguments[0])[1]; s.value = '2'; s.dispatchEvent(new Event('change'))",
                   f"{CELLS} select")
    assert column(browser, 2) == ["2"] and browser.script(count) == "1 of 6 rows"


def opens(browser):
    browser.click(f"{CELLS} button.open")
    heat = browser.script("return [...document.querySelectorAll('.heat tbody tr')].map((r) => r.children.length)")
    assert heat == [4, 4, 4, 4], f"the matrix has rows of {heat}"
    for part in ["Wordings", "Training loss", "Seconds", "What the model answered", "Settings"]:
        browser.click_text(f"{CELLS} summary", part)
    browser.script("return 1")
    text = browser.script(f"return document.querySelector('{CELLS} .detail').innerText")
    assert text.count(HOSTILE) >= 6, "what the model answered is shown as it is"
    assert "right" in text and "wrong" in text and "(chosen)" in text
    points = browser.script("return [...document.querySelectorAll('.curve polyline')].map((l) => l.points.length)")
    assert points == [60, 60, 60], f"the curves have {points} points"


def choices(browser):
    shown = "return document.querySelector('[data-place=\"means\"] tbody').innerText"
    before = browser.script(shown)
    browser.script("const s = document.querySelector('[data-place=\"choices\"] label:last-child select');"
                   "s.value = 'gem'; s.dispatchEvent(new Event('change'))")
    assert browser.script(shown) != before, "another definition gives other numbers"


def keyboard(browser):
    browser.press(TAB)
    assert browser.focused()[1] == "Skip to the results", browser.focused()
    browser.press(ENTER)
    browser.tab_to(lambda tag, text, _: tag == "SUMMARY" and text.startswith("What the numbers"), "the explanation")
    browser.press(ENTER)
    assert browser.script("return document.activeElement.parentElement.open"), "Enter opens it"
    browser.tab_to(lambda tag, text, _: tag == "BUTTON" and text == "seed", "a header of the cells")
    browser.press(ENTER)
    browser.press(SPACE)
    assert column(browser, 2) == ["2", "2", "1", "1", "0", "0"], column(browser, 2)
    browser.tab_to(lambda _, __, kind: kind == "open", "the button of a cell")
    browser.press(ENTER)
    assert browser.script("return document.activeElement.getAttribute('aria-expanded')") == "true"
    browser.tab_to(lambda tag, text, _: tag == "SUMMARY" and text.startswith("Wordings"), "a part of the cell")
    browser.press(SPACE)
    assert browser.script("return document.activeElement.parentElement.open"), "Space opens it"


def dark(browser, url):
    paper = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    browser.prefer("light")
    assert min(browser.script(paper)) > 200, browser.script(paper)
    browser.click("#theme")
    assert max(browser.script(paper)) < 60, browser.script(paper)
    browser.click("#theme")
    assert min(browser.script(paper)) > 200
    browser.open("about:blank")  # the same address with another #part would not load the page again
    browser.prefer("dark")
    browser.open(url)
    assert max(browser.script(paper)) < 60, "the system's wish is followed"
    assert browser.script("return document.getElementById('theme').getAttribute('aria-pressed')") == "true"


def narrow(browser):
    wide = browser.script("""const room = document.documentElement.clientWidth;
        const inBox = (e) => e.closest('.scroll, .sheet');
        const wide = [...document.body.querySelectorAll('*')].filter((e) => !inBox(e.parentElement) && e.getBoundingClientRect().right > room + 1);
        return [room, document.documentElement.scrollWidth, wide.map((e) => e.tagName + '.' + e.className).slice(0, 5)]""")
    assert wide == [390, 390, []], f"a page of 390 dots: {wide}"


def quiet(browser):
    asked = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = {event["params"]["request"]["url"].split(":")[0] for event in asked if event["method"] == "Network.requestWillBeSent"}
    urls.discard("chrome")  # the browser's own first page
    assert urls <= {"file", "data", "about"}, f"the page asked for {urls}"
    assert browser.log("browser") == [], "the console is empty"


def forbids(browser):
    browser.script("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
                   "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 2\">')")
    assert browser.script("return window.ran ?? null") is None, "a script that got into the page ran"
    assert browser.log("browser") != [], "and the browser says so"


def check(browser, url, folder):
    browser.screen(1200, 900)
    browser.prefer("light")
    browser.open(url)
    browser.save(folder, "light")
    sorts(browser)
    filters(browser)
    opens(browser)
    browser.save(folder, "opened")
    choices(browser)
    browser.open(url)
    keyboard(browser)
    dark(browser, url)
    browser.click(f"{CELLS} button.open")
    browser.save(folder, "dark")
    browser.prefer("light")
    browser.screen(390, 844, phone=True)
    browser.open(url)
    narrow(browser)
    opens(browser)
    narrow(browser)
    browser.save(folder, "phone")
    quiet(browser)
    forbids(browser)


def main():
    page = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        print("not run: no chromium and chromedriver here")
        return
    browser = Browser(chromium, driver)
    try:
        check(browser, page.as_uri(), folder)
    finally:
        browser.end()
    print("the page works in", chromium)


if __name__ == "__main__":
    main()
