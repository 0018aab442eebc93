"""`andes fair`: service and its differences by hand, the scenarios, the limit, the command."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.service import service
from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.fair.command import _NAMES
from andes_backend.lab.twin.fair.measure import CONTENDERS
from andes_backend.lab.twin.fair.scenarios import SCENARIOS
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import load_profile
from andes_client import cli
from andes_client.expectation import Expectation

READER = Expectation(1.0, 5.0)
PROFILE = replace(load_profile("llama-3-8b-a40"), kv_tokens=10_000)


def andes(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return stop.value.code


def outcome(index: int, user: str, sent: float, prompt: int, *times: float) -> Outcome:
    return Outcome(index, Request(sent, prompt, len(times), READER, user), sent, times)


def test_service_is_counted_when_it_is_given() -> None:
    found = service(
        [outcome(0, "b", 0.0, 10, 1.5, 2.5, 2.6), outcome(1, "a", 1.0, 7, 2.5)], until_s=4.0
    )
    assert found.users == ("a", "b")
    assert found.times.tolist() == [0, 1, 2, 3, 4]
    assert found.received.tolist() == [[0, 0, 0, 0, 9], [0, 0, 12, 16, 16]]
    assert found.waits.tolist() == [
        [False, True, True, True, False],
        [True, True, False, False, False],
    ]


def test_the_difference_is_of_intervals_in_which_both_want_more() -> None:
    """b gets 100 while a has nothing to ask, then a gets 30 and b 5 while both wait."""
    outcomes = [
        outcome(0, "b", 0.0, 100, 0.9),
        outcome(1, "b", 0.0, 5, 3.9),
        outcome(2, "b", 0.0, 1, 9.0),
        outcome(3, "a", 1.9, 30, 1.0),
        outcome(4, "a", 1.9, 1, 7.1),
    ]
    found = service(outcomes, until_s=6.0)
    assert found.difference().tolist() == [0, 0, 0, 32, 25, 25, 25]


def test_one_user_alone_differs_from_nobody() -> None:
    found = service([outcome(0, "a", 0.0, 10, 1.0)], until_s=2.0)
    assert found.difference().tolist() == [0, 0, 0]


def test_the_command_knows_every_scenario() -> None:
    assert tuple(SCENARIOS) == _NAMES


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_follow_from_their_seed(name: str) -> None:
    workload = SCENARIOS[name].make(1)
    assert workload == SCENARIOS[name].make(1) != SCENARIOS[name].make(2)
    arrivals = [request.arrival_s for request in workload.requests]
    assert arrivals == sorted(arrivals)
    assert 570 < arrivals[-1] < 600
    users = Counter(request.user for request in workload.requests)
    assert len(users) == {"mixed": 27, "flood": 10, "balanced": 10}.get(name, 2)


def test_of_each_user_so_many_a_minute() -> None:
    requests = [Request(0.0, 20, 5, READER, user) for user in "ab" for _ in range(7)]
    setup = Setup(profile=PROFILE, policy="rpm", requests_per_minute=3)
    done = simulate(Workload("limited", 0, tuple(requests)), setup).outcomes
    minutes = Counter((one.request.user, int(one.times[0] // 60)) for one in done)
    assert minutes == {(user, minute): n for user in "ab" for minute, n in enumerate((3, 3, 1))}


@pytest.mark.slow
def test_fairness_keeps_a_flood_from_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert andes("fair", "flood", "--policies", "stock,qoe", "--out", str(tmp_path)) == 0
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for line in (tmp_path / "flood.txt").read_text().splitlines()
        if len(cells := line.split("│")) > 3
    }
    (stock, qoe) = rows["stock"], rows["qoe"]
    assert float(stock[4]) < 0.5  # the others' mean QoE
    assert float(qoe[4]) > 0.9
    assert float(qoe[5]) > 0.9  # the worst of them
    assert float(qoe[2].replace(",", "")) >= 0.95 * float(stock[2].replace(",", ""))
    assert (tmp_path / "flood.png").stat().st_size > 10_000
    assert "flood" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--policies", "stock,nonsense"], "cannot compare the policy 'nonsense'"),
        (["--kv-tokens", "100"], "--kv-tokens must be 4096 or more, not 100"),
        (["--rpm", "0"], "--rpm must be 1 or more, not 0"),
        (["--profile", "nonsense"], "nonsense"),
    ],
)
def test_bad_options_say_what_is_wrong(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert andes("fair", "flood", *options) == 2
    assert message in capsys.readouterr().err


def test_every_contender_is_a_server_that_can_be_simulated() -> None:
    for arguments in CONTENDERS.values():
        assert replace(Setup(profile=PROFILE), **arguments).profile == PROFILE


def test_a_users_name_is_nobody_elses_without_one() -> None:
    found = service(
        [Outcome(i, Request(0.0, 5, 1, READER), 0.0, (1.0,)) for i in range(2)], until_s=2.0
    )
    assert found.users == ("request 0", "request 1")
    assert np.array_equal(found.received[0], found.received[1])
