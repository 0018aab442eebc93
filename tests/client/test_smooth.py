"""Smooth text, with both drivers, with events, and as a server hears of it."""

import itertools
import math
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client import Expectation, Smoothing, pace, pace_blocking, reading, smooth, wire
from andes_client.reporter import Answer, Reporter
from andes_client.sources import pace_events
from andes_client.testing import assert_nothing_lost, run_virtual, scripted, trace
from tests.client.clumps import (
    PATTERNS,
    as_it_comes,
    hindsight,
    lag,
    recorded,
    smoothed,
    variation,
)
from tests.thorough import cases

WINDOW_S = 0.5
RAW = {name: as_it_comes(arrivals) for name, arrivals in PATTERNS.items()}


class TestPatterns:
    """Held to what docs/comparison.md says."""

    @pytest.mark.parametrize("name", PATTERNS)
    def test_the_variation_is_a_third_or_what_can_be_had(self, name: str) -> None:
        """Where a silence is longer than the window, nobody can bridge it."""
        raw, ours = RAW[name], smoothed(PATTERNS[name], WINDOW_S)
        best = variation(hindsight(raw, WINDOW_S))
        assert variation(ours) <= max(variation(raw) / 3, 1.25 * best)

    @pytest.mark.parametrize("window", [0.1, 0.5, 2.0])
    @pytest.mark.parametrize("name", PATTERNS)
    def test_words_are_within_the_window(self, name: str, window: float) -> None:
        """All but a closing quote with nothing behind it, which may not be all of its character.

        tests/client/test_smooth_law.py has the bound for every single word.
        """
        assert lag(smoothed(PATTERNS[name], window), share=0.99) <= window + 1e-5

    @pytest.mark.parametrize("name", PATTERNS)
    def test_the_first_word_is_not_delayed(self, name: str) -> None:
        assert smoothed(PATTERNS[name])[0].at == PATTERNS[name][0][0]

    def test_recordings_of_a_real_server_are_among_them(self) -> None:
        assert recorded()

    def test_hindsight_is_as_good_as_it_gets(self) -> None:
        """The measure that we are held to keeps to its own rules."""
        for name, raw in RAW.items():
            best = hindsight(raw, WINDOW_S)
            assert len(best) == len(raw)
            for one, before in zip(best, raw, strict=True):
                assert (
                    before.at - 1e-9 <= one.at <= max(before.at, before.arrival + WINDOW_S) + 1e-9
                )
            assert variation(best) < variation(raw), name


@settings(max_examples=cases(60), deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 2), st.text("ab c\n", max_size=9)), max_size=30),
    st.sampled_from([0.05, 0.5]),
    st.sampled_from(["asyncio", "trio"]),
)
def test_nothing_is_lost_and_order_is_kept(
    script: list[tuple[float, str]], window: float, backend: str
) -> None:
    paced = run_virtual(lambda: trace(script, smooth(window)), backend=backend)
    assert_nothing_lost(paced)


@pytest.mark.anyio
async def test_it_is_driven_as_every_pace_is() -> None:
    """The event loop wakes for text that changes what is due: as driven without one."""
    script = [(0.2, "one two three four five six seven eight ")] * 30
    recorded_trace = await trace(script, smooth())
    words = [entry.at for entry in recorded_trace if entry.kind == "release"]
    settled = [b - a for a, b in itertools.pairwise(words)][80:-10]
    assert settled == pytest.approx([0.025] * len(settled), rel=0.1)
    assert recorded_trace.statistics is not None
    assert recorded_trace.statistics.qoe == 1.0


@pytest.mark.anyio
async def test_controls_take_effect_at_once() -> None:
    async with pace(scripted([(0.05, "word ")] * 60), smooth()) as paced:
        begin, times = anyio.current_time(), []

        async def act() -> None:
            await anyio.sleep(1.0)
            paced.pause()
            await anyio.sleep(2.0)
            assert paced.statistics().paused
            paced.resume()
            await anyio.sleep(0.5)
            paced.reveal_all()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(act)
            async for text in paced:
                if text.strip():
                    times.append(anyio.current_time() - begin)
    assert len(times) == 60
    assert not [at for at in times if 1.01 < at < 2.99]
    assert times[-1] == pytest.approx(3.5, abs=0.01)  # all had come by then


