"""The extensions of the book, on books of two pages: what they link, and what they warn of."""

from __future__ import annotations

import json
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


def claims_book(tmp_path: Path, rows: list[dict[str, object]]) -> dict[str, str]:
    (tmp_path / "claims.json").write_text(json.dumps(rows), "utf8")
    (tmp_path / "claimsfile.py").write_text("def setup(app):\n    app.config.claims_file = 'claims.json'\n", "utf8")
    return {
        "ledger": "# L\n\n```{verdicts}\n```\n\n```{claims} Z\n```\n\n```{claims} T\n```\n",
        "sub/page": "# P\n\n[Z8](#z8), [T2](#t2), [lost](#z99)\n",
    }


Z8 = {
    "id": "Z8",
    "source": "Somebody, 2000",
    "statement": "Mix beats l1.",
    "verdict": "not replicated",
    "scale": "cpu",
    "effect": -0.25,
    "unit": "dB",
    "ci95": [-0.3, -0.2],
    "seeds": 3,
    "device": "toy CPU",
    "commit": "0123456789ab",
    "date": "2026-01-02",
    "why": "Endpoint: a < b & c.",
}


def test_claims_are_a_table_with_verdicts_that_can_be_linked_to(
    build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    html, warnings = build(claims_book(tmp_path, [Z8]), "claimlist", "claimsfile")
    page = html["ledger"]
    rows = {key: text for text in page.split("<tr")[1:] for key in re.findall(r'id="([zt]\d+)"', text)}
    assert len(rows) == 19 + 2, "every claim of the groups has its row and its anchor"
    assert 'class="verdict verdict-not-replicated">not replicated</span>' in rows["z8"]
    assert r'Mix beats <span class="math notranslate nohighlight">\(\ell_1\)</span>.' in rows["z8"]
    for text in ("Somebody, 2000", "−0.25 dB", "−0.3 to −0.2", "cpu, 3 seeds", "toy CPU", "2026-01-02, 0123456789ab"):
        assert text in rows["z8"]
    assert "<details><summary>Why</summary><p>Endpoint: a &lt; b &amp; c.</p></details>" in rows["z8"]
    assert 'href="../ledger.html#z8"' in html["sub/page"] and 'href="../ledger.html#t2"' in html["sub/page"]
    assert warnings.count("WARNING") == 1 and "z99" in warnings


def test_a_claim_without_a_row_is_not_run(build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    html, _ = build(claims_book(tmp_path, [Z8]), "claimlist", "claimsfile")
    rows = {key: text for text in html["ledger"].split("<tr")[1:] for key in re.findall(r'id="([zt]\d+)"', text)}
    for key, text in rows.items():
        assert ("verdict-not-run" in text) == (key != "z8")


def test_the_words_of_the_ledger_are_those_of_the_rule_and_have_their_colours(build) -> None:
    from lossedu.ledger.decision import VERDICTS

    html, warnings = build({"page": "# L\n\n```{verdicts}\n```\n\n```{claims} M\n```\n"}, "claimlist")
    assert warnings == ""
    shown = re.findall(r"<dt><span class=\"verdict ([\w-]+)\">([\w ]+)</span>", html["page"])
    assert [word for _, word in shown] == list(VERDICTS)
    css = (EXTENSIONS.parent / "_static" / "book.css").read_text("utf8")
    coloured = set(re.findall(r"(?<=\.)verdict-[\w-]+", css))
    assert coloured == {name for name, _ in shown} - {"verdict-not-run", "verdict-untestable-here"}  # these are grey
    for theme in ("", 'html[data-theme="dark"] '):
        for name in coloured:
            assert f"{theme}.{name} {{ --hue" in css
    html, _ = build({"page": "# M\n\n```{claims} M\n```\n"}, "claimlist")
    assert 'id="m1"' in html["page"]  # from the file in the package


def test_the_words_of_verdicts_can_be_read_in_both_modes() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    css = (EXTENSIONS.parent / "_static" / "book.css").read_text("utf8")
    pairs = re.findall(r"--hue: (#\w{6}); --paper: (#\w{6});", css)
    assert len(pairs) == 12
    for hue, paper in pairs:
        low, high = sorted((luminance(hue), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{hue} on {paper}"
