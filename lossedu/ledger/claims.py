"""The claims, all of them, in the order of the ledger."""

from __future__ import annotations

import re

from . import (
    claims_adversarial,
    claims_convergence,
    claims_perceptual,
    claims_retouching,
    claims_table1,
    claims_total_variation,
    claims_training,
    claims_transport,
    claims_windows,
    waiting,
)
from .claim import Claim

#: Initial of an id -> whose claims those are, in the order of the ledger.
GROUPS = {
    "Z": "Zhao, Gallo, Frosio and Kautz, 2017",
    "M": "Mustafa, You and Mantiuk, 2022",
    "W": "DPED and WESPE, 2017 and 2018",
    "P": "Perceptual losses",
    "T": "Total variation",
    "L": "Low light",
}


def order(name: str) -> tuple[int, int]:
    """Return what ids sort by: group, then number, so that Z9 stands before Z10."""
    found = re.fullmatch(r"([A-Z])(\d+)", name)
    if found is None or found[1] not in GROUPS:
        raise ValueError(f"id must be one of {', '.join(GROUPS)} and a number, got {name!r}")
    return list(GROUPS).index(found[1]), int(found[2])


_MODULES = (
    claims_table1,
    claims_convergence,
    claims_training,
    claims_windows,
    claims_total_variation,
    claims_perceptual,
    claims_retouching,
    claims_transport,
    claims_adversarial,
    waiting,
)

CLAIMS: tuple[Claim, ...] = tuple(
    sorted((claim for module in _MODULES for claim in module.CLAIMS), key=lambda claim: order(claim.id))
)
