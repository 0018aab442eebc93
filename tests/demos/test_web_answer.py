"""One answer on both sides of the page, on a virtual clock: every moment is exact."""

import itertools
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import pytest
from andes_demos.chat.server import ServerError
from andes_demos.web.answer import Answer, NotRunningError

from andes_client import Expectation
from andes_client.testing import scripted

pytestmark = pytest.mark.anyio

ONE_A_SECOND_WPM = 60.0
THOUGHT, RETHOUGHT = "(thinks) ", "(it was all thinking)"  # in a script
FIVE = [(2.0, "One two three "), (3.0, "four five")]


class Upstream:
    """A stream that fails after its script, if it is to; and that knows when it was closed."""

    def __init__(self, script: list[tuple[float, str]], error: Exception | None = None) -> None:
        self.script, self.error = script, error
        self.closed = False
        self.expected: Expectation | None = None

    async def texts(
        self,
        expectation: Callable[[], Expectation],
        *,
        thinks: Callable[[str], object],
        rethinks: Callable[[], object],
    ) -> AsyncGenerator[str, None]:
        self.expected = expectation()
        try:
            async for text in scripted(self.script):
                if text == RETHOUGHT:
                    rethinks()
                elif text.startswith(THOUGHT):
                    thinks(text.removeprefix(THOUGHT))
                else:
                    yield text
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


