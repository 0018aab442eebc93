"""What planning costs: time that our scheduler adds to vLLM's own, step by step.

    python benchmarks/planning.py                      256 running, 1,000 waiting; two minutes
    python benchmarks/planning.py --waiting 10000
    python benchmarks/planning.py --policies fcfs qoe --rounds 3
    python benchmarks/planning.py --policies qoe --against ../other   another working tree's build

vLLM's real scheduler runs without a model on a virtual clock, with KV memory as full as in
overload: whoever ends makes room for one of those who wait, and another request arrives;
running requests grow, and now and then one is preempted. With the defaults that is about
three ends and three arrivals a second, in steps of some 80 ms.

The schedulers take turns, round after round, those of one build in one process; every figure
is the median of its value in each round. Times are CPU time of the thread that schedules, so
that what else the machine does counts only as far as it empties the CPU's caches. What we add
is measured within the step: the time of `AndesScheduler.schedule()` less that of vLLM's own
`schedule()` inside it, and the same for `update_from_output()`. So both parts of a ratio come
from the same step. "On average" is the median of the steps with a full plan and that of the
others, weighed by how many there are, over the median of vLLM's own. Where two builds are
compared, "both" is what we add in a step to the two methods together: that mean, and the p99 of
the sums.

The memory is what Python and numpy hold for each live request beyond vLLM's own.
"""

import argparse
import dataclasses
import gc
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from table import print_table

if TYPE_CHECKING:
    from andes_backend.lab.twin.engine import Engine
    from andes_backend.lab.workload import Request

__all__ = ["Crowd", "Stopwatch", "main"]

STOCK: Final = "stock"
_SHARE: Final = 0.10  # of vLLM's own schedule(), on average
_MOST_MS: Final = 1.0
_WARM_UP: Final = 150  # steps
_BLOCK: Final = 16
_METHODS: Final = ("schedule", "update_from_output")
_ANSWER: Final = "answer: "  # before a line with figures; a process says other things, too
_HERE: Final = Path(__file__).resolve().parents[1]

Figures = dict[str, float]


class Stopwatch:
    """Times of one method in each step: in all, and vLLM's own part of it, seconds."""

    def __init__(self) -> None:
        self.own: list[float] = []
        self.whole: list[float] = []

    @property
    def added(self) -> Any:
        """What we add in each step, seconds, shape (steps,)."""
        return np.array(self.whole) - np.array(self.own)


def timed(call: Callable[..., Any], into: Callable[[Any], list[float]]) -> Callable[..., Any]:
    """The same method, with its time noted in a list that its first argument leads to."""

    def method(scheduler: Any, *args: Any) -> Any:
        began = time.thread_time()
        result = call(scheduler, *args)
        into(scheduler).append(time.thread_time() - began)
        return result

    return method


