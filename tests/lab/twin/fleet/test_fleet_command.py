"""The command line of a fleet: what it asks for, and what is wrong with it."""

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from andes_backend.lab.campaign import command as campaign_command
from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.twin.fleet import session
from andes_backend.lab.twin.fleet.scaling import ByOngoing, ByQoE
from andes_backend.lab.twin.fleet.session import made_good
from andes_backend.lab.twin.fleet.setup import Event
from andes_backend.lab.twin.fleet.spec import FleetSpec, tasks
from andes_backend.lab.twin.point import CELL_AXES
from andes_backend.lab.twin.saturation import saturation
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.twin.sweep import command


def status(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["twin", *words])
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[FleetSpec]:
    """What would have been run, on a machine that has vLLM."""
    seen: list[FleetSpec] = []

    def note(spec: FleetSpec) -> int:
        seen.append(spec)
        return 0

    monkeypatch.setattr(session, "run", note)
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: True)
    return seen


def test_power_of_two_against_qoe_is_what_is_run_by_default(specs: list[FleetSpec]) -> None:
    assert status("--replicas", "8") == 0
    one, two = tasks(specs[0])
    assert [one.fleet.routing, two.fleet.routing] == ["power-of-two", "qoe"]
    assert one.case == two.case
    assert (one.case.replicas, one.case.rate, one.case.figures_every_s) == (8, 3.0, 1.0)
    assert [server.policy for server in one.fleet.servers] == ["qoe"]
    assert len(one.workload().requests) == 250


def test_every_list_is_an_axis(specs: list[FleetSpec]) -> None:
    words = (
        ("--replicas", "2,4", "--routing", "random,round-robin,power-of-two,least-kv,qoe"),
        ("--rate", "3,4", "--figures-every", "1,10", "--seeds", "3", "--seed", "5"),
        ("--autoscale", "ongoing:target=20", "--autoscale", "qoe:target=1.5,least=2,down=60"),
    )
    assert status(*(word for group in words for word in group)) == 0
    made = list(tasks(specs[0]))
    assert len(made) == 2 * 5 * 2 * 2 * 3 * 2
    assert specs[0].scalings == [
        ByOngoing(target=20),
        ByQoE(target=1.5, least=2, down_delay_s=60.0),
    ]
    assert {task.seed for task in made} == {5, 6, 7}


def test_every_option_of_a_server_reaches_those_of_a_fleet(specs: list[FleetSpec]) -> None:
    given = {
        "prefix_caching": ("off", False),
        "kv_restore_gb_s": ("20", 20.0),
        "async_scheduling": ("off", False),
        "max_num_active_seqs": ("8", 8),
        "watermark": ("0.1", 0.1),
        "long_prefill_token_threshold": ("256", 256),
    }
    ours = {one.name for one in fields(Setup)} & set(CELL_AXES)
    assert set(given) == ours - {"profile", "reports"}, "a fleet would ignore the new one"
    words = [
        f"--{name.replace('_', '-')}={text}"
        for name, (text, _) in {"kv_tokens": ("50000", 0), **given}.items()
    ]
    assert status("--replicas", "2", *words) == 0
    (server,) = specs[0].servers
    assert server.profile.kv_tokens == 50_000
    assert {name: getattr(server, name) for name in given} == {
        name: value for name, (_, value) in given.items()
    }


def test_a_load_is_a_multiple_of_what_all_can_do(specs: list[FleetSpec]) -> None:
    two = "llama-3-8b-a40,opt-66b-4xa100"
    assert status("--replicas", "3", "--load", "1.2", "--profile", two) == 0
    task = next(tasks(specs[0]))
    fast, slow = (saturation(server.profile, task.workload()) for server in specs[0].servers)
    assert task.case.rate == pytest.approx(1.2 * (2 * fast + slow))


def test_what_happens_to_replicas(specs: list[FleetSpec]) -> None:
    words = ("--join", "10", "--leave", "20", "--die", "30:1", "--start-up", "5")
    assert status("--replicas", "2", *words) == 0
    assert specs[0].start_up_s == 5.0
    assert specs[0].events == (Event(10.0, "join"), Event(20.0, "leave"), Event(30.0, "die", "1"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--load", "1.2"), "--load is of a fleet: say how large it is, with --replicas"),
        (("--die", "3"), "--join, --leave or --die is of a fleet"),
        (("--replicas", "2", "--load", "1", "--rate", "3"), "--load and --rate say the same"),
        (("--replicas", "2", "--bound"), "--bound is not there for a fleet"),
        (("--replicas", "2", "--reports", "on"), "leave out --reports"),
        (("--replicas", "2", "--kv-tokens", "4000,5000"), "--kv-tokens can have one value"),
        (("--replicas", "2", "--watermark", "0,0.1"), "--watermark can have one value"),
        (("--replicas", "2", "--set", "horizon_s=2,4"), "--set horizon_s can have one value"),
        (("--replicas", "2", "--die", "3:7"), "no replica '7' can die"),
        (("--replicas", "8", "--autoscale", "ongoing:target=2,most=4"), "at most 4 replicas"),
        (("--replicas", "2", "--kv-tokens", "500"), "could never be served"),
    ],
)
def test_a_mistake_is_one_line_before_anything_runs(
    words: tuple[str, ...],
    message: str,
    specs: list[FleetSpec],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status(*words) == 2
    assert specs == []
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--routing", "best"), "unknown routing 'best'; the routings are: random, round-robin"),
        (("--replicas", "0"), "0"),
        (("--load", "-1"), "'-1' must be above 0"),
        (("--die", "soon"), "'soon' must be a number"),
        (("--die", "3:first"), "must be seconds, or SECONDS:NUMBER"),
        (("--autoscale", "cpu:target=2"), "unknown autoscaling 'cpu'; there is: ongoing, qoe"),
        (("--autoscale", "qoe"), "'qoe' has no target, as in qoe:target=2"),
        (("--autoscale", "qoe:goal=2"), "'goal=2' must be NAME=VALUE of target, least"),
        (("--autoscale", "ongoing:target=0"), "target of a scaling must be above 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        status(*words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "other", "share"), [(0.9, 0.95, 0.5), (0.8, 0.7, -0.5), (1.0, 1.0, None)]
)
def test_what_is_made_good(first: float, other: float, share: float | None) -> None:
    found = made_good(first, other)
    assert found == (None if share is None else pytest.approx(share))


def test_the_real_thing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")
    words = ("--replicas", "2", "--load", "2", "--requests", "30", "--kv-tokens", "3000")
    more = ("--profile", "llama-3-8b-a40", "--max-length", "500", "--autoscale", "qoe:target=1")
    assert status(*words, *more, "--out", str(tmp_path), "--jobs", "1") == 0
    (directory,) = tmp_path.iterdir()
    lines = read_lines(directory / "results.jsonl")
    assert [line["routing"] for line in lines] == ["power-of-two", "qoe"]
    for line in lines:
        assert line["error"] is None
        assert line["figures"]["summary"]["requests"] == 30
        assert line["figures"]["summary"]["failed"] == 0
        assert line["scaling"]["policy"] == "qoe:target=1"
    table = (directory / "table.txt").read_text()
    assert "power-of-two" in table
    assert "cheapest with a mean QoE of 0.9: qoe:target=1, " in capsys.readouterr().out
