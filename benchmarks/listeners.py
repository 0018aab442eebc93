"""People who listen to a loaded server: answers cut into sentences or by `chunks`, told or not.

    python benchmarks/listeners.py [--rates 3.3,4.2] [--requests 600] [--seeds 3]

The server is vLLM's scheduler on a virtual clock. Each answer's tokens are words of a text, which
are cut for a voice as they come: sentence by sentence, or by `andes_client.voice.Cutter`, which
minds how much audio is in hand. The voice takes 0.2 s for each chunk and then has all of its audio;
words last as long as they cost aloud (andes_client.voice.aloud), scaled to 3.3 tokens/s. "Told"
requests say so to the server, others say nothing, and are taken for readers.

A listener's QoE is that of the audio: each second of it is expected a second after the one before,
the first 1 s after submission (and 0.2 s for the voice). Silence is what they hear none in, after
the first word.
"""

import argparse
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from table import print_table

from andes_backend.lab.option_types import finite_number, list_of
from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Workload, make_workload
from andes_backend.lab.workload.readers import Speaking
from andes_backend.profile import load_profile
from andes_client import Expectation
from andes_client.expectation import SPEAKING_TDS
from andes_client.qoe import qoe
from andes_client.segment import segmenter
from andes_client.voice import Chunk
from andes_client.voice.aloud import aloud
from andes_client.voice.cutter import Cutter

__all__ = ["main"]

_VOICE_S: Final = 0.2
_TEXT: Final = (
    "The harbour is quiet in the morning, before the ferries come. A few boats go out for fish, "
    "and the gulls follow them as far as the light at the end of the wall. Later there are people "
    "everywhere. They buy bread, coffee and newspapers, and stand in long lines at the gate. "
    "Nobody is in a hurry, because the sea is calm and the first ship will not leave before ten. "
    "When it has gone, the cafes put out their chairs; the cooks, who have been up since five, sit "
    "down for the first time. By noon it is too hot to walk. "
)
_PACE: Final = aloud("en")


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody heard of an answer."""

    qoe: float
    first_s: float
    silence_s: float


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", default="opt-66b-4xa100")
    parser.add_argument("--rates", type=list_of(finite_number), default=[3.3, 4.2])
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.INFO)  # of each simulated server
    profile = load_profile(options.profile)
    rows = []
    for rate in options.rates:
        for policy in ("stock", "qoe"):
            for told in (False, True):
                heard: dict[str, list[Heard]] = {"sentences": [], "chunks": []}
                for seed in range(options.seeds):
                    load = make_workload(options.requests, rate=rate, seed=seed, readers=Speaking())
                    workload = load if told else _silent(load)
                    served = simulate(workload, Setup(profile=profile, policy=policy))
                    for outcome in served.outcomes:
                        for name, cut in (("sentences", _sentences), ("chunks", _chunks)):
                            heard[name].append(listen(outcome.times, cut))
                for name, each in heard.items():
                    rows.append(_row(f"{rate:g}/s, {policy}", told, name, each))
                    print(*rows[-1], flush=True)
    columns = ["load, policy", "told", "cut by", "QoE", "worst tenth", "first audio", "silence"]
    print_table("Listeners", columns, rows)


def _row(load: str, told: bool, cut: str, heard: Sequence[Heard]) -> list[str]:
    values = sorted(each.qoe for each in heard)
    return [
        load,
        "yes" if told else "no",
        cut,
        f"{fmean(values):.3f}",
        f"{fmean(values[: max(1, len(values) // 10)]):.3f}",
        f"{fmean(each.first_s for each in heard):.2f} s",
        f"{fmean(each.silence_s for each in heard):.2f} s",
    ]


def _silent(workload: Workload) -> Workload:
    return replace(workload, requests=tuple(replace(one, silent=True) for one in workload.requests))


def tokens() -> Iterator[str]:
    """The text again and again, 4/3 tokens a word."""
    while True:
        for number, word in enumerate(_TEXT.split(" ")[:-1]):
            text = word + " "
            if number % 3 == 0:
                yield text[:1]
                text = text[1:]
            yield text


Cut = Callable[[Sequence[tuple[float, str]]], list[tuple[float, Chunk]]]
"""From tokens and their moments to the audio's beginnings and their chunks."""


def listen(times: Sequence[float], cut: Cut) -> Heard:
    """What is heard of an answer whose tokens come at these times, seconds since submission."""
    said = cut(list(zip(times, tokens(), strict=False)))
    at, costs, silence, free = [], [], 0.0, math.nan
    for begins, chunk in said:
        if free < begins:
            silence += begins - free
        moment = begins
        for word in chunk.words:
            seconds = length(chunk.spoken[word.begin : word.end])
            if seconds:
                at.append(moment)
                costs.append(seconds)
                moment += seconds
        free = moment
    ideal = Expectation(ttft=1.0 + _VOICE_S, tds=1.0)
    return Heard(qoe(at, ideal, costs), at[0] if at else times[-1], silence)


def length(spoken: str) -> float:
    """Seconds of audio, pauses and all."""
    return _SCALE * (_PACE.sound(spoken) + _PACE.pause(spoken)) if spoken else 0.0


def _sentences(came: Sequence[tuple[float, str]]) -> list[tuple[float, Chunk]]:
    splitter, free = segmenter("sentence", "en"), 0.0
    said: list[tuple[float, Chunk]] = []
    ready = [(at, unit.text) for at, text in came for unit in splitter.decode(text)]
    ready += [(came[-1][0], unit.text) for unit in splitter.flush()]
    for at, text in ready:
        chunk = Chunk.plain(text)
        begins = max(free, at + _VOICE_S)
        said.append((begins, chunk))
        free = begins + _seconds(chunk)
    return said


def _chunks(came: Sequence[tuple[float, str]]) -> list[tuple[float, Chunk]]:
    cutter, free, now = Cutter("en", markdown=False), 0.0, 0.0
    said: list[tuple[float, Chunk]] = []
    coming = list(reversed(came))
    while True:
        found = cutter.poll(now, max(0.0, free - now))
        if found is None:
            return said
        if isinstance(found, Chunk):
            begins = max(free, now + _VOICE_S)
            said.append((begins, found))
            free = begins + _seconds(found)
        elif coming and coming[-1][0] <= found:
            now, text = coming.pop()
            cutter.feed(text, now)
            if not coming:
                cutter.end(now)
        else:
            now = found


def _seconds(chunk: Chunk) -> float:
    return sum(length(chunk.spoken[word.begin : word.end]) for word in chunk.words)


def _scale() -> float:
    words = Chunk.plain(_TEXT).words
    usual = sum(_PACE.sound(word.text) + _PACE.pause(word.text) for word in words)
    return len(words) * 4 / 3 / SPEAKING_TDS / usual


_SCALE: Final = _scale()


if __name__ == "__main__":
    main()
