"""Runs of an experiment that are killed and started again; started by experiments/test_kill.py.

    python killed_runs.py PLAN RESULTS

PLAN is a JSON list of runs, {"experiment": …, "options": {…}, "steps": …, "out": …, "deaths": [["step", 7], …]}.  Each
run is started once for every death, and once more.  A death is ["step", n], before the n-th batch of that process, or
["save", n], when the n-th checkpoint is written but has not taken the place of the one before.  The imports, by far the
slowest part, are made once: each process is a fork.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lossedu.experiments import running, trial
from lossedu.experiments.tasks import photographs


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(death: list[Any]) -> None:
    """See to it that this process is killed."""
    kind, number = death
    seen = 0

    def counted(happen: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            die()
        return happen(*arguments)

    if kind == "step":
        batches = trial.batches

        def mortal(*arguments: Any) -> Callable[[int], Any]:
            batch_at = batches(*arguments)
            return lambda step: counted(batch_at, step)

        trial.batches = mortal
    else:
        rename = os.replace
        os.replace = lambda old, new: counted(rename, old, new) if str(new).endswith(".pt") else rename(old, new)


def child(run: dict[str, Any], death: list[Any] | None) -> None:
    """Perform a run; never return."""
    status = 1
    try:
        module = importlib.import_module(f"lossedu.experiments.{run['experiment']}")
        module.SCALES = {"smoke": replace(module.SCALES["smoke"], steps=run["steps"])}
        if run["experiment"] == "convergence":
            module.MODES = {"sgd": module.MODES["sgd"]}  # one tree is enough
        if death is not None:
            arrange(death)
        running.run(run["experiment"], "smoke", out=run["out"], device="cpu", **run["options"])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def launch(run: dict[str, Any]) -> list[int]:
    """Return the exit codes of the processes of a run: -9 for each that was killed."""
    codes = []
    for death in [*run["deaths"], None]:
        if (pid := os.fork()) == 0:
            child(run, death)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return codes


if __name__ == "__main__":
    plan, results = sys.argv[1:]
    torch.set_num_threads(1)
    photographs("embedded")  # for the forks
    found = [launch(run) for run in json.loads(Path(plan).read_text("utf8"))]
    Path(results).write_text(json.dumps(found), "utf8")