def test_it_goes_without_an_event_loop() -> None:
    def clumps() -> Iterator[str]:
        for _ in range(6):
            yield "one two three four five "
            time.sleep(0.1)

    began, times = time.monotonic(), []
    with pace_blocking(clumps(), smooth(0.3)) as paced:
        first = next(paced)
        for _ in paced:
            times.append(time.monotonic() - began)
        statistics = paced.statistics()
    assert first == "one"
    assert len(set(times)) >= 29
    assert times[-1] >= 0.5
    assert (statistics.shown, statistics.upstream_ended) == (31, True)  # and the last space


@pytest.mark.anyio
async def test_events_keep_their_places() -> None:
    async def stream() -> AsyncIterator[dict[str, Any]]:
        for number in range(8):
            yield {"text": f"one two three {number} "}
            await anyio.sleep(0.2)
        yield {"usage": 8}

    def split(event: dict[str, Any]) -> Any:
        return event.get("text", ""), "in turn" if "usage" in event else "nothing"

    shown: list[Any] = []
    async with pace_events(stream(), smooth(), split=split) as paced:
        async for item in paced:
            shown.append(item)
    assert shown[-1] == {"usage": 8}
    assert shown[:3] == ["one", " two", " three"]  # words, and no pieces as they came


class TestWhatAServerHears:
    def test_nothing_of_a_speed(self) -> None:
        """No more than of anybody whose pace is not known; and they are a person, no program."""
        assert smooth(ttft=2.0).extra_body(stream="s") == {
            wire.FIELD: {wire.TTFT: 2.0, wire.STREAM: "s"}
        }
        assert reading(wpm=180).updated(wire.decode(wire.encode(smooth()))).wpm == pytest.approx(
            180
        )

    @pytest.mark.anyio
    async def test_reports_are_those_of_a_person_who_reads_what_they_have(self) -> None:
        reports: list[wire.Report] = []

        async def send(body: bytes) -> Answer:
            import json

            reports.extend(wire.decode_reports(json.loads(body)))
            return Answer(200, json.dumps(wire.encode_answer({})).encode())

        reporter = Reporter(send)
        line = reporter.line(smooth())
        script = [(0.1, "one two three four ")] * 20
        async with pace(scripted(script), smooth(), report=line) as paced:
            async for _ in paced:
                if paced.statistics().shown == 40:
                    paced.pause()
                    await anyio.sleep(0.2)
                    paced.resume()
        await reporter.aclose()
        assert [each.state for each in reports][:2] == ["paused", "reading"]
        assert {each.speed for each in reports} == {1.0}
        assert reports[0].buffer_s > 8  # 40 words of reading, and those in hand


class TestWhatMakesNoSense:
    @pytest.mark.parametrize("window", [0, -1.0, math.inf, math.nan])
    def test_a_window_that_is_none(self, window: float) -> None:
        with pytest.raises(ValueError, match=r"window of smooth\(\) must be a finite number"):
            smooth(window)

    @pytest.mark.parametrize("window", ["0.5", None, True])
    def test_a_window_that_is_no_number(self, window: Any) -> None:
        with pytest.raises(TypeError, match=r"Smoothing\.window must be a number"):
            smooth(window)

    def test_a_person_who_takes_no_time(self) -> None:
        with pytest.raises(ValueError, match=r"use Expectation\.program"):
            Smoothing(1.0, math.inf)

    def test_a_pace_that_is_slowed_where_there_is_none(self) -> None:
        with pytest.raises(ValueError, match=r"smooth\(\) has none: leave it out"):
            pace(scripted([]), smooth(), anti_stall=1.25)
        pace(scripted([]), smooth(), anti_stall=1.0)


def test_it_is_an_expectation_like_others() -> None:
    assert smooth() == Smoothing(1.0, reading().tds, 0.5)
    assert smooth(0.3).window == 0.3
    assert isinstance(smooth(), Expectation)
    assert smooth(0.3) != smooth(0.5)
