r"""Histograms that can be differentiated, and the earth mover's distance of two of them.

Mustafa, You and Mantiuk (2022), after Avi-Aharon, Arbelle and Riklin Raviv (DeepHist, 2020).  In one dimension the
earth mover's distance, also called Wasserstein-1, is the area between the cumulative histograms,

.. math:: W_1 = \int |F_x(t) - F_y(t)|\,dt = \frac1N\sum_i |x_{(i)} - y_{(i)}|,

with :math:`x_{(i)}` the i-th smallest pixel.  Where a pixel lies in the image plays no part.
"""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor

from .. import _validate
from .binning import linear_distance, linear_histogram
from .logistic import logistic_cumulative
from .twin import Twin


def _bandwidth(value: float, data_range: float) -> float:
    """Check the bandwidth: above the range the kernel is flat, and costs time; far below, rounding is all it shows."""
    if not 1e-9 * data_range <= _validate.positive("bandwidth", value) <= data_range:
        raise ValueError(
            f"bandwidth must be a number from 1e-9 * data_range to data_range ({data_range:g}), got {value!r}"
        )
    return float(value)


def _options(
    kernel: str, kernels: tuple[str, ...], bins: int, bandwidth: float | None, mirror: bool, data_range: float
) -> tuple[int, float, float]:
    """Check the options and return the number of bins, the bandwidth and the range."""
    _validate.option("kernel", kernel, kernels)
    if isinstance(bins, bool) or not isinstance(bins, Integral) or bins < 2:
        raise ValueError(f"bins must be an integer of at least 2, got {bins!r}")
    data_range = _validate.positive("data_range", data_range)
    if not isinstance(mirror, bool):
        raise ValueError(f"mirror must be True or False, got {mirror!r}")
    if kernel != "logistic" and (bandwidth is not None or not mirror):
        name, value = ("mirror", mirror) if bandwidth is None else ("bandwidth", bandwidth)
        raise ValueError(
            f"{name} belongs to kernel='logistic', got {name}={value!r} with kernel={kernel!r}; leave it out"
        )
    width = data_range / (2.5 * bins) if bandwidth is None else _bandwidth(bandwidth, data_range)
    return int(bins), width, data_range


def soft_histogram(
    x: Tensor,
    *,
    bins: int = 256,
    kernel: str = "linear",
    bandwidth: float | None = None,
    mirror: bool = True,
    data_range: float = 1.0,
) -> Tensor:
    r"""Histogram of each channel of each image, differentiable in the pixels.

    Parameters
    ----------
    x : Tensor
        Images (N, C, H, W), any floating dtype.
    bins : int
        Number of bins K, at least 2.
    kernel : {"linear", "logistic"}
        "linear": each pixel is shared among the two nearest of the centres :math:`L k/(K-1)`, k = 0 … K - 1, with L =
        `data_range`.  "logistic": bins of width L/K around :math:`L(k+\tfrac12)/K` receive
        :math:`\frac1N\sum_p\sigma\bigl(\frac{e_{k+1}-x_p}{W}\bigr)-\sigma\bigl(\frac{e_k-x_p}{W}\bigr)` with
        :math:`e_k = Lk/K`; equation (3) of Mustafa et al. (2022), with its index put right.
    bandwidth : float, optional
        W of the logistic kernel, in intensity units, at most `data_range`; ``data_range / (2.5 * bins)`` when left out,
        as in DeepHist.
    mirror : bool
        Whether the logistic kernel is reflected at both ends of the range, so that no mass leaves it.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.

    Returns
    -------
    Tensor
        (N, C, bins), at least 0; each row sums to 1.  float32 for half-precision input.

    Raises
    ------
    TypeError
        If `x` is no floating tensor.
    ValueError
        If `x` is not (N, C, H, W), an option is unknown or out of range, or `bandwidth` or ``mirror=False`` is
        given without ``kernel="logistic"``.

    Notes
    -----
    Convention: pixels outside the range count as its nearest end and have gradient 0.  With the linear kernel a pixel
    on the end feels the pull from inside; with mirror terms the logistic one is even there, and it feels none.  On a
    centre the linear kernel has a kink, and the derivative towards brighter is used.
    ``mirror=False`` is the kernel as printed, kept to show what it does: rows then sum to less than 1 (a black or
    white pixel loses half its mass), and the gradient of such a pixel is large and points out of the range.
    The mean of a linear histogram, :math:`\sum_k P(k)\,Lk/(K-1)`, is the mean of the image.  A pixel that is
    not-a-number makes its row so.  Derivatives of any order by reverse mode.

    Examples
    --------
    >>> soft_histogram(torch.tensor([[[[0.0, 0.25, 0.5, 1.0]]]]), bins=3).tolist()
    [[[0.375, 0.375, 0.25]]]
    """
    _validate.image("x", x)
    bins, width, data_range = _options(kernel, ("linear", "logistic"), bins, bandwidth, mirror, data_range)
    rows = x.to(_validate.working_dtype(x)).reshape(x.shape[0] * x.shape[1], -1)
    if kernel == "linear":
        histogram = linear_histogram(rows, bins, data_range)
    else:
        cumulative = logistic_cumulative(rows, bins, width, mirror, data_range)
        histogram = torch.cat([cumulative[:, :1], cumulative.diff(dim=1)], dim=1).to(rows.dtype)
    return histogram.view(x.shape[0], x.shape[1], bins)


