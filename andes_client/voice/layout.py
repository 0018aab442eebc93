"""Where the words of an utterance lie in its audio."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from andes_client.voice.silences import Silence
from andes_client.voice.tempo import Cost, Tempo

__all__ = ["Known", "Layout", "lay_out"]

# A silence is the pause of which the estimate is no further off than this, seconds, and this share
# of the time since the last one.
_NEAR_S: Final = 0.2
_NEAR_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the audio. Times are in seconds from its beginning."""

    seconds: float
    """So much has come."""
    has_ended: bool
    """And that is all of it."""
    named: Mapping[int, float]
    """When a word begins, by its number: what the voice has told."""
    silences: Sequence[Silence] = ()
    """Where it is silent, as far as that was listened for, and over."""
    last_silence: Silence | None = None
    """At the end of what has come."""


@dataclass(frozen=True, slots=True)
class Layout:
    """When each word begins and ends, and all of it; seconds from the beginning of the audio."""

    starts: Sequence[float]
    ends: Sequence[float]
    until: float


def lay_out(costs: Sequence[Cost], whole: Cost, tempo: Tempo, known: Known) -> Layout:
    """Lay the words out between what is known: each takes its share by what it costs aloud.

    Args:
        costs: of each word.
        whole: of all of them, without the pause after the last.
        tempo: the voice's.
        known: of its audio.
    """
    at, places = 0.0, []  # by what they cost, and nothing else
    for cost in costs:
        places.append(at)
        at += tempo.seconds(cost)
    end = tempo.seconds(whole) + tempo.around_s
    anchors = known.named
    if not anchors and known.silences:
        anchors = _after_silences(costs, places, end, tempo, known)
    fixed = [(-1, 0.0, 0.0)]
    # A voice may name a moment after the end of its audio, which is never played.
    most = known.seconds if known.has_ended else math.inf
    for number in sorted(anchors):
        fixed.append((number, places[number], min(most, max(anchors[number], fixed[-1][2]))))
    _, last_place, last_s = fixed[-1]
    if known.has_ended:
        until = known.seconds
        if known.last_silence is not None:
            until, end = known.last_silence[0], end - tempo.around_s
    else:
        until = last_s + max(0.0, end - last_place)
        if not anchors:
            until = max(until, known.seconds)
    until = max(until, last_s)
    fixed.append((len(places), max(end, last_place), until))
    starts, ends = [], []
    for (first, from_place, from_s), (after, to_place, to_s) in pairwise(fixed):
        scale = (to_s - from_s) / (to_place - from_place) if to_place > from_place else 0.0
        for number in range(max(first, 0), after):
            start = min(to_s, from_s + scale * (places[number] - from_place))
            starts.append(start)
            ends.append(min(to_s, start + scale * tempo.sound * costs[number].sound))
    _place_silent(
        [cost.sound > 0 or n in known.named for n, cost in enumerate(costs)], starts, ends
    )
    return Layout(starts, ends, until)


def _after_silences(
    costs: Sequence[Cost], places: Sequence[float], whole: float, tempo: Tempo, known: Known
) -> Mapping[int, float]:
    """When words begin after the pauses that are heard, by the number of the word.

    A silence is taken for the pause that is expected nearest to it, if that is near enough.
    """
    sounding = [number for number, cost in enumerate(costs) if cost.sound > 0]
    pauses = [
        (places[number] + tempo.sound * costs[number].sound, after)
        for number, after in pairwise(sounding)
        if sum(costs[each].pause for each in range(number, after)) > 0
    ]
    scale = known.seconds / whole if known.has_ended and whole > 0 else 1.0
    place = at = 0.0  # of the last word that is fixed
    anchors: dict[int, float] = {}
    for begin, end in known.silences:
        if begin == 0.0:
            if sounding:
                anchors[sounding[0]], at, place = end, end, places[sounding[0]]
            continue
        off = [
            (abs(at + scale * (pause - place) - begin), number)
            for number, (pause, _) in enumerate(pauses)
        ]
        if not off:
            break
        least, number = min(off)
        if least <= _NEAR_S + _NEAR_SHARE * (begin - at):
            after = pauses[number][1]
            anchors[after], at, place = end, end, places[after]
            del pauses[: number + 1]
    return anchors


def _place_silent(sounds: Sequence[bool], starts: list[float], ends: list[float]) -> None:
    """What makes no sound comes with the word after it, or with the last one."""
    if not any(sounds):
        return
    after = max(number for number, does in enumerate(sounds) if does)
    for number in reversed(range(len(starts))):
        if sounds[number]:
            after = number
        else:
            starts[number] = ends[number] = starts[after]
