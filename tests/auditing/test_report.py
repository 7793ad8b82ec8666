"""The report as a table, as a page, and as data."""

from __future__ import annotations

import base64
import io
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import broken_losses
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import lossedu as le
from lossedu.auditing import Check, drawing

EVIL = "<script>alert('&\"')</script>"
VOID = {"meta", "link", "img", "line", "circle", "polyline"}


class Page(HTMLParser):
    """Every element closed in order; what a page asks for, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)


@pytest.fixture(scope="module")
def broken() -> le.Report:
    return le.audit(broken_losses.gmsd)


@pytest.fixture(scope="module")
def clean() -> le.Report:
    return le.audit(le.mse_loss)


@pytest.fixture(scope="module")
def evil() -> le.Report:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        raise ValueError(EVIL)

    loss.__name__ = EVIL
    return le.audit(loss)


def test_table_fits_and_says_everything(broken: le.Report, evil: le.Report, clean: le.Report) -> None:
    for report in (broken, evil, clean):
        text = str(report)
        assert max(map(len, text.splitlines())) <= 100
        flat = re.sub(r"\s+", "", text)
        for finding in report.findings:
            assert re.sub(r"\s+", "", finding.severity) in flat
            assert all(word in flat for word in finding.name.split())
        for check in report.passed:
            assert re.sub(r"\s+", "", check.name + ":" + check.outcome) in flat
    assert "1 error, " in str(evil) and "0 errors, 0 warnings, 0 info" in str(clean)


def test_worst_comes_first(broken: le.Report) -> None:
    order = ["error", "warning", "info"]
    ranks = [order.index(finding.severity) for finding in broken.findings]
    assert ranks == sorted(ranks) and ranks[0] == 0 and not broken.ok


def test_every_check_has_a_result(broken: le.Report) -> None:
    assert len(broken.checks) == len({check.name for check in broken.checks}) >= 20
    assert {check.status for check in broken.checks} <= {"passed", "found", "skipped"}
    assert all(check.outcome for check in broken.checks)
    assert [c for c in broken.checks if c.status == "passed"] == broken.passed


def test_severities_are_three() -> None:
    with pytest.raises(ValueError, match="severity must be one of error, warning, info, got 'fatal'"):
        le.Finding("a", "fatal", "b", "c")
    report = le.Report("l", (le.Finding("a", "warning", "b", "c"),), (Check("q", "passed", "r"),))
    assert report.ok and report.verdict == "0 errors, 1 warning, 0 info; 1 checks made, 1 without a finding"


def test_section_is_accessible_and_asks_for_nothing(broken: le.Report) -> None:
    page = Page(broken._repr_html_())
    names = [tag for tag, _ in page.tags]
    assert names[0] == "section" and "script" not in names and "link" not in names
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 3 and all(a["alt"] and str(a["src"]).startswith("data:image/png;base64,") for a in images)
    graph = next(attrs for tag, attrs in page.tags if tag == "svg")
    assert graph["role"] == "img" and "uniform shift" in str(graph["aria-label"])
    heads = [attrs.get("scope") for tag, attrs in page.tags if tag == "th"]
    assert heads and set(heads) == {"col", "row"}
    assert not any(attrs.get("id") for _, attrs in page.tags)
    assert not re.search(r"https?://|url\(|@import", broken._repr_html_())


def test_style_stays_inside_and_knows_the_dark(broken: le.Report) -> None:
    style = re.search(r"<style>(.*?)</style>", broken._repr_html_(), re.DOTALL)[1]  # type: ignore[index]
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style))
    for selector in selectors:
        assert all("lx-audit" in part for part in selector.split(",")), selector
    assert "prefers-color-scheme:dark" in style and "html[data-theme=dark] .lx-audit" in style


def test_what_a_notebook_stores_holds_no_times(clean: le.Report, tmp_path: Path) -> None:
    class Printer:
        said = ""

        def text(self, words: str) -> None:
            self.said += words

    printer = Printer()
    clean._repr_pretty_(printer, False)
    told = next(check.outcome for check in clean.checks if check.name == "time beside MSE")
    assert re.fullmatch(r"value and gradient \S+ ms, \S+ times MSE", told)
    for stored in (printer.said, clean._repr_html_()):
        assert not re.search(r"\d ms", stored) and "print(report)" in stored
    assert told in str(clean) and told in clean.save(tmp_path / "page.html").read_text("utf8")


def test_regions_of_two_reports_on_one_page_have_different_names(broken: le.Report, clean: le.Report) -> None:
    pages = [Page(report._repr_html_()).tags for report in (broken, clean)]
    names = [a["aria-label"] for tags in pages for tag, a in tags if tag == "section" or a.get("role") == "region"]
    assert len(names) == len(set(names)) == 5


def test_places_in_a_notebook_are_named_by_cell() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        shell.run_cell("import lossedu as le", store_history=True)
        shell.run_cell("def loss(x, y):\n    return ((x - y).round() ** 2).mean()", store_history=True)
        number = shell.execution_count - 1
        report = le.audit(shell.user_ns["loss"])
        label = le.audit(shell.run_cell("lambda x, y: x.mean() * 0", store_history=True).result).label
    finally:
        InteractiveShell.clear_instance()
    assert f"round at cell In[{number}], line 2, in loss: return" in report.findings[0].evidence
    assert label == f"lambda at cell In[{number + 1}], line 1"


def test_strings_are_escaped(evil: le.Report, tmp_path: Path) -> None:
    for text in (evil._repr_html_(), evil.save(tmp_path / "evil.html").read_text("utf8")):
        assert "<script" not in text
        assert EVIL in "".join(Page(text).texts)


def test_saved_page(broken: le.Report, clean: le.Report, tmp_path: Path) -> None:
    place = broken.save(tmp_path / "page.html")
    text = place.read_text("utf8")
    page = Page(text)
    assert text.startswith("<!doctype html>") and [tag for tag, _ in page.tags].count("h1") == 1
    assert next(attrs for tag, attrs in page.tags if tag == "html")["lang"] == "en"
    words = " ".join(page.texts)
    for finding in broken.findings:
        assert finding.evidence in words and finding.advice in words
    assert "Errors found." in words
    other = " ".join(Page(clean.save(str(tmp_path / "clean.html")).read_text("utf8")).texts)
    assert "No error found." in other and "Nothing to report" in other


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))


def test_gradient_is_drawn_with_its_sign() -> None:
    gradient = torch.zeros(3, 4, 4)
    gradient[:, 0, 0], gradient[:, 3, 3] = 1.0, -1.0
    drawn = pixels(drawing.signed(gradient)).astype(int)
    assert drawn[0, 0, 0] > drawn[0, 0, 2] + 80 and drawn[3, 3, 2] > drawn[3, 3, 0] + 80
    assert drawn[1, 1].min() > 235
    assert pixels(drawing.signed(torch.full((1, 2, 2), math.nan))).min() > 235


def test_photographs_are_drawn_as_they_are() -> None:
    image = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = (255 * image + 0.5).byte().permute(1, 2, 0).numpy()
    assert np.array_equal(pixels(drawing.photograph(image)), expected)
    assert np.array_equal(pixels(drawing.photograph(255 * image)), expected)
    assert np.array_equal(pixels(drawing.photograph(image[:2]))[..., 0], expected[..., 0])


def test_curve_leaves_out_what_logarithms_cannot_show() -> None:
    frequencies = torch.tensor([0.01, 0.1, 0.5])
    drawn = drawing.curve(le.Price(0.0, frequencies, torch.tensor([0.0, 2.0, 5.0]), 0.5))
    assert "<circle" not in drawn and drawn.count("polyline") == 1
    assert "<circle" in drawing.curve(le.Price(1.0, frequencies, torch.ones(3), 0.5))
    assert drawing.curve(le.Price(1.0, frequencies, torch.full((3,), math.nan), 0.5)) == ""
    assert drawing.curve(None) == ""
