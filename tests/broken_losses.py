"""Losses with one known fault each, written out: what `le.audit` must find.

The faults are those of published posts, ports and libraries; the code is not theirs.
"""

from __future__ import annotations

import math
from typing import Any

import pytorch_msssim
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def window(size: int = 11, sigma: float = 1.5) -> Tensor:
    place = torch.arange(size, dtype=torch.float32) - size // 2
    weights = torch.exp(-(place**2) / (2 * sigma**2))
    return torch.outer(weights, weights) / weights.sum() ** 2


def naive_ssim(x: Tensor, y: Tensor, val_range: float = 255, border: int = 5) -> Tensor:
    """SSIM as a thousand posts write it: zero padding, float32 window, E[xy] - E[x]E[y]."""
    channels = x.shape[1]
    kernel = window().expand(channels, 1, 11, 11).contiguous()

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(z, kernel, padding=border, groups=channels)

    mu_x, mu_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mu_x**2, blur(y * y) - mu_y**2, blur(x * y) - mu_x * mu_y
    c1, c2 = (0.01 * val_range) ** 2, (0.03 * val_range) ** 2
    scores = (2 * mu_x * mu_y + c1) * (2 * cov + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))
    return scores.mean()


class PostGaussian(nn.Module):
    """The window of a post: torch.exp of a Python number."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        taps = torch.tensor([torch.exp(-((k - 5) ** 2) / 4.5) for k in range(11)])  # type: ignore[arg-type]
        return F.mse_loss(x, y) * taps.sum()


class MseAndSsim(nn.Module):
    """Its second example once the window is mended: half of the weight on SSIM with constants for 0 to 255."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return 0.5 * F.mse_loss(x, y) + 0.5 * (1 - naive_ssim(x, y))


def tone_curve(x: Tensor, y: Tensor, bins: int = 16) -> Tensor:
    """Its histogram term: counting has no derivative, and what lies outside is not counted."""
    h_x, h_y = torch.histc(x, bins=bins, min=0, max=1), torch.histc(y, bins=bins, min=0, max=1)
    return F.mse_loss(h_x / h_x.sum(), h_y / h_y.sum())


class WithTone(nn.Module):
    """Its third example once the window is mended."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return 0.3 * F.mse_loss(x, y) + 0.3 * (1 - naive_ssim(x, y)) + 0.4 * tone_curve(x, y)


def filters(count: int = 16, seed: int = 0) -> nn.Sequential:
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, count, 3, padding=1), nn.ReLU(), nn.Conv2d(count, count, 3, padding=1))
    torch.set_rng_state(state)
    return net


class NoReturn(nn.Module):
    """A content loss that computes and returns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.features = filters()

    def forward(self, x: Tensor, y: Tensor) -> None:
        F.mse_loss(self.features(x), self.features(y).detach())


