"""The blocking front: real threads, so times are asserted from below only."""

import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from andes_client import Expectation, pace_blocking

QUICK = Expectation(1.0, 4 / 3 * 50)  # fifty words a second


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "andes-drain"]


def test_text_comes_word_by_word_and_nothing_is_left_running() -> None:
    start = time.monotonic()
    with pace_blocking(iter(["One two th", "ree four"]), QUICK, unit="word") as paced:
        words = list(paced)
        elapsed = time.monotonic() - start
        statistics = paced.statistics()
    assert words == ["One", " two", " three", " four"]
    assert elapsed >= 0.03
    assert (statistics.shown, statistics.qoe, statistics.upstream_ended) == (4, 1.0, True)
    assert threads() == []


def test_the_upstream_is_drained_whatever_the_reader_does() -> None:
    drained = threading.Event()

    def upstream() -> Iterator[str]:
        yield from ["word "] * 100
        drained.set()

    with pace_blocking(upstream(), Expectation(1.0, 0.01)) as paced:
        assert next(paced) == "word"
        assert drained.wait(10)
        assert paced.statistics().buffered >= 99


def test_a_reader_who_leaves_closes_the_upstream() -> None:
    closed = threading.Event()

    def upstream() -> Iterator[str]:
        try:
            while True:
                yield "word "
                time.sleep(0.001)
        finally:
            closed.set()

    with pace_blocking(upstream(), QUICK) as paced:
        next(paced)
    assert closed.is_set()
    assert threads() == []


def test_a_stream_that_waits_is_closed_from_outside() -> None:
    class Socket:
        def __init__(self) -> None:
            self.closed = threading.Event()

        def __iter__(self) -> Iterator[str]:
            yield "hello "
            self.closed.wait()  # as a read that returns when the socket is closed

        def close(self) -> None:
            self.closed.set()

    socket = Socket()
    with pace_blocking(socket, QUICK) as paced:
        next(paced)
    assert socket.closed.is_set()
    assert threads() == []


def test_an_error_comes_after_the_text_before_it() -> None:
    def upstream() -> Iterator[str]:
        yield "One two"
        raise ConnectionError("the server is gone")

    seen = []
    with (
        pytest.raises(ConnectionError, match="the server is gone"),
        pace_blocking(upstream(), QUICK) as paced,
    ):
        for word in paced:
            seen.append(word)
    assert seen == ["One", " two"]


def test_controls_work_from_any_thread() -> None:
    with pace_blocking(["word "] * 50, Expectation(1.0, 0.01)) as paced:
        next(paced)
        paced.pause()
        assert paced.statistics().paused
        paced.resume()
        paced.speed(2.0)
        assert paced.statistics().speed == 2.0
        threading.Timer(0.01, paced.reveal_all).start()
        assert len(list(paced)) == 50  # the last is white space


def test_a_program_gets_everything_as_it_comes() -> None:
    with pace_blocking(["a b", "", "c"], Expectation.program()) as paced:
        assert list(paced) == ["a b", "c"]


def test_misuse_is_refused() -> None:
    with pytest.raises(TypeError, match="an iterable of str, not int"):
        pace_blocking(3, QUICK)  # type: ignore[arg-type]
    paced = pace_blocking(["a"], QUICK)
    with pytest.raises(RuntimeError, match="inside its block"):
        next(paced)
    with paced:
        pass
    with pytest.raises(RuntimeError, match="inside its block"):
        paced.pause()
    with pytest.raises(RuntimeError, match="entered once"), paced:
        pass


def test_an_async_stream_is_pointed_to_pace() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "a"

    with pytest.raises(TypeError, match=r"use pace\(\) for an async one"):
        pace_blocking(stream(), QUICK)  # type: ignore[arg-type]
