"""The policy `andes`: who is served, who gives way, and what stops it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.config import AndesConfig
from andes_backend.policy import Decision, Snapshot, Table, make_policy
from andes_backend.policy.andes.objective import OBJECTIVES, Forecast
from andes_backend.policy.andes.prediction import Outlook
from andes_backend.policy.andes.refine import stall_losses
from andes_backend.policy.latency import StepTimes
from andes_client.expectation import Expectation

NOW = 100.0
TIMES = StepTimes(base=0.03, per_sequence=1e-4, per_context_token=0.0, per_prompt_token=2e-4)
SLOW_PREFILL = StepTimes(0.03, 1e-4, 0.0, per_prompt_token=0.05)


class Scene:
    """A snapshot at `NOW`, built request by request; readers take 4 tokens a second."""

    def __init__(self, blocks: int = 33) -> None:
        self.table = Table()
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.blocks = blocks

    def wait(self, since: float, prompt: int = 100) -> None:
        self.waiting.append(self.table.add(NOW - since, prompt, Expectation(1.0, 4.0)))

    def run(self, text_s: float, prompt: int = 60) -> None:
        """One whose reader has text for so long; he has read 10 tokens, all in time."""
        arrival = NOW - 3.5
        row = self.table.add(arrival, prompt, Expectation(1.0, 4.0))
        self.table.deliver(np.array([row]), np.array([10 + int(4 * text_s)]), arrival + 1.0)
        self.running.append(row)

    def snapshot(self, free: int = 0, times: StepTimes = TIMES) -> Snapshot:
        data = self.table.data
        return Snapshot(
            now=NOW,
            everybody=data[self.waiting + self.running],
            waits=len(self.waiting),
            block_size=16,
            free_blocks=free,
            total_blocks=self.blocks,
            max_running=64,
            times=times,
            accounts=self.table.accounts,
        )

    def plan(self, free: int = 0, times: StepTimes = TIMES, **settings: object) -> Decision:
        config = AndesConfig.from_mapping({"policy": "andes", **settings})
        decision = make_policy(config).plan(self.snapshot(free, times))
        decision.check(len(self.waiting), len(self.running))
        return decision


def preempted(decision: Decision) -> list[int]:
    return [] if decision.preempt is None else decision.preempt.tolist()


def full_house() -> Scene:
    """Four run, of whom the second has text for a minute; a fresh one waits."""
    scene = Scene()
    for text_s in (0.0, 60.0, 0.5, 0.2):
        scene.run(text_s)
    scene.wait(since=0.0)
    return scene


def test_below_the_watermark_all_come_in_as_they_have_come() -> None:
    decision = full_house().plan(free=30)
    assert decision == Decision()


def test_who_has_text_in_hand_gives_way_to_who_has_none() -> None:
    decision = full_house().plan()
    assert preempted(decision) == [1]
    assert decision.admit == 1
    assert decision.running is not None
    assert decision.running.tolist()[-1] == 1  # and is the first when vLLM runs out of memory


def test_packing_exactly_is_a_setting() -> None:
    decision = full_house().plan(andes_packing="exact")
    assert preempted(decision) == [1]


def test_nobody_gives_way_while_there_is_room() -> None:
    scene = Scene(blocks=200)
    for text_s in (0.0, 60.0, 0.5, 0.2):
        scene.run(text_s)
    scene.wait(since=0.0)
    decision = scene.plan(free=19)
    assert (preempted(decision), decision.admit) == ([], 1)


def test_the_cap_forbids_preemptions_and_what_depends_on_them() -> None:
    decision = full_house().plan(andes_preemption_cap=0.0)
    assert (preempted(decision), decision.admit) == ([], 0)


def test_the_refinement_stops_where_the_stall_costs_more_than_is_gained() -> None:
    """Computing a prompt of 100 tokens takes five seconds here, for which all others wait."""
    stopped = full_house().plan(times=SLOW_PREFILL)
    assert (preempted(stopped), stopped.admit) == ([], 0)
    unrefined = full_house().plan(times=SLOW_PREFILL, andes_refine=False)
    assert (preempted(unrefined), unrefined.admit) == ([1], 1)


def test_the_fresh_go_before_the_hopeless() -> None:
    scene = full_house()
    scene.waiting.clear()
    for since in (90.0, 0.0, 30.0):
        scene.wait(since)
    decision = scene.plan()
    assert decision.waiting is not None
    assert decision.waiting.tolist() == [1, 2, 0]


def test_an_empty_machine_takes_anybody() -> None:
    scene = Scene(blocks=10)
    scene.wait(since=0.0, prompt=2000)  # more than there is, as far as the policy can tell
    assert scene.plan(free=0).admit == 1


def test_a_slow_machine_serves_fewer_at_once() -> None:
    """A step takes 0.2 s for each request, so one reader in four gets what he needs."""
    scene = Scene(blocks=500)
    for text_s in (0.0, 60.0, 0.0, 60.0):
        scene.run(text_s)
    decision = scene.plan(free=450, times=StepTimes(0.01, 0.2, 0.0, 2e-4))
    assert {1, 3} <= set(preempted(decision))
    assert 0 not in preempted(decision) or 2 not in preempted(decision)


def test_lengths_are_learned_from_what_finishes() -> None:
    policy = make_policy(AndesConfig(policy="andes", expected_output_tokens=1000.0))
    scene = full_house()
    before = policy.plan(scene.snapshot())
    for _ in range(40):
        policy.finished(71)
    after = policy.plan(scene.snapshot())
    assert preempted(before) == [1]
    assert len(preempted(after)) <= 1  # who has 70 tokens is nearly done


@pytest.mark.parametrize("packing", ["greedy", "exact"])
@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=40)
@given(
    running=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 300)), max_size=8),
    waiting=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 300)), max_size=8),
    free=st.integers(0, 60),
    refine=st.booleans(),
    cap=st.floats(0, 3),
)
def test_every_decision_is_one(
    objective: str,
    packing: str,
    running: list[tuple[float, int]],
    waiting: list[tuple[float, int]],
    free: int,
    refine: bool,
    cap: float,
) -> None:
    scene = Scene(blocks=60)
    for text_s, prompt in running:
        scene.run(text_s, prompt)
    for since, prompt in waiting:
        scene.wait(since, prompt)
    decision = scene.plan(
        free,
        andes_objective=objective,
        andes_packing=packing,
        andes_refine=refine,
        andes_preemption_cap=cap,
    )
    assert len(preempted(decision)) <= cap * (len(running) + len(waiting))
    if decision.admit is not None and waiting and not running:
        assert decision.admit >= 1


def values(objective: str) -> list[float]:
    """Of four requests: far behind, a bit late, perfect if served, perfect anyway."""
    forecast = Forecast(
        now=np.array([0.2, 0.9, 1.0, 1.0]),
        served=np.array([0.5, 0.9, 1.0, 1.0]),
        paused=np.array([0.1, 0.7, 0.8, 1.0]),
    )
    found: list[float] = OBJECTIVES[objective](forecast).tolist()
    return found


def test_the_average_is_served_by_who_gains_most() -> None:
    assert values("average") == pytest.approx([0.4, 0.2, 0.2, 0.0])


def test_the_worst_is_served_by_who_would_fall_below_it() -> None:
    first, *others = values("worst")
    assert first > 0.1 > 0.001 > max(others)
    assert others[-1] == 0.0


def test_the_perfect_are_served_by_who_would_no_longer_be() -> None:
    behind, late, perfect, anyway = values("perfect")
    assert perfect > 1.0 > 0.001 > behind > late > anyway == 0.0


def test_a_stall_costs_those_whose_readers_have_no_text_left() -> None:
    scene = Scene()
    scene.run(text_s=60.0)
    rich = Outlook.of(scene.snapshot().running, np.array([100.0]))
    scene.run(text_s=0.0)
    both = Outlook.of(scene.snapshot().running, np.array([100.0, 100.0]))
    stalls = np.array([0.0, 1.0, 2.0])
    assert stall_losses(rich, stalls, NOW, NOW + 10.0, 0.05).tolist() == [0.0, 0.0, 0.0]
    nothing, first, second = stall_losses(both, stalls, NOW, NOW + 10.0, 0.05)
    assert nothing == 0.0 < first < second


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"andes_objective": "best"}, "andes_objective must be average or worst or perfect"),
        ({"andes_packing": 1}, "andes_packing must be greedy or exact, not 1"),
        ({"andes_refine": 1}, "andes_refine must be true or false, not 1"),
        ({"andes_preemption_cap": -1}, "andes_preemption_cap must be finite and at least 0"),
        ({"andes_horizon_s": 0}, "andes_horizon_s must be finite and at least 0.001"),
    ],
)
def test_a_bad_setting_is_named(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AndesConfig.from_mapping(setting)


def test_the_objectives_are_those_of_the_settings() -> None:
    with pytest.raises(ValueError, match="andes_objective must be") as refused:
        AndesConfig(andes_objective="none of them")
    named = str(refused.value).partition("must be ")[2].partition(",")[0].split(" or ")
    assert sorted(named) == sorted(OBJECTIVES)
