"""Colour differences and distances of colour clouds, written down as they were published: slow, in float64."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

#: Pairs of Sharma, Wu and Dalal (2005), table 1: L, a and b of both colours, and CIEDE2000 with four decimals.
SHARMA = (
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, 3.1571, -77.2803), (50.0000, 0.0000, -82.7485), 2.8615),
    ((50.0000, 2.8361, -74.0200), (50.0000, 0.0000, -82.7485), 3.4412),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -1.1848, -84.8006), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, -0.9009, -85.5211), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, -1.0000, 2.0000), (50.0000, 0.0000, 0.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0010), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0012), 7.2195),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0009, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0010, -2.4900), 4.8045),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0011, -2.4900), 4.7461),
    ((50.0000, 2.5000, 0.0000), (50.0000, 0.0000, -2.5000), 4.3065),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (61.0000, -5.0000, 29.0000), 22.8977),
    ((50.0000, 2.5000, 0.0000), (56.0000, -27.0000, -3.0000), 31.9030),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.1736, 0.5854), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2972, 0.0000), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 1.8634, 0.5757), 1.0000),
    ((50.0000, 2.5000, 0.0000), (50.0000, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
)

#: From linear sRGB to XYZ, IEC 61966-2-1; the white is what (1, 1, 1) becomes.
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def lab(color: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """CIELAB of one sRGB colour, three numbers in [0, 1]."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color]
    f = []
    for row in XYZ:
        t = sum(w * v for w, v in zip(row, linear, strict=True)) / sum(row)
        f.append(t ** (1 / 3) if t > (6 / 29) ** 3 else t * (29 / 6) ** 2 / 3 + 4 / 29)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def degrees(b: Tensor, a: Tensor) -> Tensor:
    return torch.rad2deg(torch.atan2(b, a)) % 360


def ciede2000(one: tuple[Tensor, Tensor, Tensor], two: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Equations (2) to (22) of Sharma et al. for one pair of colours, neither of them grey, angles in degrees."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    c_ab = ((a1**2 + b1**2) ** 0.5 + (a2**2 + b2**2) ** 0.5) / 2
    g = 0.5 * (1 - (c_ab**7 / (c_ab**7 + 25**7)) ** 0.5)
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = (a1**2 + b1**2) ** 0.5, (a2**2 + b2**2) ** 0.5
    h1, h2 = degrees(b1, a1), degrees(b2, a2)
    dh = h2 - h1
    if dh > 180:
        dh = dh - 360
    elif dh < -180:
        dh = dh + 360
    d_hue = 2 * (c1 * c2) ** 0.5 * torch.sin(torch.deg2rad(dh) / 2)
    if abs(h1 - h2) <= 180:
        hue = (h1 + h2) / 2
    elif h1 + h2 < 360:
        hue = (h1 + h2 + 360) / 2
    else:
        hue = (h1 + h2 - 360) / 2
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cosine = lambda angle: torch.cos(torch.deg2rad(angle))  # noqa: E731
    t = 1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) + 0.32 * cosine(3 * hue + 6) - 0.20 * cosine(4 * hue - 63)
    d_theta = 30 * torch.exp(-(((hue - 275) / 25) ** 2))
    r_c = 2 * (chroma**7 / (chroma**7 + 25**7)) ** 0.5
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / (20 + (lightness - 50) ** 2) ** 0.5
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    r_t = -torch.sin(torch.deg2rad(2 * d_theta)) * r_c
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    return (dl**2 + dc**2 + dh**2 + r_t * dc * dh) ** 0.5


def mean_ciede2000(x: Tensor, y: Tensor) -> Tensor:
    """The mean over pixels, one value per image."""
    return torch.stack(
        [
            torch.stack([ciede2000(lab(p), lab(q)) for p, q in zip(a.flatten(1).T, b.flatten(1).T, strict=True)]).mean()
            for a, b in zip(x, y, strict=True)
        ]
    )


def directions(channels: int, count: int, seed: int) -> Tensor:
    """Gaussian deviates of Python's generator, each row divided by its length: (count, channels)."""
    deviates = random.Random(seed)
    rows = [[deviates.gauss(0, 1) for _ in range(channels)] for _ in range(count)]
    return torch.tensor([[v / math.sqrt(sum(u * u for u in row)) for v in row] for row in rows], dtype=torch.float64)


def sliced_emd(x: Tensor, y: Tensor, count: int, seed: int, data_range: float = 1.0) -> Tensor:
    """Mean over directions of the mean distance of pixels of one rank, one value per image."""
    values = []
    for a, b in zip(x, y, strict=True):
        along = []
        for theta in directions(x.shape[1], count, seed):
            seen = [sum(t * plane for t, plane in zip(theta, z, strict=True)).flatten() for z in (a, b)]
            ranks = [sorted(range(len(z)), key=z.tolist().__getitem__) for z in seen]
            along.append(sum((seen[0][i] - seen[1][j]).abs() for i, j in zip(*ranks, strict=True)) / len(seen[0]))
        values.append(torch.stack(along).mean() / data_range)
    return torch.stack(values)
