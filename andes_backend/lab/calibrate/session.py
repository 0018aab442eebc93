"""From a server's address to a profile: what `andes calibrate` does."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.bench.load import Target
from andes_backend.lab.calibrate import facts as asked
from andes_backend.lab.calibrate.design import (
    Limits,
    decode_batches,
    most_at_once,
    prefill_lengths,
    visits,
)
from andes_backend.lab.calibrate.facts import Facts, FactsError
from andes_backend.lab.calibrate.fit import Fit, fit
from andes_backend.lab.calibrate.measure import Inside, Laboratory, sender
from andes_backend.lab.calibrate.observation import Observation
from andes_backend.lab.calibrate.progress import Progress
from andes_backend.lab.calibrate.verdict import (
    comparison,
    costs,
    is_good,
    qualities,
    verdict,
    write_points,
)
from andes_backend.lab.campaign.console import SafeConsole
from andes_backend.lab.campaign.interruption import INTERRUPTED
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.terminal_text import line

__all__ = ["Measured", "Options", "calibrate", "limits_of", "measure"]

_MOST_ASKED: Final = 256  # sequences, where nobody says how many the server admits
_RESTLESS: Final = 0.15  # a quiet server repeats itself within a few per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to calibrate, and what the server may not say of itself."""

    target: Target
    out: Path
    """The profile's file; the measurements go beside it, as .csv."""
    kv_tokens: int | None = None
    block_size: int | None = None
    max_sequences: int | None = None
    max_step_tokens: int = 2048
    repetitions: int = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured."""

    observations: tuple[Observation, ...]
    limits: Limits
    """With the number of sequences that the server was seen to admit."""
    outside_s: float | None
    notes: tuple[str, ...]
    """What a person should know."""


def calibrate(options: Options, *, console: Console | None = None) -> int:
    """Measure a server, fit a profile, write it, and say how good it is.

    Returns:
        An exit status: 0; 1 if the fit is bad; 130 if it was interrupted, with no file written.

    Raises:
        FactsError: the server does not answer or does not say what is needed, or is busy.
        DesignError: the server is too small.
        MeasureError: a request failed.
        FitError: the measurements allow no profile.
    """
    console = console or SafeConsole()
    target, began = options.target, time.monotonic()
    facts = asked.ask(target)
    if facts.busy:
        raise FactsError(
            f"the server is busy with {facts.busy} other requests, whose steps would be measured "
            "as ours: try again when it is idle"
        )
    limits = limits_of(facts, options)
    before = asked.metrics(target)
    with Progress(console) as progress:
        lab = Laboratory(
            sender(target),
            seed=secrets.randbits(48),  # another calibration's prompts are in the server's cache
            repetitions=options.repetitions,
            told=progress.told,
            inside=lambda: _inside(target),
        )
        try:
            measured = asyncio.run(measure(lab, limits, options.max_sequences is not None))
        except KeyboardInterrupt:
            console.print("interrupted: wrote nothing")
            return INTERRUPTED
    found = fit(
        measured.observations,
        measured.limits,
        name=target.model,
        source=_source(options, facts),
        outside_s=measured.outside_s,
    )
    notes = [*measured.notes, *_strangers(before, asked.metrics(target), lab)]
    if found.overall.spread > _RESTLESS:
        notes.append(
            f"repetitions of the same experiment differ by {found.overall.spread:.0%} (median): "
            "other work keeps this machine or the server busy; try again when it is idle"
        )
    return _report(found, notes, options.out, time.monotonic() - began, console)


def limits_of(facts: Facts, options: Options) -> Limits:
    """What the server can hold, by what it says and what the options say, which go first.

    Raises:
        FactsError: neither says it.
    """
    kv_tokens = options.kv_tokens or facts.kv_tokens
    block_size = options.block_size or facts.block_size
    if kv_tokens is None or block_size is None:
        raise FactsError(
            "the server does not publish the size of its KV cache (vllm:cache_config_info in "
            "/metrics): give --kv-tokens and --block-size; vLLM's log has 'GPU KV cache size'"
        )
    if facts.max_model_len is None:
        raise FactsError(
            "the server does not say how long a request may be (max_model_len in /v1/models), "
            "as vLLM does, so it cannot be calibrated"
        )
    return Limits(
        kv_tokens=kv_tokens,
        block_size=block_size,
        max_model_len=facts.max_model_len,
        max_sequences=options.max_sequences or _MOST_ASKED,
        max_step_tokens=options.max_step_tokens,
    )


async def measure(lab: Laboratory, limits: Limits, admission_known: bool) -> Measured:
    """Run all experiments; each kind is laid out with what those before have shown.

    Args:
        lab: what to run them in.
        limits: what the server can hold.
        admission_known: whether `limits.max_sequences` is the server's own; otherwise it is
            the most to try.
    """
    lengths = prefill_lengths(limits)
    step_s = await lab.warm_up(lengths[-1])
    prefill = await lab.prefill(lengths)
    asked_for = most_at_once(limits, step_s)
    admitted, full = await lab.admitted(asked_for)
    notes = []
    if admitted is not None and admitted < asked_for.sequences:
        notes.append(f"the server admits {admitted} sequences at a time (measured)")
        limits = replace(limits, max_sequences=admitted)
    elif not admission_known:
        notes.append(
            f"no limit on the server's sequences was found ({asked_for.sequences} were tried), so "
            f"the profile assumes {limits.max_sequences}: give the server's --max-num-seqs as "
            "--max-sequences"
        )
    guess = _guess(limits, prefill, step_s, full)
    decode = await lab.decode(decode_batches(limits, guess))
    guess = fit([*prefill, *decode], limits, name="guess", source="").profile
    mixed = await lab.mixed(visits(limits, guess))
    if lab.dropped:
        notes.append(f"{lab.dropped} experiments were useless: their requests did not overlap")
    outside = sorted(lab.outside)
    outside_s = max(0.0, outside[len(outside) // 2]) if outside else None
    return Measured((*prefill, *decode, *mixed), limits, outside_s, tuple(notes))


def _guess(
    limits: Limits, prefill: Sequence[Observation], step_s: float, full: Observation | None
) -> Profile:
    """A rough profile, of a step for one, a step for many, and the longest prompt."""
    longest = max(prefill, key=lambda one: one.prompt_tokens)
    more = 0.0 if full is None else (full.seconds - step_s) / max(1, full.sequences - 1)
    return Profile(
        name="guess",
        source="",
        kv_tokens=limits.kv_tokens,
        prefill=Prefill(base_ms=0.0, per_token_ms=1e3 * longest.seconds / longest.prompt_tokens),
        decode=(
            Decode(
                base_ms=1e3 * step_s, per_sequence_ms=max(0.0, 1e3 * more), per_context_token_ms=0
            ),
        ),
    )


def _inside(target: Target) -> Inside:
    found = asked.metrics(target)
    queued, computing = "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds"
    return Inside(
        int(found.get(f"{computing}_count", 0)),
        found.get(f"{queued}_sum", 0.0),
        found.get(f"{computing}_sum", 0.0),
    )


def _source(options: Options, facts: Facts) -> str:
    server = f"vLLM {facts.version}" if facts.version else "unknown version"
    return (
        f"andes calibrate, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: model {options.target.model} "
        f"at {asked.without_credentials(options.target.url)} ({server})"
    )


def _strangers(
    before: Mapping[str, float], after: Mapping[str, float], lab: Laboratory
) -> list[str]:
    name = "vllm:request_success_total"
    others = int(after.get(name, 0.0) - before.get(name, 0.0)) - lab.sent
    if others <= 0:
        return []
    return [f"the server served {others} other requests meanwhile: their steps are in the profile"]


def _report(found: Fit, notes: Sequence[str], out: Path, took_s: float, console: Console) -> int:
    profile = replace(found.profile, source=f"{found.profile.source}. {verdict(found)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(profile.to_json())
    write_points(found, points := out.with_suffix(".csv"))
    console.print(verdict(found), highlight=False)
    console.print(costs(found), highlight=False)
    for note in notes:
        console.print(f"note: {line(note)}", markup=False, highlight=False)
    console.print(qualities(found))
    console.print(comparison(found))
    console.print(
        f"{took_s:.0f} s; written to {out}, all measurements to {points}", highlight=False
    )
    return 0 if is_good(found) else 1
