"""A router in front of several servers: its /metrics are those of one of them, in turn."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from andes_backend.command_line import server_url
from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok
from andes_backend.doctor.request import UnreachableError, get
from andes_backend.doctor.running import check_running

__all__ = ["check_address"]

_LIST: Final = "/list_workers"  # of vllm-router: {"urls": [...]}
_MOST: Final = 16  # servers that are looked at
_LOOKS: Final = 4  # as many pages as tell servers behind one address apart, mostly
_STARTED: Final = "process_start_time_seconds"


def check_address(url: str) -> Mapping[str, Sequence[Finding]]:
    """Findings by heading: about the server at this address, or each of those behind it.

    A router that names its servers (vllm-router does) is asked for them, and each is looked at
    under its own address. Of another one it is told that it shows one server at a time.

    Args:
        url: without a path.
    """
    servers = _listed(url)
    if not servers:
        return {"The running server": [*_one_of_many(url), *check_running(url)]}
    looked_at = servers[:_MOST]
    more = f"; this looks at the first {_MOST}" if len(servers) > _MOST else ""
    plural = "s" if len(servers) > 1 else ""
    about = ok("router", f"{url} is a router that names {len(servers)} server{plural}{more}")
    found: dict[str, Sequence[Finding]] = {"The router": [about, *_its_metrics(looked_at)]}
    return found | {f"The server {one}": list(check_running(one)) for one in looked_at}


def _listed(url: str) -> list[str]:
    """The servers behind it, as far as it names them by an HTTP address; each once."""
    try:
        status, text = get(url, _LIST)
        named = json.loads(text)["urls"] if status == 200 else []
        return list(dict.fromkeys(server_url(one) for one in named))
    except (UnreachableError, ValueError, KeyError, TypeError, AttributeError, ArgumentTypeError):
        return []  # whatever there is, it is no list of servers


def _its_metrics(servers: Sequence[str]) -> Iterator[Finding]:
    if len(servers) > 1:
        yield better(
            "metrics",
            "The router's own /metrics is one server's, another's at each call.",
            why="A counter that is scraped there jumps back and forth between the servers', and "
            "rates and alerts come out wrong.",
            do="Let Prometheus scrape each server under its own address, as done below.",
        )


def _one_of_many(url: str) -> Iterator[Finding]:
    """Whether /metrics is of several processes in turn."""
    try:
        pages = [get(url, "/metrics") for _ in range(_LOOKS)]
    except UnreachableError:
        return  # the next look will say it
    started = {
        sample.value
        for status, text in pages
        if status == 200
        for sample in Exposition(text).of(_STARTED)
    }
    if len(started) > 1:
        yield better(
            "router",
            f"Behind {url} are at least {len(started)} servers; what follows is of one of them.",
            why="Each call is answered by another, so that figures of one call do not go with "
            "those of the next, and what is said of 'the server' is said of one.",
            do="Give the address of each server in turn, and let Prometheus scrape each.",
        )
