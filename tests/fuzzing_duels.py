"""Who is compared with whom, and the table of explanations: where other libraries differ, and why."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import fuzzing_judges as judges
import numpy as np
import oracles
import oracles_metrics
import oracles_multiscale
import pytorch_msssim
import torch
import torch.nn.functional as F
from fuzzing import ROUNDING, Duel, Explanation, Sample, close
from kornia.losses import charbonnier_loss as kornia_charbonnier
from kornia.losses import total_variation as kornia_tv
from kornia.metrics import psnr as kornia_psnr
from kornia.metrics import ssim as kornia_ssim
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio as torchmetrics_psnr,
)
from torchmetrics.functional.image import (
    structural_similarity_index_measure,
)
from torchmetrics.functional.image import (
    total_variation as torchmetrics_tv,
)

import lossedu as le

EPS = {dtype: torch.finfo(dtype).eps for dtype in ROUNDING}


def taps(sample: Sample) -> int:
    return sample.options.get("kernel_size") or 2 * int(3.5 * sample.options.get("sigma", 1.5) + 0.5) + 1


# --- explanations that several duels share -----------------------------------------------------------------------


def rounding_of_squares(sample: Sample, theirs: float, truth: float) -> bool:
    """E[x^2] - E[x]^2 is off by the rounding of E[x^2], a sum over the window, and C2 is all it is compared with."""
    k2 = sample.options.get("k2", 0.03)
    return (
        math.isfinite(theirs)
        and abs(theirs - truth) <= (8 + 2 * taps(sample)) * EPS[sample.x.dtype] * max(1, sample.peak) ** 2 / k2**2
    )


CANCELLATION = Explanation(
    "ours", "variance as E[x^2] - E[x]^2 loses its digits in the precision of the input", rounding_of_squares
)
HALF_WINDOW = Explanation(
    "ours", "half precision: window and products rounded to 8 or 11 bits", lambda s, t, truth: s.half
)


SMALL = Explanation(
    "ours",
    "image smaller than the window: leaves out the blur along that axis, and only warns; ours refuses",
    lambda s, t, truth: math.isnan(truth) and s.side < taps(s),
)


# --- SSIM -------------------------------------------------------------------------------------------------------


def ssim_options(chance: random.Random) -> dict[str, Any]:
    return {
        "sigma": chance.choice([1.5, 1.5, 0.8, 2.3]),
        "k1": chance.choice([0.01, 0.02]),
        "k2": chance.choice([0.03, 0.1]),
        "padding": "valid",
    }


def our_ssim(s: Sample) -> Tensor:
    return le.ssim(s.x, s.y, data_range=s.data_range, **s.options)


def true_ssim(s: Sample) -> float:
    return judges.ssim(s.x, s.y, data_range=s.data_range, **s.options).mean().item()


KORNIA = {"valid": "valid", "reflect": "same"}


def skimage_ssim(s: Sample) -> float:
    radius, values = taps(s) // 2, []
    for a, b in zip(s.x.flatten(0, 1), s.y.flatten(0, 1), strict=True):
        a, b = (z.float().numpy() if s.half else z.numpy() for z in (a, b))
        _, full = structural_similarity(
            a,
            b,
            gaussian_weights=True,
            sigma=s.options["sigma"],
            K1=s.options["k1"],
            K2=s.options["k2"],
            use_sample_covariance=False,
            data_range=s.data_range,
            full=True,
        )
        values.append(full[radius : full.shape[0] - radius, radius : full.shape[1] - radius].mean(dtype=np.float64))
    return float(np.mean(values))


def pytorch_msssim_ssim(s: Sample) -> Tensor:
    window = le.filters.gaussian_window(s.options["sigma"]).to(s.x.dtype).expand(s.x.shape[1], 1, 1, taps(s))
    constants = (s.options["k1"], s.options["k2"])
    return pytorch_msssim.ssim(s.x, s.y, data_range=s.data_range, win=window, K=constants)


def torchmetrics_ssim(s: Sample) -> Tensor:
    options = {"sigma": s.options["sigma"], "k1": s.options["k1"], "k2": s.options["k2"]}
    return structural_similarity_index_measure(s.x, s.y, data_range=s.data_range, **options)


def reflecting(chance: random.Random) -> dict[str, Any]:
    return {**ssim_options(chance), "padding": "reflect"}


SSIM = [
    Duel("ssim, scikit-image", our_ssim, skimage_ssim, true_ssim, ssim_options, taps, explanations=(CANCELLATION,)),
    Duel(
        "ssim, pytorch-msssim",
        our_ssim,
        pytorch_msssim_ssim,
        true_ssim,
        ssim_options,
        lambda s: taps(s) - 2,
        explanations=(SMALL, HALF_WINDOW, CANCELLATION),
    ),
    Duel(
        "ssim, kornia",
        our_ssim,
        lambda s: kornia_ssim(s.x, s.y, 11, max_val=s.data_range, eps=0.0, padding=KORNIA[s.options["padding"]]),
        true_ssim,
        lambda chance: {"padding": chance.choice(["valid", "reflect"])},
        taps,
        explanations=(CANCELLATION,),
    ),
    Duel(
        "ssim reflect, torchmetrics",
        our_ssim,
        torchmetrics_ssim,
        true_ssim,
        reflecting,
        lambda s: taps(s) // 2 + 1,
        explanations=(HALF_WINDOW, CANCELLATION),
    ),
]


def slope(value: Any, s: Sample) -> Tensor:
    """Return one number that depends on every component of the gradient of `value(x, y)` in x."""
    x = s.x.clone().requires_grad_()
    return projected(torch.autograd.grad(value(x, s.y), x)[0]) * x.numel() * s.data_range


def projected(z: Tensor) -> Tensor:
    """Return one number that depends on every pixel in its own way."""
    weights = torch.arange(z.numel(), dtype=torch.float64).mul(0.618034).frac().view(z.shape)
    return (weights * z.double()).mean()


SLOPE_ROUNDING = Explanation(
    "ours",
    "gradient by way of E[x^2] - E[x]^2 in float32 or less",
    lambda s, t, truth: s.x.dtype != torch.float64 and (s.half or abs(t - truth) <= 0.02 * max(1, abs(truth))),
)
SSIM.append(
    Duel(
        "gradient of ssim_loss, kornia",
        lambda s: slope(lambda x, y: -le.ssim(x, y, data_range=s.data_range, **s.options), s),
        lambda s: slope(
            lambda x, y: -kornia_ssim(x, y, 11, s.data_range, eps=0.0, padding=KORNIA[s.options["padding"]]).mean(), s
        ),
        lambda s: slope(lambda x, y: -judges.ssim(x, y, data_range=s.data_range, **s.options).mean(), s).item(),
        lambda chance: {"padding": chance.choice(["valid", "reflect"])},
        taps,
        explanations=(SLOPE_ROUNDING,),
        tolerance=lambda s: {torch.float64: 1e-8}.get(s.x.dtype, 1e-2 if s.half else 1e-3),
    )
)


# --- MS-SSIM ----------------------------------------------------------------------------------------------------


def pyramid_options(chance: random.Random) -> dict[str, Any]:
    weights = chance.choice([(0.5, 0.5), (0.2, 0.3, 0.5), (0.0448, 0.2856, 0.3001)])
    return {"weights": weights, "kernel_size": chance.choice([3, 5, 7])}


def pyramid_side(s: Sample) -> int:
    return (s.options["kernel_size"] - 1) * 2 ** (len(s.options["weights"]) - 1) + 1


def our_ms_ssim(s: Sample) -> Tensor:
    return le.ms_ssim(s.x, s.y, data_range=s.data_range, **s.options)


def true_ms_ssim(s: Sample) -> float:
    return judges.ms_ssim(s.x, s.y, s.options["weights"], s.options["kernel_size"], s.data_range)


def pytorch_msssim_ms_ssim(s: Sample) -> Tensor:
    size = s.options["kernel_size"]
    window = le.filters.gaussian_window(1.5, size).to(s.x.dtype).expand(s.x.shape[1], 1, 1, size)
    return pytorch_msssim.ms_ssim(s.x, s.y, data_range=s.data_range, win=window, weights=list(s.options["weights"]))


def odd_level(s: Sample, theirs: float, truth: float) -> bool:
    """One of the levels that is halved has an odd side, and with zeros there the formula gives their value."""
    halvings = 2 ** (len(s.options["weights"]) - 1)
    zeros = judges.ms_ssim(s.x, s.y, s.options["weights"], s.options["kernel_size"], s.data_range, odd="zeros")
    return any(side % halvings for side in s.x.shape[-2:]) and close(theirs, zeros, 1e-3)


def below_zero(s: Sample, theirs: float, truth: float) -> bool:
    """A power of a mean that is at or near 0 magnifies rounding."""
    return abs(truth) < 0.2 and abs(theirs - truth) < 0.05


SMALL_PYRAMID = Explanation(
    "ours",
    "refuses images that are large enough: asks for 2^4 halvings whatever the number of weights",
    lambda s, t, truth: math.isnan(t) and s.side <= (s.options["kernel_size"] - 1) * 2**4,
)
ODD = Explanation(
    "both", "odd sizes: averages in zeros at the border, where Wang's rule repeats the last row", odd_level
)
POWERS = Explanation("ours", "a mean near 0 to a power below 1 magnifies their rounding", below_zero)

PYRAMID = [
    Duel(
        "ms_ssim, pytorch-msssim",
        our_ms_ssim,
        pytorch_msssim_ms_ssim,
        true_ms_ssim,
        pyramid_options,
        lambda s: max(pyramid_side(s), (s.options["kernel_size"] - 1) * 2**4 - 8),
        largest=112,
        explanations=(SMALL_PYRAMID, HALF_WINDOW, ODD, CANCELLATION, POWERS),
        tolerance=lambda s: 50 * ROUNDING[s.x.dtype],
    ),
]


# --- pixel by pixel ---------------------------------------------------------------------------------------------


def true_psnr(s: Sample) -> float:
    return judges.psnr(s.x, s.y, s.data_range)


def our_psnr(s: Sample) -> Tensor:
    return le.metrics.psnr(s.x, s.y, data_range=s.data_range)


def skimage_psnr(s: Sample) -> float:
    pairs = zip(s.y.double().numpy(), s.x.double().numpy(), strict=True)
    return float(np.mean([peak_signal_noise_ratio(b, a, data_range=s.data_range) for b, a in pairs]))


def pooled(s: Sample, theirs: float, truth: float) -> bool:
    """Theirs is the PSNR of the whole batch as one image."""
    one = judges.psnr(s.x.flatten(0, 1)[None], s.y.flatten(0, 1)[None], s.data_range)
    return s.x.shape[0] > 1 and close(theirs, one, ROUNDING[s.x.dtype])


POOLED = Explanation("both", "one PSNR for the batch, not the mean over images", pooled)
LOGARITHM = Explanation(
    "ours",
    "takes its logarithm of 10 in float32, whatever the images",
    lambda s, t, truth: abs(t - truth) <= 6e-8 * (abs(truth) + 20 * abs(math.log10(s.data_range))),
)
HALF_SUM = Explanation("ours", "half precision: errors summed in half precision", lambda s, t, truth: s.half)

PIXELS = [
    Duel("psnr, scikit-image", our_psnr, skimage_psnr, true_psnr),
    Duel(
        "psnr, kornia",
        our_psnr,
        lambda s: kornia_psnr(s.x, s.y, s.data_range),
        true_psnr,
        explanations=(HALF_SUM, POOLED),
    ),
    Duel(
        "psnr, torchmetrics",
        our_psnr,
        lambda s: torchmetrics_psnr(s.x, s.y, data_range=s.data_range, dim=(1, 2, 3)),
        true_psnr,
        explanations=(HALF_SUM, LOGARITHM),
    ),
    Duel(
        "mse_loss, scikit-image",
        lambda s: le.mse_loss(s.x, s.y),
        lambda s: mean_squared_error(s.x.double().numpy(), s.y.double().numpy()),
        lambda s: (s.x.double() - s.y.double()).square().mean().item(),
    ),
    Duel(
        "l1_loss, torch",
        lambda s: le.l1_loss(s.x, s.y),
        lambda s: F.l1_loss(s.x, s.y),
        lambda s: (s.x.double() - s.y.double()).abs().mean().item(),
        explanations=(HALF_SUM,),
    ),
    Duel(
        "charbonnier_loss, kornia",
        lambda s: le.charbonnier_loss(s.x, s.y, eps=1.0),
        lambda s: kornia_charbonnier(s.x, s.y, reduction="mean"),
        lambda s: float(np.mean(oracles.pixel_mean(s.x.double(), s.y.double(), "charbonnier", 1.0))),
        explanations=(HALF_SUM,),
    ),
]


# --- blur, total variation, histograms ---------------------------------------------------------------------------


def scipy_blur(s: Sample) -> Tensor:
    planes = [
        gaussian_filter(p, s.options["sigma"], mode="mirror", truncate=3.5) for p in s.x.double().flatten(0, 1).numpy()
    ]
    return projected(torch.from_numpy(np.stack(planes)).view(s.x.shape)) / s.data_range


def slow_blur(s: Sample) -> float:
    g = oracles.window(s.options["sigma"])
    padded = F.pad(s.x.double(), [g.shape[0] // 2] * 4, mode="reflect")
    patches = padded.unfold(2, g.shape[0], 1).unfold(3, g.shape[0], 1)
    return projected((g * patches).sum(dim=(-1, -2))).item() / s.data_range


def tv_of(s: Sample) -> Tensor:
    return le.tv_loss(s.x) * s.x[0].numel()


def scipy_emd(s: Sample) -> float:
    planes = zip(s.x.double().flatten(0, 1).numpy(), s.y.double().flatten(0, 1).numpy(), strict=True)
    return float(np.mean([wasserstein_distance(a.ravel(), b.ravel()) for a, b in planes])) / s.data_range


def clipped_emd(s: Sample) -> float:
    inside = [z.double().clamp(0, s.data_range) for z in (s.x, s.y)]
    return judges.wasserstein(*inside) / s.data_range


BEYOND = Explanation(
    "both",
    "values outside the range: the linear kernel moves them to its end, scipy leaves them there",
    lambda s, t, truth: close(t, judges.wasserstein(s.x, s.y) / s.data_range, 1e-9),
)

REST = [
    Duel(
        "gaussian_blur, scipy",
        lambda s: projected(le.gaussian_blur(s.x, s.options["sigma"])) / s.data_range,
        scipy_blur,
        slow_blur,
        lambda chance: {"sigma": chance.choice([0.4, 0.8, 1.5, 2.5])},
        lambda s: taps(s) // 2 + 1,
    ),
    Duel(
        "tv_loss, kornia",
        tv_of,
        lambda s: kornia_tv(s.x).sum(dim=1),
        lambda s: judges.total_variation(s.x),
        explanations=(HALF_SUM,),
    ),
    Duel(
        "tv_loss, torchmetrics",
        tv_of,
        lambda s: torchmetrics_tv(s.x, reduction="mean"),
        lambda s: judges.total_variation(s.x),
        explanations=(HALF_SUM,),
    ),
    Duel(
        "histogram_emd_loss sort, scipy",
        lambda s: le.histogram_emd_loss(s.x, s.y, kernel="sort", data_range=s.data_range),
        scipy_emd,
        lambda s: judges.wasserstein(s.x, s.y) / s.data_range,
    ),
    Duel(
        "histogram_emd_loss linear, scipy",
        lambda s: le.histogram_emd_loss(s.x, s.y, data_range=s.data_range),
        scipy_emd,
        clipped_emd,
        explanations=(BEYOND,),
        tolerance=lambda s: 0.5 / 255,  # two bins share each pixel
    ),
]


# --- Mix, and the indices that have no library to meet: the transcription takes their side ----------------------------


def mix_options(chance: random.Random) -> dict[str, Any]:
    return {
        "alpha": chance.choice([0.0, 0.025, 0.84, 1.0]),
        "sigmas": chance.choice([(0.5, 1.0, 2.0), (0.8,), (0.5, 0.6, 1.5)]),
        "padding": chance.choice(["valid", "reflect"]),
    }


def mix_taps(s: Sample) -> int:
    return 2 * int(3.5 * s.options["sigmas"][-1] + 0.5) + 1


def kornia_mix(s: Sample) -> Tensor:
    """Mix of kornia with our windows, at the pixels that its border of zeros does not reach."""
    options, radius = s.options, mix_taps(s) // 2
    x, y = (z.double() / s.data_range for z in (s.x, s.y))
    if options["padding"] == "reflect":
        x, y = (F.pad(z, [radius] * 4, mode="reflect") for z in (x, y))
    values, _ = oracles_multiscale.kornia_map(x, y, options["sigmas"], alpha=options["alpha"])
    return values[:, radius : x.shape[-2] - radius, radius : x.shape[-1] - radius]


def transcribed(name: str, oracle: Callable[..., float], smallest: int, largest: int, **more: Any) -> Duel:
    """Return the duel of a metric with its transcription, which is the judge too: there is nothing to explain."""

    def truth(s: Sample) -> float:
        return judges.by_image(oracle, s.x, s.y, s.data_range, **s.options)

    def ours(s: Sample) -> Tensor:
        return getattr(le.metrics, name)(s.x, s.y, data_range=s.data_range, **s.options)

    def tolerance(s: Sample) -> float:
        """Steps of a thousandth on a level of 0.9 have four digits in float32."""
        return 5e-4 if s.kind == "faint" and s.x.dtype != torch.float64 else ROUNDING[s.x.dtype]

    sizes = {"smallest": lambda s: smallest, "largest": largest}
    return Duel(f"{name}, transcription", ours, truth, truth, tolerance=tolerance, **sizes, **more)


TRANSCRIBED = [
    Duel(
        "mix_loss, kornia",
        lambda s: le.mix_loss(s.x, s.y, data_range=s.data_range, **s.options),
        kornia_mix,
        lambda s: judges.mix(s.x, s.y, data_range=s.data_range, **s.options),
        mix_options,
        mix_taps,
        largest=30,
        explanations=(CANCELLATION,),
    ),
    transcribed("gmsd", oracles_metrics.gmsd, 3, 30),
    transcribed(
        "fsim",
        oracles_metrics.fsim,
        6,
        16,
        options=lambda chance: {"chromatic": chance.choice([True, False])},
    ),
    transcribed("iw_ssim", judges.iw_ssim, 161, 168, batches=False, bout=8),
]

DUELS = [*SSIM, *PYRAMID, *PIXELS, *REST, *TRANSCRIBED]
