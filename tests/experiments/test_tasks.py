"""What the networks are given: damage of whole pictures, batches of crops, and the way through a network."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from experiment_toys import flat, pack, trial_options
from torch import Tensor

from lossedu import data
from lossedu.experiments import tasks, trial, tuning
from lossedu.experiments.tasks import TASKS, chosen, photographs, restore, task
from lossedu.nets import RestorationCNN, SuperResolutionCNN

A, B = 0.005, 0.0001

#: Task -> margin of its network, and how far crop and whole picture may differ.
CUT = {
    "sr2": (6, 1e-5),
    "sr3": (6, 1e-5),
    "sr2_bicubic": (6, 1e-5),
    "sr3_bicubic": (6, 1e-5),
    "jpeg": (8, 0.0),
    "jpeg_16": (8, 0.0),
    "jpeg_17": (8, 0.0),
}


def places(target: Tensor, pictures: data.PhotoSet) -> list[tuple[int, int, int]]:
    """Return picture, row and column of every place where a clean crop was cut out."""
    crop = (target * 255).round().to(torch.uint8)
    last = crop.shape[-1] - 1
    found = []
    for index in range(len(pictures)):
        raw = pictures.raw(index)
        height, width = raw.shape[1] - last, raw.shape[2] - last
        same = torch.ones(height, width, dtype=torch.bool)
        for i, j in ((0, 0), (last, last), (0, last), (last, 0), (last // 2, last // 3)):
            same &= (raw[:, i : i + height, j : j + width] == crop[:, i, j, None, None]).all(dim=0)
        for top, left in same.nonzero().tolist():
            if torch.equal(raw[:, top : top + last + 1, left : left + last + 1], crop):
                found.append((index, top, left))
    return found


def test_every_task_is_looked_at_here() -> None:
    assert set(TASKS) == {*CUT, "dd", "dd_linear"}
    assert set(tuning.LENDERS) <= set(TASKS)
    assert set(tuning.LENDERS.values()) <= set(tuning.TASKS) <= set(TASKS)
    with pytest.raises(ValueError, match=r"task must be one of 'dd', 'sr2', .*'dd_linear', got 'deblur'"):
        task("deblur")


@pytest.mark.parametrize("name", CUT)
def test_a_crop_is_cut_out_of_the_damaged_picture(name: str) -> None:
    """The network sees in training what it sees in the test, to the last bit but for the order of sums."""
    photos, (margin, tolerance) = photographs("embedded"), CUT[name]
    damaged, clean = task(name).train(photos, 31, 8, 3, "cpu")(5)
    assert clean.shape == (8, 3, 31, 31)
    assert damaged.shape == (8, 3, 31 + 2 * margin, 31 + 2 * margin)
    assert margin == task(name).network.margin
    whole = functools.cache(lambda index: task(name).damage(photos, "train", index))
    for seen, target in zip(damaged, clean, strict=True):
        errors = []
        for index, top, left in places(target, photos["train"]):
            cut = whole(index)[0, :, top - margin : top + 31 + margin, left - margin : left + 31 + margin]
            if cut.shape == seen.shape:
                errors.append((cut - seen).abs().max().item())
        assert errors, "no such place in the photographs"
        assert min(errors) <= tolerance
    assert (damaged[..., margin:-margin, margin:-margin] - clean).abs().max() > 0.02


def phases(name: str) -> set[tuple[int, int]]:
    """Return at which rows and columns of the 8 x 8 blocks the crops of a task begin."""
    batch_at, found = task(name).train(photographs("embedded"), 31, 64, 0, "cpu"), set()
    for step in range(2):
        for target in batch_at(step)[1]:
            cut = places(target, photographs("embedded")["train"])
            if len(cut) == 1:  # elsewhere there is nothing but black
                found.add(((cut[0][1] - 8) % 8, (cut[0][2] - 8) % 8))
    return found


def test_strides_of_jpeg() -> None:
    assert phases("jpeg_16") == {(0, 0)}
    rows, columns = (set(numbers) for numbers in zip(*phases("jpeg_17"), strict=True))
    assert rows == columns == set(range(8))


@pytest.mark.parametrize("name", TASKS)
def test_batches_depend_on_seed_and_step_alone(name: str) -> None:
    def batch(seed: int, step: int, arm: str, before: int | None = None) -> tuple[Tensor, Tensor]:
        batch_at = trial.batches(trial_options(task=name, arm=arm, seed=seed))
        if before is not None:
            batch_at(before)
        return batch_at(step)

    state = torch.random.get_rng_state()
    damaged, clean = batch(1, 4, "l1")
    again = batch(1, 4, "ssim_5", before=2)
    assert torch.equal(damaged, again[0]) and torch.equal(clean, again[1])
    for other in (batch(2, 4, "l1"), batch(1, 5, "l1")):
        assert not torch.equal(damaged, other[0]) and not torch.equal(clean, other[1])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert damaged.dtype == clean.dtype == torch.float32
    assert torch.isfinite(damaged).all()
    assert not torch.equal(damaged[0], damaged[1])


def test_noise_is_drawn_anew_for_every_seed_and_step() -> None:
    photos = pack(flat(128))  # the crops are the same everywhere
    one, two = (task("dd").train(photos, 31, 2, seed, "cpu") for seed in (0, 1))
    seen = [one(0)[0], one(1)[0], two(0)[0]]
    noise = [(x - x.mean()).flatten() for x in seen]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(float(noise[a] @ noise[b]) / float(noise[a].norm() * noise[b].norm())) < 0.05


@pytest.mark.parametrize("name", ["dd", "dd_linear"])
@pytest.mark.parametrize("value", [100, 128, 190])
def test_noise_of_the_sensor_by_level(name: str, value: int) -> None:
    """Where a colour was measured, its noise is the sensor's; red between four measured ones has a quarter of it."""
    level = value / 255
    if name == "dd_linear":  # in linear light: the sensor does not know sRGB
        level = ((level + 0.055) / 1.055) ** 2.4
    damaged, clean = task(name).train(pack(flat(value)), 31, 64, 0, "cpu")(0)
    assert clean.min().item() == pytest.approx(level, abs=1e-6) == clean.max().item()
    # One pixel was cut off: the mosaic RGGB now begins with blue.
    red, blue = damaged[:, 0, 1::2, 1::2], damaged[:, 2, ::2, ::2]
    green = torch.cat([damaged[:, 1, ::2, 1::2].flatten(), damaged[:, 1, 1::2, ::2].flatten()])
    for measured in (red, green, blue):
        assert measured.mean().item() == pytest.approx(level, abs=0.002)
        assert measured.var().item() == pytest.approx(A * level + B, rel=0.03)
    between = damaged[:, 0, ::2, ::2]
    # In the outermost rows and columns as well: there the interpolation has all its neighbours.
    for part in (between, between[:, 0], between[..., 0], between[:, -1], between[..., -1]):
        assert part.mean().item() == pytest.approx(level, abs=0.005)
        assert part.var().item() == pytest.approx((A * level + B) / 4, rel=0.12)


