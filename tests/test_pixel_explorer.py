"""The pixel explorable without a browser: what Python draws, and that the scene keeps what the text promises."""

from __future__ import annotations

import itertools
import re

import pytest
import torch
import torch.nn.functional as F

import lossedu as le
from lossedu.explorables import PixelLossExplorer
from lossedu.explorables import pixel_scene as scene


def chosen(**options: float) -> dict[str, float]:
    return PixelLossExplorer(**options).chosen()  # type: ignore[arg-type]


def test_the_mean_slides_and_the_median_jumps() -> None:
    odds = range(40, 61)
    moves = [chosen(bright=p) for p in odds]
    steps = {name: [b[name] - a[name] for a, b in itertools.pairwise(moves)] for name in ("l2", "l1")}
    assert max(steps["l2"]) == pytest.approx(min(steps["l2"]), abs=1e-9)  # the same small step each time
    assert max(steps["l1"]) > 0.4 and sorted(steps["l1"])[-2] < 0.05  # one jump
    assert moves[0]["l1"] < 0.3 < 0.7 < moves[-1]["l1"]


def test_much_doubt_turns_the_jump_into_a_slide() -> None:
    moves = [chosen(bright=p, spread=0.3)["l1"] for p in range(40, 61)]
    assert max(b - a for a, b in itertools.pairwise(moves)) < 0.04


def test_the_mean_follows_an_outlier_and_the_median_does_not() -> None:
    near, far = (chosen(bright=0, outliers=10, place=place) for place in (0.6, 1.8))
    assert far["l2"] - near["l2"] == pytest.approx(0.12, abs=1e-9)
    assert far["l1"] == near["l1"]
    assert abs(far["huber"] - near["huber"]) < 1e-9  # both are farther away than delta


@pytest.mark.parametrize("state", [{}, {"bright": 60, "spread": 0.2, "delta": 0.05}, {"outliers": 20, "delta": 1.0}])
def test_each_choice_is_the_cheapest_answer(state: dict[str, float]) -> None:
    explorer = PixelLossExplorer(**state)  # type: ignore[arg-type]
    known, delta = explorer._answers(), 10 ** float(explorer.delta)
    tried = [k / 2000 for k in range(-400, 3601)]
    expected = [scene.expected(known, level, delta) for level in tried]
    for column, level in enumerate(explorer.chosen().values()):
        best = min(row[column] for row in expected)
        assert scene.expected(known, level, delta)[column] <= best + 1e-9


def test_expected_losses_are_those_of_the_package() -> None:
    known = scene.answers(0.3, 0.1, 0.1, 1.2)
    assert sum(known.weights) == pytest.approx(1)
    values = torch.tensor(known.values, dtype=torch.float64).view(-1, 1, 1, 1)
    weights = torch.tensor(known.weights, dtype=torch.float64)
    level = torch.full_like(values, 0.45)
    found = scene.expected(known, 0.45, 0.2)
    assert found[0] == pytest.approx(float((weights * le.mse_loss(level, values, reduction="none")).sum()))
    assert found[1] == pytest.approx(float((weights * le.l1_loss(level, values, reduction="none")).sum()))
    huber = F.huber_loss(level, values, delta=0.2, reduction="none").flatten()
    assert found[2] == pytest.approx(float((weights * huber).sum()))


def test_huber_lies_between_and_reaches_the_mean() -> None:
    levels = [chosen(delta=delta)["huber"] for delta in (0.01, 0.1, 0.3, 1.0)]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(chosen()["l2"], abs=1e-9)


def test_first_state_is_in_the_html() -> None:
    explorer = PixelLossExplorer(bright=60, spread=0.05, outliers=5, place=1.2, delta=0.1, key="pixel")
    block = explorer.to_html()
    for name, level in explorer.chosen().items():
        assert f'data-out="level_{name}">{level:.2f}<' in block
    assert 'id="lx-pixel"' in block and ">60 %<" in block and 'value="-1.0"' in block
    assert block == PixelLossExplorer(bright=60, spread=0.05, outliers=5, place=1.2, delta=0.1, key="pixel").to_html()
    assert len(block) < 60_000
    assert not re.search(r"https?://", block)


@pytest.mark.parametrize(
    ("name", "value"), [("bright", 101), ("spread", 0), ("outliers", 50), ("place", 2), ("delta", 2)]
)
def test_wrong_start_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        PixelLossExplorer(**{name: value})  # type: ignore[arg-type]


def test_words_for_a_level() -> None:
    assert [scene.named(v, 0.04) for v in (0.2, 0.29, 0.5, 0.85)] == [
        "the dark answer",
        "the dark answer",
        "neither answer",
        "the bright answer",
    ]


def test_words_where_the_doubt_reaches_from_both_answers() -> None:
    for state in ({"bright": 50, "spread": 0.2}, {"bright": 60, "spread": 0.2}):
        levels = PixelLossExplorer(**state).chosen().values()  # type: ignore[arg-type]
        assert {scene.named(level, 0.2) for level in levels} == {"in between"}
    # The nearer one where the doubt of the other does not reach, and an answer itself under any doubt.
    assert [scene.named(v, 0.15) for v in (0.47, 0.53)] == ["the dark answer", "the bright answer"]
    assert [scene.named(v, 0.3) for v in (0.2, 0.29, 0.31, 0.72)] == [
        "the dark answer",
        "the dark answer",
        "in between",
        "the bright answer",
    ]
