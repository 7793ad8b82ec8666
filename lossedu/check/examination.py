"""How a check is written: call the reader's code, then test one property after the other.

    with Examination("mean_square", "fn(x, y)") as exam:
        answer = exam.number(exam.call(fn, x, y))
        exam.value("value by hand", answer, 0.25, rtol=1e-6, mistakes=[("sum instead of mean", 4.0)])
    return exam.verdict()

A `require` that fails leaves the block: what would come after it makes no sense without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from .numbers import Mistake, as_tensor, largest_difference, near, recognise, short, two_numbers
from .reader import NOT_FINITE, describe, dtype_hint, dtype_name, is_plain, kind, no_tensor_hint
from .verdict import Property, Target, Verdict


class _Stop(Exception):
    """Leaves the block of an examination."""


class Examination:
    """Collects properties; as a context manager it ends at the first one that the rest depends on.

    Parameters
    ----------
    exercise : str
        Name of the check.
    call : str
        How the reader's function is called, such as ``"fn(x, y, sigma)"``; empty if the answer is no function.
    explain : callable, optional
        Returns what usually causes an error that the reader's function raised, or "".
    """

    def __init__(self, exercise: str, call: str = "", explain: Callable[[Exception], str] | None = None) -> None:
        self.exercise, self._call, self._explain = exercise, call, explain
        self.properties: list[Property] = []
        self.notes: list[str] = []
        self.target: Target | None = None

    def __enter__(self) -> Examination:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return kind is _Stop

    def verdict(self) -> Verdict:
        """Return what was found."""
        return Verdict(self.exercise, tuple(self.properties), tuple(self.notes), self.target)

    def test(self, name: str, ok: bool, seen: str, expected: str = "", hint: str = "") -> bool:
        """Record a property and go on.  A hint is given once: further down it would only repeat itself."""
        told = ok or any(hint == item.hint for item in self.properties)
        self.properties.append(Property(name, ok, seen, expected, "" if told else hint))
        return ok

    def require(self, name: str, ok: bool, seen: str, expected: str = "", hint: str = "") -> None:
        """Record a property, and end the examination if it does not hold."""
        if not self.test(name, ok, seen, expected, hint):
            raise _Stop

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call the reader's function with copies; what it raises becomes a property, never an error of the check."""
        given = [arg.clone() if isinstance(arg, Tensor) else arg for arg in args]
        try:
            answer = fn(*given)
        except Exception as error:
            wanted = f"{self._call} returns without an error"
            self.require("runs", False, describe(error), wanted, self._call_hint(error))
        kept = all(torch.equal(a.detach(), b) for a, b in zip(given, args, strict=True) if isinstance(a, Tensor))
        if not kept:
            hint = (
                "an operation in place, such as x -= mean, writes into what was handed over; work on a copy, x.clone()"
            )
            self.require("leaves its input alone", False, "the tensors it was given were changed", "no change", hint)
        return answer

    def _call_hint(self, error: Exception) -> str:
        arguments = isinstance(error, TypeError) and "argument" in str(error)
        if arguments:
            return f"the check calls {self._call}"
        return self._explain(error) if self._explain else ""

    def number(self, answer: Any, name: str = "returns one number") -> float:
        """Require a finite number or a tensor that holds one, and return it."""
        if isinstance(answer, Tensor):
            ok = is_plain(answer) and answer.numel() == 1
            seen, hint = kind(answer), "sum or average what is left"
        else:
            ok = isinstance(answer, Real) and not isinstance(answer, bool)
            seen, hint = kind(answer), no_tensor_hint(answer)
        self.require_once(name, ok, seen, "a tensor with one element, or a float", hint)
        try:
            value = float(answer.detach() if isinstance(answer, Tensor) else answer)
        except OverflowError:
            value = math.inf
        self.require_once("is finite", math.isfinite(value), short(value), "no NaN, no infinity", NOT_FINITE)
        return value

    def tensor(
        self,
        answer: Any,
        shape: Sequence[int],
        dtype: torch.dtype | None = None,
        shape_hints: Mapping[tuple[int, ...], str] | None = None,
        *,
        what: str = "",
    ) -> Tensor:
        """Require a finite tensor of this shape and, if given, dtype; return it on the CPU and without its graph.

        `shape_hints` says for typical wrong shapes what they usually mean; `what` names the answer where there are
        several.
        """
        prefix = f"{what}: " if what else ""
        if not isinstance(answer, Tensor):
            self.require(f"{prefix}returns a tensor", False, kind(answer), "a torch.Tensor", no_tensor_hint(answer))
        if not is_plain(answer):
            self.require(f"{prefix}returns a tensor", False, kind(answer), "a dense tensor of real numbers")
        came, wanted = tuple(answer.shape), tuple(shape)
        bare = {wanted[k:]: f"the leading axes are missing: end with .reshape{wanted}" for k in range(1, len(wanted))}
        hint = {**bare, **(shape_hints or {})}.get(came, "")
        self.require_once(f"{prefix}shape", came == wanted, str(came), str(wanted), hint)
        if dtype is not None:
            ok, hint = answer.dtype == dtype, dtype_hint(answer.dtype)
            self.require_once(f"{prefix}dtype", ok, dtype_name(answer.dtype), dtype_name(dtype), hint)
        bad = int((~torch.isfinite(answer)).sum())
        seen = f"{bad} of {answer.numel()} values are NaN or infinite" if bad else "every value is"
        self.require_once(f"{prefix}finite", bad == 0, seen, "no NaN, no infinity", NOT_FINITE)
        return answer.detach().cpu()

    def require_once(self, name: str, ok: bool, seen: str, expected: str = "", hint: str = "") -> None:
        """As `require`, but a property that was met before is not listed again."""
        if not (ok and any(item.name == name and item.ok for item in self.properties)):
            self.require(name, ok, seen, expected, hint)

    def value(
        self,
        name: str,
        seen: Tensor | float,
        expected: Tensor | float,
        *,
        rtol: float,
        atol: float = 0.0,
        mistakes: Sequence[Mistake] = (),
        hint: str = "",
    ) -> bool:
        """Test a number or a tensor against the right one; `hint` is for a wrong value that no mistake explains."""
        if near(seen, expected, rtol, atol):
            single = as_tensor(seen).numel() == 1
            return self.test(name, True, short(float(seen)) if single else f"right within {short(rtol or atol)}")
        if as_tensor(seen).numel() == 1:
            came, wanted = two_numbers(float(seen), float(expected))
        else:
            came, wanted = largest_difference(as_tensor(seen), as_tensor(expected))
        within = f"{wanted} (within {short(rtol)} of the largest value)" if rtol else f"{wanted} (within {short(atol)})"
        return self.test(name, False, came, within, recognise(seen, expected, mistakes) or hint)
