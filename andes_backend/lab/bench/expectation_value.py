"""The type of `--expectation`: what all readers of a run are taken to expect.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from andes_client.expectation import Expectation

__all__ = ["EXPECTATIONS", "expectation_value"]

EXPECTATIONS: Final = "reading, speaking, program, or tokens/s"
"""What the option takes, for its help."""


def expectation_value(text: str) -> "Expectation":
    """`reading` (4.8 tokens/s), `speaking` (3.3), `program`, or a number of tokens/s.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    from andes_client.expectation import SPEAKING_TDS, Expectation, reading

    presets = {
        "reading": reading(),
        "speaking": Expectation(1.0, SPEAKING_TDS),
        "program": Expectation.program(),
    }
    if text in presets:
        return presets[text]
    try:
        return Expectation(1.0, _number(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be reading, speaking, program, or tokens/s above 0, as in 4.8"
        ) from None


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a program is named as such")
    return value
