"""What chapter 7 concludes in words.  If a new record turns one of these red, rewrite the sentence."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import data
from lossedu.experiments import doubt, retouch_pairs
from lossedu.experiments.retouch_losses import ARMS
from lossedu.instruments.steering import pull_sizes
from lossedu.ledger.evidence import Nets, paired
from lossedu.records import Record, load
from lossedu.reports import retouch_figures, tone_fit, verdicts
from lossedu.reports import retouching as retouched
from lossedu.reports.wording import estimate

NOTEBOOK = Path(__file__).parents[1] / "chapters" / "ch07-histogram-emd.ipynb"
Loss = Callable[[Tensor, Tensor], Tensor]
exact = partial(le.histogram_emd_loss, kernel="sort")


def noise(like: Tensor, seed: int) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed)).to(like)


def same_size(error: Tensor, rms: float = 0.02) -> Tensor:
    return error * rms / error.square().mean().sqrt()


def slope(loss: Loss, x: Tensor, y: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, y), leaf)[0] * y.numel()


def in_clothes_of(x: Tensor, y: Tensor) -> Tensor:
    ranks = x.flatten(2).argsort(dim=2).argsort(dim=2)
    return y.flatten(2).sort(dim=2).values.gather(2, ranks).view_as(x)


def cup() -> Tensor:
    return data.crop(data.photograph("coffee"), 110, 220, 72)


def turned(x: Tensor) -> Tensor:
    blue = x[:, 2:].flatten(2)
    ranks = blue.argsort(dim=2).argsort(dim=2)
    back = blue.sort(dim=2, descending=True).values.gather(2, ranks)
    return torch.cat([x[:, :2], back.view_as(x[:, 2:])], dim=1)


# The question, and what it cannot see


def test_nothing_is_left_open() -> None:
    text = NOTEBOOK.read_text("utf8")
    assert "TODO" not in text and "ALT_" not in text and "_TEXT" not in text


def test_one_of_the_two_is_free_and_the_other_costs_two_hundredths() -> None:
    photo = cup()
    other = data.crop(data.downsample2(data.photograph("astronaut")), 18, 72, 72)
    pair = [in_clothes_of(other, photo), photo + 0.02]
    assert [float(exact(z, photo)) for z in pair] == pytest.approx([0, 0.02], abs=1e-6)
    random.Random(7).shuffle(pair)
    assert float(exact(pair[0], photo)) == 0, "the text of the figure says that A is the face"


def test_channels_turned_against_each_other_are_seen_by_projections_alone() -> None:
    photo = cup()
    assert float(exact(turned(photo), photo)) == 0
    assert float(le.sliced_emd_loss(turned(photo), photo, directions=64)) > 0.02
    mixed = photo.flatten(2)[..., torch.randperm(72 * 72, generator=torch.Generator().manual_seed(0))].view_as(photo)
    assert float(le.sliced_emd_loss(mixed, photo, directions=64)) < 1e-6


# What a sharp kernel leaves, and the ends


def test_sharp_kernels_tell_few_pixels_loudly_and_all_on_average_the_same() -> None:
    y = 0.1 + 0.8 * torch.rand(1, 1, 100, 200, generator=torch.Generator().manual_seed(0)).double()
    x = 0.95 * y
    share = {}
    for part in (2.5, 1000 / 256, 100, 1000):
        g = slope(partial(le.histogram_emd_loss, kernel="logistic", bandwidth=1 / 256 / part), x, y)
        assert float(g.mean()) == pytest.approx(-1, abs=0.03)
        share[part] = float((g.abs() > 1e-3).double().mean())
        by_formula = (part / 6) ** 0.5
        rms = float(g.square().mean().sqrt())
        assert rms == pytest.approx(by_formula, rel=0.02) if part >= 100 else rms > 1.2 * by_formula
    assert share[2.5] == share[1000 / 256] == 1 and 0.1 < share[100] < 0.3 and share[1000] < 0.05


def test_a_black_pixel_is_pushed_darker_about_a_hundred_times_as_hard() -> None:
    y = torch.linspace(0.02, 0.98, 2000).double().view(1, 1, 40, 50)
    x = 0.9 * y
    x[..., :4] = 0
    found = {
        (width, mirror): float(
            slope(partial(le.histogram_emd_loss, kernel="logistic", bandwidth=width, mirror=mirror), x, y)[0, 0, 0, 0]
        )
        for width in (1 / 640, 1e-3)
        for mirror in (False, True)
    }
    assert 100 < found[1 / 640, False] < 160 and found[1e-3, False] > 150
    assert all(abs(found[width, True]) < 1e-6 for width in (1 / 640, 1e-3))
    inside = slope(partial(le.histogram_emd_loss, kernel="logistic", mirror=False), x, y)[0, 0, 20:30, 4:]
    assert float(inside.mean()) == pytest.approx(-1, abs=0.05)


def test_numbers_in_the_text() -> None:
    assert 256 / 0.05 == 5120 and 1 / 0.05 == 20 and 2.5 * 256 / 4 == 160
    assert round(2 * 0.05 / 256, 4) == 0.0004 and 256 / 2 == 128


def test_the_sun() -> None:
    y = torch.full((1, 1, 100, 100), 0.3).double()
    y[..., :10, :10] = 0.9
    x = y.clone()
    x[..., :10, :10] = 0.7

    def squares(a: Tensor, b: Tensor) -> Tensor:
        f, g = (le.soft_histogram(z).cumsum(-1) for z in (a, b))
        return (f - g).square().sum(dim=-1).mean() / 255

    assert float(le.histogram_emd_loss(x, y)) == pytest.approx(0.01 * 0.2)
    assert float(slope(le.histogram_emd_loss, x, y)[0, 0, 5, 5]) == pytest.approx(-1)
    assert float(squares(x, y)) == pytest.approx(0.01**2 * 0.2, rel=0.02)
    assert float(slope(squares, x, y)[0, 0, 5, 5]) == pytest.approx(-0.01, abs=0.012)


def test_bin_by_bin_is_blind_beyond_the_width_of_the_heap() -> None:
    y = (0.3 + 0.03 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))).double()

    def apart(d: float) -> float:
        p, q = (le.soft_histogram(z, bins=64, kernel="logistic") for z in (y + d, y))
        return float((p - q).abs().sum())

    assert apart(0.15) > 0.95 * apart(0.5) and apart(0.25) == pytest.approx(apart(0.5), rel=1e-3)


# Prices


def test_on_flat_ground_it_is_l1_and_on_a_photograph_the_ranks_decide() -> None:
    for level in (0.1, 0.5, 0.9):
        ours, theirs = (le.price(f, level=level, frequencies=[1 / 32, 0.5], size=64) for f in (exact, le.l1_loss))
        assert ours.uniform == pytest.approx(theirs.uniform) and torch.allclose(ours.values, theirs.values)
    photo = data.crop(data.photograph("astronaut"), 60, 150, 96).double()
    column = torch.arange(96).double() / 8
    errors = {
        "brighter": torch.ones_like(photo),
        "redder": torch.tensor([1.0, -1.0, 0.0]).double().view(1, 3, 1, 1).expand_as(photo),
        "contrast": photo - photo.mean(),
        "slow": torch.sin(2 * math.pi * column / 8).expand_as(photo),
        "wave": torch.sin(2 * math.pi * column).expand_as(photo),
        "noise": noise(photo, 0),
        "blur": le.gaussian_blur(photo, 1.5) - photo,
    }

    def share(name: str, rms: float = 0.02, y: Tensor = photo) -> float:
        x = y + same_size(errors[name], rms)
        return float(exact(x, y) / le.l1_loss(x, y))

    assert all(share(name) == pytest.approx(1, abs=1e-9) for name in ("brighter", "redder", "contrast"))
    assert 0.05 < share("wave") < 0.2 and 0.05 < share("noise") < 0.2
    assert 0.3 < share("slow") < 0.5 and 0.4 < share("blur") < 0.6
    assert share("noise", 0.005) > 2 * share("noise")
    dithered = photo + (torch.rand(photo.shape, generator=torch.Generator().manual_seed(1)).double() - 0.5) / 255
    assert share("noise", 0.005, dithered) < 0.6 * share("noise", 0.005), "it is the 256 levels"


# Choice


def test_where_the_values_are_is_left_to_the_start() -> None:
    edges = doubt.edges(reach=4, height=10, width=40)
    start = torch.rand(edges[:1].shape, generator=torch.Generator().manual_seed(2))
    from_mean, from_noise = (le.bayes_act(exact, edges, steps=100, init=init) for init in (None, start))
    assert bool((from_mean[..., :19] < 0.3).all() and (from_mean[..., 21:] > 0.7).all())
    spread = from_noise.flatten().sort().values
    assert bool((spread[:180] < 0.3).all() and (spread[220:] > 0.7).all())
    assert float(from_noise[..., :20].mean()) > 0.4
    costs = [float(sum(exact(act, one[None]) for one in edges)) for act in (from_mean, from_noise)]
    assert costs[0] == pytest.approx(costs[1], rel=0.05)


def test_contrast_comes_back_as_far_as_the_weight_reaches() -> None:
    grass = doubt.textures("grass", reach=2, top=200, left=200, size=42)
    mean = grass.mean(dim=0, keepdim=True)
    contrast, moved = {}, {}
    for weight in (0.05, 0.2, 1.0):
        act = le.bayes_act(lambda x, y, w=weight: le.mse_loss(x, y) + w * exact(x, y), grass, steps=100, lr=0.02)  # type: ignore[misc]
        contrast[weight], moved[weight] = float(act.std()), float((act - mean).abs().max())
    assert float(mean.std()) < contrast[0.05] < contrast[0.2] <= contrast[1.0] * 1.02
    assert moved[0.05] == pytest.approx(0.025, abs=3e-3) and moved[0.2] == pytest.approx(0.1, abs=5e-3)
    assert 0.1 < moved[1.0] < 0.5


# Pull


def test_it_does_not_let_go_and_with_bins_it_does_outside() -> None:
    ground = (0.2 + 0.5 * data.crop(data.photograph("coffee"), 100, 200, 48)).double()
    for offset in (0.02, 0.3, 1.5):
        for side in (1, -1):
            pull = float(slope(exact, ground + side * offset, ground).mean())
            assert pull == pytest.approx(side)
    assert float(slope(le.histogram_emd_loss, ground + 1.0, ground).abs().max()) == 0


def test_all_weights_of_the_paper_leave_squared_error_a_bystander() -> None:
    y = (0.1 + 0.8 * data.crop(data.photograph("astronaut"), 60, 150, 64)).double()
    for gamma in (1.05, 1.2, 1.5):
        x = y**gamma + 0.01 * noise(y, 1)
        one, other = (float(pull_sizes(loss, x, y)) for loss in (le.mse_loss, exact))
        assert 25.6 * other / (25.6 * other + one) > 0.98
        assert other / (other + one) > 0.75


# Gallery


def test_the_audit_finds_counting() -> None:
    def counted(x: Tensor, y: Tensor) -> Tensor:
        f, g = (torch.histc(z.detach(), 256, 0, 1).cumsum(0) for z in (x, y))
        return (f - g).abs().mean() / x.numel()

    assert le.audit(counted).findings[0].name == "no gradient"


def test_small_crops_are_nearly_l1_and_pooled_batches_hide_errors() -> None:
    y = torch.cat([data.crop(data.photograph(n), 60, 150, 128) for n in ("astronaut", "chelsea", "coffee")]).double()
    x = y + 0.05 * noise(y, 4)

    def by_crops(side: int) -> float:
        cut = [z.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5) for z in (x, y)]
        return float(exact(*(z.reshape(-1, 3, side, side) for z in cut)))

    costs = [by_crops(side) for side in (128, 32, 8, 1)]
    assert costs == sorted(costs) and costs[0] < 0.4 * costs[-1]
    assert costs[-1] == pytest.approx(float(le.l1_loss(x, y)))
    one = data.crop(data.photograph("coffee"), 100, 200, 64).double() * 0.8 + 0.1
    batch, moods = torch.cat([one, one]), torch.cat([one + 0.08, one - 0.08])
    pooled = exact(*(z.transpose(0, 1).reshape(1, 3, 128, 64) for z in (moods, batch)))
    assert float(exact(moods, batch)) == pytest.approx(0.08) and float(pooled) < 0.05


# The record


@pytest.fixture(scope="module")
def networks() -> Record:
    return load("retouching-cpu")


HISTOGRAM_ARMS = [arm for arm in ARMS if arm not in ("l2", "vgg", "ssim")]


def mean(record: Record, task: str, arm: str, column: str = "psnr", where: str = "test") -> float:
    return float(np.mean(retouched.values(record, task, arm, column, where)))


@pytest.mark.parametrize("task", ["certain", "moody", "hdr"])
def test_every_histogram_arm_is_below_l2_also_on_training_pictures(networks: Record, task: str) -> None:
    for arm in set(HISTOGRAM_ARMS) & set(retouched.arms_of(networks, task)):
        for where in ("test", "train"):
            assert mean(networks, task, arm, where=where) < mean(networks, task, "l2", where=where), (arm, where)
        if task != "hdr":
            assert mean(networks, task, arm, "emd") > mean(networks, task, "l2", "emd"), arm
    ahead = retouched.lead(networks, "hdr", "unit_mirror", "l2", "emd", how="percent")
    assert -3 < ahead.mean < 0 < ahead.high


def test_the_printed_weight_is_below_the_untouched_picture_where_the_target_is_certain(networks: Record) -> None:
    assert mean(networks, "certain", "printed") < mean(networks, "certain", "input")
    assert mean(networks, "moody", "printed") == min(mean(networks, "moody", arm) for arm in retouch_figures.DRAWN)


def folds(record: Record, task: str, arm: str) -> list[float]:
    """Return by seed how far the mean tone curve falls back below what it has reached."""
    curves = retouch_figures.mean_curves(record, task, arm)
    return [float((np.maximum.accumulate(curve) - curve).max()) for curve in curves]


def test_weights_in_bins_fold_the_tones(networks: Record) -> None:
    for task in ("certain", "moody"):
        for arm in set(retouch_figures.DRAWN) & set(retouched.arms_of(networks, task)):
            curve = retouch_figures.mean_curves(networks, task, arm).mean(axis=0)
            assert (np.diff(curve).min() < -0.01) == (arm == "printed"), (task, arm)
    assert min(folds(networks, "certain", "printed")) > 0.1
    hardly, by_a_tenth, deeply = sorted(folds(networks, "moody", "printed"))
    assert hardly < 0.01 and by_a_tenth == pytest.approx(0.1, abs=0.02) and deeply > 0.5
    for arm in ("printed_k50", "printed_k100", "printed_01", "printed_10"):
        assert 0.1 < max(folds(networks, "moody", arm)) < deeply, arm
    for arm in ("unit", "unit_mirror", "sharp", "sort"):
        assert max(folds(networks, "moody", arm)) < 0.01, arm


def secured(record: Record, task: str, arm: str, column: str, where: str = "test") -> bool:
    found = retouched.lead(record, task, arm, "l2", column, where=where)
    return not found.low <= 0 <= found.high


def test_histograms_are_no_nearer_and_not_shown_to_be_further(networks: Record) -> None:
    for task in ("certain", "moody", "hdr"):
        for arm in set(HISTOGRAM_ARMS) & set(retouched.arms_of(networks, task)):
            assert not secured(networks, task, arm, "emd"), (task, arm)
    for arm in ("printed", "printed_k50", "printed_k100", "printed_01", "printed_10"):
        assert 0 < 1000 * retouched.lead(networks, "moody", arm, "l2", "emd").mean < 2, arm
    for arm in ("printed", "unit_mirror"):
        assert retouched.lead(networks, "moody", arm, "l2", "emd", where="train").low > 0
    views = paired(networks, Nets("printed", "hdr"), Nets("l2", "hdr"), "emd", "train_views").values
    assert len(views) == 3 and all(value < 0 for value in views.values())
    assert retouched.lead(networks, "hdr", "printed", "l2", "emd", where="train").high < 0


def test_each_printed_network_is_below_the_untouched_picture(networks: Record) -> None:
    (untouched,) = retouched.values(networks, "certain", "input", "psnr")
    by_seed = retouched.values(networks, "certain", "printed", "psnr")
    assert max(by_seed) < untouched and by_seed[0] == min(by_seed)


def test_weights_in_bins_widen_a_little_and_ssim_most(networks: Record) -> None:
    bins = ("printed", "printed_k50", "printed_k100", "printed_01", "printed_10")
    gaps = [retouched.lead(networks, "moody", arm, "l2", "spread") for arm in bins]
    assert all(0.025 < gap.mean < 0.055 for gap in gaps) and sum(gap.low > 0 for gap in gaps) == 3
    uncertain = retouched.lead(networks, "moody", "printed_mirror", "l2", "spread")
    assert uncertain.high - uncertain.mean > 0.1
    for arm in ("unit", "unit_mirror", "sharp", "sort"):
        assert retouched.lead(networks, "moody", arm, "l2", "spread").mean < 0
    most = retouched.lead(networks, "moody", "ssim", "l2", "spread")
    assert most.low > 0 and most.mean > max(gap.mean for gap in gaps)


def test_the_picture_of_the_printed_term_comes_second_in_its_histogram(networks: Record) -> None:
    row = retouch_figures.distances(networks).splitlines()[-1]
    untouched, squares, printed, mended, ssim = (int(cell) for cell in row.split("|")[2:-1])
    assert 0 < squares < printed <= min(mended, ssim) and printed < untouched / 4


def test_the_network_task_is_no_test_of_black_pixels() -> None:
    for name in ("rocket", "coffee"):
        assert float(retouch_pairs.shown(name).x.min()) > 0


def test_clipped_curves_are_further_off_with_the_printed_term(networks: Record) -> None:
    target = networks.scores["moody-input-0@curve"].astype(np.float64).mean(axis=0)
    for seed in range(3):
        off = []
        for arm in ("printed", "l2"):
            curve = networks.scores[f"moody-{arm}-{seed}@curve"].astype(np.float64).clip(0, 1).mean(axis=0)
            off.append(float(np.sqrt(np.mean((curve - target) ** 2))))
        assert off[0] > 1.2 * off[1]


def test_a_smaller_weight_is_better_and_bins_make_no_difference_that_shows(networks: Record) -> None:
    tenth = retouched.lead(networks, "moody", "printed_01", "printed")
    assert tenth.low > 0.5 and tenth.mean == pytest.approx(1, abs=0.15)
    assert mean(networks, "moody", "unit") > mean(networks, "moody", "printed_01")
    for arm in ("printed_k50", "printed_k100"):
        found = retouched.lead(networks, "moody", arm, "printed")
        assert found.low < 0 < found.high
    for arm in ("unit", "sharp", "sort"):
        found = retouched.lead(networks, "moody", arm, "unit_mirror")
        assert found.low < 0 < found.high


def test_ssim_is_ahead_and_vgg_changes_little_where_moods_are_hidden(networks: Record) -> None:
    assert retouched.lead(networks, "moody", "ssim", "l2").low > 0.5
    assert -0.5 < retouched.lead(networks, "moody", "ssim", "l2", "de00").high < 0
    assert retouched.lead(networks, "moody", "ssim", "l2", "emd").high < 0
    level = retouched.lead(networks, "moody", "ssim", "l2", where="train")
    assert abs(level.mean) < 0.1 and level.low < 0 < level.high
    gap = {arm: abs(mean(networks, "moody", arm, "colour") - 1) for arm in ("ssim", "l2")}
    assert gap["ssim"] < gap["l2"]
    vgg = retouched.lead(networks, "moody", "vgg", "l2")
    assert vgg.low < 0 < vgg.high and abs(vgg.mean) < 0.2


def test_verdicts_that_the_text_names() -> None:
    words = {name: row["verdict"] for name, row in verdicts.rows().items()}
    assert words["M5"] == "supported"
    assert {words[name] for name in ("M1", "M4", "M6", "M7")} == {"inconclusive"}
    assert {words[name] for name in ("M8", "M9")} == {"not replicated"}


def test_black_decides_whether_a_fit_goes_wrong() -> None:
    record = load("tone_fit-cpu")
    text = tone_fit.fit_table(record)
    rows = {line.split("|")[1].strip(): line.split("|")[2:] for line in text.splitlines() if line.startswith("| ")}

    def plain_and_mirrored(condition: str) -> list[float]:
        return [float(rows[condition][place].split()[0]) for place in (1, 2)]

    for condition in ("a fifth black, no lift", "nothing cut to black, lift", "nothing cut to black, no lift"):
        plain, mirrored = plain_and_mirrored(condition)
        assert plain < 0.5 and abs(plain - mirrored) < 0.05, condition
    for condition in ("a fifth black, lift", "not darkened, a fifth black, lift free"):
        plain, mirrored = plain_and_mirrored(condition)
        assert plain > 3 and mirrored < 0.5, condition
    assert plain_and_mirrored("a fifth black, no lift, pixels raised to 0.001 before the power")[0] > 10


def test_where_plain_and_mirrored_kernels_are_not_told_apart() -> None:
    record = load("tone_fit-cpu")
    unsecured = set()
    for task, condition in record.settings["conditions"].items():
        both = (tone_fit.column(record, task, arm, "error") for arm in ("plain", "mirror"))
        gap = estimate((next(both) - next(both)).tolist())
        if (condition["lift"] or condition["guard"]) and gap.low <= 0:
            unsecured.add(task)
    # In the last nothing is cut to black.
    assert unsecured == {"night_lift", "wide_lift", "dark_lift"}


def test_with_shared_bins_the_cumulative_distance_leads_from_both_main_starts() -> None:
    record = load("tone_fit-cpu")
    budget = record.settings["steps"]
    late = {}
    for start in ("far", "near", "apart"):
        for loss in ("cdf", "bins_l1", "bins_l2"):
            steps = tone_fit.column(record, start, f"{loss}_linear", tone_fit.A_TENTH)
            late[start, loss] = (float(np.median(steps)), float((steps >= budget).mean()))
    for start in ("far", "near"):
        for loss in ("bins_l1", "bins_l2"):
            assert late[start, loss][0] > 3 * late[start, "cdf"][0]
    assert min(late["near", loss][1] for loss in ("bins_l1", "bins_l2")) > 0.5
    assert late["apart", "bins_l1"][1] == 1


def test_the_cumulative_distance_always_gets_to_a_tenth() -> None:
    lines = [line.split("|") for line in tone_fit.steps_table(load("tone_fit-cpu")).splitlines() if "| " in line]
    cumulative = [line for line in lines if "cumulative" in line[2]]
    assert len(cumulative) == 3 and all("(" not in line[place] for line in cumulative for place in (3, 6))
