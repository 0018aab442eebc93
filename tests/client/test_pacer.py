"""The pacer on a virtual clock, on asyncio and trio: every time below is exact."""

import codecs
import math
import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client import Expectation, Paced, Unit, pace
from andes_client.nap import nap
from andes_client.qoe import qoe
from andes_client.segment import Tokens, Words
from andes_client.testing import scripted
from tests.thorough import cases

pytestmark = pytest.mark.anyio

ONE_A_SECOND = Expectation(ttft=1.0, tds=4 / 3)  # one word a second
BURSTY = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0, 9.0]), st.just("x")))


def even(piece: str) -> float:
    """All words take the same time, so that moments are round."""
    return 0.0 if piece.isspace() else 4 / 3


def one_a_second(stream: AsyncIterable[str], **options: Any) -> Paced:
    return pace(stream, ONE_A_SECOND, unit=Words(cost=even), **options)


async def releases(paced: Paced) -> list[tuple[float, str]]:
    """What comes out and when, in seconds since this was called."""
    start = anyio.current_time()
    return [(round(anyio.current_time() - start, 6), unit) async for unit in paced]


class Upstream:
    """An async iterable that says when it was closed and how far it was drained."""

    def __init__(self, script: list[tuple[float, str]], error: Exception | None = None) -> None:
        self.script, self.error = script, error
        self.sent = 0
        self.closed_at: float | None = None

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        async for text in scripted(self.script):
            self.sent += 1
            yield text
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed_at = anyio.current_time()


@pytest.mark.slow
@settings(max_examples=cases(1500))
@given(script=BURSTY, tds=st.sampled_from([0.7, 3.3, 4.8, 33.0, math.inf]))
async def test_pacing_costs_no_qoe(script: list[tuple[float, str]], tds: float) -> None:
    """Any stream, any pace: QoE of the release times is QoE of the arrival times."""
    expectation = Expectation(1.0, tds)
    arrivals: list[float] = []
    start = anyio.current_time()

    async def upstream() -> AsyncIterator[str]:
        async for text in scripted(script):
            arrivals.append(anyio.current_time() - start)
            yield text

    async with pace(upstream(), expectation, unit="token") as paced:
        released = [anyio.current_time() - start async for _ in paced]
        assert paced.statistics().qoe == pytest.approx(qoe(arrivals, expectation), abs=1e-9)
    assert len(released) == len(arrivals)
    assert qoe(released, expectation) == pytest.approx(qoe(arrivals, expectation), abs=1e-9)
    assert all(shown >= came for shown, came in zip(released, arrivals, strict=True))


@pytest.mark.slow
@settings(max_examples=cases(500))
@given(
    script=st.lists(
        st.tuples(st.sampled_from([0.0, 0.01, 0.3, 5.0]), st.text(st.sampled_from("ab .\n漢é")))
    )
)
async def test_no_text_is_lost(script: list[tuple[float, str]]) -> None:
    async with one_a_second(scripted(script)) as paced:
        shown = [text async for text in paced]
    assert "".join(shown) == "".join(text for _, text in script)


UNITS = ["word", "grapheme", "sentence", "line", "token", re.compile(r"[,.]\s*")]
OPTIONS = st.fixed_dictionaries(
    {"unit": st.sampled_from(UNITS), "language": st.sampled_from(["en", "zh", "fi"])},
    optional={
        "markdown": st.booleans(),
        "anti_stall": st.sampled_from([1.0, 1.5]),
        "max_lag": st.sampled_from([0.0, 4.0]),
        "max_speed_up": st.sampled_from([1.0, 3.0]),
    },
)


