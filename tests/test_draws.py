"""The random numbers that Python and a page draw alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lossedu import explorables
from lossedu.explorables.draws import draws

FRAGMENTS = Path(explorables.__file__).parent / "fragments"


def test_the_ten_thousandth_state_is_that_of_the_publication() -> None:
    """Park and Miller give it as the check of an implementation: from 1, after 10,000 steps, 1043618065."""
    assert round(float(draws(10_000, seed=1)[-1]) * (2**31 - 1)) == 1043618065


def test_sums_of_twelve_are_nearly_normal() -> None:
    z = draws(20_000, seed=5, terms=12) - 6
    assert float(z.mean()) == pytest.approx(0, abs=0.03) and float(z.std()) == pytest.approx(1, abs=0.02)
    assert torch.equal(draws(3, seed=7, terms=2), draws(6, seed=7).view(3, 2).sum(dim=1))


def test_the_generator_stands_once_in_the_scripts_of_the_pages() -> None:
    """That the pages draw the same is tested with each of them, in a browser."""
    scripts = {file.name: file.read_text(encoding="utf-8") for file in FRAGMENTS.glob("*.js")}
    assert [name for name, text in scripts.items() if "16807" in text] == ["common.js"]
    assert sum("drawsFrom" in text for text in scripts.values()) >= 6
