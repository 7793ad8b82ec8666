"""The benchmark runs, refuses to compare different things, and says when a floor is missed."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import losses as benchmark
import peers
import timing

import lossedu as le

SMALL = (1, 3, 12, 12)
CPU = torch.device("cpu")


def test_smoke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = benchmark.main(["--only", "ssim_loss 8x3x64", "--rounds", "1", "--json", str(tmp_path / "out.json")])
    assert status in (0, 1)  # one round is no measurement
    shown = capsys.readouterr().out
    assert shown.splitlines()[1] == "ssim_loss  8x3x64x64"
    assert "floor 2 x" in shown and "torchmetrics" in shown
    (case,) = json.loads((tmp_path / "out.json").read_text("utf8"))["cases"]
    assert case["both"] > 0 < case["forward"] and set(case["peers"]) >= {"kornia", "pytorch-msssim", "torchmetrics"}
    assert case["kept"] > 0


def test_unknown_case(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--only", "nothing of the kind"])
    assert "no case holds 'nothing of the kind'" in capsys.readouterr().err


def case(**changes: object) -> peers.Case:
    ours = peers.Case("x", SMALL, lambda x, y: le.mse_loss(x, y), {"peer": peers.Peer(peers.mse)}, 0.0, ("peer",))
    return dataclasses.replace(ours, **changes)  # type: ignore[arg-type]


def test_what_is_not_equal_is_not_compared() -> None:
    other = peers.Peer(lambda x, y: 1.01 * peers.mse(x, y))
    with pytest.raises(AssertionError, match=r"x: peer computes something else \(1\.0e-02"):
        benchmark.measure(case(peers={"peer": other}), 1, CPU, None)
    stated = dataclasses.replace(other, differs="a factor")
    assert benchmark.measure(case(peers={"peer": stated}), 1, CPU, None)["peers"]["peer"]["apart"] > 0.009


def test_floors(capsys: pytest.CaptureFixture[str]) -> None:
    for floor, verdict in ((0.0, "pass"), (1e9, "MISSED")):
        result = benchmark.measure(case(floor=floor), 1, CPU, 1e9)
        benchmark.report(result, "a note")
        shown = capsys.readouterr().out
        assert result["passed"] == (verdict == "pass") and f"(a note): {result['against']:.1f} x, {verdict}" in shown
        assert result["both_bound"] == pytest.approx(1000 * 3 * 432 * 4 / 1e9)
        assert "times the memory bound" in shown


def test_what_is_kept() -> None:
    x, y = peers.pictures((2, 3, 16, 16), CPU)
    image = x.numel() * x.element_size()
    assert timing.kept_bytes(lambda a, b: (a - b).square().sum(), x, y) == image  # the difference
    assert timing.kept_bytes(lambda a, b: (a * b).sum(), x, y) == 0  # the images themselves


def test_pictures_of_any_size() -> None:
    x, y = peers.pictures((2, 3, 600, 520), CPU)
    assert x.shape == y.shape == (2, 3, 600, 520)
    assert torch.equal(y[..., 512:, :], y[..., :88, :])
