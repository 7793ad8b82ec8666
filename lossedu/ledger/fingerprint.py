"""A fingerprint of the rules, for the runs to carry: whoever changes a rule after the fact leaves a trace."""

from __future__ import annotations

import hashlib
from pathlib import Path

#: Files of this folder that decide nothing: they name, write down what was decided,
#: keep records, and list claims without a rule.
SILENT = ("__init__.py", "report.py", "shelf.py", "waiting.py")


#: What the rules take from other rooms: intervals, and how an older record is pooled.
ELSEWHERE = ("statistics.py", "experiments/sigma_report.py")


def rules_hash() -> str:
    """Return 12 hexadecimal digits that change with any rule: SHA-256 of the source of the rules and the statistics."""
    here = Path(__file__).parent
    files = [*sorted(path for path in here.glob("*.py") if path.name not in SILENT)]
    files += [here.parent / name for name in ELSEWHERE]
    # Read as text, so that line endings do not matter.
    sources = [f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in files]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]
