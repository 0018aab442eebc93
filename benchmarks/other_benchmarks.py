"""Is the QoE that `andes bench read` finds in other benchmarks' files ours of the same requests?

    python benchmarks/other_benchmarks.py
    python benchmarks/other_benchmarks.py --tools vllm --url http://127.0.0.1:8000

Runs `vllm bench serve`, AIPerf (0.13) and GuideLLM (0.8; both in environments of their own, see
helpers/environments.py) against a small real vLLM on this CPU, through a proxy that notes when each
event passed and how many tokens it had. So the very same answers have two QoE: one from the
benchmark's file, and one of our own, which takes nothing from that file but when each request was
sent. The status is 1 if they differ by more than 0.01, or if a request came without the fields that
say who reads. Of GuideLLM only these are looked at: its file has no times of tokens. Takes about
ten minutes.
"""

import argparse
import contextlib
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import httpx2
from helpers.other_tools import READER, TOOLS, Load
from helpers.witness import Seen, Witness, witnessing
from table import print_table

from andes_backend.lab.bench.server import serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.lab.others.recognise import read_runs
from andes_backend.lab.report.outcome import Outcome

__all__ = ["main"]

WITHIN: Final = 0.01


@dataclass(frozen=True)
class Compared:
    """One run, as the tool's file has it and as we saw it pass."""

    name: str
    ours: Sequence[Outcome]
    told: int
    """Requests that carried our fields, to the letter."""
    theirs: Sequence[Outcome]
    """In the same order; nothing of a tool that keeps no times."""

    @property
    def misplaced(self) -> float:
        """By how much the mean QoE is off only because tokens are in other chunks of the file."""
        pairs = [
            (one.qoe, _placed(one, of)) for one, of in zip(self.theirs, self.ours, strict=True)
        ]
        known = [(one, qoe) for one, qoe in pairs if qoe is not None]
        return abs(fmean(one - qoe for one, qoe in known)) if known else math.nan

    @property
    def mean_difference(self) -> float:
        if not self.theirs:
            return 0.0
        return abs(fmean(o.qoe for o in self.theirs) - fmean(o.qoe for o in self.ours))

    def holds(self, within: float) -> bool:
        """Whether all requests had our fields, and the file has our mean QoE."""
        return 0 < len(self.ours) == self.told and self.mean_difference <= within

    @property
    def row(self) -> Sequence[str]:
        told = f"{self.told} of {len(self.ours)}"
        if not self.theirs:
            return (self.name, told, *["-"] * (len(HEADS) - 2))
        pairs = list(zip(self.theirs, self.ours, strict=True))

        def both(of: Callable[[Outcome], float], digits: int) -> str:
            return " / ".join(
                f"{fmean(map(of, side)):.{digits}f}" for side in zip(*pairs, strict=True)
            )

        return (
            self.name,
            told,
            both(lambda one: one.qoe, 4),
            f"{self.mean_difference:.4f}",
            f"{max(abs(a.qoe - b.qoe) for a, b in pairs):.4f}",
            f"{self.misplaced:.4f}",
            both(lambda one: one.ttft or 0.0, 2),
            both(lambda one: len(one.times), 1),
        )


def _placed(theirs: Outcome, ours: Outcome) -> float | None:
    """QoE by the times of the file's chunks and the tokens that each had when it passed.

    A client notes a chunk when it has read it, which a busy one does later than it came; this is
    what is left of a difference without that. None if the file has fewer chunks than passed.
    """
    chunks, counts = list(dict.fromkeys(theirs.times)), list(Counter(ours.times).values())
    if len(chunks) != len(counts):
        return None
    times = [time for time, count in zip(chunks, counts, strict=True) for _ in range(count)]
    return replace(theirs, times=tuple(times)).qoe


HEADS: Final = (
    "",
    "with our fields",
    "QoE, file / ours",
    f"apart (<= {WITHIN})",
    "one request",
    "by tokens' places",
    "TTFT, s",
    "tokens",
)


def main() -> int:
    """Run the tools and compare; exit status 1 if a mean QoE is not ours, or fields are missing."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = arguments.url or stack.enter_context(_server(folder))
        about = httpx2.get(f"{url}/v1/models", trust_env=False).json()["data"][0]
        witness = stack.enter_context(witnessing(url))
        load = Load(
            url=witness.url,
            model=about["id"],
            tokenizer=arguments.tokenizer or about["root"],
            requests=arguments.requests,
            rate=arguments.rate,
            prompt=arguments.prompt,
            answer=arguments.answer,
            folder=folder,
        )
        found = [
            _compared(witness, load, tool, kind)
            for tool in arguments.tools
            for kind in arguments.kinds
        ]
    print_table(
        f"{arguments.requests} requests at {arguments.rate:g}/s, a reader of {READER.tds:g} "
        "tokens/s: what the benchmark's file says / what passed",
        HEADS,
        [one.row for one in found],
    )
    return int(not all(one.holds(arguments.within) for one in found))


def _compared(witness: Witness, load: Load, tool: str, kind: str) -> Compared:
    print(f"{tool}, {kind}", file=sys.stderr, flush=True)
    witness.forget()
    name = f"{tool}, {kind}"
    ran = TOOLS[tool](load, kind)
    if ran.path is None:
        passed = witness.outcomes(READER, {})
        return Compared(name, passed, sum(map(_told, witness.seen)), ())
    (found,) = read_runs(ran.path, READER)
    for remark in found.remarks:
        print(f"{name}: {remark}", file=sys.stderr)
    outcomes = witness.outcomes(READER, ran.sent)
    by_name = dict(zip((one.name for one in witness.seen), outcomes, strict=True))
    # The tools send requests of their own besides, to see whether the server is there.
    told = sum(_told(one) for one in witness.seen if one.name in ran.sent)
    return Compared(name, [by_name[one] for one in ran.sent], told, found.run.outcomes)


def _told(one: Seen) -> bool:
    return all(one.body.get(name) == value for name, value in READER.extra_body().items())


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    print("starting vLLM", file=sys.stderr)
    model = make_tiny_model(folder / "model", hidden_size=256, layers=4)
    with serve_tiny(model, log=folder / "server.log", policy="qoe", kv_blocks=113) as server:
        yield server.url


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tools", type=_names(TOOLS), default=tuple(TOOLS), metavar="NAME,...")
    kinds = ("completions", "chat")
    parser.add_argument("--kinds", type=_names(kinds), default=kinds, metavar="NAME,...")
    parser.add_argument("--url", help="of a vLLM that runs (default: one is started)")
    parser.add_argument("--tokenizer", help="its folder (default: the server's model's)")
    parser.add_argument(
        "--within", type=float, default=WITHIN, metavar="QOE",
        help=f"most that a mean may be apart, for the exit status ({WITHIN})",
    )  # fmt: skip
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--rate", type=float, default=6.0, help="requests/s (6)")
    parser.add_argument("--prompt", type=int, default=60, help="tokens (60)")
    parser.add_argument("--answer", type=int, default=120, help="tokens (120)")
    return parser.parse_args()


def _names(known: Sequence[str] | Mapping[str, Any]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return chosen

    return names


if __name__ == "__main__":
    sys.exit(main())
