"""Paced text and other events in one stream, on a virtual clock: every moment is exact."""

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client import Expectation, Unit
from andes_client.segment import Words
from andes_client.sources import PacedEvents, Rest, pace_events
from tests.thorough import cases

pytestmark = pytest.mark.anyio

ONE_A_SECOND = Expectation(ttft=1.0, tds=4 / 3)  # one word a second


class EvenWords:
    """Words that all take the same time, so that moments are round."""

    def __init__(self) -> None:
        self._words = Words()

    def decode(self, text: str) -> list[Unit]:
        return [self._even(unit) for unit in self._words.decode(text)]

    def fragment(self) -> Unit | None:
        unit = self._words.fragment()
        return None if unit is None else self._even(unit)

    def flush(self) -> list[Unit]:
        return [self._even(unit) for unit in self._words.flush()]

    def _even(self, unit: Unit) -> Unit:
        free = unit.text.isspace() or unit.continues
        return Unit(unit.text, 0.0 if free else 4 / 3, unit.continues)


@dataclass(frozen=True)
class Happening:
    """An event of an SDK that exists here only."""

    name: str = ""
    text: str = ""
    rest: Rest = "nothing"


def split(event: Happening) -> tuple[str, Rest]:
    return event.text, event.rest


def says(text: str) -> Happening:
    return Happening(text=text)


CALL = Happening("call", rest="at once")
USAGE = Happening("usage", rest="in turn")


class Upstream:
    """A scripted stream of events that says when it was closed and how far it was drained."""

    def __init__(
        self,
        *script: tuple[float, Happening],
        error: Exception | None = None,
        endless: bool = False,
    ) -> None:
        self.script, self.error, self.endless = script, error, endless
        self.sent = 0
        self.closed_at: float | None = None

    async def __aiter__(self) -> AsyncGenerator[Happening, None]:
        for wait, event in self.script:
            if wait > 0:
                await anyio.sleep(wait)
            self.sent += 1
            yield event
        if self.endless:
            await anyio.sleep_forever()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed_at = anyio.current_time()


def one_a_second(upstream: Upstream, **options: Any) -> PacedEvents[Happening]:
    return pace_events(upstream, ONE_A_SECOND, split=split, **{"unit": EvenWords(), **options})


async def passed(paced: PacedEvents[Happening]) -> list[tuple[float, str]]:
    """Text that comes at one moment, events by their names in brackets; since now."""
    start = anyio.current_time()
    seen: list[tuple[float, str]] = []
    async for item in paced:
        now = round(anyio.current_time() - start, 6)
        if not isinstance(item, str):
            seen.append((now, f"<{item.name}>"))
        elif seen and seen[-1][0] == now and seen[-1][1][0] != "<":
            seen[-1] = (now, seen[-1][1] + item)
        else:
            seen.append((now, item))
    return seen


async def test_an_event_that_does_not_wait_brings_the_text_before_it() -> None:
    script = [(0.0, says("One two three four fi")), (1.5, CALL), (0.0, says("After that. "))]
    async with one_a_second(Upstream(*script)) as paced:
        assert await passed(paced) == [
            (0.0, "One"),
            (1.0, " two"),
            (1.5, " three four fi"),
            (1.5, "<call>"),
            (1.5, "After"),
            (2.5, " that."),
            (3.5, " "),
        ]


async def test_an_event_that_waits_does_not_hurry_the_text() -> None:
    """The end of the answer is known at once, but the reader is not there yet."""
    script = [(0.0, says("One two three")), (0.0, USAGE)]
    async with one_a_second(Upstream(*script)) as paced:
        assert await passed(paced) == [
            (0.0, "One"),
            (1.0, " two"),
            (2.0, " three"),
            (2.0, "<usage>"),
        ]


async def test_events_with_no_text_before_them_come_as_they_arrive() -> None:
    thought = Happening("thought", rest="at once")
    script = [(1.0, USAGE), (1.0, thought), (1.0, thought), (1.0, says("Yes")), (9.0, USAGE)]
    async with one_a_second(Upstream(*script)) as paced:
        assert await passed(paced) == [
            (1.0, "<usage>"),
            (2.0, "<thought>"),
            (3.0, "<thought>"),
            (4.0, "Yes"),
            (13.0, "<usage>"),
        ]
        assert paced.text.statistics().ttft == 4.0