class TrainableFeatures(nn.Module):
    """The same with its return: the network is left trainable and sees raw pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = filters()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(self.features(x), self.features(y).detach())


class SquaredTV(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
        return (rows.square().sum() + columns.square().sum()) / x.numel()


def isotropic_tv(x: Tensor) -> Tensor:
    """The root of a sum of squares: infinite slope on flat ground."""
    rows, columns = x[..., 1:, :-1] - x[..., :-1, :-1], x[..., :-1, 1:] - x[..., :-1, :-1]
    return (rows**2 + columns**2).sqrt().mean()


def gmsd(x: Tensor, y: Tensor) -> Tensor:
    """Prewitt gradients with sqrt, standard deviation with sqrt."""
    prewitt = torch.tensor([[1.0, 0, -1]]).repeat(3, 1) / 3
    kernels = torch.stack([prewitt, prewitt.T])[:, None].to(x)

    def magnitude(z: Tensor) -> Tensor:
        slopes = F.conv2d(F.avg_pool2d(z.mean(dim=1, keepdim=True), 2), kernels, padding=1)
        return slopes.square().sum(dim=1).sqrt()

    a, b, c = magnitude(x), magnitude(y), 170 / 255**2
    similarity = (2 * a * b + c) / (a**2 + b**2 + c)
    return (similarity - similarity.mean(dim=(1, 2), keepdim=True)).square().mean(dim=(1, 2)).sqrt().mean()


def fsim(x: Tensor, y: Tensor) -> Tensor:
    """1 - FSIM in miniature: a weighted mean whose weights vanish on flat ground."""

    def energy(z: Tensor) -> Tensor:
        return (z.mean(dim=1) - F.avg_pool2d(z.mean(dim=1, keepdim=True), 5, 1, 2)[:, 0]).abs() ** 2

    inner = (slice(None), slice(4, -4), slice(4, -4))
    a, b = energy(x)[inner], energy(y)[inner]
    weight = torch.maximum(a, b) * (torch.maximum(a, b) > 1e-9)
    similarity = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    return 1 - (similarity * weight).sum() / weight.sum()


def psnr(x: Tensor, y: Tensor) -> Tensor:
    return -10 * torch.log10(1 / F.mse_loss(x, y))


def negative_cs(x: Tensor, y: Tensor) -> Tensor:
    """A fractional power of what is negative for an inverted image."""
    a, b = x - x.mean(dim=(2, 3), keepdim=True), y - y.mean(dim=(2, 3), keepdim=True)
    cs = (2 * (a * b).mean(dim=(2, 3)) + 9e-4) / (a.square() + b.square() + 9e-4).mean(dim=(2, 3))
    return 1 - (cs**0.2856).mean()


class Seven(torch.autograd.Function):
    """A square with a wrong backward."""

    @staticmethod
    def forward(ctx: Any, e: Tensor) -> Tensor:
        ctx.save_for_backward(e)
        return e.square()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        return g * ctx.saved_tensors[0]  # the 2 is missing


def wrong_backward(x: Tensor, y: Tensor) -> Tensor:
    return Seven.apply(x - y).mean()


def detached_term(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y) + 0.1 * F.l1_loss(x.detach(), y)


def item_term(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y) + 0.1 * abs((x - y).mean().item())


def no_grad_term(x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        level = (x.mean() - y.mean()).abs()
    return F.mse_loss(x, y) + 0.1 * level


def rounded_term(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y) + ((8 * x).round() - (8 * y).round()).square().mean() / 64


def counted_term(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y) + 0.1 * ((x > 0.5).float().mean() - (y > 0.5).float().mean()).square()


def stop_gradient_weight(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y) ** 2 / (x.detach() + 0.1) ** 2).mean()


def straight_through(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x + ((255 * x).round() / 255 - x).detach(), y)


def wraps(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y) ** 2).float().mean()


def in_place(x: Tensor, y: Tensor) -> Tensor:
    return x.sub_(y).square().mean()


def views(x: Tensor, y: Tensor) -> Tensor:
    return (x.view(len(x), -1) - y.view(len(y), -1)).square().mean()


def raw_memory(x: Tensor, y: Tensor) -> Tensor:
    """Reads the storage in memory order, whatever the strides: rows of neighbours that are none."""

    def flat(z: Tensor) -> Tensor:
        return z.as_strided((z.numel(),), (1,), z.storage_offset())

    return (flat(x).diff() - flat(y).diff()).square().mean()


class Counts(nn.Module):
    """A weight that grows with every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        return F.mse_loss(x, y) * self.calls


