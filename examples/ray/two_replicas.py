"""Ray Serve LLM with two replicas and our scheduler: shown, and checked.

    examples/ray/run two_replicas [--requests 200] [--rate 5] [--json FILE]

The same load twice, by Ray's own routing and by ours; then a reader who leaves, one who is reported
to be gone, and a replica that dies in the middle of its streams. Prints what was promised and what
was found; ends with status 1 if something promised is not so.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import httpx2
from app import app
from cluster import kill, metrics, replica_names
from ray import serve
from readers import TARGET, Check, Streamed, options_of, read, replicas, shown, until

from andes_backend.lab.bench.load import Load, connection
from andes_backend.lab.bench.tally import Tally
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.lab.workload import Workload, make_workload
from andes_client import wire
from andes_client.expectation import Expectation


def mixed(count: int, rate: float) -> Workload:
    """Requests of ShareGPT's lengths: of six, four say who reads, one nothing, one a program."""
    plain = make_workload(count, rate=rate, seed=0, max_length=120)
    requests = [
        replace(one, silent=True)
        if place % 6 == 4
        else replace(one, told=Expectation(one.expectation.ttft, float("inf")))
        if place % 6 == 5
        else one
        for place, one in enumerate(plain.requests)
    ]
    return replace(plain, requests=tuple(requests))


def kinds(workload: Workload) -> Counter[str]:
    """How many requests have which hints, as andes:requests_total calls them."""
    counted: Counter[str] = Counter()
    for one in workload.requests:
        hint = one.hint
        counted[
            "none" if hint is None else "program" if hint.tds == float("inf") else "reader"
        ] += 1
    return counted


async def is_idle(client: httpx2.AsyncClient) -> bool:
    """Whether both replicas are there, and nobody waits or runs in them."""
    figures = await replicas(client)
    return len(figures) == 2 and not any(f["running"] + f["waiting"] for f in figures.values())


def hints_counted(names: Collection[str]) -> tuple[Counter[str], Counter[str]]:
    """Through Ray: what these replicas have counted, by the requests' hints and by replica."""
    by_hint: Counter[str] = Counter()
    by_replica: Counter[str] = Counter()
    for name, labels, value in metrics():
        if name == "ray_andes_requests_total" and labels["ReplicaId"] in names:
            by_hint[labels["hint"]] += int(value)
            by_replica[labels["ReplicaId"]] += int(value)
    return +by_hint, +by_replica


async def a_load(model: Path, workload: Workload, *, by_readers: bool) -> tuple[float, list[Check]]:
    """One load on two new replicas; returns the mean QoE, and what was found."""
    serve.run(app(model, by_readers=by_readers), name="llm")  # until it is healthy
    async with connection(TARGET) as client:
        await until(lambda: is_idle(client), "two idle replicas")
        names = list(await replicas(client))
    load = Load(workload, TARGET)
    await load.run()
    wanted = kinds(workload)

    async def are_counted() -> bool:
        return hints_counted(names)[0] == wanted

    try:
        await until(are_counted, "Ray's metrics")
    except TimeoutError as error:
        print(error, flush=True)
    by_hint, by_replica = hints_counted(names)
    failed = [outcome.error for outcome in load.outcomes if outcome.error]
    count = len(workload.requests)
    name = "our routing" if by_readers else "Ray's routing"
    return sum(outcome.qoe for outcome in load.outcomes) / count, [
        Check(
            f"{name}: {count} responses, every token once",
            f"{count - len(failed)}" + (f"; {failed[0]}" if failed else ""),
            not failed,
        ),
        Check(f"{name}: both replicas serve", f"{dict(by_replica)}", len(by_replica) == 2),
        Check(
            f"{name}: Ray's metrics count the hints {dict(wanted)}",
            f"{dict(by_hint)}",
            by_hint == wanted,
        ),
    ]


def chosen_by_readers() -> Check:
    """Whether our router has chosen, and how often Ray itself for want of figures."""
    chosen: Counter[str] = Counter()
    for name, labels, value in metrics():
        if name == "ray_andes_routed_requests_total":
            chosen[labels["by"]] += int(value)
    return Check(
        "our routing chooses by what readers would lose",
        f"{dict(chosen)}",
        chosen["readers"] > chosen["ray"],
    )


