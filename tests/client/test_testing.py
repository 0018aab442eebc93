"""What we give others to test with: it must be right, and take no time."""

import itertools
import time
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation, pace, reading
from andes_client.qoe import qoe
from andes_client.testing import (
    FIGURE_1,
    Entry,
    Pattern,
    Script,
    Trace,
    arrival_times,
    assert_fluent,
    assert_nothing_lost,
    assert_trace,
    bursty,
    just_right,
    long_wait,
    run_virtual,
    script_of,
    scripted,
    tortoise_then_hare,
    trace,
)

BACKENDS = ("asyncio", "trio")
ONE_A_SECOND = Expectation(ttft=1.0, tds=1.0)
PATTERNS = [*FIGURE_1.values(), bursty]
READERS = st.builds(Expectation, st.floats(0, 5), st.floats(0.5, 50) | st.just(float("inf")))


def traced(script: Script, expectation: Expectation = ONE_A_SECOND) -> Trace:
    return run_virtual(lambda: trace(script, expectation, unit="token"))


class TestPatterns:
    @pytest.mark.parametrize("pattern", PATTERNS)
    @given(reader=READERS, count=st.integers(0, 60))
    def test_all_tokens_come_and_time_never_goes_back(
        self, pattern: Pattern, reader: Expectation, count: int
    ) -> None:
        script = pattern(reader, count)
        times = arrival_times(script)
        assert len(script) == count
        assert times == sorted(times)
        assert all(time >= reader.ttft - 1e-9 for time in times)

    @pytest.mark.parametrize("pattern", PATTERNS)
    @given(text=st.text(st.sampled_from("ab .\n漢"), max_size=40))
    def test_a_text_comes_whole(self, pattern: Pattern, text: str) -> None:
        assert "".join(piece for _, piece in pattern(reading(), text)) == text

    @given(reader=READERS, count=st.integers(1, 60))
    def test_just_right_is(self, reader: Expectation, count: int) -> None:
        assert qoe(arrival_times(just_right(reader, count)), reader) == pytest.approx(1.0)

    @given(st.builds(Expectation, st.floats(0, 5), st.floats(0.5, 50)), st.integers(2, 60))
    def test_after_the_long_wait_half_is_left(self, reader: Expectation, count: int) -> None:
        times = arrival_times(long_wait(reader, count))
        assert qoe(times, reader) == pytest.approx(0.5)
        assert times[-1] <= reader.ttft + (count - 1) / reader.tds + 1e-9

    def test_the_tortoise_and_the_hare_by_hand(self) -> None:
        script = tortoise_then_hare(ONE_A_SECOND, 8)
        assert arrival_times(script) == pytest.approx([1, 3, 5, 7, 7.25, 7.5, 7.75, 8])
        # The reader is 0, 1, 2, 3 s late, and stays 3 s late: they end at 11 s, not 8 s.
        assert traced(script).releases == pytest.approx([1, 3, 5, 7, 8, 9, 10, 11])
        assert qoe(arrival_times(script), ONE_A_SECOND) == pytest.approx(
            1 - (0 + 1 + 2 + 3 * 5) / (10 + 9 + 8 + 7 + 6 + 5 + 4 + 3)
        )

    @given(reader=READERS, count=st.integers(2, 60))
    def test_by_ttft_and_average_speed_the_tortoise_is_just_right(
        self, reader: Expectation, count: int
    ) -> None:
        right = arrival_times(just_right(reader, count))
        tortoise = arrival_times(tortoise_then_hare(reader, count))
        assert (tortoise[0], tortoise[-1]) == pytest.approx((right[0], right[-1]))

    def test_bursts_that_come_in_time_are_not_noticed(self) -> None:
        times = arrival_times(bursty(ONE_A_SECOND, 100))
        assert qoe(times, ONE_A_SECOND) == pytest.approx(1.0)
        assert max(b - a for a, b in itertools.pairwise(times)) > 10.0

    def test_bursts_that_come_late_stall_the_reader(self) -> None:
        recorded = traced(bursty(ONE_A_SECOND, 48, load=1.5))
        assert recorded.statistics is not None
        assert recorded.statistics.stalls == 2
        assert recorded.statistics.qoe < 0.9

    @pytest.mark.parametrize("options", [{"burst": 0}, {"hurry": 0.5}, {"load": 0.0}])
    def test_bursts_that_cannot_be_are_refused(self, options: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="bursty"):
            bursty(ONE_A_SECOND, 3, **options)  # type: ignore[arg-type]

    def test_a_script_is_made_from_moments(self) -> None:
        script = script_of([0.5, 0.5, 2.0], ["a", "b", "c"])
        assert script == [(0.5, "a"), (0.0, "b"), (1.5, "c")]
        assert arrival_times(script) == [0.5, 0.5, 2.0]
        for times in ([1.0, 0.5, 2.0], [-1.0, 0.0, 1.0], [float("nan")] * 3):
            with pytest.raises(ValueError, match="never go back"):
                script_of(times, ["a", "b", "c"])
        with pytest.raises(ValueError, match="2 times, but 1 texts"):
            script_of([0.0, 1.0], ["a"])


