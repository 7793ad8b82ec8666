"""GMSD, FSIM and IW-SSIM as their authors' MATLAB programs define them: slow, in float64 NumPy, without a trick.

Every function takes arrays in 0 ... 255: grey (H, W) or colour (3, H, W).  `x` is the image, `y` the reference.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d
from torch import Tensor

Array = NDArray[np.float64]


def pixels(x: Tensor) -> Array:
    """One image (1, C, H, W) in [0, 1] as such an array."""
    planes = 255 * x.detach().double().numpy()[0]
    return planes[0] if len(planes) == 1 else planes


def yiq(x: Array) -> tuple[Array, Array, Array]:
    """The luma of a colour image, and its two colour planes."""
    r, g, b = x
    return 0.299 * r + 0.587 * g + 0.114 * b, 0.596 * r - 0.274 * g - 0.322 * b, 0.211 * r - 0.523 * g + 0.312 * b


def luma(x: Array) -> Array:
    return yiq(x)[0] if x.ndim == 3 else x


def matlab_round(number: float) -> int:
    """Halves away from zero, for numbers from 0: MATLAB's round."""
    return math.floor(number + 0.5)


def average_down(x: Array, factor: int) -> Array:
    """conv2(x, ones(f) / f^2, 'same'), then every f-th row and column: pixel by pixel, with zeros outside."""
    height, width = x.shape
    before = (factor - 1) // 2
    out = np.zeros((-(-height // factor), -(-width // factor)))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(i * factor - before, i * factor - before + factor):
                for l in range(j * factor - before, j * factor - before + factor):
                    if 0 <= k < height and 0 <= l < width:
                        out[i, j] += x[k, l] / factor**2
    return out


def gradient_length(x: Array, dx: Array) -> Array:
    """sqrt(Ix^2 + Iy^2) with conv2(..., 'same')."""
    return np.sqrt(convolve2d(x, dx, "same") ** 2 + convolve2d(x, dx.T, "same") ** 2)


def similarity(a: Array, b: Array, t: float) -> Array:
    """(2 a b + T) / (a^2 + b^2 + T)."""
    return (2 * a * b + t) / (a**2 + b**2 + t)


def gmsd(x: Array, y: Array) -> float:
    """The standard deviation, by n - 1, of the similarity of Prewitt gradients at half the size."""
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    m_x, m_y = (gradient_length(average_down(luma(z), 2), prewitt) for z in (x, y))
    gms = similarity(m_x, m_y, 170)
    return math.sqrt(((gms - gms.mean()) ** 2).sum() / (gms.size - 1))


def frequencies(size: int) -> Array:
    """-1/2 ... 1/2 for an odd size, -1/2 ... 1/2 - 1/size for an even one, in the order of the transform."""
    if size % 2:
        return np.fft.ifftshift(np.arange(-(size - 1) // 2, (size - 1) // 2 + 1) / (size - 1))
    return np.fft.ifftshift(np.arange(-size // 2, size // 2) / size)


@functools.cache
def log_gabor(height: int, width: int, scale: int, orientation: int) -> Array:
    """The transfer function of one filter: a Gaussian in log frequency, one in angle, and a Butterworth low-pass."""
    filter_ = np.zeros((height, width))
    for i, v in enumerate(frequencies(height)):
        for j, u in enumerate(frequencies(width)):
            radius = math.hypot(u, v)
            if radius == 0:
                continue
            radial = math.exp(-(math.log(radius * 6 * 2**scale) ** 2) / (2 * math.log(0.55) ** 2))
            low_pass = 1 / (1 + (radius / 0.45) ** 30)
            turn = math.atan2(-v, u) - orientation * math.pi / 4
            angle = abs(math.atan2(math.sin(turn), math.cos(turn)))
            spread = math.exp(-(angle**2) / (2 * (math.pi / 4 / 1.2) ** 2))
            filter_[i, j] = radial * low_pass * spread
    return filter_


def phase_congruency(x: Array) -> Array:
    """Kovesi's PC2: energy above the noise, over amplitude; 0 where nothing oscillates."""
    height, width = x.shape
    spectrum = np.fft.fft2(x)
    energy_all, amplitude_all = np.zeros_like(x), np.zeros_like(x)
    for orientation in range(4):
        filters = [log_gabor(height, width, scale, orientation) for scale in range(4)]
        responses = [np.fft.ifft2(spectrum * f) for f in filters]
        total = sum(responses)
        direction = total / (abs(total) + 0.0001)
        energy = np.zeros_like(x)
        for response in responses:
            along = response.real * direction.real + response.imag * direction.imag
            across = response.real * direction.imag - response.imag * direction.real
            energy += along - abs(across)
        noise_power = np.median(abs(responses[0]) ** 2) / math.log(2) / (filters[0] ** 2).sum()
        wavelets = [np.fft.ifft2(f).real * math.sqrt(height * width) for f in filters]
        squares = sum((w**2).sum() for w in wavelets)
        products = sum((wavelets[i] * wavelets[j]).sum() for i in range(4) for j in range(i + 1, 4))
        tau = math.sqrt((2 * noise_power * squares + 4 * noise_power * products) / 2)
        threshold = (tau * math.sqrt(math.pi / 2) + 2 * math.sqrt((2 - math.pi / 2) * tau**2)) / 1.7
        energy_all += np.maximum(energy - threshold, 0)
        amplitude_all += sum(abs(response) for response in responses)
    return np.divide(energy_all, amplitude_all, out=np.zeros_like(x), where=amplitude_all > 0)


def fsim(x: Array, y: Array, chromatic: bool = False) -> float:
    """FSIM, or FSIMc of colour images."""
    factor = max(1, matlab_round(min(x.shape[-2:]) / 256))
    scharr = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
    y_x, y_y = (average_down(luma(z), factor) for z in (x, y))
    pc_x, pc_y = phase_congruency(y_x), phase_congruency(y_y)
    s = similarity(pc_x, pc_y, 0.85) * similarity(gradient_length(y_x, scharr), gradient_length(y_y, scharr), 160)
    if chromatic and x.ndim == 3:
        i_x, i_y, q_x, q_y = (average_down(yiq(z)[row], factor) for row in (1, 2) for z in (x, y))
        colour = similarity(i_x, i_y, 200) * similarity(q_x, q_y, 200)
        s = s * (colour.astype(complex) ** 0.03).real
    weight = np.maximum(pc_x, pc_y)
    if not weight.any():  # two images without a feature: 0/0 in the formula
        weight = np.ones_like(weight)
    return float((s * weight).sum() / weight.sum())


BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16 * math.sqrt(2)


def filter_reflected(x: Array) -> Array:
    """Filter columns and rows with the binomial taps; the picture is mirrored at its border pixels."""
    wide = np.pad(x, 2, mode="reflect")
    return convolve2d(wide, np.outer(BINOMIAL, BINOMIAL), "valid")


def pyramid(x: Array, levels: int = 5) -> list[Array]:
    """Laplacian pyramid, finest level first; the last level is the coarse picture."""
    bands = []
    for _ in range(levels - 1):
        coarse = filter_reflected(x)[::2, ::2]
        zeros = np.zeros_like(x)
        zeros[::2, ::2] = coarse
        bands.append(x - filter_reflected(zeros))
        x = coarse
    return [*bands, x]


def enlarge(x: Array) -> Array:
    """Stretch M to 4M - 3 linearly, continue by one at both ends, keep every second: (M, N) to (2M, 2N)."""
    for axis in (0, 1):
        size = x.shape[axis]
        places = (np.arange(4 * size - 3) + 0.5) * size / (4 * size - 3) - 0.5
        rows = np.moveaxis(x, axis, 0)
        stretched = np.array([_between(rows, place) for place in places])
        first, last = 2 * stretched[:1] - stretched[1:2], 2 * stretched[-1:] - stretched[-2:-1]
        x = np.moveaxis(np.concatenate((first, stretched, last))[::2], 0, axis)
    return x


def _between(rows: Array, place: float) -> Array:
    """Linear interpolation between rows, with the border rows continued."""
    low = math.floor(place)
    share = place - low
    below, above = (min(max(k, 0), len(rows) - 1) for k in (low, low + 1))
    return (1 - share) * rows[below] + share * rows[above]


def gaussian_window() -> Array:
    k = np.arange(-5, 6)
    g = np.exp(-(k[:, None] ** 2 + k[None] ** 2) / (2 * 1.5**2))
    return g / g.sum()


def structure(x: Array, y: Array) -> tuple[Array, Array]:
    """cs and l of SSIM at every window of 11 x 11 inside the picture."""
    g = gaussian_window()
    mu_x, mu_y = convolve2d(x, g, "valid"), convolve2d(y, g, "valid")
    var_x = np.maximum(convolve2d(x * x, g, "valid") - mu_x**2, 0)
    var_y = np.maximum(convolve2d(y * y, g, "valid") - mu_y**2, 0)
    cov = convolve2d(x * y, g, "valid") - mu_x * mu_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * cov + c2) / (var_x + var_y + c2), (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)


def information(x: Array, y: Array, parent: Array | None) -> Array:
    """What every pixel tells, in bits, where a neighbourhood of 3 x 3 fits."""
    height, width = y.shape
    rows = []
    parents = None if parent is None else enlarge(parent)
    gain, noise = np.zeros((height - 2, width - 2)), np.zeros((height - 2, width - 2))
    for i in range(height - 2):
        for j in range(width - 2):
            a, b = x[i : i + 3, j : j + 3].ravel(), y[i : i + 3, j : j + 3].ravel()
            var_a, var_b, cov = a.var(), b.var(), ((a - a.mean()) * (b - b.mean())).mean()
            if var_b < 1e-15:
                gain[i, j], noise[i, j] = 0, var_a
            else:
                gain[i, j] = cov / var_b
                noise[i, j] = var_a - gain[i, j] * cov
            if var_a < 1e-15:
                gain[i, j], noise[i, j] = 0, 0
            rows.append(b if parents is None else np.append(b, parents[i + 1, j + 1]))
    u = np.array(rows)
    covariance = u.T @ u / len(u)
    eigenvalues = np.linalg.eigvalsh(covariance)
    strength = (u @ np.linalg.inv(covariance) * u).sum(1).reshape(gain.shape) / u.shape[1]
    eye = 0.4
    bits = np.zeros_like(gain)
    for eigenvalue in eigenvalues:
        bits += np.log2(1 + ((noise + (1 + gain**2) * eye) * strength * eigenvalue + eye * noise) / eye**2)
    return bits


def iw_ssim(x: Array, y: Array) -> float:
    """The product over five levels of the means of cs, weighted by information, to the powers of MS-SSIM."""
    bands_x, bands_y = pyramid(luma(x)), pyramid(luma(y))
    exponents = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    value = 1.0
    for s, beta in enumerate(exponents / exponents.sum()):
        cs, l = structure(bands_x[s], bands_y[s])
        if s == 4:
            mean = (cs * l).mean()
        else:
            weight = information(bands_x[s], bands_y[s], bands_y[s + 1] if s < 3 else None)[4:-4, 4:-4]
            mean = (cs * weight).sum() / weight.sum()
        value *= mean**beta
    return float(value)
