"""A fleet on the virtual clock: several of vLLM's schedulers behind a router."""

from dataclasses import replace

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.fleet.fleet import FleetRun, simulate_fleet
from andes_backend.lab.twin.fleet.routings import ROUTINGS
from andes_backend.lab.twin.fleet.scaling import ByOngoing, ByQoE, Scaling
from andes_backend.lab.twin.fleet.setup import Event, FleetSetup
from andes_backend.lab.twin.setup import Setup, SetupError
from andes_backend.lab.workload import Request, Workload, WorkloadError, make_workload
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation

PROFILE = Profile(
    name="test",
    source="made up",
    kv_tokens=1600,
    gpus=2,
    prefill=Prefill(base_ms=10, per_token_ms=1),
    decode=(Decode(base_ms=10, per_sequence_ms=2, per_context_token_ms=0.01),),
)
QOE = Setup(profile=PROFILE, policy="qoe")
STOCK = Setup(profile=PROFILE)


def crowd(count: int = 40, rate: float = 8.0, seed: int = 1) -> Workload:
    return make_workload(count, rate=rate, seed=seed, max_length=400)


def fleet(*servers: Setup, replicas: int = 2, **options: object) -> FleetSetup:
    return FleetSetup(servers=servers or (QOE,), replicas=replicas, **options)  # type: ignore[arg-type]


def failed(run: FleetRun) -> list[int]:
    return [outcome.index for outcome in run.outcomes if outcome.error is not None]


@pytest.mark.parametrize("server", [QOE, STOCK], ids=["qoe", "stock"])
def test_a_fleet_of_one_is_a_server(server: Setup) -> None:
    alone = simulate(crowd(), server)
    run = simulate_fleet(crowd(), fleet(server, replicas=1, routing="qoe"))
    assert [o.times for o in run.outcomes] == [pytest.approx(o.times) for o in alone.outcomes]
    assert run.preemptions == alone.preemptions
    assert run.steps == len(alone.steps.time_s)
    assert run.fell_back == (0 if server is QOE else 40)  # vLLM's own publishes no demand


@pytest.mark.parametrize("routing", ROUTINGS)
def test_everybody_is_served_by_somebody(routing: str) -> None:
    run = simulate_fleet(crowd(60, 16.0), fleet(replicas=3, routing=routing))
    assert failed(run) == []
    assert all(not o.lost and not o.excess for o in run.outcomes)
    assert sum(run.served.values()) == 60
    assert min(run.served.values()) > 0


def test_the_same_fleet_does_the_same_again() -> None:
    runs = [simulate_fleet(crowd(), fleet(routing="qoe")) for _ in range(2)]
    assert [o.times for o in runs[0].outcomes] == [o.times for o in runs[1].outcomes]


def test_a_small_server_in_the_fleet_gets_less() -> None:
    small = replace(QOE, profile=replace(PROFILE, kv_tokens=480))
    run = simulate_fleet(crowd(80, 4.0), fleet(QOE, small, routing="qoe"))
    assert failed(run) == []
    assert run.served["1"] < run.served["0"]


def test_what_is_spent_outside_the_engine_is_the_replicas_own() -> None:
    far = replace(QOE, profile=replace(PROFILE, outside_ms=500.0))
    one = simulate_fleet(crowd(2, 1.0), fleet(QOE, replicas=1))
    two = simulate_fleet(crowd(2, 1.0), fleet(far, replicas=1))
    assert two.outcomes[0].times == pytest.approx([t + 0.5 for t in one.outcomes[0].times])


def test_who_dies_takes_its_streams_along_and_nobody_elses() -> None:
    events = (Event(3.0, "die", "0"),)
    run = simulate_fleet(crowd(), fleet(events=events, routing="round-robin"))
    broken = failed(run)
    assert broken
    assert {run.outcomes[index].error for index in broken} == {"its replica died"}
    for outcome in run.outcomes:
        is_of_the_dead = outcome.index % 2 == 0 and outcome.submitted_s < 3.0
        assert is_of_the_dead or outcome.error is None
        if outcome.error is not None:
            assert outcome.qoe == 0.0
            assert all(outcome.submitted_s + t < 3.5 for t in outcome.times)
    assert run.served["0"] + run.served["1"] == 40
    assert run.sizes[-1][1:] == (1, 1)


def test_who_leaves_finishes_what_it_has() -> None:
    run = simulate_fleet(crowd(), fleet(events=(Event(2.0, "leave", "0"),)))
    assert failed(run) == []
    opened = [(at, ready, paid) for at, ready, paid in run.sizes]
    assert opened[0] == (0.0, 2, 2)
    assert opened[1] == (2.0, 1, 2)  # it drains
    assert opened[2][1:] == (1, 1)
    assert opened[2][0] > 2.0


