"""The blind test without a browser: its design, its pictures, and what the page is given."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections import Counter

import pytest
import torch

from lossedu.explorables import BlindTest, observer_scene, standalone_page
from lossedu.metrics import psnr
from lossedu.preferences import wilson

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def choices() -> tuple[observer_scene.Choice, ...]:
    return observer_scene.choices()


def test_twenty_choices_identify_the_strengths() -> None:
    """Each kind meets five others, once each, and is seen once on every photograph: all hang together."""
    rounds = observer_scene.rounds()
    pairs = [frozenset(pair) for matched in rounds for pair in matched]
    assert len(pairs) == len(set(pairs)) == 20
    assert all(sorted(itertools.chain(*matched)) == sorted(observer_scene.KINDS) for matched in rounds)
    assert set(Counter(itertools.chain(*pairs)).values()) == {5}
    reached = {"grain"}
    for _ in range(2):  # nobody is further away than a common opponent
        reached |= {kind for pair in pairs if pair & reached for kind in pair}
    assert reached == set(observer_scene.KINDS)


def test_all_pictures_have_nearly_one_mean_square_error(choices: tuple[observer_scene.Choice, ...]) -> None:
    for choice in choices:
        y = observer_scene.reference(choice.photograph)
        found = [float(psnr(x, y)) for x in choice.pictures]
        assert found == pytest.approx([observer_scene.LEVEL] * 2, abs=0.25), choice.kinds
        assert abs(found[0] - found[1]) == pytest.approx(observer_scene.GAP, abs=0.1)
        assert all(torch.equal(x, (x * 255).round() / 255) for x in choice.pictures)


def test_no_kind_wins_because_it_is_a_little_weaker(choices: tuple[observer_scene.Choice, ...]) -> None:
    """Ahead in squared error is each kind in two or three of its five pairs; the two differ by about a tenth."""
    ahead: Counter[str] = Counter()
    for choice in choices:
        y = observer_scene.reference(choice.photograph)
        errors = [float((x - y).square().mean()) for x in choice.pictures]
        ahead[choice.kinds[errors.index(min(errors))]] += 1
        assert max(errors) / min(errors) == pytest.approx(1.1, abs=0.03)
    assert set(ahead) == set(observer_scene.KINDS) and set(ahead.values()) == {2, 3}


def test_the_metrics_disagree_often_enough_to_learn_something(choices: tuple[observer_scene.Choice, ...]) -> None:
    said = {name: [choice.preferred[name] for choice in choices] for name in observer_scene.METRICS}
    apart = {pair: sum(a != b for a, b in zip(said[pair[0]], said[pair[1]], strict=True))
             for pair in itertools.combinations(said, 2)}  # fmt: skip
    assert min(apart.values()) >= 2 and max(apart.values()) >= 12


def test_rankings_at_random_fool_some_metric_as_often_as_counted_by_hand() -> None:
    """All choices of one ranking, counted by hand; and no row for squared error, whose preference was set."""
    assert not {"MSE", "PSNR"} & {word for name in observer_scene.METRICS for word in name.split(", ")}
    rng, kinds, fooled = random.Random(3), list(observer_scene.KINDS), 0
    for _ in range(1000):
        rank = dict(zip(kinds, rng.sample(range(8), 8), strict=True))
        shares = []
        for metric in observer_scene.METRICS:
            agreed = sum(
                c.preferred[metric] == int(rank[c.kinds[1]] < rank[c.kinds[0]]) for c in observer_scene.choices()
            )
            shares.append(wilson(agreed, 20))
        fooled += any(share.low > 0.5 or share.high < 0.5 for share in shares)
    assert observer_scene.told_apart_by_chance() == pytest.approx(fooled / 1000, abs=0.05)


def test_tossed_coins_fool_one_metric_in_4_of_100_and_one_of_six_more_often() -> None:
    one = sum(math.comb(20, k) for k in range(21) if wilson(k, 20).low > 0.5 or wilson(k, 20).high < 0.5) / 2**20
    found = observer_scene.told_apart_by_chance(20000, coins=True)
    assert one == pytest.approx(0.0414, abs=0.0001)
    assert one < found < 1 - (1 - one) ** 6  # the most that six metrics without anything in common would give


def test_the_page_gets_what_it_needs_and_no_more() -> None:
    block = BlindTest().to_html()
    assert len(block.encode()) < 400_000
    assert "://" not in standalone_page(BlindTest()) and not re.search(r"\sid=", block)
    raw = re.search(r'<script type="application/json">(.*?)</script>', block, re.S)
    assert raw is not None
    data = json.loads(raw[1])
    assert len(data["choices"]) == 20 and len(data["photographs"]) == 5
    assert all(len(choice["preferred"]) == len(data["metrics"]) == 6 for choice in data["choices"])
    assert not any(kind in photo["alt"] for kind in data["kinds"] for photo in data["photographs"])
    assert block == BlindTest().to_html()


def test_the_digest_is_that_of_the_pairs() -> None:
    one, other = BlindTest(), BlindTest(spread=2.0)
    assert one.data()["digest"] == other.data()["digest"]
    other.choices = (*other.choices[1:], other.choices[0])
    assert one.data()["digest"] != other.data()["digest"]
