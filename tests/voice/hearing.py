"""A voice that takes as long as the letters say, on a clock of numbers."""

import math
from dataclasses import dataclass

from andes_client.voice.chunk import Chunk
from andes_client.voice.cutter import Cutter

__all__ = ["Said", "hear"]

LETTERS_PER_SECOND = 15.0


@dataclass
class Said:
    """A chunk, and when it was cut off and heard."""

    at: float
    chunk: Chunk
    begins: float
    ends: float


def hear(
    cutter: Cutter, script: list[tuple[float, str]], *, told: bool, quiet: float = 0.0
) -> list[Said]:
    """Feed a cutter what a script has, and speak all that comes out, at once.

    Args:
        cutter: a new one.
        script: seconds after the text before, and a text.
        told: the cutter is told how much audio is in hand.
        quiet: seconds between the last text and the end of the stream.
    """
    now, free, said = 0.0, 0.0, list[Said]()
    arrivals = list[tuple[float, str | None]]()
    moment = 0.0
    for wait, piece in script:
        moment += wait
        arrivals.append((moment, piece))
    arrivals.append((moment + quiet, None))
    arrivals.reverse()
    while (step := cutter.poll(now, max(0.0, free - now) if told else None)) is not None:
        if isinstance(step, Chunk):
            begins = max(now, free)
            free = begins + len(step.spoken) / LETTERS_PER_SECOND
            said.append(Said(now, step, begins, free))
            continue
        assert step > now, "a cutter that asks to be asked again at once"
        now = max(now, min(step, arrivals[-1][0] if arrivals else math.inf))
        assert now < math.inf, "a cutter that waits for more than there is"
        while arrivals and arrivals[-1][0] <= now:
            text = arrivals.pop()[1]
            if text is None:
                cutter.end(now)
            else:
                cutter.feed(text, now)
    assert not arrivals
    return said
