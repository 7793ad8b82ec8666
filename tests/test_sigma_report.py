"""What the recorded runs are boiled down to, on records whose answer is known."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lossedu.experiments import sigma_report
from lossedu.experiments.residuals import BANDS, RINGS
from lossedu.records import Record
from lossedu.statistics import t_interval


def image(pixels: int, residual: float, ring: float | None, psnr: float = 30.0) -> dict[str, Any]:
    bands = {f"flat_{name}": residual if pixels else None for name in BANDS}
    return {"psnr": psnr, "ssim": 0.9, "flat_pixels": pixels, **bands, "ring": [None, *[ring] * (len(RINGS) - 1)]}


def run(loss: str, seed: int, images: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "loss": loss,
        "seed": seed,
        "commit": "0" * 12,
        "images": images,
        "history": [0.5, 0.2],
        "ran_away": False,
        **changes,
    }


def record(runs: list[dict[str, Any]]) -> Record:
    return Record("sigma_sensitivity", "smoke", {}, runs, {"device": "CPU", "torch": "2", "date": "2025-01-01"}, "run")


def level(loss: str, seed: int, factor: float, **changes: Any) -> dict[str, Any]:
    """A run whose residuals are all proportional to `factor`."""
    return run(loss, seed, {"a": image(100, factor, factor), "b": image(300, 3 * factor, 2 * factor)}, **changes)


def test_bands_are_pooled_over_pixels_and_rings_over_pictures() -> None:
    found = record(
        [run("l1", 0, {"a": image(100, 0.1, 0.3, 28), "b": image(300, 0.2, None, 31), "c": image(0, 0, 0.4)})]
    )
    assert sigma_report.pooled(found, "flat_middle") == {"l1": [pytest.approx(math.sqrt((0.01 + 3 * 0.04) / 4))]}
    assert sigma_report.pooled(found, "ring", 2) == {"l1": [pytest.approx(math.sqrt((0.09 + 0.16) / 2))]}
    assert sigma_report.pooled(found, "psnr") == {"l1": [pytest.approx(89 / 3)]}


def test_networks_that_ran_away_are_left_out() -> None:
    diverged = run("l1", 2, {}, diverged_at=7)
    del diverged["images"]
    found = record([level("l1", 1, 2.0), level("l1", 0, 1.0), level("l1", 3, 9.0, ran_away=True), diverged])
    first, second = sigma_report.pooled(found, "flat_fine")["l1"]
    assert second == pytest.approx(2 * first)  # in the order of seeds


def test_seeds_are_compared_with_themselves() -> None:
    """Seeds differ far more than losses; what is left out differs between them too."""
    factors = {0: 1.0, 1: 5.0, 2: 20.0, 3: 60.0}
    excess = {0: 1.10, 1: 1.12, 2: 1.11, 3: 1.09}
    base = [level("ssim_1", seed, factor, ran_away=seed == 0) for seed, factor in factors.items()]
    other = [level("ssim_9", seed, factor * excess[seed], ran_away=seed == 3) for seed, factor in factors.items()]
    expected = t_interval([12.0, 11.0])
    for measure, ring in (("flat_middle", None), ("ring", 1)):
        found = sigma_report.difference(record(base + other), measure, "ssim_9", "ssim_1", ring)
        assert found == pytest.approx(expected)


def test_table_has_a_line_for_each_loss() -> None:
    lines = sigma_report.table(record([level("ssim_1", 0, 0.001), level("l1", 0, 0.002), level("l1", 1, 0.004)])).split(
        "\n"
    )
    assert len(lines) == 4
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert "| 30.00 | 0.9000 | " in lines[3]
    # mean over two seeds of sqrt((1 + 27) / 4) times 0.002 and 0.004, in thousandths
    assert f"{3 * math.sqrt(7):.2f}" in lines[3]


def test_figures_can_be_drawn() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    losses = ("ssim_1", "ssim_3", "ssim_9")
    found = record([level(loss, seed, 0.01 * (1 + seed + i)) for i, loss in enumerate(losses) for seed in range(2)])
    for draw in (sigma_report.draw_bands, sigma_report.draw_rings, sigma_report.draw_course):
        assert draw(found).axes[0].get_ylabel()
    plt.close("all")
