"""What passes through the proxies that people put in front of vLLM: a table, with versions.

    python benchmarks/proxies.py              installs vllm-router and LiteLLM's proxy
    python benchmarks/proxies.py --only litellm,litellm-openai
    python benchmarks/proxies.py --only nginx                     if it is installed
    python benchmarks/proxies.py --markdown   the table of docs/proxies.md
    python benchmarks/proxies.py --real http://127.0.0.1:8000,http://127.0.0.1:8001

Each proxy stands in front of two servers that speak vLLM's wire formats and do what they are told
(helpers/scripted_vllm.py), so the table says what the proxy does and no more. `--real` sends
requests through each proxy to vLLM servers with our scheduler that run already: which hints they
count, whether all tokens come. The proxies get environments of their own (helpers/environments.py).
Everything listens on loopback.
"""

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from helpers.environments import environment
from helpers.proxy_probes import NOTHING, Proxy, probe
from helpers.proxy_real import real_rows
from helpers.scripted_vllm import Scripted, scripted
from table import print_table

from andes_backend.command_line import server_url
from andes_backend.lab.bench.server import ServerError, free_port, serve

__all__ = ["COLUMNS", "main"]

VLLM_ROUTER: Final = "0.1.17"
LITELLM: Final = "1.106.12"
PATIENCE_S: Final = 900.0  # until a proxy is ready, on a slow machine


@dataclass(frozen=True)
class Started:
    """A proxy that is ready."""

    url: str
    model: str = "tiny"
    """The name that requests give."""
    key: str = "none"
    """Of its API."""


def direct(urls: Sequence[str], _folder: Path) -> AbstractContextManager[Started]:
    """No proxy: the first server alone."""
    return contextlib.nullcontext(Started(urls[0]))


@contextlib.contextmanager
def vllm_router(urls: Sequence[str], folder: Path) -> Iterator[Started]:
    """vLLM's router, in turn to each server."""
    programs = environment(f"vllm-router-{VLLM_ROUTER}", f"vllm-router=={VLLM_ROUTER}")
    port, metrics = free_port(), free_port()
    # fmt: off
    command = [
        str(programs / "vllm-router"), "--host", "127.0.0.1", "--port", str(port),
        # Else its own metrics take port 29000, of every router on this machine.
        "--prometheus-host", "127.0.0.1", "--prometheus-port", str(metrics),
        "--policy", "round_robin", "--worker-urls", *urls,
    ]
    # fmt: on
    with _running(command, port, folder / "vllm-router.log") as url:
        yield Started(url)


