"""Whose lead it is: total variation against its square, photograph by photograph, and at a smaller weight."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..experiments import total_variation
from ..experiments.residuals import edge_distance, edge_mask, flat_mask
from ..records import Record
from ..variational import rof, tikhonov
from . import variation, wording


class Lead(NamedTuple):
    """What total variation is ahead by in one photograph, or in several.

    Attributes
    ----------
    decibels : float
        By PSNR; of several the mean.
    edge, flat : float
        By how many percent its error is larger within two pixels of strong edges, and in flat regions; NaN without any.
    """

    decibels: float
    edge: float
    flat: float


class Trial(NamedTuple):
    """One draw of noise: squared errors of both, (N, 1, H, W), and where the pictures have edges and flat regions."""

    tv: Tensor
    squared: Tensor
    edge: Tensor
    flat: Tensor


def trial(record: Record, noise: float, *, seed: int = 0, share: float = 1.0) -> Trial:
    """Return both errors on the photographs of the record, TV with this share of its tuned weight."""
    clean = total_variation.clean_pictures(
        "photographs", record.settings["rows"], record.settings["side"], tuning=False
    )
    seen = total_variation.noisy(clean, noise, "photographs", seed)
    weight, other = (variation.values(record, "photographs", arm, noise, "weight")[0] for arm in ("tv", "squared"))
    outputs = rof(seen, share * weight, tol=0.005 * noise, max_steps=6000).image, tikhonov(seen, other)
    tv, squared = ((x - clean).square() for x in outputs)
    edge, flat = edge_distance(edge_mask(clean.float()), limit=4) <= 2, flat_mask(clean.float(), limit=0.02)
    return Trial(tv, squared, edge, flat)


def lead(found: Trial, which: slice = slice(None)) -> Lead:
    """Return what TV is ahead by in some of the photographs, errors pooled over their pixels."""
    tv, squared, edge, flat = (part[which] for part in found)
    decibels = (10 * torch.log10(squared.mean(dim=(1, 2, 3)) / tv.mean(dim=(1, 2, 3)))).mean()
    edges, flats = (100 * float((tv[mask].mean() / squared[mask].mean()).sqrt() - 1) for mask in (edge, flat))
    return Lead(float(decibels), edges, flats)


def shares(mask: Tensor) -> list[float]:
    """Return which part of all pixels of a mask each photograph has."""
    return (mask.sum(dim=(1, 2, 3)) / mask.sum()).tolist()


def table(record: Record, noise: float) -> str:
    """Return as Markdown what TV is ahead by in each photograph in the first draw, and whose the pixels are."""
    found = trial(record, noise)
    parts = [shares(mask) for mask in (found.edge, found.flat)]
    rows = []
    for k, name in enumerate(record.settings["judged_on"]):
        own = lead(found, slice(k, k + 1))
        cells = [wording.number(value, 1, signed=True) for value in own]
        rows.append([name, *cells, *(_percent(part[k]) for part in parts)])
    rows.append(["all four", *(wording.number(value, 1, signed=True) for value in lead(found)), "100", "100"])
    heads = ["TV over squared (dB)", "at strong edges (%)", "in flat regions (%)"]
    heads += ["its part of the edge pixels (%)", "its part of the flat pixels (%)"]
    return wording.markdown_table(["picture", *heads], rows)


def _percent(share: float) -> str:
    return "<1" if 0 < share < 0.005 else wording.number(100 * share, 0)


def lighter(record: Record, noise: float) -> str:
    """Return in words what one notch less of TV's weight changes in the first draw."""
    before, after = (lead(trial(record, noise, share=share)) for share in (1.0, 1 / total_variation.FACTOR))
    told = [
        f"{wording.number(one.edge, 1, signed=True)} % at strong edges, {wording.number(one.flat, 0, signed=True)} % "
        f"in flat regions and {wording.number(one.decibels, 1, signed=True)} dB"
        for one in (before, after)
    ]
    return (
        f"In one draw at noise of {noise:g} TV stands against squares at {told[0]}. With its weight a factor of √2 "
        f"smaller, the next on the walk, it stands at {told[1]}."
    )
