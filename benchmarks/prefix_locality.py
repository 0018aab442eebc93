"""What is it worth that a conversation goes on where it began? A fleet on the virtual clock.

    python benchmarks/prefix_locality.py [--replicas 4] [--rates 1.4,2.2] [--opening 1000]

Conversations (`andes_backend.lab.workload.conversations`) on servers with prefix caching, behind
power of two choices, our routing without an eye for prefixes, and our routing. Prints a table.
"""

import argparse
import itertools
import logging
from dataclasses import replace
from statistics import fmean

import numpy as np

from andes_backend.lab.option_types import finite_number, list_of
from andes_backend.lab.twin.fleet.fleet import FleetRun, simulate_fleet
from andes_backend.lab.twin.fleet.setup import FleetSetup
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Workload
from andes_backend.lab.workload.conversations import Talk, make_conversations
from andes_backend.lab.workload.readers import Reading
from andes_backend.profile import load_profile

ROUTINGS = {
    "power-of-two": ("power-of-two", False),
    "qoe, no prefixes": ("qoe", False),
    "qoe": ("qoe", True),
}


def measured(run: FleetRun, workload: Workload) -> tuple[float, float, float, float]:
    """Mean QoE, that of the worst tenth, mean seconds to the first token, share that was found."""
    qoe = np.sort([outcome.qoe for outcome in run.outcomes])
    first = fmean(outcome.times[0] for outcome in run.outcomes if outcome.times)
    prompts = sum(request.prompt_tokens for request in workload.requests)
    tenth = float(qoe[: max(1, len(qoe) // 10)].mean())
    return float(qoe.mean()), tenth, first, run.found_tokens / prompts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", default="opt-66b-4xa100")
    parser.add_argument("--kv-tokens", type=int, default=59_000)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rates", type=list_of(finite_number), default=[1.4, 2.2])
    parser.add_argument("--opening", type=list_of(finite_number), default=[1000.0])
    parser.add_argument("--pause", type=float, default=20.0, help="before the next question, s")
    parser.add_argument("--programs", type=float, default=0.0, help="share of the readers")
    options = parser.parse_args()
    profile = replace(load_profile(options.profile), kv_tokens=options.kv_tokens)
    server = Setup(profile=profile, policy="qoe", prefix_caching=True)
    readers = Reading(programs=options.programs)
    logging.disable(logging.INFO)  # of each simulated server
    print(f"{'document':>8} {'rate':>5}  {'routing':16} {'QoE':>7} {'worst':>7} {'TTFT':>6}  found")
    for opening, rate in itertools.product(options.opening, options.rates):
        talk = Talk(opening_tokens=int(opening), pause_s=options.pause)
        workloads = [
            make_conversations(options.requests, rate=rate, seed=seed, talk=talk, readers=readers)
            for seed in range(options.seeds)
        ]
        for name, (routing, prefixes) in ROUTINGS.items():
            fleet = FleetSetup(
                servers=(server,), replicas=options.replicas, routing=routing, prefixes=prefixes
            )
            rows = [measured(simulate_fleet(one, fleet), one) for one in workloads]
            qoe, worst, first, found = (fmean(values) for values in zip(*rows, strict=True))
            print(
                f"{opening:8.0f} {rate:5g}  {name:16} {qoe:7.4f} {worst:7.3f} {first:6.2f}  "
                f"{found:.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
