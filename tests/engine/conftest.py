"""The live servers of this room: schedulers of the tests in them, and what they are asked for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from andes_backend.lab.bench.server import Server
from tests.engine.competing import serve
from tests.engine.misbehaving import MODE_FILE
from tests.engine.weights import ADAPTERS, write_adapter, write_model
from tests.live import serving


@pytest.fixture(scope="session")
def weighted_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with weights that mean something."""
    return write_model(tiny_model, tmp_path_factory.mktemp("models") / "with-weights")


@pytest.fixture(scope="session")
def competing_server(
    weighted_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """See tests/engine/competing.py. With room for one adapter more than there are.

    vLLM's operations for the CPU add the adapter in the last place to requests that want none,
    when both are in one batch (vLLM pull request 48421): that place must stay empty.
    """
    log = tmp_path_factory.mktemp("competing-server") / "server.log"
    adapters = {
        name: write_adapter(weighted_model, weighted_model.with_name(name), rank=4, seed=seed)
        for seed, name in enumerate(ADAPTERS, start=1)
    }
    # fmt: off
    extra = (
        "--enable-prefix-caching",
        "--enable-lora", "--max-lora-rank", "8", "--max-loras", str(len(adapters) + 1),
        "--lora-modules", *(f"{name}={path}" for name, path in adapters.items()),
        "--structured-outputs-config",  # or a random model may write spaces for ever
        '{"backend": "xgrammar", "disable_any_whitespace": true}',
    )
    # fmt: on
    with serve(weighted_model, log, *extra) as running:
        yield running


@pytest.fixture(scope="session")
def speculating_server(
    weighted_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The same with speculative decoding and prompts in chunks of 64 tokens, without adapters."""
    log = tmp_path_factory.mktemp("speculating-server") / "server.log"
    how = {"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 3}
    # fmt: off
    extra = (
        "--enable-prefix-caching", "--max-num-batched-tokens", "64",
        "--speculative-config", json.dumps(how),
    )
    # fmt: on
    with serve(weighted_model, log, *extra) as running:
        yield running


@pytest.fixture(scope="session")
def misbehaving_mode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says what the policy of `misbehaving_server` does."""
    path = tmp_path_factory.mktemp("mode") / "mode"
    path.write_text("fine")
    return path


@pytest.fixture(scope="session")
def misbehaving_server(weighted_model: Path, misbehaving_mode: Path) -> Iterator[Server]:
    """See tests/engine/misbehaving.py. Without prefix caching, and with prompts in chunks."""
    # fmt: off
    options = (
        "--scheduler-cls", "tests.engine.misbehaving.Misbehaving",
        "--load-format", "safetensors", "--dtype", "float32", "--max-num-batched-tokens", "64",
        "--no-enable-prefix-caching",
    )
    # fmt: on
    log = misbehaving_mode.with_name("server.log")
    with serving(
        weighted_model,
        log=log,
        variables={MODE_FILE: str(misbehaving_mode)},
        kv_blocks=64,
        max_sequences=8,
        extra=options,
    ) as running:
        yield running
