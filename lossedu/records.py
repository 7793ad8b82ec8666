"""Recorded runs: what was measured, with everything needed to measure it again.

A record is one JSON file, and beside it, where it has networks, one NPZ file with their weights.  Both are package
data, so that a chapter finds them wherever it runs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import zipfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import measurements

FORMAT = 1

#: What the names of per-image tables begin with in the NPZ file.
_SCORES = "scores/"

#: What needs no more characters than this takes one line of the JSON file, and so does any list of numbers or words.
_LINE = 120


def provenance(device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return where and with what a run was made: date, device, threads, versions."""
    kind = torch.device(device).type
    name = torch.cuda.get_device_name() if kind == "cuda" else f"{platform.machine()} CPU"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": name,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def commit() -> str:
    """Return the commit of the source tree, with a plus if files differ from it; "unknown" if none tracks this file."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        # A package installed below somebody else's repository must not go by that one's commit.
        git("ls-files", "--error-unmatch", "--", __file__)
        # Records are no code: a new one does not make the tree another.
        changed = git("status", "--porcelain", "--", str(here), f":(exclude){here / 'results'}")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@dataclass
class Record:
    """One finished experiment.

    Attributes
    ----------
    experiment, scale : str
        What was run, and how large.
    settings : dict
        Every number that the outcome depends on.
    runs : list of dict
        One entry a job: which it was, seed, commit of the code that did it, device, seconds in all
        sittings, and what it found.
    provenance : dict
        See `provenance`.
    command : str
        What runs it again.
    weights : dict of str to ndarray
        Networks that the chapters show, by ``run/parameter``; kept in the NPZ file.
    scores : dict of str to ndarray
        Per-image measurements, float32, one row a picture, by ``job@set``; ``settings["columns"]`` names the columns
        and ``settings["sets"]`` the pictures of each set.  Kept in the NPZ file too.
    """

    experiment: str
    scale: str
    settings: dict[str, Any]
    runs: list[dict[str, Any]]
    provenance: dict[str, Any]
    command: str
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    scores: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.experiment}-{self.scale}"

    def save(self, folder: str | Path) -> Path:
        """Write the record into `folder` and return the path of its JSON file."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        body = {"format": FORMAT, **asdict(self)}
        del body["weights"], body["scores"]
        arrays = {**self.weights, **measurements.pack(self.scores, _SCORES)}
        text = _laid_out(body) + "\n"
        path, beside = folder / f"{self.name}.json", folder / f"{self.name}.npz"
        half = folder / f"{self.name}.part"
        # Each file appears whole or not at all, and never beside the weights of an earlier record.
        if arrays:
            with half.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
            os.replace(half, beside)
        else:
            beside.unlink(missing_ok=True)
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
        return path

    def shortened(self, verb: str = "") -> str:
        """Return what had less than float32, with a verb: "networks in bfloat16", say, or nothing."""
        precision = self.settings.get("precision", "float32")
        # An experiment whose networks keep float32 says what does not: the features of a loss.
        words = (self.settings.get("shortened", "networks"), verb, "in", precision)
        return "" if precision == "float32" else " ".join(filter(None, words))

    def source(self) -> str:
        """Return one sentence that says where the numbers come from, for a caption."""
        p = self.provenance
        count = len({run["seed"] for run in self.runs})
        commits = ", ".join(sorted({run["commit"] for run in self.runs}))
        how = ", ".join(filter(None, (f"{count} seed{'s' * (count != 1)}", self.shortened())))
        return (
            f"Recorded at scale “{self.scale}”, {how}, on {p['device']} with torch {p['torch']}, {p['date']}, "
            f"commit {commits}; run it again with `{self.command}`."
        )


def _laid_out(value: Any, indent: str = "") -> str:
    """Return JSON that a person can read and a difference can show, without a line for each of thousands of numbers."""
    flat = json.dumps(value)
    if not isinstance(value, dict | list) or len(flat) <= _LINE:
        return flat
    deeper = indent + " "
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_laid_out(item, deeper)}" for key, item in value.items()]
        opened, closed = "{}"
    elif not any(isinstance(item, dict | list) for item in value):
        return flat
    else:
        lines = [_laid_out(item, deeper) for item in value]
        opened, closed = "[]"
    return opened + ",".join(f"\n{deeper}{line}" for line in lines) + f"\n{indent}{closed}"


def names() -> list[str]:
    """Return the names of the records that come with the package."""
    # EXPERIMENT-SCALE.json: claims.json, beside them, is none.
    found = [item.name for item in resources.files("lossedu.results").iterdir()]
    return sorted(name[:-5] for name in found if name.endswith(".json") and "-" in name)


def load(name: str, folder: str | Path | None = None) -> Record:
    """Return a record by name, from the package or from `folder`.

    Raises
    ------
    ValueError
        If there is none of that name (the message lists those there are), it has another format, or a file
        of it is damaged.
    """
    root: Any = resources.files("lossedu.results") if folder is None else Path(folder)
    if not root.joinpath(f"{name}.json").is_file():
        known = names() if folder is None else sorted(p.stem for p in Path(folder).glob("*.json"))
        raise ValueError(f"name must be one of the records {', '.join(known) or '(there are none)'}, got {name!r}")
    try:
        body = json.loads(root.joinpath(f"{name}.json").read_text(encoding="utf-8"))
        form = body.pop("format", None)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"record {name!r} is damaged: {name}.json does not hold a JSON object ({error})") from error
    if form != FORMAT:
        raise ValueError(f"record {name!r} is not of format {FORMAT}, which this version of lossedu reads")
    weights: dict[str, np.ndarray] = {}
    scores: dict[str, np.ndarray] = {}
    if root.joinpath(f"{name}.npz").is_file():
        try:
            with root.joinpath(f"{name}.npz").open("rb") as file, np.load(file) as arrays:
                content = {key: arrays[key] for key in arrays.files}
            weights = {key: value for key, value in content.items() if not key.startswith(_SCORES)}
            scores = measurements.unpack(content, _SCORES)
        except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"record {name!r} is damaged: cannot read {name}.npz ({error})") from error
    try:
        return Record(**body, weights=weights, scores=scores)
    except TypeError as error:
        raise ValueError(
            f"record {name!r} is damaged: {name}.json has other entries than a record ({error})"
        ) from error
