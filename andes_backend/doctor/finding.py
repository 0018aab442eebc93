"""What the doctor finds: one thing at a time, how bad it is, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["BETTER", "OK", "PROBLEM", "Finding", "Level", "better", "ok", "problem", "status_of"]

Level = Literal["ok", "better", "problem"]
"""How bad a finding is: nothing to do, could be better, or will not work as it should."""

OK: Final = "ok"
BETTER: Final = "better"
PROBLEM: Final = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    """What it is about, in a word or two."""
    level: Level
    what: str
    """What was found, in one sentence."""
    why: str = ""
    """Why it matters, with figures; empty if that is plain."""
    do: str = ""
    """What to do about it, in one sentence; empty if there is nothing to do."""
    flags: str = ""
    """The words to add to the command line, or the command to run, ready to be copied."""


def ok(topic: str, what: str) -> Finding:
    """It is as it should be."""
    return Finding(topic=topic, level=OK, what=what)


def better(topic: str, what: str, *, why: str, do: str, flags: str = "") -> Finding:
    """It works, and would work better otherwise."""
    return Finding(topic=topic, level=BETTER, what=what, why=why, do=do, flags=flags)


def problem(topic: str, what: str, *, why: str = "", do: str, flags: str = "") -> Finding:
    """It does not work, or not with our scheduler."""
    return Finding(topic=topic, level=PROBLEM, what=what, why=why, do=do, flags=flags)


def status_of(findings: Iterable[Finding]) -> int:
    """An exit status: 1 if anything is a problem, else 0."""
    return int(any(finding.level == PROBLEM for finding in findings))
