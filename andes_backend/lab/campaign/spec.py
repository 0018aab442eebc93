"""What a person asked for: the part that every campaign has, and the error that all share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Spec", "SpecError"]


class SpecError(ValueError):
    """A spec that cannot be carried out; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Where a campaign comes from, where it goes, and how wide it runs."""

    command: Sequence[str] = ()
    """The command line, for the files."""
    out: Path = Path("results")
    """Results go to a directory of their own below this one."""
    jobs: int = 1
    """Processes."""
