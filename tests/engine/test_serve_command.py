import importlib.metadata
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, NoReturn

import pytest

from andes_backend.serve_command import server_command, server_plugins
from andes_client import cli

ANDES = [sys.executable, "-m", "andes_client"]


def test_the_server_is_vllms_with_our_scheduler() -> None:
    command = server_command("some/model", ["--port", "9000", "--enforce-eager"])
    assert command[1:] == [
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        "some/model",
        "--scheduler-cls",
        "andes_backend.AndesScheduler",
        "--additional-config",
        '{"andes": {}}',
        "--port",
        "9000",
        "--enforce-eager",
    ]


@pytest.mark.parametrize("option", ["--additional-config", "--additional_config"])
@pytest.mark.parametrize("joined", [True, False])
def test_additional_config_is_merged(option: str, joined: bool) -> None:
    value = '{"other": 1, "andes": {"horizon_s": 2}}'
    options = [f"{option}={value}"] if joined else [option, value]
    command = server_command("m", [*options, "--seed", "1"], policy="fcfs")
    merged = '{"other": 1, "andes": {"horizon_s": 2, "policy": "fcfs"}}'
    assert command[command.index("--additional-config") + 1] == merged
    assert command[-2:] == ["--seed", "1"]


def test_a_setting_is_passed_on_under_its_name_of_today() -> None:
    command = server_command("m", ["--additional-config", '{"andes": {"calm_reserve": 2}}'])
    assert '{"andes": {"admission_headroom": 2}}' in command


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scheduler-cls", "x.Y"], "`andes serve` sets --scheduler-cls itself"),
        (["--scheduler_cls=x.Y"], "`andes serve` sets --scheduler-cls itself"),
        (["--additional-config", "{"], "--additional-config is not valid JSON"),
        (["--additional-config", "[1]"], "must be a JSON object"),
        (["--additional-config", '{"andes": {"speed": 1}}'], "unknown setting andes.speed"),
        (["--additional-config", '{"andes": []}'], 'needs an object under "andes"'),
    ],
)
def test_a_contradiction_is_an_error(options: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        server_command("m", options)


def test_the_command_line_reports_it_without_a_traceback() -> None:
    ran = subprocess.run(
        [*ANDES, "serve", "m", "--scheduler-cls", "x.Y", "--policy", "qoe"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("andes serve: `andes serve` sets --scheduler-cls itself")


@pytest.mark.slow
def test_vllms_own_options_reach_vllm() -> None:
    """An option that vLLM does not know is refused by vLLM's own parser, not by ours."""
    ran = subprocess.run(
        [*ANDES, "serve", "m", "--no-such-option", "--policy", "qoe"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "unrecognized arguments: --no-such-option" in ran.stderr
    assert "api_server" in ran.stderr


ROUTES, GENERAL, PLATFORM = (
    f"vllm.{group}_plugins" for group in ("endpoint", "general", "platform")
)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """The plug-ins of the environment; a test adds to them."""
    found = [EntryPoint("andes", "us:register", GENERAL), EntryPoint("andes", "us:Route", ROUTES)]

    def entry_points(group: str) -> EntryPoints:
        return EntryPoints(one for one in found if one.group == group)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return found


def test_all_plugins_are_named_that_vllm_loads_anyhow(installed: list[EntryPoint]) -> None:
    """Or it would leave them out, as it names ours. Other people's routes remain closed."""
    installed += [
        EntryPoint("resolver", "other:resolve", GENERAL),
        EntryPoint("chip", "other:chip", PLATFORM),
        EntryPoint("chip", "other:chip", GENERAL),
        EntryPoint("admin", "other:Route", ROUTES),
        EntryPoint("unrelated", "other:f", "somebody.plugins"),
    ]
    assert server_plugins(None) == ("chip,resolver,andes", [])


def test_what_would_open_routes_of_others_is_named(installed: list[EntryPoint]) -> None:
    installed += [
        EntryPoint("both", "other:register", GENERAL),
        EntryPoint("both", "other:Route", ROUTES),
    ]
    assert server_plugins(None) == ("both,andes", ["both"])


@pytest.mark.parametrize(
    ("named", "then"),
    [("", "andes"), ("other", "other,andes"), ("andes", "andes"), ("andes,other", "andes,other")],
)
def test_ours_is_added_to_those_that_are_named(named: str, then: str) -> None:
    assert server_plugins(named) == (then, [])


class StartedError(Exception):
    """In the place of the server: its environment."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    def execve(path: str, command: list[str], environment: dict[str, str]) -> NoReturn:
        assert Path(path).samefile(command[0])
        raise StartedError(environment.get("VLLM_PLUGINS"))

    def start(named: str | None) -> str | None:
        if named is None:
            monkeypatch.delenv("VLLM_PLUGINS", raising=False)
        else:
            monkeypatch.setenv("VLLM_PLUGINS", named)
        with pytest.raises(StartedError) as caught:
            cli.main(["serve", "some/model"])
        plugins: str | None = caught.value.args[0]
        return plugins

    monkeypatch.setattr(os, "execve", execve)
    return start


def test_the_server_is_started_with_the_plugins(
    started: Any, installed: list[EntryPoint], capsys: pytest.CaptureFixture[str]
) -> None:
    installed.append(EntryPoint("resolver", "other:resolve", GENERAL))
    assert started(None) == "resolver,andes"
    assert started("mine") == "mine,andes"
    assert capsys.readouterr().err == ""


def test_no_route_of_others_is_opened_unasked(
    started: Any, installed: list[EntryPoint], capsys: pytest.CaptureFixture[str]
) -> None:
    installed += [EntryPoint("both", "other:f", group) for group in (GENERAL, ROUTES)]
    assert started(None) is None
    said = capsys.readouterr().err
    assert "andes serve: the server does not hear what readers report." in said
    assert "both would open HTTP routes then" in said
    assert "set VLLM_PLUGINS=both,andes" in said
    assert started("both,andes") == "both,andes"