class Normalised(nn.Module):
    """Batch normalisation in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, affine=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(self.norm(x), self.norm(y))


class Dropped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(self.drop(x), y)


def range_from_data(x: Tensor, y: Tensor) -> Tensor:
    width = float(y.max() - y.min())
    return 1 - naive_ssim(x, y, val_range=width)


def colours_mixed_up(x: Tensor, y: Tensor) -> Tensor:
    weights = torch.tensor([1.0, 2.0, 5.0]).view(1, 3, 1, 1).to(x)
    return (weights * (x - y).square()).mean()


MSSSIM_ON_255 = lambda x, y: 1 - pytorch_msssim.ssim(x, y)  # noqa: E731
MSSSIM_INDEX = lambda x, y: pytorch_msssim.ssim(x, y, data_range=1.0)  # noqa: E731
ROOT_OF_POOLED = lambda x, y: F.mse_loss(x, y).sqrt()  # noqa: E731
SUM_OF_SQUARES = lambda x, y: F.mse_loss(x, y, reduction="sum")  # noqa: E731
MAP = lambda x, y: (x - y).square()  # noqa: E731
NUMBER = lambda x, y: float(F.mse_loss(x, y))  # noqa: E731
PAIR = lambda x, y: (F.mse_loss(x, y), {})  # noqa: E731
DETACHED = lambda x, y: F.mse_loss(x.detach(), y)  # noqa: E731
ROUNDED = lambda x, y: (x.round() - y).abs().mean()  # noqa: E731
LOGARITHM = lambda x, y: (x.log() - y.log()).abs().mean()  # noqa: E731
ENTROPY = lambda x, y: F.binary_cross_entropy(x, y)  # noqa: E731
NAN_SIZE = lambda x, y: (x - y)[..., 20:, 20:].square().mean()  # noqa: E731
CRASH_BACK = lambda x, y: _BackwardRaises.apply(x - y).mean()  # noqa: E731


class _BackwardRaises(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, e: Tensor) -> Tensor:
        return e.square()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        raise NotImplementedError("no backward yet")


POST_GAUSSIAN = PostGaussian()
WITH_TONE = WithTone()
TRAINABLE = TrainableFeatures()
NORMALISED = Normalised()

#: loss, name of the finding, severity, words of its evidence or advice
BROKEN: dict[str, tuple[Any, str, str, str]] = {
    "post, window": (POST_GAUSSIAN, "crash", "error", "TypeError"),
    "post, window, advice": (POST_GAUSSIAN, "crash", "error", "math.exp"),
    "post, SSIM of 255": (lambda x, y: 1 - naive_ssim(x, y), "data range", "warning", "val_range = 255"),
    "post, second example": (MseAndSsim(), "data range", "warning", "val_range=1.0"),
    "post, third example, range": (WITH_TONE, "data range", "warning", "255"),
    "post, third example, histogram": (WITH_TONE, "dead term", "error", "torch.histc"),
    "post, third example, outside": (WITH_TONE, "value not finite", "error", "all above the range"),
    "histogram alone": (tone_curve, "no gradient", "error", "torch.histc"),
    "content loss without return": (NoReturn(), "returns nothing", "error", "None"),
    "content loss, trainable": (TRAINABLE, "trainable parameters", "warning", "4 tensors"),
    "content loss, no normalisation": (TRAINABLE, "scale", "info", "look at the raw image"),
    "squared TV": (SquaredTV(), "squared differences", "info", "8"),
    "isotropic TV": (isotropic_tv, "gradient not finite", "error", "Sqrt"),
    "gmsd": (gmsd, "gradient not finite", "error", "identical"),
    "gmsd, half-flat": (gmsd, "gradient not finite", "error", "half-flat"),
    "fsim, flat": (fsim, "value not finite", "error", "constant"),
    "psnr": (psnr, "value not finite", "error", "metric"),
    "negative cs": (negative_cs, "value not finite", "error", "inverted"),
    "msssim range": (MSSSIM_ON_255, "data range", "warning", "data_range"),
    "msssim uint8": (MSSSIM_ON_255, "integer input", "error", "uint8"),
    "msssim index": (MSSSIM_INDEX, "index as a loss", "error", "equal images 1"),
    "msssim index uint8": (MSSSIM_INDEX, "integer input", "error", "gave 1 without"),
    "wrong backward": (wrong_backward, "wrong gradient", "error", "50 %"),
    "detached term": (detached_term, "dead term", "error", "detach at"),
    "item": (item_term, "dead term", "error", "item at"),
    "no_grad": (no_grad_term, "dead term", "error", "no_grad"),
    "rounded": (rounded_term, "dead term", "error", "round"),
    "counted": (counted_term, "dead term", "error", "jumps"),
    "stop-gradient": (stop_gradient_weight, "stop-gradient", "warning", "deliberate"),
    "8-bit wraps": (wraps, "integer input", "warning", "floats"),
    "in place": (in_place, "changes its input", "error", "x had other values"),
    "view": (views, "strides", "warning", "view"),
    "raw memory": (raw_memory, "strides", "error", "instead of"),
    "counts calls": (Counts(), "state between calls", "warning", "the same pair"),
    "batch norm": (NORMALISED, "training mode", "warning", "eval"),
    "batch norm, pooled": (NORMALISED, "batch", "warning", "neither"),
    "dropout": (Dropped(), "random value", "info", "seeds"),
    "range from data": (range_from_data, "data range", "warning", "bright pixel"),
    "channel weights": (colours_mixed_up, "channel order", "info", "BGR"),
    "root of the batch": (ROOT_OF_POOLED, "batch", "warning", "one by one"),
    "root, gradient": (ROOT_OF_POOLED, "gradient not finite", "error", "Sqrt"),
    "sum": (SUM_OF_SQUARES, "reduction", "info", "over pixels"),
    "map": (MAP, "return value", "error", "shape"),
    "float": (NUMBER, "return value", "error", "float"),
    "tuple": (PAIR, "return value", "error", "tuple"),
    "detached": (DETACHED, "no gradient", "error", "detach at"),
    "all rounded": (ROUNDED, "no gradient", "error", "round at"),
    "logarithm": (LOGARITHM, "value not finite", "error", "log at"),
    "outside refused": (ENTROPY, "refuses values outside the range", "warning", "above the range"),
    "nothing left": (NAN_SIZE, "size", "info", "8 x 8: the value is NaN"),
    "backward raises": (CRASH_BACK, "crash in backward", "error", "no backward yet"),
}  # fmt: skip
assert math.isclose(float(window().sum()), 1.0, rel_tol=1e-5)


class _Deaf(torch.autograd.Function):
    """The mean square with a backward that ignores what comes in from above."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return (x - y).square().mean()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:  # type: ignore[override]
        x, y = ctx.saved_tensors
        return 2 * (x - y) / x.numel(), None


