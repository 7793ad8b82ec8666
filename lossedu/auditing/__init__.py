"""`le.audit`: what is wrong with a loss, with evidence and advice, from its behaviour alone.

audit     runs a battery of checks on any callable loss(x, y)
Report    what came out: prints as a table, shows as a page, and saves as one
Finding   one thing to know: name, severity, evidence, advice
Check     one thing that was tried, and what happened
"""

from .battery import audit
from .findings import Check, Finding
from .report import Report

__all__ = ["Check", "Finding", "Report", "audit"]
