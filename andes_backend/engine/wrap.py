"""Adds to methods of vLLM's front end, which has no hooks for what we need there."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

__all__ = ["wrap"]

_MARK: Final = "_andes"


def wrap(
    owner: type, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Put `around(method)` in the place of a method, for good; a second call changes nothing.

    Args:
        owner: the class.
        name: the method's name; a static method stays one.
        around: is given the method, returns the function that takes its place.
    """
    method = getattr(owner, name)
    if hasattr(method, _MARK):
        return
    replacement: Any = functools.wraps(method)(around(method))
    setattr(replacement, _MARK, True)
    if isinstance(inspect.getattr_static(owner, name), staticmethod):
        replacement = staticmethod(replacement)
    setattr(owner, name, replacement)
