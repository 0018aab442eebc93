"""The engine's end of what front ends tell and ask it: methods of vLLM's EngineCore.

Our scheduler installs them when it is made, so that an engine with another one is as it was. A
front end calls them as vLLM's utility calls do: by their names, in every engine at once. Of what
readers report, each engine answers for the streams that it holds; it drops the reports of others
unread. A stream that ends by its reader's report is answered for, too: a client that gets no answer
may have reported before its request was here, and says it again.
"""

from collections.abc import Sequence
from typing import Any, Final

from andes_backend.engine import versions
from andes_backend.engine.figures import figures_of
from andes_backend.engine.reports import Checked

__all__ = ["FIGURES", "METHOD", "OUTLOOK", "install"]

METHOD: Final = "andes_hear"
"""The name on EngineCore of the method that takes reports."""

OUTLOOK: Final = "andes_expected_wait"
"""And of the one that says how long a request that arrives would wait."""

FIGURES: Final = "andes_figures"
"""And of the one that says how the engine is, for routers."""


def install() -> None:
    """Give vLLM's class the methods, if this process has it; a second call changes nothing."""
    if (engine_core := versions.engine_core()) is not None:
        setattr(engine_core, METHOD, _hear)
        setattr(engine_core, OUTLOOK, _expected_wait)
        setattr(engine_core, FIGURES, _figures)


def _expected_wait(core: Any) -> float | None:
    """How long a request that arrives waits for its first text, in half of such cases, seconds.

    None if that is not known yet.
    """
    forecast = core.scheduler.andes_outlook()
    return None if forecast is None else float(forecast.median_s)


def _figures(core: Any) -> dict[str, Any]:
    """The engine's figures now, see `andes_backend.routing.ReplicaFigures`."""
    return figures_of(core.scheduler).to_mapping()


def _hear(core: Any, reports: Sequence[Checked]) -> dict[str, tuple[float, float] | None]:
    """Take in what a front end sends.

    A stream that ends, because its reader is gone, is ended for the front end that has it as well,
    which may be another one than the one that asks.

    Args:
        core: the engine.
        reports: each as a list of its values, as it comes from another process.

    Returns:
        For each of their streams that was here when they came, when text can be expected, if that
        is known.
    """
    scheduler = core.scheduler
    here = scheduler.andes_streams()
    held = [one for one in reports if one[0] in here]
    if not held:
        return {}
    if gone := scheduler.andes_tell(held):
        versions.end_streams(core, gone)
    streams = [stream for stream, *_ in held]
    heard = dict.fromkeys(streams, None) | scheduler.andes_expect(streams)
    return {
        stream: None if forecast is None else (forecast.median_s, forecast.p90_s)
        for stream, forecast in heard.items()
    }
