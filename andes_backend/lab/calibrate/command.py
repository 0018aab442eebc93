"""`andes calibrate`: measure how long a live vLLM server's steps take.

    andes calibrate --url http://127.0.0.1:8000 --model NAME --out results/profile.json

The profile it writes is what the simulator runs on; see `andes_backend.profile`.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from andes_backend.command_line import server_url
from andes_backend.lab.workload.options import count_value
from andes_client.terminal_text import line

__all__ = ["add_limits", "add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add `andes calibrate`."""
    parser = subparsers.add_parser(
        "calibrate",
        help="measure how long a server's steps take",
        description="Send a designed set of requests to an idle vLLM server, fit a latency "
        "profile to the times of its tokens, and say how good the fit is. See docs/calibrate.md.",
    )
    parser.add_argument(
        "--url", type=server_url, required=True, help="the server, such as http://127.0.0.1:8000"
    )
    parser.add_argument("--model", required=True, help="the model's name at that server")
    parser.add_argument(
        "--out",
        type=_out,
        default=Path("results/profile.json"),
        metavar="FILE",
        help="the profile; the measurements go beside it (default: results/profile.json)",
    )
    parser.add_argument(
        "--repetitions",
        type=count_value,
        default=3,
        metavar="N",
        help="repetitions of each experiment; the median counts (default: 3)",
    )
    add_limits(parser)
    parser.set_defaults(run=_run)


def add_limits(parser: argparse._ActionsContainer) -> None:
    """Add options for what the server can hold, where it does not say so itself.

    Args:
        parser: of the command, or a group of its options.
    """
    parser.add_argument(
        "--max-sequences",
        type=count_value,
        metavar="N",
        help="the server's --max-num-seqs (default: what it is seen to admit, at most 256)",
    )
    parser.add_argument(
        "--max-step-tokens",
        type=count_value,
        default=2048,
        metavar="N",
        help="the server's --max-num-batched-tokens (default: 2048)",
    )
    unsaid = "tokens {}, needed if the server has no /metrics"
    parser.add_argument(
        "--kv-tokens", type=count_value, metavar="N", help=unsaid.format("that fit its KV cache")
    )
    parser.add_argument(
        "--block-size", type=count_value, metavar="N", help=unsaid.format("in a KV block")
    )


def _run(arguments: argparse.Namespace) -> int:
    from andes_backend.lab.bench.load import Target
    from andes_backend.lab.calibrate import session
    from andes_backend.lab.calibrate.design import DesignError
    from andes_backend.lab.calibrate.facts import FactsError
    from andes_backend.lab.calibrate.fit import FitError
    from andes_backend.lab.calibrate.measure import MeasureError

    options = session.Options(
        target=Target(url=arguments.url, model=arguments.model),
        out=arguments.out,
        kv_tokens=arguments.kv_tokens,
        block_size=arguments.block_size,
        max_sequences=arguments.max_sequences,
        max_step_tokens=arguments.max_step_tokens,
        repetitions=arguments.repetitions,
    )
    try:
        return session.calibrate(options)
    except (DesignError, FactsError, FitError, MeasureError, OSError) as error:
        print(f"andes calibrate: {line(str(error))}", file=sys.stderr)
        return 1


def _out(text: str) -> Path:
    if not text.endswith(".json"):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .json, as profiles do")
    return Path(text)
