"""The pictures: they are there, and they show what they should."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.twin.measure import Detail, Measured
from andes_backend.lab.twin.sweep import sweep_plot, workload_plots
from andes_backend.lab.twin.sweep.points import Sweep
from tests.lab.twin.made_results import COUNT, measured, sweep


def is_picture(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG\r\n") and path.stat().st_size > 10_000


def results(made: Sweep) -> dict[int, Measured]:
    return {point.index: measured(0.5 * (1 + point.index % 5)) for point in made.points()}


def details(**late_s: float) -> dict[str, Detail]:
    found = {policy: measured(late).detail for policy, late in late_s.items()}
    return {policy: detail for policy, detail in found.items() if detail is not None}


def test_qoe_against_the_rate(tmp_path: Path) -> None:
    made = sweep(rates=[2.0, 3.0, 4.0], seeds=[0, 1])
    assert sweep_plot.plot_sweep(made, results(made), tmp_path / "qoe.png") == ""
    assert is_picture(tmp_path / "qoe.png")


def test_any_axis_will_do(tmp_path: Path) -> None:
    for axes in (
        {"kv_tokens": [40_000, 59_000]},
        {"arrivals": ["poisson", "gamma:cv=3.0"]},
        {"prefix_caching": [True, False]},
        {"kv_restore_gb_s": [None, 20.0]},
        {"settings": {"horizon_s": [2, 4]}},
        {"policies": ["stock", "a-policy-of-tomorrow"], "rates": [1.0, 2.0]},
    ):
        made = sweep(**{**axes, "policies": ["stock", "qoe"]})
        path = tmp_path / f"{next(iter(axes))}.png"
        assert sweep_plot.plot_sweep(made, results(made), path) == ""
        assert is_picture(path)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["poisson", "gamma:cv=3.0"], ["poisson", "gamma\ncv=3.0"]),
        (["duty:a=1,b=2,c=3", "duty:a=2,b=2,c=4"], ["a=1\nc=3", "a=2\nc=4"]),
        (["on", "off"], ["on", "off"]),
    ],
)
def test_long_names_show_what_tells_them_apart(
    names: list[str], shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(sweep_plot, "save", lambda figure, *_: figures.append(figure))
    made = sweep(arrivals=names)
    sweep_plot.plot_sweep(made, results(made), tmp_path / "qoe.png")
    ticks = [label.get_text() for label in figures[0].axes[0].get_xticklabels()]
    assert ticks == shown


def test_points_that_failed_are_left_out(tmp_path: Path) -> None:
    made = sweep(rates=[2.0, 3.0])
    found = results(made)
    del found[0], found[2]  # all of stock
    sweep_plot.plot_sweep(made, found, tmp_path / "qoe.png")
    assert is_picture(tmp_path / "qoe.png")


def test_one_cell_with_several_seeds_has_its_policies_side_by_side(tmp_path: Path) -> None:
    made = sweep(seeds=[0, 1, 2])
    found = results(made)
    del found[0], found[2], found[4]  # all of stock
    assert sweep_plot.plot_sweep(made, found, tmp_path / "qoe.png") == ""
    assert is_picture(tmp_path / "qoe.png")


def test_one_workload_has_no_such_picture(tmp_path: Path) -> None:
    made = sweep(seeds=[0])
    assert sweep_plot.plot_sweep(made, results(made), tmp_path / "qoe.png") == ""
    assert not (tmp_path / "qoe.png").exists()


@pytest.mark.slow
def test_what_a_picture_has_no_room_for_is_said(tmp_path: Path) -> None:
    made = sweep(rates=[2.0, 3.0], kv_tokens=list(range(30_000, 44_000, 1_000)))
    remark = sweep_plot.plot_sweep(made, results(made), tmp_path / "qoe.png")
    assert remark == "qoe.png shows the first 12 combinations, not 2 more"


@pytest.mark.parametrize("late_s", [{"stock": 4.0, "qoe": 0.1}, {"qoe": 0.0}])
def test_a_workload_in_detail(tmp_path: Path, late_s: dict[str, float]) -> None:
    shown = details(**late_s)
    workload_plots.plot_distributions(shown, "a workload", tmp_path / "distributions.png")
    workload_plots.plot_request(shown, 3, "a workload", tmp_path / "request.png")
    workload_plots.plot_state(shown, "a workload", tmp_path / "state.png")
    assert len(list(tmp_path.iterdir())) == 3
    assert all(is_picture(path) for path in tmp_path.iterdir())


def test_a_workload_without_a_single_token(tmp_path: Path) -> None:
    detail = details(stock=1.0)["stock"]
    failed = tuple(dataclasses.replace(o, times=(), error="broken") for o in detail.outcomes)
    shown = {"stock": dataclasses.replace(detail, outcomes=failed)}
    workload_plots.plot_distributions(shown, "a workload", tmp_path / "distributions.png")
    workload_plots.plot_request(shown, 0, "a workload", tmp_path / "request.png")
    assert all(is_picture(path) for path in tmp_path.iterdir())


def test_the_telling_request_has_the_median_difference() -> None:
    shown = details(stock=4.0, qoe=0.0, fcfs=3.0)
    index = workload_plots.telling_request(shown)
    drops = [
        abs(one.qoe - other.qoe)
        for one, other in zip(shown["stock"].outcomes, shown["qoe"].outcomes, strict=True)
    ]
    assert sorted(drops)[(COUNT - 1) // 2] == drops[index]


def test_of_requests_served_alike_it_is_the_median_one() -> None:
    shown = details(stock=2.0, qoe=2.0)
    served = [outcome.qoe for outcome in shown["stock"].outcomes]
    assert served[workload_plots.telling_request(shown)] == sorted(served)[(COUNT - 1) // 2]
