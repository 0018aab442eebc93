"""The demo where there is no terminal: the paced text as it comes, then all figures."""

from collections.abc import Sequence
from typing import Final

import anyio

from andes_client import Expectation
from andes_demos.scenarios.measures import Side
from andes_demos.scenarios.run import Run
from andes_demos.scenarios.scenario import Scenario
from andes_demos.scenarios.stream import http_client

__all__ = ["figures", "transcribe"]

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_TOP: Final = 10  # words/s of a full block


async def transcribe(
    url: str, scenarios: Sequence[Scenario], expectation: Expectation, hurry: float
) -> None:
    """Run scenarios at once; print the paced text of the last as it is released, then figures.

    Args:
        url: of `andes_demos.scenarios.server.serving_scenarios`.
        scenarios: which.
        expectation: the reader's.
        hurry: the server's.
    """
    async with http_client() as client:
        runs = [Run(scenario, expectation, hurry=hurry) for scenario in scenarios]
        async with anyio.create_task_group() as tasks:
            for run in runs[:-1]:
                tasks.start_soon(run.go, client, url)
            await runs[-1].go(client, url, lambda text: print(text, end="", flush=True))
        print(f"\n\n{figures(runs)}")


def figures(runs: Sequence[Run]) -> str:
    """What is to be known of both sides of each run: a table, and words shown each second."""
    lines = ["                     QoE   longest silence   fastest      words each second"]
    for run in runs:
        lines.append(f"{run.scenario.name}: {run.scenario.about}")
        now = run.now
        for name, side in (("raw", run.comparison.raw), ("paced", run.comparison.paced)):
            lines.append(_line(name, side, now))
    return "\n".join(lines)


def _line(name: str, side: Side, now: float) -> str:
    counts = side.words_each_second(now)
    strip = "".join(_BLOCKS[min(8, -(-8 * count // _TOP))] for count in counts).rstrip()
    return (
        f"  {name:16} {side.reader.qoe(now):5.2f} {side.longest_silence(now):15.1f} s "
        f"{side.fastest:5.0f} words/s  {strip}"
    )
