r"""IW-SSIM: multi-scale SSIM whose pixels weigh what they tell.

Wang and Li, "Information content weighting for perceptual image quality assessment" (2011).  On each level s of a
Laplacian pyramid of both images, with the contrast-structure term cs of SSIM, and l that of luminance,

.. math:: \mathrm{IW\text{-}SSIM} = \prod_{s=1}^{5}
   \Bigl(\frac{\sum_p w_s\, cs_s}{\sum_p w_s}\Bigr)^{\beta_s} \quad (s = 5:\ w = 1,\ l \cdot cs
   \text{ in place of } cs).

The weight is the information that the reference and the image share with what the eye receives of both.  The
reference's K neighbours u of a pixel, one of them at the next coarser level, are a Gaussian vector of covariance C with
a local strength :math:`S = u^\top C^{-1} u / K`; the image is the reference times a gain g plus noise of variance v;
and the eye adds noise of variance :math:`\sigma^2 = 0.4`.  With the eigenvalues :math:`\lambda_j` of C,

.. math:: w = \sum_{j=1}^{K} \log\Bigl(1 + \frac{(v + (1 + g^2)\,\sigma^2)\, S \lambda_j + \sigma^2 v}{\sigma^4}\Bigr).
"""

from __future__ import annotations

from operator import index

import torch
from torch import Tensor

from .. import _validate, filters
from .laplacian import enlarge, laplacian_pyramid
from .luma import PEAK, large_enough, luma, on_peak_scale
from .magnitudes import power, weighted_mean

#: Exponents of the levels, from fine to coarse, after Wang, Simoncelli and Bovik (2003); divided by their sum.
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LEVELS = len(EXPONENTS)
WINDOW = 11
#: C1 and C2 of SSIM.
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
#: Variance of the noise that the eye adds.
EYE = 0.4
#: Pixels at the border that the window of 11 cannot reach, but neighbourhoods of 3 x 3 can.
FRAME = WINDOW // 2 - 1


def _structure(x: Tensor, y: Tensor, with_luminance: bool) -> Tensor:
    """Return cs, or l * cs, at every window of one level, by the algebra of `lossedu.losses.dissimilarity`."""
    window = filters.gaussian_window(1.5, WINDOW, dtype=x.dtype, device=x.device)
    p, q = x + y, x - y
    # Variances do not mind what is taken off, and float32 keeps its digits: the last level is 16 times as bright.
    level_p, level_q = (z.mean(dim=(2, 3), keepdim=True).detach() for z in (p, q))
    p, q = p - level_p, q - level_q
    moments = filters.correlate(filters.fold(torch.cat((p, q, p * p, q * q), dim=1)), window)
    m_p, m_q, pp, qq = filters.unfold(moments, x.shape[0]).split(1, dim=1)
    v_p, v_q = (pp - m_p * m_p).clamp_min(0), (qq - m_q * m_q).clamp_min(0)
    cs = 1 - 2 * v_q / (v_p + v_q + 2 * C2)
    if not with_luminance:
        return cs
    m_p, m_q = m_p + level_p, m_q + level_q
    # not as 1 minus something: next to 0 the power of the mean magnifies rounding
    return cs * ((m_p - m_q) * (m_p + m_q) + 2 * C1) / (m_p.square() + m_q.square() + 2 * C1)


