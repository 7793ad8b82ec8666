"""Write lossedu/results/golden.npz, the numbers of ``lossedu selftest``: python tools/make_golden.py.

They come from the naive transcriptions in tests/oracles*.py and from automatic differentiation of those, in float64,
never from the library.  A test makes them again and compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import oracles  # noqa: E402
import oracles_color as colors  # noqa: E402
import oracles_golden as more  # noqa: E402
import oracles_histogram as histograms  # noqa: E402
import oracles_metrics as quality  # noqa: E402
import oracles_misaligned as misaligned  # noqa: E402

from lossedu.selftest import Golden, pictures  # noqa: E402

OUT = ROOT / "lossedu" / "results" / "golden.npz"


@dataclass(frozen=True)
class Source:
    """A case, and the transcription that says what it must be: called as ``oracle(x, y)``, it returns (N,)."""

    name: str
    function: str
    oracle: Callable[[Tensor, Tensor], Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (2, 3, 13, 12)
    unary: bool = False
    gradient: bool = True


def per_image(rho: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the mean of rho(x - y) over each image."""
    return lambda x, y: torch.stack([rho(a - b).sum() / a.numel() for a, b in zip(x, y, strict=True)])


def psnr(x: Tensor, y: Tensor, data_range: float) -> Tensor:
    """10 log10(L^2 / MSE)."""
    return 10 * torch.log10(data_range**2 / per_image(lambda e: e * e)(x, y))


