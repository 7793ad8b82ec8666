"""``{api} lossedu.losses``: the public names of a package or module, as a table and then one by one.

The list is its own ``__all__``, or what it defines without a leading underscore, so a new public name
is documented as soon as it exists. A package that only holds modules is listed module by module.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective


class Api(SphinxDirective):
    required_arguments = 1

    def run(self):
        package = importlib.import_module(self.arguments[0])
        top = importlib.import_module(package.__name__.partition(".")[0])
        names = [n for n in getattr(package, "__all__", None) or _defined_in(package) if not _foreign(package, n)]
        # A name that is also offered at the top is documented under the short path that readers use.
        paths = {n: f"{(top if _offered(top, package, n) else package).__name__}.{n}" for n in names}
        described = [n for n in names if callable(getattr(package, n))]
        lines = [".. autosummary::", "   :nosignatures:", "", *(f"   ~{paths[n]}" for n in described), ""]
        if not names:
            documented = [(m, inspect.getdoc(importlib.import_module(m)) or "") for m in _modules(package)]
            lines = [f"- ``{module}``: {text.partition(chr(10))[0]}" for module, text in documented]
        for name in described:
            is_class = inspect.isclass(getattr(package, name))
            lines += [f".. auto{'class' if is_class else 'function'}:: {paths[name]}"]
            lines += ["   :members:", ""] if is_class else [""]
        for name in sorted(set(names) - set(described)):
            lines += [f".. py:data:: {paths[name]}", "", *(f"   {line}" for line in _comment(package, name)), ""]
        box = nodes.container()
        text = StringList(["```{eval-rst}", *lines, "```"], package.__name__)
        self.state.nested_parse(text, self.content_offset, box)
        return box.children


def _defined_in(module) -> list[str]:
    own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__}
    return [n for n in own if not n.startswith("_")]


def _offered(top, package, name: str) -> bool:
    """Return whether a name is offered at the top: the same thing, and not another one that is called alike."""
    return name in top.__all__ and getattr(top, name) is getattr(package, name)


def _foreign(package, name: str) -> bool:
    """Return whether a name is only passed on: it is documented where it is at home."""
    home = getattr(getattr(package, name), "__module__", None) or package.__name__
    return callable(getattr(package, name)) and not f"{home}.".startswith(f"{package.__name__}.")


def _modules(package) -> list[str]:
    return [f"{package.__name__}.{m.name}" for m in pkgutil.iter_modules(getattr(package, "__path__", ()))]


def _comment(package, name: str) -> list[str]:
    """Return the ``#:`` comment of a constant, from the module of the package that defines it.

    Python keeps no docstring for a value, and autodoc would print that of its type.
    """
    for module in [package.__name__, *_modules(package)]:
        if lines := ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name)):
            return lines
    return []


def setup(app):
    app.add_directive("api", Api)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
