"""Other people's benchmarks, each run once with the same load, and what is needed of what they did.

ran = TOOLS["aiperf"](load, "chat")
ran.path, ran.sent
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from andes_client import reading
from helpers.environments import environment

__all__ = ["READER", "TOOLS", "Load", "Ran"]

AIPERF: Final = "0.13.0"
GUIDELLM: Final = "0.8.0"
READER: Final = reading()
# The `vllm` command asks for a distribution called vllm, which the CPU build is not.
VLLM_BENCH_SERVE: Final = """
from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""
ENVIRONMENT: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "GUIDELLM__MAX_WORKER_PROCESSES": "1",  # of ten by default, each with all that it imports
    # On two busy cores AIPerf's own processes need longer than half a minute to find each other.
    "AIPERF_SERVICE_REGISTRATION_TIMEOUT": "600",
    "AIPERF_SERVICE_REGISTRATION_MAX_ATTEMPTS": "600",
    "AIPERF_SERVICE_START_TIMEOUT": "600",
    "AIPERF_SERVICE_PROFILE_START_TIMEOUT": "600",
}


@dataclass(frozen=True)
class Load:
    """What every tool sends, and where to."""

    url: str
    model: str
    tokenizer: str
    """A folder."""
    requests: int
    rate: float
    prompt: int
    answer: int
    folder: Path


@dataclass(frozen=True)
class Ran:
    """A benchmark's file, and its requests in the order in which `andes bench read` has them."""

    path: Path | None
    """None: the tool keeps no times of tokens."""
    sent: Mapping[str, float]
    """Id of a request -> when it was sent, by the monotonic clock, seconds."""


def vllm(load: Load, kind: str) -> Ran:
    """Run `vllm bench serve`."""
    backend, path = {
        "completions": ("openai", "/v1/completions"),
        "chat": ("openai-chat", "/v1/chat/completions"),
    }[kind]
    # fmt: off
    command = [
        sys.executable, "-c", VLLM_BENCH_SERVE,
        "--backend", backend, "--base-url", load.url, "--endpoint", path,
        "--model", load.model, "--tokenizer", load.tokenizer,
        "--dataset-name", "random", "--random-input-len", str(load.prompt),
        "--random-output-len", str(load.answer), "--num-prompts", str(load.requests),
        "--request-rate", str(load.rate), "--ignore-eos", "--disable-tqdm",
        "--extra-body", json.dumps(READER.extra_body()), "--request-id-prefix", "r",
        "--save-result", "--save-detailed",
        "--result-dir", str(load.folder), "--result-filename", f"vllm-{kind}.json",
    ]
    # fmt: on
    run(command)
    file = load.folder / f"vllm-{kind}.json"
    sent = json.loads(file.read_text())["start_times"]
    return Ran(file, {f"r{i}": at for i, at in enumerate(sent)})


def aiperf(load: Load, kind: str) -> Ran:
    """Run AIPerf, which writes its raw export."""
    place = load.folder / f"aiperf-{kind}"
    extra = {**READER.extra_body(), "ignore_eos": True, "return_token_ids": True}
    # fmt: off
    command = [
        str(environment(f"aiperf-{AIPERF}", f"aiperf=={AIPERF}") / "aiperf"), "profile",
        "--url", load.url, "--endpoint-type", kind, "--streaming",
        "--model", load.model, "--tokenizer", load.tokenizer,
        "--isl", str(load.prompt), "--osl", str(load.answer),
        "--request-count", str(load.requests), "--request-rate", str(load.rate),
        "--extra-inputs", json.dumps(extra),
        "--export-level", "raw", "--artifact-dir", str(place), "--ui", "none",
    ]
    # fmt: on
    # Told to be offline it takes no tokenizer from a folder: findings/aiperf-offline-folder.sh.
    run(command, HF_HUB_OFFLINE="", TRANSFORMERS_OFFLINE="")
    path = place / "profile_export_raw.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    records.sort(key=lambda one: int(one["metadata"]["request_start_ns"]))
    sent = {
        one["metadata"]["x_request_id"]: one["start_perf_ns"] / 1e9
        for one in records
        if one["metadata"]["benchmark_phase"] == "profiling"
    }
    return Ran(path, sent)


def guidellm(load: Load, kind: str) -> Ran:
    """Run GuideLLM, of which only the requests are looked at: its file has no times."""
    path = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}[kind]
    backend = {
        "kind": "openai_http",
        "target": load.url,
        "model": load.model,
        "request_format": path,
        "extras": {"body": READER.extra_body()},
    }
    data = {
        "kind": "synthetic_text",
        "prompt_tokens": load.prompt,
        "output_tokens": load.answer,
    }
    # fmt: off
    command = [
        str(environment(f"guidellm-{GUIDELLM}", f"guidellm=={GUIDELLM}") / "guidellm"), "run",
        "--backend", json.dumps(backend), "--data", json.dumps(data),
        "--tokenizer", json.dumps({"kind": "huggingface_auto", "model": load.tokenizer}),
        "--profile", json.dumps({"kind": "poisson", "rate": load.rate}),
        "--constraint", json.dumps({"kind": "max_requests", "count": load.requests}),
        "--output", f"kind=json,path={load.folder / f'guidellm-{kind}.json'}",
        "--disable-console",
    ]
    # fmt: on
    run(command)
    return Ran(None, {})


Tool = Callable[[Load, str], Ran]
TOOLS: Final[Mapping[str, Tool]] = {"vllm": vllm, "aiperf": aiperf, "guidellm": guidellm}


def run(command: Sequence[str], **environment: str) -> None:
    """Run it, and show what it says only if it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **ENVIRONMENT, **environment},
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{command[0]} ended with status {done.returncode}")
