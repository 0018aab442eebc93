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

from andes_client.blocking import BlockingPaced, pace_blocking
from andes_client.buffer import Event, Statistics
from andes_client.expectation import Expectation, reading, speaking
from andes_client.pacer import Paced, pace
from andes_client.segment import Segmenter, Unit

__all__ = [
    "BlockingPaced",
    "Event",
    "Expectation",
    "Paced",
    "Segmenter",
    "Statistics",
    "Unit",
    "pace",
    "pace_blocking",
    "reading",
    "speaking",
]
