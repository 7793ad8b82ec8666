"""What a restored picture is judged by: twenty-one numbers a picture, one column each.

The indices are the package's own, with their conventions: SSIM (sigma 1.5) and MS-SSIM (`ms_ssim`, the pyramid of Wang,
2003) are means over channels, GMSD, FSIM and IW-SSIM see luma.  Zhao et al. (2017) average all of them over channels.
Nothing is clipped, as their losses see it, but for LPIPS and DISTS, whose networks know [0, 1] only.  The columns from
`slope` on are explained in `appearance`.

What is not computed, or not defined for a picture (too small, nothing flat, no edges), is NaN; an output with a number
that is not finite is NaN throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..losses import ms_ssim, ssim
from ..metrics import dists, gmsd, iw_ssim, lpips, psnr
from ..metrics.feature_similarity import compare_feature_maps, feature_maps
from ..storage import DataError
from .appearance import ASPECTS, Reference, aspects

CHEAP = ("mse", "psnr", "l1", "ssim")
DEEP = ("lpips", "dists")
COLUMNS: tuple[str, ...] = (*CHEAP, "ms_ssim", "iw_ssim", "gmsd", "fsim", "fsimc", *DEEP, *ASPECTS)

#: What is computed: the cheap columns; all but the deep ones; all.
KINDS = ("cheap", "all", "deep")

#: The smallest sides that an index can be computed for.
SMALLEST = {"ssim": 11, "ms_ssim": 161, "iw_ssim": 161, "gmsd": 3, "fsim": 6, "lpips": 16, "dists": 1}


class Judge:
    """Judges the outputs of many networks for the same clean pictures, and keeps what depends on the pictures alone.

    Parameters
    ----------
    cleans : iterable of Tensor
        The clean pictures, each (1, 3, H, W).
    deep_every : int
        LPIPS and DISTS are computed for every so many-th picture, beginning with the first; 0 for none.
    say : function
        Is told, once, if the trained weights of LPIPS or DISTS are not on this machine; their columns are NaN then.

    Examples
    --------
    >>> clean = torch.rand(1, 3, 48, 48)
    >>> judge = Judge([clean])
    >>> dict(zip(COLUMNS, judge.score([clean - 0.1])[0].round(3).tolist()))["bias"]
    0.10000000149011612
    """

    def __init__(self, cleans: Iterable[Tensor], *, deep_every: int = 0, say: Callable[[str], None] = print) -> None:
        self.references = [Reference(clean) for clean in cleans]
        self.deep_every = _validate.integer("deep_every", deep_every)
        if deep_every < 0:
            raise ValueError(f"deep_every must be 0 or above, got {deep_every}")
        self._say = say
        self._said: set[str] = set()

    def score(self, outputs: Iterable[Tensor], *, kind: str = "all") -> np.ndarray:
        """Return one row a picture: (pictures, columns) in float32.

        Parameters
        ----------
        outputs : iterable of Tensor
            As many as there are clean pictures, in their order; taken one by one.
        kind : {"cheap", "all", "deep"}
            As for `score`, but "all" is "deep" for the pictures that `deep_every` chooses.

        Raises
        ------
        TypeError, ValueError
            As for `score`, or if there are more or fewer outputs than clean pictures.
        """
        rows: list[list[float]] = []
        for output in outputs:
            if (number := len(rows)) == len(self.references):
                raise ValueError(f"outputs must be as many as the {number} clean pictures, got more")
            deep = kind == "all" and self.deep_every > 0 and number % self.deep_every == 0
            rows.append(score(output, self.references[number], kind="deep" if deep else kind, say=self._once))
        if len(rows) < len(self.references):
            raise ValueError(f"outputs must be as many as the {len(self.references)} clean pictures, got {len(rows)}")
        return np.array(rows, dtype=np.float32).reshape(-1, len(COLUMNS))

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


@torch.no_grad()
def score(
    output: Tensor, clean: Tensor | Reference, *, kind: str = "all", say: Callable[[str], None] | None = None
) -> list[float]:
    """Judge one output against its clean picture: a number for each of `COLUMNS`.

    Parameters
    ----------
    output : Tensor
        (1, 3, H, W), nominally in [0, 1], on the device of the clean picture, and cast to its dtype.
    clean : Tensor or Reference
        The clean picture; a `Reference` keeps for the next call what depends on it alone.
    kind : {"cheap", "all", "deep"}
        "cheap" for the columns `CHEAP`, "all" for all but LPIPS and DISTS, "deep" for all.
    say : function, optional
        Is told why LPIPS or DISTS is NaN if their trained weights are not on this machine.

    Raises
    ------
    TypeError, ValueError
        If a picture is no floating tensor (1, 3, H, W), shapes or devices differ, or `kind` is unknown.
    """
    _validate.option("kind", kind, KINDS)
    _validate.image("output", output)
    reference = clean if isinstance(clean, Reference) else Reference(clean)
    y = reference.clean
    if output.shape != y.shape or output.device != y.device:
        raise ValueError(
            "output must have the shape and the device of the clean picture, "
            f"{tuple(y.shape)} on {y.device}, got {tuple(output.shape)} on {output.device}"
        )
    x = output.to(y.dtype)
    found: dict[str, float] = {}
    if bool(x.isfinite().all()):
        found = _fidelity(x, y)
        if kind != "cheap":
            found |= _structure(x, reference) | aspects(x, reference)
        if kind == "deep":
            found |= _deep(x.clamp(0, 1), y.clamp(0, 1), say)
    return [found.get(name, math.nan) for name in COLUMNS]


def _fidelity(x: Tensor, y: Tensor) -> dict[str, float]:
    error = x - y
    found = {"mse": float(error.square().mean()), "psnr": float(psnr(x, y)), "l1": float(error.abs().mean())}
    return found | ({"ssim": float(ssim(x, y))} if min(x.shape[-2:]) >= SMALLEST["ssim"] else {})


def _structure(x: Tensor, reference: Reference) -> dict[str, float]:
    """Return MS-SSIM, IW-SSIM, GMSD, FSIM and FSIMc, as far as the picture is large enough."""
    found = {}
    side, y = reference.side, reference.clean
    for name, index in (("ms_ssim", ms_ssim), ("iw_ssim", iw_ssim)):
        if side >= SMALLEST[name]:
            found[name] = float(index(x, y))
    if side >= SMALLEST["gmsd"]:
        found["gmsd"] = float(gmsd(x, y))
    if side >= SMALLEST["fsim"]:
        features = feature_maps(x)
        found["fsim"] = float(compare_feature_maps(features, reference.features))
        found["fsimc"] = float(compare_feature_maps(features, reference.features, chromatic=True))
    return found


def _deep(x: Tensor, y: Tensor, say: Callable[[str], None] | None) -> dict[str, float]:
    found = {}
    for name, metric in (("lpips", lpips), ("dists", dists)):
        if min(x.shape[-2:]) >= SMALLEST[name]:
            try:
                found[name] = float(metric(x, y))
            except DataError as error:
                if say is not None:
                    say(f"{name} is left out: {error}")
    return found


__all__ = ["CHEAP", "COLUMNS", "DEEP", "Judge", "Reference", "score"]
