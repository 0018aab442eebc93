"""The options that several commands of the twin have.

This module is loaded for every `andes` command: nothing heavy is imported at its top.
"""

import argparse

__all__ = ["policy_value"]


def policy_value(text: str) -> str:
    """The type of a policy's name: one of the twin's.

    Raises:
        argparse.ArgumentTypeError: there is no such policy.
    """
    from andes_backend.lab.twin.setup import POLICIES

    if text not in POLICIES:
        raise argparse.ArgumentTypeError(
            f"unknown policy {text!r}; the policies are: {', '.join(POLICIES)}"
        )
    return text
