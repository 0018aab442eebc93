"""Settings that were renamed or are not needed any more: they still work, and the log says so."""

import logging
from collections.abc import Mapping
from typing import Final, TypeVar

__all__ = ["OLD_NAMES", "UNNEEDED", "current_names"]

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

UNNEEDED: Final[Mapping[str, str]] = {
    "preemption_margin": "the policy qoe learns what a preemption costs",
}
"""Settings that go in the next release -> why nobody needs them."""


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
        if current != name and current in settings:
            raise ValueError(
                f"andes.{name} is the old name of andes.{current}, and you give both: drop {name}"
            )
        if current in UNNEEDED and value is not None:
            _log.warning(
                "andes: the setting %s still works, but is not needed any more (%s): drop it, as "
                "the next release will refuse it",
                name,
                UNNEEDED[current],
            )
        elif current != name:
            _log.warning(
                "andes: the setting %s is now called %s; the old name still works, but a later "
                "release will refuse it",
                name,
                current,
            )
        renamed[current] = value
    return renamed
