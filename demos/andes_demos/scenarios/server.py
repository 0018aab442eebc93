"""The server of the demo: one, on the loopback, whose models are the three scenarios."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from starlette.types import ASGIApp

from andes_client import reading, wire
from andes_demos.bursty_server import Burst, chat_app, hurried, running
from andes_demos.scenarios.scenario import ANSWER, SCENARIOS, schedule

__all__ = ["model_name", "scenarios_app", "serving_scenarios"]


def model_name(scenario: str, lump_s: float) -> str:
    """The model to ask for.

    Args:
        scenario: the key of one.
        lump_s: seconds of which everything is sent at once, 0 or more.
    """
    return f"{scenario}:{lump_s:g}"


@contextlib.contextmanager
def serving_scenarios(
    hurry: float = 1.0, *, on_close: Callable[[int], object] = lambda _: None
) -> Iterator[str]:
    """Serve the scenarios while the block runs; yields the URL to post chat completions to.

    Args:
        hurry: as for `scenarios_app`.
        on_close: as for `andes_demos.bursty_server.serving`.
    """
    with running(scenarios_app(hurry, on_close=on_close)) as url:
        yield f"{url}/v1/chat/completions"


def scenarios_app(
    hurry: float = 1.0, *, on_close: Callable[[int], object] = lambda _: None
) -> ASGIApp:
    """What serves the scenarios.

    The rhythm is made for the reader of the request, who is in its hints, as Andes sends them.

    Args:
        hurry: how many times as fast as in life everything goes; readers are as fast.
        on_close: as for `andes_demos.bursty_server.serving`.
    """
    return chat_app(lambda asked: _rhythm(asked, hurry), lambda _: ANSWER, on_close=on_close)


def _rhythm(asked: Any, hurry: float) -> tuple[Burst, ...]:
    key, _, lump = asked["model"].partition(":")
    scenario = next(one for one in SCENARIOS if one.key == key)
    told = reading().updated(wire.decode(asked[wire.FIELD]))
    in_life = type(told)(told.ttft * hurry, told.tds / hurry)
    return hurried(schedule(scenario, in_life, lump_s=float(lump)), hurry)
