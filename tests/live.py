"""Real vLLM servers that the live tests share: one for each set of flags in a session.

A server takes a core for seconds until it is healthy, or for half a minute where nothing is forked.
A test asks for the one whose flags it can do with, counts what it causes by differences, and leaves
the server idle.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from andes_backend.lab.bench.server import Server, serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.serve_command import server_plugins

__all__ = [
    "asked_by_environment",
    "our_figures",
    "qoe_server",
    "said_since",
    "serving",
    "stock_server",
    "tiny_model",
]


def our_figures(server: Server) -> dict[str, float]:
    """The counters and gauges of ours on a server's /metrics: "name" or "name:label" -> value."""
    from prometheus_client.parser import text_string_to_metric_families

    text = httpx2.get(server.url + "/metrics", trust_env=False).raise_for_status().text
    return {
        ":".join([sample.name, *sorted(set(sample.labels.values()) - {"tiny", "0"})]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("andes:") and not sample.name.endswith("_bucket")
    }


@contextlib.contextmanager
def _with_environment(
    variables: Mapping[str, str], server: contextlib.AbstractContextManager[Server]
) -> Iterator[Server]:
    """Start a server with these variables; what is started after it does not have them."""
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            running = stack.enter_context(server)
        yield running


@contextlib.contextmanager
def serving(
    model: Path,
    *,
    log: Path,
    variables: Mapping[str, str] | None = None,
    forked: bool = True,
    **options: Any,
) -> Iterator[Server]:
    """`serve_tiny` for tests: other live servers and other tests share the two cores with it.

    It hears what readers report, as after `andes serve`.

    Its processes do not keep a core busy while they wait (see
    tests/patience/andes_test_patience.py), and start in a third of the time. Its thread is not tied
    to the first core, as vLLM's CPU build does with each server's. Its scheduler may be one of ours
    in `tests`.

    Args:
        model: the directory.
        log: the file for what it prints.
        variables: more environment variables, which only this server has.
        forked: whether its processes are forked from one that has imported vLLM (tests/forked.py),
            or each is a new interpreter as for users of vLLM.
        options: others of `serve_tiny`.
    """
    tests = Path(__file__).parent
    path = (str(tests / "patience"), str(tests.parent), os.environ.get("PYTHONPATH", ""))
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        # Where this is set, vLLM loads no plug-in that it does not name.
        "VLLM_PLUGINS": server_plugins("andes_test_patience")[0],
        **(variables or {}),
    }
    if forked:
        # Not above: environments without vLLM import this, and lack what campaigns are made of.
        from tests.forked import launch

        options["launch"] = launch
    with _with_environment(environment, serve_tiny(model, log=log, **options)) as running:
        yield running


def said_since(server: Server, start: int) -> str:
    """What a server's log has gained since it had `start` characters."""
    return server.log.read_text(errors="replace")[start:]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with random weights and a tokenizer of its own."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_model(path, hidden_size=256, layers=4)
    return path


@pytest.fixture(scope="session")
def qoe_server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our scheduler with its defaults, 3,616 tokens of KV memory, nearly as many in a request."""
    log = tmp_path_factory.mktemp("qoe-server") / "server.log"
    with serving(tiny_model, policy="qoe", log=log, kv_blocks=113, max_model_len=3584) as running:
        yield running


@pytest.fixture(scope="session")
def stock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """vLLM as it is, with a model whose steps are long enough to be measured on a busy machine."""
    directory = tmp_path_factory.mktemp("stock-server")
    model, log = make_tiny_model(directory / "model"), directory / "server.log"
    with serving(model, log=log, kv_blocks=64, max_sequences=12, max_model_len=320) as running:
        yield running


@pytest.fixture(scope="session")
def asked_by_environment(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """ANDES_ENABLE and ANDES_SETTINGS, and not one flag of ours.

    Answers whose request does not say otherwise are what is most likely, so that the same question
    has the same answer twice, and no answer is longer than 120 tokens.
    """
    log = tmp_path_factory.mktemp("asked-server") / "server.log"
    greedy = ("--override-generation-config", '{"temperature": 0.0, "max_new_tokens": 120}')
    settings = {"bad_hints": "refuse", "default_tds": 3.3, "max_wait_s": 30}  # an old name
    variables = {"ANDES_ENABLE": "1", "ANDES_SETTINGS": json.dumps(settings)}
    # Each of its processes has to find our plug-in by itself.
    with serving(tiny_model, log=log, variables=variables, forked=False, extra=greedy) as running:
        yield running
