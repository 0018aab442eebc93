"""The pace of the person in front of the screen: reading, speaking or smooth, and how fast."""

from collections.abc import Sequence
from typing import Final

from andes_client import Expectation, Smoothing, reading, smooth, speaking
from andes_demos.chat.mouth import Mouth

__all__ = ["MODES", "Reader"]

MODES: Final = ("reading", "speaking", "smooth")
"""Read at one's own speed, as fast as people speak, or as fast as the text comes, but evenly."""

_STEP: Final = 1.1  # as of `andes pace`
_SAME: Final = 0.001
_SLOWEST_WPM, _FASTEST_WPM = 10.0, 100_000.0


class Reader:
    """What `slower`, `faster` and `switch` have made of the speed; words a minute.

    Each mode keeps its own speed. That of "smooth" is for what is measured; the text comes as
    fast as the server sends it, so many times as fast as `slower` and `faster` have made it.

    Args:
        mode: one of `MODES`.
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
        """One of `MODES`."""
        self.language = language
        """ISO 639-1."""
        self.mouth = Mouth(language)
        """For answers that are spoken."""
        self._ttft = ttft
        # For English the paper's means, for others what is estimated from it.
        known = None if language == "en" else language
        self._wpm = {
            "reading": reading(language=known).wpm,
            "speaking": speaking(language=known).wpm,
        }
        self._wpm["smooth"] = self._wpm["reading"]
        if wpm is not None:
            self._wpm[mode] = wpm
        self._smooth_wpm = self._wpm["smooth"]

    @property
    def wpm(self) -> float:
        """Words a minute, now."""
        return self._wpm[self.mode]

    @property
    def expectation(self) -> Expectation:
        """The same for the server and the pacer."""
        if self.mode == "smooth":
            return Smoothing(self._ttft, reading(self._smooth_wpm).tds, smooth().window)
        preset = reading if self.mode == "reading" else speaking
        return preset(self.wpm, ttft=self._ttft)

    @property
    def pace(self) -> str:
        """The mode and the speed, for a person."""
        if self.mouth.is_on:
            return f"aloud x {self.mouth.voice.speed:.2f}"
        if self.mode != "smooth":
            return f"{self.mode} {self.wpm:.0f} wpm"
        times = self.wpm / self._smooth_wpm
        return "smooth" if abs(times - 1) < _SAME else f"smooth x {times:.2f}"

    def faster(self) -> None:
        """Go a tenth faster."""
        if self.mouth.is_on:
            self.mouth.faster()
            return
        self._wpm[self.mode] = min(_FASTEST_WPM, self.wpm * _STEP)

    def slower(self) -> None:
        """Go a tenth slower."""
        if self.mouth.is_on:
            self.mouth.slower()
            return
        self._wpm[self.mode] = max(_SLOWEST_WPM, self.wpm / _STEP)

    def switch(self, among: Sequence[str] = MODES) -> None:
        """On to the next mode of these, in a circle."""
        self.mode = among[(among.index(self.mode) + 1) % len(among)]
