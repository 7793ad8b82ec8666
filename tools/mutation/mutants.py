"""The small faults that are put into a module, one at a time."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
#: Names of functions and methods that are mistaken for each other: arithmetic in disguise.
TWINS = [
    ("min", "max"),
    ("amin", "amax"),
    ("minimum", "maximum"),
    ("clamp_min", "clamp_max"),
    ("clamp_min_", "clamp_max_"),
    ("floor", "ceil"),
    ("sum", "mean"),
    ("any", "all"),
    ("sin", "cos"),
    ("zeros_like", "ones_like"),
    ("add", "sub"),
    ("mul", "div"),
    ("add_", "sub_"),
    ("mul_", "div_"),
]
SWAPS = {**dict(TWINS), **{b: a for a, b in TWINS}}
#: Functions that return one of these can have their result negated.
NUMBERS = ("Tensor", "float", "int", "torch.Tensor")
Scope = ast.FunctionDef | ast.ClassDef


@dataclass
class Mutant:
    """One change: `new` takes the place of a node, which is an attribute of its parent or an element of one."""

    function: str
    change: str
    line: int
    reach: tuple[int, int] | None  # lines of which a test must execute one; None: whatever imports the module
    parent: ast.AST
    name: str
    index: int | None
    new: ast.AST | None
    occurrence: int = field(default=1)

    @property
    def key(self) -> str:
        """What names the change as long as its function is not rewritten, wherever in the file it stands."""
        return f"{self.function}: {self.change}" + (f" #{self.occurrence}" if self.occurrence > 1 else "")

    def swap(self) -> Any:
        """Put the change into the tree, and return what stood there."""
        holder = getattr(self.parent, self.name)
        if self.index is None:
            setattr(self.parent, self.name, self.new)
            return holder
        old, holder[self.index : self.index + 1] = holder[self.index], [] if self.new is None else [self.new]
        return old

    def code(self, tree: ast.Module, filename: str) -> Any:
        """Return the module's code with the change in it; the tree is left as it was."""
        before = getattr(self.parent, self.name)
        kept = list(before) if isinstance(before, list) else before
        self.swap()
        try:
            return compile(ast.fix_missing_locations(tree), filename, "exec")
        finally:
            setattr(self.parent, self.name, kept)


def _text(node: ast.AST | None) -> str:
    text = "(nothing)" if node is None else " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else text[:70] + " … " + text[-17:]


def _constant(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield value + 1
        if value:  # 1.1 times nothing is nothing
            yield value * 1.1
    elif isinstance(value, str):
        yield value + "?"


def _expressions(node: ast.AST, returns: str) -> Iterator[ast.AST]:
    """Yield what may stand in the place of an expression."""
    match node:
        case ast.Constant(value=value):
            yield from (ast.Constant(new) for new in _constant(value))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
            yield operand
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for i, op in enumerate(ops):
                yield ast.Compare(left, [*ops[:i], COMPARISONS[type(op)](), *ops[i + 1 :]], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Name(id=name, ctx=ast.Load()) if name in SWAPS:
            yield ast.Name(SWAPS[name], ast.Load())
        case ast.Attribute(value=value, attr=name, ctx=ast.Load()) if name in SWAPS:
            yield ast.Attribute(value, SWAPS[name], ast.Load())
        case ast.Call(func=func, args=args, keywords=keywords):
            for i, keyword in enumerate(keywords):
                if keyword.arg not in (None, "strict"):
                    yield ast.Call(func, args, keywords[:i] + keywords[i + 1 :])
        case ast.Slice(lower=lower, upper=upper, step=step):
            one = ast.Constant(1)
            if lower is not None and not isinstance(lower, ast.Constant):
                yield ast.Slice(ast.BinOp(lower, ast.Add(), one), upper, step)
            if upper is not None and not isinstance(upper, ast.Constant):
                yield ast.Slice(lower, ast.BinOp(upper, ast.Sub(), one), step)


def _statements(node: ast.AST, returns: str) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a statement."""
    match node:
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
            if returns in NUMBERS:
                yield ast.Return(ast.UnaryOp(ast.USub(), value))
        case ast.Expr():
            yield ast.Pass()
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Pass()
            if type(op) in OPERATORS:
                yield ast.AugAssign(target, OPERATORS[type(op)](), value)
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class _Finder:
    def __init__(self) -> None:
        self.found: list[Mutant] = []
        self.scopes: list[Scope] = []
        self.reach: tuple[int, int] | None = None

    def add(self, parent: ast.AST, name: str, index: int | None, old: ast.AST, new: ast.AST | None) -> None:
        where = ".".join(scope.name for scope in self.scopes) or "(module)"
        change = f"{_text(old)} -> {_text(new)}"
        self.found.append(Mutant(where, change, getattr(old, "lineno", 0), self.reach, parent, name, index, new))

    def visit(self, parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
        """Collect the changes of a node, then those of what is inside it."""
        if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.Global) or _is_docstring(node):
            return  # the text of a message is nobody's promise; the condition above it is
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return  # of zip: an assertion about lengths, like the text of a message nobody's promise
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return
        outer = self.reach
        if isinstance(node, ast.stmt) and self._function() is not None:
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
            self.reach = (node.lineno, max(node.lineno, last or 0))
        function = self._function()
        returns = ast.unparse(function.returns) if function is not None and function.returns else ""
        for new in (*_statements(node, returns), *_expressions(node, returns)):
            self.add(parent, name, index, node, new)
        if isinstance(node, ast.If | ast.While):
            guard = isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise)
            new = ast.Constant(False) if guard else ast.UnaryOp(ast.Not(), node.test)
            self.add(node, "test", None, node.test, new)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.scopes.append(node)
            if self._function() is not None:
                self.reach = (node.lineno, node.end_lineno or node.lineno)  # defaults: any test of the function
        self._children(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.scopes.pop()
        self.reach = outer

    def _function(self) -> ast.FunctionDef | None:
        return next((scope for scope in reversed(self.scopes) if isinstance(scope, ast.FunctionDef)), None)

    def _children(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "type_params", "format_spec"):
                continue
            if isinstance(value, ast.AST):
                self.visit(node, name, None, value)
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        self.visit(node, name, index, item)


def find(tree: ast.Module) -> list[Mutant]:
    """Return every mutant of a module, in the order of the text."""
    finder = _Finder()
    for index, statement in enumerate(tree.body):
        finder.visit(tree, "body", index, statement)
    seen: Counter[str] = Counter()
    for mutant in finder.found:
        seen[mutant.key] += 1
        mutant.occurrence = seen[f"{mutant.function}: {mutant.change}"]
    return finder.found
