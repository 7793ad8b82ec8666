"""Time the losses beside other libraries: ``python benchmarks/losses.py``.

For each loss and size: milliseconds for the forward pass and for forward and backward, how many times longer every
peer takes, how many times longer than the mean square error, and what is kept for the backward pass beside the images.
Where a peer computes the same thing, values and gradients are compared before anything is timed; where it does not,
the line says in what it differs.  One thread; the contestants take turns in an order that changes every round, and each
time is the least of all rounds; processor time, not the clock on the wall.  On a GPU: events, and how far the time is
from the least that memory allows (each image read once, the gradient written once).

The exit status is 1 where a floor is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
import peers
import timing


def measure(case: peers.Case, rounds: int, device: torch.device, bytes_a_second: float | None) -> dict[str, Any]:
    """Return everything that is measured for one case."""
    x, y = peers.pictures(case.shape, device)
    result: dict[str, Any] = {"name": case.name, "shape": list(case.shape), "peers": {}, "floor": case.floor}
    for name, peer in case.peers.items():
        value, gradient = timing.difference(case.loss, peer.loss, x, y)
        if not peer.differs and max(value, gradient / 10) > peer.within:
            raise AssertionError(f"{case.name}: {name} computes something else ({value:.1e}, gradient {gradient:.1e})")
        result["peers"][name] = {"differs": peer.differs, "apart": value}
    losses = {"lossedu": case.loss, "mse": peers.mse, **{name: peer.loss for name, peer in case.peers.items()}}
    for title, work, images in (("forward", timing.forward, 2), ("both", timing.both, 3)):
        best = timing.least_times(work, losses, x, y, rounds)
        result[title] = best["lossedu"]
        result[f"{title}_mse"] = best["mse"]
        for name in case.peers:
            result["peers"][name][title] = best[name]
        if bytes_a_second:
            result[f"{title}_bound"] = 1000 * images * x.numel() * x.element_size() / bytes_a_second
    result["kept"] = timing.kept_bytes(case.loss, x, y)
    for name, peer in case.peers.items():
        result["peers"][name]["kept"] = timing.kept_bytes(peer.loss, x, y)
    compared = [result["peers"][name]["both"] for name in case.against if name in result["peers"]]
    result["against"] = min(compared) / result["both"] if compared else None
    result["passed"] = case.floor is None or not compared or result["against"] >= case.floor
    return result


def report(result: dict[str, Any], note: str) -> None:
    """Print one case."""
    mib = 2**20
    print(f"{result['name']}  {'x'.join(map(str, result['shape']))}")
    print(
        f"    lossedu         forward {result['forward']:9.3f} ms   forward+backward {result['both']:9.3f} ms   "
        f"kept {result['kept'] / mib:7.2f} MiB   {result['both'] / result['both_mse']:6.1f} x MSE"
    )
    for name, peer in result["peers"].items():
        print(
            f"    {name:<15} forward {peer['forward'] / result['forward']:9.1f} x    forward+backward "
            f"{peer['both'] / result['both']:9.1f} x    kept {peer['kept'] / mib:7.2f} MiB"
            + (f"   not equal: {peer['differs']} (value {peer['apart']:.1%} apart)" if peer["differs"] else "")
        )
    if "both_bound" in result:
        times = " and ".join(f"{result[k] / result[f'{k}_bound']:.1f}" for k in ("forward", "both"))
        print(f"    {times} times the memory bound, forward and forward+backward")
    if result["floor"] is not None and result["against"] is not None:
        verdict = "pass" if result["passed"] else "MISSED"
        print(f"    floor {result['floor']:g} x{f' ({note})' if note else ''}: {result['against']:.1f} x, {verdict}")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORDS", default="", help="cases whose name and size hold these words")
    parser.add_argument("--rounds", type=int, default=20, help="of which the least time is taken (default 20)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers into a file as well")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    torch.set_num_threads(1)
    bytes_a_second = None
    print(f"torch {torch.__version__}, least of {options.rounds} rounds, ", end="")
    if device.type == "cuda":
        bytes_a_second = timing.bandwidth(device)
        print(f"{torch.cuda.get_device_name(device)}, which copies {bytes_a_second / 1e9:.0f} GB/s")
    else:
        print("one thread, processor time")
    results = []
    for case in peers.cases():
        label = f"{case.name} {'x'.join(map(str, case.shape))}"
        if all(word in label for word in options.only.split()):
            results.append(measure(case, options.rounds, device, bytes_a_second))
            report(results[-1], case.note)
    if options.json:
        body = {"torch": torch.__version__, "device": options.device, "rounds": options.rounds, "cases": results}
        options.json.write_text(json.dumps(body, indent=1) + "\n", "utf8")
    if not results:
        parser.error(f"no case holds {options.only!r}")
    missed = [f"{r['name']} {'x'.join(map(str, r['shape']))}" for r in results if not r["passed"]]
    print(f"floors missed: {'; '.join(missed)}" if missed else "every floor is passed")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
