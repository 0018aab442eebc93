"""The whole public API of the client in use; checked by mypy, never run.

If a line here stops being valid, so does the code of someone who wrote the same.
"""

import math
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any

import anyio
import httpx2
from anyio import to_thread
from starlette.responses import StreamingResponse

from andes_client import (
    BlockingPaced,
    Event,
    Expectation,
    Paced,
    Segmenter,
    Smoothing,
    Speaking,
    Statistics,
    Unit,
    pace,
    pace_blocking,
    reading,
    smooth,
    sources,
    speaking,
    wire,
)
from andes_client.expectation import SPEAKING_TDS
from andes_client.languages import LANGUAGES, Language, language
from andes_client.qoe import Meter, digest, qoe, qoe_v2
from andes_client.segment import segmenter
from andes_client.sources import (
    BlockingTexts,
    Ending,
    Note,
    PacedEvents,
    Rest,
    Source,
    Split,
    StreamError,
    Texts,
    Thinks,
    anthropic,
    openai,
    pace_events,
    sse,
)
from andes_client.testing import (
    FIGURE_1,
    Entry,
    Pattern,
    Script,
    Trace,
    VirtualClockLoop,
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
    virtual_clock_backends,
)
from andes_client.transport import (
    ExpectationOf,
    NameOf,
    httpx2_transport,
    httpx2_transport_blocking,
    httpx_transport,
    httpx_transport_blocking,
)
from andes_client.voice import (
    BlockingChunks,
    BlockingSpoken,
    Chunk,
    Chunks,
    Cutter,
    Spoken,
    Utterance,
    Word,
    chunks,
    chunks_blocking,
)
from andes_client.web import HEADERS, HasEnding, sse_blocking
from andes_client.web import sse as sse_events

__all__: list[str] = []


def expectations() -> list[Expectation]:
    explicit = Expectation(ttft=1.0, tds=4.8)
    seconds: float = explicit.ttft + explicit.seconds_per_token + 60 / explicit.wpm
    return [
        explicit,
        Expectation.program(ttft=seconds),
        reading(),
        reading(238),
        reading(wpm=238, ttft=0.5),
        reading(cps=17),
        reading(cps=13.0, language="fr"),
        reading(sps=6.2),
        reading(tds=4.8),
        reading(age=70),
        reading(language="ja"),
        reading(wpm=math.inf),
        speaking(),
        speaking(wpm=150),
        speaking(language="pt-BR"),
        Speaking(ttft=1.0, tds=speaking(160).tds, language="de"),
        Speaking(ttft=1.0, tds=SPEAKING_TDS, usual=True),
        smooth(),
        smooth(1.0, ttft=0.5),
        Smoothing(ttft=1.0, tds=reading(300).tds, window=0.5),
    ]


async def paced_streams(stream: AsyncIterable[str]) -> None:
    async with pace(stream, reading()) as paced:
        async for text in paced:
            print(text, end="", flush=True)
    async with pace(
        stream,
        speaking(),
        unit="grapheme",
        language="zh",
        markdown=True,
        anti_stall=1.25,
        max_lag=20.0,
        max_speed_up=3.0,
        submitted=anyio.current_time() - 0.2,
    ) as everything:
        first: str = await anext(everything)
        print(first)


class Letters:
    """A segmenter of one's own."""

    def decode(self, text: str) -> list[Unit]:
        return [Unit(letter, cost=0.3, continues=False) for letter in text]

    def fragment(self) -> Unit | None:
        return None

    def flush(self) -> list[Unit]:
        return []


def units(stream: AsyncIterable[str]) -> list[Paced]:
    mine: Segmenter = Letters()
    named: Segmenter = segmenter("sentence", "de")

    def by_function(text: str) -> int | None:
        return text.find("|") + 1 or None

    return [
        pace(stream, reading(), unit="word"),
        pace(stream, reading(), unit="line"),
        pace(stream, reading(), unit="token"),
        pace(stream, reading(), unit=re.compile(r"[,;]\s*")),
        pace(stream, reading(), unit=by_function),
        pace(stream, reading(), unit=mine),
        pace(stream, reading(), unit=named),
    ]


