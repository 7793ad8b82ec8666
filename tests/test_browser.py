"""The built pages in a real browser without a network: they work, everybody can use them, pictures are left alone."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SITE = Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if "_static" not in p.parts)
PAGES = [p for p in PAGES if p != "index.html"]  # it sends the reader on at once
CHAPTERS = [p for p in PAGES if p.startswith("chapters/")]
NUMBERED = [p for p in CHAPTERS if p.startswith("chapters/ch")]  # "In practice" has no sliders, and few pictures
ON_A_PHONE = {"book/intro.html", *CHAPTERS}  # where axe runs once more

# The state of the pictures in a slider's cell, as data: the thumb alone would change a screenshot.
PICTURES = """slider => {
    const all = [...slider.closest(".cell_output").querySelectorAll("canvas, img, svg")];
    return all.map(e => e.tagName === "CANVAS" ? e.toDataURL() : e.tagName === "IMG" ? e.src : e.outerHTML).join();
}"""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the book on a free port of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Visit:
    """An open page, with all that it asked for, failed to get, or told the console."""

    def __init__(self, browser: Browser, url: str, origin: str, **options: object) -> None:
        self.page: Page = browser.new_page(reduced_motion="reduce", **options)
        self.faults: list[str] = []
        self.page.on("request", lambda r: self._note(r.url, not r.url.startswith((origin, "data:", "blob:"))))
        self.page.on("requestfailed", lambda r: self._note(f"failed: {r.url}"))
        self.page.on("response", lambda r: self._note(f"{r.status}: {r.url}", r.status >= 400))
        self.page.on("console", lambda m: self._note(f"console: {m.type} {m.text}"))
        self.page.on("pageerror", lambda e: self._note(f"script error: {e}"))
        self.page.goto(url, wait_until="load")
        self.page.evaluate("window.MathJax?.startup?.promise")

    def _note(self, text: str, fault: bool = True) -> None:
        if fault:
            self.faults.append(text)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *exception: object) -> None:
        self.page.close()


def assert_sound(visit: Visit) -> None:
    """Fail if something was asked of another host, went wrong, or a formula is not set."""
    unset = "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length"
    assert visit.page.evaluate(unset) == 0
    assert visit.page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert visit.faults == []


def assert_accessible(page: Page, mode: str) -> None:
    # Preloading would fetch style sheets again, some by a wrong address.
    options = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == [], f"in {mode} mode"


def unfold(page: Page) -> None:
    """Open everything that is folded, at once, so that it is checked as well."""
    page.add_style_tag(content="* { animation: none !important; transition: none !important }")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound_and_accessible_in_both_modes_and_on_a_phone(name: str, browser: Browser, address: str) -> None:
    with Visit(browser, address + name, address, viewport={"width": 1280, "height": 900}) as visit:
        page = visit.page
        assert_sound(visit)
        unfold(page)
        assert_accessible(page, "light")
        page.emulate_media(color_scheme="dark")
        page.wait_for_selector("html[data-theme='dark']", state="attached")
        assert_accessible(page, "dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(400)  # the theme makes code that now scrolls reachable by keyboard, a moment later
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if name in ON_A_PHONE:
            assert_accessible(page, "dark phone")
        assert visit.faults == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_works_from_disk(name: str, browser: Browser, site: Path) -> None:
    with Visit(browser, (site / name).as_uri(), site.as_uri()) as visit:
        assert_sound(visit)
        move_every_slider(visit.page)
        assert visit.faults == []


@pytest.mark.parametrize("name", NUMBERED)
def test_sliders_move_the_picture_by_keyboard(name: str, browser: Browser, address: str) -> None:
    with Visit(browser, address + name, address) as visit:
        # The blind test of chapter 0 asks for choices, and has a browser test of its own.
        assert move_every_slider(visit.page) > 0 or visit.page.locator(".cell_output [data-answer]").count() > 0
        assert visit.faults == []


def move_every_slider(page: Page) -> int:
    """Press keys on each slider of each explorable, check that its pictures follow, return how many there are."""
    unfold(page)
    sliders = page.locator(".cell_output input[type=range]:visible")
    for k in range(sliders.count()):
        slider = sliders.nth(k)
        before = slider.evaluate(PICTURES)
        slider.focus()
        key = "ArrowLeft" if slider.evaluate("e => e.value === e.max") else "ArrowRight"
        for _ in range(8):
            page.keyboard.press(key)
        # A picture may be drawn in the next frame.
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert slider.evaluate(PICTURES) != before, f"slider {k + 1} of {sliders.count()} moves nothing"
    return sliders.count()


@pytest.mark.parametrize("name", NUMBERED)
def test_dark_mode_leaves_the_pixels_of_pictures_alone(name: str, browser: Browser, address: str) -> None:
    with Visit(browser, address + name, address, viewport={"width": 1280, "height": 900}) as visit:
        picture = visit.page.locator(".cell_output figure img").first
        shots = {}
        for mode in ("light", "dark"):
            visit.page.emulate_media(color_scheme=mode)
            visit.page.wait_for_selector(f"html[data-theme='{mode}']", state="attached")
            filters = "[...document.querySelectorAll('.bd-content img')].map(e => getComputedStyle(e).filter)"
            assert set(visit.page.evaluate(filters)) <= {"none"}
            shots[mode] = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"))
        # The outermost pixels may be shared with the page, whose ground does change.
        np.testing.assert_array_equal(shots["light"][2:-2, 2:-2], shots["dark"][2:-2, 2:-2])


def test_search_finds_a_term(browser: Browser, address: str) -> None:
    with Visit(browser, address + "search.html?q=demosaicking", address) as visit:
        visit.page.wait_for_selector("#search-results li a")
        links = visit.page.locator("#search-results li a").evaluate_all("all => all.map(e => e.href)")
        assert any("glossary" in link for link in links)
        assert visit.faults == []


def test_front_door_leads_to_the_book(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_url("**/book/intro.html")
    page.close()


def test_printing_gives_a_tagged_pdf(browser: Browser, address: str) -> None:
    with Visit(browser, address + "book/intro.html", address) as visit:
        pdf = visit.page.pdf(tagged=True)
    assert pdf.startswith(b"%PDF") and b"/StructTreeRoot" in pdf
