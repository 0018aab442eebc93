"""How much preempted requests find again, learned from vLLM's own scheduler."""

import numpy as np
import pytest

from andes_backend.engine import versions
from andes_backend.engine.scheduler import AndesScheduler
from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Fixed, make_workload
from andes_backend.policy import Decision, Snapshot
from andes_backend.profile import load_profile

PROFILE = load_profile("opt-66b-4xa100")


class Once:
    """Preempts everybody at one step, and nobody else."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.told = 0.0

    def plan(self, snapshot: Snapshot) -> Decision:
        self.told = snapshot.found_again
        self._left -= 1
        now = np.arange(len(snapshot.running)) if self._left == 0 else None
        return Decision(preempt=now, admit=0 if now is not None else None, again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        """Nothing is learned."""


@pytest.mark.parametrize(("caching", "share"), [(False, 0.0), (True, 0.48)])
def test_the_prefix_cache_is_noticed(caching: bool, share: float) -> None:
    """One request comes back and finds all its whole blocks; that it finds none weighs as much."""
    setup = Setup(profile=PROFILE, policy="qoe", prefix_caching=caching)
    engine = Engine(setup, 1000)
    assert isinstance(engine.scheduler, AndesScheduler)
    policy = engine.scheduler.andes_policy = Once(at=20)
    engine.admit("r", make_workload(1, rate=1.0, seed=0, lengths=Fixed(320, 40)).requests[0])
    while engine.is_busy:
        engine.step(np.inf)
    assert engine.scheduler.andes_counters.preemptions == 1
    assert engine.scheduler.andes_found_again.share == pytest.approx(share, abs=0.02)
    assert policy.told == engine.scheduler.andes_found_again.share


@pytest.mark.parametrize(("gb_s", "least", "most"), [(None, 0.0, 0.0), (20.0, 0.8, 1.0)])
def test_what_comes_back_from_cpu_memory_is_noticed(
    gb_s: float | None, least: float, most: float
) -> None:
    setup = Setup(profile=PROFILE, policy="qoe", prefix_caching=False, kv_restore_gb_s=gb_s)
    workload = make_workload(150, rate=20.0, seed=0, lengths=Fixed(256, 200))
    engine = Engine(setup, 1000)
    assert isinstance(engine.scheduler, AndesScheduler)
    for index, one in enumerate(workload.requests):
        engine.admit(str(index), one)
    while engine.is_busy:
        engine.step(np.inf)
    assert engine.state()[3] > 3  # preempted
    assert least <= engine.scheduler.andes_found_again.share <= most
    free, total = versions.block_counts(engine.scheduler)
    assert free == total - 1
