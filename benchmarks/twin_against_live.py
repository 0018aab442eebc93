"""How true is the twin? The same workloads on a live vLLM server and in the twin.

    python benchmarks/twin_against_live.py            about 40 minutes on 2 quiet cores
    python benchmarks/twin_against_live.py twin       again, beside the last live runs
    python benchmarks/twin_against_live.py --docs     and put the table into docs/twin.md

Every workload runs live and in the twin, with stock vLLM and with the policy `qoe`: three
rates, from just enough to far too much, and one with bursts. Before each, a profile is
calibrated on the same server, as anybody would with `andes calibrate`: shared machines are
faster at one time than at another. Nothing is fitted to the runs that are compared. What
keeps the machine busy meanwhile shows in the live figures only.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.progress import run_watched
from andes_backend.lab.bench.server import Server, serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.lab.calibrate import session
from andes_backend.lab.report.run import Run, summarise, write_json
from andes_backend.lab.workload import Workload, arrivals_of, make_workload
from andes_backend.profile import load_profile

__all__ = ["main"]

Summary = dict[str, Any]

_ROOT: Final = Path(__file__).parent.parent
_OUT: Final = _ROOT / "results" / "twin-against-live"
_PAGE: Final = _ROOT / "docs" / "twin.md"
_BEGIN, _END = "<!-- twin against live: begin -->", "<!-- twin against live: end -->"
_KV_BLOCKS: Final = 160
_QOE_WITHIN: Final = 0.05
_TTFT_WITHIN: Final = (0.2, 0.2)  # share, or seconds


@dataclass(frozen=True, slots=True)
class Case:
    """A workload under a policy."""

    policy: str
    arrivals: str
    rate: float
    requests: int

    @property
    def name(self) -> str:
        """For files and tables."""
        kind = self.arrivals.partition(":")[0]
        return f"{self.policy}-{kind}-{self.rate:g}"

    @property
    def profile(self) -> Path:
        """Calibrated before this workload, for all policies."""
        return _OUT / f"profile-{self.name.partition('-')[2]}.json"

    def workload(self) -> Workload:
        """The requests, all cut to 800 tokens."""
        return make_workload(
            self.requests,
            rate=self.rate,
            seed=0,
            arrivals=arrivals_of(self.arrivals),
            max_length=800,
        )


CASES: Final = tuple(
    Case(policy, arrivals, rate, requests)
    for arrivals, rate, requests in (
        ("poisson", 1.6, 120),
        ("poisson", 3.0, 200),
        ("poisson", 5.0, 200),
        ("duty:intensity=2.5,duration=0.35,period=30", 2.0, 150),
    )
    for policy in ("stock", "qoe")
)
"""What is compared."""

STEPS: Final = ("calibrate", "live", "twin")
"""What is done, in this order; each uses what the last run of those before has left."""


def main() -> int:
    """Measure, compare, and print the table; exit status 1 if a figure is outside its bound."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "steps", nargs="*", default=STEPS, metavar="STEP", help=f"{', '.join(STEPS)}; all if none"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="CASE", help="of the live runs, such as qoe-duty-2"
    )
    parser.add_argument("--docs", action="store_true", help="write the table into docs/twin.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(unknown)}; choose from {', '.join(STEPS)}")
    _OUT.mkdir(parents=True, exist_ok=True)
    model, console = make_tiny_model(_ROOT / "results" / "tiny-model"), Console()
    for case in [c for c in CASES if not arguments.only or c.name in arguments.only]:
        if "calibrate" in arguments.steps and case.policy == CASES[0].policy:
            _calibrate(case, model, console)
        if "live" in arguments.steps:
            with _served(model, case.policy, case.name) as server:
                _load(case, server, console)
    if "twin" not in arguments.steps:
        return 0
    rows = [(case, _live_summary(case), _twin_summary(case)) for case in CASES]
    table = "\n".join(_table(rows))
    print(f"\n{table}")
    if arguments.docs:
        _write_docs(table)
    return int(not all(_is_true(live, twin) for _, live, twin in rows))


def _calibrate(case: Case, model: Path, console: Console) -> None:
    with _served(model, "stock", case.profile.stem) as server:
        target = Target(url=server.url, model=server.model)
        options = session.Options(target=target, out=case.profile)
        session.calibrate(options, console=console)


def _served(model: Path, policy: str, name: str) -> Any:
    return serve_tiny(
        model,
        log=_OUT / f"{name}.log",
        policy=None if policy == "stock" else policy,
        kv_blocks=_KV_BLOCKS,
    )


def _load(case: Case, server: Server, console: Console) -> None:
    target = Target(url=server.url, model=server.model)
    warm_up = make_workload(4, rate=4, seed=2**32, max_length=64)
    asyncio.run(Load(warm_up, target).run())
    load = Load(case.workload(), target)
    asyncio.run(run_watched(load, case.name, console))
    preemptions = int(server.metrics()["vllm:num_preemptions_total"])
    run = Run(case.name, asdict(case), load.outcomes, case.requests, preemptions)
    write_json(run, _path(case), date=datetime.now(UTC).isoformat(timespec="seconds"))


def _live_summary(case: Case) -> Summary:
    summary: Summary = json.loads(_path(case).read_text())["summary"]
    if summary["failed"]:
        raise SystemExit(f"{case.name}: {summary['failed']} live requests failed")
    return summary


def _twin_summary(case: Case) -> Summary:
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    done = simulate(case.workload(), Setup(profile=load_profile(case.profile), policy=case.policy))
    return asdict(summarise(Run(case.name, {}, done.outcomes, case.requests, done.preemptions)))


def _path(case: Case) -> Path:
    return _OUT / f"{case.name}.json"


def _table(rows: list[tuple[Case, Summary, Summary]]) -> list[str]:
    """In Markdown: live / twin in each cell, in bold where it is outside its bound."""
    lines = [
        "| policy | arrivals | requests/s | QoE | TTFT p50, s | TTFT p90, s | tokens/s "
        "| preemptions |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, live, twin in rows:
        cells = [case.policy, case.arrivals.partition(":")[0], f"{case.rate:g}"]
        for key, form in (("qoe_mean", ".3f"), ("ttft_p50", ".2f"), ("ttft_p90", ".2f")):
            text = f"{live[key]:{form}} / {twin[key]:{form}}"
            cells.append(text if _within(key, live[key], twin[key]) else f"**{text}**")
        cells.append(f"{live['tokens_per_s']:.0f} / {twin['tokens_per_s']:.0f}")
        cells.append(f"{live['preemptions']} / {twin['preemptions']}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _within(key: str, live: float, twin: float) -> bool:
    if key == "qoe_mean":
        return abs(live - twin) <= _QOE_WITHIN
    share, seconds = _TTFT_WITHIN
    return abs(live - twin) <= max(seconds, share * live)


def _is_true(live: Summary, twin: Summary) -> bool:
    return all(_within(key, live[key], twin[key]) for key in ("qoe_mean", "ttft_p50", "ttft_p90"))


def _write_docs(text: str) -> None:
    page = _PAGE.read_text()
    before, _, rest = page.partition(_BEGIN)
    _, found, after = rest.partition(_END)
    if not found:
        raise SystemExit(f"{_PAGE} has no place for the table: {_BEGIN} ... {_END}")
    _PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}")


if __name__ == "__main__":
    sys.exit(main())
