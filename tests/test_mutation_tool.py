"""The tool that tries the tests: on a module small enough to know what it must find."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from mutation import mutants, server  # noqa: E402
from mutation.ledger import Ledger  # noqa: E402

SOURCE = '''"""A module."""
import functools

LIMIT = 3

def twice(a: int, *, by: int = 2) -> int:
    """Doc."""
    if a > LIMIT:
        raise ValueError(f"at most {LIMIT}")
    return a * by

@functools.cache
def untested(a: int) -> int:
    return a + 7

class Thing:
    def __init__(self, size: int) -> None:
        self.size = size

    @staticmethod
    def half(a: float) -> float:
        while a > 4:
            a /= 2
        return a

def same(a: float) -> float:
    return a / (0 + 1)

__all__ = ["Thing", "twice", "untested"]
'''
TESTS = """
import pytest
from sample.losses.sums import LIMIT, Thing, twice

def test_twice():
    assert twice(3) == 6 and twice(1, by=5) == 5 and twice(0, by=1) == 0
    assert LIMIT == 3
    with pytest.raises(ValueError, match="at most 3"):
        twice(4)

def test_thing():
    assert Thing(4).size == 4
    assert Thing.half(16.0) == 4 and Thing.half(4.0) == 4 and Thing.half(5.0) == 2.5