def test_the_sensor_clips() -> None:
    seen, _ = task("dd").train(pack(flat(255)), 31, 64, 0, "cpu")(0)
    assert seen.max() == 1
    assert seen.mean().item() == pytest.approx(1 - math.sqrt((A + B) / (2 * math.pi)), abs=5e-4)


def test_the_interpolation_at_the_border_of_a_crop_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise a ramp comes out exactly inside a picture, and not at its border."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    ramp = (rows + 2 * columns).to(torch.uint8).expand(3, 64, 64).clone()
    monkeypatch.setattr(data, "noisy_bayer", functools.partial(data.noisy_bayer, a=0, b=0))
    damaged, clean = task("dd").train(pack(ramp), 31, 8, 0, "cpu")(0)
    torch.testing.assert_close(damaged[..., 8:-8, 8:-8], clean, rtol=0, atol=1e-6)
    down, across = damaged[:, :, 1:] - damaged[:, :, :-1], damaged[..., 1:] - damaged[..., :-1]
    torch.testing.assert_close(down, torch.full_like(down, 1 / 255), rtol=0, atol=1e-6)
    torch.testing.assert_close(across, torch.full_like(across, 2 / 255), rtol=0, atol=1e-6)


def test_damage_of_a_test_picture_depends_on_the_picture_alone() -> None:
    one, two = (photographs("embedded")["train"].raw(k)[:, :60, :70] for k in (0, 1))
    few, many = pack(one, test=[one]), pack(two, test=[two, two.flip(1), one])
    damage = task("dd").damage
    seen = damage(few, "test", 0)
    state = torch.random.get_rng_state()
    assert torch.equal(seen, damage(few, "test", 0))
    assert torch.equal(seen, damage(many, "test", 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    # Every picture has noise of its own.
    noise = [
        damage(many, "test", k) - data.demosaick_bilinear(data.bayer_mosaic(many["test"].picture(k))) for k in (0, 2)
    ]
    assert abs(float(torch.corrcoef(torch.stack([n.flatten() for n in noise]))[0, 1])) < 0.05


def test_noise_of_a_whole_picture_follows_its_light() -> None:
    clean = photographs("embedded")["train"].picture(1)
    seen = task("dd").damage(photographs("embedded"), "train", 1)
    assert seen.shape == clean.shape
    rows, columns = torch.meshgrid(*map(torch.arange, clean.shape[-2:]), indexing="ij")
    green = (rows + columns) % 2 == 1
    error, light = (seen - clean)[0, 1][green], clean[0, 1][green]
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7)):
        part = (light > low) & (light < high)
        assert (error[part].square() / (A * light[part] + B)).mean().item() == pytest.approx(1, abs=0.05)