class Crowd:
    """A scheduler under a policy with so many requests running, and so many waiting.

    Args:
        policy: one of ours, or `STOCK`.
        running: requests that fit the KV memory.
        waiting: further requests; whenever one ends, another arrives.
        users: whose requests they are, one after the other, and all of whom have been served
            before; 0: nobody's.
    """

    def __init__(self, policy: str, running: int, waiting: int, users: int) -> None:
        self.policy = policy
        self.watches = {method: Stopwatch() for method in _METHODS}
        self._random = np.random.default_rng(0)
        self._arrived, self._made, self._users = 0, 0, users
        begun = [self._request(under_way=True) for _ in range(running)]
        held = sum(-(-r.prompt_tokens // _BLOCK) + 1 for r in begun)
        self.engine = _engine(policy, held, running)
        self._serve_all()
        for request in begun:
            self._admit(request)
        while self.engine.state()[1] < running:
            self._step()
        for _ in range(waiting):
            self._admit(self._request())
        for method in _METHODS:
            self._watch(method)
        self.run(_WARM_UP)
        self.forget()

    def run(self, steps: int) -> None:
        """Take so many steps."""
        for _ in range(steps):
            self._step()

    def forget(self) -> None:
        """Forget the times, for the next round."""
        for watch in self.watches.values():
            watch.own.clear()
            watch.whole.clear()

    @property
    def plans(self) -> int:
        """Full plans made so far."""
        counters = getattr(self.engine.scheduler, "andes_counters", None)
        return 0 if counters is None else int(counters.steps)

    def _watch(self, method: str) -> None:
        scheduler: Any = self.engine.scheduler
        scheduler.andes_watch = self.watches
        whole = timed(getattr(type(scheduler), method), lambda s: s.andes_watch[method].whole)
        setattr(scheduler, method, whole.__get__(scheduler))

    def _step(self) -> None:
        for output in self.engine.step(float("inf")):
            if output.finish_reason is not None:
                self._admit(self._request())

    def _admit(self, request: "Request") -> None:
        self.engine.admit(f"request-{self._arrived}", request)
        self._arrived += 1

    def _serve_all(self) -> None:
        """Every user has had a response before, and is remembered."""
        from andes_client.expectation import Expectation

        ledger: Any = getattr(self.engine.scheduler, "andes_ledger", None)
        for i in range(self._users if ledger is not None else 0):
            row = np.array([ledger.table.add(0.0, 50, Expectation(1.0, 4.8), f"user {i}")])
            ledger.table.deliver(row, self._random.integers(1, 300, 1), 0.0)
            ledger.table.remove(int(row[0]), complete=True)

    def _request(self, *, under_way: bool = False) -> "Request":
        """A request of 50 to 300 prompt and 200 to 2,000 output tokens, mean 1,100.

        One that is under way is met at any moment of its answer: what it has said so far
        counts as its prompt.
        """
        from andes_backend.lab.workload import Request
        from andes_client.expectation import Expectation

        prompt, output = self._random.integers((50, 200), (301, 2001)).tolist()
        said = int(self._random.integers(output)) if under_way else 0
        reader = Expectation(1.0, float(self._random.choice([3.8, 4.2, 4.35, 5.1])))
        user = f"user {self._made % self._users}" if self._users else None
        self._made += 1
        return Request(0.0, prompt + said, output - said, reader, user)


def _engine(policy: str, blocks: int, running: int) -> "Engine":
    """A server whose steps take about 80 ms, with so many KV blocks."""
    from andes_backend.lab.twin.engine import Engine
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.profile import load_profile

    profile = dataclasses.replace(
        load_profile("opt-66b-4xa100"),
        kv_tokens=(blocks + 1) * _BLOCK,
        block_size=_BLOCK,
        max_sequences=running,
        max_step_tokens=8192,
    )
    profile = _slower_by(profile, 80.0 / (1e3 * profile.step_s([], running, blocks * _BLOCK)))
    return Engine(Setup(profile=profile, policy=policy), 4096)


def _slower_by(profile: Any, factor: float) -> Any:
    decode = tuple(
        dataclasses.replace(
            one,
            base_ms=one.base_ms * factor,
            per_sequence_ms=one.per_sequence_ms * factor,
            per_context_token_ms=one.per_context_token_ms * factor,
        )
        for one in profile.decode
    )
    return dataclasses.replace(profile, decode=decode)


def _watch_vllm() -> None:
    """Put the stopwatch around vLLM's own methods, which our scheduler calls by super()."""
    from vllm.v1.core.sched.async_scheduler import AsyncScheduler

    def own(method: str) -> Callable[[Any], list[float]]:
        def into(scheduler: Any) -> list[float]:
            watches = getattr(scheduler, "andes_watch", None)  # none before it is warm
            return [] if watches is None else watches[method].own

        return into

    for method in _METHODS:
        setattr(AsyncScheduler, method, timed(getattr(AsyncScheduler, method), own(method)))


def _figures(crowd: Crowd, steps: int) -> Figures:
    """One round of a policy; times in ms."""
    crowd.forget()
    planned = np.zeros(steps, dtype=bool)
    for step in range(steps):
        before = crowd.plans
        crowd.run(1)
        planned[step] = crowd.plans > before
    waiting, running, _, _ = crowd.engine.state()
    figures = {
        "running": float(running),
        "waiting": float(waiting),
        "plans": float(planned.mean()),
    }
    together = 1e3 * sum(watch.added for watch in crowd.watches.values())
    figures |= {"both mean": 0.0, "both p99": float(np.percentile(together, 99))}
    for method, watch in crowd.watches.items():
        own, added = 1e3 * np.array(watch.own), 1e3 * watch.added
        figures |= {
            f"{method} own": float(np.median(own)),
            f"{method} median": float(np.median(added)),
            f"{method} mean": _mean(added, planned),
            f"{method} planned": _mean(added[planned], planned[planned]),
            f"{method} p99": float(np.percentile(added, 99)),
            f"{method} share": float(_mean(added, planned) / np.median(own)),
        }
        figures["both mean"] += figures[f"{method} mean"]
    return figures


def _mean(times: Any, planned: Any) -> float:
    """Of the steps with and without a plan, each as long as the median of its kind."""
    kinds = [times[planned], times[~planned]]
    return sum(float(np.median(one)) * len(one) / len(times) for one in kinds if len(one))


class Build:
    """The schedulers of one build, in a process of their own.

    Args:
        tree: the working tree whose packages are used.
        arguments: what the process is to measure, as `_serve` reads it.
    """

    def __init__(self, tree: Path, arguments: dict[str, Any]) -> None:
        path = os.pathsep.join([str(tree), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self.ready = self._answer()

    def round(self, policy: str, steps: int) -> Figures:
        """The figures of one round of a policy."""
        assert self._process.stdin is not None
        print(json.dumps([policy, steps]), file=self._process.stdin, flush=True)
        found: Figures = self._answer()
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return json.loads(line.removeprefix(_ANSWER))
        raise SystemExit("a build has ended before its time; what it says is above")


def _serve(arguments: dict[str, Any]) -> None:
    """Make the crowds, and measure a round of one whenever a line asks for it."""
    _watch_vllm()
    sizes = [arguments[one] for one in ("running", "waiting", "users")]
    crowds = {policy: Crowd(policy, *sizes) for policy in arguments["policies"]}
    gc.collect()
    gc.freeze()  # as vLLM does when a server has started
    print(_ANSWER + json.dumps(_bytes_a_request()), flush=True)
    for line in sys.stdin:
        policy, steps = json.loads(line)
        print(_ANSWER + json.dumps(_figures(crowds[policy], steps)), flush=True)


def measure(builds: dict[str, Build], policies: list[str], rounds: int, steps: int) -> Any:
    """The figures of each policy in each build, medians over the rounds, by turns."""
    found: dict[tuple[str, str], list[Figures]] = {}
    for number in range(rounds):
        turns = [(policy, build) for policy in policies for build in builds]
        for policy, build in turns if number % 2 == 0 else reversed(turns):
            figures = builds[build].round(policy, steps)
            found.setdefault((policy, build), []).append(figures)
    return {
        (policy, build): {
            key: statistics.median(one[key] for one in found[policy, build])
            for key in found[policy, build][0]
        }
        for policy in policies
        for build in builds
    }


def _bytes_a_request(count: int = 10_000) -> float:
    """Memory of the ledger for each live request."""
    from vllm import SamplingParams
    from vllm.v1.request import Request

    from andes_backend.config import AndesConfig
    from andes_backend.engine.ledger import Ledger

    requests = [
        Request(f"request-{index}", [0] * 8, SamplingParams(max_tokens=8), None)
        for index in range(count)
    ]
    ledger = Ledger(AndesConfig())
    tracemalloc.start()
    for request in requests:
        ledger.add(request, 0.0)
    ledger.rows(requests, 0.0)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / count


def _rows(found: dict[tuple[str, str], Figures], compared: bool) -> Iterator[tuple[str, ...]]:
    """A line for each figure, a column for each policy and build."""

    def line(name: str, key: str, form: str, target: str = "", stock: bool = False) -> Any:
        cells = [
            "" if policy == STOCK and not stock else form.format(figures[key])
            for (policy, _), figures in found.items()
        ]
        return (name, *cells, target)

    yield line("running", "running", "{:.0f}", stock=True)
    yield line("waiting", "waiting", "{:.0f}", stock=True)
    yield line("steps with a full plan", "plans", "{:.0%}")
    for method in _METHODS:
        yield line(f"{method}(): vLLM's own", f"{method} own", "{:.3f} ms", stock=True)
        goal = f"<= {_SHARE:.0%}" if method == "schedule" else ""
        most = f"<= {_MOST_MS:g} ms" if method == "schedule" else ""
        yield line("  we add, on average, of vLLM's own", f"{method} share", "{:.1%}", goal)
        for key in ("mean", "median", "planned"):
            yield line(f"  we add, {key}", f"{method} {key}", "{:.3f} ms")
        yield line("  we add, p99", f"{method} p99", "{:.3f} ms", most)
    if compared:
        yield line("both: we add, mean", "both mean", "{:.3f} ms")
        yield line("  we add, p99", "both p99", "{:.3f} ms")


def main() -> None:
    """Measure, and print the table; whatever the figures, that is no failure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--policies", nargs="+", metavar="POLICY", help="all that there are")
    parser.add_argument("--running", type=int, default=256, metavar="N")
    parser.add_argument("--waiting", type=int, default=1000, metavar="N")
    parser.add_argument("--users", type=int, default=0, metavar="N", help="whose they are")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="medians of so many")
    parser.add_argument("--steps", type=int, default=150, metavar="N", help="in each round")
    parser.add_argument(
        "--against", type=Path, metavar="TREE", help="a working tree with the build to compare with"
    )
    parser.add_argument("--serve", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if arguments.serve is not None:
        _serve(arguments.serve)
    else:
        _compare(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    from andes_backend.policy import POLICIES

    policies = [STOCK, *(arguments.policies or POLICIES)]
    crowd = {one: getattr(arguments, one) for one in ("running", "waiting", "users")}
    trees = {"": _HERE}
    if arguments.against is not None:
        trees = {"that": arguments.against.resolve(), "this": _HERE}
        policies.remove(STOCK)
    builds = {name: Build(tree, {**crowd, "policies": policies}) for name, tree in trees.items()}
    found = measure(builds, policies, arguments.rounds, arguments.steps)
    print_table(
        f"What planning costs, medians of {arguments.rounds} rounds of {arguments.steps} steps",
        ("", *(f"{policy} {build}".strip() for policy, build in found), "target"),
        list(_rows(found, compared=arguments.against is not None)),
    )
    for name, build in builds.items():
        print(f"memory of each live request{name and f', {name} build'}: {build.ready:.0f} bytes")
        build.close()


if __name__ == "__main__":
    main()
