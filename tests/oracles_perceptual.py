"""VGG-16, AlexNet, LPIPS and DISTS written down as their papers have them: slow, in float64, without a trick."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

#: VGG-16 (Simonyan and Zisserman, table 1, column D): channels of the convolutions, block by block.
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

LPIPS_VGG = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
LPIPS_ALEX = ("relu1", "relu2", "relu3", "relu4", "relu5")


def normalise(x: Tensor) -> Tensor:
    """(x - mean) / deviation, channel by channel; a grey picture is a colour picture with three equal channels."""
    planes = [x[:, min(c, x.shape[1] - 1)] for c in range(3)]
    statistics = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
    # The constants are those of float32, which is what the networks were trained with.
    single = torch.tensor(statistics, dtype=torch.float32).double()
    return torch.stack([(plane - m) / s for plane, (m, s) in zip(planes, single, strict=True)], dim=1)


def convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int = 1, padding: int = 1) -> Tensor:
    """sum over c, i, j of w(k, c, i, j) x(c, s p + i - padding, s q + j - padding), with zeros outside, plus b(k)."""
    n, c, h, w = x.shape
    size = weight.shape[-1]
    wide = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=x.dtype)
    wide[:, :, padding : padding + h, padding : padding + w] = x
    rows, columns = (h + 2 * padding - size) // stride + 1, (w + 2 * padding - size) // stride + 1
    total = bias.view(1, -1, 1, 1).expand(n, -1, rows, columns)
    for i in range(size):
        for j in range(size):
            piece = wide[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride][:, :, :rows, :columns]
            total = total + torch.einsum("kc,nchw->nkhw", weight[:, :, i, j], piece)
    return total


def max_pool(x: Tensor, size: int = 2) -> Tensor:
    """The largest of size x size neighbours, at every second pixel."""
    rows, columns = (x.shape[2] - size) // 2 + 1, (x.shape[3] - size) // 2 + 1
    shifted = [
        x[:, :, i : i + 2 * rows : 2, j : j + 2 * columns : 2][:, :, :rows, :columns]
        for i in range(size)
        for j in range(size)
    ]
    return torch.stack(shifted).max(dim=0).values


def hann_pool(x: Tensor) -> Tensor:
    """sqrt(g * x^2 + 1e-12) at every second pixel; g: three inner values of Hann's window of five, normalised."""
    hann = [0.5, 1.0, 0.5]
    n, c, h, w = x.shape
    wide = torch.zeros(n, c, h + 2, w + 2, dtype=x.dtype)
    wide[:, :, 1 : h + 1, 1 : w + 1] = x * x
    total = sum(hann[i] * hann[j] / 4 * wide[:, :, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3))
    return (total + 1e-12).sqrt()


def vgg16(x: Tensor, state: Mapping[str, Tensor], last: int = 5, *, hann: bool = False) -> dict[str, Tensor]:
    """Every feature map of VGG-16 by name, up to block `last`; `state` is named by torchvision's numbers."""
    found = {}
    h, number = normalise(x), 0
    for block, widths in enumerate(VGG16[:last], start=1):
        for i in range(1, len(widths) + 1):
            h = convolution(h, state[f"features.{number}.weight"].double(), state[f"features.{number}.bias"].double())
            found[f"conv{block}_{i}"] = h
            h = h * (h > 0)
            found[f"relu{block}_{i}"] = h
            number += 2
        h = hann_pool(h) if hann else max_pool(h)
        found[f"pool{block}"] = h
        number += 1
    return found


def alexnet(x: Tensor, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every feature map of AlexNet by name."""
    found = {}
    h = normalise(x)
    for place, (number, stride, padding) in enumerate(((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)), 1):
        weight, bias = state[f"features.{number}.weight"].double(), state[f"features.{number}.bias"].double()
        h = found[f"conv{place}"] = convolution(h, weight, bias, stride, padding)
        h = found[f"relu{place}"] = h * (h > 0)
        if place in (1, 2, 5):
            h = found[f"pool{place}"] = max_pool(h, 3)
    return found


def perceptual(f: Mapping[str, Tensor], g: Mapping[str, Tensor], weights: Mapping[str, float], distance: str) -> Tensor:
    """sum_j w_j / (C_j H_j W_j) sum |phi_j(x) - phi_j(y)|^2 (or ^1), one value per image."""
    total = torch.zeros(len(next(iter(f.values()))), dtype=torch.float64)
    for name, weight in weights.items():
        difference = f[name] - g[name]
        cost = difference**2 if distance == "l2" else difference.abs()
        total = total + weight * cost.sum(dim=(1, 2, 3)) / cost[0].numel()
    return total


def lpips(f: list[Tensor], g: list[Tensor], heads: list[Tensor]) -> Tensor:
    """sum_j mean_p sum_c w_jc (f_jc / (|f_j| + 1e-10) - g_jc / (|g_j| + 1e-10))^2."""
    total = torch.zeros(len(f[0]), dtype=torch.float64)
    for a, b, head in zip(f, g, heads, strict=True):
        a = a / ((a**2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
        b = b / ((b**2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
        total = total + (head.double().view(1, -1, 1, 1) * (a - b) ** 2).sum(dim=1).mean(dim=(1, 2))
    return total


def dists(f: list[Tensor], g: list[Tensor], alpha: Tensor, beta: Tensor) -> Tensor:
    """1 - sum alpha l + beta s, with l and s of SSIM's form over whole maps, c = 1e-6; alpha and beta sum to 1."""
    alpha, beta = alpha.double().flatten(), beta.double().flatten()
    total = alpha.sum() + beta.sum()
    score, k = torch.ones(len(f[0]), dtype=torch.float64), 0
    for a, b in zip(f, g, strict=True):
        channels = slice(k, k + a.shape[1])
        k += a.shape[1]
        mu_a, mu_b = a.mean(dim=(2, 3), keepdim=True), b.mean(dim=(2, 3), keepdim=True)
        var_a, var_b = ((a - mu_a) ** 2).mean(dim=(2, 3)), ((b - mu_b) ** 2).mean(dim=(2, 3))
        cov = ((a - mu_a) * (b - mu_b)).mean(dim=(2, 3))
        mu_a, mu_b = mu_a[:, :, 0, 0], mu_b[:, :, 0, 0]
        l = (2 * mu_a * mu_b + 1e-6) / (mu_a**2 + mu_b**2 + 1e-6)
        s = (2 * cov + 1e-6) / (var_a + var_b + 1e-6)
        score = score - (alpha[channels] / total * l + beta[channels] / total * s).sum(dim=1)
    return score
