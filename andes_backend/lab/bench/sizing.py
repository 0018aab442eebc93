"""How many layers make the tiny model as fast on this machine as where the docs' figures are from?

A load is scarce or plentiful by what the server can do. On a machine four times slower or faster
the same requests would be another experiment; with fewer or more layers they are the same one.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.measure import SessionError, warm_up
from andes_backend.lab.bench.server import serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.lab.report.run import Run, summarise
from andes_backend.lab.workload import make_workload

__all__ = [
    "REFERENCE_TOKENS_PER_S",
    "USUAL_LAYERS",
    "matching_layers",
    "sized_model",
    "tokens_per_s",
]

USUAL_LAYERS: Final = 10
"""Of the model wherever it runs at about the reference."""

REFERENCE_TOKENS_PER_S: Final = 330.0
"""Of `USUAL_LAYERS` on the machine of docs/bench.md, measured as `tokens_per_s` does it."""

_NEAR: Final = 1.2  # times faster or slower
_MOST_LAYERS: Final = 48
_MOST_TRIALS: Final = 4
_BURST: Final = 32  # requests: some more than the usual memory takes at a time
_LONGEST: Final = 800  # tokens, as in the usual comparison: long contexts cost most


def matching_layers(speed: Callable[[int], float], console: Console) -> int:
    """The number of layers, 1 or more, with which this machine comes near the reference.

    Args:
        speed: from a number of layers to tokens/s.
        console: where it prints the results.
    """
    layers, measured = USUAL_LAYERS, dict[int, float]()
    while layers not in measured and len(measured) < _MOST_TRIALS:
        measured[layers] = found = speed(layers)
        console.print(f"{_counted(layers)}: {found:.0f} tokens/s on this machine")
        if 1 / _NEAR <= found / REFERENCE_TOKENS_PER_S <= _NEAR:
            break
        # The time of a step is mostly that of its layers.
        layers = min(_MOST_LAYERS, max(1, round(layers * found / REFERENCE_TOKENS_PER_S)))
    best = min(measured, key=lambda layers: _off(measured[layers]))
    console.print(
        f"taking {_counted(best)}: {measured[best] / REFERENCE_TOKENS_PER_S:.2f} times the speed "
        "that the rates are meant for"
    )
    return best


def tokens_per_s(layers: int, *, models: Path, log: Path) -> float:
    """What stock vLLM makes of a burst of usual requests; starts a server and ends it.

    Args:
        layers: of the model.
        models: the directory of its directory.
        log: the file for what the server prints.

    Raises:
        OSError: a file cannot be written.
        ServerError: the server did not start.
        SessionError: it did not answer.
    """
    with serve_tiny(sized_model(models, layers), log=log, policy=None) as server:
        target = Target(url=server.url, model=server.model)
        warm_up(0, target, 4)
        burst = make_workload(_BURST, rate=1000.0, seed=1, max_length=_LONGEST, name="burst")
        load = Load(burst, target)
        asyncio.run(load.run())
    for outcome in load.outcomes:
        if outcome.error is not None:
            raise SessionError(f"a request of the speed trial failed ({outcome.error}): see {log}")
    speed = summarise(Run("burst", {}, tuple(load.outcomes), _BURST)).tokens_per_s
    assert speed is not None, "tokens have come"
    return speed


def sized_model(models: Path, layers: int) -> Path:
    """The directory of the model with so many layers below `models`; made if it is not there."""
    return make_tiny_model(models / f"tiny-model-{layers}", layers=layers)


def _off(speed: float) -> float:
    """How many times too fast or too slow."""
    return max(speed / REFERENCE_TOKENS_PER_S, REFERENCE_TOKENS_PER_S / speed)


def _counted(layers: int) -> str:
    return "1 layer" if layers == 1 else f"{layers} layers"
