"""How far text is from the voice that says it: `Spoken`, and LiveKit agents' synchroniser.

    make voice                                           once: an environment with the peers
    .venv-voice/bin/python benchmarks/voice_sync.py      all languages; a minute or two

Real speech of eSpeak NG in each language, and its own times of words for the truth: of those words
that have a time of their own ("of the" has one for both). Piper says the English texts; its truth
is where its chunks begin, and its phonemes where it tells them. Both synchronisers get the same
text and the same audio on the same virtual clock, in three ways: with the times of words, with the
length of each chunk's audio, and with audio that comes 0.3 s before it is heard.

The difference is between the moment at which a word is shown and that at which its audio begins,
seconds. Without the peers' packages only ours is measured.
"""

import argparse
import asyncio
import importlib.util
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from helpers.livekit_sync import Feed, livekit_shown
from helpers.voices import Said, say, speech_texts
from table import print_table

from andes_client.testing import run_virtual
from andes_client.voice import Spoken
from andes_client.voice.engine import Voice

__all__ = ["main"]

FEEDS: Final[dict[Feed, str]] = {
    "words": "word times",
    "whole": "chunk lengths",
    "streamed": "streamed, 0.3 s ahead",
}
_AHEAD_S: Final = 0.3
_FRAME_S: Final = 0.02
_INTERRUPTIONS: Final = 200


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--languages", help="comma-separated codes; all that there are texts in")
    parser.add_argument("--piper", action="store_true", help="Piper's English voice, too")
    arguments = parser.parse_args()
    texts = speech_texts()
    from andes_client.voice.espeak import Espeak

    codes = arguments.languages.split(",") if arguments.languages else list(texts)
    voices: list[tuple[str, str, Voice]] = [(code, code, Espeak(code)) for code in codes]
    if arguments.piper:
        from andes_client.voice.piper import Piper

        voices.append(("en, Piper", "en", Piper()))
    peer = importlib.util.find_spec("livekit") is not None
    rows: list[list[str]] = []
    interrupted: list[int] = []
    for name, code, voice in voices:
        for kind, text in texts[code].items():
            print(f"{name}, {kind}", file=sys.stderr)
            said = say(voice, text, code)
            cells = [f"{name}, {kind}"]
            for feed in FEEDS:
                for heard in (False, True) if feed != "words" else (False,):
                    shown = run_virtual(spoken_shown, said, code, feed, heard)
                    cells.append(_cell(differences(said, shown)))
                if peer:
                    shown = run_virtual(livekit_shown, said, voice.sample_rate, feed)
                    cells.append(_cell(differences(said, shown)))
            rows.append(cells)
            interrupted += words_off(said, code)
    columns = ["text"]
    for about in FEEDS.values():
        columns += [about, *(["and audio"] if about != FEEDS["words"] else [])]
        columns += ["LiveKit"] if peer else []
    print_table("|shown - spoken|, seconds: p95 (worst)", columns, rows)
    off = sorted(map(abs, interrupted))
    p95, most = off[int(0.95 * len(off))], off[-1]
    print(f"said() after {len(off)} interruptions: within {p95} words at p95, {most} at most")


def _cell(differences: Sequence[float]) -> str:
    if not differences:
        return "-"
    return f"{statistics.quantiles(differences, n=20)[-1]:.3f} ({max(differences):.2f})"


def differences(said: Sequence[Said], shown: Iterable[tuple[float, str]]) -> list[float]:
    """|shown - spoken| of each word whose time is known, seconds."""
    appeared: list[float] = []  # by character
    for at, text in shown:
        appeared += [at] * len(text)
    return [abs(appeared[place] - spoken) for place, spoken in truth(said) if place < len(appeared)]


def truth(said: Sequence[Said]) -> list[tuple[int, float]]:
    """Of each word whose time is known: where in the text it begins, and when it is spoken."""
    known, place, begins = [], 0, 0.0
    for each in said:
        texts = [word.text for word in each.chunk.words]
        places = list(accumulate(map(len, texts), initial=place))
        for number, at in sorted(each.word_times().items()):
            space = len(texts[number]) - len(texts[number].lstrip())
            known.append((places[number] + space, begins + at))
        place, begins = places[-1], begins + each.seconds
    return known


async def spoken_shown(
    said: Sequence[Said], language: str, feed: Feed, heard: bool = False
) -> list[tuple[float, str]]:
    """What `Spoken` shows, and when: seconds since the audio began to play.

    Args:
        said: an answer's chunks, one after the other.
        language: their language.
        feed: what it is given.
        heard: it gets the audio itself, not its length only.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    spoken = Spoken(lambda: loop.time() - start, language)

    async def voice() -> None:
        came = 0.0
        for each in said:
            if feed == "words":
                spoken.add(each.chunk, each.seconds, each.marks)
                continue
            if feed == "whole" and not heard:
                spoken.add(each.chunk, each.seconds)
                continue
            utterance = spoken.add(each.chunk)
            for pcm in each.frames(_FRAME_S):
                seconds = len(pcm) / 2 / each.rate
                if feed == "streamed":
                    await asyncio.sleep(max(0.0, came - _AHEAD_S - (loop.time() - start)))
                if heard:
                    utterance.hear(pcm, each.rate)
                else:
                    utterance.grow(seconds)
                came += seconds
            utterance.end()
        spoken.end()

    task = asyncio.create_task(voice())
    shown = [(loop.time() - start, word) async for word in spoken]
    await task
    return shown


def words_off(said: Sequence[Said], language: str) -> list[int]:
    """How many words `said()` is off at moments drawn at random, with chunk lengths only."""
    position = 0.0
    spoken = Spoken(lambda: position, language)
    for each in said:
        spoken.add(each.chunk, each.seconds)
    known = truth(said)
    text = "".join(each.chunk.text for each in said)
    length = sum(each.seconds for each in said)
    draw, off = random.Random(1), []
    for _ in range(_INTERRUPTIONS):
        position = draw.uniform(0.0, length)
        # The words that have begun, and those up to the next of which the time is known.
        last = max((place for place, at in known if at <= position), default=0)
        after = min((place for place, at in known if at > position), default=len(text))
        words = len(spoken.said().split())
        least, most = len(text[:last].split()), len(text[:after].split())
        off.append(words - most if words > most else min(0, words - least))
    return off


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