def test_that_fails():
    assert twice(1) == 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A package with one module, and its tests."""
    for name, text in {
        "sample/__init__.py": "",
        "sample/losses/__init__.py": "",
        "sample/losses/sums.py": SOURCE,
        "tests/test_sums.py": TESTS,
        "tests/test_other.py": "import nothing_of_that_name\n",
        "survivors.yml": "sample.losses.sums: {same: {0 + 1 -> 0 - 1: nobody calls it}}\n",
        "pytest.ini": "[pytest]\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf8")
    return tmp_path


def mutate(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = [
        "--patience",
        "0.5",
        "--root",
        project,
        "--only",
        "sample.losses.sums",
        "--survivors",
        project / "survivors.yml",
    ]
    command = [sys.executable, ROOT / "tools" / "mutate.py", *own, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_kills_what_is_tested_and_reports_what_is_not(project: Path) -> None:
    done = mutate(project, "--jobs", "2")
    assert done.returncode == 1, done.stderr  # far below the mark
    lines = done.stdout.splitlines()
    survivors = [line.split(": ", 1)[1] for line in lines if line.startswith("  sample/")]
    assert survivors and all(text.startswith(("untested", "same")) for text in survivors), done.stdout
    assert "sample/losses/sums.py:14: untested: a + 7 -> a - 7  (no test comes here)" in done.stdout
    assert "same: 0 + 1 -> 0 - 1" not in done.stdout.replace("listed", "")
    assert ", 1 listed as equivalent" in lines[0]
    assert "left out, because it fails on the module as it is: tests/test_sums.py::test_that_fails" in done.stdout
    assert (project / "sample/losses/sums.py").read_text("utf8") == SOURCE

    assert mutate(project, "--mark", "40").returncode == 0
    assert mutate(project, "--mark", "40", "--allow", "2").returncode == 1
    # what is known is not tried again: the second run needs no tests
    results = project / "_build" / "mutation" / "sample.losses.sums.jsonl"
    tried = results.read_text("utf8").count('"key"')
    assert tried == len(mutants.find(ast.parse(SOURCE)))

    # a better test: survivors are tried again, and nothing else
    better = TESTS.replace("def test_thing", "def test_untested():\n    assert untested(1) == 8\n\ndef test_thing")
    better = better.replace("Thing, twice", "Thing, twice, untested")
    (project / "tests/test_sums.py").write_text(better, "utf8")
    again = mutate(project)
    assert "untested" not in again.stdout.split("survive", 1)[1].replace("test comes", "")
    assert "same: " in again.stdout
    assert results.read_text("utf8").count('"key"') - tried == len(survivors) + 1


def test_a_change_to_the_module_makes_results_void(tmp_path: Path) -> None:
    results = tmp_path / "a.jsonl"
    first = Ledger(results, "old", "tests")
    first.open(fresh=False)
    with results.open("a", encoding="utf8") as file:
        file.write('{"key": "f: 1 -> 2", "killed": true}\n{"key": "f: 2 -> 3", "killed": false}\n')
    assert len(Ledger(results, "old", "tests").read().results) == 2
    assert list(Ledger(results, "old", "other tests").read().results) == ["f: 1 -> 2"]
    second = Ledger(results, "new", "tests")
    second.open(fresh=False)
    assert not second.read().results
    with results.open("a", encoding="utf8") as file:
        file.write('{"key": "f: 2 -> 3", "killed": true}\n')
    assert list(second.read().results) == ["f: 2 -> 3"]


def test_a_sample_and_a_wrong_name(project: Path) -> None:
    one, two = (mutate(project, "--sample", "4", "--seed", "3", "--fresh").stdout.split(" s\n")[1] for _ in range(2))
    assert one == two
    wrong = subprocess.run(
        [sys.executable, ROOT / "tools" / "mutate.py", "--only", "lossedu.nothing"], capture_output=True
    )
    assert wrong.returncode == 2 and b"there is no module lossedu.nothing" in wrong.stderr


def verdict(tmp_path: Path, ending: Callable[[], object], killer: str = "") -> tuple[bool, str]:
    """Return what the tool makes of a child that ends like this."""
    judge = server.Server({"results": str(tmp_path / "a.jsonl")})
    child = os.fork()
    if child == 0:
        if killer:
            (tmp_path / f"a.{os.getpid()}").write_text(killer, "utf8")
        ending()
        os._exit(99)
    return judge._verdict(*os.waitpid(child, 0))


def test_only_a_failing_test_or_a_crash_is_a_kill(tmp_path: Path) -> None:
    """A child that dies of a fault of the tool looks like a kill, and a score made of those is worth nothing."""
    assert verdict(tmp_path, lambda: os._exit(0)) == (False, "")
    assert verdict(tmp_path, lambda: os._exit(1), "test_a") == (True, "test_a")
    assert verdict(tmp_path, lambda: os.kill(os.getpid(), signal.SIGALRM)) == (True, "signal SIGALRM")
    for ending in (
        lambda: os._exit(1),  # as pytest does after an internal error, and no test is named
        lambda: os._exit(3),
        lambda: os.kill(os.getpid(), signal.SIGKILL),
    ):
        with pytest.raises(RuntimeError, match="not because a test failed"):
            verdict(tmp_path, ending)


def test_a_fault_of_the_tool_breaks_the_run_off(project: Path) -> None:
    order = {"module": "sample.losses.sums", "tests": ["tests/test_sums.py"], "results": str(project / "out.jsonl")}
    order |= {"mutants": [0], "jobs": 1, "slowest": 1.0}  # no "patience": the child would stumble over that
    (project / "order.json").write_text(json.dumps(order), "utf8")
    paths = os.pathsep.join([str(ROOT / "tools"), str(project)])
    command = [sys.executable, "-m", "mutation.server", "order.json"]
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode not in (0, 1) and "patience" in done.stdout + done.stderr
    assert '"key"' not in (project / "out.jsonl").read_text("utf8")


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants.find(ast.parse(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a + b", ["a + b -> a - b"]),
        ("x = a < b <= c", ["a < b <= c -> a <= b <= c", "a < b <= c -> a < b < c"]),
        ("x = 0.5", ["0.5 -> 1.5", "0.5 -> 0.55"]),
        ("x = 0.0", ["0.0 -> 1.0"]),
        ("x = 'valid'", ["'valid' -> 'valid?'"]),
        ("x = not a and b", ["not a and b -> not a or b", "not a -> a"]),
        ("x = max(a, b)", ["max -> min"]),
        ("for mean, sum in a:\n    x = mean", ["mean -> sum"]),
        ("x = f(a, dim=c)", ["f(a, dim=c) -> f(a)"]),
        ("x = a[n:m]", ["n:m -> n + 1:m", "n:m -> n:m - 1"]),
        ("x = t.mul_(a)", ["t.mul_ -> t.div_"]),
        ("x = zip(a, b, strict=True)", []),
        ("x = -a", ["-a -> a"]),
        ("x = a if b else c", ["a if b else c -> a if not b else c"]),
        ("if a:\n    f()", ["a -> not a", "f() -> pass"]),
        ("if a:\n    raise ValueError('no' + str(1))", ["a -> False"]),
        ("x += 1", ["x += 1 -> pass", "x += 1 -> x -= 1", "1 -> 2"]),
        ("def f(a: int = 1) -> Tensor:\n    return a", ["1 -> 2", "return a -> return None", "return a -> return -a"]),
        ("def f() -> str:\n    return a", ["return a -> return None"]),
        ("for a in b:\n    break", ["break -> continue"]),
        ('"""Doc."""\nx: int | None = y', []),
        ("__all__ = ['a']\nimport b\nraise ValueError('c')", []),
    ],
)
def test_the_faults(source: str, expected: list[str]) -> None:
    assert changes(source) == expected
    tree = ast.parse(source)
    before = ast.dump(tree)
    for mutant in mutants.find(tree):
        mutant.code(tree, "x.py")
        assert ast.dump(tree) == before  # each is taken out again
    assert len({mutant.key for mutant in mutants.find(tree)}) == len(expected)
