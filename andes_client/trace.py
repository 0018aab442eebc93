"""What arrived and what was released, and when: a record to look at and to assert on."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Literal, NamedTuple

import anyio

from andes_client.buffer import Statistics

__all__ = [
    "Entry",
    "Trace",
    "assert_fluent",
    "assert_nothing_lost",
    "assert_trace",
]


class Entry(NamedTuple):
    """One line of a trace; equal to a plain tuple of the same three."""

    kind: Literal["arrive", "release"]
    at: float
    """Seconds since the trace was begun, to the microsecond."""
    text: str


class Trace(list[Entry]):
    """The interleaved record of one stream; begins when it is made, in an event loop.

    trace = Trace()
    async with pace(trace.arriving(stream), reading()) as paced:
        async for text in trace.releasing(paced):
            ...
    print(trace)
    """

    def __init__(self) -> None:
        super().__init__()
        self.statistics: Statistics | None = None
        """The stream's figures at its end, if `andes_client.testing.trace` made the record."""
        self._start = anyio.current_time()

    async def arriving(self, stream: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """Pass the upstream's text on, noting each piece as it arrives; closed with it."""
        try:
            async for text in stream:
                self._note("arrive", text)
                yield text
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def releasing(self, paced: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """Pass the released text on, noting each piece as it comes out."""
        async for text in paced:
            self._note("release", text)
            yield text

    @property
    def arrivals(self) -> list[float]:
        """When text arrived, in seconds."""
        return [entry.at for entry in self if entry.kind == "arrive"]

    @property
    def releases(self) -> list[float]:
        """When text was released, in seconds."""
        return [entry.at for entry in self if entry.kind == "release"]

    @property
    def arrived(self) -> str:
        """All text that has arrived."""
        return "".join(entry.text for entry in self if entry.kind == "arrive")

    @property
    def released(self) -> str:
        """All text that has been released."""
        return "".join(entry.text for entry in self if entry.kind == "release")

    def __str__(self) -> str:
        """A line for each entry: the time, what arrived at the left, what came out after it."""
        return "\n".join(_line(entry) for entry in self) or "(nothing happened)"

    def _note(self, kind: Literal["arrive", "release"], text: str) -> None:
        self.append(Entry(kind, round(anyio.current_time() - self._start, 6), text))


def assert_trace(
    trace: Trace, expected: Sequence[tuple[str, float, str]], *, within: float = 1e-5
) -> None:
    """The trace is exactly this, up to `within` seconds.

    Raises:
        AssertionError: it is not; the message shows the trace, with its first difference.
    """
    for number, (entry, wanted) in enumerate(zip(trace, expected, strict=False)):
        kind, at, text = wanted
        if (entry.kind, entry.text) != (kind, text) or abs(entry.at - at) > within:
            raise AssertionError(f"expected {wanted!r} here:\n{_marked(trace, number)}")
    if len(trace) != len(expected):
        number = min(len(trace), len(expected))
        wanted_here = repr(expected[number]) if number < len(expected) else "nothing more"
        raise AssertionError(f"expected {wanted_here} here:\n{_marked(trace, number)}")


def assert_nothing_lost(trace: Trace) -> None:
    """All text that arrived was released, as it was, in order, and never before it came.

    Raises:
        AssertionError: not so; the message shows the trace and where.
    """
    arrived = ""
    released = ""
    for number, entry in enumerate(trace):
        if entry.kind == "arrive":
            arrived += entry.text
        else:
            released += entry.text
            if not arrived.startswith(released):
                raise AssertionError(f"this had not arrived:\n{_marked(trace, number)}")
    if released != arrived:
        lost = arrived[len(released) :]
        raise AssertionError(f"{lost!r} was never released:\n{_marked(trace, len(trace))}")


def assert_fluent(trace: Trace, longest: float) -> None:
    """From the first release to the last, the reader never waited longer than `longest` s.

    Raises:
        AssertionError: they did; the message shows the trace and where.
    """
    before: float | None = None
    for number, entry in enumerate(trace):
        if entry.kind == "release":
            if before is not None and entry.at - before > longest:
                raise AssertionError(
                    f"{entry.at - before:.3f} s of silence before this, not {longest:g} at "
                    f"most:\n{_marked(trace, number)}"
                )
            before = entry.at


def _line(entry: Entry) -> str:
    arrow = ">" if entry.kind == "arrive" else "        <"
    return f"{entry.at:10.3f}  {arrow} {entry.text!r}"


def _marked(trace: Trace, number: int) -> str:
    lines = [f"   {_line(entry)}" for entry in trace]
    lines[number:number] = ["-->" + lines.pop(number)[3:] if number < len(lines) else "--> (end)"]
    return "\n".join(lines)
