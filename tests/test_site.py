"""The built pages, without a browser: nothing foreign is loaded, every link leads somewhere."""

from __future__ import annotations

import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
PAGES = sorted(p for p in SITE.rglob("*.html") if "_static" not in p.parts)
CHAPTERS = [p for p in PAGES if p.parent.name == "chapters"]
GENERATED = {"index.html", "search.html"}  # not written by us: no text to describe


def by_name(path: Path) -> str:
    return path.relative_to(SITE).as_posix()


class Page(HTMLParser):
    """What a page loads by itself, what it links to, its anchors and its head."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.images: list[dict[str, str | None]] = []
        self.descriptions: list[str] = []
        self.tags: list[str] = []
        self.language = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = dict(attributes)
        self.tags.append(tag)
        self.anchors |= {value for key in ("id", "name") if (value := a.get(key))}
        if tag == "html":
            self.language = a.get("lang")
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.loads.append(a.get("src") or "")
        if tag == "link" and a.get("rel") not in ("index", "search", "next", "prev", "canonical"):
            self.loads.append(a.get("href") or "")
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if tag == "img":
            self.images.append(a)
        if tag == "meta" and a.get("name") == "description":
            self.descriptions.append(a.get("content") or "")


@cache
def parsed(path: Path) -> Page:
    return Page(path.read_text("utf8"))


def test_the_book_is_built(site: Path) -> None:
    assert PAGES, f"no pages in {site}"


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_page_loads_only_its_own_files(path: Path) -> None:
    for url in filter(None, parsed(path).loads):
        assert not urlsplit(url).netloc, f"{url} is on another host"
        if urlsplit(url).scheme != "data":
            assert (path.parent / unquote(urlsplit(url).path)).is_file(), f"{url} is missing"


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_every_link_inside_the_book_has_a_target(path: Path) -> None:
    for url in parsed(path).links:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc or parts.path.startswith("_sources"):
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.is_file(), f"{url} is missing"
        if parts.fragment and target.suffix == ".html":
            assert unquote(parts.fragment) in parsed(target).anchors, f"{url} has no such anchor"


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_page_has_a_sound_head_and_light_weight(path: Path) -> None:
    page = parsed(path)
    assert page.language == "en"
    assert "title" in page.tags
    assert page.tags.count("h1") >= 1
    assert len(page.descriptions) == 1 and len(page.descriptions[0]) >= 20
    assert all((image.get("alt") or "").strip() for image in page.images)
    assert path.stat().st_size < 1_500_000


def test_descriptions_differ() -> None:
    own = {by_name(p): parsed(p).descriptions[0] for p in PAGES if by_name(p) not in GENERATED}
    assert len(set(own.values())) == len(own), own


@pytest.mark.parametrize("path", CHAPTERS, ids=by_name)
def test_chapter_can_be_opened_on_colab_and_downloaded(path: Path) -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["urls"]
    notebook = f"chapters/{path.stem}.ipynb"
    place = urls["Repository"].removeprefix("https://github.com/")
    assert f"https://colab.research.google.com/github/{place}/blob/main/{notebook}" in parsed(path).links
    assert (SITE / "_sources" / notebook).read_bytes() == (ROOT / notebook).read_bytes()
    assert f"../_sources/{notebook}" in parsed(path).links


@pytest.mark.parametrize("path", CHAPTERS, ids=by_name)
def test_equations_carry_one_number_each(path: Path) -> None:
    text = path.read_text("utf8")
    assert 'class="eqno"' not in text
    assert text.count(r"\tag{") == sum(anchor.startswith("eq-") for anchor in parsed(path).anchors)


def test_every_public_name_is_in_the_api_reference(site: Path) -> None:
    import inspect

    import lossedu

    anchors = set().union(*(parsed(path).anchors for path in (site / "book").glob("api*.html")))
    public = [name for name in lossedu.__all__ if not inspect.ismodule(getattr(lossedu, name))]
    assert [name for name in public if f"lossedu.{name}" not in anchors] == []
