"""What the token times of an experiment say about the server's steps; no I/O.

All requests that are in a step get their token when it ends, and the next step begins then
(vLLM prepares it meanwhile). So the gap between two tokens of a stream is the time of a
step, and a prompt that arrives while others write tears one gap into their streams: the
step that computed it, the one that also brings its own first token.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.calibrate.observation import Observation
from andes_backend.lab.report.outcome import Outcome

__all__ = ["at_once", "decode_step", "prefill_step", "visit_steps"]

_BURSTS: Final = 0.5  # of the typical time: half of the gaps are shorter than that
_LATE: Final = 4.0  # times the typical gap: more than jitter
_FEWEST: Final = 4  # steps that a mean is taken of


def prefill_step(outcome: Outcome) -> Observation:
    """The time to first token of a request that had the server to itself."""
    return Observation("prefill", outcome.request.prompt_tokens, 0, 0, outcome.times[0])


def decode_step(outcomes: Sequence[Outcome]) -> Observation | None:
    """The typical time of the steps in which all of a batch were writing.

    None if there were few of them, or if their tokens came in bursts.

    Args:
        outcomes: of all requests of the batch, none failed.
    """
    streams = [_moments(outcome) for outcome in outcomes]
    begin, end = max(s[0] for s in streams), min(s[-1] for s in streams)
    together = [np.flatnonzero((s >= begin) & (s <= end)) for s in streams]
    if median(len(tokens) for tokens in together) <= _FEWEST:
        return None
    seconds = median(_pace(s[t]) for s, t in zip(streams, together, strict=True) if len(t) > 1)
    gaps = np.concatenate([np.diff(s[t]) for s, t in zip(streams, together, strict=True)])
    if float(np.median(gaps)) <= _BURSTS * seconds:
        return None  # held up somewhere, and let go all at once
    prompts = sum(outcome.request.prompt_tokens for outcome in outcomes)
    written = sum(float(tokens.mean()) for tokens in together if len(tokens))
    return Observation("decode", 0, len(outcomes), round(prompts + written), seconds)


def visit_steps(batch: Sequence[Outcome], visitors: Sequence[Outcome]) -> list[Observation]:
    """The times of the steps in which a batch was visited by a prompt.

    Visits at which the batch was not writing, was still starting, was held up just before, or
    had another visitor in the same step are left out.

    Args:
        batch: of all its requests, none failed.
        visitors: the prompts that came meanwhile, none failed.
    """
    streams = [_moments(outcome) for outcome in batch]
    typical = _typical_gap(streams)
    at_same_time = 0.5 * typical
    firsts = [float(_moments(visitor)[0]) for visitor in visitors]
    found = []
    for visitor, first in zip(visitors, firsts, strict=True):
        if sum(abs(other - first) <= at_same_time for other in firsts) > 1:
            continue
        gaps, context, held_up = [], 0, 0
        for outcome, moments in zip(batch, streams, strict=True):
            nearest = int(np.abs(moments - first).argmin())
            if abs(moments[nearest] - first) > at_same_time:
                continue  # it has ended, or not begun
            gaps.append(float(moments[nearest] - moments[nearest - 1]) if nearest else 0.0)
            # A token before it that came late has made the gap shorter than the step.
            before = np.diff(moments[max(0, nearest - 2) : nearest])
            held_up += bool((before > _LATE * typical).any())
            context += outcome.request.prompt_tokens + nearest
        if gaps and min(gaps) > 0.0 and 2 * held_up < len(gaps):
            prompt = visitor.request.prompt_tokens
            found.append(Observation("mixed", prompt, len(gaps), context, median(gaps)))
    return found


def at_once(outcomes: Sequence[Outcome]) -> int:
    """The most requests that were writing at the same time, for a tenth of all tokens or more.

    For a moment it may look like more: tokens of different streams overtake each other.
    """
    streams = [_moments(outcome) for outcome in outcomes]
    begins, ends = np.array([s[0] for s in streams]), np.array([s[-1] for s in streams])
    counts = [int(((begins <= t) & (t < ends)).sum()) for t in np.concatenate(streams)]
    return int(np.percentile(counts, 90, method="lower"))


def _moments(outcome: Outcome) -> NDArray[np.float64]:
    """When its tokens came, seconds since the run began."""
    return outcome.submitted_s + np.array(outcome.times)


def _typical_gap(streams: Sequence[NDArray[np.float64]]) -> float:
    """Between the tokens of undisturbed steps, seconds; bursts do not count."""
    gaps = np.concatenate([np.diff(moments) for moments in streams])
    return float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 0.0


def _pace(moments: NDArray[np.float64]) -> float:
    """Seconds a token: the slope of a line through the moments of two tokens or more.

    Tokens of quick steps may travel several at a time: single gaps say little then, and
    neither do the first and the last moment.
    """
    places = np.arange(len(moments)) - (len(moments) - 1) / 2
    return float(places @ moments / (places @ places))