def histogram_emd_loss(
    x: Tensor,
    y: Tensor,
    *,
    bins: int = 256,
    kernel: str = "linear",
    bandwidth: float | None = None,
    mirror: bool = True,
    data_range: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    r"""Earth mover's distance of the histograms of x and y, :math:`\frac1{CL}\sum_c W_1(x_c, y_c)`.

    Equation (5) of Mustafa et al. (2022) with the width of a bin, which is missing there.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any C, any floating dtypes, one device.
    bins, bandwidth, mirror, data_range
        As for `soft_histogram`.
    kernel : {"linear", "logistic", "sort"}
        The first two as for `soft_histogram`.  "sort" has no bins and is exact:
        :math:`\frac1N\sum_i|x_{(i)}-y_{(i)}|`; it also sees values outside the range.  `bins` plays no part then.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        In [0, 1] (with "sort", above 1 for images outside the range), in units of `data_range`: a uniform shift by d
        costs d / data_range.  0 for equal histograms, so for any images that differ by the order of their pixels.

    Raises
    ------
    TypeError, ValueError
        As for `soft_histogram`; also if shapes or devices differ, or `reduction` is unknown.

    Notes
    -----
    Convention: each channel by itself, then the mean over channels; pixels outside the range count as its nearest end
    and feel no pull (except with "sort").  Multiply by `bins` for the value in bins as printed.  DeepHist's published
    layer sums *squared* differences of F, which is another distance.
    Equals ``scipy.stats.wasserstein_distance`` with "sort"; "linear" is never above that, and below it by at most the
    distance of two centres.  With "sort", equal pixels are ranked as they lie in memory.
    The gradient of a pixel in cell k is :math:`-\operatorname{sign}\bigl(F_x(k)-F_y(k)\bigr)/(NCHW\cdot L)` with the
    batch size N: of one size for all pixels, 0 where the histograms agree.  With the logistic kernel only the
    pixels within a few bandwidths of an edge feel it, and those the more: narrow kernels starve the others.  Its sums
    depend on the order of the pixels by rounding, so that a shuffled picture may be pulled by what is rounding alone.

    Examples
    --------
    >>> x = torch.tensor([[[[0.0, 0.2, 0.4, 0.6]]]])
    >>> round(histogram_emd_loss(x + 0.1, x.flip(-1)).item(), 6)
    0.1
    """
    x, y = _validate.images(x, y)
    bins, width, data_range = _options(kernel, ("linear", "logistic", "sort"), bins, bandwidth, mirror, data_range)
    n, c = x.shape[:2]
    x, y = x.reshape(n * c, -1), y.reshape(n * c, -1)
    if kernel == "linear":
        distance = linear_distance(x, y, bins, data_range)
    elif kernel == "sort":
        # stable: equal pixels keep their order, and so their share of the gradient, on every device
        ordered_x, ordered_y = (z.sort(dim=1, stable=True).values for z in (x, y))
        distance = (ordered_x - ordered_y).abs().mean(dim=1) / data_range
    else:
        f_x, f_y = (logistic_cumulative(z, bins, width, mirror, data_range) for z in (x, y))
        distance = (f_x - f_y).abs().mean(dim=1).to(x.dtype)
    return _validate.reduce(distance.view(n, c).mean(dim=1), reduction)


class HistogramEMDLoss(Twin):
    """Module twin of `histogram_emd_loss`."""

    def __init__(
        self,
        *,
        bins: int = 256,
        kernel: str = "linear",
        bandwidth: float | None = None,
        mirror: bool = True,
        data_range: float = 1.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            bins=bins, kernel=kernel, bandwidth=bandwidth, mirror=mirror, data_range=data_range, reduction=reduction
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return histogram_emd_loss(x, y, **self.options)


__all__ = ["HistogramEMDLoss", "histogram_emd_loss", "soft_histogram"]