def test_who_joins_is_paid_for_at_once_and_takes_requests_when_it_has_started() -> None:
    events = (Event(1.0, "join"),)
    run = simulate_fleet(
        crowd(60, 8.0), fleet(replicas=1, events=events, start_up_s=2.0, routing="qoe")
    )
    assert failed(run) == []
    assert run.sizes == ((0.0, 1, 1), (1.0, 1, 2), (3.0, 2, 2))
    assert run.served["1"] > 10
    end = run.replica_s / 2 + 0.5  # both until the end, the second from 1 s on
    assert max(o.submitted_s + o.times[-1] for o in run.outcomes) == pytest.approx(end, abs=1.1)
    assert run.gpu_hours == pytest.approx(2 * run.replica_s / 3600)


def test_who_comes_while_nobody_is_there_waits_for_the_next() -> None:
    events = (Event(1.0, "die", "0"), Event(1.0, "join"))
    run = simulate_fleet(crowd(20), fleet(replicas=1, events=events, start_up_s=5.0))
    later = [o for o in run.outcomes if o.submitted_s > 1.0]
    assert later
    for outcome in later:
        assert outcome.error is None
        assert outcome.submitted_s + outcome.times[0] > 6.0


@pytest.mark.parametrize(
    "scaling",
    [
        ByOngoing(target=4, up_delay_s=1, down_delay_s=4, every_s=1, look_back_s=2, most=4),
        ByQoE(target=0.7, down_delay_s=4, every_s=1, most=4),
    ],
    ids=["ongoing", "qoe"],
)
def test_a_fleet_grows_with_the_load(scaling: Scaling) -> None:
    run = simulate_fleet(crowd(60, 16.0), fleet(replicas=1, scaling=scaling, start_up_s=1.0))
    assert failed(run) == []
    most = max(paid for _, _, paid in run.sizes)
    assert 3 <= most <= 4
    assert sum(run.served.values()) == 60
    end = max(o.submitted_s + o.times[-1] for o in run.outcomes)
    assert end <= run.replica_s < most * (end + 1)  # one at first


def talk(seed: int = 0) -> Workload:
    """Two rounds each of six people, the second long after the first has ended."""
    rounds = [
        Request(at + who, prompt, 50, Expectation(1.0, 5.0), conversation=who)
        for at, prompt in ((0.0, 200), (40.0, 300))
        for who in range(6)
    ]
    return Workload("talk", seed, tuple(rounds))


@pytest.mark.parametrize("seed", range(3))
def test_who_goes_on_finds_the_beginning_where_the_router_has_sent_it(seed: int) -> None:
    with_eyes, blind = (
        simulate_fleet(talk(seed), fleet(replicas=3, routing="qoe", prefixes=prefixes))
        for prefixes in (True, False)
    )
    assert with_eyes.found_tokens == 6 * 240  # of 250 tokens, whole blocks of 16
    assert blind.found_tokens < with_eyes.found_tokens
    assert min(with_eyes.served.values()) > 0


def test_nothing_is_found_where_prefixes_are_not_kept() -> None:
    server = replace(QOE, prefix_caching=False)
    run = simulate_fleet(talk(), fleet(server, replicas=1, routing="qoe"))
    assert run.found_tokens == 0


def test_a_request_that_fits_no_replica_is_refused_before_anything_runs() -> None:
    small = replace(QOE, profile=replace(PROFILE, kv_tokens=320))
    with pytest.raises(WorkloadError, match="could never be served"):
        simulate_fleet(crowd(), fleet(QOE, small))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": 0}, "replicas must be 1 to 1000, not 0"),
        ({"routing": "best"}, "unknown routing 'best'; choose from random"),
        ({"figures_every_s": 0.0}, "figures_every_s must be 0.01 s or more"),
        ({"start_up_s": -1.0}, "start_up_s must be 0 s or more"),
        ({"events": (Event(1.0, "die", "2"),)}, "no replica '2' can die: they are called 0 to 1"),
    ],
)
def test_a_fleet_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        fleet(**{"replicas": 2, **options})  # type: ignore[arg-type]


def test_an_event_has_a_time() -> None:
    with pytest.raises(SetupError, match="cannot join at -1"):
        Event(-1.0, "join")


def test_reports_are_not_simulated_in_a_fleet() -> None:
    with pytest.raises(SetupError, match="reports are not simulated"):
        fleet(replace(QOE, reports=True))
