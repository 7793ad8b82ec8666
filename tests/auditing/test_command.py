"""``lossedu audit``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossedu import cli

CODE = """
import torch
from torch import nn

class Good(nn.Module):
    def forward(self, x, y):
        return (x - y).float().square().mean()

class Needs(nn.Module):
    def __init__(self, weight):
        super().__init__()

def bad(x, y):
    return ((x - y).detach() ** 2).mean()

good = Good()
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "my_own_losses.py").write_text(CODE)
    (tmp_path / "broken_module.py").write_text("import no_such_module_anywhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("my_own_losses", "broken_module"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("target", ["my_own_losses:Good", "my_own_losses:good", "torch.nn:MSELoss"])
def test_sound_losses_exit_with_0(target: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", target]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Audit of ") and "0 errors" in shown.out and shown.err == ""


def test_errors_exit_with_1_and_the_page_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "my_own_losses:bad", "--html", "page.html"]) == 1
    assert "no gradient" in capsys.readouterr().out
    assert (folder / "page.html").read_text("utf8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("my_own_losses", "target must be MODULE:NAME"),
        (":bad", "target must be MODULE:NAME"),
        ("my_own_losses:", "target must be MODULE:NAME"),
        ("no_such_module_anywhere:x", "cannot import no_such_module_anywhere: ModuleNotFoundError"),
        ("broken_module:x", "cannot import broken_module: ModuleNotFoundError"),
        ("my_own_losses:nothing", "my_own_losses has no nothing"),
        ("my_own_losses:good.nothing", "my_own_losses has no good.nothing"),
        ("my_own_losses:Needs", "Needs() cannot be made without arguments: TypeError"),
        ("my_own_losses:number", "number is a int, not something that can be called"),
    ],
)
def test_unusable_targets_exit_with_2(
    target: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["audit", target]) == 2
    shown = capsys.readouterr()
    assert words in shown.err and "Traceback" not in shown.err and len(shown.err.splitlines()) == 1


def test_page_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "my_own_losses:Good", "--html", "no/such/folder/page.html"]) == 1
    assert "no/such/folder" in capsys.readouterr().err
