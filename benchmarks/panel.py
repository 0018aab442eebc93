"""All policies on a panel of loads: QoE, tokens/s, and the distance to the proven bound.

    python benchmarks/panel.py --azure AzureLLMInferenceTrace_conv.csv       all; several hours
    python benchmarks/panel.py --rows "long prompts" --variants off --seeds 1
    python benchmarks/panel.py --resume results/panel-...                    go on with one

vLLM's own scheduler on a virtual clock, in as many processes as there are cores. Every load is
served with prefix caching off and on, and with what is preempted reloaded from CPU memory at 20
GB/s. `margin 1.2` and so on are `qoe` with a constant margin (`preemption_margin`) instead of the
price of each preemption, and `margin none` never preempts: the best of these, found by trying all,
is what `qoe` is measured against. The bound is of schedules that end no response more than 300 s
late (docs/bound.md).

Every result is kept at once in results.jsonl; a run that was interrupted can go on.
"""

import argparse
import itertools
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from panel_rows import BOUND, NEEDS_AZURE, NO_EXCHANGE, ROWS, VARIANTS, Figures, Task, carry_out
from rich.table import Table

from andes_backend.lab.campaign.campaign import Campaign
from andes_backend.lab.campaign.console import report_console
from andes_backend.lab.campaign.files import ResultFile, new_directory, read_lines
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.workload.options import count_value

__all__ = ["main"]

_STOCK: Final = "stock"
_MARGINS: Final = {
    "margin 1.2": 1.2,
    "margin 1.5": 1.5,
    "margin 3": 3.0,
    "margin none": NO_EXCHANGE,
}
_BESIDE: Final = ("qoe", *_MARGINS)
_PEERS: Final = ("andes", "tokenflow", "predicted-shortest", "mlfq", "shortest-first")
_ALL: Final = (_STOCK, *_BESIDE, *_PEERS, BOUND)
_Key = tuple[str, str, str, int, int | None]


def main() -> int:
    """The command; returns an exit status."""
    parser = _parser()
    asked = parser.parse_args()
    for option, path in (("--resume", asked.resume), ("--azure", asked.azure)):
        if path is not None and not path.exists():
            parser.error(f"{option}: there is no {path}")
    if asked.azure is None and NEEDS_AZURE in asked.rows:
        print(f"panel: without --azure FILE the row {NEEDS_AZURE!r} is left out")
        asked.rows = [row for row in asked.rows if row != NEEDS_AZURE]
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    directory = asked.resume or new_directory(asked.out, "panel")
    file = ResultFile(directory / "results.jsonl", go_on=bool(asked.resume))
    found = {_key_of(line): Figures(**line["figures"]) for line in read_lines(file.path)}
    console = report_console()
    campaign: Campaign[Task, Figures] = Campaign(
        carry_out, directory, asked.jobs, console, preload=PRELOAD
    )
    for task in _tasks(asked):
        if _key(task) not in found:
            campaign.add(task, f"{task.row}, {task.variant}, {_name(task)}, seed {task.seed}")

    def keep(index: int, outcome: Figures | str) -> None:
        task = campaign.tasks[index]
        if isinstance(outcome, Figures):
            found[_key(task)] = outcome
            names = ("row", "variant", "policy", "seed", "requests")
            key = dict(zip(names, _key(task), strict=True))
            file.add({**key, "figures": asdict(outcome)})

    def conclude() -> None:
        tables = [_table(variant, found, asked) for variant in asked.variants]
        campaign.show("panel.txt", *tables)
        campaign.say(f"results: {directory}")

    return campaign.run(keep, conclude)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=_some(ROWS), default=[*ROWS], help=", ".join(ROWS))
    parser.add_argument(
        "--variants", type=_some(VARIANTS), default=[*VARIANTS], help=", ".join(VARIANTS)
    )
    parser.add_argument("--policies", type=_some(_ALL), default=[*_ALL], help=", ".join(_ALL))
    parser.add_argument("--seeds", type=count_value, default=5, help="how many (5)")
    parser.add_argument("--requests", type=count_value, help="only the first so many of each row")
    parser.add_argument(
        "--azure", type=Path, help="the trace's file: docs/workloads.md says where it is from"
    )
    parser.add_argument(
        "--jobs", type=count_value, default=len(os.sched_getaffinity(0)), help="processes"
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="where to write")
    parser.add_argument("--resume", type=Path, help="the directory of a run to go on with")
    return parser


