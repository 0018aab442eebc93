"""Who waited in a sweep: each row's policies below each other, seeds together."""

from io import StringIO
from typing import Any

from rich.console import Console

from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.who_waited import who_waited
from tests.lab.twin.made_results import COUNT, measured, sweep


def found(made: Sweep) -> dict[int, Measured]:
    """All is late, under stock by 5 s for each request before it; a little more at each seed."""
    return {
        point.index: measured(5.0 * (point.policy == "stock") + point.seed)
        for point in made.points()
    }


def text(made: Sweep, results: dict[int, Measured]) -> str:
    console = Console(file=StringIO(), width=100)
    for table in who_waited(made, results):
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def requests(shown: str, policy: str) -> int:
    """Of all its groups; before the second of each row's tables."""
    rows = [line.split() for line in shown.partition("Who waited longest")[0].splitlines()]
    return sum(int(row[row.index(policy) + 1]) for row in rows if policy in row)


def test_each_row_of_the_sweep_has_its_tables() -> None:
    made = sweep(rates=[2.0, 3.0], settings={"horizon_s": [2, 4]})
    shown = text(made, found(made))
    for title in ("requests/s 2, horizon_s 2", "requests/s 3, horizon_s 4"):
        assert f"Who waited ({title}); s beyond the expected time" in shown
        assert f"Who waited longest ({title})" in shown
    assert shown.count("beyond the expected time") == 4


def test_seeds_are_together() -> None:
    made = sweep(seeds=[0, 1, 2])
    shown = text(made, found(made))
    assert shown.count("beyond the expected time") == 1
    assert requests(shown, "stock") == requests(shown, "qoe") == 3 * COUNT
    # The last of twelve waits twelve times as long as the first, most at the last seed.
    assert f" {COUNT * 7.0:.1f} " in shown.partition("Who waited longest")[2]


def test_points_that_failed_are_left_out() -> None:
    made: Any = sweep(seeds=[0, 1])
    results = found(made)
    del results[0], results[1], results[2]  # all of stock, and qoe of the first seed
    shown = text(made, results)
    assert requests(shown, "qoe") == COUNT
    assert "stock" not in shown
    assert text(made, {}) == ""
