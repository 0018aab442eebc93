"""A paced token buffer: read any bursty text stream at the speed of a person.

    from andes_client import pace, reading

    async with pace(stream, reading(wpm=238)) as paced:
        async for word in paced:
            print(word, end="", flush=True)

`stream` is any async iterable of text. It is drained as fast as it comes; words are
released one by one at the reader's pace, the first at once, and `paced.statistics()`
says how good it was for the reader (QoE). `pace_blocking` does the same without an event
loop of yours.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from andes_client.blocking import BlockingPaced, pace_blocking
    from andes_client.buffer import Event, Statistics
    from andes_client.expectation import (
        Expectation,
        Smoothing,
        Speaking,
        reading,
        smooth,
        speaking,
    )
    from andes_client.pacer import Paced, pace
    from andes_client.segment import Segmenter, Unit

__all__ = [
    "BlockingPaced",
    "Event",
    "Expectation",
    "Paced",
    "Segmenter",
    "Smoothing",
    "Speaking",
    "Statistics",
    "Unit",
    "pace",
    "pace_blocking",
    "reading",
    "smooth",
    "speaking",
]

# A name is loaded when it is first asked for: a server that only needs `andes_client.wire` does
# not pay for the pacer and its Unicode tables.
_HOMES: Final = {
    "blocking": ("BlockingPaced", "pace_blocking"),
    "buffer": ("Event", "Statistics"),
    "expectation": ("Expectation", "Smoothing", "Speaking", "reading", "smooth", "speaking"),
    "pacer": ("Paced", "pace"),
    "segment": ("Segmenter", "Unit"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
