"""The golden numbers: they are those of the transcriptions, and the self-test notices when the library is off."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu
from lossedu import selftest
from lossedu.cli import main
from lossedu.sweeps import resolve_device

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import make_golden

CASES = {case.name: case for case in selftest.golden()}
SOURCES = {source.name: source for source in make_golden.SOURCES}


def test_the_file_holds_what_the_tool_makes() -> None:
    assert list(CASES) == list(SOURCES), "run python tools/make_golden.py"
    assert len(make_golden.SOURCES) == len(SOURCES)  # no name twice


@pytest.mark.parametrize("name", SOURCES)
def test_golden_numbers_are_those_of_the_transcription(name: str) -> None:
    kept, made = CASES[name], make_golden.make(SOURCES[name])
    assert (kept.function, kept.options, kept.shape) == (made.function, _plain(made.options), made.shape)
    np.testing.assert_allclose(kept.values, made.values, rtol=1e-12)
    assert (kept.gradient is None) == (made.gradient is None)
    if kept.gradient is not None and made.gradient is not None:
        np.testing.assert_allclose(kept.gradient, made.gradient, rtol=1e-9, atol=1e-12 * np.abs(made.gradient).max())


def _plain(options: dict[str, object]) -> dict[str, object]:
    """Return options as JSON gives them back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def test_pictures_are_the_same_bits_everywhere() -> None:
    x, y = selftest.pictures((2, 3, 13, 12))
    levels = (selftest.LEVELS * torch.stack([x, y])).round().long()
    assert torch.equal(levels.double() / selftest.LEVELS, torch.stack([x, y]))
    assert levels.sum().item() == CHECKSUM  # a wheel with other pictures would find every function wrong
    assert (levels > 0).all() and (levels < selftest.LEVELS).all()
    assert (x - y).abs().min() > 1e-6  # no kink of |x - y| is near


CHECKSUM = 1040855653


@pytest.mark.parametrize("dtype", selftest.TOLERANCES)
def test_this_machine_is_right(dtype: torch.dtype) -> None:
    found = list(selftest.outcomes("cpu", dtype))
    assert [str(outcome) for outcome in found if not outcome.ok] == []
    assert [outcome.name for outcome in found] == list(CASES)
    assert max(outcome.value for outcome in found) > 0  # float32 is not float64


def wrong(x: Tensor, y: Tensor, **_: object) -> Tensor:
    return (x - y).square().mean(dim=(1, 2, 3)) * (1 + 1e-8)


def no_gradient(x: Tensor, y: Tensor, **_: object) -> Tensor:
    return (x - y).square().mean(dim=(1, 2, 3)) + 1e-3 * (x - x.detach()).mean()


def not_a_number(x: Tensor, y: Tensor, **_: object) -> Tensor:
    return (x - y).square().mean(dim=(1, 2, 3)) / 0 * 0


def broken(x: Tensor, y: Tensor, **_: object) -> Tensor:
    raise RuntimeError("no kernel image is available")


@pytest.mark.parametrize(
    ("fault", "words"), [(wrong, "1.0e-08"), (no_gradient, "gradient"), (not_a_number, "inf"), (broken, "no kernel")]
)
def test_what_is_off_is_noticed(
    fault: object, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lossedu, "mse_loss", fault)
    assert main(["selftest", "--device", "cpu"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAILED  mse_loss: ") and words in lines[0]
    assert all(line.startswith("ok") for line in lines[1:-1])
    assert lines[-1] == f"{len(CASES) - 1} of {len(CASES)} are right; 1 are off"


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--device", "cpu", "--dtype", "float32"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{len(CASES)} of {len(CASES)} are right"


def test_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    missing = "mps" if not torch.backends.mps.is_available() else "cuda"
    assert main(["selftest", "--device", missing]) == 1
    assert "device must be one that this machine has (auto, cpu, " in capsys.readouterr().err.replace("cpu)", "cpu, ")
    with pytest.raises(ValueError, match=r"dtype must be one of 'torch.float64', 'torch.float32', got 'torch.float16'"):
        list(selftest.outcomes("cpu", torch.float16))


def test_auto_takes_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    case = next(iter(CASES.values()))
    assert [o.ok for o in selftest.outcomes(cases=lambda: [case])] == [True]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == "mps"
    asked: list[torch.dtype] = []
    monkeypatch.setattr(selftest, "judge", lambda case, place, dtype: asked.append(dtype))
    list(selftest.outcomes(cases=lambda: [case]))
    assert asked == [torch.float32]  # it has no float64
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cuda"


def test_another_shape_is_infinitely_off() -> None:
    assert selftest._off(torch.zeros(2), np.zeros(3)) == math.inf