@contextlib.contextmanager
def litellm(urls: Sequence[str], folder: Path, provider: str) -> Iterator[Started]:
    """LiteLLM's proxy, which takes a server at random; with the provider as in `openai/NAME`."""
    programs = environment(f"litellm-{LITELLM}", f"litellm[proxy]=={LITELLM}")
    port, config = free_port(), folder / f"{provider}.json"
    models = [
        {
            "model_name": "tiny",
            "litellm_params": {
                "model": f"{provider}/tiny",
                "api_base": f"{url}/v1",
                "api_key": "none",
            },
        }
        for url in urls
    ]
    key = f"sk-{secrets.token_hex(32)}"  # it does not start without one that is hard to guess
    settings = {"model_list": models, "general_settings": {"master_key": key}}
    config.write_text(json.dumps(settings))  # JSON is YAML
    # It listens on all interfaces unless told otherwise.
    command = [str(programs / "litellm"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--config", str(config), "--num_workers", "1"]
    log, ready = folder / f"litellm-{provider}.log", "/health/liveliness"
    with _running(command, port, log, health=ready) as url:
        yield Started(url, key=key)


def hosted_vllm(urls: Sequence[str], folder: Path) -> AbstractContextManager[Started]:
    """LiteLLM's proxy with its provider for vLLM."""
    return litellm(urls, folder, "hosted_vllm")


def openai(urls: Sequence[str], folder: Path) -> AbstractContextManager[Started]:
    """LiteLLM's proxy with its provider for any compatible server."""
    return litellm(urls, folder, "openai")


@contextlib.contextmanager
def nginx(urls: Sequence[str], folder: Path) -> Iterator[Started]:
    """The nginx that is installed, with its defaults, in turn to each server."""
    port, place = free_port(), folder / "nginx"
    place.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {place}/{kind};" for kind in kinds)
    behind = "".join(f"server {url.removeprefix('http://')};" for url in urls)
    root = "user root;" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(
        f"{root} daemon off; worker_processes 1; pid {place}/pid; error_log {place}/errors;"
        f"events {{}} http {{ access_log off; {temporary} upstream servers {{ {behind} }}"
        f"server {{ listen 127.0.0.1:{port};"
        f"location / {{ proxy_pass http://servers; }} }} }}"
    )
    command = ["nginx", "-c", str(place / "nginx.conf"), "-e", str(place / "errors")]
    with _running(command, port, place / "log") as url:
        yield Started(url)


@contextlib.contextmanager
def _running(
    command: Sequence[str], port: int, log: Path, *, health: str = "/health"
) -> Iterator[str]:
    environment = {
        "PYTHONPATH": "",  # it has an environment of its own
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the network at each start
        "LITELLM_TELEMETRY": "False",
    }
    with serve(
        command,
        port,
        model="tiny",
        log=log,
        environment=environment,
        start_s=PATIENCE_S,
        health=health,
    ) as server:
        yield server.url


Start = Callable[[Sequence[str], Path], AbstractContextManager[Started]]
COLUMNS: Final[Mapping[str, tuple[str, Start]]] = {
    "direct": ("no proxy", direct),
    "vllm-router": (f"vllm-router {VLLM_ROUTER}", vllm_router),
    "litellm": (f"LiteLLM {LITELLM}, `hosted_vllm/`", hosted_vllm),
    "litellm-openai": (f"LiteLLM {LITELLM}, `openai/`", openai),
    "nginx": ("nginx", nginx),
}
"""Name -> the head of its column, and what starts it."""

_PINNED: Final = ("direct", "vllm-router", "litellm", "litellm-openai")


def main() -> int:
    """Draw the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=_names, default=_PINNED, metavar="NAME,...",
                        help=f"{', '.join(COLUMNS)} (default: {','.join(_PINNED)})")  # fmt: skip
    parser.add_argument("--markdown", action="store_true", help="as in docs/proxies.md")
    parser.add_argument("--real", type=_urls, metavar="URL,...", help="servers that run")
    arguments = parser.parse_args()
    chosen = {name: COLUMNS[name] for name in arguments.only}
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = (
                real_rows(dict(chosen.values()), arguments.real, Path(folder))
                if arguments.real
                else _scripted_rows(chosen, Path(folder))
            )
        except (ServerError, subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"a proxy could not be installed, or did not start: {error}", file=sys.stderr)
            return 1
    heads = ("", *(head for head, _ in chosen.values()))
    if arguments.markdown:
        print(_markdown([heads, *rows]))
    else:
        print_table("what passes", heads, rows)
    return 0


def _scripted_rows(chosen: Mapping[str, tuple[str, Start]], folder: Path) -> list[tuple[str, ...]]:
    found = {}
    for name, (_, start) in chosen.items():
        print(name, file=sys.stderr, flush=True)
        found[name] = _probed(start, folder, alone=start is direct)
    return table_rows(list(found.values()))


def _probed(start: Start, folder: Path, *, alone: bool) -> dict[str, str]:
    gate = threading.Semaphore(0)
    with scripted("one", gate) as one, scripted("two", gate) as two:
        servers: Sequence[Scripted] = [one] if alone else [one, two]
        with start([server.url for server in servers], folder) as proxy:
            return probe(Proxy(proxy.url, proxy.model, proxy.key, servers))


def table_rows(found: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    """A row for each thing that was looked at in any column."""
    names = dict.fromkeys(name for column in found for name in column)
    rows = [(name, *(column.get(name, NOTHING) for column in found)) for name in names]
    return [row for row in rows if set(row[1:]) != {NOTHING}]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _urls(text: str) -> tuple[str, ...]:
    return tuple(server_url(one) for one in text.split(","))


def _names(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := [name for name in chosen if name not in COLUMNS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(COLUMNS)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
