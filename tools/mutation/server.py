"""Run the tests of one module against each of its mutants: ``python -m mutation.server ORDER.json``.

The tests are collected once.  Each mutant then costs a fork: the child changes the loaded module, runs the tests that
execute the changed line, the quickest first, and ends with the first that fails.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .mutants import Mutant, find
from .transplant import Unimportable, transplant

SPARE_MEMORY = 4 << 30  # a mutant may not fill the machine
SURVIVED, KILLED, FAULT = 0, 1, 70  # how a child ends
#: The time is over, or the changed code brought the interpreter down.  Not SIGKILL: that may have come from anybody.
FATAL = (signal.SIGALRM, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)


class Server:
    """The plugin that takes the place of pytest's loop over the tests."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.out = Path(order["results"])
        self.failed = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let hypothesis report the first counterexample it meets: a simpler one is of no use here."""
        try:
            from hypothesis import Phase, settings
        except ImportError:
            return
        settings.register_profile("mutation", settings.default, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutation")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._say(broken=[report.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        module = importlib.import_module(self.order["module"])
        filename = str(module.__file__)
        tree = ast.parse(Path(filename).read_text("utf8"))
        mutants = find(tree)
        baseline = self._baseline(tree, filename)
        self._control(tree, filename, baseline)
        wanted = [mutants[i] for i in self.order["mutants"]]
        running: dict[int, tuple[Mutant, list[str], float]] = {}
        for mutant in wanted:
            tests = self._tests(mutant, baseline)
            while len(running) >= self.order["jobs"]:
                self._wait(running)
            limit = self.order["patience"] + 10 * sum(baseline["seconds"][test] for test in tests)
            child = os.fork()
            if child == 0:
                self._judge(mutant, tree, filename, tests, limit)
            running[child] = (mutant, tests, time.monotonic())
        while running:
            self._wait(running)
        return True

    def _say(self, **line: object) -> None:
        with self.out.open("a", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")

    def _run(self, tests: list[str]) -> Iterator[tuple[str, float]]:
        """Run tests one after the other, and yield how long each took."""
        items = [self.items[test] for test in tests]
        for i, item in enumerate(items):
            start = time.perf_counter()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=items[i + 1] if i + 1 < len(items) else None)
            yield item.nodeid, time.perf_counter() - start

    def _baseline(self, tree: ast.Module, filename: str) -> dict[str, Any]:
        """Return which tests execute each line, how long every test takes, and which fail without any change."""
        path = self.out.with_suffix(".baseline")
        child = os.fork()
        if child == 0:
            os.environ["COVERAGE_CORE"] = "ctrace"
            import coverage

            transplant(sys.modules[self.order["module"]], compile(tree, filename, "exec"))  # as for every mutant
            meter = coverage.Coverage(data_file=None, include=[filename], config_file=False)
            meter.start()
            seconds: dict[str, float] = {}
            broken: list[str] = []
            steps = self._run(list(self.items))
            for test in self.items:
                meter.switch_context(test)
                self.failed = ""
                seconds[test] = next(steps)[1]
                if self.failed:
                    broken.append(test)
            meter.stop()
            lines = meter.get_data().contexts_by_lineno(filename)
            path.write_text(json.dumps({"seconds": seconds, "broken": broken, "lines": lines}), "utf8")
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            raise RuntimeError("the tests did not run through on the module as it is")
        found = json.loads(path.read_text("utf8"))
        path.unlink()
        found["lines"] = {int(line): set(tests) for line, tests in found["lines"].items()}
        self._say(baseline=len(self.items), seconds=round(sum(found["seconds"].values()), 1), broken=found["broken"])
        return found

    def _tests(self, mutant: Mutant, baseline: dict[str, Any]) -> list[str]:
        if mutant.reach is None:
            reached = set().union(*baseline["lines"].values()) if baseline["lines"] else set()
        else:
            first, last = mutant.reach
            reached = set().union(*(baseline["lines"].get(line, ()) for line in range(first, last + 1)))
        reached -= {"", *baseline["broken"]}
        seconds = baseline["seconds"]
        return sorted((t for t in reached if seconds[t] <= self.order["slowest"]), key=seconds.__getitem__)

    def _judge(self, mutant: Mutant | None, tree: ast.Module, filename: str, tests: list[str], limit: float) -> None:
        """In the child: end with the verdict; the alarm, or a crash, ends it otherwise.  No mutant: no change."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit)
        size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + SPARE_MEMORY, size + SPARE_MEMORY))
        killer = self.out.with_name(f"{self.out.stem}.{os.getpid()}")
        try:
            self._execute(mutant, tree, filename, tests, killer)
        except BaseException:  # a fault of this tool, or of pytest, must never count as a kill
            killer.with_name(f"{killer.name}.fault").write_text(traceback.format_exc(), "utf8")
        os._exit(FAULT)

    def _execute(self, mutant: Mutant | None, tree: ast.Module, filename: str, tests: list[str], killer: Path) -> None:
        code = compile(tree, filename, "exec") if mutant is None else mutant.code(tree, filename)
        try:
            transplant(sys.modules[self.order["module"]], code)
        except Unimportable as error:
            killer.write_text(f"import: {error}", "utf8")
            os._exit(KILLED)
        self.failed = ""
        for test, _ in self._run(tests):
            if self.failed:
                killer.write_text(test, "utf8")
                os._exit(KILLED)
        os._exit(SURVIVED)

    def _wait(self, running: dict[int, tuple[Mutant, list[str], float]]) -> None:
        child, status = os.wait()
        mutant, tests, start = running.pop(child)
        killed, by = self._verdict(child, status)
        line = {"key": mutant.key, "line": mutant.line, "killed": killed, "by": by, "tests": len(tests)}
        self._say(**line, seconds=round(time.monotonic() - start, 2))

    def _verdict(self, child: int, status: int) -> tuple[bool, str]:
        """Return whether a mutant was killed and by what, or raise where the child ended in no way that it should."""
        killer = self.out.with_name(f"{self.out.stem}.{child}")
        fault = killer.with_name(f"{killer.name}.fault")
        by, why = (path.read_text("utf8") if path.exists() else "" for path in (killer, fault))
        killer.unlink(missing_ok=True)
        fault.unlink(missing_ok=True)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in FATAL:
            return True, f"signal {signal.Signals(os.WTERMSIG(status)).name}"
        code = os.waitstatus_to_exitcode(status)
        if code == SURVIVED:
            return False, ""
        if code == KILLED and by:
            return True, by
        raise RuntimeError(f"a child ended with {code}, and not because a test failed\n{why}")

    def _control(self, tree: ast.Module, filename: str, baseline: dict[str, Any]) -> None:
        """Put the module in its own place, unchanged: whatever kills that would kill every mutant."""
        seconds = baseline["seconds"]
        tests = sorted((t for t in seconds if t not in baseline["broken"]), key=seconds.__getitem__)[:50]
        child = os.fork()
        if child == 0:
            self._judge(None, tree, filename, tests, limit=60)
        killed, by = self._verdict(*os.waitpid(child, 0))
        if killed:
            raise RuntimeError(f"the module as it is, put in its own place, was killed by {by}")


def main(order: dict[str, Any]) -> int:
    """Collect the tests and serve the mutants."""
    options = ["-q", "--continue-on-collection-errors", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return pytest.main(
        [*options, "-o", "addopts=", "--import-mode=importlib", *order["tests"]], plugins=[Server(order)]
    )


if __name__ == "__main__":
    raise SystemExit(main(json.loads(Path(sys.argv[1]).read_text("utf8"))))
