import logging
from dataclasses import fields

import pytest

from andes_backend import AndesConfig
from andes_backend.setting_names import OLD_NAMES, UNNEEDED, current_names


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.mark.parametrize(("old", "new"), OLD_NAMES.items())
def test_an_old_name_sets_the_same_with_one_warning(
    old: str, new: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert AndesConfig.from_mapping({old: 0.75}) == AndesConfig.from_mapping({new: 0.75})
    said = warnings(caplog)[0]
    assert len(warnings(caplog)) == 2 if new in UNNEEDED else 1  # under either name
    expected = "still works, but is not needed" if new in UNNEEDED else f"is now called {new};"
    assert said.startswith(f"andes: the setting {old} {expected}")
    assert caplog.records[0].name == "vllm.andes"  # what vLLM shows


def test_each_old_name_has_a_warning_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"policy": "qoe", "calm_reserve": 2, "horizon_s": 9, "exchange_margin": 3}
    assert list(current_names(settings).items()) == [
        ("policy", "qoe"),
        ("admission_headroom", 2),
        ("horizon_s", 9),
        ("preemption_margin", 3),
    ]
    assert len(warnings(caplog)) == 2


def test_the_names_of_today_pass_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings = {one.name: 1 for one in fields(AndesConfig) if one.name not in UNNEEDED}
    assert current_names(settings) == settings
    assert current_names(dict.fromkeys(UNNEEDED)) == dict.fromkeys(UNNEEDED)  # not given
    assert not caplog.records


@pytest.mark.parametrize("old_first", [True, False])
@pytest.mark.parametrize(("old", "new"), OLD_NAMES.items())
def test_old_and_new_together_are_an_error_that_names_both(
    old: str, new: str, old_first: bool
) -> None:
    names = (old, new) if old_first else (new, old)
    with pytest.raises(
        ValueError, match=rf"andes\.{old} is the old name of andes\.{new}, and you give both"
    ):
        AndesConfig.from_mapping(dict.fromkeys(names, 1))


def test_old_names_lead_to_settings_and_hide_none() -> None:
    names = {one.name for one in fields(AndesConfig)}
    assert set(OLD_NAMES.values()) <= names
    assert not OLD_NAMES.keys() & names