class Told:
    """What an answer has told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def texts(self, side: str) -> list[str]:
        return [
            event["text"] for event in self.events if event.get("side") == side and "text" in event
        ]

    def end(self, side: str) -> dict[str, Any]:
        (event,) = [one for one in self.events if one.get("side") == side and "ended" in one]
        return event


async def test_one_stream_is_shown_as_it_arrives_and_as_it_is_read() -> None:
    told, upstream = Told(), Upstream(FIVE)
    await Answer(upstream.texts, ONE_A_SECOND_WPM).run(told)
    raw = [(e["at"], e["text"]) for e in told.events if e["side"] == "raw" and "text" in e]
    assert raw == [(2.0, "One two three "), (5.0, "four five")]
    paced = [(e["at"], e["text"]) for e in told.events if e["side"] == "paced" and "text" in e]
    assert [text for _, text in paced] == ["One", " two", " three", " four", " five"]
    assert paced[0][0] == 2.0
    assert all(later[0] - earlier[0] > 0.5 for earlier, later in itertools.pairwise(paced))
    assert (told.end("raw")["at"], told.end("raw")["ended"]) == (5.0, None)
    assert told.end("paced")["ended"] is None
    assert upstream.closed


async def test_both_sides_end_with_the_same_words_and_the_readers_figures() -> None:
    told = Told()
    await Answer(Upstream(FIVE).texts, ONE_A_SECOND_WPM).run(told)
    raw, paced = told.end("raw"), told.end("paced")
    assert raw["words"] == pytest.approx(paced["words"])
    assert 3.0 < raw["words"] < 6.0
    assert 0.0 < paced["qoe"] < 1.0  # the first word came a second late
    first = next(event for event in told.events if event["side"] == "raw")
    assert first["words"] > 1.0, "told before its words were counted"
    assert first["buffer"] > 1.0


async def test_the_speed_may_change_before_the_beginning_and_while_it_runs() -> None:
    told, upstream = Told(), Upstream([(1.0, "word " * 40)])
    answer = Answer(upstream.texts, 100.0)
    answer.speed(ONE_A_SECOND_WPM)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer.run, told)
        await anyio.sleep(6.5)
        at_first = len(told.texts("paced"))
        answer.speed(10 * ONE_A_SECOND_WPM)
        assert answer.expectation.wpm == pytest.approx(600.0)
        assert answer.paced is not None
        assert answer.paced.statistics().speed == pytest.approx(10.0)
        await anyio.sleep(2.0)
        assert at_first < 8
        assert len(told.texts("paced")) > at_first + 15
        answer.reveal()
    assert upstream.expected is not None
    assert upstream.expected.wpm == pytest.approx(ONE_A_SECOND_WPM)
    assert "".join(told.texts("paced")) == "word " * 40


async def test_reasoning_is_told_at_once_and_is_on_neither_side() -> None:
    told = Told()
    script = [(1.0, THOUGHT + "word " * 500), (1.0, THOUGHT + "so."), (1.0, "One two")]
    await Answer(Upstream(script).texts, ONE_A_SECOND_WPM).run(told)
    thoughts = [event for event in told.events if "thought" in event]
    assert thoughts == [
        {"at": 1.0, "thought": "word " * 500},
        {"at": 2.0, "thought": "so."},
    ]
    assert told.texts("paced") == ["One", " two"]
    assert "".join(told.texts("raw")) == "One two"
    assert told.end("paced")["at"] < 5.0
    assert told.end("paced")["words"] < 3.0


@pytest.mark.parametrize("paused", [False, True])
async def test_text_that_turns_out_to_be_reasoning_costs_no_more_time(paused: bool) -> None:
    told = Told()
    script = [(1.0, "so " * 500), (2.0, RETHOUGHT), (0.0, "One two")]
    answer = Answer(Upstream(script).texts, ONE_A_SECOND_WPM)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer.run, told)
        await anyio.sleep(1.5)
        if paused:
            answer.pause()
            await anyio.sleep(8.5)
            answer.resume()
    (at,) = [n for n, event in enumerate(told.events) if "rethought" in event]
    after = [event for event in told.events[at + 1 :] if "text" in event]
    assert "".join(event["text"] for event in after if event["side"] == "paced") == "One two"
    assert "".join(event["text"] for event in after if event["side"] == "raw") == "One two"
    assert told.end("paced")["words"] < 3.0
    assert told.end("paced")["at"] < (15.0 if paused else 7.0)
    assert answer.paced is not None
    assert answer.paced.statistics().speed == 1.0


async def test_pause_holds_the_paced_side_only() -> None:
    told = Told()
    answer = Answer(Upstream(FIVE).texts, ONE_A_SECOND_WPM)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer.run, told)
        await anyio.sleep(2.1)
        answer.pause()
        await anyio.sleep(100.0)
        assert told.texts("paced") == ["One"]
        assert "".join(told.texts("raw")) == "One two three four five"
        answer.resume()
        await anyio.sleep(1.0)
        assert told.texts("paced")[:2] == ["One", " two"]
    assert "".join(told.texts("paced")) == "One two three four five"


async def test_a_failure_is_told_on_each_side_after_its_text() -> None:
    told = Told()
    await Answer(Upstream(FIVE, ServerError("It broke off.")).texts, ONE_A_SECOND_WPM).run(told)
    assert told.end("raw")["ended"] == told.end("paced")["ended"] == "It broke off."
    assert told.end("raw")["at"] == pytest.approx(5.0)
    assert told.end("paced")["at"] > 5.0
    assert "".join(told.texts("paced")) == "One two three four five"


async def test_an_error_that_nobody_expected_is_raised() -> None:
    with pytest.raises(LookupError):
        await Answer(Upstream(FIVE, LookupError("a bug")).texts, 600.0).run(Told())


async def test_cancelling_it_closes_the_upstream_at_once() -> None:
    told, upstream = Told(), Upstream([(1.0, "One two "), (3600.0, "three")])
    answer = Answer(upstream.texts, ONE_A_SECOND_WPM)
    with anyio.move_on_after(10.0):
        await answer.run(told)
    assert upstream.closed
    assert anyio.current_time() < 3600.0
    with pytest.raises(NotRunningError):
        answer.pause()


async def test_controls_want_an_answer_that_runs() -> None:
    answer = Answer(Upstream(FIVE).texts, 6000.0)
    for control in (answer.pause, answer.resume, answer.reveal):
        with pytest.raises(NotRunningError):
            control()
    await answer.run(Told())
    for control in (answer.pause, answer.resume, answer.reveal, lambda: answer.speed(100.0)):
        with pytest.raises(NotRunningError):
            control()
