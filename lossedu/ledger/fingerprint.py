"""A fingerprint of the rules, for the runs to carry: whoever changes a rule after the fact leaves a trace."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from .claims import CLAIMS

#: What all rules are made of, beside the modules that hold them.
SHARED = (
    *("ledger/claim.py", "ledger/decision.py", "ledger/evidence.py", "ledger/families.py"),
    *("ledger/multiplicity.py", "ledger/parts.py", "statistics.py"),
)


def rules_hash(experiment: str) -> str:
    """Return 12 hexadecimal digits that change with any rule by which an experiment decides claims.

    They are of the SHA-256 of what all rules share, and of the modules that hold those of the experiment: a rule in
    another module may change without a trace here.
    """
    files = [Path(__file__).parents[1] / name for name in SHARED]
    holders = {claim.rule.__module__ for claim in CLAIMS if claim.rule is not None and claim.experiment == experiment}
    files += [Path(str(sys.modules[name].__file__)) for name in sorted(holders)]
    # Read as text, so that line endings do not matter.
    sources = [f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in files]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]
