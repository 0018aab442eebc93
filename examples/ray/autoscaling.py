"""Ray Serve LLM with our autoscaling policy: shown, and checked.

    examples/ray/run autoscaling [--readers 48] [--json FILE]

One replica, and more readers than it can serve in time: a second one comes. They leave, and it
goes. Prints what was promised and what was found; ends with status 1 if something is not so.
"""

import asyncio
import sys
from pathlib import Path

import httpx2
from app import app
from cluster import metrics
from ray import serve
from readers import TARGET, Check, Streamed, options_of, read, shown, until

from andes_backend.lab.bench.load import connection
from andes_backend.lab.bench.tally import Tally
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_client import wire
from andes_client.expectation import Expectation

_AUTOSCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "upscale_delay_s": 0,
    "downscale_delay_s": 20,  # for the show; see docs/ray.md
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
_START_S = 900.0  # a replica's, on a machine of any speed


class Crowd:
    """Readers who ask again as soon as they have an answer, until they are told to stop."""

    def __init__(self, client: httpx2.AsyncClient, readers: int) -> None:
        self._client = client
        self._stops = False
        self._reading = [asyncio.create_task(self._read()) for _ in range(readers)]
        self.answers = 0
        self.errors: list[str] = []

    async def stop(self) -> None:
        """Each reads the answer that is under way."""
        self._stops = True
        await asyncio.gather(*self._reading)

    async def _read(self) -> None:
        while not self._stops:
            got = Streamed(Tally())
            await read(self._client, got, _TOKENS, reader=_FAST, stream=wire.new_stream_id())
            whole = got.error is None and len(got.tally.times) == _TOKENS
            self.answers += whole
            if not whole:
                self.errors.append(got.error or f"{len(got.tally.times)} of {_TOKENS} tokens")


def desired() -> float:
    """What the policy wants, as Ray shows it: replicas."""
    name = "ray_serve_autoscaling_desired_replicas"
    return max((v for n, labels, v in metrics() if n == name and _is_model(labels)), default=0.0)


def running() -> int:
    """Replicas of the model that take requests, or stop."""
    deployments = serve.status().applications["llm"].deployments
    return sum(
        deployments[name].replica_states.get(state, 0)
        for name in deployments
        if "AndesServer" in name
        for state in ("RUNNING", "STOPPING")
    )


def _is_model(labels: dict[str, str]) -> bool:
    return "AndesServer" in labels.get("deployment", "")


async def everything(work: Path, readers: int) -> list[Check]:
    """All checks, one after the other."""
    model = make_tiny_model(work / "model", hidden_size=256, layers=2)
    serve.run(app(model, autoscaling=_AUTOSCALING), name="llm")
    most = 0.0

    async def are(count: int) -> bool:
        nonlocal most
        await asyncio.sleep(0.5)
        most = max(most, await asyncio.to_thread(desired))
        return await asyncio.to_thread(running) == count

    async with connection(TARGET) as client:
        crowd = Crowd(client, readers)
        came_s = await until(lambda: are(2), "a second replica", _START_S)
        await crowd.stop()
        went_s = await until(lambda: are(1), "the second replica to go", _START_S)
    return [
        Check(
            f"{readers} readers on one replica: a second one comes",
            f"after {came_s:.0f} s; our policy wanted {most:g}, Ray's own would have wanted 1",
            most >= 2,
        ),
        Check(
            "every answer is whole, while replicas come",
            f"{crowd.answers} answers" + (f"; {crowd.errors[0]}" if crowd.errors else ""),
            bool(crowd.answers) and not crowd.errors,
        ),
        Check("when they have left, it goes", f"after {went_s:.0f} s", holds=True),
    ]


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--readers", type=int, default=48, help="who read at once (48)")
    options = parser.parse_args()
    return shown(options, everything(options.work, options.readers))


if __name__ == "__main__":
    sys.exit(main())
