"""Mutation testing: change the library, one small fault at a time, and see whether its tests notice.

    python tools/mutate.py                                   # every module of losses and metrics
    python tools/mutate.py --only lossedu.losses.structural --jobs 2
    python tools/mutate.py --sample 50 --seed 1              # 50 mutants of each module, drawn by chance

A fault that no test notices either shows a test that is missing or changes nothing that can be observed; the latter
are listed in tools/mutation/survivors.yml, each with its reason.  The exit status is 1 where a module's score is below
the mark.  A run that was stopped goes on where it was; a change to the module starts it again, a change to the tests
tries the survivors again.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from mutation.ledger import Ledger, digest, equivalents
from mutation.mutants import find

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("lossedu/losses", "lossedu/metrics")
#: Tests of other things, which happen to call losses: a module's own tests must do without their help.
NOT_HERE = "browser chapter check colab data experiments explorables extensions figures laboratory mutation package"
NOT_HERE += " project records site tools nets_training fuzz benchmarks"


def module_name(root: Path, path: Path) -> str:
    """Return the dotted name of a module file."""
    return ".".join(path.relative_to(root).with_suffix("").parts)


def words(root: Path, path: Path) -> set[str]:
    """Return the public names of a module, and of the modules beside it that make use of it."""
    found: set[str] = set()
    todo = [path]
    done: set[Path] = set()
    while todo:
        here = todo.pop()
        done.add(here)
        for node in ast.walk(ast.parse(here.read_text("utf8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found |= set(ast.literal_eval(node.value))
        user = re.compile(rf"^from \.{here.stem} import|^from \. import .*\b{here.stem}\b", re.MULTILINE)
        beside = (p for p in here.parent.glob("*.py") if p.stem != "__init__" and p not in done)
        todo += [p for p in beside if user.search(p.read_text("utf8"))]
        found.add(here.stem)
    return found


def test_files(root: Path, path: Path) -> list[Path]:
    """Return the tests that speak of a module's names; which of them reach a line is measured later."""
    spoken = re.compile(r"\b(" + "|".join(map(re.escape, sorted(words(root, path)))) + r")\b")
    elsewhere = re.compile("test_(" + "|".join(NOT_HERE.split()) + ")")
    own_room = path.parent.name if (root / "tests" / path.parent.name).is_dir() else "losses"  # which use the filters
    found = []
    for file in sorted((root / "tests").rglob("test_*.py")):
        ours = file.parent.name in ("tests", own_room) and not elsewhere.match(file.stem)
        if ours and spoken.search(file.read_text("utf8")):
            found.append(file)
    return found


def targets(root: Path, only: Sequence[str]) -> Iterator[Path]:
    """Yield the files to be changed."""
    if only:
        yield from (root / Path(*name.split(".")).with_suffix(".py") for name in only)
    else:
        yield from (p for room in ROOMS for p in sorted((root / room).glob("*.py")) if p.stem != "__init__")


def run_module(root: Path, path: Path, options: argparse.Namespace) -> tuple[float, int]:
    """Test one module's mutants, print what survived, and return the score and how many survivors are not listed."""
    module = module_name(root, path)
    tests = [file.resolve() for file in options.tests] if options.tests else test_files(root, path)
    helpers = [file for file in (root / "tests").glob("*.py") if not file.name.startswith("test_")]
    results = options.state / f"{module}.jsonl"
    ledger = Ledger(results, digest(path), digest(*tests, *helpers))
    ledger.open(options.fresh)
    mutants = find(ast.parse(path.read_text("utf8")))
    chosen = list(range(len(mutants)))
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))
    open_ = [i for i in chosen if mutants[i].key not in ledger.results]
    start = time.monotonic()
    if open_:
        order = {
            "module": module,
            "tests": [str(file.relative_to(root)) for file in tests],
            "results": str(results),
            "mutants": open_,
            "jobs": options.jobs,
            "slowest": options.slowest,
            "patience": options.patience,
        }
        ordered = results.with_suffix(".order")
        ordered.write_text(json.dumps(order), "utf8")
        paths = [str(Path(__file__).parent), str(root), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # seconds at every start
        command = [sys.executable, "-m", "mutation.server", str(ordered)]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        ordered.unlink()
        ledger.read()
        if digest(path) != ledger.source:
            results.unlink()
            raise SystemExit(f"{module}: the file was changed while its mutants were tested; run it again")
        if done.returncode not in (0, 1) or any(mutants[i].key not in ledger.results for i in open_):
            raise SystemExit(f"{module}: the run broke off\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    broken = [test for note in ledger.notes for test in note.get("broken", [])]
    listed = equivalents(options.survivors, module)
    asked = {mutants[i].key: ledger.results[mutants[i].key] for i in chosen}
    counted = {key: line for key, line in asked.items() if key not in listed}
    survivors = {key: line for key, line in counted.items() if not line["killed"]}
    score = 1 - len(survivors) / max(1, len(counted))
    print(
        f"{module}: {100 * score:.1f} % of {len(counted)} mutants killed, {len(survivors)} survive, "
        f"{len(asked) - len(counted)} listed as equivalent; {len(tests)} test files, {time.monotonic() - start:.0f} s"
    )
    for key, line in sorted(survivors.items(), key=lambda pair: pair[1]["line"]):
        reached = f"{line['tests']} tests pass" if line["tests"] else "no test comes here"
        print(f"  {path.relative_to(root)}:{line['line']}: {key}  ({reached})")
    for key in sorted(listed):
        if key in asked and asked[key]["killed"]:
            print(f"  listed as equivalent, and yet killed by {asked[key]['by']}: {key}")
        elif key not in {mutant.key for mutant in mutants}:
            print(f"  listed as equivalent, and there is no such mutant: {key}")
    for test in dict.fromkeys(broken):
        print(f"  left out, because it fails on the module as it is: {test}")
    sys.stdout.flush()
    return score, len(survivors)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, go through the modules, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="MODULE", help="dotted names, such as lossedu.losses.x"
    )
    parser.add_argument(
        "--tests", nargs="+", type=Path, metavar="FILE", help="instead of all that name the module's own"
    )
    parser.add_argument("--jobs", type=int, default=1, help="mutants tested at the same time (default 1)")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    parser.add_argument("--slowest", type=float, default=2.5, help="seconds; slower tests are not used (default 2.5)")
    parser.add_argument(
        "--patience", type=float, default=10, help="seconds beyond ten times what its tests took before"
    )
    parser.add_argument("--mark", type=float, default=90.0, help="the score asked for, in per cent (default 90)")
    parser.add_argument("--allow", type=int, metavar="N", help="unlisted survivors allowed in a module (default: any)")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help="folder of the results (default _build/mutation)")
    parser.add_argument("--survivors", type=Path, default=Path(__file__).parent / "mutation" / "survivors.yml")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    options.state = (options.state or root / "_build" / "mutation").resolve()
    below = 0
    for path in targets(root, options.only):
        if not path.is_file():
            parser.error(f"there is no module {module_name(root, path)}")
        score, survivors = run_module(root, path, options)
        below += 100 * score < options.mark or (options.allow is not None and survivors > options.allow)
    return int(below > 0)


if __name__ == "__main__":
    raise SystemExit(main())
