"""Users side by side, and requests dealt to them."""

import argparse
import io
import struct
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.report.users import has_users, user_figures, users_table
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.workload import Request, dealt, make_workload
from andes_backend.lab.workload.option_values import users_value
from andes_client.expectation import Expectation

READER = Expectation(1.0, 5.0)


def run(label: str, *waits: tuple[str | None, float]) -> Run:
    """Answers of two tokens, so late, to these users."""
    outcomes = [
        Outcome(i, Request(float(i), 10, 2, READER, user), float(i), (1 + late, 1.2 + late))
        for i, (user, late) in enumerate(waits)
    ]
    return Run(label, {}, outcomes, len(outcomes))


def rows(*runs: Run) -> dict[str, list[str]]:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(users_table(runs))
    cells = [line.split("│") for line in console.export_text().splitlines() if "│" in line]
    return {line[1].strip(): [cell.strip() for cell in line[2:-1]] for line in cells}


def test_each_user_has_a_row_and_the_busiest_is_the_first() -> None:
    late = 0.2 / 3  # QoE 1 - 2 late / (2 late + 0.2), and so 0.6
    stock = run("stock", ("b", late), ("a", 0.0), ("b", late), ("c", 0.0))
    ours = run("qoe", ("b", 0.0), ("a", 0.0), ("b", 0.0), ("c", late))
    found = rows(stock, ours)
    assert list(found) == [
        *("b", "a", "c"),
        *("all but b", "the worst user", "largest difference in service"),
    ]
    assert found["b"] == ["0.600", "1.000"]
    assert found["all but b"] == ["1.000", "0.800"]
    assert found["the worst user"] == ["0.600", "0.600"]


def test_of_many_users_the_busiest_are_named() -> None:
    found = rows(run("stock", *[(f"user {i:02}", 0.0) for i in range(30)]))
    assert len(found) == 12 + 3


@pytest.mark.parametrize("users", [1, 3, 30])
def test_the_picture_shows_any_number_of_users(users: int, tmp_path: Path) -> None:
    runs = {
        label: user_figures(
            run(label, *[(f"user {i}", 0.1 * i) for i in range(users)] * 2).outcomes
        )
        for label in ("stock", "qoe", "a policy of one's own")
    }
    plot_users("who got what", runs, tmp_path / "new" / "users.png")
    width, height = struct.unpack(">II", (tmp_path / "new" / "users.png").read_bytes()[16:24])
    assert (width, height) > (1000, 300)


def test_requests_of_nobody_have_no_users() -> None:
    assert not has_users([run("stock", (None, 0.0))])
    assert has_users([run("stock", (None, 0.0), ("a", 0.0))])


def test_requests_are_dealt_by_weight_and_stay_the_same() -> None:
    workload = make_workload(2000, rate=3.0, seed=5)
    shared = dealt(workload, users_value("reader*9,flood:10"))
    counts = Counter(request.user for request in shared.requests)
    assert len(counts) == 10
    assert counts["flood"] == pytest.approx(2000 * 10 / 19, rel=0.1)
    assert counts["reader 4"] == pytest.approx(2000 / 19, rel=0.35)
    assert shared == dealt(workload, users_value("reader*9,flood:10"))
    assert [r.arrival_s for r in shared.requests] == [r.arrival_s for r in workload.requests]


@pytest.mark.parametrize("text", ["", "a,", "a:0", "a:x", "a*0", "a,a", ":3", "a:inf"])
def test_bad_users_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        users_value(text)