async def test_an_event_may_be_text_too() -> None:
    """Its text comes first: some servers send the last word and the end as one."""
    both = Happening("end", " two", "in turn")
    at_once = Happening("call", " four", "at once")
    script = [(0.0, says("One")), (0.0, both), (0.0, says(" three")), (0.0, at_once)]
    async with one_a_second(Upstream(*script)) as paced:
        assert await passed(paced) == [
            (0.0, "One two"),
            (0.0, "<end>"),
            (0.0, " three four"),
            (0.0, "<call>"),
        ]


async def test_events_on_every_delta_do_not_change_the_pace() -> None:
    """Such as usage that is counted all along, also in the middle of a word."""
    deltas = ["One tw", "o thr", "ee four", " five"]
    script = [(0.0, Happening(str(i), text, "in turn")) for i, text in enumerate(deltas)]
    async with one_a_second(Upstream(*script)) as paced:
        moments = await passed(paced)
    assert [moment for moment in moments if moment[1][0] != "<"] == [
        (0.0, "One"),
        (1.0, " two"),
        (2.0, " three"),
        (3.0, " four"),
        (4.0, " five"),
    ]
    assert [moment for moment in moments if moment[1][0] == "<"] == [
        (1.0, "<0>"),
        (2.0, "<1>"),
        (3.0, "<2>"),
        (4.0, "<3>"),
    ]


async def test_text_before_an_event_is_whole_whatever_its_script() -> None:
    """A last character that might still grow an accent, and white space, are not kept back."""
    script = [(0.0, says("漢字")), (0.0, CALL), (5.0, says("a \n")), (0.0, CALL), (5.0, says("b"))]
    async with one_a_second(Upstream(*script)) as paced:
        assert await passed(paced) == [
            (0.0, "漢字"),
            (0.0, "<call>"),
            (5.0, "a \n"),
            (5.0, "<call>"),
            (10.0, "b"),
        ]


async def test_half_a_link_is_shown_when_a_tool_is_called() -> None:
    script = [(0.0, says("See [the docs](http://exa")), (3.0, CALL), (3.0, says("There."))]
    async with one_a_second(Upstream(*script), markdown=True) as paced:
        assert await passed(paced) == [
            (0.0, "See"),
            (2.0, " [the"),  # a second after it was due
            (3.0, " docs](http://exa"),
            (3.0, "<call>"),
            (6.0, "There."),
        ]


async def test_a_program_gets_everything_as_it_comes() -> None:
    script = [(1.0, says("One two")), (0.0, USAGE), (1.0, CALL), (1.0, says(" three"))]
    async with pace_events(Upstream(*script), Expectation.program(), split=split) as paced:
        assert await passed(paced) == [
            (1.0, "One two"),
            (1.0, "<usage>"),
            (2.0, "<call>"),
            (3.0, " three"),
        ]


async def test_the_speed_that_the_reader_set_outlives_an_event() -> None:
    script = [(0.0, says("One two three")), (0.0, CALL), (0.0, says("four five six"))]
    async with one_a_second(Upstream(*script)) as paced:
        paced.text.speed(2.0)
        assert await passed(paced) == [
            (0.0, "One two three"),
            (0.0, "<call>"),
            (0.0, "four"),
            (0.5, " five"),
            (1.0, " six"),
        ]
        assert paced.text.statistics().speed == 2.0


async def test_a_reader_who_wants_all_at_once_still_does_after_an_event() -> None:
    script = [(0.0, says("One two")), (0.0, CALL), (0.0, says("four five six"))]
    async with one_a_second(Upstream(*script)) as paced:
        paced.text.reveal_all()
        assert await passed(paced) == [
            (0.0, "One two"),
            (0.0, "<call>"),
            (0.0, "four five six"),
        ]
        assert paced.text.statistics().speed == math.inf


async def test_while_the_reader_pauses_text_and_the_events_behind_it_wait() -> None:
    script = [(0.0, says("One two three")), (2.0, CALL), (0.0, says("Then"))]
    async with one_a_second(Upstream(*script)) as paced, anyio.create_task_group() as tasks:

        async def pause() -> None:
            await anyio.sleep(0.5)
            paced.text.pause()
            await anyio.sleep(9.5)
            paced.text.resume()

        tasks.start_soon(pause)
        moments = await passed(paced)
    assert moments[0] == (0.0, "One")
    assert "".join(text for _, text in moments) == "One two three<call>Then"
    assert all(10.0 <= moment <= 10.5 for moment, _ in moments[1:])