async def controls(paced: Paced) -> Statistics:
    paced.pause()
    paced.resume()
    paced.speed(1.5)
    paced.reveal_all()
    now: Statistics = await to_thread.run_sync(paced.call_from_thread, paced.statistics)
    counts: list[int] = [now.shown, now.buffered, now.stalls]
    seconds: list[float] = [now.buffered_seconds, now.lag, now.stalled_seconds, now.speed]
    maybe: list[float | None] = [now.ttft, now.tds]
    print(counts, seconds, maybe, now.qoe, now.paused, now.upstream_ended)
    return paced.statistics()


async def events(paced: Paced) -> None:
    async with paced.events() as happening:
        async for event in happening:
            described: Event = event
            if described.kind == "stalled":
                print(f"waiting for the server since {described.at:.1f} s")


def blocking(stream: Iterable[str]) -> Statistics:
    paced: BlockingPaced = pace_blocking(stream, reading(), unit="word", max_lag=10)
    with paced:
        for text in paced:
            print(text, end="", flush=True)
        paced.pause()
        paced.resume()
        paced.speed(2)
        paced.reveal_all()
        return paced.statistics()


def measures() -> list[float]:
    meter = Meter(reading())
    read_at: float = meter.add(0.8) + meter.add(1.0, cost=2.0)
    meter.change_speed(tds=3.3)
    meter.defer(since=1.5, seconds=10.0)
    times = [0.8, 1.0, 5.0]
    return [
        read_at,
        meter.qoe,
        meter.qoe_v2,
        meter.tokens,
        meter.stalled,
        qoe(times, reading()),
        qoe_v2(times, reading(), costs=[1, 2, 1]),
        *digest(times, reading()),
    ]


def languages() -> Language:
    codes: list[str] = list(LANGUAGES)
    french = language("fr")
    print(codes, french.aloud_wpm, french.silent_wpm, french.spoken_wpm, french.characters_per_word)
    return french


def on_the_wire() -> dict[str, dict[str, str | float]]:
    values = wire.encode(reading(), stream="answer-7", user="tenant-3")
    hints: wire.Hints = wire.decode({wire.TTFT: 1.0, wire.TDS: "inf", wire.STREAM: "answer-7"})
    print(values, hints.user, reading().updated(hints))
    try:
        wire.decode({wire.TDS: -1})
    except wire.WireError as error:
        print(error)
    return reading().extra_body(stream="answer-7", user="tenant-3")


async def over_http(url: str) -> None:
    transport = httpx2_transport(reading(), stream=lambda request: str(id(request)), user="me")
    async with (
        httpx2.AsyncClient(transport=transport, timeout=120) as client,
        client.stream("POST", url, json={"stream": True}) as response,
        pace(sse.text(response), reading()) as paced,
    ):
        print([text async for text in paced])
    with httpx2.Client(transport=httpx2_transport_blocking(speaking())) as plain:
        plain.get(url)
    chosen: ExpectationOf = by_request
    name: NameOf = "answer-7"
    print(httpx_transport(chosen, stream=name), httpx_transport_blocking(reading()))


def by_request(request: Any) -> Expectation | None:
    return speaking() if "voice" in str(request.url) else None


def without_marks(event: str) -> tuple[str, Rest]:
    """A split of one's own, for a stream of one's own."""
    return (event, "nothing") if event.isalpha() else ("", "at once")


async def from_sdks(stream: AsyncIterable[Any], plain: Iterable[Any]) -> None:
    text: Texts[Any] = openai.text(stream)
    try:
        async with pace(text, reading()) as paced:
            print([word async for word in paced])
    except StreamError as error:
        print(error, error.ending.said)
    ending: Ending | None = text.ending
    print(ending.reason if ending else "it was left")
    plain_text: BlockingTexts[Any] = anthropic.text_blocking(plain)
    with pace_blocking(plain_text, reading()) as blocked:
        print(list(blocked))
    splits: list[Split[Any]] = [openai.split, anthropic.split, without_marks]
    note: Note[Any] = openai.note
    thinks: Thinks = print
    whole: PacedEvents[Any] = pace_events(
        stream, reading(), split=splits[0], note=note, thinks=thinks, markdown=True
    )
    async with whole:
        async for item in whole:
            print(item if isinstance(item, str) else type(item), whole.text.statistics().shown)
    print(whole.ending)


