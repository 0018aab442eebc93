"""The same pacing for plain iterators, without an event loop of the caller's."""

import contextvars
import inspect
import logging
import math
import os
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Final, Self

from andes_client.buffer import Buffer, Statistics, check_tick, make_buffer
from andes_client.expectation import Expectation
from andes_client.hang_up import hang_up
from andes_client.reports import READER, Line, check_line
from andes_client.segment import UnitKind

__all__ = ["BlockingPaced", "pace_blocking"]

_log = logging.getLogger(__name__)

# How long leaving the block waits for the upstream to let go.
_CLOSE_TIMEOUT_S: Final = 5.0
_HANG_UP_AGAIN_S: Final = 0.05


def pace_blocking(
    stream: Iterable[str],
    expectation: Expectation,
    *,
    unit: UnitKind | None = None,
    language: str | None = None,
    markdown: bool = False,
    anti_stall: float | None = None,
    max_lag: float | None = None,
    max_speed_up: float = 2.0,
    report: Line | None = None,
    tick: float = math.inf,
) -> "BlockingPaced":
    """`pace` for plain code: the stream is drained in a thread, the caller's thread waits.

        with pace_blocking(stream, reading()) as paced:
            for word in paced:
                print(word, end="", flush=True)

    Arguments and errors are those of `andes_client.pace`; `report` takes a line of a
    `BlockingReporter`. Leaving the block stops the draining and closes the stream. A thread that
    waits for a server is hung up (andes_client.hang_up), whatever generators are around the SDK's
    stream. One that hangs in anything else cannot be interrupted from outside: it is a daemon,
    and is left behind with a warning after five seconds, unless the stream's `close()` makes it
    return.

    The stream sees the context variables that are set when the block is entered (so Flask's
    `request` works in it). The block belongs to its process: in a forked child, which has
    none of the parent's threads, its use raises RuntimeError.
    """
    if not hasattr(stream, "__iter__"):
        raise TypeError(
            f"pace_blocking() needs an iterable of str, not {type(stream).__name__}"
            + ("; use pace() for an async one" if hasattr(stream, "__aiter__") else "")
        )
    check_line(report, "pace_blocking()", "BlockingReporter", blocking=True)
    check_tick(tick)
    return BlockingPaced(
        stream,
        make_buffer(
            expectation,
            unit=unit,
            language=language,
            markdown=markdown,
            anti_stall=anti_stall,
            max_lag=max_lag,
            max_speed_up=max_speed_up,
        ),
        report,
        tick,
    )


