"""Close a generator, and those that it reads from.

Closing a generator raises at its `yield`, and there it ends: the generators that its loops read
from, and at the end of them the HTTP response, are left to the garbage collector. In SDKs of
several such layers that may be minutes later (google-genai 3.6, whose objects refer to each other),
and until then the model writes on. So each is closed in turn, from the outside to the inside, as if
each loop had been written with `aclosing`.

They are found on the stack of the suspended generator, where a loop holds what it reads from. What
a generator only has a name for is not touched: others may read it. That works on CPython; elsewhere
only the generator itself is closed.
"""

import gc
import inspect
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["aclose", "close"]

_DEEPEST: Final = 32  # generators within generators


async def aclose(generator: Any) -> None:
    """Close an async generator that is not running, and those that its loops read from.

    The first error of them is raised when all are closed.
    """
    failure: BaseException | None = None
    for one in _chain(generator):
        try:
            if inspect.isasyncgen(one) and not one.ag_running:
                await one.aclose()
            elif inspect.isgenerator(one) and not one.gi_running:
                one.close()
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure


def close(generator: Any) -> None:
    """Close a generator that is not running, and those that its loops read from."""
    failure: BaseException | None = None
    for one in _chain(generator):
        try:
            if inspect.isgenerator(one) and not one.gi_running:
                one.close()
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure


def _chain(generator: Any) -> list[Any]:
    """The generator, those that its loops read from, those of theirs, and so on.

    All are found before the first is closed: that takes its stack away.
    """
    found: list[Any] = [generator]
    for one in found:
        if len(found) > _DEEPEST:
            break
        found += [inner for inner in _read_by(one) if not any(inner is old for old in found)]
    return found


def _read_by(generator: Any) -> Iterator[Any]:
    """The generators that the loops of one read from: themselves, or within an object of an SDK."""
    for held in _on_stack(generator):
        if _is_generator(held):
            yield held
        elif hasattr(held, "__anext__") or hasattr(held, "__next__"):
            yield from filter(_is_generator, getattr(held, "__dict__", {}).values())


def _on_stack(generator: Any) -> list[Any]:
    """What a suspended generator holds without a name."""
    frame = getattr(generator, "ag_frame", None) or getattr(generator, "gi_frame", None)
    if frame is None:
        return []
    code = frame.f_code
    in_cells = {*code.co_cellvars, *code.co_freevars}
    named = Counter(id(value) for name, value in frame.f_locals.items() if name not in in_cells)
    unnamed = []
    for held in gc.get_referents(generator):
        if named[id(held)] > 0:
            named[id(held)] -= 1
        else:
            unnamed.append(held)
    return unnamed


def _is_generator(thing: object) -> bool:
    return inspect.isasyncgen(thing) or inspect.isgenerator(thing)
