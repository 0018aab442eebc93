"""What is kept of a plan: read back, added to, and refused where it does not fit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.plan.picture import draw
from andes_backend.lab.plan.spec import Goal
from andes_backend.lab.plan.store import Store
from andes_backend.lab.report.run import Run, Summary, summarise
from andes_backend.lab.report.waits import waits
from andes_backend.lab.twin.measure import Measured
from andes_backend.profile import load_profile
from tests.lab.plan.made_plans import spec

PNG = b"\x89PNG"


def measured(qoe: float, p10: float = 0.5) -> Measured:
    summary: Summary = replace(summarise(Run("qoe", {}, (), 0)), qoe_mean=qoe, qoe_p10=p10)
    return Measured(
        summary=summary, waits=waits(()), steps=7, preemptions=1, wall_s=0.1, detail=None
    )


def filled(folder: Path, **more: Any) -> Store:
    asked = spec(**more)
    store = Store(asked, folder)
    for rate, qoe in ((3.0, 0.95), (4.0, 0.85)):
        store.add(asked.point(store.next_index(), "qoe", 0, rate), measured(qoe))
    store.add(asked.point(store.next_index(), "stock", 1, 2.0), "RuntimeError: no")
    return store


def test_points_are_read_back_to_the_last_digit(tmp_path: Path) -> None:
    before = filled(tmp_path)
    after = Store(spec(seeds=range(9), demand=5.0, goal=Goal(qoe=0.8)), tmp_path)
    assert after.summaries("qoe", 0) == before.summaries("qoe", 0)
    assert before.margins("qoe", 0) == pytest.approx({3.0: 0.05, 4.0: -0.05})
    assert after.margins("qoe", 0) == pytest.approx({3.0: 0.15, 4.0: 0.05})
    assert after.next_index() == 3


def test_files_from_before_have_another_name_for_the_attainment(tmp_path: Path) -> None:
    before = filled(tmp_path)
    file = tmp_path / "results.jsonl"
    assert '"attainment"' in file.read_text()
    file.write_text(file.read_text().replace('"attainment"', '"served_well"'))
    assert Store(spec(), tmp_path).summaries("qoe", 0) == before.summaries("qoe", 0)


def test_a_point_that_failed_is_run_again(tmp_path: Path) -> None:
    filled(tmp_path)
    assert not Store(spec(), tmp_path).margins("stock", 1)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            {"profile": replace(load_profile("opt-66b-4xa100"), kv_tokens=50_000)},
            r"profile \(kv_tokens\)",
        ),
        ({"workload": {"lengths": "fixed", "minutes": 9.0}}, r"workload \(minutes\)"),
    ],
)
def test_points_of_another_basis_are_not_mixed_in(
    more: dict[str, Any], named: str, tmp_path: Path
) -> None:
    filled(tmp_path)
    with pytest.raises(SpecError, match=f"has points of another {named}: give its options"):
        Store(spec(**more), tmp_path)


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    filled(tmp_path)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"point": 9, "sea')
    with pytest.raises(ValueError, match=r"results\.jsonl, line 4: not valid JSON"):
        Store(spec(), tmp_path)


def test_the_command_is_in_the_file(tmp_path: Path) -> None:
    filled(tmp_path)
    about = json.loads((tmp_path / "plan.json").read_text(), parse_constant=pytest.fail)
    assert about["command"] == ["andes", "plan"]
    assert about["basis"]["profile"]["gpus"] == 4


@pytest.mark.parametrize("goal", [Goal(), Goal(p10=0.4)])
def test_a_picture_can_be_drawn_of_whatever_is_there(goal: Goal, tmp_path: Path) -> None:
    from tests.lab.plan.made_plans import reach

    asked = spec(goal=goal)
    store = filled(tmp_path, goal=goal)
    path = tmp_path / "plan.png"
    for reaches in ([reach("stock"), reach("qoe", 3.5)], [reach("stock", 2.0, 2.1), reach("qoe")]):
        draw(asked, store, reaches, path)
        assert path.read_bytes().startswith(PNG)
