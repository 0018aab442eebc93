"""What flags of `vllm serve` mean for our scheduler, as vLLM itself reads them."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.doctor.examine import Examined
from andes_backend.doctor.finding import Finding, ok, problem
from andes_backend.doctor.performance import check_performance
from andes_backend.doctor.served import Served
from andes_backend.engine.plugin import ENABLE, NAME, SETTINGS
from andes_backend.setting_names import current_names

__all__ = ["SCHEDULER", "check_flags", "without_command"]

SCHEDULER: Final = "andes_backend.AndesScheduler"
"""What `--scheduler-cls` should be."""

_FLAG: Final = f"--scheduler-cls {SCHEDULER}"
_LONGEST: Final = 300  # characters of what vLLM says


def without_command(words: Sequence[str]) -> list[str]:
    """The flags alone, from a command line that may begin with `--` or `vllm serve`."""
    rest = list(words)
    if rest[:1] == ["--"]:
        rest = rest[1:]
    return rest[2:] if rest[:2] == ["vllm", "serve"] else rest


def check_flags(examined: Examined | None) -> Iterator[Finding]:
    """Findings about the flags that vLLM was given.

    Args:
        examined: what another process found with them; None if there is no vLLM.
    """
    parsed = examined.get("flags") if examined is not None else None
    if examined is None or parsed is None:
        yield _not_taken(examined)
        return
    served = Served(parsed, examined.get("resolved") or {}, examined.get("vllm") or {})
    refused = _plain(examined.error("resolved"))
    yield from _understood(served, refused)
    yield _scheduler(served)
    yield from _settings(served, refused)
    yield from check_performance(served)


def _not_taken(examined: Examined | None) -> Finding:
    machine = None if examined is None else examined.get("vllm")
    if examined is None or machine is None:
        why, do = "vLLM does not work here", "See above."
    elif not machine["platform"]:
        why, do = "vLLM finds no device", "Run this on the machine that will serve."
    else:
        return problem(
            "flags",
            f"vLLM does not accept these flags: {_plain(examined.error('flags'))}",
            do="`vllm serve --help=all` shows all options, `vllm serve --help=NAME` one.",
        )
    return problem("flags", f"The doctor could not check them: {why}.", do=do)


def _understood(served: Served, error: str) -> Iterator[Finding]:
    model = served["model"]
    if not error:
        yield ok("flags", f"vLLM accepts them, for {model}")
    elif error.startswith("OSError"):
        yield ok(
            "flags",
            f"vLLM accepts them; {model} is not on this machine and the doctor downloads "
            "nothing, so it did not check what vLLM decides by the model",
        )
    elif not _is_ours(error):
        yield problem(
            "flags",
            f"vLLM would not start with them: {error}",
            do="Change the flag that it names.",
        )


def _plain(error: str | None) -> str:
    """An error without what only programmers need; empty if there is none."""
    text = (error or "").removeprefix("ValueError: ").removeprefix("Value error, ")
    return textwrap.shorten(text, _LONGEST, placeholder=" ...")


def _scheduler(served: Served) -> Finding:
    name = served["scheduler_cls"]
    if name is not None and str(name).startswith("andes_backend."):
        given = served.parsed["scheduler_cls"] is not None
        return ok("scheduler", "ours" if given else f"ours, because {ENABLE}=1 is set")
    if name is None and served.environment.get(ENABLE) == "1":
        return ok("scheduler", f"ours, because {ENABLE}=1 is set")
    if name is not None:
        return problem(
            "scheduler",
            f"--scheduler-cls is {name}, not ours.",
            why=f"A server has one scheduler, and the flag wins over {ENABLE}=1.",
            do="Replace it.",
            flags=_FLAG,
        )
    return problem(
        "scheduler",
        f"This would be stock vLLM: there is neither --scheduler-cls nor {ENABLE}=1.",
        do=f"Add the flag, or set {ENABLE}=1 in the server's environment.",
        flags=_FLAG,
    )


def _settings(served: Served, refused: str) -> Iterator[Finding]:
    from andes_backend.policy import make_policy

    try:
        if _is_ours(refused):
            raise ValueError(refused)
        settings = _given_settings(served)
        config = AndesConfig.from_mapping(settings)
        make_policy(config)
    except ValueError as error:
        yield problem(
            "settings",
            f"{error}.",
            why="The server would refuse to start with this message.",
            do="Correct it; docs/operator.md lists all settings.",
        )
        return
    changed = ", ".join(f"{name} = {value}" for name, value in (settings or {}).items())
    yield ok("settings", changed or f"all at their defaults (policy = {config.policy})")
    if served["scheduling_policy"] == "priority" and config.policy != "fcfs":
        yield problem(
            "settings",
            f"--scheduling-policy priority and andes.policy {config.policy!r} both order the "
            "queue.",
            why="The server would refuse to start.",
            do="Drop --scheduling-policy priority, or keep vLLM's order.",
            flags='--additional-config \'{"andes": {"policy": "fcfs"}}\'',
        )


def _given_settings(served: Served) -> Any:
    """Our settings, of the environment and of the flag, which wins."""
    additional = served["additional_config"]
    settings = additional.get(NAME) if isinstance(additional, Mapping) else None
    if isinstance(settings, Mapping):
        settings = current_names(settings)
    below = served.environment.get(SETTINGS, "").strip()
    if served.resolved or not below:  # the plug-in has merged them, or there are none to merge
        return settings
    return {**current_names(json.loads(below)), **(settings or {})}


def _is_ours(error: str) -> bool:
    """Whether what vLLM refused are our settings."""
    return NAME in error.lower()
