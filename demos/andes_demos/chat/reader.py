"""The pace of the person in front of the screen: reading or speaking, and how fast."""

from typing import Final

from andes_client import Expectation, reading, speaking

__all__ = ["Reader"]

_STEP: Final = 1.1  # as of `andes pace`
_SLOWEST_WPM, _FASTEST_WPM = 10.0, 100_000.0


class Reader:
    """What `slower`, `faster` and `switch` have made of the speed; words a minute.

    Each mode keeps its own speed.

    Args:
        mode: "reading" or "speaking".
        wpm: words a minute in that mode; the mean for the language if None.
        language: ISO 639-1.
        ttft: seconds until the first word is expected.
    """

    def __init__(
        self,
        mode: str = "reading",
        wpm: float | None = None,
        *,
        language: str = "en",
        ttft: float = 1.0,
    ) -> None:
        self.mode = mode
        """ "reading" or "speaking"."""
        self.language = language
        """ISO 639-1."""
        self._ttft = ttft
        # For English the paper's means, for others what is estimated from it.
        known = None if language == "en" else language
        self._wpm = {
            "reading": reading(language=known).wpm,
            "speaking": speaking(language=known).wpm,
        }
        if wpm is not None:
            self._wpm[mode] = wpm

    @property
    def wpm(self) -> float:
        """Words a minute, now."""
        return self._wpm[self.mode]

    @property
    def expectation(self) -> Expectation:
        """The same for the server and the pacer."""
        preset = reading if self.mode == "reading" else speaking
        return preset(self.wpm, ttft=self._ttft)

    def faster(self) -> None:
        """Go a tenth faster."""
        self._wpm[self.mode] = min(_FASTEST_WPM, self.wpm * _STEP)

    def slower(self) -> None:
        """Go a tenth slower."""
        self._wpm[self.mode] = max(_SLOWEST_WPM, self.wpm / _STEP)

    def switch(self) -> None:
        """From reading to speaking, or back."""
        self.mode = "speaking" if self.mode == "reading" else "reading"
