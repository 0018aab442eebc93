"""Renamed settings: the old name still works, and the log says so."""

import logging
from collections.abc import Mapping
from typing import Final, TypeVar

__all__ = ["OLD_NAMES", "current_names"]

Value = TypeVar("Value")

_log = logging.getLogger("vllm.andes")  # a child of vLLM's logger: `vllm serve` shows it

OLD_NAMES: Final[Mapping[str, str]] = {
    "exchange_margin": "preemption_margin",
    "overdue_share": "overdue_kv_share",
    "max_wait_s": "overdue_after_s",
    "growth_reserve": "decode_headroom",
    "calm_reserve": "admission_headroom",
}
"""Old name of a setting -> its name now."""


def current_names(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The settings, each under its current name; logs a warning for each old name.

    Args:
        settings: names, old or new, to values.

    Raises:
        ValueError: a setting is given under both of its names.
    """
    renamed: dict[str, Value] = {}
    for name, value in settings.items():
        current = OLD_NAMES.get(name, name)
        if current != name:
            if current in settings:
                raise ValueError(
                    f"andes.{name} is the old name of andes.{current}, and you give both: "
                    f"drop {name}"
                )
            _log.warning(
                "andes: the setting %s is now called %s; the old name still works, but a later "
                "release will refuse it",
                name,
                current,
            )
        renamed[current] = value
    return renamed
