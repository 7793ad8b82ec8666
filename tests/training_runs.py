"""Run a training script several times, with any number of processes each; started by test_training_script.py.

    python training_runs.py SCRIPT PLAN RESULTS

PLAN is a JSON list of runs, {"arguments": […], "processes": 2, "dies_at_save": 0}.  The imports, by far the slowest
part, are made once: each process of a run is a fork, with the environment that torchrun would give it.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

import skimage.data  # noqa: F401  (imported for the forks)
import torch

from lossedu import data, nets  # noqa: F401

PATIENCE = 60.0  # seconds for one run


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def die_at_save(number: int) -> None:
    """Let the n-th checkpoint be written, and kill this process before it takes the place of the last one."""
    replace, seen = os.replace, 0

    def fatal(*names: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*names)

    os.replace = fatal


def child(script: str, run: dict, rank: int, port: int, output: int) -> None:
    """Become one process of a run; never return."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(run["processes"]),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    if run.get("dies_at_save") and rank == 0:
        die_at_save(run["dies_at_save"])
    sys.argv = [script, *run["arguments"]]
    status = 1
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def launch(script: str, run: dict) -> dict:
    """Run to the end, or until one process fails; return exit codes by rank, and what was printed."""
    with tempfile.TemporaryFile("w+") as output:
        port, codes, pids = free_port(), {}, {}
        for rank in range(run["processes"]):
            if (pid := os.fork()) == 0:
                child(script, run, rank, port, output.fileno())
            pids[pid] = rank
        end = time.monotonic() + PATIENCE
        while pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                codes[pids.pop(pid)] = os.waitstatus_to_exitcode(status)
            if any(codes.values()) or time.monotonic() > end:  # as torchrun does: one fails, all are stopped
                for other in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(other, signal.SIGKILL)
            time.sleep(0.02)
        output.seek(0)
        return {"codes": [codes[rank] for rank in sorted(codes)], "output": output.read()}


if __name__ == "__main__":
    script, plan, results = sys.argv[1:]
    torch.set_num_threads(1)
    found = [launch(script, run) for run in json.loads(Path(plan).read_text("utf8"))]
    Path(results).write_text(json.dumps(found), "utf8")
