"""Colours without pairs: halves that do not meet, arms that are what they are called, a small run that is resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from trained import needs_weights

from lossedu import histogram_emd_loss
from lossedu.data import looks
from lossedu.experiments import (
    color_transfer,
    running,
    transfer_arms,
    transfer_live,
    transfer_scenes,
    transfer_scores,
)
from lossedu.experiments.tasks import photographs
from lossedu.experiments.transfer_arms import ARMS
from lossedu.records import load
from lossedu.sweeps import Place
from lossedu.training import OutOfTime

PHOTOS = "embedded"
OPTIONS = {"photographs": PHOTOS, "pictures": 1, "seed": 0, "width": 4, "blocks": 1, "side": 40, "batch": 2, "steps": 4,
           "lr": 5e-4, "precision": "float32"}  # fmt: skip


def test_batches_depend_on_seed_and_step_alone() -> None:
    one = transfer_scenes.batches(PHOTOS, 32, 2, 0)
    for first, second in zip(one(3), transfer_scenes.batches(PHOTOS, 32, 2, 0)(3), strict=True):
        assert first.shape == (2, 3, 32, 32) and torch.equal(first, second)
    assert not torch.equal(one(3).x, one(4).x)
    assert not torch.equal(one(3).x, transfer_scenes.batches(PHOTOS, 32, 2, 1)(3).x)


def test_the_halves_share_no_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every photograph of a set of eight has a grey of its own; crops tell from which they are."""
    from lossedu.data import PhotoSet

    flat = [torch.full((3, 90, 90), 20 * k + 20, dtype=torch.uint8) for k in range(8)]
    known = PhotoSet.of(flat, [f"grey {k}" for k in range(8)])
    monkeypatch.setattr(transfer_scenes, "photographs", lambda name: {"train": known})
    batch_at = transfer_scenes.batches("made up", 16, 4, 0)
    seen = [
        {round(float(z[0, 0, 0]) * 255) // 20 - 1 for step in range(20) for z in part}
        for part in zip(*((batch.y, batch.real) for batch in map(batch_at, range(20))), strict=True)
        for part in [torch.cat(part)]
    ]
    assert seen[0] == {0, 2, 4, 6} and seen[1] == {1, 3, 5, 7}


def test_crops_are_tinted_as_the_picture_is() -> None:
    photo = photographs(PHOTOS)["train"].picture(0)[..., :96, :96]
    m = transfer_scenes.MARGIN
    inside = transfer_scenes.tinted(photo[..., 8 : 8 + 64, 8 : 8 + 64])[..., m:-m, m:-m]
    whole = transfer_scenes.tinted(photo)[..., 8 + m : 72 - m, 8 + m : 72 - m]
    assert float((inside - whole).abs().max()) < 2 / 255


def test_split_tone_is_the_formula_and_no_gain_of_a_channel() -> None:
    x = torch.rand(2, 3, 30, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    flat = torch.full((1, 3, 30, 30), 0.3, dtype=torch.float64)
    dark, bright = (torch.tensor(tint, dtype=torch.float64) for tint in looks.TINTS)
    torch.testing.assert_close(looks.split_tone(flat)[0, :, 5, 5], 0.3 + 0.7 * dark + 0.3 * bright)
    torch.testing.assert_close(looks.split_tone(x, strength=0.0), x)
    torch.testing.assert_close(looks.split_tone(x, strength=torch.tensor([0.0, 1.0]))[:1], x[:1])
    change = looks.split_tone(x) - x
    share = (change[:, 0] - dark[0]) / (bright[0] - dark[0])  # of the bright tint, from red; blue must agree
    torch.testing.assert_close(change[:, 2], dark[2] + share * (bright[2] - dark[2]))
    assert float((change[:, 0] / x[:, 0]).std()) > 3e-3
    with pytest.raises(ValueError, match="reach must be"):
        looks.split_tone(x, reach=0)
    with pytest.raises(ValueError, match="x must have 3 channels"):
        looks.split_tone(x[:, :1])


def test_every_arm_trains_what_its_name_says() -> None:
    batch = transfer_scenes.batches(PHOTOS, 40, 2, 0)(0)
    for name, arm in ARMS.items():
        judges = color_transfer.new_critics({**OPTIONS, "arm": name})
        assert set(judges) == {key for key in ("color", "texture") if getattr(arm, key)}
        output = batch.x.clone().requires_grad_()
        terms = transfer_arms.generator_terms(arm, judges, None, output, batch.x)
        wanted = set(judges) | ({"variation"} if arm.variation else set())
        assert set(terms) == wanted
        if judges:
            sum(terms.values()).backward()  # type: ignore[union-attr]
            assert all(parameter.grad is None for parameter in judges.parameters())
            told = transfer_arms.critic_terms(arm, judges, batch.x, batch.x, batch.real)
            assert set(told) == set(judges) | ({f"{key}_r1" for key in judges} if arm.gamma else set())
        kinds = {type(layer) for layer in judges.modules()}
        assert (nn.InstanceNorm2d in kinds) is (bool(judges) and arm.norm == "instance")


def test_swapped_takes_the_input_for_real() -> None:
    batch = transfer_scenes.batches(PHOTOS, 40, 2, 0)(0)
    judges = color_transfer.new_critics({**OPTIONS, "arm": "swapped"})
    told = [
        transfer_arms.critic_terms(ARMS[name], judges, batch.x, batch.x, real)["color"].item()
        for name, real in (("swapped", batch.real), ("swapped", batch.real.flip(0) * 0.5), ("plain_r1", batch.real))
    ]
    assert told[0] == told[1] != told[2]


def test_rivals() -> None:
    batch = transfer_scenes.batches(PHOTOS, 32, 2, 0)(0)
    pooled = transfer_arms.rival_term(ARMS["pooled"], batch.x, batch.y, batch.real)
    each = [
        np.abs(np.sort(batch.x[:, c].numpy().ravel()) - np.sort(batch.real[:, c].numpy().ravel())).mean()
        for c in range(3)
    ]
    assert pooled.item() == pytest.approx(np.mean(each), abs=1e-6)
    own = transfer_arms.rival_term(ARMS["histogram"], batch.x, batch.y, batch.real)
    assert own.item() == pytest.approx(histogram_emd_loss(batch.x, batch.real, kernel="sort").item())
    assert transfer_arms.rival_term(ARMS["paired"], batch.y, batch.y, batch.real).item() == 0
    with pytest.raises(ValueError, match="rival must be one of"):
        transfer_arms.rival_term(ARMS["plain"], batch.x, batch.y, batch.real)


def test_scores_of_a_negative_a_blur_and_the_truth() -> None:
    y = transfer_scenes.shown().y
    assert transfer_scores.likeness(1 - y, y) == pytest.approx(-1) and transfer_scores.likeness(y, y) == pytest.approx(
        1
    )
    assert transfer_scores.likeness(torch.full_like(y, 0.5), y) == 0
    assert transfer_scores.fine(y, y) == 1 and transfer_scores.fine(torch.nn.functional.avg_pool2d(y, 3, 1, 1), y) < 0.7
    table = transfer_scores.judged(None, OPTIONS, "cpu")
    assert table.shape == (1, len(transfer_scores.COLUMNS))


@needs_weights("vgg16")
def test_a_small_run_is_whole_and_resumed_with_the_same_numbers(tmp_path: Path) -> None:
    arms = ("paired", "color", "full")
    running.run("color_transfer", "smoke", out=tmp_path / "run", arms=arms, device="cpu")
    record = load("color_transfer-smoke", tmp_path / "run")
    assert {run["arm"] for run in record.runs} == {"input", *arms}
    assert all(
        record.scores[f"{run['job']}@averaged"].shape == (1, len(transfer_scores.COLUMNS)) for run in record.runs
    )
    assert set(record.weights) == {f"{arm}/0" for arm in arms}
    assert color_transfer.picture(record, "color").shape == transfer_scenes.shown().x.shape
    with pytest.raises(ValueError, match="arm/seed must be one of"):
        color_transfer.picture(record, "color", 4)
    (job,) = (job for job in color_transfer.jobs("smoke", arms=("full",)) if job.options["arm"] == "full")
    places = [Place(tmp_path / name, "cpu", deadline=None, say=lambda line: None) for name in ("again", "straight")]
    for place in places:
        place.folder.mkdir()
    with pytest.raises(OutOfTime):
        color_transfer.perform(job, places[0]._replace(deadline=1.0))
    (entry, scores), (straight, whole) = (color_transfer.perform(job, place) for place in places)
    assert entry == straight and all(np.array_equal(scores[key], whole[key]) for key in ("test", "averaged"))
    np.testing.assert_allclose(scores["test"], record.scores["cast-full-0@test"], rtol=1e-3)


def test_a_live_duel_starts_where_the_untouched_picture_is() -> None:
    network, history = transfer_live.duel("plain_r1", steps=1)
    assert len(history) == 1 and not network.training
    first, own = history.watched[0][1]["seen"]["de00"], transfer_live.untouched()
    assert own > 5 and 0.5 < first / own < 2  # one step from the identity
