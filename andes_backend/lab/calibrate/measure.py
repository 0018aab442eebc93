"""Sends the experiments of `design` and reads the times of the steps out of the answers.

lab = Laboratory(sender(Target(url="http://127.0.0.1:8000", model="tiny")), seed=1)
await lab.prefill((8, 64, 512))
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeVar

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.calibrate.design import Batch, Visits
from andes_backend.lab.calibrate.observation import Observation, medians
from andes_backend.lab.calibrate.reading import at_once, decode_step, prefill_step, visit_steps
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request, Workload
from andes_client.expectation import Expectation

__all__ = ["Inside", "Laboratory", "MeasureError", "Send", "sender"]

Send = Callable[[Workload], Awaitable[Sequence[Outcome]]]
"""Sends a workload; returns an outcome for each request, in their order, none failed."""

_E = TypeVar("_E")

_ATTEMPTS: Final = 3  # at what showed nothing
_READER: Final = Expectation.program()


@dataclass(frozen=True, slots=True)
class Inside:
    """What a server's engine has counted so far."""

    requests: int
    """That have ended."""
    queued_s: float
    """From their arrival at the engine to their first step, in all."""
    computing_s: float
    """From there to their first token, in all."""


class MeasureError(RuntimeError):
    """A request of an experiment failed; the message says which, and what the server said."""


def sender(target: Target) -> Send:
    """Sends to a live server.

    Raises, when it sends:
        MeasureError: a request failed.
    """

    async def send(workload: Workload) -> Sequence[Outcome]:
        load = Load(workload, target)
        await load.run()
        for outcome in load.outcomes:
            if outcome.error is not None:
                raise MeasureError(
                    f"a request of {outcome.request.prompt_tokens} tokens for "
                    f"{outcome.request.output_tokens} more failed during '{workload.name}' "
                    f"({outcome.error}): check the model's name, --kv-tokens, and the server's log"
                )
        return sorted(load.outcomes, key=lambda outcome: outcome.index)

    return send


class Laboratory:
    """Runs experiments one after the other; each is repeated, and medians are returned.

    Repetitions go round: first all experiments once, then all of them again, so that what
    slows a machine down for some seconds does not spoil all measurements of one thing.
    """

    def __init__(
        self,
        send: Send,
        *,
        seed: int,
        repetitions: int = 3,
        told: Callable[[str, int, int], None] | None = None,
        inside: Callable[[], Inside] | None = None,
    ) -> None:
        """Does not send anything yet.

        Args:
            send: how requests get to the server and back.
            seed: prompts follow from it. A server that has seen them before may have them in
                its prefix cache: another calibration needs another seed.
            repetitions: of each experiment, 1 or more.
            told: is called before each experiment with what it is, how many of its kind are
                done, and how many there are.
            inside: what the server says of the time that requests spent in its engine until
                their first token, if it says so.
        """
        self._send = send
        self._seed = seed
        self._repetitions = repetitions
        self._told = told or (lambda *_: None)
        self._inside = inside or (lambda: Inside(0, 0.0, 0.0))
        self.dropped = 0
        """Experiments that showed nothing, as their requests did not meet."""
        self.sent = 0
        """Requests, so far."""
        self.outside: list[float] = []
        """Of each prompt, seconds of its time to first token that it spent outside the engine
        according to the server; empty if it does not say."""

    async def warm_up(self, prompt_tokens: int) -> float:
        """A long prompt, then a short answer; returns the time of its steps, seconds."""
        self._told("warm-up", 0, 1)
        await self._run("warm-up", [_request(prompt_tokens, 1)])
        for _ in range(_ATTEMPTS):
            found = decode_step(await self._run("warm-up", [_request(8, 24)]))
            if found is not None:
                return found.seconds
        raise MeasureError(
            "the tokens of a request came in bursts, so no steps could be measured. Is this "
            "machine very busy, or does something between here and the server hold streams back?"
        )

    async def admitted(self, batch: Batch) -> tuple[int | None, Observation | None]:
        """How many of a batch the server admits at the same time, and how long a step takes then.

        None, and no step, if the server does not show it.
        """
        self._told("admission", 0, 1)
        before = self._inside()
        outcomes = await self._run("admission", _requests(batch))
        queued_s = self._inside().queued_s - before.queued_s
        if (count := at_once(outcomes)) == batch.sequences:
            return count, decode_step(outcomes)
        # Fewer than all wrote at once. Either the others were waiting for their turn; then each
        # of them waited for as long as an answer takes. Or they were slow to come in.
        answer_s = median(outcome.times[-1] - outcome.times[0] for outcome in outcomes)
        turned_away = queued_s > 0.5 * answer_s * (batch.sequences - count)
        return (count if turned_away else None), None

    async def prefill(self, lengths: Sequence[int]) -> tuple[Observation, ...]:
        """Prompts of these lengths, each alone on the server."""

        async def once(length: int) -> list[Observation]:
            before = self._inside()
            (outcome,) = await self._run("prefill", [_request(length, 1)])
            found, after = prefill_step(outcome), self._inside()
            if after.requests == before.requests + 1:
                engine_s = after.queued_s - before.queued_s
                engine_s += after.computing_s - before.computing_s
                self.outside.append(found.seconds - engine_s)
            return [found]

        return await self._repeated("prefill", lengths, once)

    async def decode(self, batches: Sequence[Batch]) -> tuple[Observation, ...]:
        """Batches that write, one batch at a time."""

        async def once(batch: Batch) -> list[Observation]:
            found = decode_step(await self._run("decode", _requests(batch)))
            return [] if found is None else [found]

        return await self._repeated("decode", batches, once)

    async def mixed(self, plans: Sequence[Visits]) -> tuple[Observation, ...]:
        """Batches that are visited, one batch at a time."""

        async def once(plan: Visits) -> list[Observation]:
            prompts = [_request(prompt, 1, at) for at, prompt in plan.arrivals]
            outcomes = await self._run("mixed", [*_requests(plan.batch), *prompts])
            own = plan.batch.sequences
            return visit_steps(outcomes[:own], outcomes[own:])

        return await self._repeated("mixed", plans, once)

    async def _repeated(
        self,
        what: str,
        experiments: Sequence[_E],
        once: Callable[[_E], Awaitable[list[Observation]]],
    ) -> tuple[Observation, ...]:
        found: list[tuple[int, Observation]] = []
        total = self._repetitions * len(experiments)
        for repetition in range(self._repetitions):
            for number, experiment in enumerate(experiments):
                self._told(what, repetition * len(experiments) + number, total)
                for _ in range(_ATTEMPTS):
                    if shown := await once(experiment):
                        break
                self.dropped += not shown
                found += [(number, one) for one in shown]
        return medians(found)

    async def _run(self, name: str, requests: Iterable[Request]) -> Sequence[Outcome]:
        self._seed += 1  # new prompts, which no cache has seen
        workload = Workload(f"calibrate-{name}", self._seed, tuple(requests))
        self.sent += len(workload.requests)
        return await self._send(workload)


def _request(prompt: int, output: int, at: float = 0.0) -> Request:
    return Request(at, prompt, output, _READER)


def _requests(batch: Batch) -> list[Request]:
    return [_request(batch.prompt_tokens, batch.output_tokens)] * batch.sequences
