"""Standard input for `andes pace`: read as fast as it comes, handed on as it is needed."""

import asyncio
import codecs
import contextlib
import math
import os
import select
import threading
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from andes_client.buffer import Statistics
from andes_client.pacer import Paced
from andes_client.segment import Segmenter, Unit

__all__ = ["MAX_SPEED_UP", "Revealing", "Supply", "named", "read"]

MAX_SPEED_UP: Final = 2.0
"""The most by which a bound on the lag speeds text up (`pace(max_speed_up=...)`)."""

_STDIN: Final = 0
_NAMES: Final = ("standard input", "standard output")
_CHUNK_BYTES: Final = 65_536
# Words that wait in the pacer: many minutes of reading, and few enough to take no memory.
_AHEAD: Final = 4_096
# So many bytes that wait are a file, and no model's text as it is written.
_FLOOD_BYTES: Final = 1_000_000


class Revealing:
    """A segmenter that can let text through as it comes, when its reader wants to see it all."""

    def __init__(self, splitter: Segmenter) -> None:
        self._splitter = splitter
        self.revealed = False

    def decode(self, text: str) -> list[Unit]:
        if self.revealed and text:
            return [*self._splitter.flush(), Unit(text, 0.0)]
        return self._splitter.decode(text)

    def fragment(self) -> Unit | None:
        return self._splitter.fragment()

    def flush(self) -> list[Unit]:
        return self._splitter.flush()


class Supply:
    """Standard input, so that the program upstream is never held back.

    A thread reads it. What its reader will not get to for many minutes waits as the bytes
    that came, which take an eighth of the memory of the words in them; the pacer gets more
    when it has less than `_AHEAD` words. Make it in the event loop in which it is used.

    Args:
        splitter: the pacer's.
        max_lag: seconds after the end of the input within which all is to be shown, or None.
        passes: text is to go as fast as it comes. A flood, which is faster than anybody sees,
            passes through.
    """

    def __init__(self, splitter: Revealing, max_lag: float | None, *, passes: bool = False) -> None:
        self._splitter = splitter
        self._max_lag = max_lag
        self._passes = passes
        self._paced: Paced | None = None
        self._chunks: deque[bytes] = deque()
        self._ended = False
        self._error: OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def start(self, paced: Paced) -> None:
        """Begin to read, for this pacer, which iterates over `texts`."""
        self._paced = paced
        threading.Thread(target=self._read, name="andes-input", daemon=True).start()

    def look_again(self) -> None:
        """The pacer has less text than before, or goes at another speed."""
        if self._chunks:
            self._changed.set()

    async def texts(self) -> AsyncGenerator[str, None]:
        """The input, as far as the pacer needs it: `rest` may have more when this ends.

        A character whose bytes have not all come waits for the rest. Bytes that are not UTF-8
        become lone surrogates, from which the output gets them back.

        Raises:
            OSError: reading failed, after all the text that came before.
        """
        while True:
            self._changed.clear()
            ended = self._ended  # if so, all of it is there
            if self._chunks and self._is_needed(ended):
                yield self._decoder.decode(self._chunks.popleft())
            elif ended:
                break
            else:
                await self._changed.wait()
        if not self._chunks:
            yield self._decoder.decode(b"", final=True)
        if self._error is not None:
            raise self._error

    def rest(self) -> list[bytes]:
        """What no reader could get to in time: to be shown at once when all else is."""
        if not self._chunks:
            return []
        return [self._decoder.getstate()[0], *self._chunks]

    def _is_needed(self, ended: bool) -> bool:
        """Whether the pacer is to have the next piece now."""
        assert self._paced is not None  # it asks for the text
        now: Statistics = self._paced.statistics()
        self._splitter.revealed = now.speed == math.inf or (
            self._passes and now.speed >= 1.0 and not now.paused and self._is_flood()
        )
        if ended and self._max_lag is not None and self._error is None:
            # The bound counts from here, and the pacer has to know how much it is to get through
            # in that time; what it could not even at its fastest is no matter.
            return now.buffered_seconds < MAX_SPEED_UP * self._max_lag
        return now.buffered < _AHEAD or self._splitter.revealed

    def _is_flood(self) -> bool:
        most = _FLOOD_BYTES // _CHUNK_BYTES + 1
        return len(self._chunks) >= most and (
            sum(len(self._chunks[place]) for place in range(most)) >= _FLOOD_BYTES
        )

    def _read(self) -> None:
        try:
            while data := read():
                self._chunks.append(data)
                self._tell()
        except OSError as error:
            self._error = error
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants it any more
            self._loop.call_soon_threadsafe(self._changed.set)


def read() -> bytes:
    """What there is to read, as soon as there is something; empty at the end.

    Raises:
        OSError: named after standard input.
    """
    while True:
        try:
            return os.read(_STDIN, _CHUNK_BYTES)
        except BlockingIOError:
            # Whoever shares the other end with us has made it non-blocking.
            select.select([_STDIN], [], [])
        except OSError as error:
            raise named(error, _STDIN) from None


def named(error: OSError, descriptor: int) -> OSError:
    """The same error, of the same class, with the name of the stream that failed."""
    return OSError(error.errno, error.strerror, _NAMES[descriptor])
