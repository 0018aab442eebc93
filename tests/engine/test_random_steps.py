"""10,000 random steps of vLLM's real scheduler with ours on top, under every policy.

The model says token FIRST + i at position i of every response, so a token that is lost, sent
twice or out of order shows. Memory holds a few requests at a time.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.utils.hashing import sha256
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm.v1.core.sched.interface import PauseState
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus

from andes_backend.config import AndesConfig
from andes_backend.engine import admission, versions
from andes_backend.engine.scheduler import AndesScheduler
from andes_backend.policy import POLICIES, Decision, Policy, Snapshot
from andes_client import Expectation, wire
from tests.engine.real_scheduler import Machine, engine_config

pytestmark = pytest.mark.slow  # simulations

FIRST = 1000
BLOCK = 16
STEPS = 100  # in one example
# Settings under which policies preempt often.
EAGER = {
    "round_robin_tokens": 4,
    "admission_headroom": 0,
    "decode_headroom": 0,
    "preemption_margin": 0,
    "overdue_after_s": 2,
    "vtc_preempt_lead": 30,
}

init_none_hash(sha256)


class Coins:
    """Orders, admits and preempts at random."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(5)

    def plan(self, snapshot: Snapshot) -> Decision:
        random = self._random
        waiting, running = len(snapshot.waiting), len(snapshot.running)
        return Decision(
            waiting=random.permutation(waiting) if random.random() < 0.7 else None,
            running=random.permutation(running) if random.random() < 0.7 else None,
            admit=int(random.integers(0, 4)) if running else None,
            preempt=np.flatnonzero(random.random(running) < 0.15),
            again_in_s=float(random.choice([0.0, 0.3])),
        )

    def finished(self, output_tokens: int) -> None:
        assert output_tokens > 0


class UnderCoins(AndesScheduler):
    def make_policy(self, config: AndesConfig) -> Policy:  # noqa: ARG002
        return Coins()


class Counting(Machine):
    """Says FIRST at the first position of a response, then one more each time."""

    def _run(self, scheduled: SchedulerOutput) -> ModelRunnerOutput:
        names = list(scheduled.num_scheduled_tokens)
        requests = [self.scheduler.requests[name] for name in names]
        return ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: index for index, name in enumerate(names)},
            sampled_token_ids=[
                [] if r.is_prefill_chunk else [FIRST + r.num_computed_tokens - r.num_prompt_tokens]
                for r in requests
            ],
            logprobs=None,
            prompt_logprobs_dict={},
            pooler_output=[],
        )

    def drain(self) -> list[EngineCoreOutput]:
        """Take in the output of all steps that are under way."""
        taken = [self.scheduler.update_from_output(*step) for step in self._in_flight]
        self._in_flight.clear()
        return [output for outputs in taken for b in outputs.values() for output in b.outputs]


