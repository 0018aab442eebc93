"""A text as it is shown to its reader, in no time: what is released when, and how late."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import regex

from andes_client import Expectation, Segmenter, reading
from andes_client.buffer import Buffer
from andes_client.markdown.blocks import Reading
from andes_client.playout import Playout
from andes_client.qoe import qoe
from andes_client.segment import Words

__all__ = ["CUTS", "FAST", "SIX_PIECES", "SLOW", "Server", "Showing", "cut", "seen_qoe", "show"]


@dataclass(frozen=True)
class Server:
    """A server and the reader before it."""

    characters: float
    """That it sends in a second, however they are cut."""
    reader: Expectation


FAST: Final = Server(300.0, reading())
SIX_PIECES: Final = Server(24.0, reading())
"""Six pieces of four characters in a second: a little faster than its reader."""
SLOW: Final = Server(50.0, Expectation(1.0, 16.0))
"""A sixth slower than its reader, who skims."""

CUTS: Final = ("characters", "tokens", "chunks")
"""Ways in which a text may be cut on its way."""


def cut(text: str, way: str) -> list[str]:
    """The text in pieces, as one of `CUTS` has it."""
    if way == "characters":
        return list(text)
    if way == "tokens":
        token = r"\s?[\p{L}\p{M}]{1,5}|\d{1,3}|\s|[^\s\p{L}\d]{1,3}"
        return [match.group() for match in regex.finditer(token, text)]
    dice, pieces = random.Random(text), list[str]()
    while text:
        size = dice.randint(1, 24)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


@dataclass(frozen=True)
class Showing:
    """What a reader was shown."""

    releases: list[tuple[float, str]]
    """The moment, seconds since submission, and the text."""
    qoe: float
    """As `Buffer` has measured it, in the costs of its units."""
    longest_hold: float
    """The most seconds by which text that is seen was shown later than it was due."""

    @property
    def prefixes(self) -> list[str]:
        """The text after each release."""
        return list(accumulate(text for _, text in self.releases))


def show(pieces: Sequence[str], server: Server, segmenter: Segmenter) -> Showing:
    """Send the pieces to a reader; every moment of it is computed, none waited for."""
    playout = Playout(server.reader)
    buffer = Buffer(server.reader, segmenter, playout)
    buffer.start(0.0)
    text = "".join(pieces)
    hidden = _hidden(text)
    seen = {at for at, one in enumerate(text) if one.isalnum() and at not in hidden}
    sent = [size / server.characters for size in accumulate(map(len, pieces))]
    arrivals = [time for time, piece in zip(sent, pieces, strict=True) for _ in piece]
    releases, now, came, shown, longest = list[tuple[float, str]](), 0.0, 0, 0, 0.0
    while True:
        while came < len(pieces) and sent[came] <= now:
            buffer.receive(pieces[came], sent[came])
            came += 1
            if came == len(pieces):
                buffer.end(now)
        free_at = playout.free_at
        step = buffer.poll(now)
        if step is None:
            return Showing(releases, buffer.statistics(now).qoe, longest)
        if isinstance(step, float):
            now = min(step, sent[came] if came < len(pieces) else math.inf)
            assert now < math.inf, f"nothing comes after {text[:shown]!r}"
            continue
        readable = [at for at in range(shown, shown + len(step)) if at in seen]
        if readable:
            longest = max(longest, now - max(arrivals[readable[0]], free_at))
        releases.append((now, step))
        shown += len(step)


def seen_qoe(showing: Showing, server: Server) -> float:
    """QoE of the words that are seen when the Markdown is drawn, each when its end was shown.

    The costs are the same however the text was shown, so that two showings can be compared.
    """
    words, times, costs, at, next_ = Words(), list[float](), list[float](), 0, 0
    text = "".join(piece for _, piece in showing.releases)
    ends = list(accumulate(len(piece) for _, piece in showing.releases))
    hidden = _hidden(text)
    for unit in [*words.decode(text), *words.flush()]:
        visible = [i for i in range(at, at + len(unit.text)) if i not in hidden]
        at += len(unit.text)
        word = "".join(text[i] for i in visible)
        if not word.strip():
            continue
        last = max(i for i in visible if not text[i].isspace())
        while ends[next_] <= last:
            next_ += 1
        times.append(showing.releases[next_][0])
        costs.append(sum(words.cost(piece) for piece in words.split(word) if piece))
    return qoe(times, server.reader, costs)


def _hidden(text: str) -> set[int]:
    """Where in the text the marks are, of which nothing is seen when it is drawn."""
    whole = Reading()
    whole.feed(text)
    whole.end()
    return {at for start, end in whole.marks for at in range(start, end)}