class TestRunVirtual:
    @pytest.mark.parametrize("backend", BACKENDS)
    def test_an_hour_of_reading_takes_no_real_time(self, backend: str) -> None:
        async def read() -> tuple[float, int]:
            start = anyio.current_time()
            async with pace(scripted([(0.0, "word " * 3600)]), reading(wpm=60)) as paced:
                words = len([word async for word in paced])
            return anyio.current_time() - start, words

        began = time.monotonic()
        seconds, words = run_virtual(read, backend=backend)
        assert time.monotonic() - began < 10.0
        assert words == 3601  # the last is white space
        assert 3000 < seconds < 4000

    @pytest.mark.parametrize("backend", BACKENDS)
    @pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-10, 1e-9])
    def test_moments_that_lie_close_together(self, backend: str, apart: float) -> None:
        """Tasks that are woken just before their moment do not wake each other for ever."""

        async def wait_for(moment: float, turns: int) -> None:
            looks = 0
            while moment > anyio.current_time():
                looks += 1
                assert looks < 20, "time stands still"
                await anyio.sleep_until(moment)
                for _ in range(turns if looks == 1 else 0):
                    await anyio.lowlevel.checkpoint()

        async def main() -> None:
            moment = anyio.current_time() + 3.3
            async with anyio.create_task_group() as tasks:
                for number in range(6):
                    tasks.start_soon(wait_for, moment + number * apart, number % 3)

        run_virtual(main, backend=backend)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_it_hands_over_arguments_and_result(self, backend: str) -> None:
        async def add(a: int, b: int) -> int:
            await anyio.sleep(86_400.0)
            return a + b

        assert run_virtual(add, 1, 2, backend=backend) == 3

    def test_an_error_comes_out_as_it_is(self) -> None:
        async def fail() -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            run_virtual(fail)

    def test_a_back_end_that_is_none_is_named(self) -> None:
        async def nothing() -> None: ...

        with pytest.raises(ValueError, match="no virtual clock for 'curio' here; there is for: a"):
            run_virtual(nothing, backend="curio")


