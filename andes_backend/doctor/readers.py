"""What readers get from a running server, and whether its clients describe them."""

from collections.abc import Iterator
from typing import Final

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok, problem

__all__ = ["check_readers"]

_ATTAINED: Final = 0.9  # the QoE from which a reader counts for attainment
_FEW_HINTS: Final = 0.5


def check_readers(exposition: Exposition) -> Iterator[Finding]:
    """What our scheduler's own metrics say; nothing if there are none."""
    if not exposition.has("andes:"):
        return
    yield _quality(exposition)
    yield from _waits(exposition)
    yield from _hints(exposition)
    yield from _planning(exposition)


def _quality(exposition: Exposition) -> Finding:
    """Of people only: a program has no pace of its own."""
    count = exposition.total("andes:request_qoe_count", reader="person")
    if not count:
        return ok("QoE", "no response to a person has finished yet")
    mean = exposition.total("andes:request_qoe_sum", reader="person") / count
    badly = exposition.total("andes:request_qoe_bucket", reader="person", le=str(_ATTAINED)) / count
    state = (
        f"{mean:.3f} on average over {count:,.0f} responses to people; "
        f"{1 - badly:.0%} are above {_ATTAINED}"
    )
    if mean >= _ATTAINED:
        return ok("QoE", state)
    return better(
        "QoE",
        f"{state}.",
        why="The server gets more requests than it can serve well, now or at its busiest.",
        do="`andes calibrate` and `andes twin` estimate what another policy or more memory would "
        "gain on this server; beyond that it needs fewer requests or more GPUs.",
    )


def _waits(exposition: Exposition) -> Iterator[Finding]:
    overdue = exposition.total("andes:num_requests_overdue")
    if exposition.of("andes:num_requests_overdue"):
        longest = exposition.most("andes:longest_wait_seconds")
        now = f"{overdue:.0f} readers wait for text now, the longest {longest:.0f} s"
        yield ok("waits", now if overdue else "no reader waits for text now")


def _hints(exposition: Exposition) -> Iterator[Finding]:
    name = "andes:requests_total"
    bad = exposition.total(name, hint="bad")
    # Nobody reads a response of one token as it comes: there is nothing to describe.
    total = exposition.total(name) - exposition.total(name, hint="one_token")
    if not total:
        return
    told = (exposition.total(name, hint="reader") + exposition.total(name, hint="program")) / total
    if told < _FEW_HINTS:
        yield better(
            "hints",
            f"{told:.0%} of {total:,.0f} requests describe their reader.",
            why="For the others the scheduler assumes an average reader (default_ttft, "
            "default_tds): it cannot use slow readers' slack or recognise programs.",
            do="Have clients send reading().extra_body() of andes_client, or "
            '"vllm_xargs": {"andes_ttft": 1.0, "andes_tds": 4.8}.',
        )
    else:
        yield ok("hints", f"{told:.0%} of {total:,.0f} requests describe their reader")
    if bad:
        yield better(
            "hints",
            f"{bad:,.0f} requests had invalid hints; the scheduler ignored them.",
            why="It assumes average readers for these requests.",
            do="The server's log says what is wrong with the first one ('Its hints are "
            "ignored'): correct the client.",
        )


def _planning(exposition: Exposition) -> Iterator[Finding]:
    name = "andes:planning_fallbacks_total"
    slow = exposition.total(name, reason="slow")
    failed = exposition.total(name) - slow
    steps = exposition.total("andes:planning_time_seconds_count")
    if failed:
        yield problem(
            "planning",
            f"The policy failed in {failed:,.0f} of {steps:,.0f} steps.",
            why="These steps kept vLLM's own order: the server lost no request, but readers "
            "gained nothing.",
            do="The server's log has the first error ('andes: planning failed'): please report "
            "it. Until it is fixed, use fcfs, vLLM's own order.",
            flags='--additional-config \'{"andes": {"policy": "fcfs"}}\'',
        )
    if slow:
        yield better(
            "planning",
            f"{slow:,.0f} of {steps:,.0f} plans took longer than slow_plan_s.",
            why="The scheduler then keeps the order for ten times as long, so that planning takes "
            "at most a tenth of the time.",
            do="Check that the machine has a CPU core for each engine.",
        )
    if steps and not failed and not slow:
        mean = exposition.total("andes:planning_time_seconds_sum") / steps
        yield ok("planning", f"{1e3 * mean:.2f} ms per plan on average; never failed")
