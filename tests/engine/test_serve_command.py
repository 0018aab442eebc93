import subprocess
import sys

import pytest

from andes_backend.serve_command import server_command

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