class BlockingPaced(Iterator[str]):
    """A paced stream; made by `pace_blocking`, used in `with`. Iterate it in one thread.

    The controls are safe to call from any thread.
    """

    def __init__(
        self,
        stream: Iterable[str],
        buffer: Buffer,
        report: Line | None = None,
        tick: float = math.inf,
    ) -> None:
        self._stream = stream
        self._tick = tick
        self._report = report
        self._buffer = buffer
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process = 0  # in which it was entered
        self._left = self._stopped = False
        self._closing: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("a paced stream is entered once; call pace_blocking() again")
        self._process = os.getpid()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._drain,),
            name="andes-drain",
            daemon=True,
        )
        self._buffer.start(time.monotonic())
        if self._report is not None:
            self._connect(self._report)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread = self._thread
        assert thread is not None  # entered
        if os.getpid() != self._process:
            self._left = True  # the lock may be held for ever, and the stream is the parent's
            return
        with self._changed:
            self._left = True
            self._buffer.leave()
            self._changed.notify_all()
        if not self._stopped:
            self._let_go(thread)
        # A generator that holds the block open and was dropped is closed by whichever thread
        # collects the garbage. The draining thread ends by itself after that.
        if thread is threading.current_thread():
            return
        until = time.monotonic() + _CLOSE_TIMEOUT_S
        while thread.is_alive() and time.monotonic() < until:
            hang_up(self._stream, thread)  # it may have been between two waits, or try again
            thread.join(_HANG_UP_AGAIN_S)
        if self._closing is not None:
            self._closing.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            _log.warning("the paced stream's upstream hangs; its thread is left behind")

    def _let_go(self, thread: threading.Thread) -> None:
        """Have the draining thread return from where it waits."""
        if not thread.is_alive():
            return
        hang_up(self._stream, thread)
        if not inspect.isgenerator(self._stream) and self._closing is None:
            # What waits in its `next` may return by that. Or it is waited for itself, as a pipe's.
            self._closing = threading.Thread(
                target=_close, args=(self._stream,), name="andes-close", daemon=True
            )
            self._closing.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        text = self.next(self._tick)
        if text is None:
            raise StopIteration
        return text

    def next(self, timeout: float = math.inf) -> str | None:
        """The next text; "" if none is due within `timeout` seconds; None at the end.

        The same as the iteration, for who has something else to do in a silence. Raises as that
        does.
        """
        buffer, until = self._check_entered(), math.inf
        with self._changed:
            while True:
                now = time.monotonic()
                self._settle(now)
                step = buffer.poll(now)
                if isinstance(step, str) or step is None:
                    return step
                if timeout < math.inf:
                    if until == math.inf:
                        until = now + timeout
                    elif now >= until:
                        return ""
                    step = min(step, until)
                # No lock waits longer than some centuries.
                seconds = min(max(0.0, step - time.monotonic()), threading.TIMEOUT_MAX)
                self._changed.wait(None if step == math.inf else seconds)
                self._check_entered()

    def generator(self) -> Generator[str, None, None]:
        """All of it as a generator, which enters and leaves the block by itself.

        For frameworks that iterate in whichever thread, one after another. Closing or dropping it
        closes the stream.
        """
        with self:
            yield from self

    def stop(self) -> None:
        """End it now: the iteration ends, what was not shown is dropped, the stream is closed.

        From any thread and any signal's handler; it does not wait for the upstream, the end of the
        block does. A second call does nothing, and neither does one after the block; one before
        the block stops the stream as soon as it is entered.
        """
        self._check_process()
        if self._stopped or self._left:
            return
        self._stopped = True
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._let_go(self._thread)

    def _settle(self, now: float) -> None:
        """Stop the buffer if that was asked for: perhaps in the middle of a call, by a signal's
        handler, who has the lock of the thread that it interrupts."""
        if self._stopped:
            self._buffer.stop(now)

    def pause(self) -> None:
        """Show nothing until `resume`; the stream is drained all the same."""
        buffer = self._check_entered()
        with self._changed:
            buffer.pause(time.monotonic())
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on where the reader stopped; the pause counts neither as delay nor as stall."""
        buffer = self._check_entered()
        with self._changed:
            buffer.resume(time.monotonic())
            self._changed.notify_all()

    def speed(self, factor: float) -> None:
        """From now on, go at `factor` times the expectation; above 0, else ValueError."""
        buffer = self._check_entered()
        with self._changed:
            buffer.speed(factor, time.monotonic())
            self._changed.notify_all()

    def reveal_all(self) -> None:
        """Show at once what is there, and what is still to come as it comes."""
        buffer = self._check_entered()
        with self._changed:
            buffer.reveal_all(time.monotonic())
            self._changed.notify_all()

    def visible(self, visible: bool) -> None:
        """Whether the reader has the text before them; a server that listens is told."""
        buffer = self._check_entered()
        with self._changed:
            buffer.visible(visible, time.monotonic())

    def keep_time(self) -> None:
        """Who iterates passes the text on, and is held up by a slow network, not by a reader.

        As for `Paced.keep_time`.
        """
        self._check_entered().keeps_time = True

    def statistics(self) -> Statistics:
        """A snapshot of what has happened so far."""
        self._check_process()
        with self._changed:
            now = time.monotonic()
            self._settle(now)
            return self._buffer.statistics(now)

    def _check_entered(self) -> Buffer:
        if self._thread is None or self._left:
            raise RuntimeError("use a paced stream inside its block: with pace_blocking(...)")
        self._check_process()
        return self._buffer

    def _check_process(self) -> None:
        if self._process and os.getpid() != self._process:
            raise RuntimeError(
                f"this paced stream was entered in process {self._process}, whose thread drains "
                f"it, and process {os.getpid()} was forked from that one; call pace_blocking() "
                "in the process that reads"
            )

    def _connect(self, line: Line) -> None:
        """The text comes through this line."""
        with self._changed:
            if line.blocking and not self._left:
                self._buffer.connect(line, time.monotonic, self._changed)

    def _drain(self) -> None:
        if self._report is None:
            READER.set(self._connect)
        error: BaseException | None = None
        try:
            for text in () if self._stopped else self._stream:
                with self._changed:
                    if self._left or self._stopped:
                        break
                    self._buffer.receive(text, time.monotonic())
                    self._changed.notify_all()
        except BaseException as raised:
            error = raised  # whatever it is: the reader waits for it
        with self._changed:
            now = time.monotonic()
            self._settle(now)
            self._buffer.end(now, error)
            self._changed.notify_all()
        _close(self._stream)


def _close(stream: object) -> None:
    try:
        close = getattr(stream, "close", None)
        if close is not None:
            close()
    except Exception:
        _log.warning("closing the paced stream's upstream failed", exc_info=True)