@pytest.mark.slow
@settings(max_examples=cases(400))
@given(
    text=st.text(st.sampled_from("ab .,\n*_[](`漢ไม่é👩🏽\u200d🚀"), max_size=80),
    cuts=st.lists(st.tuples(st.integers(0, 300), st.sampled_from([0.0, 0.01, 0.4, 5.0]))),
    options=OPTIONS,
    tds=st.sampled_from([0.7, 4.8, 60.0, math.inf]),
)
async def test_any_text_in_any_pieces_comes_whole_in_order_and_never_too_early(
    text: str, cuts: list[tuple[int, float]], options: dict[str, Any], tds: float
) -> None:
    """Cut anywhere in its bytes, also inside characters; all units, all options."""
    data = text.encode()
    arrived: list[float] = []  # of each character
    start = anyio.current_time()

    async def upstream() -> AsyncIterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        edges = [*sorted((min(cut, len(data)), wait) for cut, wait in cuts), (len(data), 0.0)]
        before = 0
        for edge, wait in edges:
            await anyio.sleep(wait)
            piece = decoder.decode(data[before:edge], final=edge == len(data))
            arrived.extend([anyio.current_time() - start] * len(piece))
            before = edge
            yield piece

    shown, times, last = "", [], 0
    async with pace(upstream(), Expectation(1.0, tds), **options) as paced:
        async for unit in paced:
            now = anyio.current_time() - start
            shown, last = shown + unit, last + len(unit)
            times.append(now)
            assert now >= arrived[last - 1] - 1e-9
    assert shown == text
    assert times == sorted(times)


async def test_a_burst_is_released_word_by_word() -> None:
    async with one_a_second(scripted([(2.0, "One two three"), (0.0, " four ")])) as paced:
        assert await releases(paced) == [
            (2.0, "One"),
            (3.0, " two"),
            (4.0, " three"),
            (5.0, " four"),
            (6.0, " "),
        ]


async def test_the_first_word_is_never_delayed() -> None:
    """It is shown as far as it has come, though its end is ten seconds away."""
    async with one_a_second(scripted([(0.5, "Unbeliev"), (10.0, "able tale")])) as paced:
        assert await releases(paced) == [(0.5, "Unbeliev"), (10.5, "able"), (10.5, " tale")]


async def test_a_later_word_is_held_only_briefly_for_its_end() -> None:
    """A reader who is due gets what there is after a quarter of a second."""
    script = [(0.0, "One tw"), (1.1, "o thr"), (5.0, "ee")]
    async with one_a_second(scripted(script)) as paced:
        assert await releases(paced) == [(0.0, "One"), (1.1, " two"), (2.35, " thr"), (6.1, "ee")]


async def test_a_program_gets_everything_at_once() -> None:
    async with pace(scripted([(1.0, "a b c "), (0.5, "d")]), Expectation.program()) as paced:
        assert await releases(paced) == [(1.0, "a b c "), (1.5, "d")]
    words = pace(scripted([(1.0, "a b c "), (0.5, "d")]), Expectation.program(), unit="word")
    async with words as paced:
        assert await releases(paced) == [(1.0, "a"), (1.0, " b"), (1.0, " c"), (1.5, " d")]


async def test_a_word_that_came_as_one_token_takes_its_time_too() -> None:
    script = [(0.0, "The"), (0.1, " Mole"), (0.1, " had"), (0.1, " been")]
    async with one_a_second(scripted(script)) as paced:
        shown = await releases(paced)
        assert paced.statistics().ttft == 0.0
    assert shown == [(0.0, "The"), (1.0, " Mole"), (2.0, " had"), (3.0, " been")]


async def test_an_empty_stream_ends_at_once() -> None:
    async with one_a_second(scripted([])) as paced:
        assert await releases(paced) == []
        assert paced.statistics().qoe == 0.0


async def test_the_upstream_is_drained_whatever_the_reader_does() -> None:
    upstream = Upstream([(0.01, f"{i} ") for i in range(100)])
    async with one_a_second(upstream) as paced:
        assert await anext(paced) == "0"
        await anyio.sleep(1.0)
        assert upstream.sent == 100
        snapshot = paced.statistics()
        assert (snapshot.shown, snapshot.buffered, snapshot.upstream_ended) == (1, 100, True)
        assert snapshot.buffered_seconds == pytest.approx(100 - 1.0)


