"""What runs in the writer and is the user's own: known by a name, and imported there by it.

The writer is a program of its own, so a lambda or a function of `__main__` has no name that it
could find.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from typing import Any

from mplog.config.wrong import WrongValue

MAX_NAME_CHARS = 200
PATTERN = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*"


def is_name(text: str) -> bool:
    """Whether *text* has the form `package.module:object`."""
    return len(text) <= MAX_NAME_CHARS and re.fullmatch(PATTERN, text) is not None


def name_of(value: types.FunctionType) -> str:
    """The name by which a writer finds a function.

    Raises:
        WrongValue: it has none.
    """
    name = f"{value.__module__}:{value.__qualname__}"
    if value.__module__ == "__main__" or not is_name(name):
        right = (
            'define it in a module and give its name, "package.module:object": it is called in '
            "the writer, which is a program of its own"
        )
        raise WrongValue(value, "has no name by which the writer could import it", right)
    return name


def leads_to(name: str, value: object) -> bool:
    """Whether the writer would find *value* itself by this name: not an instance by its class's
    module, nor a method without its object.
    """
    module, _, attribute = name.partition(":")
    if module == "__main__" or module not in sys.modules or not is_name(name):
        return False
    found: Any = sys.modules[module]
    for part in attribute.split("."):
        found = getattr(found, part, None)
    return found is value or (type(value) is types.MethodType and bool(found == value))


def find(name: str) -> Callable[..., Any]:
    """What *name* stands for; in the writer.

    Raises:
        Exception: the module's own code has run, and may raise anything.
        TypeError: it is no callable.
    """
    from importlib import import_module
    from operator import attrgetter

    module, _, attribute = name.partition(":")
    found = attrgetter(attribute)(import_module(module))
    if not callable(found):
        raise TypeError("it is no callable")
    return found  # type: ignore[no-any-return]
