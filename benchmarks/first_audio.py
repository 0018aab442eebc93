"""How soon a voice has something to say, and how long it falls silent: three ways to cut text.

    python benchmarks/first_audio.py                 ours alone
    .venv-voice/bin/python benchmarks/first_audio.py    beside LiveKit agents and Pipecat

(`make voice` makes that environment.)

The same answers (helpers/voice_answers.py) come from a slow, a usual and a bursty model, several
times each with other pauses between the tokens. LiveKit's is what an agent does by default for a
voice that takes whole texts: its filters of Markdown and emoji, and the tokenizer of its
StreamAdapter. Pipecat's is the aggregator of its TTSService, sentence by sentence. Ours knows how
much audio is in hand.

First audio: from the first token to the first chunk that has words in it, when it is handed to the
voice. Each chunk then takes as long as its letters, from when it is handed over and the one before
is over; silence is what is between the chunks of an answer. All on a clock that jumps, so the
figures are the same on every machine.
"""

import argparse
import asyncio
import importlib.util
import itertools
import random
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import regex
from table import print_table

_ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(_ROOT))

from helpers.voice_answers import ANSWERS, Answer  # noqa: E402

from andes_client.testing import run_virtual, scripted  # noqa: E402
from andes_client.voice import chunks  # noqa: E402

__all__ = ["main"]

_TOKEN: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]{1,2}|\s*[^\s]{1,5}|\s+")
_LETTER: Final = regex.compile(r"[\p{L}\p{N}]")
_SPACELESS: Final = frozenset(("ja", "zh"))
_CHARACTERS_PER_S: Final = 15.0  # of a voice; a third of them where a character is a syllable

Script = list[tuple[float, str]]
Handed = list[tuple[float, str]]
"""Moments, and what the voice is to say."""
Cut = Callable[[Script, str, Callable[[], float], Callable[[str], None]], Awaitable[None]]
"""Cuts a stream of a language; it may ask for the audio in hand, and hands each chunk over."""


class Result(NamedTuple):
    """What became of one answer."""

    first_s: float
    silence_s: float
    chunks: int


def slow(tokens: list[str], chance: random.Random) -> Script:
    """Some 8 tokens a second."""
    return [(chance.uniform(0.5, 1.5) / 8, token) for token in tokens]


def usual(tokens: list[str], chance: random.Random) -> Script:
    """Some 40 tokens a second."""
    return [(chance.uniform(0.5, 1.5) / 40, token) for token in tokens]


def bursty(tokens: list[str], chance: random.Random) -> Script:
    """A dozen at once, now and then: some 10 a second."""
    script, left = Script(), 0
    for token in tokens:
        wait = 0.0
        if not left:
            left, wait = chance.randint(6, 18), chance.uniform(0.6, 1.8)
        script.append((wait, token))
        left -= 1
    return script


_MODELS: Final = {"slow": slow, "usual": usual, "bursty": bursty}


async def ours(
    script: Script, language: str, ahead: Callable[[], float], say: Callable[[str], None]
) -> None:
    """`andes_client.voice.chunks`."""
    async with chunks(scripted(script), language=language, ahead=ahead) as parts:
        async for chunk in parts:
            say(chunk.spoken)


async def livekit(
    script: Script,
    language: str,  # noqa: ARG001, its tokenizer knows no languages
    ahead: Callable[[], float],  # noqa: ARG001
    say: Callable[[str], None],
) -> None:
    """As a session of LiveKit agents feeds a voice that does not stream."""
    from livekit.agents.tokenize import blingfire
    from livekit.agents.voice.agent_session import DEFAULT_TTS_TEXT_TRANSFORMS
    from livekit.agents.voice.transcription.text_transforms import _apply_text_transforms

    stream = blingfire.SentenceTokenizer(retain_format=True).stream()

    async def forward() -> None:
        texts: AsyncIterator[str] = _apply_text_transforms(
            scripted(script), DEFAULT_TTS_TEXT_TRANSFORMS
        )
        async for text in texts:
            stream.push_text(text)
        stream.end_input()

    forwarding = asyncio.create_task(forward())
    async for event in stream:
        say(event.token.strip())
    await forwarding


async def pipecat(
    script: Script,
    language: str,
    ahead: Callable[[], float],  # noqa: ARG001
    say: Callable[[str], None],
) -> None:
    """As Pipecat's TTSService aggregates the text of a model."""
    from pipecat.utils.text.simple_text_aggregator import SimpleTextAggregator

    aggregator = SimpleTextAggregator(language=language)
    async for text in scripted(script):
        async for sentence in aggregator.aggregate(text):
            say(sentence.text.strip())
    if (rest := await aggregator.flush()) is not None:
        say(rest.text.strip())