def test_linear_light_and_the_way_back() -> None:
    which, photos = task("dd_linear"), photographs("embedded")
    display = photos["test"].picture(0)
    ((name, damaged, clean),) = tasks.test_pairs("dd_linear", photos, "test")
    assert name == photos["test"].names[0] == "rocket"
    torch.testing.assert_close(clean, data.srgb_decode(display))
    torch.testing.assert_close(which.show(clean), display, rtol=0, atol=1e-5)
    assert which.show(torch.tensor([-0.5, 1.5]).view(1, 1, 1, 2)).flatten().tolist() == [0, pytest.approx(1)]
    # The same noise is stronger in the shadows once it is encoded.
    dark = display.mean(dim=1, keepdim=True).expand_as(display) < 0.1
    shown, usual = which.show(damaged), task("dd").damage(photos, "test", 0)
    assert (shown - display)[dark].square().mean() > 1.5 * (usual - display)[dark].square().mean()
    for other in set(TASKS) - {"dd_linear"}:
        assert which.show is not task(other).show
        assert torch.equal(task(other).show(display), display) and torch.equal(task(other).see(display), display)


@pytest.mark.parametrize("name", ["sr2", "sr3", "sr3_bicubic"])
@pytest.mark.parametrize("shape", [(36, 48), (37, 50), (41, 47)])
def test_super_resolution_of_any_size(name: str, shape: tuple[int, int]) -> None:
    picture = photographs("embedded")["train"].raw(1)[:, 100 : 100 + shape[0], 100 : 100 + shape[1]]
    photos, factor = pack(test=[picture]), int(name[2])
    seen = task(name).damage(photos, "test", 0)
    assert seen.shape == (1, 3, *shape)
    clean = photos["test"].picture(0)
    even = [side // factor * factor for side in shape]
    start = "bicubic" if "bicubic" in name else "bilinear"
    cut = data.down_up(clean[..., : even[0], : even[1]], factor=factor, mode="bicubic", up=start)
    inside = slice(None, -4 * factor)  # what comes after depends on what is repeated
    torch.testing.assert_close(seen[..., : even[0], : even[1]][..., inside, inside], cut[..., inside, inside])
    assert 0 < (seen - clean).square().mean() < 0.02


@pytest.mark.parametrize("factor", [2, 3])
def test_both_starts_of_super_resolution_are_of_one_small_picture(factor: int) -> None:
    """Shrunk by bicubic interpolation, which leaves more aliasing and more detail than bilinear; also in training."""
    photos = pack(photographs("embedded")["train"].raw(1)[:, 96:132, 90:138].contiguous())  # 36 x 48
    clean = photos["train"].picture(0)
    shrink = functools.partial(torch.nn.functional.interpolate, size=(36 // factor, 48 // factor), antialias=True)
    for name, mode in ((f"sr{factor}", "bilinear"), (f"sr{factor}_bicubic", "bicubic")):
        start = torch.nn.functional.interpolate(shrink(clean, mode="bicubic"), size=(36, 48), mode=mode)
        torch.testing.assert_close(task(name).damage(photos, "train", 0), start, rtol=0, atol=1e-6)
        other = torch.nn.functional.interpolate(shrink(clean, mode="bilinear"), size=(36, 48), mode=mode)
        assert (start - other).abs().max() > 0.01


def test_pairs_are_spread_over_the_set() -> None:
    photos = photographs("embedded")
    names = [name for name, _, _ in tasks.test_pairs("jpeg", photos, "train", 2)]
    assert names == [photos["train"].names[k] for k in (0, 1)]
    for name, damaged, clean in tasks.test_pairs("jpeg", photos, "train"):
        index = photos["train"].names.index(name)
        assert torch.equal(clean, photos["train"].picture(index))
        assert torch.equal(damaged, photos["train/jpeg25"].picture(index))


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [
        (5, 0, [0, 1, 2, 3, 4]),
        (3, 9, [0, 1, 2]),
        (10, 3, [0, 3, 6]),
        (68, 16, [0, 4, 8, 12, 17, 21, 25, 29, 34, 38, 42, 46, 51, 55, 59, 63]),
        (4, 1, [0]),
    ],
)
def test_chosen(count: int, limit: int, expected: list[int]) -> None:
    assert chosen(count, limit) == expected


@pytest.mark.parametrize("kind", [RestorationCNN, SuperResolutionCNN])
def test_the_way_through_a_network_keeps_the_size(kind: type[RestorationCNN] | type[SuperResolutionCNN]) -> None:
    torch.manual_seed(0)
    network, margin = kind(4, residual=True), kind.margin
    picture = photographs("embedded")["test"].picture(0)[..., :37, :52]
    found = restore(network, picture)
    assert found.shape == picture.shape and not found.requires_grad
    inside = found[..., margin:-margin, margin:-margin]
    torch.testing.assert_close(inside, network(picture).detach(), rtol=0, atol=1e-6)
    with torch.no_grad():
        for parameter in network.layers[-1].parameters():
            parameter.zero_()
    assert torch.equal(restore(network, picture), picture)  # nothing is shifted, and no border is black


def test_photographs_are_kept() -> None:
    assert photographs("embedded") is photographs("embedded")