async def test_a_reader_who_leaves_closes_the_upstream_at_once() -> None:
    upstream = Upstream([(0.1, "word ")] * 1000)
    async with one_a_second(upstream) as paced:
        async for _ in paced:
            left_at = anyio.current_time()
            break
    assert upstream.closed_at == left_at == anyio.current_time()
    assert upstream.sent == 1


async def test_a_cancelled_reader_closes_the_upstream_at_once() -> None:
    upstream = Upstream([(0.1, "word ")] * 1000)
    start = anyio.current_time()
    with anyio.move_on_after(4.25) as scope:
        async with one_a_second(upstream) as paced:
            async for _ in paced:
                pass
    assert scope.cancelled_caught
    assert upstream.closed_at == pytest.approx(start + 4.25)


async def test_an_error_comes_after_the_text_before_it() -> None:
    upstream = Upstream([(0.0, "One two thr")], error=ConnectionError("the server is gone"))
    shown = []
    with pytest.raises(ConnectionError, match="the server is gone"):
        async with one_a_second(upstream) as paced:
            async for text in paced:
                shown.append(text)
    assert shown == ["One", " two", " thr"]
    assert upstream.closed_at is not None


async def test_an_error_of_the_block_is_raised_as_it_is() -> None:
    upstream = Upstream([(0.1, "word ")] * 1000)
    with pytest.raises(LookupError, match="the reader's own"):
        async with one_a_second(upstream) as paced:
            await anext(paced)
            raise LookupError("the reader's own")
    assert upstream.closed_at is not None


async def test_a_stream_that_will_not_close_is_left_behind() -> None:
    class Stubborn(Upstream):
        async def aclose(self) -> None:
            await anyio.sleep_forever()

    start = anyio.current_time()
    async with one_a_second(Stubborn([(0.0, "word ")])) as paced:
        await anext(paced)
    assert anyio.current_time() - start == pytest.approx(5.0)


async def test_a_stream_that_fails_to_close_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Upstream):
        async def aclose(self) -> None:
            raise OSError("cannot close")

    async with one_a_second(Broken([(0.0, "word")])) as paced:
        assert [text async for text in paced] == ["word"]
    assert "closing the paced stream's upstream failed" in caplog.text
    assert "cannot close" in caplog.text


async def test_a_plain_close_method_does_as_well() -> None:
    class Closable:
        closed = False

        def __aiter__(self) -> AsyncIterator[str]:
            return scripted([(0.0, "a ")])

        def close(self) -> None:
            self.closed = True

    stream = Closable()
    async with one_a_second(stream) as paced:
        assert await anext(paced) == "a"
    assert stream.closed


async def test_a_reader_who_comes_back_is_not_flooded() -> None:
    async with one_a_second(scripted([(0.0, "One two three four")])) as paced:
        assert await anext(paced) == "One"
        await anyio.sleep(60)
        assert await releases(paced) == [(0.0, " two"), (1.0, " three"), (2.0, " four")]


async def test_ttft_and_stalls_are_counted_from_submission() -> None:
    submitted = anyio.current_time()
    await anyio.sleep(2.0)
    stream = scripted([(1.0, "One two "), (4.0, "three ")])
    async with one_a_second(stream, submitted=submitted) as paced:
        async for _ in paced:
            pass
        snapshot = paced.statistics()
    assert snapshot.ttft == pytest.approx(3.0)
    assert (snapshot.stalls, snapshot.stalled_seconds) == pytest.approx((1, 2.0))


async def test_white_space_alone_is_no_beginning() -> None:
    """A stream that begins with blank lines has not begun; nor does it stall."""
    async with one_a_second(scripted([(0.5, "\n" * 40), (6.5, "word ")])) as paced:
        shown = [text async for text in paced]
        snapshot = paced.statistics()
    assert "".join(shown) == "\n" * 40 + "word "
    assert snapshot.ttft == pytest.approx(7.0)
    assert (snapshot.stalls, snapshot.stalled_seconds) == (0, 0.0)


