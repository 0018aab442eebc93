"""What a voice is: it turns a text into audio, with the times of words where it knows them."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Audio", "Voice", "VoiceMissingError", "sayable"]


@dataclass(frozen=True, slots=True)
class Audio:
    """The next piece of an utterance."""

    pcm: bytes
    """16-bit samples, one channel, little endian."""
    marks: tuple[tuple[float, int], ...] = ()
    """Seconds from the begin of the utterance, and which character of the spoken text is begun
    then (Python's: code points). Both rise; what has no mark is somewhere in between."""


class Voice(Protocol):
    """Anything that speaks. One utterance at a time, from any thread."""

    @property
    def sample_rate(self) -> int:
        """Samples a second."""

    speed: float
    """Times the voice's usual speed, for utterances that begin later."""

    def speak(self, spoken: str) -> Generator[Audio, None, None]:
        """The audio of a text, as it is made; it blocks meanwhile.

        Close it at any moment: what is not made yet is then not made.
        """


class VoiceMissingError(Exception):
    """A voice, or what it needs, is not there; the text says what to do, for its user."""


def sayable(text: str) -> str:
    """The same text, as long, with a space for each character that no voice can take.

    Control characters are commands to eSpeak NG, and lone surrogates cannot be encoded.
    """
    return "".join(_SPACE if _is_unsayable(character) else character for character in text)


_SPACE = " "


def _is_unsayable(character: str) -> bool:
    return (character < " " and character != "\n") or "\ud800" <= character <= "\udfff"
