"""What speaks answers: a voice and a sound device, looked for when they are first wanted."""

from collections.abc import Callable
from typing import Final

from andes_client.voice.devices import device
from andes_client.voice.engine import Voice, VoiceMissingError
from andes_client.voice.player import Player

__all__ = ["Mouth"]

_STEP: Final = 1.1  # as of `andes say`
_SLOWEST, _FASTEST = 0.25, 4.0


def _any_voice(language: str) -> Voice:
    """eSpeak NG, or else the installed voice of Piper, which is English.

    Raises:
        VoiceMissingError: neither is there.
    """
    from andes_client.voice.espeak import Espeak
    from andes_client.voice.piper import Piper

    try:
        return Espeak(language)
    except VoiceMissingError:
        if language == "en":
            try:
                return Piper()
            except VoiceMissingError:
                pass
        raise


class Mouth:
    """Whether answers are spoken, by what, and how fast.

    Args:
        language: ISO 639-1.
        voice: makes a voice for a language.
        player: opens a player for a sample rate.
    """

    def __init__(
        self,
        language: str = "en",
        voice: Callable[[str], Voice] = _any_voice,
        player: Callable[[int], Player] = device,
    ) -> None:
        self.language = language
        self.is_on = False
        """Whether the next answer is spoken."""
        self._find, self._open = voice, player
        self._voice: Voice | None = None

    @property
    def voice(self) -> Voice:
        """What speaks.

        Raises:
            VoiceMissingError: nothing can.
        """
        if self._voice is None:
            self._voice = self._find(self.language)
        return self._voice

    def player(self) -> Player:
        """Another player for the voice.

        Raises:
            VoiceMissingError: there is no device.
        """
        return self._open(self.voice.sample_rate)

    def switch(self) -> None:
        """Speak, or be silent, from the next answer on. It blocks for a moment.

        Raises:
            VoiceMissingError: it cannot speak; the text says what to install.
        """
        if not self.is_on:
            self.player().close()
        self.is_on = not self.is_on

    def faster(self) -> None:
        """Speak a tenth faster, from the next sentence on."""
        self.voice.speed = min(_FASTEST, self.voice.speed * _STEP)

    def slower(self) -> None:
        """Speak a tenth slower."""
        self.voice.speed = max(_SLOWEST, self.voice.speed / _STEP)
