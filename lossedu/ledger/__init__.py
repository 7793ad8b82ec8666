"""The verdicts on the claims of the literature: the rule, the claims, and what the records say of them."""

from .claims import CLAIMS
from .fingerprint import rules_hash
from .multiplicity import holm
from .report import as_text, claims_table, write_claims
from .shelf import add, load_all

__all__ = [
    "CLAIMS",
    "add",
    "as_text",
    "claims_table",
    "holm",
    "load_all",
    "rules_hash",
    "write_claims",
]