async def test_an_error_comes_after_all_that_was_before_it() -> None:
    upstream = Upstream(
        (0.0, says("One two")), (0.0, USAGE), (0.0, USAGE), error=ConnectionError("gone")
    )
    seen: list[Any] = []
    with pytest.raises(ConnectionError, match="gone"):
        async with one_a_second(upstream) as paced:
            async for item in paced:
                seen.append(item)
    assert seen == ["One", " two", USAGE, USAGE]
    assert upstream.closed_at is not None


async def test_an_error_that_is_caught_in_the_block_comes_once() -> None:
    async with one_a_second(Upstream((0.0, CALL), error=ConnectionError("gone"))) as paced:
        assert await anext(paced) == CALL
        with pytest.raises(ConnectionError):
            await anext(paced)
        with pytest.raises(StopAsyncIteration):
            await anext(paced)


async def test_an_error_in_taking_events_apart_is_an_error_of_the_stream() -> None:
    def fails(event: Happening) -> tuple[str, Rest]:
        raise LookupError(f"no such event: {event.name}")

    upstream = Upstream((0.0, CALL), endless=True)
    with pytest.raises(LookupError, match="no such event: call"):
        async with pace_events(upstream, ONE_A_SECOND, split=fails) as paced:
            await anext(paced)
    assert upstream.closed_at is not None


async def test_leaving_closes_the_stream_at_once() -> None:
    upstream = Upstream((0.0, says("One two")), (1.0, CALL), endless=True)
    async with one_a_second(upstream) as paced:
        async for item in paced:
            if item == CALL:
                break
    assert upstream.closed_at == anyio.current_time()


async def test_a_cancelled_reader_closes_the_stream_at_once() -> None:
    upstream = Upstream((0.0, says("One")), (0.0, USAGE), endless=True)
    start = anyio.current_time()
    with anyio.move_on_after(4.25):
        async with one_a_second(upstream) as paced:
            async for _ in paced:
                pass
    assert upstream.closed_at == pytest.approx(start + 4.25)


async def test_a_reader_who_looks_in_now_and_then_misses_nothing() -> None:
    script = [(0.4, says("One two ")), (0.7, says("three")), (0.6, CALL), (2.0, says("four "))]
    items: list[Any] = []
    async with one_a_second(Upstream(*script)) as paced:
        while True:
            with anyio.move_on_after(0.25):
                try:
                    items.append(await anext(paced))
                except StopAsyncIteration:
                    break
    at = items.index(CALL)
    assert "".join(items[:at]) == "One two three"
    assert "".join(items[at + 1 :]) == "four "


async def test_the_stream_is_drained_whatever_the_reader_does() -> None:
    upstream = Upstream(*[(0.01, says("word ")), (0.01, CALL), (0.01, USAGE)] * 100)
    async with one_a_second(upstream) as paced:
        await anext(paced)
        await anyio.sleep(10.0)
        assert upstream.sent == 300


@pytest.mark.slow
@settings(max_examples=cases(500))
@given(
    script=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.3, 2.0]),
            st.builds(
                Happening,
                text=st.text(st.sampled_from("ab .\n漢é*[`"), max_size=5),
                rest=st.sampled_from(["nothing", "in turn", "at once"]),
            ),
        )
    ),
    markdown=st.booleans(),
)
async def test_order_is_kept_and_nothing_is_lost(
    script: list[tuple[float, Happening]], markdown: bool
) -> None:
    """Whatever comes: all text, all events, each event after all of the text before it."""
    events = [event for _, event in script]
    async with one_a_second(Upstream(*script), markdown=markdown) as paced:
        items = [item async for item in paced]
    assert "".join(item for item in items if isinstance(item, str)) == "".join(
        event.text for event in events
    )
    assert [item for item in items if not isinstance(item, str)] == [
        event for event in events if event.rest != "nothing"
    ]
    due, shown, at = [], 0, 0
    for event in events:
        shown += len(event.text)
        due += [(shown, event.rest)] if event.rest != "nothing" else []
    shown = 0
    for item in items:
        if isinstance(item, str):
            shown += len(item)
        else:
            before, rest = due[at]
            at += 1
            assert shown == before if rest == "at once" else shown >= before


async def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(TypeError, match="list; for that there is text_blocking"):
        pace_events([], ONE_A_SECOND, split=split)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs an Expectation"):
        pace_events(Upstream(), 4.8, split=split)  # type: ignore[arg-type]
