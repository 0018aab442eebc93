"""Where a voice is silent, found in its audio as it comes."""

from array import array
from itertools import pairwise
from typing import Final

__all__ = ["Silence", "Silences"]

Silence = tuple[float, float]
"""From when to when, seconds of audio."""

_WINDOW_S: Final = 0.01
# Shorter silences are inside words: the mouth is shut before a p or a t, and twice as long in "pp".
_SHORTEST_S: Final = 0.12
# Audio is silent up to this sample, and up to this share of the loudest sample so far.
_QUIET: Final = 40
_QUIET_SHARE: Final = 0.015


class Silences:
    """The silences of one utterance.

    Args:
        rate: samples a second.

    Raises:
        ValueError: it is not above 0.
    """

    def __init__(self, rate: int) -> None:
        if not rate > 0:
            raise ValueError(f"audio has a number of samples a second above 0, not {rate!r}")
        self._rate = rate
        self._window = max(1, int(_WINDOW_S * rate))
        self._rest = b""
        self._at = 0  # samples that were looked at
        self._loudest = 0
        self._since: int | None = 0  # it is silent
        self.found: list[Silence] = []
        """Those that are over."""

    def feed(self, pcm: bytes) -> None:
        """More audio.

        Args:
            pcm: 16-bit samples, one channel, in this machine's byte order.
        """
        self._rest += pcm
        whole = len(self._rest) // (2 * self._window) * self._window
        samples = array("h", self._rest[: 2 * whole])
        self._rest = self._rest[2 * whole :]
        for begin, end in pairwise(range(0, whole + 1, self._window)):
            window = samples[begin:end]
            self._see(max(max(window), -min(window)))

    def last(self) -> Silence | None:
        """The one that goes on at the end of what has come, if it is none of a moment."""
        if self._since is None or self._at - self._since < _SHORTEST_S * self._rate:
            return None
        return self._since / self._rate, self._at / self._rate

    def _see(self, loudness: int) -> None:
        self._loudest = max(self._loudest, loudness)
        if loudness <= max(_QUIET, _QUIET_SHARE * self._loudest):
            if self._since is None:
                self._since = self._at
        elif self._since is not None:
            if self._at - self._since >= _SHORTEST_S * self._rate:
                self.found.append((self._since / self._rate, self._at / self._rate))
            self._since = None
        self._at += self._window
