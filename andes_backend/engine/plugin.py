"""What a server with this package installed does before it starts: vLLM's plug-in entry point.

vLLM loads it in every process. It changes nothing but how a server's configuration is made:

- `ANDES_ENABLE=1` in the environment is as good as `--scheduler-cls`;
- `ANDES_SETTINGS='{"policy": "qoe"}'` is as good as `--additional-config`, which wins;
- if the server uses our scheduler, the plug-in makes the front end show its metrics, and refuse
  invalid hints if the settings say so.

This relies on vLLM, 0.29 to 0.33 alike: it loads the entry-point group `vllm.general_plugins` when
it makes an `EngineArgs`, which is before `create_engine_config`; and every server, started by
`vllm serve` or from Python, makes its configuration with that method.
"""

import json
import os
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.engine.wrap import wrap
from andes_backend.setting_names import current_names

__all__ = [
    "ENABLE",
    "NAME",
    "SETTINGS",
    "is_loaded",
    "is_ours",
    "log",
    "prepare_front_end",
    "register",
]

NAME: Final = "andes"
"""The plug-in's name, for vLLM's own VLLM_PLUGINS."""

ENABLE: Final = "ANDES_ENABLE"
"""The environment variable that asks for our scheduler."""

SETTINGS: Final = "ANDES_SETTINGS"
"""The environment variable with settings: a JSON object, as under "andes" in
`--additional-config`."""

_SCHEDULER: Final = "andes_backend.AndesScheduler"
_HOME: Final = "andes_backend.engine.scheduler"
_loaded = False


def register() -> None:
    """The entry point; a second call changes nothing.

    A server that does not ask for our scheduler is configured as without it.
    """
    global _loaded
    from vllm.engine.arg_utils import EngineArgs

    wrap(EngineArgs, "create_engine_config", _configuring)
    _loaded = True


def is_loaded() -> bool:
    """Whether vLLM has loaded the plug-in in this process."""
    return _loaded


def _configuring(make: Callable[..., Any]) -> Callable[..., Any]:
    def create_engine_config(self: Any, *args: Any, **kwargs: Any) -> Any:
        _enable(self)
        ours = is_ours(self.scheduler_cls)
        if ours:
            self.additional_config = _with_settings(self.additional_config)
        config = make(self, *args, **kwargs)
        if ours:
            prepare_front_end(config.additional_config)
        return config

    return create_engine_config


def _enable(arguments: Any) -> None:
    """Ask for our scheduler where the environment does and no flag asks for another.

    Raises:
        ValueError: the variable is neither 0 nor 1.
    """
    wanted = os.environ.get(ENABLE, "")
    if wanted not in ("", "0", "1"):
        raise ValueError(f"{ENABLE} must be 1 or 0 (or not be set), not {wanted!r}")
    if wanted != "1":
        return
    if arguments.scheduler_cls is None:
        arguments.scheduler_cls = _SCHEDULER
    elif not is_ours(arguments.scheduler_cls):
        log().warning(
            "andes: --scheduler-cls %s wins over %s=1: this server runs without our scheduler. "
            "Drop the flag to use ours.",
            arguments.scheduler_cls,
            ENABLE,
        )


def is_ours(scheduler: Any) -> bool:
    """Whether this value of `--scheduler-cls` is our scheduler or derived from it."""
    if isinstance(scheduler, str):
        if scheduler == _SCHEDULER or scheduler.startswith("vllm."):
            return scheduler == _SCHEDULER
        try:
            scheduler = pkgutil.resolve_name(scheduler)
        except Exception:  # the engine core will report what is wrong with it
            return False
    # By name: a server with another scheduler must not even import ours.
    return any(base.__module__ == _HOME for base in getattr(scheduler, "__mro__", ()))


def _with_settings(additional: Any) -> Any:
    """The additional config, with the settings of the environment below its own.

    All have their names of today, so that no other process warns of an old name again.

    Raises:
        ValueError: the variable is not a JSON object, or a setting is wrong.
    """
    if not isinstance(additional, Mapping):
        return additional
    settings, flag = _of_environment(), additional.get(NAME)
    if isinstance(flag, Mapping):
        flag = current_names(flag)
    if settings is None:
        return additional if flag is None else {**additional, NAME: flag}
    flag = flag or {}
    AndesConfig.from_mapping(flag)  # report its errors first
    both = sorted(name for name in settings if name in flag and settings[name] != flag[name])
    log().info_once(
        "andes: settings from %s: %s%s",
        SETTINGS,
        ", ".join(settings) or "none",
        f"; --additional-config wins for {', '.join(both)}" if both else "",
    )
    return {**additional, NAME: {**settings, **flag}}


def _of_environment() -> dict[str, Any] | None:
    """The settings in the environment, checked; None if it has none.

    Raises:
        ValueError: they are not a JSON object, or one of them is wrong.
    """
    text = os.environ.get(SETTINGS, "").strip()
    if not text:
        return None
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{SETTINGS} is not valid JSON ({error}): {text!r}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"{SETTINGS} must be a JSON object, not {text!r}")
    try:
        settings = current_names(settings)
        AndesConfig.from_mapping(settings)
    except ValueError as error:
        raise ValueError(f"{SETTINGS}: {error}") from None
    return settings


def prepare_front_end(additional: Any) -> None:
    """Metrics, and the refusal of bad hints, in this process; a second call changes nothing.

    Args:
        additional: vLLM's `additional_config`, with our settings under "andes".

    Raises:
        ValueError: a setting is wrong.
    """
    settings = AndesConfig.from_mapping(
        additional.get(NAME) if isinstance(additional, Mapping) else None
    )
    from andes_backend.engine.metrics import receive_news

    receive_news()
    if settings.bad_hints == "refuse":
        from andes_backend.engine.hints import refuse_bad_hints

        refuse_bad_hints()


def log() -> Any:
    """Where we write from processes that may not import our scheduler."""
    from vllm.logger import init_logger

    return init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown
