"""Who waited, as tables: runs below each other in each group, and who waited longest."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from rich import box
from rich.table import Table

from andes_backend.lab.report.waits import CAME, TEXT, Group, Waits

__all__ = ["waits_tables"]

_NAMED: Final = 3  # readers of each run who are shown


def waits_tables(found: Mapping[str, Waits], *, title: str = "") -> list[Table]:
    """Two tables: the groups, and who waited longest; none if nothing came back.

    Args:
        found: by the label of the run, one or more of the same workload.
        title: what the runs have in common, for a place where there are others.
    """
    found = {label: one for label, one in found.items() if one.groups}
    if not found:
        return []
    of = f" ({title})" if title else ""
    shown = [_groups(found, f"Who waited{of}; s beyond the expected time")]
    if any(one.longest for one in found.values()):
        shown.append(_longest(found, f"Who waited longest{of}"))
    return shown


def _groups(found: Mapping[str, Waits], title: str) -> Table:
    table = _table(title, "came", "text", caption=_ranges(next(iter(found.values()))))
    table.add_column("", no_wrap=True)
    for name in ("requests", "first text\np50, s", "p95, s", "longest\nstall, s", "QoE,\nmean"):
        table.add_column(name, justify="right")
    rows = [
        (came, text, label, group)
        for came in CAME
        for text in TEXT
        for label, one in found.items()
        for group in one.groups
        if (group.came, group.text) == (came, text)
    ]
    for came, of_came in groupby(rows, lambda row: row[0]):
        same = list(of_came)
        said = ("", "")
        for i, (_, text, label, group) in enumerate(same):
            # What the rows of a group have in common is said once.
            names = (came if i == 0 else "", text if said[1] != text else "")
            said = (came, text)
            table.add_row(*names, label, *_cells(group), end_section=i == len(same) - 1)
    return table


def _longest(found: Mapping[str, Waits], title: str) -> Table:
    table = _table(title, "")
    for name in ("came at, s", "prompt", "answer,\ntokens", "waited, s"):
        table.add_column(name, justify="right")
    table.add_column("for")
    table.add_column("QoE", justify="right")
    for label, one in found.items():
        named = one.longest[:_NAMED]
        for i, who in enumerate(named):
            table.add_row(
                label if i == 0 else "",
                f"{who.came_s:.0f}",
                str(who.prompt_tokens),
                str(who.output_tokens),
                _seconds(who.waited_s),
                "more text" if who.in_the_middle else "the first text",
                f"{who.qoe:.3f}",
                end_section=i == len(named) - 1,
            )
    return table


def _table(title: str, *columns: str, caption: str | None = None) -> Table:
    return Table(
        *columns,
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=box.HORIZONTALS,
        padding=(0, 1, 0, 0),
        min_width=len(title) + 1,  # a title is as wide as its table at most
    )


def _cells(group: Group) -> Sequence[str]:
    seconds = (group.first_p50_s, group.first_p95_s, group.longest_stall_s)
    return [str(group.requests), *map(_seconds, seconds), f"{group.qoe_mean:.3f}"]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _ranges(one: Waits) -> str:
    came = ", ".join(f"{name} to {high:.0f} s" for name, (_, high) in one.came_s.items())
    text = ", ".join(f"{name} to {high:.0f} tokens" for name, (_, high) in one.text_tokens.items())
    return f"came: {came}\ntext: {text}"
