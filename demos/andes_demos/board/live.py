"""A real server as the board sees it: the figures of its `/metrics`."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import httpx2

from andes_backend.lab.bench.bounded import get_async
from andes_backend.lab.bench.server import parse_metrics
from andes_client.terminal_text import line
from andes_demos import proxy

__all__ = ["Figures", "LiveError", "Server"]

_LOOK_BACK = 60  # readings


class LiveError(Exception):
    """The server's figures cannot be had; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A server at one moment."""

    running: int
    waiting: int
    memory: float
    """Share of the KV memory that is held, 0 to 1."""
    preemptions: int
    """Since the server started."""
    has_andes: bool
    """Whether our scheduler is there; without it the rest is not known."""
    answered: int = 0
    """Responses that have ended by themselves since the server started."""
    qoe: float | None = None
    """Mean of these; None before the first."""
    qoe_lately: float | None = None
    """Mean of those since the board began to look, at most `_LOOK_BACK` readings ago."""
    overdue: int = 0
    """Requests whose reader now waits for text that is due."""
    longest_wait_s: float = 0.0
    stalls: int = 0


class Server:
    """Reads the figures of one server. Close it with `aclose`.

    Args:
        url: such as http://localhost:8000; `/v1` at its end is taken off.
        transport: for tests.

    Raises:
        ValueError: the proxy that the environment names cannot be used.
    """

    def __init__(self, url: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._http = httpx2.AsyncClient(
            timeout=10.0, trust_env=False, transport=transport or proxy.transport(self.url)
        )
        self._before: deque[tuple[float, float]] = deque(maxlen=_LOOK_BACK)  # count and sum

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def read(self) -> Figures:
        """The figures now.

        Raises:
            LiveError: the server does not answer, or is no vLLM.
        """
        where = f"{self.url}/metrics"
        try:
            response = await get_async(self._http, where)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise LiveError(
                f"{where} does not answer: {line(str(error))}. Is the server running?"
            ) from None
        if response.status_code != httpx2.codes.OK:
            raise LiveError(
                f"{where} answers {response.status_code}; a vLLM server has its metrics there"
            )
        try:
            found = parse_metrics(response.text)
            engines = [parse_metrics(response.text, i) for i in _engines(response.text)]
        except ValueError:
            found, engines = {}, []
        if "vllm:num_requests_running" not in found:
            raise LiveError(f"{where} has no vLLM metrics: is this a vLLM server?")
        return self._figures(found, engines or [found])

    def _figures(
        self, found: Mapping[str, float], engines: Sequence[Mapping[str, float]]
    ) -> Figures:
        has_andes = "andes:request_qoe_count" in found
        count, total = (found.get(f"andes:request_qoe_{part}", 0.0) for part in ("count", "sum"))
        self._before.append((count, total))
        first_count, first_total = self._before[0]
        lately = count - first_count
        return Figures(
            running=int(found["vllm:num_requests_running"]),
            waiting=int(found.get("vllm:num_requests_waiting", 0.0)),
            memory=fmean(one.get("vllm:kv_cache_usage_perc", 0.0) for one in engines),
            preemptions=int(found.get("vllm:num_preemptions_total", 0.0)),
            has_andes=has_andes,
            answered=int(count),
            qoe=total / count if count else None,
            qoe_lately=(total - first_total) / lately if lately > 0 else None,
            overdue=int(found.get("andes:num_requests_overdue", 0.0)),
            longest_wait_s=max(one.get("andes:longest_wait_seconds", 0.0) for one in engines),
            stalls=int(found.get("andes:stalls_total", 0.0)),
        )


def _engines(text: str) -> list[int]:
    """The data-parallel engines that are behind it."""
    return sorted({int(number) for number in re.findall(r'engine="(\d+)"', text)})