def _gain_and_noise(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return g and v of x = g y + noise in every neighbourhood (N, 9, H, W), both (N, 1, H, W).

    Where the reference is flat to within rounding nothing of it is left, and all is noise; where the image is flat
    there is neither.
    """
    x, y = x - x.mean(dim=1, keepdim=True), y - y.mean(dim=1, keepdim=True)
    var_x, var_y, cov = (z.mean(dim=1, keepdim=True) for z in (x * x, y * y, x * y))
    floor = max(1e-15, (4 * PEAK * torch.finfo(x.dtype).eps) ** 2)
    flat_x, flat_y = var_x < floor, var_y < floor
    gain = torch.where(flat_x | flat_y, 0, cov / torch.where(flat_y, 1, var_y))
    return gain, torch.where(flat_x, 0, (var_x - gain * cov).clamp_min(0))


def _spectrum(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of the covariance of (N, K, P), shape (N, K), and its pseudo-inverse, (N, K, K).

    Eigenvalues that rounding cannot tell from 0 are 0.  Eigenvectors enter without a gradient, which would be infinite
    where two eigenvalues agree; the derivatives of the eigenvalues and of the inverse do not need it.
    """
    # not a number in, not a number out: the factorisation below would raise an error instead
    covariance = vectors @ vectors.mT / vectors.shape[-1]
    covariance = torch.where(covariance.isfinite(), covariance, 0)
    values, basis = torch.linalg.eigh(covariance)
    basis = basis.detach()
    largest = values[:, -1:].detach()
    lost = values <= largest * (vectors.shape[1] * torch.finfo(vectors.dtype).eps)
    # Give the lost directions an eigenvalue, invert, and take them out again.
    scale = torch.where(largest > 0, largest, 1)
    filling = (basis * torch.where(lost, scale, 0)[:, None, :]) @ basis.mT
    kept = (basis * (~lost)[:, None, :]) @ basis.mT
    return torch.where(lost, 0, values), kept @ torch.linalg.inv(covariance + filling) @ kept


def _inner(x: Tensor, frame: int) -> Tensor:
    return x[..., frame : x.shape[-2] - frame, frame : x.shape[-1] - frame]


def _neighbourhoods(x: Tensor) -> Tensor:
    """Return the pixels of every square of 3 x 3: (N, 1, H, W) to (N, 9, H - 2, W - 2)."""
    height, width = x.shape[-2:]
    return torch.cat([x[..., i : height - 2 + i, j : width - 2 + j] for i in range(3) for j in range(3)], dim=1)


def _information(x: Tensor, y: Tensor, parent: Tensor | None) -> Tensor:
    """Return the weights of one level at the pixels where the window fits, from both images' bands (N, 1, H, W).

    `parent` is the reference's next coarser band, or None.
    """
    vectors = _neighbourhoods(y)
    if parent is not None:
        vectors = torch.cat((vectors, _inner(enlarge(parent, *y.shape[-2:]), 1)), dim=1)
    eigenvalues, inverse = _spectrum(vectors.flatten(2))
    near = _inner(vectors, FRAME)
    strength = (near * (inverse @ near.flatten(2)).view(near.shape)).mean(dim=1, keepdim=True).clamp_min(0)
    gain, noise = _gain_and_noise(_neighbourhoods(_inner(x, FRAME)), near[:, :9])
    signal = (noise + (1 + gain.square()) * EYE) * strength / EYE**2
    return torch.log1p(torch.addcmul(noise / EYE, signal, eigenvalues[..., None, None])).sum(dim=1, keepdim=True)


def iw_ssim(x: Tensor, y: Tensor, *, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    r"""Information-weighted SSIM (Wang and Li, 2011), on five scales.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W) with C = 1 or 3 and at least 161 x 161 pixels.  Exchanging them
        changes the value: what a pixel tells is asked of the reference.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 ... 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        In [0, 1], higher is better, 1 for equal images.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        For no floating (N, C, H, W) pair, other channels than 1 or 3, images below 161 x 161, or `data_range` not
        above 0.

    Notes
    -----
    Convention: the authors' MATLAB program, which takes the reference first: ``iwssim(y, x)``.  YIQ luma, not rounded;
    window of 11 x 11 and sigma 1.5, inside the image; neighbourhoods of 3 x 3 and their parent, which the last but one
    level lacks.  MATLAB refuses sides below 176, though its pyramid fits from 161 on.
    A level whose mean of cs is negative (inverted images) makes the index 0, with gradient 0, where MATLAB returns a
    complex number.  Directions in which the reference does not vary at all (flat or striped images make C singular, and
    MATLAB's result is not a number) carry no information; a level without any information weighs all pixels the same.
    It is the most demanding of the metrics: for its neighbourhoods it takes about fifty times the memory of an image.

    Examples
    --------
    >>> x = torch.rand(1, 1, 161, 161)
    >>> iw_ssim(x, x).item()
    1.0
    """
    x, y = on_peak_scale(x, y, data_range)
    # Numbers also where torch.compile would take symbols: with those it needs minutes for the pyramid.
    sides = [index(side) for side in x.shape[-2:]]
    large_enough(sides, (WINDOW - 1) * 2 ** (LEVELS - 1) + 1, f"for a window of {WINDOW} pixels at {LEVELS} scales")
    with torch.autocast(x.device.type, enabled=False):
        pairs = [band.chunk(2) for band in laplacian_pyramid(luma(torch.cat((x, y))), LEVELS)]
        values = x.new_ones(x.shape[0])
        for level, ((band_x, band_y), exponent) in enumerate(zip(pairs, EXPONENTS, strict=True)):
            last = level == LEVELS - 1
            quality = _structure(band_x, band_y, last)
            if last:
                mean = quality.mean(dim=(1, 2, 3))
            else:
                parent = pairs[level + 1][1] if level < LEVELS - 2 else None
                mean = weighted_mean(quality, _information(band_x, band_y, parent))
            values = values * power(mean, exponent / sum(EXPONENTS))
    return _validate.reduce(values, reduction)


__all__ = ["iw_ssim"]