def deaf_backward(x: Tensor, y: Tensor) -> Tensor:
    return _Deaf.apply(x, y)


def clamps_in_place(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x.clamp_(-0.5, 1.5), y)


def cuts_off_in_place(x: Tensor, y: Tensor) -> Tensor:
    x[x > 1] = 1
    return F.mse_loss(x, y)


def cuts_off_target(x: Tensor, y: Tensor) -> Tensor:
    y[y < 0] = 0
    return F.mse_loss(x, y)


def adds_nothing_in_place(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x.add_(0.0), y)


def own_peaks(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x / x.amax().detach(), y / y.amax())


def own_peak(x: Tensor, y: Tensor) -> Tensor:
    return F.l1_loss(x / x.amax().detach(), y)


def stretched(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x.mean(1), y)


def mean_colour(x: Tensor, y: Tensor) -> Tensor:
    return (x.mean((2, 3)) - y.mean((2, 3))).square().mean()


BROKEN |= {
    "backward without grad_output": (deaf_backward, "ignores grad_output", "error", "66.7 % off"),
    "clamp_": (clamps_in_place, "changes its input", "error", "x of a pair above the range"),
    "x > 1 in place": (cuts_off_in_place, "changes its input", "error", "x of a pair above the range"),
    "y < 0 in place": (cuts_off_target, "changes its input", "error", "y of a pair below the range"),
    "in place, same values": (adds_nothing_in_place, "changes its input", "warning", "in-place call was made on x"),
    "range of each image": (own_peaks, "data range", "warning", "The range is taken from each batch"),
    "range of x": (own_peak, "data range", "warning", "The range is taken from each batch"),
    "shapes stretched": (stretched, "broadcasting", "warning", "Using a target size"),
    "mean colour": (mean_colour, "blind to every pattern", "info", "only the mean colour counts"),
}