class TestTrace:
    def test_it_interleaves_arrivals_and_releases(self) -> None:
        recorded = traced([(0.5, "a"), (0.0, "b"), (0.7, "c")])
        assert recorded == [
            ("arrive", 0.5, "a"),
            ("arrive", 0.5, "b"),
            ("release", 0.5, "a"),
            ("arrive", 1.2, "c"),
            ("release", 1.5, "b"),
            ("release", 2.5, "c"),
        ]
        assert recorded.arrivals == [0.5, 0.5, 1.2]
        assert recorded.releases == [0.5, 1.5, 2.5]
        assert recorded.arrived == recorded.released == "abc"
        assert recorded.statistics is not None
        assert recorded.statistics.shown == 3

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_both_back_ends_give_the_same(self, backend: str) -> None:
        script = bursty(reading(), "One fine day in the middle of the night, two men.", burst=3)
        recorded = run_virtual(trace, script, reading(), backend=backend)
        assert recorded == run_virtual(trace, script, reading())
        assert_nothing_lost(recorded)

    def test_any_stream_can_be_traced_and_is_closed(self) -> None:
        closed = []

        async def upstream() -> AsyncIterator[str]:
            try:
                yield "a"
                await anyio.sleep_forever()
            finally:
                closed.append(anyio.current_time())

        async def read() -> Trace:
            recorded = Trace()
            async with pace(recorded.arriving(upstream()), ONE_A_SECOND) as paced:
                async for _ in recorded.releasing(paced):
                    break
            return recorded

        assert run_virtual(read) == [("arrive", 0.0, "a"), ("release", 0.0, "a")]
        assert closed == [0.0]

    def test_it_is_readable(self) -> None:
        lines = str(traced([(0.5, "a\n"), (1.0, "b")])).splitlines()
        assert lines[0].split() == ["0.500", ">", r"'a\n'"]
        assert lines[1].split() == ["0.500", "<", r"'a\n'"]
        assert str(traced([])) == "(nothing happened)"


def made(*entries: tuple[str, float, str]) -> Trace:
    """A trace as a broken pacer might leave it."""

    async def make() -> Trace:
        return Trace()

    recorded = run_virtual(make)
    recorded += [Entry(*entry) for entry in entries]  # type: ignore[arg-type]
    return recorded


class TestAssertions:
    def test_a_trace_that_is_as_expected_passes(self) -> None:
        recorded = traced([(0.5, "a")])
        assert_trace(recorded, [("arrive", 0.5, "a"), ("release", 0.500001, "a")])
        assert_nothing_lost(recorded)
        assert_fluent(recorded, 0.0)

    @pytest.mark.parametrize(
        ("expected", "message"),
        [
            ([("arrive", 0.5, "a"), ("release", 0.6, "a")], r"('release', 0.6, 'a') here"),
            ([("arrive", 0.5, "a"), ("release", 0.5, "b")], r"('release', 0.5, 'b') here"),
            ([("arrive", 0.5, "a"), ("arrive", 0.5, "a")], r"('arrive', 0.5, 'a') here"),
            ([("arrive", 0.5, "a")], "expected nothing more here"),
        ],
    )
    def test_a_difference_is_shown_where_it_is(
        self, expected: list[tuple[str, float, str]], message: str
    ) -> None:
        with pytest.raises(AssertionError) as failure:
            assert_trace(traced([(0.5, "a")]), expected)
        first, arrival, release = str(failure.value).splitlines()
        assert message in first
        assert arrival.split() == ["0.500", ">", "'a'"]
        assert release.split() == ["-->", "0.500", "<", "'a'"]

    def test_what_is_missing_is_shown_at_the_end(self) -> None:
        wanted = [("arrive", 0.5, "a"), ("release", 0.5, "a"), ("release", 1.5, "b")]
        with pytest.raises(AssertionError, match=r"(?s)'b'\) here.*--> \(end\)$"):
            assert_trace(traced([(0.5, "a")]), wanted)

    def test_text_that_is_lost_is_named(self) -> None:
        with pytest.raises(AssertionError, match=r"(?s)'b' was never released.*--> \(end\)$"):
            assert_nothing_lost(made(("arrive", 0, "ab"), ("release", 0, "a")))

    def test_text_before_its_arrival_is_shown(self) -> None:
        early = made(("arrive", 0, "a"), ("release", 0, "ab"), ("arrive", 1, "b"))
        with pytest.raises(AssertionError, match=r"(?s)had not arrived.*--> +0\.000 +< 'ab'"):
            assert_nothing_lost(early)

    def test_a_silence_is_shown(self) -> None:
        recorded = traced([(0.0, "a"), (0.0, "b"), (5.0, "c")])
        assert_fluent(recorded, 4.0)
        with pytest.raises(AssertionError, match=r"(?s)4.000 s of silence.*-->.*'c'"):
            assert_fluent(recorded, 3.9)
