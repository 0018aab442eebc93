"""Both sides of a comparison on a virtual clock, and the way of the text over HTTP."""

import itertools
from collections.abc import AsyncGenerator

import anyio
import httpx2
import pytest
from andes_demos.bursty_server import OVERLOADED, TEXT, Burst, moments, serving, tokens
from andes_demos.scenarios.measures import Comparison
from andes_demos.scenarios.stream import Clock, compare, deltas, http_client

from andes_client import Expectation, Paced, reading
from andes_client.testing import scripted

AT_ONCE = (Burst(silence=0.0, tokens=1, rate=1e5),)


def overloaded(hurry: float) -> list[tuple[float, str]]:
    pieces = tokens(TEXT)
    times = [0.0, *moments(OVERLOADED, len(pieces))]
    waits = (later - earlier for earlier, later in itertools.pairwise(times))
    return [(wait / hurry, piece) for wait, piece in zip(waits, pieces, strict=True)]


@pytest.mark.anyio
@pytest.mark.parametrize("hurry", [1.0, 8.0])
async def test_what_differs_between_the_sides_and_what_does_not(hurry: float) -> None:
    """The run of the demo in exact time: same text, same QoE; other speeds, other silences."""
    both, clock = Comparison(reading(300)), Clock(hurry)
    heard: list[str] = []
    controls: list[Paced | None] = []
    await compare(
        both,
        scripted(overloaded(hurry)),
        clock,
        heard.append,
        take_controls=controls.append,
    )
    raw, paced, now = both.raw, both.paced, clock.now()
    assert isinstance(controls[0], Paced)
    assert controls[1:] == [None]
    assert raw.text == paced.text == "".join(heard) == TEXT
    assert len(raw.words) == len(paced.words) == len(TEXT.split())
    assert both.paced.reader.qoe(now) == pytest.approx(both.raw.reader.qoe(now), abs=1e-9)
    assert 0.8 < both.paced.reader.qoe(now) < 0.95
    assert 5 <= paced.fastest <= 9  # around 5: short words go faster, long ones slower
    assert raw.fastest > 30.0
    assert raw.longest_silence(now) > 8.0
    assert paced.longest_silence(now) == pytest.approx(3.0)  # until the first word
    assert 35.0 < now < 50.0


@pytest.mark.anyio
async def test_an_error_of_the_stream_is_raised_as_it_is() -> None:
    async def broken() -> AsyncGenerator[str, None]:
        yield "One two"
        raise ConnectionError("gone")

    comparison = Comparison(reading(300))
    with pytest.raises(ConnectionError, match="gone"):
        await compare(comparison, broken(), Clock())
    assert comparison.paced.text == "One two"


@pytest.mark.anyio
async def test_a_hurried_clock_makes_a_hurried_reader() -> None:
    clock = Clock(hurry=4.0)
    await anyio.sleep(2.0)
    assert clock.now() == pytest.approx(8.0)
    assert clock.hurried(Expectation(1.0, 5.0)) == Expectation(0.25, 20.0)


def test_the_text_comes_over_http_and_the_reader_is_told_of() -> None:
    async def fetch() -> str:
        async with http_client() as client:
            client.event_hooks["request"] = [sent]
            return "".join([text async for text in deltas(client, url, Expectation(1.0, 4.8))])

    requests: list[bytes] = []

    async def sent(request: httpx2.Request) -> None:
        requests.append(request.content)

    with serving(AT_ONCE) as url:
        assert anyio.run(fetch) == TEXT
    (body,) = requests
    assert b'"vllm_xargs":{"andes_ttft":1.0,"andes_tds":4.8}' in body.replace(b" ", b"")


def test_a_server_that_refuses_is_reported() -> None:
    async def fetch() -> None:
        async with http_client() as client:
            async for _ in deltas(client, url.replace("/v1/", "/v9/"), reading()):
                pass

    with serving(AT_ONCE) as url, pytest.raises(httpx2.HTTPStatusError, match="404"):
        anyio.run(fetch)
