"""What readers report: the newest holds, only known ids count, nothing outlives its request."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.engine import reports as module
from andes_backend.engine.reports import Checked, Reports, Told
from andes_backend.policy.state import Table
from andes_client import Expectation
from andes_client.wire import Report

READER = Expectation(1.0, 4.0)


def report(stream: str = "a", number: int = 0, **more: Any) -> Checked:
    values: dict[str, Any] = {"units": 0, "tokens": 0.0, "buffer_s": 0.0, **more}
    return Checked.of(Report(stream=stream, number=number, **values))


def opened(*streams: str) -> tuple[Reports, Table]:
    table = Table()
    reports = Reports(table)
    for index, stream in enumerate(streams):
        reports.open(stream, f"request {index}", table.add(0.0, 9, READER))
    return reports, table


def state(table: Table) -> list[Any]:
    facts: list[Any] = table.data.tolist()
    return facts


@given(st.lists(st.integers(0, 30), min_size=1), st.randoms(use_true_random=False))
def test_the_newest_report_holds_whatever_comes_late_or_twice(
    numbers: list[int], chance: random.Random
) -> None:
    sent = [report(number=n, speed=1 + n / 100) for n in numbers]
    came = [*sent, *sent]
    chance.shuffle(came)
    reports, table = opened("a")
    for one in came:
        reports.tell([one], now=1.0)
    assert table.data["tds"][table.data["serial"] > 0] == 4.0 * (1 + max(numbers) / 100)
    assert reports.tell(came, now=2.0) == Told(0, (), False)


def test_reports_of_streams_that_are_not_here_change_nothing() -> None:
    reports, table = opened("a")
    before = state(table)
    forged = [report(f"forged-{n}", n, state="gone") for n in range(1000)]
    assert reports.tell(forged, now=1.0) == Told(0, (), False)
    assert (state(table), len(reports), list(reports.streams)) == (before, 1, ["a"])


def test_nothing_outlives_its_request() -> None:
    reports, _ = opened("a", "b")
    reports.tell([report("a"), report("b")], now=1.0)
    reports.close("request 0")
    reports.close("request 0")
    reports.close("never here")
    assert (len(reports), list(reports.streams)) == (1, ["b"])
    assert reports.tell([report("a", 1, state="gone")], now=2.0).gone == ()
    reports.close("request 1")
    assert not len(reports)
    assert not vars(reports)["_streams"]
    assert not reports.streams


def test_a_request_without_a_stream_has_nobody_who_speaks_for_it() -> None:
    reports = Reports(Table())
    reports.open(None, "request", 0)
    assert not len(reports)
    reports.close("request")


def test_an_id_that_two_requests_share_is_not_believed() -> None:
    reports, table = opened("a", "a")
    before = state(table)
    assert reports.tell([report("a", 1, state="gone")], now=1.0) == Told(0, (), False)
    assert reports.rows(["a"]) == {}
    assert state(table) == before
    reports.close("request 0")  # the other one is known by it again
    assert list(reports.rows(["a", "b"])) == ["a"]
    assert reports.tell([report("a", 1, state="gone")], now=1.0).gone == ("request 1",)


def test_who_is_gone_is_told_once() -> None:
    reports, _ = opened("a", "b")
    gone = [report("a", 1, state="gone"), report("b", 1)]
    assert reports.tell(gone, now=1.0) == Told(2, ("request 0",), True)
    assert reports.tell(gone, now=1.0) == Told(0, (), False)


@pytest.mark.parametrize(
    ("more", "urgent"),
    [
        ({"state": "paused"}, True),
        ({"state": "hidden"}, True),
        ({"state": "revealed"}, True),
        ({"speed": 1.5}, True),
        ({"buffer_s": 3.0}, False),
        ({"tokens": 7.0, "units": 5}, False),
    ],
    ids=str,
)
def test_only_what_a_reader_does_needs_another_plan(more: dict[str, Any], urgent: bool) -> None:
    reports, _ = opened("a")
    assert reports.tell([report()], now=1.0).urgent  # the first: the reader is there
    assert reports.tell([report(number=1, **more)], now=1.0) == Told(1, (), urgent)


@pytest.mark.parametrize(
    ("said", "believed"),
    [(1000.0, module.FASTEST), (2.0, 2.0), (0.001, module.SLOWEST), (0.5, 0.5)],
)
def test_a_speed_is_believed_within_bounds(said: float, believed: float) -> None:
    reports, table = opened("a")
    reports.tell([report(speed=said)], now=1.0)
    (tds,) = table.data["tds"][table.data["serial"] > 0]
    assert tds == READER.tds * believed


def test_who_has_revealed_all_skims_and_is_no_program() -> None:
    reports, table = opened("a")
    reports.tell([report(state="revealed", speed=1000.0)], now=1.0)
    (tds,) = table.data["tds"][table.data["serial"] > 0]
    assert tds == READER.tds * module.REVEALED_SPEED


def test_a_way_of_an_hour_is_not_believed() -> None:
    reports, table = opened("a")
    reports.tell([report(delay_s=3600.0)], now=1.0)
    (way,) = table.data["way"][table.data["serial"] > 0]
    assert way == module.LONGEST_WAY_S


def test_a_policy_may_not_want_to_know_of_speeds() -> None:
    table = Table()
    reports = Reports(table, speeds=False)
    reports.open("a", "request", table.add(0.0, 9, READER))
    reports.tell([report(speed=2.0, state="revealed"), report(number=1, speed=2.0)], now=1.0)
    (tds,) = table.data["tds"][table.data["serial"] > 0]
    assert tds == READER.tds
