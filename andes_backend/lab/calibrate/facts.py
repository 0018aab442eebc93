"""What a server says about itself: its models, its version, its memory, how busy it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

from andes_backend.lab.bench import bounded
from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.server import parse_metrics
from andes_backend.lab.bench.tally import server_message

__all__ = ["Facts", "FactsError", "ask", "cache_of", "metrics", "without_credentials"]

_PATIENCE_S: Final = 10.0
_CACHE: Final = re.compile(r"^vllm:cache_config_info\{(?P<labels>.*)\} ", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class FactsError(RuntimeError):
    """The server does not say what is needed; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a server says about itself; None where it does not say."""

    version: str | None
    max_model_len: int | None
    kv_tokens: int | None
    block_size: int | None
    busy: int
    """Requests that it has, running and waiting; 0 where it does not say."""


def ask(target: Target) -> Facts:
    """Ask a server about itself.

    Raises:
        FactsError: there is no server, it has no such model, or it has several engines.
    """
    with _client(target) as client:
        model = _model(client, target)
        version = _get(client, "/version", target)
        text = _get(client, "/metrics", target)
    measured = parse_metrics(text.text) if text.is_success else {}
    kv_tokens, block_size = cache_of(text.text) if text.is_success else (None, None)
    busy = ("vllm:num_requests_running", "vllm:num_requests_waiting")
    length = model.get("max_model_len")
    return Facts(
        version=_field(version, "version"),
        max_model_len=int(length) if length else None,
        kv_tokens=kv_tokens,
        block_size=block_size,
        busy=int(sum(measured.get(name, 0.0) for name in busy)),
    )


def metrics(target: Target) -> Mapping[str, float]:
    """The server's own counters now, by name, see `bench.server.parse_metrics`; {} if none.

    Raises:
        FactsError: the server does not answer.
    """
    with _client(target) as client:
        answer = _get(client, "/metrics", target)
    return parse_metrics(answer.text) if answer.is_success else {}


def cache_of(text: str) -> tuple[int | None, int | None]:
    """Tokens that fit the KV cache, and tokens in a block, from the text of vLLM's metrics.

    Raises:
        FactsError: several engines serve: their steps cannot be told apart.
    """
    engines = [dict(_LABEL.findall(line["labels"])) for line in _CACHE.finditer(text)]
    if not engines:
        return None, None
    if len(engines) > 1:
        raise FactsError(
            f"the server has {len(engines)} engines, but a profile describes one: calibrate it "
            "with --data-parallel-size 1"
        )
    blocks, size = (engines[0].get(name, "") for name in ("num_gpu_blocks", "block_size"))
    if not (blocks.isdecimal() and size.isdecimal()):
        return None, None
    return int(blocks) * int(size), int(size)


def without_credentials(url: str) -> str:
    """The URL as it may be written to a file."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _client(target: Target) -> httpx2.Client:
    return httpx2.Client(base_url=target.url, timeout=_PATIENCE_S, trust_env=False)


def _get(client: httpx2.Client, path: str, target: Target) -> httpx2.Response:
    try:
        return bounded.get(client, path)
    except httpx2.HTTPError as error:
        raise FactsError(
            f"{without_credentials(target.url)} does not answer ({type(error).__name__}: "
            f"{error}): check that the server runs, and that this is its address"
        ) from None


def _model(client: httpx2.Client, target: Target) -> Mapping[str, Any]:
    answer = _get(client, "/v1/models", target)
    url = without_credentials(target.url)
    if not answer.is_success:
        raise FactsError(
            f"{url}/v1/models: HTTP {answer.status_code} ({server_message(answer.text)}): "
            "the URL must be that of an OpenAI-compatible server, without /v1"
        )
    try:
        models = {model["id"]: model for model in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        raise FactsError(f"{url}/v1/models is not a list of models") from None
    if target.model not in models:
        raise FactsError(f"{url} has no model {target.model!r}; it has: {', '.join(models)}")
    found: Mapping[str, Any] = models[target.model]
    return found


def _field(answer: httpx2.Response, name: str) -> str | None:
    try:
        return str(answer.json()[name]) if answer.is_success else None
    except (ValueError, KeyError, TypeError):
        return None
