"""The entry point: a server without flags is ours where its environment asks for it."""

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.core.sched.async_scheduler import AsyncScheduler

from andes_backend.engine import plugin
from andes_backend.engine.endpoint import ReportsEndpoint
from andes_backend.engine.scheduler import AndesScheduler
from tests import forked
from tests.engine.real_scheduler import engine_config

OURS = "andes_backend.AndesScheduler"


class Derived(AndesScheduler):
    """Somebody's own variant of ours."""


class Foreign(AsyncScheduler):
    """Somebody's own scheduler."""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (plugin.ENABLE, plugin.SETTINGS):
        monkeypatch.delenv(name, raising=False)


def test_vllm_finds_and_loads_it() -> None:
    (found,) = [p for p in entry_points(group="vllm.general_plugins") if p.name == plugin.NAME]
    assert found.load() is plugin.register
    EngineArgs(model="none")  # vLLM loads its plug-ins when it is told what to serve
    assert plugin.is_loaded()


def test_vllm_finds_the_route() -> None:
    (found,) = [p for p in entry_points(group="vllm.endpoint_plugins") if p.name == plugin.NAME]
    assert found.load() is ReportsEndpoint


def test_loading_it_again_changes_nothing() -> None:
    plugin.register()
    once = EngineArgs.create_engine_config
    plugin.register()
    assert EngineArgs.create_engine_config is once


@pytest.mark.parametrize("value", [None, "", "0"])
def test_a_server_that_does_not_ask_is_left_alone(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv(plugin.ENABLE, value)
    monkeypatch.setenv(plugin.SETTINGS, "{is not even looked at")
    config = engine_config(tiny_model)
    assert config.scheduler_config.scheduler_cls is None
    assert config.additional_config == {}


def test_the_environment_is_as_good_as_the_flag(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(plugin.ENABLE, "1")
    config = engine_config(tiny_model)
    assert config.scheduler_config.scheduler_cls == OURS
    assert config.scheduler_config.get_scheduler_cls() is AndesScheduler
    by_flag = engine_config(tiny_model, scheduler_cls=OURS).scheduler_config
    assert config.scheduler_config == by_flag


@pytest.mark.parametrize("flag", [OURS, Derived, f"{__name__}.Derived"])
def test_ours_by_the_flag_is_as_it_says(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, flag: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(plugin.ENABLE, "1")
    monkeypatch.setenv(plugin.SETTINGS, '{"policy": "fcfs"}')
    config = engine_config(tiny_model, scheduler_cls=flag)
    assert config.scheduler_config.scheduler_cls == flag
    assert config.additional_config == {"andes": {"policy": "fcfs"}}
    assert not [r for r in caplog.records if "wins over" in r.getMessage()]


@pytest.mark.parametrize("flag", [Foreign, f"{__name__}.Foreign", "no.such.Scheduler"])
def test_another_scheduler_wins_with_a_warning(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, flag: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(plugin.ENABLE, "1")
    monkeypatch.setenv(plugin.SETTINGS, '{"policy": "fcfs"}')
    config = engine_config(tiny_model, scheduler_cls=flag)
    assert config.scheduler_config.scheduler_cls == flag
    assert config.additional_config == {}
    (warning,) = [r.getMessage() for r in caplog.records if "wins over" in r.getMessage()]
    assert "without our scheduler. Drop the flag" in warning


def test_the_flags_settings_win_over_the_environments(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"policy": "fcfs", "default_tds": 3.3, "horizon_s": 2.0}
    monkeypatch.setenv(plugin.SETTINGS, json.dumps(settings))
    additional = {"andes": {"policy": "qoe", "horizon_s": 2.0}, "other": 1}
    config = engine_config(tiny_model, scheduler_cls=OURS, additional_config=additional)
    assert config.additional_config == {
        "andes": {"policy": "qoe", "default_tds": 3.3, "horizon_s": 2.0},
        "other": 1,
    }
    (line,) = [r.getMessage() for r in caplog.records if "ANDES_SETTINGS" in r.getMessage()]
    assert "policy, default_tds, horizon_s; --additional-config wins for policy" in line
    assert additional == {"andes": {"policy": "qoe", "horizon_s": 2.0}, "other": 1}


def old_names(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if "is now called" in r.getMessage()]


def test_an_old_name_is_replaced_for_all_processes_with_one_warning(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    additional = {"andes": {"max_wait_s": 20, "horizon_s": 2.0}, "other": 1}
    config = engine_config(tiny_model, scheduler_cls=OURS, additional_config=additional)
    assert config.additional_config == {
        "andes": {"overdue_after_s": 20, "horizon_s": 2.0},
        "other": 1,
    }
    (warning,) = old_names(caplog)
    assert warning.startswith("andes: the setting max_wait_s is now called overdue_after_s")


@pytest.mark.parametrize(
    ("below", "above"),
    [("calm_reserve", "admission_headroom"), ("admission_headroom", "calm_reserve")],
)
def test_the_flag_wins_under_either_name(
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    below: str,
    above: str,
) -> None:
    monkeypatch.setenv(plugin.SETTINGS, json.dumps({below: 3}))
    additional = {"andes": {above: 2}}
    config = engine_config(tiny_model, scheduler_cls=OURS, additional_config=additional)
    assert config.additional_config == {"andes": {"admission_headroom": 2}}
    assert len(old_names(caplog)) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (plugin.ENABLE, "yes", "ANDES_ENABLE must be 1 or 0"),
        (plugin.SETTINGS, "{", "ANDES_SETTINGS is not valid JSON"),
        (plugin.SETTINGS, "[1]", "ANDES_SETTINGS must be a JSON object"),
        (plugin.SETTINGS, '{"polcy": "qoe"}', "ANDES_SETTINGS: unknown setting andes.polcy"),
        (plugin.SETTINGS, '{"bad_hints": "drop"}', "andes.bad_hints must be ignore or refuse"),
        (
            plugin.SETTINGS,
            '{"max_wait_s": 3, "overdue_after_s": 3}',
            "andes.max_wait_s is the old name of andes.overdue_after_s, and you give both",
        ),
    ],
)
def test_what_makes_no_sense_is_an_error_before_the_model_is_loaded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(plugin.ENABLE, "1")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        engine_config(tiny_model)


def test_a_wrong_flag_is_an_error_before_the_model_is_loaded(tiny_model: Path) -> None:
    additional = {"andes": {"default_tds": "slow"}}
    with pytest.raises(ValueError, match=r"andes\.default_tds must be a number"):
        engine_config(tiny_model, scheduler_cls=OURS, additional_config=additional)


def test_a_stock_server_does_not_even_import_the_scheduler(tiny_model: Path) -> None:
    program = f"""
import sys
from vllm.engine.arg_utils import EngineArgs
made = EngineArgs(model={str(tiny_model)!r}, skip_tokenizer_init=True).create_engine_config()
assert made.scheduler_config.scheduler_cls is None
loaded = {{name for name in sys.modules if name.startswith("andes_backend.engine")}}
wanted = {{"andes_backend.engine", "andes_backend.engine.plugin", "andes_backend.engine.wrap"}}
assert loaded == wanted, loaded
"""
    done = forked.run([sys.executable, "-c", program])
    assert done.returncode == 0, done.stderr
