"""A short bout of the differential fuzzing, and proof that its judges are right and that it would notice a fault."""

from __future__ import annotations

import dataclasses
import random
import sys
from pathlib import Path

import fuzzing_judges as judges
import oracles
import oracles_metrics
import oracles_multiscale
import pytest
import torch
from fuzzing import Duel, Tally, fight, rounds
from fuzzing_duels import DUELS
from pictures import batch
from scipy.stats import wasserstein_distance

import lossedu as le

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import fuzz

BY_NAME = {duel.name: duel for duel in DUELS}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_difference_is_explained(name: str) -> None:
    tally = rounds([BY_NAME[name]], Tally(), random.Random(name), BY_NAME[name].bout)
    assert tally.findings == []
    assert tally.agreed[name] >= 5  # a duel that never agrees compares two different things


@pytest.mark.parametrize("options", [{}, {"padding": "reflect", "sigma": 0.8}, {"kernel_size": 5, "k2": 0.1}])
def test_the_judge_of_ssim_is_the_transcription(options: dict[str, object]) -> None:
    x, y = batch(2, 2, (12, 13))
    torch.testing.assert_close(
        judges.ssim(x, y, **options),  # type: ignore[arg-type]
        oracles.ssim_map(x, y, **options),  # type: ignore[arg-type]
        rtol=1e-12,
        atol=1e-12,
    )


def test_the_other_judges() -> None:
    x, y = batch(2, 3, (7, 6))
    assert judges.psnr(x, y, 2.0) == pytest.approx(sum(oracles.psnr(x, y, 2.0)) / 2, rel=1e-14)
    planes = zip(x.flatten(0, 1), y.flatten(0, 1), strict=True)
    exact = sum(wasserstein_distance(a.flatten(), b.flatten()) for a, b in planes) / 6
    assert judges.wasserstein(x, y) == pytest.approx(exact, rel=1e-12)
    assert judges.total_variation(torch.tensor([[[[0.0, 1.0], [3.0, 1.0]]]])) == 3 + 0 + 1 + 2
    one = judges.ssim(x, y, kernel_size=3).mean(dim=(2, 3)).clamp(min=0)
    assert judges.ms_ssim(x, y, (1.0,), 3, 1.0) == pytest.approx(one.mean().item(), rel=1e-14)
    halves = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (0, 0, 0, 1), mode="replicate"), 2)
    torch.testing.assert_close(judges.halved(x, "replicate"), halves)
    torch.testing.assert_close(judges.halved(x, "zeros"), torch.nn.functional.avg_pool2d(x, 2, padding=(1, 0)))


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_the_judge_of_mix_is_the_transcription(padding: str) -> None:
    x, y = batch(2, 2, (14, 13))
    options = {"alpha": 0.3, "sigmas": (0.5, 1.5), "padding": padding}
    expected = oracles_multiscale.mix_loss(3 * x, 3 * y, data_range=3.0, **options).mean().item()  # type: ignore[arg-type]
    assert judges.mix(3 * x, 3 * y, data_range=3.0, **options) == pytest.approx(expected, rel=1e-12)  # type: ignore[arg-type]


def test_the_judge_of_iw_ssim_is_the_transcription() -> None:
    x, y = batch(1, 3, (161, 162))
    expected = oracles_metrics.iw_ssim(oracles_metrics.pixels(x), oracles_metrics.pixels(y))
    assert judges.by_image(judges.iw_ssim, 3 * x, 3 * y, 3.0) == pytest.approx(expected, rel=1e-11)


def spoilt(duel: Duel, factor: float) -> Duel:
    return dataclasses.replace(duel, ours=lambda sample: duel.ours(sample) * factor)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_fault_of_ours_is_a_finding(name: str) -> None:
    tally = rounds([spoilt(BY_NAME[name], 1.05)], Tally(), random.Random(0), min(15, BY_NAME[name].bout))
    assert any("ours" in finding for finding in tally.findings)


def test_a_fault_of_theirs_needs_an_explanation() -> None:
    duel = dataclasses.replace(BY_NAME["mse_loss, scikit-image"], theirs=lambda sample: float("nan"))
    tally = rounds([duel], Tally(), random.Random(0), 3)
    assert len(tally.findings) == 3 and "nothing explains it" in tally.findings[0]


def test_refusals_are_differences_too() -> None:
    duel = BY_NAME["ssim, pytorch-msssim"]
    tally, chance = Tally(), random.Random(1)
    while not tally.explained:
        fight(duel, _small(duel, chance), tally)
    ((_, right, why),) = tally.explained
    assert right == "ours" and "smaller than the window" in why and not tally.findings


def _small(duel: Duel, chance: random.Random):  # type: ignore[no-untyped-def]
    from fuzzing import draw

    sample = draw(duel, chance)
    return dataclasses.replace(sample, x=sample.x[..., :3].float(), y=sample.y[..., :3].float())


def test_the_table_prints() -> None:
    tally = rounds([BY_NAME["psnr, kornia"]], Tally(), random.Random(0), 30)
    lines = str(tally).splitlines()
    assert lines[0].split() == ["agree", "differ", "duel"]
    agree, differ = map(int, lines[1].split()[:2])
    assert agree + differ == 30 and sum(int(line.split()[0]) for line in lines[2:]) == differ


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--minutes", "0.001", "--only", "mse_loss"]) == 0
    assert "mse_loss, scikit-image" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        fuzz.main(["--only", "no such"])
    assert "no duel holds 'no such'; there are ssim, scikit-image," in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(le, "mse_loss", lambda x, y: torch.tensor(7.0))
        assert fuzz.main(["--minutes", "0.001", "--only", "mse_loss"]) == 1
    assert "UNEXPLAINED  mse_loss, scikit-image: ours 7.0" in capsys.readouterr().out