async def a_reader_leaves(client: httpx2.AsyncClient, *, reported: bool) -> Check:
    """In the middle of a response: by closing the connection, or by a report alone."""
    name = wire.new_stream_id()
    streamed = Streamed(Tally())
    reading = asyncio.create_task(read(client, streamed, 900, stream=name))

    async def has_begun() -> bool:
        return len(streamed.tally.times) > 5

    await until(has_begun, "a response's beginning")
    began = time.monotonic()
    if reported:
        gone = wire.Report(stream=name, number=1, units=0, tokens=0.0, buffer_s=0.0, state="gone")
        answer = await client.post(wire_path(), json=wire.encode_reports([gone]))
        answer.raise_for_status()
        await reading
        found = f"ends with {streamed.tally.finish_reason!r}, "
        holds = streamed.tally.finish_reason == "abort"
    else:
        reading.cancel()
        await asyncio.wait([reading])
        found, holds = "", True
    await until(lambda: is_idle(client), "free memory")
    took = time.monotonic() - began
    how = "is reported to be gone" if reported else "closes the connection"
    return Check(
        f"a reader who {how} frees the memory",
        f"{found}after {took:.2f} s and {len(streamed.tally.times)} of 900 tokens",
        holds and len(streamed.tally.times) < 900,
    )


def wire_path() -> str:
    """Where reports go."""
    return f"/v1/{wire.REPORTS_PATH}"


async def a_replica_dies(client: httpx2.AsyncClient, tokens: int = 400) -> list[Check]:
    """In the middle of six responses, or as many as it takes until both replicas have some."""
    all_of_them: list[Streamed] = []
    reading: list[asyncio.Task[None]] = []

    def ask() -> None:
        all_of_them.append(Streamed(Tally()))
        one = read(client, all_of_them[-1], tokens, stream=wire.new_stream_id())
        reading.append(asyncio.create_task(one))

    async def running() -> dict[str, int]:
        return {name: int(of["running"]) for name, of in (await replicas(client)).items()}

    async def both_serve() -> bool:
        if not all(len(one.tally.times) > 5 for one in all_of_them):
            return False
        if all((await running()).values()):
            return True
        ask()
        return False

    for _ in range(6):
        ask()
    await until(both_serve, "six responses' beginnings, at both replicas")
    runs = await running()
    victim, lost = max(runs.items(), key=lambda item: item[1])
    kill(replica_names()[victim])
    await asyncio.wait(reading)
    whole = sum(one.error is None and len(one.tally.times) == tokens for one in all_of_them)
    errors = Counter(one.error for one in all_of_them if one.error)
    return [
        Check(
            f"of {len(all_of_them)} responses, {lost} at a replica that dies: the others are whole",
            f"{whole} whole",
            0 < whole == len(all_of_them) - lost,
        ),
        Check(
            "those of the dead one end with an error that says so",
            "; ".join(f"{count} x {error}" for error, count in errors.items()),
            sum(errors.values()) == lost and all("is gone" in str(error) for error in errors),
        ),
    ]


async def everything(work: Path, requests: int, rate: float) -> list[Check]:
    """All checks, one after the other."""
    model = make_tiny_model(work / "model", hidden_size=256, layers=2)
    workload = mixed(requests, rate)
    theirs, checks = await a_load(model, workload, by_readers=False)
    serve.delete("llm")
    ours, more = await a_load(model, workload, by_readers=True)
    checks += [*more, chosen_by_readers()]
    checks.append(
        Check("mean QoE by Ray's routing, and by ours", f"{theirs:.3f}, {ours:.3f}", holds=True)
    )
    async with connection(TARGET) as client:
        checks.append(await a_reader_leaves(client, reported=False))
        checks.append(await a_reader_leaves(client, reported=True))
        checks += await a_replica_dies(client)
    return checks


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--requests", type=int, default=200, help="in each load (200)")
    parser.add_argument("--rate", type=float, default=5.0, help="of their arrival, a second (5)")
    options = parser.parse_args()
    return shown(options, everything(options.work, options.requests, options.rate))


if __name__ == "__main__":
    sys.exit(main())
