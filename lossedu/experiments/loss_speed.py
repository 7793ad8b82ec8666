"""How long a value and its gradient take: MS-SSIM over a pyramid against the sigma trick, side by side.

Both take turns in one process, and the order changes every time, so that whatever else the machine does strikes both.
The time is that of a pixel of the output, since the smallest picture that five levels fit has 161 x 161 pixels: a
patch of 31 x 31, what the paper trains on, is too small for the pyramid.  `ratio` is the median over the repeats of
our time over the pyramid's: processor time, not the clock on the wall, but on a GPU.

``patches_16``, ``patches_64``
    Patches of 31 x 31 against the pyramid on a picture: of 161 x 161 pixels, and of 248 x 248, as many as 64 patches.
``map_256``
    A picture of 256 x 256 for both.
``step_64``
    A step of training: the network of the paper, forwards and backwards, with the loss on 64 patches (the trick as the
    paper has it, l1) or on one picture of as many pixels (the dense form, the pyramid).  Patches cost the network more:
    it needs 47 x 47 pixels for an output of 31 x 31.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .. import _validate, data, l1_loss, ms_ssim_loss, ms_ssim_sigma_loss
from ..nets import RestorationCNN

Loss = Callable[[Tensor, Tensor], Tensor]
Shape = tuple[int, int, int]  # pictures, height, width

_PATCH: Loss = partial(ms_ssim_sigma_loss, form="patch")
_MIRRORED: Loss = partial(ms_ssim_sigma_loss, padding="reflect")

#: Task -> arm -> the loss, and the number, height and width of the pictures it is given.
TASKS: dict[str, dict[str, tuple[Loss, Shape]]] = {
    "patches_16": {"ms_ssim": (_PATCH, (16, 31, 31)), "ms_ssim_dense": (_MIRRORED, (16, 31, 31))},
    "patches_64": {"ms_ssim": (_PATCH, (64, 31, 31)), "ms_ssim_dense": (_MIRRORED, (64, 31, 31))},
    "map_256": {"ms_ssim_dense": (ms_ssim_sigma_loss, (1, 256, 256))},
    "step_64": {
        "ms_ssim": (_PATCH, (64, 31, 31)),
        "ms_ssim_dense": (ms_ssim_sigma_loss, (1, 248, 248)),
        "l1": (l1_loss, (64, 31, 31)),
    },
}

#: Task -> the picture that the pyramid is given.
PYRAMIDS: dict[str, Shape] = {
    "patches_16": (1, 161, 161),
    "patches_64": (1, 248, 248),
    "map_256": (1, 256, 256),
    "step_64": (1, 248, 248),
}


def compare(task: str, arm: str, *, repeats: int, width: int, seed: int, device: str) -> dict[str, Any]:
    """Return the milliseconds of an arm and of the pyramid, and the ratio of their times for a pixel."""
    _validate.option("task", task, TASKS)
    _validate.option("arm", arm, TASKS[task])
    loss, shape = TASKS[task][arm]
    network = _network(width, seed).to(device) if task.startswith("step") else None
    contestants = [
        _turn(loss, shape, network, seed, device),
        _turn(ms_ssim_loss, PYRAMIDS[task], network, seed, device),
    ]
    ours, pyramid = interleaved(contestants, repeats, device)
    pixels = [n * height * wide for n, height, wide in (shape, PYRAMIDS[task])]
    ratios = [(a / pixels[0]) / (b / pixels[1]) for a, b in zip(ours, pyramid, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    return {
        "ms": round(1000 * statistics.median(ours), 4),
        "ms_pyramid": round(1000 * statistics.median(pyramid), 4),
        "pixels": pixels[0],
        "pixels_pyramid": pixels[1],
        "ratio": round(ratio, 4),
        "ratio_quartiles": [round(low, 4), round(high, 4)],
        "repeats": repeats,
        "threads": torch.get_num_threads(),
    }


def interleaved(turns: list[Callable[[], object]], repeats: int, device: str) -> list[list[float]]:
    """Return the seconds of every turn of each contestant; the first turns, which warm up, do not count."""
    seconds: list[list[float]] = [[] for _ in turns]
    clock = time.process_time if device == "cpu" else time.perf_counter
    for repeat in range(-2, repeats):
        order = range(len(turns)) if repeat % 2 else reversed(range(len(turns)))
        for number in order:
            _wait(device)
            start = clock()
            turns[number]()
            _wait(device)
            if repeat >= 0:
                seconds[number].append(clock() - start)
    return seconds


def _turn(loss: Loss, shape: Shape, network: RestorationCNN | None, seed: int, device: str) -> Callable[[], object]:
    """Return what takes a value and its gradient: in the image, or in the weights of a network."""
    n, height, width = shape
    margin = RestorationCNN.margin if network is not None else 0
    whole = data.downsample2(data.correlated_noise((n, 3, 2 * height, 2 * width), length=2.0, std=0.2, seed=seed)) + 0.5
    y = whole.to(device)
    x = torch.nn.functional.pad(y, [margin] * 4, mode="reflect")
    x = x + data.correlated_noise(x.shape, length=0.0, std=0.05, seed=seed + 1).to(device)
    if network is None:
        x.requires_grad_()
        return lambda: torch.autograd.grad(loss(x, y), x)
    weights = list(network.parameters())
    return lambda: torch.autograd.grad(loss(network(x), y), weights)


def _network(width: int, seed: int) -> RestorationCNN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RestorationCNN(width, residual=True)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