async def test_a_moment_that_has_passed_meanwhile_is_no_error() -> None:
    """On a real clock, time goes on between the question when and the sleep until then."""
    before = anyio.current_time()
    await nap().until(before - 1.0)
    assert anyio.current_time() == before


async def test_a_segmenter_of_ones_own() -> None:
    class Letters(Tokens):
        def decode(self, text: str) -> list[Unit]:
            return [Unit(letter, 1.0) for letter in text]

    async with pace(scripted([(0.0, "abc")]), Expectation(1.0, 2.0), unit=Letters()) as paced:
        assert await releases(paced) == [(0.0, "a"), (0.5, "b"), (1.0, "c")]


async def test_a_unit_that_takes_for_ever_is_an_error() -> None:
    costs = iter([1.0, 1.0, math.inf, 1.0])

    class Endless(Tokens):
        def decode(self, text: str) -> list[Unit]:
            return [Unit(letter, next(costs)) for letter in text]

    shown = list[str]()
    async with pace(scripted([(0.0, "abcd")]), Expectation(1.0, 2.0), unit=Endless()) as paced:
        with pytest.raises(ValueError, match="cost of unit 3 must be finite, not inf"):
            async for text in paced:
                shown.append(text)
        assert shown == ["a", "b"]
        assert paced.statistics().shown == 2


async def test_a_segmenter_that_fails_at_the_end_is_heard_of() -> None:
    class Unfinished(Tokens):
        def flush(self) -> list[Unit]:
            raise ValueError("half a unit is left")

    upstream = Upstream([(0.0, "a"), (1.0, "b")])
    shown = list[str]()
    async with pace(upstream, Expectation(1.0, 2.0), unit=Unfinished()) as paced:
        with pytest.raises(ValueError, match="half a unit is left"):
            async for text in paced:
                shown.append(text)
    assert shown == ["a", "b"]
    assert upstream.closed_at is not None
    async with pace(
        scripted([(0.0, "a"), (9.0, "b")]), Expectation(1.0, 2.0), unit=Unfinished()
    ) as paced:
        assert await anext(paced) == "a"
        paced.stop()
        assert [text async for text in paced] == []


async def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(TypeError, match=r"async iterable of str, not list; .* pace_blocking\(\)"):
        one_a_second(["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"str, not int$"):
        one_a_second(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"GeneratorContextManager: enter it first \(async with"):
        one_a_second(pace(scripted([]), ONE_A_SECOND).events())  # type: ignore[arg-type]
    unstarted = anyio.sleep(1)
    with pytest.raises(TypeError, match="coroutine: await it first"):
        one_a_second(unstarted)  # type: ignore[arg-type]
    unstarted.close()
    with pytest.raises(TypeError, match="needs an Expectation"):
        pace(scripted([]), 4.8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must not be later than now"):
        async with one_a_second(scripted([]), submitted=anyio.current_time() + 1):
            pass


async def test_a_stream_of_bytes_is_refused_after_the_text_before_it() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "One "
        yield b"two"  # type: ignore[misc]

    async with one_a_second(stream()) as paced:
        assert [await anext(paced), await anext(paced)] == ["One", " "]
        with pytest.raises(TypeError, match="yielded bytes"):
            await anext(paced)


async def test_it_is_used_once_and_inside_its_block() -> None:
    paced = one_a_second(scripted([(0.0, "a")]))
    with pytest.raises(RuntimeError, match="inside its block"):
        await anext(paced)
    async with paced:
        await checkpoint()
    with pytest.raises(RuntimeError, match="inside its block"):
        await anext(paced)
    with pytest.raises(RuntimeError, match="entered once"):
        async with paced:
            pass
