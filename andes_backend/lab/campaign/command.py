"""How a campaign's command starts, and how it ends if it cannot.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import importlib.util
import sys
from collections.abc import Callable
from typing import Final

__all__ = ["has_vllm", "run_command"]

_USAGE: Final = 2  # what argparse ends with, too
_WITHOUT_VLLM: Final = (
    "vLLM is not installed, and this command runs vLLM's scheduler. "
    "docs/installing-vllm.md says how to install it."
)


def has_vllm() -> bool:
    """Whether there is a module `vllm` at all; it is not imported."""
    return importlib.util.find_spec("vllm") is not None


def run_command(
    name: str, prepare: Callable[[], Callable[[], int]], *, without_vllm: str = _WITHOUT_VLLM
) -> int:
    """Check what was asked for, then run it; a user's mistake is one line on standard error.

    Args:
        name: of the command, without `andes`.
        prepare: makes and checks the spec, and returns what runs it. An OSError or ValueError
            that it raises says what is wrong with the spec; one raised later is a fault of ours
            or of the machine, and keeps its traceback.
        without_vllm: what to say where vLLM is missing.

    Returns:
        An exit status: that of the run; 1 without vLLM; 2 if the spec is wrong.
    """
    if not has_vllm():
        print(f"andes {name}: {without_vllm}", file=sys.stderr)
        return 1
    try:
        run = prepare()
    except (OSError, ValueError) as error:
        print(f"andes {name}: {error}", file=sys.stderr)
        return _USAGE
    return run()
