"""A real vLLM server on a free loopback port, for as long as a `with` block lasts.

    model = make_tiny_model("results/tiny-model")
    with serve_tiny(model, policy="qoe", log="results/server.log") as server:
        server.url, server.model, server.metrics()["vllm:num_preemptions_total"]

The server is a process group of its own; leaving the block ends all of it.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

__all__ = [
    "Launch",
    "Process",
    "Server",
    "ServerError",
    "fast_dtype",
    "free_port",
    "parse_metrics",
    "serve",
    "serve_tiny",
]

_START_S: Final = 480.0  # about 40 s on 2 slow cores; on a busy machine it may take minutes
_STOP_S: Final = 10.0
_POLL_S: Final = 0.2
_LOG_LINES: Final = 25
_ERROR: Final = re.compile(r"\b\w+(Error|Exception): ")

# The server must not look for the network: there is nothing it needs from there.
_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


class ServerError(RuntimeError):
    """The server did not start, or went away; the message ends with the tail of its log."""


class Process(Protocol):
    """A program that runs and leads a process group; its methods are those of `Popen`."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Process]
"""Starts a program: its command, variables to add to our own, the file for what it prints.

The file is overwritten; the program leads a process group of its own.
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, healthy when it was handed out."""

    url: str
    """Where it listens, without a path: http://127.0.0.1:PORT."""
    model: str
    """The name that requests must give as `model`."""
    log: Path
    """What it printed, standard error included."""
    pid: int
    """The leader of its process group."""

    def metrics(self, engine: int | None = None) -> dict[str, float]:
        """The server's own counters and gauges now, by name; see `parse_metrics`."""
        return parse_metrics(_get(self.url + "/metrics", timeout=10.0).decode(), engine)


@contextlib.contextmanager
def serve_tiny(
    model: str | Path,
    *,
    log: str | Path,
    policy: str | None = None,
    settings: Mapping[str, object] | None = None,
    kv_blocks: int = 160,
    max_sequences: int = 64,
    max_model_len: int = 1024,
    extra: Sequence[str] = (),
    start_s: float = _START_S,
    launch: Launch | None = None,
) -> Iterator[Server]:
    """Serve a model directory with random weights on the CPU; blocks until it is healthy.

    Args:
        model: the directory, see `make_tiny_model`.
        log: the file for what the server prints; overwritten.
        policy: None for stock vLLM, else the name of a policy of `AndesScheduler`.
        settings: of `AndesScheduler` besides; not for stock vLLM.
        kv_blocks: blocks of 32 tokens in the KV cache. Few of them make memory scarce.
        max_sequences: most requests in a batch.
        max_model_len: most tokens of a request, prompt and output.
        extra: more arguments for vLLM's OpenAI server.
        start_s: seconds it may take until it is healthy.
        launch: how the program is started, if not as a new process.

    Raises:
        ServerError: the process ended, or was not healthy in time.
    """
    port = free_port()
    # fmt: off
    command = [
        # The `vllm` command asks for a distribution called vllm, which the CPU build is not.
        sys.executable, "-m", "vllm.entrypoints.openai.api_server",
        "--host", "127.0.0.1", "--port", str(port),
        "--model", str(model), "--served-model-name", "tiny", "--load-format", "dummy",
        "--enforce-eager", "--block-size", "32", "--num-gpu-blocks-override", str(kv_blocks),
        "--max-num-seqs", str(max_sequences), "--max-model-len", str(max_model_len),
        "--dtype", fast_dtype(),
        *_scheduler_arguments(policy, settings or {}), *extra,
    ]
    # fmt: on
    environment = {"VLLM_CPU_KVCACHE_SPACE": "2", **_OFFLINE}
    with serve(
        command,
        port,
        model="tiny",
        log=log,
        environment=environment,
        start_s=start_s,
        launch=launch,
    ) as server:
        yield server


