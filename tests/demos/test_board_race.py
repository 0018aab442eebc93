"""The race: the same requests at several servers, seen through their readers' eyes."""

from statistics import fmean

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from dataclasses import replace

from andes_demos.board.race import Race
from andes_demos.board.view import View

from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request, Workload, WorkloadError, make_workload
from andes_backend.lab.workload.behaviour import Behaviour
from andes_backend.profile import load_profile
from andes_client.expectation import Expectation

PROFILE = replace(load_profile("llama-3-8b-a40"), kv_tokens=4000, outside_ms=0.0)
SETUPS = [Setup(profile=PROFILE), Setup(profile=PROFILE, policy="qoe")]
CROWD = make_workload(60, rate=4.0, seed=3, max_length=700)


@pytest.fixture(scope="module")
def seen() -> list[tuple[View, ...]]:
    """Both servers, looked at every two seconds until all is done."""
    race = Race(CROWD, SETUPS)
    views: list[tuple[View, ...]] = []
    while not race.is_done:
        race.run(2.0 * (len(views) + 1))
        views.append(race.views())
    return views


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_in_the_end_it_is_what_the_twin_says(seen: list[tuple[View, ...]], number: int) -> None:
    simulation = simulate(CROWD, SETUPS[number])
    last = seen[-1][number]
    assert last.label == SETUPS[number].policy
    assert (last.arrived, last.finished, last.waiting, last.running) == (60, 60, 0, 0)
    assert last.preemptions == simulation.preemptions
    assert last.memory == 0.0
    assert last.qoe == pytest.approx(fmean(one.qoe for one in simulation.outcomes))


def test_every_row_is_told_by_what_it_says(seen: list[tuple[View, ...]]) -> None:
    states = set()
    for views in seen:
        for view in views:
            assert [row.number for row in view.rows] == sorted(row.number for row in view.rows)
            by_state = {s: sum(r.state == s for r in view.rows) for s in ("running", "waiting")}
            assert by_state["running"] == view.running
            assert sum(row.state in ("waiting", "preempted") for row in view.rows) == view.waiting
            for row in view.rows:
                states.add(row.state)
                assert 0.0 <= row.qoe <= 1.0
                assert 0 <= row.delivered <= row.total
                assert (row.state == "done") == (row.delivered == row.total)
                assert row.state != "waiting" or row.delivered == 0
    assert states == {"waiting", "running", "preempted", "done"}


def test_both_have_the_same_arrivals_and_ours_has_the_better_qoe(
    seen: list[tuple[View, ...]],
) -> None:
    for stock, ours in seen:
        assert abs(stock.arrived - ours.arrived) <= 2  # a step is not cut
    assert max(ours.qoe - stock.qoe for stock, ours in seen) > 0.2


def test_a_reader_who_waits_in_vain_has_less_than_nothing_in_hand() -> None:
    """The first has all the memory, so the second waits; by the formula its QoE is 0 so far."""
    reader = Expectation(1.0, 5.0)
    requests = (Request(0.0, 2000, 1500, reader), Request(0.0, 2000, 100, reader))
    race = Race(Workload("two", 0, requests), SETUPS[:1])
    race.run(0.5)
    assert race.views()[0].qoe == 1.0
    race.run(11.0)
    first, second = race.views()[0].rows
    assert (first.state, second.state) == ("running", "waiting")
    assert first.slack_s > 10.0
    assert second.slack_s == pytest.approx(-10.0, abs=0.2)
    assert (first.qoe, second.qoe) == (1.0, 0.0)
    assert race.views()[0].qoe == 0.5


def test_nothing_moves_while_nobody_runs_it() -> None:
    race = Race(CROWD, SETUPS)
    race.run(5.0)
    before = race.views()
    race.run(5.0)
    race.run(1.0)
    assert race.views() == before


def test_a_request_that_can_never_be_served_is_refused() -> None:
    huge = Workload("huge", 0, (Request(0.0, 5000, 10, Expectation(1.0, 5.0)),))
    with pytest.raises(WorkloadError, match="it could never be served"):
        Race(huge, SETUPS)


def test_what_readers_do_is_seen() -> None:
    """One pauses, one skims, one leaves; heard, the one who has left behind a proxy is aborted."""
    requests = tuple(
        Request(0.0, 50, 400, Expectation(1.0, 5.0), behaviour=does)
        for does in (
            Behaviour(pause_at=20, pause_s=30.0),
            Behaviour(speed=2.0),
            Behaviour(leave_at=20, proxied=True),
            Behaviour(),
        )
    )
    heard = replace(SETUPS[1], reports=True)
    race = Race(Workload("restless", 0, requests), [SETUPS[1], heard])
    race.run(6.0)
    for view in race.views():
        assert [row.reader for row in view.rows] == ["paused", "skimming", "gone", "reading"]
    unheard, told = race.views()
    assert (unheard.label, told.label) == ("qoe", "qoe, heard")
    assert unheard.rows[2].state == "running"
    assert told.rows[2].state == "done"
    assert told.rows[2].delivered < unheard.rows[2].delivered
    before = unheard.rows[0].slack_s
    race.run(12.0)
    unheard, _ = race.views()
    assert unheard.rows[0].reader == "paused"
    assert unheard.rows[0].slack_s > before  # the text in hand grows
    while not race.is_done:
        race.run(race.views()[0].now_s + 20.0)
    assert all(view.qoe > 0.9 for view in race.views())
