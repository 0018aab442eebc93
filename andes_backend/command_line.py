"""What the commands of this wing share: options of one kind, and how they are interrupted."""

import argparse
import contextlib
import re
import signal
from collections.abc import Iterator
from typing import Final

__all__ = [
    "INTERRUPTED",
    "checked_setting",
    "ended_like_ctrl_c",
    "number_or_word",
    "server_url",
    "setting_value",
]

INTERRUPTED: Final = 130
"""The exit status that a shell expects after Ctrl-C."""


def server_url(text: str) -> str:
    """An option's value: where a server is, without `/v1` and a slash at the end.

    Raises:
        argparse.ArgumentTypeError: it is no URL of a server.
    """
    url = text.rstrip("/").removesuffix("/v1")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL such as http://127.0.0.1:8000")
    return url


def setting_value(text: str) -> tuple[str, str]:
    """An option's value: NAME=VALUE[,VALUE...] of a setting of our scheduler; its two sides.

    Raises:
        argparse.ArgumentTypeError: it is not of that form, or there is no such setting to set.
    """
    from andes_backend.config import SETTINGS

    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or name not in SETTINGS:
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

    value = number_or_word(text)
    try:
        AndesConfig.from_mapping({name: value})
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


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """A polite kill (`timeout`, a CI job) ends us as Ctrl-C does: nothing stays behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
