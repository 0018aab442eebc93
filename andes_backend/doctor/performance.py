"""What a server's flags cost its readers, beside the choice of the scheduler."""

from collections.abc import Iterator
from typing import Final

from andes_backend.doctor.finding import Finding, better, ok
from andes_backend.doctor.offload import check_offload
from andes_backend.doctor.served import Served
from andes_backend.profile import load_profile

__all__ = ["check_performance"]

_FEW_SEQUENCES: Final = 64
_MANY_SEQUENCES: Final = 256
_PROFILE: Final = "llama-3-70b-4xh100"  # its figures are examples of costs
_CONTEXT: Final = 1000  # tokens of a typical request, prompt and response


def check_performance(served: Served) -> Iterator[Finding]:
    """Findings about caches, batches and streaming."""
    yield from _prefix_caching(served)
    yield from check_offload(served)
    yield from _async_scheduling(served)
    yield from _batch(served)
    yield from _smoothness(served)
    yield from _engines(served)


def _prefix_caching(served: Served) -> Iterator[Finding]:
    on = served["enable_prefix_caching"]
    if on or (on is None and not served.resolved):  # on by default, where the model allows it
        yield ok("prefix caching", "on: vLLM can find a preempted request's KV blocks again")
        return
    profile = load_profile(_PROFILE)
    seconds = profile.step_s([_CONTEXT], 0, 0)
    given = served.parsed.get("enable_prefix_caching") is False
    yield better(
        "prefix caching",
        "It is off." if given else "vLLM switches it off for this model.",
        why=f"vLLM then computes every preempted request again: on {profile.name} "
        f"{1e3 * seconds:.0f} ms for {_CONTEXT:,} tokens, during which every running reader waits. "
        "With prefix caching, it finds the blocks again, unless others have overwritten them.",
        do="Drop --no-enable-prefix-caching." if given else "Set up KV offload, if you can.",
    )


def _async_scheduling(served: Served) -> Iterator[Finding]:
    if served.machine.get("platform") == "cpu":
        yield ok("async scheduling", "off, as always in vLLM's CPU build")
    elif served["async_scheduling"] is not False:
        state = "on" if served.resolved else "on, unless vLLM decides otherwise"
        yield ok("async scheduling", f"{state}: vLLM plans steps while the GPU works")
    else:
        given = served.parsed.get("async_scheduling") is False
        yield better(
            "async scheduling",
            f"{'--no-async-scheduling' if given else 'vLLM'} switches it off.",
            why="The GPU then idles while vLLM plans a step, with or without our scheduler.",
            do="Drop the flag."
            if given
            else "vLLM's log says why when the server starts: some kinds of speculative decoding "
            "and some executors do not work with it.",
        )


def _batch(served: Served) -> Iterator[Finding]:
    most, active = served["max_num_seqs"], served["max_num_active_seqs"]  # since vLLM 0.31
    flag = "--max-num-seqs" if active is None else "--max-num-active-seqs"
    most = most if active is None else active
    if most is not None and most < _FEW_SEQUENCES:
        profile = load_profile(_PROFILE)
        few, many = (1 / profile.step_s([], n, n * _CONTEXT) for n in (most, _MANY_SEQUENCES))
        yield better(
            "batch",
            f"{flag} is {most}: the server serves no more readers at a time.",
            why=f"On {profile.name}, {most} of them get {few:.0f} tokens/s each, and "
            f"{_MANY_SEQUENCES} still {many:.0f}; a reader takes in about 5. No order can "
            "help the readers who wait outside the batch.",
            do="Let KV memory be the limit, not the number of requests.",
            flags=f"{flag} {_MANY_SEQUENCES}",
        )
    elif most is not None:
        yield ok("batch", f"up to {most} requests at a time")
    if served["enable_chunked_prefill"] is False and served.resolved:
        yield better(
            "chunked prefill",
            "It is off.",
            why="A long prompt then takes a whole step, in which no other request gets a token.",
            do="Drop --no-enable-chunked-prefill, if the model allows it.",
        )


def _smoothness(served: Served) -> Iterator[Finding]:
    interval = served["stream_interval"]
    if interval is not None and interval > 1:
        yield better(
            "stream interval",
            f"--stream-interval {interval} sends {interval} tokens at a time.",
            why="If tokens come no faster than people read (4.8 a second), finished text waits for "
            f"up to {(interval - 1) / 4.8:.1f} s.",
            do="Drop the flag, unless the front end limits your throughput.",
        )
    if served["disable_log_stats"]:
        yield better(
            "metrics",
            "--disable-log-stats empties /metrics, ours and vLLM's.",
            why="Then nobody can see what readers get.",
            do="Drop the flag.",
        )


def _engines(served: Served) -> Iterator[Finding]:
    ranks = served["data_parallel_size"] or 1
    if ranks > 1:
        yield ok(
            "data parallelism",
            f"{ranks} engines: each plans for its own requests, and /metrics tells them apart",
        )
