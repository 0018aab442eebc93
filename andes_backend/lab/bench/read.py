"""From other benchmarks' files to our tables: what `andes bench read` does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from andes_backend.lab.bench.measure import complain
from andes_backend.lab.campaign.console import report_console, say
from andes_backend.lab.campaign.files import now
from andes_backend.lab.others.found import Found
from andes_backend.lab.others.recognise import read_runs
from andes_backend.lab.report.plot import plot
from andes_backend.lab.report.run import Run, table, write_json
from andes_backend.lab.report.users import has_users, users_table
from andes_backend.lab.report.waits import waits
from andes_backend.lab.report.waits_table import waits_tables
from andes_client.expectation import Expectation

__all__ = ["read"]


def read(
    paths: Sequence[Path],
    expectation: Expectation | None,
    *,
    out: Path | None = None,
    console: Console | None = None,
) -> int:
    """Report the runs in the files, side by side.

    Args:
        paths: the files; each kind is recognised by its content.
        expectation: of all readers; None: as in `read_runs`.
        out: where to write them as files of ours, with a plot; None: nowhere.
        console: where to print.

    Returns:
        An exit status: 0, also if requests of the runs had failed.

    Raises:
        OSError: a file cannot be read or written.
        UnreadableError: a file has no run from which QoE could be computed.
    """
    console = console or report_console()
    found = [(path, one) for path in paths for one in read_runs(path, expectation)]
    runs = _labelled(found)
    of_waits = waits_tables({run.label: waits(run.outcomes) for run in runs})
    for shown in (table(runs), *of_waits):
        console.print(shown)
    if has_users(runs):
        console.print(users_table(runs))
    console.print(f"readers expect {_expected(runs)}")
    complain({run.label: run for run in runs}, console)
    for run, (_, one) in zip(runs, found, strict=True):
        for remark in one.remarks:
            say(console, f"{run.label}: {remark}")
    if out is not None:
        for run in runs:
            write_json(run, out / f"{run.label}.json", date=now())
        plot({"": runs}, out / "plot.png")
        say(console, f"written to {out}")
    return 0


def _labelled(found: Sequence[tuple[Path, Found]]) -> list[Run]:
    """With labels that tell them apart: the file's name, else also its folder's, else a number."""
    labels = [one.run.label for _, one in found]
    wider = [
        label if labels.count(label) == 1 else f"{path.resolve().parent.name}-{label}"
        for label, (path, _) in zip(labels, found, strict=True)
    ]
    single = [
        label if wider.count(label) == 1 else f"{label} ({i})" for i, label in enumerate(wider, 1)
    ]
    return [replace(one.run, label=name) for name, (_, one) in zip(single, found, strict=True)]


def _expected(runs: Sequence[Run]) -> str:
    """What the QoE was measured against, in words."""
    expected = {one.request.expectation for run in runs for one in run.outcomes}
    if len(expected) != 1:
        return "what the files say of each of them"
    (one,) = expected
    speed = "each at once" if one.tds == float("inf") else f"{one.tds:g} tokens/s"
    return f"the first token after {one.ttft:g} s, and then {speed}"
