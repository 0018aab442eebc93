"""How a running server is doing, according to its own metrics."""

import json
from collections.abc import Iterator
from typing import Any, Final

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok, problem
from andes_backend.doctor.prompts import check_prompts
from andes_backend.doctor.readers import check_readers
from andes_backend.doctor.request import UnreachableError, get
from andes_client import wire

__all__ = ["check_running"]

_ROOM: Final = 0.7  # KV memory in use, below which nobody should have to wait
_MOST_DIGITS: Final = 18  # of a number in a label
_MANY_PREEMPTIONS: Final = 0.2  # a request


def check_running(url: str) -> Iterator[Finding]:
    """Findings about the server at this address, without a path."""
    try:
        models, status = _models(url)
        version = get(url, "/version")[1]
        found, text = get(url, "/metrics")
    except UnreachableError as error:
        yield problem(
            "server",
            f"{url} does not answer ({error}).",
            do="Check that the server is up (loading a model takes minutes), and that this is its "
            "address, as seen from here.",
        )
        return
    yield _server(url, models, status, version)
    if found != 200:
        yield problem(
            "metrics",
            f"{url}/metrics: HTTP {found}.",
            why="Without metrics nobody can see what readers get.",
            do="Give the URL of vLLM itself, not of a proxy in front of it.",
        )
        return
    exposition = Exposition(text)
    yield _ours(exposition)
    yield from _memory(exposition)
    yield from _preemptions(exposition)
    yield from check_prompts(exposition)
    yield from check_readers(exposition)
    yield from _reports(url, exposition)


def _server(url: str, models: list[str], status: int, version: str) -> Finding:
    try:
        release = f"vLLM {json.loads(version)['version']}"
    except (ValueError, KeyError, TypeError):
        release = "a server that does not tell its version"
    if status in (401, 403):
        return ok("server", f"{url}: {release}; listing its models needs an API key")
    if not models:
        return problem(
            "server",
            f"{url}/v1/models: HTTP {status}, and no models.",
            do="The URL must be that of an OpenAI-compatible server, without /v1.",
        )
    return ok("server", f"{url}: {release}, {', '.join(models)}")


def _ours(exposition: Exposition) -> Finding:
    if exposition.has("andes:"):
        return ok("scheduler", "ours: its metrics are there")
    return problem(
        "scheduler",
        "None of our metrics are there: this is stock vLLM, or it has not loaded our plug-in.",
        why="The server serves requests first come, first served, or nobody sees how it does.",
        do="Start it with the flag, or with ANDES_ENABLE=1, and look for 'andes: policy' in its "
        "log. Run `andes doctor` on the server to check whether it can load the scheduler.",
        flags="--scheduler-cls andes_backend.AndesScheduler",
    )


def _reports(url: str, exposition: Exposition) -> Iterator[Finding]:
    """Whether the server hears what readers report while their text streams."""
    if not exposition.has("andes:"):
        return
    try:
        status, _ = get(url, f"/v1/{wire.REPORTS_PATH}")
    except UnreachableError:
        return  # it went away just now
    if status == 405:  # it is there, and takes POST only
        yield ok("reports", f"the route /v1/{wire.REPORTS_PATH} is open")
    elif status == 404:
        yield better(
            "reports",
            f"{url}/v1/{wire.REPORTS_PATH}: HTTP 404.",
            why="Clients cannot tell the scheduler that a reader pauses or has left.",
            do="Start the server with `andes serve`, or name the plug-in: VLLM_PLUGINS=andes (and "
            "the others that you use; see docs/reports.md).",
        )


def _memory(exposition: Exposition) -> Iterator[Finding]:
    engines = exposition.of("vllm:cache_config_info")
    tokens = [_tokens(sample.labels) for sample in engines]
    running = exposition.total("vllm:num_requests_running")
    waiting = exposition.total("vllm:num_requests_waiting")
    usage = exposition.most("vllm:kv_cache_usage_perc")
    size = f"{sum(tokens):,} tokens" if all(tokens) and tokens else "of unknown size"
    where = f" in {len(engines)} engines, the fullest" if len(engines) > 1 else ","
    state = f"{size}{where} {usage:.0%} full; {running:.0f} requests run, {waiting:.0f} wait"
    if waiting and usage < _ROOM:
        yield better(
            "KV memory",
            f"{state}.",
            why="Requests wait although memory is free: the limit is the number of requests in a "
            "batch.",
            do="Raise --max-num-seqs (vLLM's default is 256, on large GPUs 1,024).",
        )
    else:
        yield ok("KV memory", state)
    if any(sample.labels.get("enable_prefix_caching") == "False" for sample in engines):
        yield better(
            "prefix caching",
            "It is off.",
            why="vLLM then computes every preempted request again.",
            do="Drop --no-enable-prefix-caching, if the model allows it.",
        )


def _tokens(labels: Any) -> int:
    """Tokens that fit an engine's KV memory; 0 if it does not say."""
    blocks, size = _count(labels, "num_gpu_blocks"), _count(labels, "block_size")
    return _count(labels, "kv_cache_size_tokens") or blocks * size


def _count(labels: Any, name: str) -> int:
    """The number in a label; 0 if it holds none."""
    value = labels.get(name, "")
    return int(value) if value.isdecimal() and len(value) <= _MOST_DIGITS else 0


def _preemptions(exposition: Exposition) -> Iterator[Finding]:
    preemptions = exposition.total("vllm:num_preemptions_total")
    requests = exposition.total("vllm:request_success_total")
    if not requests:
        yield ok("preemptions", "no request has finished yet")
        return
    each = preemptions / requests
    state = f"{preemptions:,.0f} for {requests:,.0f} finished requests, {each:.2f} each"
    engines = exposition.of("vllm:cache_config_info")
    offloads = any(s.labels.get("kv_offloading_size", "None") != "None" for s in engines)
    if each > _MANY_PREEMPTIONS and not offloads:
        yield better(
            "preemptions",
            f"{state}; no --kv-offloading-size is set.",
            why="vLLM computes each of them again unless its KV blocks are still there, and that "
            "delays everybody.",
            do="On a GPU, let vLLM restore preempted requests from CPU memory; `andes doctor -- "
            "MODEL ...` with your flags shows how.",
        )
    else:
        yield ok("preemptions", state)


def _models(url: str) -> tuple[list[str], int]:
    status, text = get(url, "/v1/models")
    try:
        return [str(model["id"]) for model in json.loads(text)["data"]], status
    except (ValueError, KeyError, TypeError):
        return [], status
