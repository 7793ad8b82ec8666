"""The page "Audit a loss": its table, its claims that no stored output holds, and what its reports ask of a browser."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch

import lossedu as le

ROOT = Path(__file__).parents[1]
NOTEBOOK = nbformat.read(ROOT / "chapters" / "audit-a-loss.ipynb", as_version=4)
SOURCES = "\n".join(path.read_text("utf8") for path in (ROOT / "lossedu" / "auditing").glob("*.py"))
TABLE = [
    row
    for cell in NOTEBOOK.cells
    if cell.cell_type == "markdown"
    for row in re.findall(r"^\| \*\*(.+?)\*\*, (\w+) \|", cell.source, re.MULTILINE)
]
CODE = [  # the cells that define the losses of the page
    next(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "code" and name in cell.source)
    for name in ("def ssim", "class FoundLoss", "class Mended", "class Sound")
]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page defines."""
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "nn": torch.nn, "le": le}
    for source in CODE:
        exec(source, names)
    return names


def test_the_table_names_findings_that_exist_with_their_severity() -> None:
    assert len(TABLE) >= 20
    for name, severity in TABLE:
        calls = re.findall(rf'Finding\(\s*"{name}",\s*"?(\w+)', SOURCES)
        assert severity in calls or (name == "crash" and calls), (name, severity, calls)


def test_every_finding_of_the_page_is_in_its_text() -> None:
    prose = "\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
    for cell in NOTEBOOK.cells:
        for output in cell.get("outputs", []):
            for name in re.findall(r"^(?:error|warning|info) +(\S.*)$", output.get("text", ""), re.MULTILINE):
                assert f"**{name}" in prose or name in ("size", "half precision"), name


@pytest.mark.parametrize("slow", [False, True])
def test_findings_do_not_depend_on_the_speed_of_the_machine(
    page: dict[str, Any], slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossedu.auditing.opening._SLOW", 0.0 if slow else 1e9)
    expected = {
        "FoundLoss": {"dead term", "value not finite", "data range", "batch", "dtype", "scale"},
        "Mended": {"half precision", "dtype", "scale"},
        "Sound": {"scale", "size"},
    }
    for name, findings in expected.items():
        assert {finding.name for finding in le.audit(page[name]()).findings} == findings


def test_outside_the_range_only_the_value_is_lost(page: dict[str, Any]) -> None:
    y = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    x = (y + 2).requires_grad_()
    value = page["FoundLoss"]()(x, y)
    value.backward()
    assert math.isnan(value.item()) and bool(x.grad.isfinite().all())


def test_for_its_histogram_red_is_blue(page: dict[str, Any]) -> None:
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0] = 1.0
    assert page["tone_term"](red, red.flip(1)).item() == 0.0


def test_reports_in_the_page_are_html_that_asks_for_nothing() -> None:
    stored = [
        o.data["text/html"] for c in NOTEBOOK.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})
    ]
    assert len(stored) == 2 and len(set(stored)) == 2
    for text in stored:
        assert text.startswith('<section class="lx-audit"') and not re.search(r"https?://|url\(|<script", text)
        assert not re.search(r"ipykernel|[0-9] ms\b", text)
    assert "cell In[" in stored[0] and "torch.histc(x, bins=bins" in stored[0]
