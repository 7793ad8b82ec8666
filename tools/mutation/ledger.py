"""What is known about mutants: the results so far, and the survivors that nothing could tell from the original."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


def digest(*paths: Path) -> str:
    """Return a name for the content of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


@dataclass
class Ledger:
    """The results for one module, in a file that a stopped run goes on with."""

    path: Path
    source: str  # digest of the module: any change makes all results void
    tests: str  # digest of its tests: a change makes those void that survived
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> Ledger:
        """Take up what earlier runs have written."""
        self.results, self.notes, source, tests = {}, [], self.source, self.tests
        lines = self.path.read_text("utf8").splitlines() if self.path.exists() else []
        for line in map(json.loads, lines):
            if "source" in line:
                source, tests = line["source"], line["tests"]
            elif source != self.source:
                continue
            elif "key" not in line:
                self.notes.append(line)
            elif line["killed"] or tests == self.tests:
                self.results[line["key"]] = line
            else:
                self.results.pop(line["key"], None)
        return self

    def open(self, fresh: bool) -> None:
        """Write the heading of a new run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.path.unlink(missing_ok=True)
        self.read()
        with self.path.open("a", encoding="utf8") as file:
            file.write(json.dumps({"source": self.source, "tests": self.tests}) + "\n")
        self.notes = []


def equivalents(path: Path, module: str) -> dict[str, str]:
    """Return the mutants of a module that are known to change nothing, with the reason."""
    listed = (yaml.safe_load(path.read_text("utf8")) or {}) if path.exists() else {}
    found: dict[str, str] = {}
    for function, changes in (listed.get(module) or {}).items():
        for change, reason in changes.items():
            if not reason:
                raise ValueError(f"{path.name}: {module}, {function}, {change}: say why it changes nothing")
            found[f"{function}: {change}"] = reason
    return found
