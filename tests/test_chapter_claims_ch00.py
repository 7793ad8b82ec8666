"""What chapter 0 concludes in words from its record and its pictures.  Red means: rewrite the sentence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import lossedu as le
from lossedu import data, records
from lossedu.experiments import plausible
from lossedu.experiments.tuning import choose
from lossedu.explorables import observer_scene
from lossedu.preferences import bradley_terry, wilson
from lossedu.records import Record, load
from lossedu.reports import doubts, rings
from lossedu.statistics import Interval

CHAPTER = Path(__file__).parents[1] / "chapters" / "ch00-what-is-a-pixel-worth.ipynb"


@pytest.fixture(scope="module")
def record() -> Record:
    return load("rings-cpu")


def mean(record: Record, who: str, arm: str, measure: str) -> float:
    return rings.estimate(record, who, arm, measure).mean


def test_losses_with_structure_want_more_contrast_and_their_networks_give_less(record: Record) -> None:
    for arm in rings.STRUCTURAL:
        wanted, given = rings.change(record, "act", arm, "l2"), rings.change(record, "network", arm, "l2")
        assert wanted.low > 10 and 100 / 8 < wanted.mean < 100 / 6, arm  # about a seventh
        assert given.high < 0, arm


def test_acts_have_more_contrast_in_six_losses_of_seven_and_another_loss_has_the_most(record: Record) -> None:
    more = {}
    for arm in rings.rings.ARMS:
        pairs = zip(*(rings.values(record, who, arm, "contrast") for who in ("act", "network")), strict=True)
        more[arm] = [act > network for act, network in pairs]
    assert not any(more.pop("l2")) and len(more) == 6 and all(all(scenes) for scenes in more.values())
    acts, networks = (
        {arm: mean(record, who, arm, "contrast") for arm in rings.rings.ARMS} for who in ("act", "network")
    )
    assert max(networks, key=lambda arm: networks[arm]) == "l2"
    assert max(acts, key=lambda arm: acts[arm]) in rings.STRUCTURAL


def test_among_networks_it_is_l2_that_is_the_odd_one_out(record: Record) -> None:
    """l1 wants the contrast of l2, and its network has less, as those of all others."""
    assert 0 < rings.change(record, "act", "l1", "l2").mean < 0.5  # the same to half a percent
    assert rings.change(record, "network", "l1", "l2").high < -10
    beside = {arm: rings.change(record, "network", arm, "l1") for arm in rings.STRUCTURAL}
    assert all(abs(one.mean) < 5 for one in beside.values())
    assert [arm for arm, one in beside.items() if one.low > 0] == ["ssim_1"]
    assert sum(one.high < 0 for one in beside.values()) == 4


def test_the_network_of_l2_answers_more_and_lets_more_noise_through() -> None:
    for part, more in ((0, 1 / 7), (1, 1 / 5)):  # answer to the scene, noise
        by_scene = {arm: rings.parts(arm)[part] for arm in rings.rings.ARMS}
        l2 = by_scene.pop("l2")
        assert all(most > max(others) for most, others in zip(l2, zip(*by_scene.values(), strict=True), strict=True))
        beside = [a / b - 1 for a, b in zip(l2, by_scene["l1"], strict=True)]
        assert sum(beside) / len(beside) == pytest.approx(more, abs=0.02)


def test_across_the_edge_the_act_of_l1_is_hardly_sharper(record: Record) -> None:
    assert 0 < rings.change(record, "act", "l1", "l2", "rise").mean < 5


def test_all_pictures_of_the_figure_keep_the_step_within_a_tenth(record: Record) -> None:
    margin, scene = rings.rings.MARGIN, plausible.draw_scene(0)
    edge = scene.edge[margin:-margin, None] - margin

    def step(picture: torch.Tensor) -> float:
        off = torch.arange(picture.shape[-1]) - edge
        return float(picture[off >= 3].mean() - picture[off < -3].mean())

    true = step(rings.rings.inside(scene.clean))
    for arm in rings.rings.ARMS:
        network = rings.rings.inside(rings.rings.network_output(arm, scene))
        act = torch.from_numpy(record.scores[f"{arm}-0@act"])
        assert step(network) / true == pytest.approx(1, abs=0.1), arm
        assert step(act) / true == pytest.approx(1, abs=0.1), arm


def test_acts_keep_the_level_and_networks_with_structure_are_too_bright(record: Record) -> None:
    for arm in rings.rings.ARMS:
        assert abs(mean(record, "act", arm, "level")) < 0.0015
    for arm in rings.STRUCTURAL:
        assert rings.estimate(record, "network", arm, "level").low > 0
    largest = max(abs(mean(record, "act", arm, "level")) for arm in rings.rings.ARMS)
    assert mean(record, "network", "ms_ssim", "level") > 10 * largest


def test_every_network_but_that_of_ms_ssim_is_within_a_tenth_of_its_act(record: Record) -> None:
    times = {arm: mean(record, "network", arm, "error") / mean(record, "act", arm, "error") for arm in rings.rings.ARMS}
    assert times.pop("ms_ssim") > 1.1
    assert all(1 < one < 1.1 for one in times.values())


def test_the_acts_of_losses_with_structure_are_hard_to_tell_apart_and_so_are_mean_and_median(record: Record) -> None:
    def apart(a: str, b: str) -> float:
        pictures = (torch.from_numpy(record.scores[f"{arm}-0@act"]) for arm in (a, b))
        return float((next(pictures) - next(pictures)).square().mean().sqrt())

    off = rings.values(record, "act", "l2", "error")[0]
    for pair in [*itertools.combinations(("ssim_1", "ssim_5", "ssim_9", "mix"), 2), ("l1", "l2")]:
        assert apart(*pair) < 0.2 * off, pair
    alike = itertools.combinations(("ms_ssim", "ssim_5", "ssim_9", "mix"), 2)  # A, F, G and H
    nearest = min(apart("ssim_1", arm) for arm in ("ms_ssim", "ssim_5", "ssim_9", "mix"))  # C
    assert all(apart(*pair) < 0.05 * off for pair in alike) and nearest > 0.05 * off


def test_the_letters_of_the_answer_are_those_of_the_figure() -> None:
    letters = {arm: rings.letter(arm) for arm in rings.RAYS}
    assert letters == {"ms_ssim": "A", "l1": "B", "ssim_1": "C", "truth": "D", "l2": "E", "ssim_9": "F", "mix": "G",
                       "ssim_5": "H"}  # fmt: skip
    assert "**D** is the truth" in CHAPTER.read_text("utf8")


def test_the_networks_differ_in_the_loss_alone(record: Record) -> None:
    """Settings and step sizes of the two records that the networks come from."""
    kept = [records.load(name) for name in sorted(set(record.settings["networks"].values()))]
    for key in ("photographs", "steps", "batch", "width", "residual", "out", "precision", "warmup"):
        assert len({str(one.settings[key]) for one in kept}) == 1, key
    rates = {
        run["lr"]
        for one in kept
        for run in one.runs
        if run["task"] == "dd" and run["arm"] in record.settings["networks"]
    }
    assert len(rates) == 1
    best = choose(load("tuning-cpu").runs)
    assert {best["dd", arm, "adam"] / 2 for arm in record.settings["networks"]} == rates  # half of the tuned step
    assert load("tuning-cpu").settings["steps"] == 2_000 and {run["seed"] for run in load("tuning-cpu").runs} == {0}


def agreement() -> dict[frozenset[str], int]:
    said = {name: [c.preferred[name] for c in observer_scene.choices()] for name in observer_scene.METRICS}
    return {
        frozenset((a, b)): sum(p == q for p, q in zip(said[a], said[b], strict=True))
        for a, b in itertools.combinations(said, 2)
    }


def test_which_metrics_agree_on_the_twenty_pairs() -> None:
    found = agreement()
    assert max(found.values()) < 20  # no two are the same observer
    assert max(found, key=lambda pair: found[pair]) == {"SSIM", "FSIM"}
    together = found[frozenset(("SSIM", "ℓ1"))]
    assert together == min(found.values()) == 6
    assert 2 * sum(math.comb(20, k) for k in range(together + 1)) / 2**20 > 0.05  # as two coins might


def test_twenty_choices_often_miss_a_metric_that_agrees_in_three_of_four() -> None:
    beyond = [k for k in range(21) if wilson(k, 20).low > 0.5]
    found = sum(math.comb(20, k) * 0.75**k * 0.25 ** (20 - k) for k in beyond)
    assert 1 / 3 < 1 - found < 0.45
    assert 0.43 < observer_scene.told_apart_by_chance() < 0.5  # nearly every second
    assert 0.17 < observer_scene.told_apart_by_chance(coins=True) < 0.2  # nearly one in five


def test_prices_of_ssim_change_their_order_with_the_size_of_the_error() -> None:
    waves = [1 / 64, 1 / 8, 1 / 2]
    small, large = (le.price(le.ssim_loss, amplitude=size, frequencies=waves) for size in (1e-3, 0.1))
    assert small.uniform < small.values[0] < small.values[1] < small.values[2]
    assert large.uniform < large.values[0] < large.values[2] < large.values[1]


def test_where_the_bounded_loss_pulls_hardest() -> None:
    """For c = 0.3: at 0.1 and about c / sqrt(3) it does, closer than 0.047 absolute error does."""

    def pulls(q: float) -> dict[str, float]:
        return {"l2": 2 * q, "l1": 1.0, "bounded": 2 * 0.09 * q / (q**2 + 0.09) ** 2}

    strongest = {
        q: max(pulls(q), key=lambda name, q=q: pulls(q)[name]) for q in (0.01, 0.047, 0.048, 0.1, 0.3 / 3**0.5)
    }
    assert list(strongest.values()) == ["l1", "l1", "bounded", "bounded", "bounded"]


def bounded(x: torch.Tensor, y: torch.Tensor, c: float = 0.3) -> torch.Tensor:
    return ((x - y).square() / ((x - y).square() + c * c)).mean()


def test_an_edge_in_doubt_stays_sharp_with_l1_at_however_many_places_and_a_texture_becomes_the_mean() -> None:
    edges, textures = doubts.edges(), doubts.textures()
    assert len(edges) == 21 and len(textures) == 10
    l2, l1, third = (le.bayes_act(loss, edges, steps=100)[0, 0] for loss in (le.mse_loss, le.l1_loss, bounded))
    steps = [float(act[5].diff().max()) / 0.5 for act in (l2, l1, third)]
    assert steps[0] == pytest.approx(1 / 21, abs=0.005) and steps[1] > 0.95 and 0.8 < steps[2] < 0.95
    assert {int(act[5].diff().argmax()) + 1 for act in (l1, third)} == {13}  # in the middle
    torch.testing.assert_close(textures.mean(dim=0), torch.full_like(textures[0], 0.5))
    for loss in (le.mse_loss, le.l1_loss, bounded):
        assert float((le.bayes_act(loss, textures, steps=100) - 0.5).abs().max()) < 0.01

    # started at a texture, ell_1 ends at another of its best values, and a smaller c away from the mean
    def search(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        return le.bayes_act(loss, textures, init=textures[:1], steps=400)

    def cost(x: torch.Tensor, c: float) -> float:
        return sum(float(bounded(x, y[None], c)) for y in textures) / len(textures)

    assert float((search(bounded) - 0.5).abs().max()) < 0.01
    one, grey = search(le.l1_loss), torch.full_like(textures[:1], 0.5)
    costs = [sum(float(le.l1_loss(x, y[None])) for y in textures) for x in (one, grey)]
    assert float((one - grey).abs().max()) > 0.05 and costs[0] == pytest.approx(costs[1], rel=1e-3)
    other = search(lambda x, y: bounded(x, y, 0.1))
    assert float((other - grey).abs().max()) > 0.1 and cost(other, 0.1) < cost(grey, 0.1)


def test_absolute_error_at_a_tie_and_of_three_edges() -> None:
    """A tie leaves every value between as good; of three edges the median place may be the least likely one."""
    rows = torch.tensor([[0.2, 0.8, 0.8, 0.8], [0.2, 0.2, 0.8, 0.8], [0.2, 0.2, 0.2, 0.8]]).view(3, 1, 1, 4)
    act = le.bayes_act(le.l1_loss, rows, [0.4, 0.2, 0.4])
    torch.testing.assert_close(act, rows[1:2], rtol=0, atol=5e-3)
    costs = [sum(abs(value - y) for y in (0.2, 0.8)) / 2 for value in (0.2, 0.4, 0.5, 0.8)]
    assert costs == pytest.approx([0.3] * 4)


def found_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    structure = 1 - le.ssim(x, y, data_range=255)
    brightness = abs((x.mean() - y.mean()).item())
    return le.l1_loss(x, y) + 0.5 * structure + 0.5 * brightness


def mended_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    means = (x - y).mean(dim=(1, 2, 3))
    return le.l1_loss(x, y) + 0.5 * le.ssim_loss(x, y) + 0.5 * means.abs().mean()


def test_two_terms_of_the_found_loss_are_decoration_and_mended_they_lead() -> None:
    y = data.crop(data.photograph("chelsea"), 90, 150, 64)
    x = data.sensor_noise(data.shift_brightness(y, 0.1), seed=0).requires_grad_()
    first = torch.autograd.grad(le.l1_loss(x, y), x)[0]
    whole = torch.autograd.grad(found_loss(x, y), x)[0]
    assert float((whole - first).norm() / first.norm()) < 0.05
    terms = (0.5 * le.ssim_loss(x, y), 0.5 * (x - y).mean(dim=(1, 2, 3)).abs().mean())
    structure, brightness = (float(torch.autograd.grad(term, x)[0].norm() / first.norm()) for term in terms)
    assert structure > 3 and brightness == pytest.approx(0.5, abs=0.01)  # one of the two, not both
    named = {finding.name: finding.severity for finding in le.audit(found_loss).findings}
    assert named["dead term"] == "error" and named["data range"] == "warning"
    assert all(finding.severity == "info" for finding in le.audit(mended_loss).findings)


def walk(start: float, slope: Callable[[float], float], size: float = 0.02) -> list[float]:
    """Return the errors of a walk down a slope, up to the first that is smaller than a step."""
    path = [start]
    while abs(path[-1]) > size:
        path.append(path[-1] - size * slope(path[-1]))
    return path


def test_a_bounded_loss_comes_a_sixth_of_the_way_and_arrives_late() -> None:
    def bounded_slope(q: float) -> float:
        return 2 * 0.09 * q / (q * q + 0.09) ** 2

    l2, l1, late = walk(2, lambda q: 2 * q), walk(2, lambda q: math.copysign(1, q)), walk(2, bounded_slope)
    assert len(l1) - 1 == pytest.approx(100, abs=2) and len(l2) < 120
    assert 1 - late[600] / 2 == pytest.approx(1 / 6, abs=0.02)
    assert (len(late) - 1) / (len(l1) - 1) == pytest.approx(12, abs=0.5)  # twelve times as many
    assert (len(walk(4, bounded_slope)) - 1) / (len(late) - 1) == pytest.approx(15, abs=0.5)  # from twice as far
    hop = l1[-1] - 0.02 * math.copysign(1, l1[-1])
    assert -0.021 < hop < 0.021  # one step wide


def test_grain_of_a_thousandth_costs_about_a_thousandth_of_ssim() -> None:
    y = torch.full((1, 3, 64, 64), 0.5, dtype=torch.float64)
    grain = 1e-3 * (-1.0) ** torch.arange(64)
    assert float(grain.square().mean()) == pytest.approx(1e-6)
    assert float(le.ssim_loss(y + grain, y)) == pytest.approx(1e-3, rel=0.2)


def test_choices_say_nothing_of_a_common_level() -> None:
    """H as the chapter writes it: it stretches a vector of ones by 1 / s^2, and gives the interval of the page."""
    wins = torch.tensor([[0, 3, 1.5], [2, 0, 4], [3.5, 1, 0]], dtype=torch.float64)
    theta, spread = bradley_terry(wins).values, 1.0
    chance = torch.sigmoid(theta[:, None] - theta)
    tied = (wins + wins.T) * chance * (1 - chance)
    h = torch.diag(tied.sum(dim=1) + 1 / spread**2) - tied
    torch.testing.assert_close(h @ torch.ones(3, dtype=h.dtype), torch.full((3,), 1 / spread**2, dtype=h.dtype))
    found = (torch.linalg.inv(h).diagonal() - spread**2 / 3).sqrt()
    torch.testing.assert_close(found, bradley_terry(wins).deviations)


def test_intervals_need_six_scenes(record: Record) -> None:
    assert len(rings.values(record, "act", "l2", "contrast")) == 6
    assert isinstance(rings.estimate(record, "act", "l2", "contrast"), Interval)
