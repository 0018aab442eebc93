"""Real vLLM servers with our scheduler behind each proxy: which hints do they count?"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

import httpx2

from andes_backend.doctor.exposition import Exposition
from helpers.proxy_probes import Answer, ask, client_of
from helpers.scripted_vllm import ENDPOINTS, TOKENS

__all__ = ["real_rows"]

REQUESTS: Final = 6
"""To each endpoint."""
_PATIENCE_S: Final = 300.0


class _Started(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def key(self) -> str: ...


_Start = Callable[[Sequence[str], Path], AbstractContextManager[_Started]]


def real_rows(
    columns: Mapping[str, _Start], servers: Sequence[str], folder: Path
) -> list[tuple[str, ...]]:
    """A row for each figure, a cell for each column.

    Args:
        columns: the head of each -> what starts the proxy before servers with these addresses.
        servers: their addresses.
        folder: for the proxies' files.
    """
    found = []
    for head, start in columns.items():
        print(head, file=sys.stderr, flush=True)
        with start(servers, folder) as proxy:
            found.append(asyncio.run(_column(proxy, servers)))
    return [(name, *(column[name] for column in found)) for name in found[0]]


async def _column(proxy: _Started, servers: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    used: set[str] = set()
    async with client_of(proxy.url, proxy.key, _PATIENCE_S) as client:
        for endpoint in ENDPOINTS:
            before = [_counted(server) for server in servers]
            answers = [Answer() for _ in range(REQUESTS)]
            for answer in answers:
                await ask(client, proxy.model, endpoint, answer, **_whole(endpoint))
            gained = [
                {kind: now[kind] - then[kind] for kind in now}
                for now, then in zip(map(_counted, servers), before, strict=True)
            ]
            name = f"`/v1/{endpoint}`"
            found[f"{name}: requests that arrived with hints"] = _of(gained, "reader")
            found[f"{name}: answers, tokens"] = _tokens(answers)
            used |= {server for server, one in zip(servers, gained, strict=True) if one["all"]}
    found["servers that were asked"] = f"{len(used)} of {len(servers)}"
    return found


def _whole(endpoint: str) -> dict[str, bool]:
    """So that all tokens come, whatever they are; /v1/messages does not know it."""
    return {} if endpoint == "messages" else {"ignore_eos": True}


def _counted(server: str) -> dict[str, float]:
    page = Exposition(httpx2.get(f"{server}/metrics", trust_env=False).text)
    name = "andes:requests_total"
    return {"reader": page.total(name, hint="reader"), "all": page.total(name)}


def _of(gained: Sequence[Mapping[str, float]], kind: str) -> str:
    counted, came = (sum(one[name] for one in gained) for name in (kind, "all"))
    return f"{counted:.0f} of {came:.0f}"


def _tokens(answers: Sequence[Answer]) -> str:
    whole = sum(one.finished and not one.said for one in answers)
    if not whole:
        return f"HTTP {answers[0].status}"
    tokens = sum(one.usage or 0 for one in answers)
    ids = sum(len(one.ids) for one in answers)
    by_id = f", {ids} by their ids" if ids else ""
    return f"{whole} of {REQUESTS}, {tokens} of {REQUESTS * TOKENS}{by_id}"