@contextlib.contextmanager
def serve(
    command: Sequence[str],
    port: int,
    *,
    model: str,
    log: str | Path,
    environment: dict[str, str] | None = None,
    start_s: float = _START_S,
    health: str = "/health",
    launch: Launch | None = None,
) -> Iterator[Server]:
    """Run any server that answers a GET when it is ready, on a loopback port; ends its group.

    Args:
        command: the program and its arguments.
        port: where it will listen on 127.0.0.1.
        model: the model's name, for `Server.model`.
        log: the file for what it prints; overwritten, its directory is made.
        environment: variables to add to our own.
        start_s: seconds it may take until it is healthy.
        health: the path that it answers with status 200 once it is.
        launch: how the program is started, if not as a new process.

    Raises:
        ServerError: the process ended, or was not healthy in time.
    """
    log = Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    process = (launch or _launch)(command, environment or {}, log)
    try:
        server = Server(f"http://127.0.0.1:{port}", model, log, process.pid)
        _wait_until_healthy(server, health, process, start_s)
        yield server
    finally:
        _end_group(process)


def parse_metrics(text: str, engine: int | None = None) -> dict[str, float]:
    """Prometheus' text format as name -> value, summed over labels (engines, models).

    The buckets of histograms are left out; their `_sum` and `_count` are there.

    Args:
        text: what the server's /metrics said.
        engine: only what is said of this engine, a data-parallel rank from 0; None: everything.
    """
    values: dict[str, float] = {}
    label = "" if engine is None else f'engine="{engine}"'
    for line in text.splitlines():
        sample, _, value = line.strip().rpartition(" ")
        name = sample.partition("{")[0].strip()
        counts = name and not line.startswith("#") and not name.endswith("_bucket")
        if counts and label in sample:
            values[name] = values.get(name, 0.0) + float(value)
    return values


def fast_dtype(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The type of number that this CPU computes a model in fastest, as vLLM's `--dtype`.

    The model asks for bfloat16. Without AVX-512 an x86 core has to convert each of its numbers:
    40 answers at a time came at 139 tokens/s, and in float32 at 559 (vLLM 0.32, two cores with
    AVX2, two layers).
    """
    try:
        facts = cpuinfo.read_text()
    except OSError:  # no Linux
        return "auto"
    has_avx2_at_most = "avx2" in facts and "avx512f" not in facts
    return "float32" if has_avx2_at_most else "auto"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _launch(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            # A group of its own: Ctrl-C is ours to pass on. No session of its own: Linux gives
            # each session one share of the CPU (sched_autogroup), and vLLM's busy-waiting
            # processes have been seen to keep those of other sessions, its readers among them,
            # off two cores for 13 s.
            process_group=0,
        )


def _scheduler_arguments(policy: str | None, settings: Mapping[str, object]) -> list[str]:
    if policy is None:
        return []
    config = json.dumps({"andes": {"policy": policy, **settings}})
    return ["--scheduler-cls", "andes_backend.AndesScheduler", "--additional-config", config]


def _wait_until_healthy(server: Server, path: str, process: Process, start_s: float) -> None:
    give_up = time.monotonic() + start_s
    while not _is_healthy(server.url + path):
        if (status := process.poll()) is not None:
            raise ServerError(
                f"the server ended with status {status} before it was healthy. {_tail(server.log)}"
            )
        if time.monotonic() > give_up:
            raise ServerError(
                f"the server was not healthy within {start_s:g} s. {_tail(server.log)}"
            )
        time.sleep(_POLL_S)


def _is_healthy(url: str) -> bool:
    try:
        _get(url, timeout=2.0)
    except OSError:  # refused, timed out, or an HTTP error: all are OSErrors
        return False
    return True


def _get(url: str, *, timeout: float) -> bytes:
    # Loopback needs no proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout) as response:
        body: bytes = response.read()
    return body


def _tail(log: Path) -> str:
    """The log's first error, which is mostly the cause, and its last lines."""
    lines = log.read_text(errors="replace").splitlines()
    first = next((line for line in lines[:-_LOG_LINES] if _ERROR.search(line)), None)
    cause = "" if first is None else f"Its first error:\n  {first}\n"
    last = "\n".join("  " + line for line in lines[-_LOG_LINES:])
    return f"{cause}The last lines of {log}:\n{last}"


def _end_group(process: Process) -> None:
    """Ask the whole group to end; after a while, or once its leader has, make it."""
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
