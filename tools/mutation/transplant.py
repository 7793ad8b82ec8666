"""Put changed code into a module that is already loaded, so that everybody who imported from it sees the change."""

from __future__ import annotations

import sys
import types
from typing import Any


class Unimportable(Exception):
    """The changed module fails when it is run; any other exception is a fault of this file."""


def _function(old: types.FunctionType, new: types.FunctionType, holder: Any, name: str) -> None:
    if hasattr(old, "__wrapped__") and hasattr(new, "__wrapped__"):  # a decorator's wrapper: what counts is inside
        if isinstance(old.__wrapped__, types.FunctionType):
            _function(old.__wrapped__, new.__wrapped__, old, "__wrapped__")
        return
    if old.__code__.co_freevars == new.__code__.co_freevars:
        old.__code__ = new.__code__
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
        return
    # Without its super() a method has no __class__ cell any more: such a function has to be made anew.
    cells = dict(zip(old.__code__.co_freevars, old.__closure__ or (), strict=True))
    closure = tuple(cells[free] for free in new.__code__.co_freevars)
    made = types.FunctionType(new.__code__, old.__globals__, old.__name__, new.__defaults__, closure)
    made.__kwdefaults__ = new.__kwdefaults__
    setattr(holder, name, made)


def _class(old: type, new: type) -> None:
    for name, value in vars(new).items():
        before = vars(old).get(name)
        if isinstance(value, types.FunctionType) and isinstance(before, types.FunctionType):
            _function(before, value, old, name)
        elif isinstance(value, staticmethod | classmethod) and isinstance(before, staticmethod | classmethod):
            _function(before.__func__, value.__func__, old, name)
        elif isinstance(value, property) and isinstance(before, property) and before.fget and value.fget:
            _function(before.fget, value.fget, old, name)
        elif isinstance(value, bool | int | float | str | tuple) and before != value and not name.startswith("__"):
            setattr(old, name, value)


def transplant(module: types.ModuleType, code: types.CodeType) -> None:
    """Run a changed module beside the loaded one, and carry over every function, class and constant of it."""
    fresh = types.ModuleType(module.__name__)
    fresh.__file__, fresh.__package__, fresh.__spec__ = module.__file__, module.__package__, module.__spec__
    sys.modules[module.__name__] = fresh  # dataclasses look themselves up
    try:
        exec(code, fresh.__dict__)
    except Exception as error:
        raise Unimportable(type(error).__name__) from error
    finally:
        sys.modules[module.__name__] = module
    for name, new in list(vars(fresh).items()):
        old = vars(module).get(name)
        if getattr(new, "__module__", None) not in (None, module.__name__) or name.startswith("__"):
            continue  # imported, not made here
        if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
            _function(old, new, module, name)
        elif isinstance(old, type) and isinstance(new, type):
            _class(old, new)
        elif not isinstance(new, types.ModuleType):
            _everywhere(name, old, new)


def _everywhere(name: str, old: object, new: object) -> None:
    for other in list(sys.modules.values()):
        if getattr(other, "__dict__", {}).get(name, other) is old:
            setattr(other, name, new)