def in_bytes(metric: Callable[..., float], **options: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a metric of NumPy pictures in 0 ... 255 as one of tensors; it has no gradient."""

    def values(x: Tensor, y: Tensor) -> Tensor:
        arrays = ((255 * z).numpy() for z in (x.detach(), y))
        pairs = ((a[0], b[0]) if len(a) == 1 else (a, b) for a, b in zip(*arrays, strict=True))
        return torch.tensor([metric(a, b, **options) for a, b in pairs], dtype=torch.float64)

    return values


SMALL: tuple[int, ...] = (1, 2, 9, 8)
THREE = (0.5, 1.0, 2.0)  # windows of 5, 9 and 15 pixels
DENSE: tuple[int, ...] = (1, 2, 18, 17)
PYRAMID: dict[str, Any] = {"weights": (0.4, 0.6), "kernel_size": 5}

SOURCES = [
    Source("mse_loss", "mse_loss", per_image(lambda e: e * e)),
    Source("l1_loss", "l1_loss", per_image(torch.abs)),
    Source(
        "charbonnier_loss", "charbonnier_loss", per_image(lambda e: torch.sqrt(e * e + 0.01**2) - 0.01), {"eps": 0.01}
    ),
    Source("ssim_loss", "ssim_loss", oracles.ssim_loss),
    *[
        Source(name, "ssim_loss", lambda x, y, options=options: oracles.ssim_loss(x, y, **options), options)
        for name, options in {
            "ssim_loss, reflect": {"padding": "reflect", "sigma": 0.8},
            "ssim_loss, 7 taps, range 2": {"kernel_size": 7, "data_range": 2.0, "k1": 0.02, "k2": 0.05},
        }.items()
    ],
    Source("ssim", "ssim", lambda x, y: 1 - oracles.ssim_loss(x, y)),
    *[
        Source(
            f"tv_loss, {kind}",
            "tv_loss",
            lambda x, y, kind=kind: more.total_variation(x, kind),
            {"kind": kind},
            SMALL,
            True,
        )
        for kind in ("anisotropic", "isotropic", "squared")
    ],
    Source("ms_ssim_loss", "ms_ssim_loss", lambda x, y: 1 - more.ms_ssim(x, y, **PYRAMID), PYRAMID, (1, 2, 17, 15)),
    Source("ms_ssim", "ms_ssim", lambda x, y: more.ms_ssim(x, y, **PYRAMID), PYRAMID, (1, 2, 17, 15)),
    *[
        Source(
            f"{name}, {form}",
            f"{name}_loss",
            lambda x, y, options=options, alpha=alpha: more.sigma_trick(x, y, **options, alpha=alpha),
            {**options, **({} if alpha is None else {"alpha": alpha})},
            shape,
        )
        for name, alpha in (("ms_ssim_sigma", None), ("mix", 0.7))
        for form, options, shape in (
            ("valid", {"sigmas": THREE, "form": "dense"}, DENSE),
            ("reflect", {"sigmas": THREE, "form": "dense", "padding": "reflect"}, SMALL),
            ("patch", {"sigmas": (0.5, 1.0, 2.0, 4.0, 8.0), "form": "patch"}, (2, 3, 11, 11)),
        )
    ],
    Source(
        "mix, defaults",
        "mix_loss",
        lambda x, y: more.sigma_trick(x, y, (0.5, 1, 2, 4, 8), form="dense", alpha=0.84),
        {},
        (1, 1, 58, 57),
    ),
    *[
        Source(
            f"histogram_emd_loss, {options['kernel']}",
            "histogram_emd_loss",
            lambda x, y, options=options: histograms.emd_loss(x, y, **options),
            options,
            SMALL,
        )
        for options in ({"kernel": "linear", "bins": 32}, {"kernel": "logistic", "bins": 16}, {"kernel": "sort"})
    ],
    Source(
        "sliced_emd_loss",
        "sliced_emd_loss",
        lambda x, y: colors.sliced_emd(x, y, 5, 3),
        {"directions": 5, "seed": 3},
        (2, 3, 9, 8),
    ),
    *[
        Source(
            f"blurred_mse_loss, {preset}",
            "blurred_mse_loss",
            lambda x, y, preset=preset: per_image(lambda e: e * e)(
                histograms.color_blur(x, preset), histograms.color_blur(y, preset)
            ),
            {"preset": preset},
            (1, 2, 24, 23),
        )
        for preset in ("wespe", "dped", "std3")
    ],
    Source(
        "min_shift_loss",
        "min_shift_loss",
        lambda x, y: misaligned.min_shift(x, y, 2),
        {"shift": 2},
        (2, 2, 9, 8),
    ),
    Source(
        "contextual_loss",
        "contextual_loss",
        lambda x, y: misaligned.contextual(x, y, 0.4, 0.01),
        {"bandwidth": 0.4, "eps": 0.01},
        (1, 3, 5, 4),
    ),
    *[
        Source(name, f"metrics.{name.partition(',')[0]}", in_bytes(metric, **options), options, shape, gradient=False)
        for name, metric, options, shape in (
            ("gmsd", quality.gmsd, {}, (2, 3, 21, 18)),
            ("gmsd, grey", quality.gmsd, {}, (1, 1, 20, 19)),
            ("fsim", quality.fsim, {}, (2, 3, 24, 23)),
            ("fsim, chromatic", quality.fsim, {"chromatic": True}, (1, 3, 24, 22)),
            ("iw_ssim", quality.iw_ssim, {}, (1, 3, 176, 164)),
        )
    ],
    Source("ciede2000", "metrics.ciede2000", colors.mean_ciede2000, {}, (2, 3, 9, 8)),
    Source("psnr", "metrics.psnr", lambda x, y: psnr(x, y, 2.0), {"data_range": 2.0}),
]


def make(source: Source) -> Golden:
    """Return a case with the numbers of its transcription."""
    x, y = pictures(source.shape)
    x.requires_grad_(source.gradient)
    values = source.oracle(x, y)
    gradient = torch.autograd.grad(values.sum(), x)[0].numpy() if source.gradient else None
    found = values.detach().numpy()
    if not np.isfinite(found).all() or found.shape != source.shape[:1]:
        raise AssertionError(f"{source.name}: {found}")
    return Golden(source.name, source.function, source.options, source.shape, source.unary, found, gradient)


def main() -> None:
    """Make all cases and write the file."""
    arrays: dict[str, np.ndarray] = {}
    cases = []
    for golden in map(make, SOURCES):
        arrays[f"{golden.name}/values"] = golden.values
        if golden.gradient is not None:
            arrays[f"{golden.name}/gradient"] = golden.gradient
        cases.append({key: getattr(golden, key) for key in ("name", "function", "options", "shape", "unary")})
        print(f"{golden.name}: {golden.values}")
    np.savez_compressed(OUT, cases=np.array(json.dumps(cases)), **arrays)  # type: ignore[arg-type]
    print(f"{OUT.relative_to(ROOT)}: {len(cases)} cases, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
