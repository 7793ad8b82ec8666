"""What is watched while a network runs away, and why SSIM lets it: a picture and its negative are nearly the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from experiment_toys import here
from pictures import photo
from torch import Tensor

import lossedu as le
from lossedu.experiments import arms, runaway, trial
from lossedu.experiments.gain import loss_pull
from lossedu.metrics import psnr
from lossedu.training import read_checkpoint

PLACES = (("chelsea", 110, 150), ("coffee", 150, 280), ("astronaut", 60, 200), ("rocket", 120, 300))


def patches() -> Tensor:
    """What cameras see: edges, and much that is smooth."""
    return torch.cat([photo(name, 31, top=top, left=left) for name, top, left in PLACES]).float()


def textures() -> Tensor:
    pieces = [photo(name, 31, top=60, left=60) for name in ("grass", "gravel")]
    return torch.cat(pieces).float().expand(-1, 3, -1, -1).contiguous()


@pytest.mark.parametrize("name", ["ssim_5", "ssim_9"])
def test_ssim_takes_a_texture_and_its_negative_for_nearly_the_same(name: str) -> None:
    """Both factors change their sign, and their product does not: about 0.95 where PSNR is 0 dB."""
    clean, loss = textures(), arms.loss(name)
    assert 0.93 < 1 - loss(-clean, clean).item() < 1
    assert psnr(-clean, clean).max() < 10
    # It pulls next to nothing there, where l1 pulls as ever,
    assert loss_pull(loss, -clean, clean) < 0.1 * loss_pull(loss, 0.5 * clean, clean)
    assert loss_pull(arms.loss("l1"), -clean, clean) == pytest.approx(1, rel=1e-3)
    # and every way back leads uphill: a blank picture is far worse.
    assert loss(torch.zeros_like(clean), clean) > 0.99
    # The negative of a photographer, 1 - y, is another matter.
    assert loss(1 - clean, clean) > 1.5


def test_the_smoother_the_picture_and_the_smaller_the_window_the_sooner_ssim_can_tell() -> None:
    r"""SSIM(-y, y) = (2 m² - C1)(2 v - C2) / ((2 m² + C1)(2 v + C2)): it takes variance in the window, C2 = 0.0009."""
    clean = patches()
    for sigma in (1.0, 5.0, 9.0):
        wide = torch.nn.functional.pad(clean.double(), [15] * 4, mode="reflect")
        m = le.gaussian_blur(wide, sigma, kernel_size=31, padding="valid")
        v = le.gaussian_blur(wide * wide, sigma, kernel_size=31, padding="valid") - m * m
        expected = (2 * m * m - 1e-4) * (2 * v - 9e-4) / ((2 * m * m + 1e-4) * (2 * v + 9e-4))
        found = 1 - arms.loss(f"ssim_{sigma:g}")(-clean, clean).item()
        assert found == pytest.approx(expected.mean().item(), abs=2e-5)
    narrow, middle, wide_ = (1 - arms.loss(f"ssim_{k}")(-clean, clean).item() for k in (1, 5, 9))
    assert narrow < 0.1 < 0.4 < middle < wide_ < 0.7
    assert psnr(-clean, clean).mean() < 10


def test_one_channel_alone_may_turn_over() -> None:
    clean = textures()
    turned = clean * torch.tensor([1.0, -1.0, 1.0]).view(1, 3, 1, 1)
    assert arms.loss("ssim_5")(turned, clean) < 0.03
    found = runaway.course_of(arms.loss("ssim_5"))(lambda x: turned, lambda step: (clean, clean))(1)  # type: ignore[arg-type]
    assert found["gain"] == pytest.approx([1, -1, 1])
    assert found["offset"][0] == found["offset"][2] == 0
    assert found["offset"][1] == pytest.approx(-2 * clean[:, 1].mean().item(), rel=1e-3)


@pytest.mark.parametrize(("gain", "shift"), [(-1.0, 0.0), (0.0, 0.5), (1.0, 0.0), (0.25, -0.1)])
def test_what_is_watched(gain: float, shift: float) -> None:
    clean, seen = patches(), []

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        seen.append(step)
        return torch.zeros(1), clean

    at = runaway.course_of(arms.loss("l1"))(lambda damaged: gain * clean + shift, batch_at)  # type: ignore[arg-type]
    found = at(5)
    assert seen == [-1]  # one batch, once, that training never sees
    assert found["gain"] == pytest.approx([gain] * 3, abs=1e-5)
    means = clean.mean(dim=(0, 2, 3))
    assert found["offset"] == pytest.approx(((gain - 1) * means + shift).tolist(), abs=1e-3)
    assert found["loss"] == pytest.approx((gain * clean + shift - clean).abs().mean().item(), rel=1e-3, abs=1e-6)
    assert found["pull"] == pytest.approx(0 if gain == 1 else 1, rel=1e-3)


def test_the_ways_of_failing() -> None:
    jobs = runaway.jobs("cpu", seeds=2)
    assert len(jobs) == 3 * 2 * len(runaway.ARMS)
    shapes = {
        job.options["label"]["task"]: tuple(job.options[key] for key in ("width", "residual", "lr", "schedule"))
        for job in jobs
    }
    assert shapes == {
        "wide": (64, True, 2e-3, "cosine"),
        "warm": (64, True, 2e-3, "warm"),
        "plain": (16, False, 1e-3, "cosine"),
    }
    assert {job.options["warmup"] for name in runaway.SCALES for job in runaway.jobs(name)} == {0}
    small = {job.options["width"] for scale in ("smoke", "quick") for job in runaway.jobs(scale)}
    assert small == {runaway.SCALES["smoke"].width, runaway.SCALES["quick"].width}
    assert [job.name for job in runaway.jobs("smoke", tasks=["plain"], arms=["l1"])] == ["plain-l1-0"]


@pytest.mark.parametrize("condition", runaway.TASKS)
def test_the_schedule_arrives(condition: str, tmp_path: Path) -> None:
    (job,) = runaway.jobs("smoke", tasks=[condition], arms=["l1"])
    trial.fit(trial.new_network(job.options), job.options, here(tmp_path))
    kept = read_checkpoint(tmp_path / "network.pt")["settings"]
    assert (kept["schedule"], kept["lr"]) == ("warm" if condition == "warm" else "cosine", job.options["lr"])


def test_one_run(tmp_path: Path) -> None:
    (job,) = runaway.jobs("smoke", tasks=["plain"], arms=["ssim_9"])
    entry, _ = runaway.perform(job, here(tmp_path))
    assert (entry["task"], entry["arm"]) == ("plain", "ssim_9")
    assert [row[0] for row in entry["watched"]] == [1, 2, 3, 4]
    assert set(entry["watched"][0][1]) == {"loss", "pull", "gain", "offset"}
    # Watching changes nothing.
    network = trial.new_network(job.options)
    trial.fit(network, job.options, here(tmp_path / "alone"))
    watched = trial.network_of(tmp_path, job.options)
    for a, b in zip(watched.parameters(), network.parameters(), strict=True):
        assert torch.equal(a, b)
