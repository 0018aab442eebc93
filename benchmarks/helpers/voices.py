"""Real speech for benchmarks: texts said by a voice, with what is known of their words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from andes_client.segment import segmenter
from andes_client.voice import Chunk
from andes_client.voice.engine import Voice

__all__ = ["Said", "Speech", "heard", "say", "speech_texts"]

_TEXTS: Final = Path(__file__).parent.parent / "speech_texts"

_BYTES_A_SAMPLE: Final = 2


@dataclass(frozen=True, slots=True)
class Said:
    """A chunk and its audio."""

    chunk: Chunk
    pcm: bytes
    rate: int
    """Samples a second."""
    seconds: float
    marks: tuple[tuple[float, int], ...]
    """Seconds from the beginning of the audio, and where in the spoken text the word begins."""

    def frames(self, seconds: float) -> Iterator[bytes]:
        """The audio in pieces of this length."""
        step = int(seconds * self.rate) * _BYTES_A_SAMPLE
        for at in range(0, len(self.pcm), step):
            yield self.pcm[at : at + step]

    def word_times(self) -> dict[int, float]:
        """When a word begins, by its number: of those whose beginning has a mark."""
        times: dict[int, float] = {}
        for at, offset in self.marks:
            for number, word in enumerate(self.chunk.words):
                if word.begin <= offset < word.end:
                    if not any(map(str.isalnum, self.chunk.spoken[word.begin : offset])):
                        times.setdefault(number, at)
                    break
        return dict(sorted(times.items()))


@dataclass(frozen=True, slots=True)
class Speech:
    """A text that was said in one go."""

    seconds: float
    """Of audio."""
    marks: tuple[tuple[int, float], ...]
    """A place in the text, and when the word that begins there is heard, seconds; rising."""


def heard(voice: Voice, text: str) -> Speech:
    """What is heard of a text, all of it one utterance."""
    seconds, marks = 0.0, list[tuple[int, float]]()
    for piece in voice.speak(text):
        marks += [(place, at) for at, place in piece.marks]
        seconds += len(piece.pcm) / _BYTES_A_SAMPLE / voice.sample_rate
    return Speech(seconds, tuple(marks))


def say(voice: Voice, text: str, language: str) -> Sequence[Said]:
    """A text, sentence by sentence."""
    splitter = segmenter("sentence", language)
    said = []
    for unit in [*splitter.decode(text), *splitter.flush()]:
        chunk = Chunk.plain(unit.text, language)
        pieces = list(voice.speak(chunk.spoken))
        pcm = b"".join(piece.pcm for piece in pieces)
        marks = tuple(mark for piece in pieces for mark in piece.marks)
        seconds = len(pcm) / _BYTES_A_SAMPLE / voice.sample_rate
        said.append(Said(chunk, pcm, voice.sample_rate, seconds, marks))
    return said


def speech_texts() -> dict[str, dict[str, str]]:
    """Texts of some 300 words, by language and kind ("plain", "numbers")."""
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(_TEXTS.glob("*.txt"), reverse=True):
        code, _, kind = path.stem.partition("-")
        texts.setdefault(code, {})[kind] = path.read_text("utf-8")
    return dict(sorted(texts.items()))
