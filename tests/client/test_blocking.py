"""The blocking front: real threads, so times are asserted from below only."""

import contextvars
import gc
import math
import os
import subprocess
import sys
import textwrap
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


REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="none")


def test_the_stream_sees_the_context_of_the_block() -> None:
    """As Flask's `request` is a context variable."""

    def upstream() -> Iterator[str]:
        try:
            yield f"{REQUEST.get()} "
            REQUEST.set("the stream's own")
            yield f"{REQUEST.get()} "
        finally:
            seen.append(REQUEST.get())

    seen: list[str] = []
    paced = pace_blocking(upstream(), Expectation.program())
    token = REQUEST.set("from the block")
    try:
        with paced:
            assert list(paced) == ["from the block ", "the stream's own "]
        assert REQUEST.get() == "from the block"
        assert seen == ["the stream's own"]
    finally:
        REQUEST.reset(token)


def test_two_streams_do_not_see_each_other_s_context() -> None:
    def upstream() -> Iterator[str]:
        yield REQUEST.get()

    def inside(name: str) -> list[str]:
        REQUEST.set(name)
        with pace_blocking(upstream(), Expectation.program()) as paced:
            return list(paced)

    contexts = {name: contextvars.copy_context() for name in ("a", "b")}
    assert [contexts[name].run(inside, name) for name in contexts] == [["a"], ["b"]]
    assert REQUEST.get() == "none"


@pytest.mark.parametrize("closes", [False, True])
def test_a_dropped_generator_may_be_collected_in_the_draining_thread(closes: bool) -> None:
    """Whoever collects the garbage leaves the block: a thread does not wait for itself."""
    unraisable: list[object] = []
    collected = threading.Event()

    class Upstream:
        def __iter__(self) -> Iterator[str]:
            yield "one "
            dropped.wait(10)
            gc.collect()  # here, in the draining thread
            collected.set()
            yield "two "
            yield "three "

    def close(self: Upstream) -> None:
        closed.append(self)

    closed: list[Upstream] = []
    if closes:
        Upstream.close = close  # type: ignore[attr-defined]

    def words() -> Iterator[str]:
        with pace_blocking(Upstream(), QUICK) as paced:
            yield from paced

    dropped, hook = threading.Event(), sys.unraisablehook
    sys.unraisablehook = lambda raised: unraisable.append(raised.exc_value)
    gc.disable()
    try:
        cycle: list[object] = [words()]
        cycle.append(cycle)
        assert next(cycle[0]) == "one"  # type: ignore[call-overload]
        del cycle
        dropped.set()
        assert collected.wait(10)
        for thread in threading.enumerate():
            if thread.name == "andes-drain":
                thread.join(10)
        assert threads() == []
        assert unraisable == []
        assert bool(closed) == closes
    finally:
        gc.enable()
        sys.unraisablehook = hook


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(
    "use", ["next(paced)", "list(paced)", "paced.pause()", "paced.statistics()", "paced.speed(2)"]
)
def test_a_forked_child_is_refused_rather_than_kept_waiting(use: str) -> None:
    program = f"""
        import os, warnings
        from andes_client import pace_blocking, reading

        warnings.simplefilter("ignore", DeprecationWarning)  # a fork while a thread runs
        with pace_blocking(iter(["one two three"] * 9), reading()) as paced:
            next(paced)
            if os.fork():
                _, status = os.wait()
                print("the child's:", os.waitstatus_to_exitcode(status), flush=True)
            else:
                try:
                    {use}
                except RuntimeError as error:
                    print(error, flush=True)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "was forked from that one; call pace_blocking() in the process that reads" in done.stdout
    assert "the child's: 0" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("tds", [1e-11, 1e-300, 2.3e-308])
def test_a_wait_of_centuries_is_only_a_long_wait(tds: float) -> None:
    """No lock waits as long as that; the reader can still be shown everything."""
    with pace_blocking(["One two three"], Expectation(1.0, tds), unit="word") as paced:
        assert next(paced) == "One"
        threading.Timer(0.05, paced.reveal_all).start()
        assert next(paced) == " two"
        assert paced.statistics().speed == math.inf


@pytest.mark.parametrize("max_lag", [1e12, 1e300])
def test_so_is_a_bound_of_centuries(max_lag: float) -> None:
    with pace_blocking(["One two"], QUICK, unit="word", max_lag=max_lag) as paced:
        assert list(paced) == ["One", " two"]
