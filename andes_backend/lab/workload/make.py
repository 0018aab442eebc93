"""Workloads from what they are made of: arrivals, lengths, readers, or a trace."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from andes_backend.lab.workload.arrivals import Arrivals, Poisson
from andes_backend.lab.workload.lengths import Lengths, cut, sharegpt_lengths
from andes_backend.lab.workload.readers import Readers, Reading
from andes_backend.lab.workload.requests import Request, Source, Workload, WorkloadError
from andes_backend.lab.workload.traces import read_trace

__all__ = ["dealt", "make_workload", "together", "trace_workload"]

_POISSON: Final = Poisson()
_READING: Final = Reading()
_USERS: Final = 98  # apart from the workload's own random streams, 0 to 2


def make_workload(
    count: int,
    *,
    rate: float,
    seed: int,
    arrivals: Arrivals = _POISSON,
    lengths: Lengths | None = None,
    readers: Readers = _READING,
    max_length: int | None = None,
    ttft: float = 1.0,
    name: str | None = None,
) -> Workload:
    """Draw `count` requests.

    Args:
        count: requests, 1 or more.
        rate: mean arrivals a second; the first comes after one gap.
        seed: 0 or more.
        arrivals: the process by which they arrive; Poisson if not given.
        lengths: where lengths come from; ShareGPT's if not given, or `file_lengths(path)`,
            `MultiRound()`, `Fixed(512, 128)`.
        readers: the population they are read by; people who read if not given.
        max_length: most tokens of prompt and output together, see `cut`; no limit if None.
        ttft: the time to first token that every reader expects, seconds.
        name: what to call it; "sharegpt" if not given, or "custom" if `lengths` are.

    Raises:
        ValueError: an argument is out of range.
    """
    _check(count, rate, seed)
    for_arrivals, for_lengths, for_readers = _streams(seed)
    return _assembled(
        name or ("sharegpt" if lengths is None else "custom"),
        seed,
        arrivals.times(for_arrivals, count, rate),
        _cut((lengths or sharegpt_lengths)(for_lengths, count), max_length),
        readers,
        for_readers,
        ttft,
    )


def trace_workload(
    path: str | Path,
    *,
    seed: int,
    count: int | None = None,
    rate: float | None = None,
    arrivals: Arrivals | None = None,
    readers: Readers = _READING,
    max_length: int | None = None,
    ttft: float = 1.0,
    name: str | None = None,
    trace_format: str | None = None,
) -> Workload:
    """The first `count` requests of a trace, with readers drawn for them.

    Args:
        path: the trace's file.
        seed: 0 or more; of the readers, and of the arrivals if they are drawn.
        count: requests, 1 or more; all of the trace if None.
        rate: mean arrivals a second: the trace's own times are stretched to it. As they are
            if None. The first request comes at 0.
        arrivals: draw arrivals from this process instead, at `rate`, and take only lengths
            from the trace. A trace without times (ShareGPT) gets Poisson arrivals if None.
        readers: the population they are read by; people who read if not given.
        max_length: most tokens of prompt and output together, see `cut`; no limit if None.
        ttft: the time to first token that every reader expects, seconds.
        name: what to call it; the file's name without its ending if not given.
        trace_format: see `read_trace`.

    Raises:
        OSError: the file cannot be read.
        ValueError: an argument is out of range.
        WorkloadError: the trace cannot be used, see `read_trace`; or arrivals are to be drawn
            and there is no rate.
    """
    _check(count, rate, seed)
    trace = read_trace(path, count=count, trace_format=trace_format)
    for_arrivals, _, for_readers = _streams(seed)
    times = trace.times_at(rate) if arrivals is None else None
    if times is None:
        if rate is None:
            why = "drawn arrivals need" if arrivals else f"{path} has no times of its own, so give"
            raise WorkloadError(f"{why} a rate in requests/s (--rate)")
        times = (arrivals or _POISSON).times(for_arrivals, len(trace.lengths), rate)
    lengths = _cut(trace.lengths, max_length)
    named = name or Path(path).stem
    return _assembled(named, seed, times, lengths, readers, for_readers, ttft, source=trace.source)


def together(users: Mapping[str, Workload], *, name: str) -> Workload:
    """One workload of several users, each with a workload of their own.

    Args:
        users: by the user's name.
        name: what to call it.

    Raises:
        ValueError: there is no user.
    """
    if not users:
        raise ValueError("a workload of several users needs at least one")
    requests = [
        replace(request, user=user)
        for user, workload in users.items()
        for request in workload.requests
    ]
    requests.sort(key=lambda request: request.arrival_s)
    return Workload(name, min(one.seed for one in users.values()), tuple(requests))


def dealt(workload: Workload, users: Mapping[str, float]) -> Workload:
    """The same requests, each given to one of the users by lot.

    Args:
        workload: requests of nobody in particular.
        users: by name, how often the lot falls on them: any numbers above 0.

    Raises:
        ValueError: there is no user.
    """
    if not users:
        raise ValueError("a workload of several users needs at least one")
    names, shares = list(users), np.array(list(users.values()))
    draw = Generator(PCG64(SeedSequence(workload.seed, spawn_key=(_USERS,))))
    lots = draw.choice(len(names), size=len(workload.requests), p=shares / shares.sum())
    requests = (
        replace(one, user=names[lot])
        for one, lot in zip(workload.requests, lots.tolist(), strict=True)
    )
    return replace(workload, requests=tuple(requests))


def _check(count: int | None, rate: float | None, seed: int) -> None:
    if count is not None and count < 1:
        raise ValueError(f"a workload needs 1 or more requests, not {count}")
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"rate must be above 0 requests/s, not {rate!r}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")


def _streams(seed: int) -> tuple[Generator, Generator, Generator]:
    """Of arrivals, of lengths and of readers: none disturbs the others."""
    first, second, third = (Generator(PCG64(child)) for child in SeedSequence(seed).spawn(3))
    return first, second, third


def _cut(lengths: NDArray[np.int64], max_length: int | None) -> NDArray[np.int64]:
    return lengths if max_length is None else cut(lengths, max_length)


def _assembled(
    name: str,
    seed: int,
    times: NDArray[np.float64],
    lengths: NDArray[np.int64],
    readers: Readers,
    rng: Generator,
    ttft: float,
    source: Source | None = None,
) -> Workload:
    return Workload(
        name,
        seed,
        tuple(
            Request(arrival, prompt, output, reader)
            for arrival, (prompt, output), reader in zip(
                times.tolist(), lengths.tolist(), readers.draw(rng, len(lengths), ttft), strict=True
            )
        ),
        source,
    )
