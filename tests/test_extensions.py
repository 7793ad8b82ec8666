"""The extensions of the book, on books of two pages: what they link, and what they warn of."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

EXTENSIONS = Path(__file__).parents[1] / "book" / "_ext"

CONF = "extensions = ['myst_parser', {extensions}]\nmyst_enable_extensions = ['amsmath', 'deflist', 'dollarmath']\n"
ONE = "# One\n\n$$\na = b\n\\tag{3.1}\n$$\n\nBy (3.1) and eq. (3.2), but not in `(3.1)` or in 2.5.\n"
TWO = "# Two\n\n\\begin{align}\na &= b \\tag{3.2} \\\\\nc &= d \\tag{3.3}\n\\end{align}\n\nSee (3.1).\n"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that builds pages (name -> Markdown) with some extensions: (HTML by name, warnings)."""
    monkeypatch.syspath_prepend(str(EXTENSIONS))

    def make(pages: dict[str, str], *extensions: str) -> tuple[dict[str, str], str]:
        (tmp_path / "conf.py").write_text(CONF.format(extensions=", ".join(map(repr, extensions))), "utf8")
        index = "# Book\n\n```{toctree}\n" + "\n".join(name for name in pages) + "\n```\n"
        for name, text in {"index": index, **pages}.items():
            path = tmp_path / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf8")
        warnings, out = StringIO(), tmp_path / "out"
        with patch_docutils(), docutils_namespace():
            folders = (str(tmp_path), str(tmp_path), str(out), str(tmp_path / "trees"))
            app = Sphinx(*folders, "html", status=None, warning=warnings, freshenv=True)
            app.build()
        return {name: (out / f"{name}.html").read_text("utf8") for name in pages}, warnings.getvalue()

    yield make
    for name in [path.stem for path in EXTENSIONS.glob("*.py")]:
        sys.modules.pop(name, None)


def test_equation_numbers_become_links_across_pages(build) -> None:
    html, warnings = build({"chapters/ch03-one": ONE, "two": TWO}, "equations")
    assert warnings == ""
    one, two = html["chapters/ch03-one"], html["two"]
    assert 'id="eq-3.1"' in one
    assert '<a class="reference internal" href="#eq-3.1">(3.1)</a>' in one
    assert '<a class="reference internal" href="../two.html#eq-3.2">(3.2)</a>' in one
    assert '<a class="reference internal" href="chapters/ch03-one.html#eq-3.1">(3.1)</a>' in two
    assert 'id="eq-3.2"' in two and 'id="eq-3.3"' in two
    assert one.count('href="#eq-3.1"') == 1, "code must be left alone"


def test_equations_are_not_numbered_a_second_time_and_keep_their_lines(build) -> None:
    aligned = "# T\n\n$$\n\\begin{aligned} a &= b \\\\ &= c \\end{aligned}\n\\tag{3.1}\n$$\n"
    html, _ = build({"one": aligned, "two": TWO}, "equations")
    assert "eqno" not in html["one"] + html["two"]
    assert r"\begin{split}" not in html["one"]  # \tag is an error inside it
    assert re.search(r"\\\[.*\\tag\{3\.1\}.*\\\]", html["one"], re.DOTALL)


def test_missing_and_doubled_equations_are_warnings(build) -> None:
    _, warnings = build({"chapters/ch03-one": ONE, "two": TWO + "\n(3.9) and (4.1)\n"}, "equations")
    assert "there is no equation (3.9)" in warnings
    assert "(4.1)" not in warnings, "chapter 4 does not exist yet"
    _, warnings = build({"chapters/ch03-one": ONE, "two": ONE}, "equations")
    assert "equation (3.1) is numbered twice" in warnings


def test_every_page_gets_a_description(build) -> None:
    text = "# Title\n\nThe first paragraph says what the page is about, at some length.\n\nThe second does not.\n"
    own = "---\nmyst:\n  html_meta:\n    description: In its own words.\n---\n" + text
    html, _ = build({"plain": text, "own": own}, "description")
    assert '<meta name="description" content="The first paragraph says what the page is about' in html["plain"]
    assert html["own"].count('name="description"') == 1 and "In its own words." in html["own"]


def test_links_to_terms_tell_what_they_mean(build) -> None:
    glossary = "# Glossary\n\n(term-window)=\nwindow\n: Weights that sum to 1. More about it.\n"
    html, warnings = build({"book/glossary": glossary, "page": "# P\n\nA [window](#term-window).\n"}, "description")
    assert warnings == ""
    assert 'title="Weights that sum to 1."' in html["page"]


def test_references_and_errata_can_be_linked_to(build, tmp_path: Path) -> None:
    bib = "@misc{key2000, author={Last, First}, title={A {Title}}, year={2000}, doi={10.1/x_y}, keywords={a}}"
    (tmp_path / "references.bib").write_text(bib, "utf8")
    fields = "source: key2000\n  cite: Last, 2000\n  where: (1)\n  says: a\n  right: b\n  evidence: c\n  proof: d\n"
    (tmp_path / "errata.yml").write_text(f"- id: E1\n  {fields}", "utf8")
    pages = {
        "lists": "# L\n\n```{references} a\n```\n\n```{errata}\n```\n",
        "page": "# P\n\n[Last, 2000](#key2000), [E1](#e1), [lost](#e99)\n",
    }
    html, warnings = build(pages, "backmatter")
    assert 'id="key2000"' in html["lists"] and "First Last. <em>A Title.</em> 2000." in html["lists"]
    assert 'href="https://doi.org/10.1/x_y"' in html["lists"]
    assert 'href="lists.html#key2000"' in html["page"] and 'href="lists.html#e1"' in html["page"]
    assert warnings.count("WARNING") == 1 and "e99" in warnings


def test_figures_are_numbered_by_chapter(build, tmp_path: Path) -> None:
    figure = "```{{figure}} x.png\n:name: {name}\n:alt: x\n\nCaption\n```\n\n"
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "x.png").write_bytes(b"")
    pages = {
        "chapters/ch02-a": "# A\n\n" + figure.format(name="fig-a"),
        "chapters/ch03-b": "# B\n\n" + figure.format(name="fig-b") + figure.format(name="fig-c"),
        "chapters/other": "# O\n\n" + figure.format(name="fig-d") + figure.format(name="fig-e"),
    }
    (tmp_path / "numfig.py").write_text("def setup(app):\n    app.config.numfig = True\n", "utf8")
    sys.path.insert(0, str(tmp_path))
    try:
        html, _ = build(pages, "chapters", "numfig")
    finally:
        sys.path.remove(str(tmp_path))
    numbers = [re.findall(r"Fig\. (\d+(?:\.\d+)?)", html[name]) for name in pages]
    assert numbers == [["2.1"], ["3.1", "3.2"], ["1", "2"]]