def _some(known: Iterable[str]) -> Any:
    """Reads a list with commas of some of these names."""
    names = list(known)

    def read(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",")]
        for name in chosen:
            if name not in names:
                raise argparse.ArgumentTypeError(
                    f"unknown: {name!r}; choose from {', '.join(names)}"
                )
        return chosen

    return read


def _tasks(asked: argparse.Namespace) -> Iterable[Task]:
    """All that was asked for; a bound once for each row and seed."""
    for seed, row, variant, name in itertools.product(
        range(asked.seeds), asked.rows, asked.variants, asked.policies
    ):
        if name == BOUND and variant != asked.variants[0]:
            continue
        margin = _MARGINS.get(name)
        yield Task(
            row=row,
            variant=variant,
            policy=name if margin is None else "qoe",
            seed=seed,
            settings={} if margin is None else {"preemption_margin": margin},
            requests=asked.requests,
            azure=asked.azure,
        )


def _name(task: Task) -> str:
    """The policy's name in the table."""
    margin = task.settings.get("preemption_margin")
    return next((name for name, value in _MARGINS.items() if value == margin), task.policy)


def _key(task: Task) -> _Key:
    return task.row, task.variant, _name(task), task.seed, task.requests


def _key_of(line: Mapping[str, Any]) -> _Key:
    # Another number of requests is another load: a run that goes on does not mix them.
    return line["row"], line["variant"], line["policy"], line["seed"], line["requests"]


def _table(variant: str, found: Mapping[_Key, Figures], asked: argparse.Namespace) -> Table:
    """A line for each policy and row: means over the seeds that stock has, too."""
    table = Table(title=f"What is preempted finds again: {variant}", title_justify="left")
    columns = ("QoE", "tokens/s\nof stock's", "preemptions\na request", "below\nthe bound")
    table.add_column("row")
    table.add_column("policy")
    for column in columns:
        table.add_column(column, justify="right")
    for row in asked.rows:
        shown = row
        for name in asked.policies:
            if name != BOUND and (cells := _cells(row, variant, name, found, asked)):
                table.add_row(shown, name, *cells)
                shown = ""
        table.add_section()
    return table


def _cells(
    row: str,
    variant: str,
    name: str,
    found: Mapping[_Key, Figures],
    asked: argparse.Namespace,
) -> list[str]:
    seeds = [
        seed for seed in range(asked.seeds) if (row, variant, name, seed, asked.requests) in found
    ]
    if not seeds:
        return []
    of = {seed: found[row, variant, name, seed, asked.requests] for seed in seeds}
    stock = {seed: found.get((row, variant, _STOCK, seed, asked.requests)) for seed in seeds}
    bounds = {
        seed: bound.qoe
        for seed, variant_ in itertools.product(seeds, VARIANTS)
        if (bound := found.get((row, variant_, BOUND, seed, asked.requests))) is not None
    }
    speed = [of[s].tokens_per_s / one.tokens_per_s for s, one in stock.items() if one is not None]
    return [
        f"{statistics.fmean(one.qoe for one in of.values()):.4f}",
        _mean(speed, "{:.3f}"),
        _mean([one.preemptions / one.requests for one in of.values()], "{:.2f}"),
        _mean([bounds[s] - of[s].qoe for s in seeds if s in bounds], "{:.3f}"),
    ]


def _mean(values: Sequence[float], form: str) -> str:
    return form.format(statistics.fmean(values)) if values else "-"


if __name__ == "__main__":
    raise SystemExit(main())
