"""Whatever a metric makes for itself lies where the images do."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest
import small_networks
import torch
from pictures import batch
from torch import Tensor

from lossedu import filters
from lossedu.metrics import ciede2000, dists, fsim, gmsd, iw_ssim, lpips, phase_congruency, psnr

METRICS: dict[str, Callable[..., Tensor]] = {
    "psnr": psnr,
    "gmsd": gmsd,
    "fsim": fsim,
    "fsimc": functools.partial(fsim, chromatic=True),
    "iw_ssim": iw_ssim,
    "ciede2000": ciede2000,
    "lpips": lpips,
    "lpips alexnet": functools.partial(lpips, net="alexnet"),
    "dists": dists,
}


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_networks.in_place():
        yield


@pytest.mark.parametrize(
    ("name", "channels"), [(name, c) for name in METRICS for c in (1, 3) if (name, c) != ("ciede2000", 1)]
)
def test_on_a_device_without_numbers(name: str, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's device "meta" knows shapes alone: it refuses tensors of the processor, and to read any number."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # not to be had there
    x = torch.empty(2, channels, 400, 164, device="meta", dtype=torch.float64, requires_grad=True)
    values = METRICS[name](x, torch.empty_like(x), reduction="none")
    assert (values.device.type, values.dtype, values.shape) == ("meta", torch.float64, (2,))
    (grad,) = torch.autograd.grad(values.sum(), x)
    assert (grad.device.type, grad.dtype) == ("meta", torch.float64)


@pytest.mark.parametrize("name", METRICS)
def test_under_another_default_device(name: str) -> None:
    phase_congruency.BANKS.clear()
    x, y = batch(2, 3, (164, 161))
    with torch.device("meta"):
        found = METRICS[name](x, y, reduction="none")
    assert torch.equal(found, METRICS[name](x, y, reduction="none"))


def test_the_window_of_iw_ssim(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device "meta" would filter with a window that lies elsewhere, and others would not."""
    asked = []
    make = filters.gaussian_window
    monkeypatch.setattr(filters, "gaussian_window", lambda *size, **where: asked.append(where) or make(*size, **where))
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    x = torch.empty(1, 1, 161, 161, device="meta", dtype=torch.float64)
    iw_ssim(x, x)
    assert asked == 5 * [{"dtype": x.dtype, "device": x.device}]