async def _hear(cut: Cut, script: Script, language: str) -> Result:
    loop = asyncio.get_running_loop()
    speed = _CHARACTERS_PER_S / (3 if language in _SPACELESS else 1)
    handed, free = Handed(), 0.0

    def say(text: str) -> None:
        nonlocal free
        if _LETTER.search(text):
            handed.append((loop.time(), text))
            free = max(loop.time(), free) + len(text) / speed

    start = loop.time()
    await cut(script, language, lambda: max(0.0, free - loop.time()), say)
    silence, end = 0.0, handed[0][0]
    for at, text in handed:
        silence += max(0.0, at - end)
        end = max(at, end) + len(text) / speed
    return Result(handed[0][0] - start - script[0][0], silence, len(handed))


def measure(cut: Cut, answers: Sequence[Answer], model: Any, runs: int) -> list[Result]:
    """Have each answer spoken some times."""
    return [
        run_virtual(
            _hear, cut, model(_TOKEN.findall(answer.text), random.Random(run)), answer.language
        )
        for answer, run in itertools.product(answers, range(runs))
    ]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def _first_row(name: str, results: dict[str, list[Result]]) -> list[str]:
    cells = [name]
    for measured in results.values():
        first = [result.first_s for result in measured]
        cells += [f"{statistics.median(first):.2f}", f"{_p95(first):.2f}"]
    return cells


def _silence_row(name: str, results: dict[str, list[Result]]) -> list[str]:
    cells = [name]
    for measured in results.values():
        between = statistics.mean(result.silence_s for result in measured)
        first = statistics.mean(result.first_s for result in measured)
        pieces = statistics.mean(result.chunks for result in measured)
        cells += [f"{between:.2f}", f"{first + between:.2f}", f"{pieces:.1f}"]
    return cells


def _ratios(name: str, results: dict[str, list[Result]]) -> list[str]:
    """Ours as a part of each peer's."""
    cells, mine = [name], results["ours"]
    for peer, theirs in results.items():
        if peer == "ours":
            continue
        for part in (statistics.median, _p95):
            other = part([result.first_s for result in theirs])
            cells.append(f"{part([result.first_s for result in mine]) / other:.2f} x")
        silence = statistics.mean(result.silence_s for result in theirs)
        ratio = statistics.mean(result.silence_s for result in mine) / max(1e-9, silence)
        cells.append(f"{ratio:.2f} x" if silence > 0.005 else "-")
    return cells


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="of each answer")
    parser.add_argument("--kind", choices=list(ANSWERS), help="only these answers")
    options = parser.parse_args()
    cutters: dict[str, Cut] = {"ours": ours}
    for name, cut in (("livekit", livekit), ("pipecat", pipecat)):
        if importlib.util.find_spec(name) is None:
            print(f"LOUD: {name} is not installed here, see `make voice`", file=sys.stderr)
        else:
            cutters[name] = cut
    measured = {
        f"{kind}, {model_name}": {
            name: measure(cut, answers, model, options.runs) for name, cut in cutters.items()
        }
        for kind, answers in ANSWERS.items()
        for model_name, model in _MODELS.items()
        if options.kind in (None, kind)
    }
    for kind in ANSWERS:
        parts = [results for name, results in measured.items() if name.startswith(f"{kind}, ")]
        if parts:
            measured[f"{kind}, all"] = _together(parts)
    measured["all but lists"] = _together(
        [one for name, one in measured.items() if name[:4] != "list" and name[-3:] != "all"]
    )
    for title, row, figures in (
        ("First audio, seconds", _first_row, ("p50", "p95")),
        (
            "Silence between chunks and in all, seconds, and chunks of an answer",
            _silence_row,
            ("between", "in all", "chunks"),
        ),
    ):
        columns = ["answers, model", *(f"{name} {part}" for name in cutters for part in figures)]
        print_table(title, columns, [row(name, results) for name, results in measured.items()])
    if len(cutters) > 1:
        columns = [
            f"{name} {part}" for name in list(cutters)[1:] for part in ("p50", "p95", "silence")
        ]
        rows = [_ratios(name, results) for name, results in measured.items()]
        targets = ["target", *(["<= 1 x", "<= 0.5 x", "<= 0.5 x"] * (len(cutters) - 1))]
        lists = ["target: lists", *(["<= 1 x", "<= 0.25 x", "<= 0.5 x"] * (len(cutters) - 1))]
        rows += [targets, lists]
        print_table("Ours as a part of theirs", ["answers, model", *columns], rows)


def _together(parts: Sequence[dict[str, list[Result]]]) -> dict[str, list[Result]]:
    return {
        name: [result for part in parts for result in part[name]] for name in (parts or [{}])[0]
    }


if __name__ == "__main__":
    main()