# Losses whose least value lies elsewhere than at equal images, that ignore part of x, or that lose what lies outside.


def miscast_covariance(x: Tensor, y: Tensor) -> Tensor:
    """1 - SSIM with E[xy] - E[x]E[x]: a slip of one letter."""

    def blur(z: Tensor) -> Tensor:
        return F.avg_pool2d(z, 11, 1)

    mu_x, mu_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mu_x**2, blur(y * y) - mu_y**2, blur(x * y) - mu_x * mu_x
    scores = (2 * mu_x * mu_y + 1e-4) * (2 * cov + 9e-4) / ((mu_x**2 + mu_y**2 + 1e-4) * (var_x + var_y + 9e-4))
    return 1 - scores.mean()


def skewed_crop(x: Tensor, y: Tensor) -> Tensor:
    """The border is cut off both images, one row apart."""
    return F.mse_loss(x[..., 4:-4, 4:-4], y[..., 3:-5, 4:-4])


def angle(x: Tensor, y: Tensor) -> Tensor:
    """The angle between colours: rounding takes the cosine of equal ones above 1."""
    return torch.acos(F.cosine_similarity(x, y, dim=1) * (1 + 1e-12)).mean()


def largest_weight(x: Tensor, y: Tensor) -> Tensor:
    """A weight normalised by its maximum, which is 0 for equal images."""
    weight = (x - y).abs().detach()
    return (weight / weight.amax(dim=(1, 2, 3), keepdim=True) * (x - y).abs()).mean()


MISCAST = miscast_covariance
ONE_CHANNEL = lambda x, y: F.mse_loss(x[:, 0], y[:, 0])  # noqa: E731
ONE_IMAGE = lambda x, y: F.mse_loss(x[0], y[0])  # noqa: E731
DEEP_CROP = lambda x, y: F.mse_loss(x[..., 20:-20, 20:-20], y[..., 20:-20, 20:-20])  # noqa: E731

BROKEN |= {
    "wrong sign": (lambda x, y: F.l1_loss(x, y) - 5 * F.mse_loss(x, y), "optimum elsewhere", "warning", "noise of 0.5"),
    "skewed crop": (skewed_crop, "optimum elsewhere", "warning", "down its own slope"),
    "logits": (F.binary_cross_entropy_with_logits, "optimum elsewhere", "warning", "logits"),
    "sigmoid": (lambda x, y: F.mse_loss(x.sigmoid(), y), "optimum elsewhere", "warning", "sigmoid"),
    "range of tanh": (lambda x, y: F.mse_loss(x, 2 * y - 1), "optimum elsewhere", "warning", "[-1, 1]"),
    "BGR target": (lambda x, y: F.l1_loss(x, y.flip(1)), "optimum elsewhere", "warning", "channels"),
    "transposed target": (lambda x, y: F.l1_loss(x, y.mT), "optimum elsewhere", "warning", "axes"),
    "rolled target": (lambda x, y: F.mse_loss(x, y.roll(1, -1)), "optimum elsewhere", "warning", "shifted"),
    "one letter": (MISCAST, "optimum elsewhere", "warning", "equal images 0"),
    "one letter, price": (MISCAST, "rewards an error", "warning", "lowers the loss"),
    "one channel": (ONE_CHANNEL, "a channel is ignored", "warning", "channel 1 of 3, channel 2 of 3"),
    "one image": (ONE_IMAGE, "an image is ignored", "warning", "image 1 of 2"),
    "crop": (skewed_crop, "the border is ignored", "info", "4 rows at the top, 4 rows at the bottom, 4 columns"),
    "clamped": (lambda x, y: F.mse_loss(x.clamp(0, 1), y), "no pull outside the range", "info", "all above the range"),
    "deep crop": (DEEP_CROP, "size", "error", "32 x 32: the value is NaN"),
    "angle": (angle, "value not finite", "error", "identical"),
    "largest weight": (largest_weight, "value not finite", "error", "identical"),
}  # fmt: skip
