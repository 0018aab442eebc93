"""The findings as text for a person, or as JSON for a program."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding, Level
from andes_client.terminal_text import displayable

__all__ = ["as_json", "as_text"]

_INDENT: Final = " " * 10
_COLOURS: Final[Mapping[Level, str]] = {OK: "32", BETTER: "33", PROBLEM: "1;31"}
_WIDEST: Final = 100

Sections = Mapping[str, Sequence[Finding]]


def as_text(sections: Sections, *, width: int = 80, colours: bool = False) -> str:
    """Findings by section, wrapped; text to copy stays unbroken on its own line.

    Args:
        sections: heading -> what was found.
        width: columns of the terminal.
        colours: whether to colour the levels, by ANSI codes.
    """
    width = min(width, _WIDEST)
    lines: list[str] = []
    for heading, findings in sections.items():
        lines += [heading, ""]
        for finding in findings:
            lines += _finding(_displayable(finding), width, colours)
        lines.append("")
    return "\n".join([*lines, _verdict(sections)])


def as_json(sections: Sections) -> str:
    """The same for programs: `problems`, `better` and the list `findings`."""
    findings = [
        {"section": heading, **asdict(finding)}
        for heading, found in sections.items()
        for finding in found
    ]
    counts = {name: sum(f["level"] == level for f in findings) for name, level in _COUNTED.items()}
    return displayable(json.dumps({**counts, "findings": findings}, indent=2, ensure_ascii=False))


_COUNTED: Final[Mapping[str, Level]] = {"problems": PROBLEM, "better": BETTER}


def _displayable(finding: Finding) -> Finding:
    """It may quote a server; its colours are ours, and come later."""
    return Finding(
        level=finding.level,
        topic=displayable(finding.topic),
        what=displayable(finding.what),
        why=displayable(finding.why),
        do=displayable(finding.do),
        flags=displayable(finding.flags),
    )


def _finding(finding: Finding, width: int, colours: bool) -> list[str]:
    label = f"{finding.level:<8}"
    if colours:
        label = f"\x1b[{_COLOURS[finding.level]}m{label}\x1b[0m"
    first, *rest = _wrapped(f"{finding.topic}: {finding.what}", width)
    lines = [f"  {label}{first.removeprefix(_INDENT)}", *rest]
    lines += _wrapped(finding.why, width) if finding.why else []
    lines += _wrapped(f"-> {finding.do}", width, hanging="   ") if finding.do else []
    # Never wrapped: a terminal's own wrapping is copied as one line, ours would not be.
    return [*lines, f"{_INDENT}   {finding.flags}"] if finding.flags else lines


def _wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict(sections: Sections) -> str:
    levels = [finding.level for found in sections.values() for finding in found]
    problems, could = levels.count(PROBLEM), levels.count(BETTER)
    if problems:
        more = f", and {could} could be better" if could else ""
        return f"{problems} problem{'s' if problems > 1 else ''}{more}."
    return f"No problems; {could} could be better." if could else "All is well."
