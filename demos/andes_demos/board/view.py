"""What is seen of a server and its requests at one moment."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Doing", "Row", "State", "View"]

State = Literal["waiting", "running", "preempted", "done"]
"""Of a request; preempted: it has had tokens, and holds no KV memory."""


Doing = Literal["reading", "paused", "skimming", "gone"]
"""Of a reader: reads on; has stopped for a while; reads faster than the request says; has left."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request as its reader sees it now."""

    number: int
    """From 0, in the order of arrival."""
    state: State
    slack_s: float
    """Until the reader has nothing left to read, seconds; negative: they wait for so long."""
    qoe: float
    """As if the next token came now."""
    delivered: int
    """Tokens so far."""
    total: int
    """Tokens of the whole response."""
    reader: Doing = "reading"


@dataclass(frozen=True, slots=True)
class View:
    """One server now."""

    label: str
    now_s: float
    """Virtual seconds since the start."""
    rows: tuple[Row, ...]
    """Whoever is there, and whoever has just left, in the order of arrival."""
    qoe: float
    """Mean over all requests that have come so far; 1 before the first."""
    arrived: int
    finished: int
    waiting: int
    running: int
    preemptions: int
    memory: float
    """Share of the KV memory that is held, 0 to 1."""
