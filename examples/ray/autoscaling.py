"""Ray Serve LLM with our autoscaling policy: shown, and checked.

    examples/ray/run autoscaling [--rate 3] [--json FILE]

One replica, and more readers come than it can serve in time: a second one comes. Nobody comes any
more, and it goes. Prints what was promised and what was found; ends with status 1 if something is
not so.
"""

import asyncio
import sys
from pathlib import Path

import httpx2
from app import app
from cluster import metrics
from ray import serve
from readers import TARGET, Check, Streamed, options_of, read, replicas, shown, until

from andes_backend.lab.bench.load import connection
from andes_backend.lab.bench.tally import Tally
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_client import wire
from andes_client.expectation import Expectation

_AUTOSCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "upscale_delay_s": 0,
    "downscale_delay_s": 60,
    "look_back_period_s": 30,
    "policy": {
        "policy_function": "andes_backend.ray_serve.autoscaling.ReadersNeed",
        "policy_kwargs": {"target": 1.0},
    },
    # By ongoing requests, as Ray's own policy has it, one replica would do for all of them: so
    # what is seen is ours.
    "target_ongoing_requests": 1000,
}
_FAST = Expectation(0.5, 20.0)
_TOKENS = 300
_PATIENCE_S = 20.0
_START_S = 900.0  # a replica's, on a machine of any speed


class Arrivals:
    """Readers who come one after the other, and leave when they have waited long enough."""

    def __init__(self, client: httpx2.AsyncClient, rate: float) -> None:
        self._client, self._every_s = client, 1 / rate
        self._reading: set[asyncio.Task[None]] = set()
        self._coming = asyncio.create_task(self._come())
        self.came = self.left = 0
        self.errors: list[str] = []

    async def end(self) -> None:
        """Nobody comes any more; those who are there read on."""
        self._coming.cancel()
        await asyncio.gather(*self._reading)

    async def _come(self) -> None:
        while True:
            self.came += 1
            reading = asyncio.create_task(self._read())
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)
            await asyncio.sleep(self._every_s)

    async def _read(self) -> None:
        got = Streamed(Tally())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await read(self._client, got, _TOKENS, reader=_FAST, stream=wire.new_stream_id())
        except TimeoutError:
            self.left += 1
        if got.error is not None:
            self.errors.append(got.error)


def desired() -> float:
    """What the policy wants, as Ray shows it: replicas."""
    name = "ray_serve_autoscaling_desired_replicas"
    return max((v for n, labels, v in metrics() if n == name and _is_model(labels)), default=0.0)


def states() -> dict[str, int]:
    """How many replicas of the model are in which of Ray's states."""
    deployments = serve.status().applications["llm"].deployments
    name = next(name for name in deployments if "AndesServer" in name)
    return {str(getattr(s, "value", s)): n for s, n in deployments[name].replica_states.items()}


def _is_model(labels: dict[str, str]) -> bool:
    return "AndesServer" in labels.get("deployment", "")


async def everything(work: Path, rate: float) -> list[Check]:
    """All checks, one after the other."""
    model = make_tiny_model(work / "model", hidden_size=256, layers=2)
    serve.run(app(model, autoscaling=_AUTOSCALING), name="llm")
    most = 0.0

    async def are(wanted: dict[str, int]) -> bool:
        nonlocal most
        await asyncio.sleep(0.5)
        most = max(most, await asyncio.to_thread(desired))
        return await asyncio.to_thread(states) == wanted

    async with connection(TARGET) as client:
        arrivals = Arrivals(client, rate)
        came_s = await until(lambda: are({"RUNNING": 2}), "a second replica", _START_S)
        served = len(await replicas(client))
        await arrivals.end()
        went_s = await until(lambda: are({"RUNNING": 1}), "the second to go", _START_S)
    return [
        Check(
            f"{rate:g} readers a second, of whom one replica serves few: a second one comes",
            f"after {came_s:.0f} s; our policy wanted {most:g}, Ray's own would have wanted 1",
            most >= 2 and served == 2,
        ),
        Check(
            "nobody gets an error while replicas come",
            f"{arrivals.came} readers, {arrivals.left} of them left"
            + (f"; {arrivals.errors[0]}" if arrivals.errors else ""),
            bool(arrivals.came) and not arrivals.errors,
        ),
        Check("when nobody comes any more, it goes", f"after {went_s:.0f} s", holds=True),
    ]


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--rate", type=float, default=3.0, help="readers who come a second (3)")
    options = parser.parse_args()
    return shown(options, everything(options.work, options.rate))


if __name__ == "__main__":
    sys.exit(main())