class Steps(RuleBasedStateMachine):
    taken: ClassVar = 0
    """Random steps of all examples of a test."""
    preempted: ClassVar = 0
    """Preemptions in them, whoever decided so."""

    def __init__(self, policy: str, config_of: Callable[..., VllmConfig]) -> None:
        super().__init__()
        self.policy, self.config_of = policy, config_of
        self.said: dict[str, list[int]] = {}
        self.length: dict[str, int] = {}
        self.ended: dict[str, str] = {}
        self.one_token: set[str] = set()
        self.aborted: set[str] = set()

    @initialize(
        caching=st.booleans(), lag=st.sampled_from([None, 0, 1, 1, 3]), blocks=st.integers(9, 30)
    )
    def start(self, caching: bool, lag: int | None, blocks: int) -> None:
        config = self.config_of(caching, lag is not None)
        known = self.policy in POLICIES
        config.additional_config = {"andes": {"policy": self.policy, **EAGER} if known else {}}
        self.lag = lag or 0
        self.machine = Counting(
            config,
            blocks=blocks,
            block_size=BLOCK,
            scheduler_class=AndesScheduler if known else UnderCoins,
        )
        self.room = (blocks - 1) * BLOCK
        self.scheduler = self.machine.scheduler

    @rule(
        prompt=st.integers(1, 90),
        length=st.integers(1, 40),
        stops=st.booleans(),
        like=st.integers(0, 2),
        tds=st.sampled_from([None, 2.0, 5.0, float("inf")]),
    )
    def add(self, prompt: int, length: int, stops: bool, like: int, tds: float | None) -> None:
        name = f"r{len(self.said)}"
        length = min(length, self.room - prompt - 1)
        params = SamplingParams(
            max_tokens=length + 50 if stops and prompt + length + 51 < self.room else length,
            stop_token_ids=[FIRST + length - 1],
            extra_args=None if tds is None else wire.encode(Expectation(1.0, tds)),
        )
        params.update_from_generation_config({}, None)
        hasher = get_request_block_hasher(BLOCK, sha256)
        tokens = [like] * prompt
        self.said[name], self.length[name] = [], length
        if params.max_tokens == 1:
            self.one_token.add(name)
        self.scheduler.add_request(Request(name, tokens, params, None, block_hasher=hasher))

    @rule(times=st.integers(1, 6))
    def step(self, times: int) -> None:
        for _ in range(times):
            for output in self.machine.step(self.lag):
                name = output.request_id
                assert name not in self.ended, f"{name} goes on after its end"
                assert name not in self.aborted or not output.new_token_ids
                self.said[name] += output.new_token_ids
                if output.finish_reason is not None:
                    self.ended[name] = str(output.finish_reason)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.live()))
        self.aborted.add(name)
        self.scheduler.finish_requests(name, RequestStatus.FINISHED_ABORTED)

    @rule(running=st.booleans())
    def reset_prefix_cache(self, running: bool) -> None:
        done = self.scheduler.reset_prefix_cache(reset_running_requests=running)
        assert done or not running

    @rule(state=st.sampled_from([PauseState.UNPAUSED, *PauseState]))
    def pause(self, state: PauseState) -> None:
        self.scheduler.set_pause_state(state)

    @rule(seconds=st.floats(0.1, 60.0))
    def wait(self, seconds: float) -> None:
        self.machine.now += seconds

    def live(self) -> list[str]:
        return [name for name in self.said if name not in self.ended and name not in self.aborted]

    @invariant()
    def counted(self) -> None:
        Steps.taken += 1

    @invariant()
    def every_token_once_and_in_order(self) -> None:
        for name, said in self.said.items():
            assert said == list(range(FIRST, FIRST + len(said))), name
            assert len(said) <= self.length[name]

    @invariant()
    def nobody_is_lost(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        scheduler = self.scheduler
        queued = [*scheduler.waiting, *admission.held_queue(scheduler), *scheduler.running]
        assert sorted(r.request_id for r in queued) == sorted(self.live())
        assert set(scheduler.requests) == set(self.live())
        assert scheduler.andes_counters.fallbacks == 0

    @invariant()
    def every_block_is_held_or_free(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        manager = self.scheduler.kv_cache_manager
        held = {
            block
            for name in self.live()
            for group in manager.get_block_ids(name)
            for block in group
        }
        free, total = versions.block_counts(self.scheduler)
        assert free + len(held) == total - 1  # vLLM keeps one block for padding

    def teardown(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        self.scheduler.set_pause_state(PauseState.UNPAUSED)
        before = self.machine.steps
        while self.live():
            self.step(1)
            self.nobody_is_lost()
            self.every_block_is_held_or_free()
            assert self.machine.steps < before + 20_000, "the scheduler goes round in circles"
        self.every_token_once_and_in_order()
        for name in self.ended:
            assert len(self.said[name]) == self.length[name], name
        assert set(self.ended) | self.aborted == set(self.said)
        self.step(1)  # as an engine does that has still to tell its workers who has ended
        late = [(o.request_id, o.new_token_ids, o.finish_reason) for o in self.machine.drain()]
        assert not late, (late, self.ended, self.aborted)
        self.nothing_is_left()

    def nothing_is_left(self) -> None:
        scheduler = self.scheduler
        assert len(scheduler.andes_ledger) == len(scheduler.andes_ledger.table) == 0
        assert not scheduler.andes_ledger._programs
        assert len(scheduler.andes_steps) == 0
        assert not len(scheduler.andes_plan._waiting)
        assert not scheduler.waiting.has_changed
        assert scheduler.andes_plan._line.is_still([])
        assert scheduler.andes_plan._running.is_still([])
        complete = len(set(self.ended) - self.aborted - self.one_token)
        assert scheduler.andes_counters.responses == complete
        Steps.preempted += sum(scheduler.andes_counters.preempted.values())


@pytest.fixture(scope="module")
def config_of(tiny_model: Path) -> Callable[..., VllmConfig]:
    made: dict[Any, VllmConfig] = {}

    def config(caching: bool, asynchronous: bool) -> VllmConfig:
        key = caching, asynchronous
        if key not in made:
            made[key] = engine_config(
                tiny_model,
                enable_prefix_caching=caching,
                async_scheduling=asynchronous,
                max_num_batched_tokens=64,  # so that most prompts are computed in chunks
                max_num_seqs=6,
                watermark=0.0,
            )
        return made[key]

    return config


@pytest.mark.parametrize("policy", [*POLICIES, "coins"])
def test_ten_thousand_random_steps(config_of: Callable[..., VllmConfig], policy: str) -> None:
    Steps.taken = Steps.preempted = 0
    most = 10_000 / (len(POLICIES) + 1)
    # Chance may have made quiet steps, which have not tested much: then there are some more. First
    # come, first served preempts for memory only.
    wanted = 0 if policy == "fcfs" else most / 100
    while Steps.taken < most or (Steps.preempted <= wanted and Steps.taken < 5 * most):
        run_state_machine_as_test(
            lambda: Steps(policy, config_of),  # type: ignore[arg-type] # it takes any factory
            settings=settings(
                max_examples=10,
                stateful_step_count=STEPS,
                phases=[Phase.explicit, Phase.generate],  # to shrink such a run takes minutes
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert Steps.preempted > wanted
