"""Types of options that more than one command has. Each raises argparse.ArgumentTypeError.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

__all__ = [
    "checked_setting",
    "finite_number",
    "jitter_value",
    "list_of",
    "number_or_word",
    "setting_value",
]

Made = TypeVar("Made")


def list_of(kind: Callable[[str], Made]) -> Callable[[str], tuple[Made, ...]]:
    """The type of an option that takes values with commas between them, none of them twice."""

    def values(text: str) -> tuple[Made, ...]:
        made = tuple(kind(part.strip()) for part in text.split(","))
        for value in made:
            if made.count(value) > 1:
                raise argparse.ArgumentTypeError(f"{_shown(value)} is given twice in {text!r}")
        return made

    return values


def _shown(value: object) -> str:
    """As one would type it."""
    if isinstance(value, bool) or value is None:
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def finite_number(text: str) -> float:
    """A finite number; whether it makes sense is checked with the rest of the spec."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number")
    return value


def jitter_value(text: str) -> tuple[float, float]:
    """Milliseconds as `50-500`; in seconds."""
    least, dash, most = text.partition("-")
    if not dash:
        raise argparse.ArgumentTypeError(f"{text!r} must be FROM-TO in milliseconds, as in 50-500")
    return finite_number(least) / 1e3, finite_number(most) / 1e3


def setting_value(text: str) -> tuple[str, str]:
    """An option's value: NAME=VALUE[,VALUE...] of a setting of our scheduler; its two sides.

    The name may be one that the setting had before, see `setting_names`.

    Raises:
        argparse.ArgumentTypeError: it is not of that form, or there is no such setting to set.
    """
    from andes_backend.config import SETTINGS
    from andes_backend.setting_names import OLD_NAMES

    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or name not in (*SETTINGS, *OLD_NAMES):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be NAME=VALUE with one of the settings {', '.join(SETTINGS)}"
        )
    return name, values


def checked_setting(name: str, text: str) -> int | float | str:
    """The value of a setting, as it was typed.

    Raises:
        argparse.ArgumentTypeError: our scheduler would refuse it.
    """
    from andes_backend.config import AndesConfig
    from andes_backend.setting_names import OLD_NAMES

    value = number_or_word(text)
    try:
        AndesConfig.from_mapping({OLD_NAMES.get(name, name): value})
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value


def number_or_word(text: str) -> int | float | str:
    """A number if it is one: whole if it is written so; and true or false."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