def whatever(stream: AsyncIterable[Any], plain: Iterable[Any]) -> list[object]:
    source: Source[str] = Source(name="mine", split=without_marks, knows=str.isprintable)
    return [sources.text(stream), sources.text_blocking(plain), Texts(stream, source)]


async def stopping(stream: AsyncIterable[str], plain: Iterable[str]) -> None:
    async with pace(stream, reading(), tick=0.5) as paced:
        paced.keep_time()
        print(await paced.next(timeout=0.1))
        paced.stop()
    with pace_blocking(plain, reading(), tick=0.5) as blocked:
        blocked.keep_time()
        print(blocked.next(timeout=0.1))
        blocked.stop()
    async for word in pace(stream, reading()).generator():
        print(word)
    print(list(pace_blocking(plain, reading()).generator()))


def web(stream: AsyncIterable[str], plain: Iterable[str]) -> list[StreamingResponse]:
    paced = pace(stream, reading())
    texts = openai.text(stream)
    ending_of: HasEnding = texts
    return [
        StreamingResponse(sse_events(paced), headers=HEADERS),
        StreamingResponse(sse_events(pace(texts, reading()), ending_of=ending_of)),
        StreamingResponse(sse_events(stream, event_of=str, keep_alive=math.inf)),
        StreamingResponse(sse_blocking(plain, keep_alive=0.5)),
    ]


async def voice(
    stream: AsyncIterable[str], plain: Iterable[str], clock: Callable[[], float]
) -> str:
    spoken = Spoken(clock, language="en")
    async with chunks(stream, language="en", spoken=spoken) as parts:
        made: Chunks = parts
        async for chunk in made:
            utterance: Utterance = spoken.add(chunk)
            utterance.hear(b"\0\0" * 160, rate=16_000)
            utterance.grow(0.5)
            utterance.mark(0.2, "word")
            utterance.end()
    spoken.end()
    async for word in spoken:
        print(word, spoken.ahead(), spoken.expectation())
    heard = BlockingSpoken(clock)
    with chunks_blocking(plain, ahead=heard.ahead, markdown=False) as cut:
        again: BlockingChunks = cut
        for chunk in again:
            heard.add(chunk, seconds=1.5, words=[(0.0, 0), (0.4, "word")])
            again.stop()
    cutter = Cutter("en")
    cutter.feed("Some text.", now=0.5)
    cutter.end(now=1.0)
    print(cutter.poll(1.0, ahead_s=0.0), Chunk((Word("Some", 0, 4),), "Some"))
    return heard.stop() + spoken.said()


def testing() -> None:
    reader, patterns = reading(), list[Pattern](FIGURE_1.values())
    scripts: list[Script] = [
        *(pattern(reader, "Some words to read.") for pattern in patterns),
        just_right(reader, 100),
        long_wait(reader, 100, hurry=4.0),
        tortoise_then_hare(reader, 100),
        bursty(reader, 100, burst=8, hurry=20.0, load=0.8),
        script_of([0.5, 2.0], ["Hello", " world"]),
    ]
    for script in scripts:
        recorded: Trace = run_virtual(trace, script, reader, backend="trio")
        assert_nothing_lost(recorded)
        assert_fluent(recorded, longest=20.0)
        assert_trace(recorded, [Entry("arrive", 0.5, "Hello"), ("release", 0.5, "Hello")])
        print(recorded, recorded.statistics, arrival_times(script))
        print(recorded.arrivals, recorded.releases, recorded.arrived, recorded.released)
    print(VirtualClockLoop().time(), virtual_clock_backends())


async def testing_an_app(app: Callable[[AsyncIterator[str]], AsyncIterator[str]]) -> Trace:
    recorded = Trace()
    async for _ in recorded.releasing(app(recorded.arriving(scripted([(1.0, "Hello")])))):
        pass
    return recorded
